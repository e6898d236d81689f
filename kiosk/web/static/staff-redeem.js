// The first page: a code, a total where the batch has a threshold, an answer that claims no more than there is.
import { renew, say, send } from "/static/staff.js";
const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const code = $("code"), total = $("total"), go = $("go"), box = $("answer"), undo = $("undo");
let request = null, requested = "", asked = "", busy = false, last = "";
const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
function fen(text) {
  const plain = text.trim().replace(/^[¥￥]/, "").replace(/[,，]/g, "");
  if (!plain) return null;
  if (!/^\d{1,7}(\.\d{1,2})?$/.test(plain)) return NaN;
  const [whole, part = ""] = plain.split(".");
  return Number(whole) * 100 + Number((part + "00").slice(0, 2));
}
function show(kind, title, { why = "", check = "", offer = "" } = {}) {
  const icon = { confirmed: "confirmed", offline: "accepted", refused: "refused" }[kind] || "unknown";
  box.querySelector(".shape").replaceChildren(document.querySelector(`[data-icon="${icon}"]`).firstElementChild.cloneNode(true));
  for (const [name, text] of Object.entries({ title, why, check, offer })) box.querySelector(`.${name}`).textContent = text;
  box.className = `answer ${kind}`;
  box.hidden = false;
  box.scrollIntoView({ block: "nearest" });
}
function begin() {
  request = null;
  asked = "";
  $("ask-total").hidden = true;
  total.required = false;
  total.value = "";
}
function askTotal(look, must) {
  $("asked").textContent = [look.batch, look.offer].filter(Boolean).join(" · ");
  $("total-help").textContent = must ? $("total-help").dataset.must : $("total-help").dataset.may;
  total.required = must;
  $("ask-total").hidden = false;
  asked = code.value;
  total.focus();
}
code.addEventListener("input", () => { if (asked && code.value !== asked) begin(); });
$("redeem").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy) return;
  const text = code.value.trim();
  const sum = $("ask-total").hidden ? null : fen(total.value);
  if (Number.isNaN(sum)) return say(words.amount, true);
  say("");
  busy = go.disabled = true;
  go.textContent = words.busy;
  try {
    if (asked !== code.value) {
      const look = await send("/staff/look", { code: text });
      if (look.total !== "no") return askTotal(look, look.total === "needed");
    }
    // Kept for the same code alone: after an answer that was lost, another code is another redemption.
    if (requested !== text) request = null;
    requested = text;
    request ??= fresh();
    const body = { code: text, request_no: request };
    if (sum !== null) body.total = sum;
    const value = await send("/staff/redeem", body);
    show(value.verdict, value.title, value);
    last = value.rid;
    if (undo) undo.hidden = !["confirmed", "offline"].includes(value.verdict);
    request = null;
    if (["total_required", "below_threshold"].includes(value.reason)) return askTotal({ batch: value.offer }, true);
    begin();
    code.value = "";
    code.focus();
    renew();
  } catch (error) {
    show("unknown", words.uncertain, { why: error.gone ? words.retry : error.message });
    if (!error.gone) request = null;
  } finally {
    busy = go.disabled = false;
    go.textContent = words.go;
  }
});
undo?.addEventListener("click", async () => {
  if (!confirm(words.sure)) return;
  try {
    const value = await send("/staff/rollback", { rid: last });
    say(value.message, !value.ok);
    if (value.ok) box.hidden = true;
    renew();
  } catch (error) {
    say(error.message, true);
  }
});
// The camera: only when somebody taps, let go as soon as a code is read. Where no browser gives one, a photo does.
let live = null;
function stop() {
  live?.getTracks().forEach((track) => track.stop());
  live = null;
  $("viewer").hidden = true;
  $("camera").setAttribute("aria-expanded", "false");
}
function cannot(why) {
  $("no-camera").dataset.why = why;
  $("no-camera").hidden = false;
}
function take(text) {
  begin();
  code.value = text;
  $("redeem").requestSubmit();
}
$("camera").addEventListener("click", async () => {
  if (live) return stop();
  say("");
  $("no-camera").hidden = true;
  if (!isSecureContext || !navigator.mediaDevices) {
    cannot("insecure");
    return $("photo").click();
  }
  try {
    live = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  } catch {
    return cannot("denied");
  }
  const mine = live;
  $("video").srcObject = live;
  $("viewer").hidden = false;
  $("camera").setAttribute("aria-expanded", "true");
  try {
    await $("video").play();
    const { watch } = await import("/static/staff-camera.js");
    const text = await watch($("video"), () => live === mine);
    if (live !== mine) return;
    stop();
    if (text) take(text);
  } catch (error) {
    if (live === mine) stop();
    say(error.message, true);
  }
});
$("take-photo").addEventListener("click", () => $("photo").click());
$("photo").addEventListener("change", async () => {
  const [file] = $("photo").files;
  if (!file) return;
  say(words.reading);
  try {
    const { photo } = await import("/static/staff-camera.js");
    const text = await photo(file);
    say(text ? "" : words.nothing, true);
    if (text) take(text);
  } catch (error) {
    say(error.message, true);
  }
  $("photo").value = "";
});
addEventListener("pagehide", stop);
code.focus();
