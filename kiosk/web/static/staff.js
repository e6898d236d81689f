// The staff console. Every change carries the session's token.
const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const csrf = document.querySelector("main").dataset.csrf;
async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: JSON.stringify(body || {}),
  });
  if (answer.status === 401) location.reload();
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.message || words.failed);
  return value;
}
function tell(kind, title, detail) {
  const box = $("result");
  const icon = { confirmed: "confirmed", offline: "accepted", refused: "refused" }[kind] || "unknown";
  box.replaceChildren(document.querySelector(`[data-icon="${icon}"]`).firstElementChild.cloneNode(true));
  const text = document.createElement("div");
  text.append(Object.assign(document.createElement("strong"), { textContent: title }), detail || "");
  box.append(text);
  box.className = kind;
  box.hidden = false;
}
function fen(text) {
  const plain = text.trim().replace(/^[¥￥]/, "");
  if (!plain) return null;
  if (!/^\d{1,7}(\.\d{1,2})?$/.test(plain)) return NaN;
  const [whole, part = ""] = plain.split(".");
  return Number(whole) * 100 + Number((part + "00").slice(0, 2));
}
$("redeem").onsubmit = async (event) => {
  event.preventDefault();
  const total = fen($("total").value);
  if (Number.isNaN(total)) return tell("unknown", words.failed, $("total").value);
  const body = { code: $("code").value };
  if (total !== null) body.total = total;
  try {
    const told = await send("/staff/redeem", body);
    tell(told.verdict, told.message, told.hint);
    $("code").value = "";
    $("total").value = "";
  } catch (error) {
    tell("unknown", error.message, "");
  }
  $("code").focus();
};
document.querySelector("main").onclick = async (event) => {
  const button = event.target.closest("button");
  if (!button || button.form) return;
  button.disabled = true;
  try {
    const d = button.dataset;
    const told = d.undo ? await send("/staff/rollback", { rid: d.undo })
      : d.reprint ? await send("/staff/reprint", { job: d.reprint })
      : d.settle ? await send("/staff/settle", { job: d.settle })
      : await send(`/staff/${d.do}`);
    tell(told.ok === false ? "refused" : "confirmed", told.message || words.done, "");
  } catch (error) {
    tell("unknown", error.message, "");
  }
  button.disabled = false;
};
$("poster").onsubmit = async (event) => {
  event.preventDefault();
  const box = $("poster-result");
  box.textContent = words.making;
  try {
    const told = await send("/staff/poster", { template: $("template").value, look: $("look").value });
    const picture = Object.assign(document.createElement("img"), { src: told.preview, alt: "" });
    const link = Object.assign(document.createElement("a"), { href: told.pdf, textContent: words.open, className: "button" });
    box.replaceChildren(picture, link);
    for (const note of told.findings) box.append(Object.assign(document.createElement("p"), { textContent: note }));
  } catch (error) {
    box.textContent = error.message;
  }
};
