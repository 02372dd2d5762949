// What pages do beyond showing themselves: take news in, keep the clock, check a proof.
// Without this script every page still shows and does the same; it is then loaded anew by hand.
"use strict";

const body = document.body;
const said = document.getElementById("news");

function listen(address, hear) {
  if ("SharedWorker" in window) {
    const port = new SharedWorker(body.dataset.worker).port;
    port.onmessage = ({ data }) => hear(data);
    port.postMessage({ address });
    addEventListener("pagehide", () => port.postMessage({ address, leave: true }));
    addEventListener("pageshow", (event) => { if (event.persisted) port.postMessage({ address }); });
    return;
  }
  const source = new EventSource(address);
  source.addEventListener("news", (event) => hear({ news: JSON.parse(event.data) }));
  source.addEventListener("open", () => hear({ lost: false }));
  source.addEventListener("error", () => hear({ lost: true }));
  addEventListener("pagehide", () => source.close());
}

function put(place, fresh) {
  // Nobody's reading or typing is taken from under their hands.
  if (!place || !fresh || place.contains(document.activeElement)) return;
  const open = new Map([...place.querySelectorAll("details")].map((each, i) => [each.id || i, each.open]));
  place.replaceChildren(...fresh.childNodes);
  place.querySelectorAll("details").forEach((each, i) => { each.open = Boolean(open.get(each.id || i)); });
}

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// What a page wants said to who does not look at it: how something stands that they wait for.
const toldNow = () => [...document.querySelectorAll("[data-say]")].map((each) => each.firstChild.textContent.trim().replace(/[:：]$/, "")).join(" ");

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = parse(await answer.text());
  const before = toldNow();
  for (const place of document.querySelectorAll("[data-live]")) put(place, fresh.getElementById(place.id));
  const told = toldNow();
  if (!told || told === before) return;
  said.textContent = told;
  setTimeout(() => { if (said.textContent === told) said.textContent = ""; }, 8000);
}

let wasLost = false;
const seen = {};
let waiting = 0;

function hear({ news, lost }) {
  if (lost !== undefined && lost !== wasLost) {
    wasLost = lost;
    said.textContent = lost ? body.dataset.lost : body.dataset.back;
    if (!lost) setTimeout(() => { if (!wasLost) said.textContent = ""; }, 4000);
  }
  if (!news) return;
  let isWorth = false;
  for (const [name, text] of Object.entries(news)) {
    const panel = document.getElementById(name);
    if (panel && !panel.dataset.live && !document.querySelector("[data-live]")) put(panel, parse(text).body);
    isWorth ||= name in seen && seen[name] !== text && Boolean(document.querySelector(`[data-live~="${CSS.escape(name)}"]`));
    seen[name] = text;
  }
  if (isWorth) { clearTimeout(waiting); waiting = setTimeout(look, 300); }
}

if (body.dataset.stream && (document.querySelector("[data-live]") || document.getElementById("tiles"))) listen(body.dataset.stream, hear);

const clock = document.getElementById("clock");
if (clock) {
  const shown = new Intl.DateTimeFormat("en-GB", { timeZone: clock.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const tick = () => { clock.textContent = shown.format(new Date()); };
  tick();
  setInterval(tick, 1000);
}

const refusal = document.getElementById("refusal");
if (refusal) refusal.focus();

// Single keys press what bears them, where nobody types and unless they are off (WCAG 2.1.4).
const keys = document.getElementById("keys");
const typing = "input:not([type=checkbox]), textarea, select";

function press(event) {
  if (!keys.checked || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches(typing)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const place = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!place) return;
  event.preventDefault();
  if (place.matches(typing)) place.focus(); else place.click();
}

if (keys) {
  const show = () => body.classList.toggle("keyed", keys.checked);
  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => { localStorage.setItem("keys", keys.checked ? "on" : "off"); show(); });
  addEventListener("keydown", press);
  keys.closest("[hidden]").hidden = false;
  show();
}

for (const button of document.querySelectorAll("[data-fill]")) {
  button.addEventListener("click", () => { button.form.elements.text.value = button.dataset.fill; });
  button.closest("[hidden]")?.removeAttribute("hidden");
}

// RFC 9162, 2.1.3.2: from the entry's hash along the path to the root that the checkpoint names.
const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));

async function isProved(entry, proof) {
  const [head, checkpoint] = proof.split("\n\n");
  const [, index, ...path] = head.split("\n").filter((line) => !line.startsWith("extra "));
  const [, size, root] = checkpoint.split("\n");
  let here = BigInt(index.split(" ")[1]);
  let last = BigInt(size) - 1n;
  let found = await hash(new Uint8Array([0]), new TextEncoder().encode(entry));
  for (const each of path.map(bytes)) {
    if (last === 0n) return false;
    if (here & 1n || here === last) {
      found = await hash(new Uint8Array([1]), each, found);
      while (here && !(here & 1n)) { here >>= 1n; last >>= 1n; }
    } else {
      found = await hash(new Uint8Array([1]), found, each);
    }
    here >>= 1n;
    last >>= 1n;
  }
  return last === 0n && btoa(String.fromCharCode(...found)) === root;
}

const proved = document.querySelector("[data-prove]");
if (proved && window.crypto && crypto.subtle) {
  const text = (id) => document.getElementById(id).textContent;
  isProved(text("entry-bytes"), text("entry-proof")).catch(() => false).then((is) => {
    proved.textContent = is ? proved.dataset.good : proved.dataset.bad;
    proved.classList.add(is ? "good" : "late");
    proved.hidden = false;
  });
}
