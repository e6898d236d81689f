// The page of simulated devices: what is done here goes the same way as real devices' events.
const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const send = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((r) => r.json());
const on = (id, kind, act) => $(id)?.addEventListener(kind, act); // a kiosk may have no such device

on("press", "click", () => send("/simulator/press", { button: "button" }));
on("scan", "submit", async (event) => {
  event.preventDefault();
  const told = await send("/simulator/scan", { text: $("code").value });
  $("said").textContent = told.message || told.error?.message || "";
  $("code").value = "";
  $("code").focus();
});
for (const till of document.querySelectorAll(".till")) {
  till.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const total = Math.round(Number(till.querySelector("input").value) * 100); // fen
    send("/simulator/basket", { till: till.dataset.till, total });
  });
}
const rows = [...document.querySelectorAll(".devices li")];
for (const row of rows) {
  const device = row.dataset.key;
  row.querySelector("select").addEventListener("change", (event) => send("/simulator/fault", { device, fault: event.target.value }));
  for (const button of row.querySelectorAll("[data-act]")) button.addEventListener("click", () => send("/simulator/act", { device, act: button.dataset.act }));
}

function shown(device) {
  if (device.kind === "till") return ""; // its own card has it
  if (device.kind === "drawer") return words.opened.replace("{n}", device.shows);
  if (device.kind === "lights") return [...new Set(device.shows.split(" "))].map((word) => words[word] || word).join(" · ");
  if (device.kind === "presence") return words[device.shows] || device.shows;
  return device.shows;
}

function showDevices(devices) {
  for (const row of rows) {
    const device = devices[row.dataset.key];
    row.dataset.state = device.state;
    row.querySelector(".shows").textContent = shown(device);
    row.querySelector(".detail").textContent = device.state === "ok" ? "" : device.detail;
    const select = row.querySelector("select");
    if (document.activeElement !== select) select.value = device.fault;
  }
  for (const till of document.querySelectorAll(".till")) till.querySelector(".shows").textContent = devices[`till:${till.dataset.till}`].shows;
}

function showLight(lights) {
  const light = $("light");
  if (!light) return;
  light.className = `light ${lights.colour} ${lights.pattern}`;
  light.setAttribute("aria-label", [lights.colour, lights.pattern].map((word) => words[word] || word).join(" · "));
}

function show(state) {
  showDevices(state.devices);
  showLight(state.lights);
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
