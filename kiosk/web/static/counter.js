// The counter page: applies whole views, the newest wins; draws the QR and proves what it has drawn.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;
const COLOURS = ["--panel", "--panel-deep", "--on-brand", "--brand", "--brand-deep", "--tint"];
const first = JSON.parse($("first").textContent);
let view = first;
let applied = 0;
let frame = 0;
let drawn = "";
const mine = new URLSearchParams(location.search).get("page") || ""; // the name that the keeper of the screen gave this page
const load = Array.from(crypto.getRandomValues(new Uint8Array(9)), (n) => n.toString(16)).join("");

function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

function drawCode(qr) {
  const svg = $("qr");
  const key = qr ? qr.sha256 : "";
  if (key === drawn) return;
  drawn = key;
  svg.replaceChildren();
  if (!qr) return;
  const side = qr.modules.length + 2 * QUIET;
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  svg.setAttribute("aria-label", qr.payload);
  let d = "";
  qr.modules.forEach((row, y) => {
    for (const run of row.matchAll(/1+/g)) d += `M${run.index + QUIET} ${y + QUIET}h${run[0].length}v1h-${run[0].length}z`;
  });
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", d);
  svg.append(path);
}

function element(tag, name, value) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (value !== undefined) node.textContent = value;
  return node;
}

function yuan(fen) {
  return String(fen / 100);
}

function ticket(batch, words) {
  const node = element("article", "ticket");
  node.dataset.stock = batch.stock_id;
  const worth = element("div", "worth");
  if (batch.kind === "exchange") {
    worth.classList.add("word");
    worth.append(element("span", "", batch.offer));
  } else {
    worth.append(element("span", "sign", "￥"), element("span", "", yuan(batch.value)));
  }
  const what = element("div", "what");
  what.append(element("p", "offer", batch.kind === "exchange" ? batch.name : batch.offer));
  const how = batch.product === "cash_voucher" ? words.at_payment : words.at_till;
  what.append(element("p", "when", `${batch.period} · ${how}`));
  if (batch.left !== null) what.append(element("p", "left", words.left.replace("{n}", batch.left)));
  node.append(worth, what);
  return node;
}

const page = { at: 0, key: "" };
const broken = new Set(); // what cannot be shown loses its turn; an address changes with its file
// The merchant's own pictures and clips stand between the coupons, never in place of the code.
function slide(picture) {
  const node = element(picture.clip ? "video" : "img", "picture");
  node.onerror = () => { broken.add(picture.url); drawOffers(); };
  node.src = picture.url;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches; // then a clip shows its first picture
  if (picture.clip) Object.assign(node, { muted: true, autoplay: !still, loop: true, playsInline: true });
  else node.alt = "";
  return node;
}

function fitting() {
  const box = $("offers");
  const unit = Math.min(innerWidth, innerHeight) / 100;
  const room = box.clientHeight - parseFloat(getComputedStyle(box).paddingTop);
  return Math.max(1, Math.floor((room + 2.4 * unit) / (19.4 * unit))); // a ticket of 17 and a gap of 2.4
}

function drawOffers() {
  const batches = view.batches;
  const room = fitting();
  const pages = Math.max(1, Math.ceil(batches.length / room));
  const pictures = view.pictures.filter((one) => !broken.has(one.url));
  page.at %= pages + pictures.length;
  const picture = pictures[page.at - pages];
  const shown = picture ? picture : batches.slice(page.at * room, (page.at + 1) * room);
  const key = JSON.stringify([shown, view.words.left, view.locale]);
  if (key === page.key) return;
  page.key = key;
  const nodes = picture ? [slide(picture)] : shown.map((batch) => ticket(batch, view.words));
  $("offers").replaceChildren(...(nodes.length ? nodes : [element("p", "none", view.words.none)]));
}

