// The logo up, a backup down, a backup up.
import { renew, say, send } from "/static/staff.js";
const main = document.querySelector("main");
document.getElementById("backup")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/staff/backup", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF": main.dataset.csrf },
      body: JSON.stringify({ passphrase: event.target.querySelector("#passphrase").value }),
    });
    if (!answer.ok) throw new Error((await answer.json()).message);
    const name = answer.headers.get("Content-Disposition").match(/filename="([^"]+)"/)[1];
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await answer.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    event.target.reset();
    say(name);
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
});
document.getElementById("logo")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const value = await send("/staff/logo", form.querySelector("input").files[0]);
    say(value.message, !value.ok);
    form.reset();
    await renew();
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
});
document.getElementById("restore")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const raw = new TextEncoder().encode(form.querySelector("#old-passphrase").value);
  const passphrase = btoa(String.fromCharCode(...raw)).replace(/\+/g, "-").replace(/\//g, "_");
  try {
    const value = await send("/staff/restore", form.querySelector("#file").files[0], { "X-Passphrase": passphrase });
    say(value.message, !value.ok);
    if (value.ok) form.reset();
    await renew();
  } catch (error) {
    say(error.message, true);
  }
});
