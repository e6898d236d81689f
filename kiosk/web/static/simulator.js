// The page of simulated devices: what is done here goes the same way as real devices' events.
const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const send = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((r) => r.json());

$("press").onclick = () => send("/simulator/press", { button: "button" });
$("scan").onsubmit = async (event) => {
  event.preventDefault();
  const told = await send("/simulator/scan", { text: $("code").value });
  $("said").textContent = told.message || "";
  $("code").value = "";
  $("code").focus();
};

function show(state) {
  const light = $("light");
  const told = [state.lights.colour, state.lights.pattern].map((word) => words[word] || word).join(" · ");
  light.className = `light ${state.lights.colour} ${state.lights.pattern}`;
  light.setAttribute("aria-label", told);
  $("light-name").textContent = told;
  $("sounds").textContent = state.sounds.slice(-5).join("  ");
  $("log").replaceChildren(
    ...state.log.slice().reverse().map((row) => Object.assign(document.createElement("li"), { textContent: `${row.at.slice(11, 23)} ${row.what} ${row.detail}` })),
  );
  $("no-paper").hidden = state.slips.length > 0;
  const have = new Set([...$("slips").children].map((img) => img.dataset.name));
  for (const name of state.slips) {
    if (have.has(name)) continue;
    const img = Object.assign(document.createElement("img"), { src: `/simulator/slips/${name}`, alt: name });
    img.dataset.name = name;
    $("slips").prepend(img);
  }
}

const source = new EventSource("/simulator/events");
source.onmessage = (event) => show(JSON.parse(event.data));