function drawOutcome(outcome) {
  const box = $("outcome");
  box.hidden = !outcome;
  if (!outcome) return;
  const kind = outcome.kind === "busy" ? "retry" : outcome.kind;
  if (box.dataset.id !== outcome.id || box.dataset.kind !== outcome.kind) {
    const icon = document.querySelector(`[data-icon="${kind}"]`) || document.querySelector('[data-icon="info"]');
    $("outcome-shape").replaceChildren(icon.firstElementChild.cloneNode(true));
  }
  box.dataset.kind = outcome.kind;
  box.dataset.id = outcome.id;
  text($("outcome-title"), outcome.title);
  text($("outcome-detail"), outcome.detail);
  text($("outcome-hint"), outcome.hint);
}

function stateText() {
  if (view.status.hub === "pending") return view.words.pending;
  if (view.status.hub === "revoked") return view.words.revoked;
  if (view.status.hub === "starting") return view.words.starting;
  if (view.status.hub === "offline") return view.words.offline;
  return "";
}

// A compositor's screenshot may hold only what was drawn lately, over an old picture (cage 0.1.4 with wlroots 0.15: the browser's
// buffers go straight to the display, and what is put together for a screenshot is damaged too little). So for 3 s every frame
// draws the whole page: something below all of it changes by less than an eye sees.
const REPAINT_MS = 3000;
function repaint() {
  const below = $("below");
  const end = performance.now() + REPAINT_MS;
  const step = () => {
    below.hidden = !below.hidden || performance.now() > end;
    if (performance.now() < end) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function apply(next) {
  if (mine && next.repaint !== view.repaint) repaint();
  view = next;
  document.documentElement.dataset.look = view.look;
  document.documentElement.lang = view.locale === "en" ? "en" : "zh-CN";
  for (const name of COLOURS) {
    if (view.colours[name]) document.documentElement.style.setProperty(name, view.colours[name]);
    else document.documentElement.style.removeProperty(name);
  }
  const logo = $("logo");
  if (!view.logo) logo.hidden = true;
  else if (logo.getAttribute("src") !== view.logo) logo.src = view.logo;
  $("asleep").hidden = view.open;
  document.body.dataset.rest = view.rest;
  text($("merchant"), view.merchant.name);
  text($("store"), view.store.name);
  text($("hours"), view.shop.hours);
  text($("notice"), view.shop.notice);
  text($("scan"), view.words.scan);
  text($("slip-text"), view.slip.text);
  $("slip").hidden = !view.slip.text;
  text($("state"), stateText());
  drawCode(view.qr);
  drawOffers();
  drawOutcome(view.outcome);
  applied = view.seq;
  document.body.dataset.seq = String(applied);
}

// New texts may need glyphs that the page does not have yet: their font is loaded first.
let fontCss = "";
let applying = Promise.resolve();
async function take(next) {
  if (next.font && next.font !== fontCss && fontCss) {
    await new Promise((done) => {
      const link = element("link");
      link.rel = "stylesheet";
      link.href = next.font;
      link.onload = link.onerror = done;
      document.head.append(link);
      const links = document.head.querySelectorAll('link[href^="/ui/font/"]');
      if (links.length > 3) links[1].remove();
    });
    const sample = JSON.stringify(next);
    await Promise.race([
      Promise.all(["400", "700", "900"].map((w) => document.fonts.load(`${w} 20px "Kiosk Sans"`, sample))),
      new Promise((done) => setTimeout(done, 400)),
    ]);
  }
  fontCss = next.font || fontCss;
  if (next.seq >= applied) apply(next);
}

function listen() {
  const source = new EventSource("/api/v1/counter/events");
  source.onmessage = (event) => {
    const next = JSON.parse(event.data);
    if (next.reload !== first.reload) return location.reload(); // what is on the glass is not what was ordered
    if (applied > next.seq) applied = 0; // the daemon has started anew and counts from one
    applying = applying.then(() => take(next)).catch((error) => console.error(error));
  };
  source.onerror = () => {
    text($("state"), view.words.gone);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}

// Whether the code is in sight: nothing of the page over it, neither transparent nor moved off the glass (Intersection Observer,
// version 2). In a frame, on the page of simulated devices, it may well be scrolled away.
function inSight(svg) {
  if (!svg || parent !== window) return Promise.resolve(Boolean(svg));
  return new Promise((done) => {
    const watcher = new IntersectionObserver(([entry]) => {
      watcher.disconnect();
      const large = entry.boundingClientRect.width >= 2 * svg.viewBox.baseVal.width; // two pixels a module, or no phone reads it
      done(large && entry.intersectionRatio > 0.99 && entry.isVisible !== false);
    }, { trackVisibility: true, delay: 100 });
    watcher.observe(svg);
  });
}

// Proof: read the modules back from the pixels that the drawn SVG gives, in the colours that it has on the page.
async function modulesOf(svg) {
  const side = (svg && svg.viewBox.baseVal && svg.viewBox.baseVal.width) || 2 * QUIET + 1; // a code that is gone reads as white
  const scale = 3;
  const picture = new Image();
  const clone = svg ? svg.cloneNode(true) : document.createElementNS(SVG, "svg");
  clone.setAttribute("xmlns", SVG);
  clone.setAttribute("width", side * scale);
  clone.setAttribute("height", side * scale);
  const path = svg && svg.querySelector("path");
  if (path) clone.querySelector("path").setAttribute("fill", getComputedStyle(path).fill);
  picture.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(clone));
  await picture.decode();
  const canvas = element("canvas");
  canvas.width = canvas.height = side * scale;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = svg ? getComputedStyle(svg.parentElement).backgroundColor : "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0);
  const dots = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const size = side - 2 * QUIET;
  let bits = "";
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = (((y + QUIET) * scale + 1) * canvas.width + (x + QUIET) * scale + 1) * 4;
      bits += dots[at] < 128 ? "1" : "0";
    }
  }
  return bits;
}

