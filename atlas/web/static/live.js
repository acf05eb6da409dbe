// A page follows one question as it is told, and asks after the others now and then; without this it only asks.
//
// The server renders every part; an event says that there is a newer one. htmx polls as the markup says; while a stream
// speaks, its polls are held back to one in SLOW. A page that is not looked at follows nothing.

const SLOW = 5_000; // ms between two polls of what a stream, or nobody, tells
const AGAIN = 30_000; // ms after which a stream that was refused is tried again
const PATIENCE = 2_000; // ms that a newer part waits for its pictures

let source = null;
let followed = ""; // the address of what is followed
let speaks = false;
let refusedUntil = 0;
let told = ""; // its state, as last told
const asked = new Map(); // address of a part -> when it was last asked for
const states = new Map(); // id of a part -> what was last said of it

const said = document.createElement("p");
said.className = "unseen";
said.setAttribute("role", "status");

const open = () => [...document.querySelectorAll("[data-events]")];
const ofAddress = (address) => open().filter((part) => part.dataset.events === address);

// What is computed, else what has waited longest: lists show the newest first.
const first = (parts) => parts.find((part) => part.dataset.state === "running") ?? parts.at(-1);

function stop() {
  source?.close();
  source = null;
  followed = "";
  speaks = false;
}

function follow() {
  const part = first(open());
  if (!part || document.hidden || !window.EventSource || Date.now() < refusedUntil) return stop();
  const kept = ofAddress(followed)[0];
  // One that waits is left for one that is computed.
  if (source && kept && (kept === part || part.dataset.state !== "running")) return;
  stop();
  followed = part.dataset.events;
  told = "";
  source = new EventSource(followed);
  source.addEventListener("progress", hear);
  source.addEventListener("end", hear);
  source.addEventListener("error", lose);
}

async function hear(event) {
  const address = followed;
  speaks = true;
  const now = JSON.parse(event.data);
  if (event.type === "end") stop();
  const state = `${now.state} ${now.generation}`;
  const parts = ofAddress(address).filter((part) => part.dataset.tells !== "states" || (told && state !== told));
  told = state;
  if (!parts.length) return;
  await Promise.race([Promise.all(now.pictures.map(loaded)), new Promise((done) => setTimeout(done, PATIENCE))]);
  for (const part of ofAddress(address)) if (parts.some((one) => one.id === part.id)) window.htmx?.trigger(part, "told");
}

// So that a newer picture stands where the older one stood, and nothing is blank between them.
function loaded(address) {
  const image = new Image();
  image.src = address;
  return image.decode().catch(() => {});
}

function lose() {
  speaks = false; // polls go on at once; an EventSource that was only cut off comes back by itself
  if (source?.readyState !== EventSource.CLOSED) return;
  stop();
  refusedUntil = Date.now() + AGAIN;
  setTimeout(follow, AGAIN + 1);
}

function holdBack(event) {
  const part = event.target;
  if (!(part instanceof Element) || !part.dataset.events) return;
  const address = part.getAttribute("hx-get");
  const early = Date.now() - (asked.get(address) ?? 0) < SLOW;
  if (speaks && early && event.detail.requestConfig.triggeringEvent?.type !== "told") return event.preventDefault();
  asked.set(address, Date.now());
}

// What grows above a field somebody is in moves it nowhere.
function hold(event) {
  const field = document.activeElement;
  const below = field && event.target.compareDocumentPosition?.(field) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (!below || event.target.contains(field)) return;
  const before = field.getBoundingClientRect().top;
  const back = () => window.scrollBy({ top: field.getBoundingClientRect().top - before, behavior: "instant" });
  // Only once it has settled does a new part have its own classes.
  for (const moment of ["htmx:afterSwap", "htmx:afterSettle"]) document.addEventListener(moment, back, { once: true });
}

// Steps are not announced, only what somebody would look up for.
function announce() {
  const news = [];
  for (const part of document.querySelectorAll(".live[data-said]")) {
    const before = states.get(part.id);
    if (before !== undefined && before !== part.dataset.said) news.push(part.dataset.said);
    states.set(part.id, part.dataset.said);
  }
  if (news.length) said.textContent = news.join(" ");
}

document.body.append(said);
document.addEventListener("htmx:beforeRequest", holdBack);
document.addEventListener("htmx:beforeSwap", hold);
document.addEventListener("htmx:afterSettle", () => {
  announce();
  follow();
});
document.addEventListener("visibilitychange", follow);
window.addEventListener("pagehide", stop);
window.addEventListener("pageshow", follow);
announce();
follow();
