// The wizard for a printer: choose or find one, a test slip, a look at the paper, keep it.
import { restart, say, send } from "/static/staff.js";
const $ = (id) => document.getElementById(id);
const words = $("words")?.dataset;
const form = $("wizard");
const paper = (id) => { form.querySelector(`[name=profile][value=${id}]`).checked = true; };
function url() {
  const address = $("address").value.trim();
  if (address) return /^[a-z0-9+]+:\/\//.test(address) ? address : `tcp://${address}${/:\d+$/.test(address) ? "" : ":9100"}`;
  if ($("cloud").value && $("number").value.trim()) return `${$("cloud").value}://${$("number").value.trim()}`;
  return form.elements.found?.value || "";
}
async function busy(button, text, work) {
  button.disabled = true;
  if (text) say(text);
  try {
    return await work();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
}
function forget() { $("seen").hidden = $("keeping").hidden = $("advice").hidden = true; }
form?.addEventListener("input", (event) => {
  if (event.target.id === "name") return;
  forget();
  if (event.target.name === "found") $("address").value = $("number").value = "";
});
$("look")?.addEventListener("click", (event) => busy(event.currentTarget, words.looking, async () => {
  const told = await send("/staff/printer-find", {});
  say(told.message, !told.ok);
  for (const found of told.found) {
    if ([...form.querySelectorAll("[name=found]")].some((input) => input.value === found)) continue;
    const label = Object.assign(document.createElement("label"), { className: "pick" });
    label.append(Object.assign(document.createElement("input"), { type: "radio", name: "found", value: found }), ` ${found.replace(/^tcp:\/\/|:9100$/g, "")}`);
    $("found").append(label);
  }
  if (told.found.length === 1) form.querySelector(`[name=found][value="${told.found[0]}"]`).checked = true;
}));
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  forget();
  if (!url()) return say(words.choose, true);
  busy($("try"), words.printing, async () => {
    const told = await send("/staff/printer-try", { url: url(), profile: form.elements.profile.value });
    say(told.message, !told.ok);
    if (!told.ok) return;
    $("seen").hidden = false;
    $("seen").querySelector("button").focus();
  });
});
function advise(text) {
  $("advice").textContent = text;
  $("advice").hidden = false;
}
$("seen")?.addEventListener("click", (event) => {
  const seen = event.target.dataset?.seen;
  if (!seen) return;
  $("keeping").hidden = seen !== "good";
  $("advice").hidden = true;
  if (seen === "good") return $("keep").focus();
  if (seen === "none") return advise(words.none);
  const now = form.elements.profile.value;
  paper(seen === "width" ? (now === "generic-80" ? "generic-58" : "generic-80") : seen);
  advise(seen === "width" ? words.width : words.safe);
  $("try").focus();
});
$("keep")?.addEventListener("click", (event) => busy(event.currentTarget, "", async () => {
  const told = await send("/staff/printer", { name: $("name").value.trim(), url: url(), profile: form.elements.profile.value });
  if (!told.ok) return say(told.message, true);
  await restart("/staff/devices");
}));
