// What every page of the console shares: changes with the session's token, answers in words, live parts.
const main = document.querySelector("main");
const told = document.getElementById("told");
export async function send(path, body, more = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": body instanceof Blob ? "application/octet-stream" : "application/json", "X-CSRF": main.dataset.csrf, ...more },
      body: body instanceof Blob ? body : JSON.stringify(body || {}),
    });
  } catch {
    throw Object.assign(new Error(main.dataset.gone), { gone: true });
  }
  if (answer.status === 401) location.reload();
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(value.message || main.dataset.failed), { code: value.error });
  return value;
}
export function say(text, bad) {
  told.textContent = text;
  told.className = bad ? "told bad" : "told";
  told.hidden = !text;
}
// Fetch this page again and put its live parts in place; what somebody types in, or has the focus in, stays.
let again = false, running = false;
export async function renew() {
  if (running) return void (again = true);
  running = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!fresh.getElementById("main")) return location.reload();
    for (const font of fresh.querySelectorAll("link[href^='/ui/font/']")) {
      if (!document.querySelector(`link[href="${font.getAttribute("href")}"]`)) document.head.prepend(document.adoptNode(font));
    }
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!next || part.innerHTML === next.innerHTML) continue;
      if (part.contains(document.activeElement) && document.activeElement.matches("input, select")) continue;
      const at = [...part.querySelectorAll("button, a")].indexOf(document.activeElement);
      part.replaceWith(document.adoptNode(next));
      if (at >= 0) next.querySelectorAll("button, a")[at]?.focus();
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the kiosk is away: the stream comes back by itself and asks again
  } finally {
    running = false;
    if (again) { again = false; renew(); }
  }
}
async function act(button, path, body) {
  const sure = button?.dataset.sure;
  if (sure && !confirm(sure)) return;
  if (button) button.disabled = true;
  try {
    const value = await send(path, body);
    say(value.message || "", value.ok === false);
    if (value.to) location.href = value.to;
    await renew();
    return value.ok !== false;
  } catch (error) {
    say(error.message, true);
  } finally {
    if (button) button.disabled = false;
  }
}
// Restart the kiosk, wait until it has gone and come back, then go on.
export async function restart(to) {
  const value = await send("/staff/restart", {});
  say(value.message, value.ok === false);
  if (value.ok === false) return;
  const there = () => fetch("/healthz", { cache: "no-store" }).then((a) => a.ok, () => false);
  const wait = (ms) => new Promise((next) => setTimeout(next, ms));
  for (let n = 0; n < 20 && (await there()); n++) await wait(100);
  for (let n = 0; n < 120; n++, await wait(250)) if (await there()) return void (location.href = to);
  say(main.dataset.back, true);
}
main.addEventListener("click", (event) => {
  const anew = event.target.closest("[data-again]");
  if (anew) {
    anew.disabled = true;
    restart(location.href).catch((error) => { say(error.message, true); anew.disabled = false; });
  }
  const button = event.target.closest("button[data-post]");
  if (button) act(button, button.dataset.post, JSON.parse(button.dataset.body || "{}"));
});
main.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.post) return;
  event.preventDefault();
  const body = {};
  for (const field of form.elements) {
    if (!field.name || (field.type === "radio" && !field.checked)) continue;
    const value = field.type === "number" ? Number(field.value) : field.type === "checkbox" ? field.checked : field.value;
    const [name, key] = field.name.split(".");
    if (key) (body[name] ??= {})[key] = value;
    else body[name] = value;
  }
  const well = await act(form.querySelector("button:not([type=button])"), form.dataset.post, body);
  if (well && form.dataset.clear !== undefined) form.reset();
});
// The browser reconnects by itself; until then the chip says that nobody answers.
const hub = document.getElementById("hub");
function cloud(state) {
  hub.textContent = state === "ok" ? hub.dataset.ok : state === "none" ? hub.dataset.none : hub.dataset.away;
  hub.className = state === "ok" ? "chip ok" : "chip unknown";
}
const stream = new EventSource("/staff/events");
let first = true;
stream.onmessage = (event) => {
  const value = JSON.parse(event.data);
  if (value.over) return location.reload();
  cloud(value.hub);
  if (!first) renew();
  first = false;
};
stream.onerror = () => { hub.textContent = main.dataset.gone; hub.className = "chip no"; };
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
