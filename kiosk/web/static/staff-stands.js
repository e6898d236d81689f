// Stands: pictures of the look that is chosen, a live preview of what is written, then the PDF, printed or sent.
import { say, send } from "/static/staff.js";
const $ = (id) => document.getElementById(id);
const form = $("poster"), box = $("poster-result"), words = $("words")?.dataset;
const OWN = ["headline", "subline", "phone"], OFFER = ["amount", "until"];
let turn = 0, drawn = 0, waiting = 0, working = false;
const chosen = () => form.querySelector("[name=template]:checked");
function written() {
  const names = chosen().dataset.offer === undefined ? OWN : OFFER;
  return Object.fromEntries(names.map((name) => [name, form.elements[name].value.trim()]));
}
async function pictures() {
  const mine = ++turn;
  const look = form.elements.look.value;
  for (const image of form.querySelectorAll("img[data-template]")) {
    if (mine !== turn) return;
    while (working) await new Promise((next) => setTimeout(next, 100)); // one worker makes them all: the preview goes first
    await new Promise((next) => {
      image.onload = image.onerror = next;
      image.loading = "eager";
      image.src = `/staff/preview/${image.dataset.template}.${look}.png`;
    });
    if (image.dataset.template === chosen().value && !$("live").getAttribute("src")) $("live").src = image.src;
  }
}
// The preview of the one that is chosen, with what is written; what cannot be made says why, in words.
async function live() {
  const mine = ++drawn;
  const query = new URLSearchParams([["large", "1"], ...Object.entries(written()).filter(([, value]) => value)]);
  const address = `/staff/preview/${chosen().value}.${form.elements.look.value}.png?${query}`;
  $("live-told").textContent = words.drawing;
  working = true;
  try {
    const answer = await fetch(address);
    if (mine !== drawn) return;
    if (!answer.ok) throw new Error((await answer.json()).message);
    await answer.arrayBuffer(); // from here on it is in the browser's cache
    $("live").src = address;
    $("live-told").textContent = "";
  } catch (error) {
    if (mine === drawn) $("live-told").textContent = error.message;
  } finally {
    if (mine === drawn) working = false;
  }
}
function fit() {
  const offer = chosen().dataset.offer !== undefined;
  $("offer").hidden = !offer;
  $("own").hidden = offer;
}
form?.addEventListener("change", (event) => {
  if (event.target.id === "from-batch") {
    form.elements.amount.value = event.target.value;
    form.elements.until.value = event.target.selectedOptions[0].dataset.until;
  }
  if (event.target.name === "profile") return;
  fit();
  live();
  if (event.target.name === "look") pictures();
});
form?.addEventListener("input", (event) => {
  if (!OWN.includes(event.target.name) && !OFFER.includes(event.target.name)) return;
  clearTimeout(waiting);
  waiting = setTimeout(live, 500);
});
function element(name, more) { return Object.assign(document.createElement(name), more); }
// A phone shares the files themselves; elsewhere the mail opens with its text, and the PDF is downloaded to be attached.
async function sender(told) {
  const files = await Promise.all([told.pdf, told.preview].map(async (path) => {
    const blob = await (await fetch(path)).blob();
    return new File([blob], path.split("/").pop(), { type: blob.type });
  }));
  if (navigator.canShare?.({ files })) {
    const button = element("button", { type: "button", className: "button quiet", textContent: words.share });
    button.addEventListener("click", () => navigator.share({ files, title: told.mail.subject, text: told.mail.body })
      .catch((error) => { if (error.name !== "AbortError") say(error.message, true); }));
    return button;
  }
  const address = `mailto:?subject=${encodeURIComponent(told.mail.subject)}&body=${encodeURIComponent(told.mail.body)}`;
  const link = element("a", { href: address, className: "button quiet", textContent: words.mail, id: "mail" });
  link.addEventListener("click", () => {
    element("a", { href: told.pdf, download: told.pdf.split("/").pop() }).click();
    say(words.attach);
  });
  return link;
}
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  make(false);
});
// `fresh`: as a new revision, where this material was printed with another link; only who has read why sees that button.
async function make(fresh) {
  const button = form.querySelector("button");
  button.disabled = true;
  box.hidden = false;
  box.textContent = words.making;
  try {
    const told = await send("/staff/poster", {
      template: chosen().value, look: form.elements.look.value, profile: form.elements.profile.value, fresh, ...written(),
    });
    const row = element("div", { className: "row" });
    row.append(
      element("a", { href: told.pdf, textContent: words.open, className: "button", target: "_blank", rel: "noopener" }),
      element("a", { href: told.preview, textContent: words.proof, className: "button quiet", download: "" }),
      await sender(told),
    );
    box.replaceChildren(element("p", { textContent: told.message }), element("img", { src: `${told.preview}?${Date.now()}`, alt: "" }), row);
    if (told.findings.length) box.append(element("strong", { textContent: words.notes }));
    for (const note of told.findings) box.append(element("p", { textContent: note }));
    box.append($("office").content.cloneNode(true));
    box.querySelector("#office-print")?.addEventListener("submit", (print) => {
      print.preventDefault();
      hand(told.name, print.target.querySelector("button"));
    });
  } catch (error) {
    box.replaceChildren(element("p", { textContent: error.message }));
    if (error.code === "second_link") {
      const again = element("button", { type: "button", className: "button", textContent: words.fresh });
      again.addEventListener("click", () => make(true));
      box.append(again);
    }
  }
  button.disabled = false;
  box.scrollIntoView({ block: "nearest" });
}
async function hand(name, button) {
  button.disabled = true;
  try {
    const value = await send("/staff/office-print", { name, queue: $("queue").value, copies: Number($("copies").value) });
    say(value.message, !value.ok);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
}
if (form) {
  fit();
  pictures();
}