function ordered() {
  return document.visibilityState === "visible" && $("outcome").hidden && $("asleep").hidden;
}

let proving = false; // where no frame comes, the last proof waits for it: silence is noticed, too
async function proof() {
  if (!view.qr || proving) return;
  proving = true;
  try {
    const svg = $("qr");
    const begun = applied;
    const covered = ordered() && !(await inSight(svg)) && applied === begun; // a code that is covered reads as nothing
    const bits = covered ? "" : await modulesOf(svg);
    const answer = await fetch("/api/v1/counter/proof", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ seq: applied, bits, frame, visible: ordered(), page: mine, load }),
      signal: AbortSignal.timeout(4000),
    });
    const told = answer.ok ? await answer.json() : null;
    if (told && told.reload !== first.reload) location.reload(); // also where the stream of views is dead
  } finally {
    proving = false;
  }
}

function tick() {
  frame += 1;
  requestAnimationFrame(tick);
}

// A logo is there once it can be shown: one that is broken leaves no hole.
$("logo").onload = () => { $("logo").hidden = !view.logo; };
$("logo").onerror = () => { $("logo").hidden = true; };

apply(view);
fontCss = document.head.querySelector('link[href^="/ui/font/"]').getAttribute("href");
listen();
requestAnimationFrame(tick);
setInterval(() => proof().catch(() => {}), 5000);
setTimeout(() => proof().catch(() => {}), 800);
setInterval(() => { page.at += 1; drawOffers(); }, 8000);
addEventListener("resize", drawOffers);

// Against burn-in the whole page wanders, half a unit each minute, around its place.
const PATH = [[0, 0], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];
let wandered = 0;
setInterval(() => {
  wandered = (wandered + 1) % PATH.length;
  const [x, y] = PATH[wandered];
  $("counter").style.setProperty("translate", `calc(${x} * 0.5vmin) calc(${y} * 0.5vmin)`);
}, 60000);
