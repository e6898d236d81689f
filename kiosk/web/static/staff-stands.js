// Stands and posters: pictures of the look that is chosen, one after the other; then the PDF.
import { send } from "/static/staff.js";
const form = document.getElementById("poster");
const box = document.getElementById("poster-result");
const words = document.getElementById("words")?.dataset;
let turn = 0;
async function pictures() {
  const mine = ++turn;
  const look = form.elements.look.value;
  for (const image of form.querySelectorAll("img[data-template]")) {
    if (mine !== turn) return;
    await new Promise((next) => {
      image.onload = image.onerror = next;
      image.loading = "eager";
      image.src = `/staff/preview/${image.dataset.template}.${look}.png`;
    });
  }
}
function element(name, more) { return Object.assign(document.createElement(name), more); }
form?.addEventListener("change", (event) => { if (event.target.name === "look") pictures(); });
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  box.hidden = false;
  box.textContent = words.making;
  try {
    const told = await send("/staff/poster", {
      template: form.elements.template.value, look: form.elements.look.value, profile: form.elements.profile.value,
      headline: form.elements.headline.value, subline: form.elements.subline.value, phone: form.elements.phone.value,
    });
    const row = element("div", { className: "row" });
    row.append(
      element("a", { href: told.pdf, textContent: words.open, className: "button", target: "_blank", rel: "noopener" }),
      element("a", { href: told.preview, textContent: words.proof, className: "button quiet", download: "" }),
    );
    box.replaceChildren(element("p", { textContent: told.message }), element("img", { src: `${told.preview}?${Date.now()}`, alt: "" }), row);
    if (told.findings.length) box.append(element("strong", { textContent: words.notes }));
    for (const note of told.findings) box.append(element("p", { textContent: note }));
  } catch (error) {
    box.textContent = error.message;
  }
  button.disabled = false;
  box.scrollIntoView({ block: "nearest" });
});
if (form) pictures();
