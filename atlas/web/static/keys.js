// Keys that lead through a page: those that its elements name (`data-key`), j and k along its items, ? to list them.
// Single keys can be switched off (WCAG 2.1.4): by who is signed in at /me, by anybody for this browser at /keyboard.
const KEPT = "single-keys";
const ITEMS = "ul.tiles > li > a, [data-walk] > *";
const FOCUSABLE = "a[href], button:not([disabled]), summary, input:not([type=hidden]), [tabindex]";
const dialog = document.getElementById("keys");

export function seen(element) {
  return element.getClientRects().length > 0;
}

export function isOn() {
  return document.body.dataset.keys !== "off" && read() !== "off";
}

// The elements with keys that are on this page now, the first of each key.
export function keyed() {
  const found = new Map();
  for (const one of document.querySelectorAll("[data-key]")) {
    if (!found.has(one.dataset.key) && seen(one)) found.set(one.dataset.key, one);
  }
  return found;
}

export function label(element) {
  return element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
}

export function activate(element) {
  if (element.matches("input:not([type=submit]):not([type=checkbox]):not([type=radio]), textarea, select")) {
    element.focus();
    element.select?.();
  } else if (element.matches("a[href], button, summary, input, label")) {
    element.focus();
    element.click();
  } else {
    if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus();
    element.scrollIntoView({ block: "start" });
  }
}

function read() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // kept by nobody
  }
}

function items() {
  if (document.querySelector("[data-turns]")) return []; // j and k turn to another one of these pages
  const found = [...document.querySelectorAll(ITEMS)].filter(seen);
  return found.map((one) => (one.matches(FOCUSABLE) ? one : one.querySelector(FOCUSABLE))).filter(Boolean);
}

function walk(step) {
  const all = items();
  const now = document.activeElement;
  const at = all.findIndex((one) => one === now || one.closest("[data-walk] > *")?.contains(now));
  const next = at < 0 ? (step > 0 ? 0 : -1) : at + step;
  all[next]?.focus();
}

function list() {
  const own = keyed();
  const rows = [...own].map(([key, one]) => [[key], label(one)]);
  const walked = [[["j"], "Next item"], [["k"], "Item before"]];
  if (items().length) rows.unshift(...walked.filter(([[key]]) => !own.has(key)));
  rows.push([["Ctrl", "K"], "Go to anything by its name (on a Mac ⌘ K)"], [["?"], "This list"]);
  dialog.querySelector("dl").replaceChildren(...rows.flatMap(([keys, says]) => {
    const term = document.createElement("dt");
    for (const key of keys) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    return [term, Object.assign(document.createElement("dd"), { textContent: says })];
  }));
  dialog.showModal();
}

function pressed(event) {
  const typing = event.target.closest?.("input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select, [contenteditable]");
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  if (!isOn() || document.querySelector("dialog[open]")) return;
  const step = { j: 1, k: -1 }[event.key];
  const one = keyed().get(event.key);
  if (one) activate(one);
  else if (step) walk(step);
  else if (event.key === "?") list();
  else return;
  event.preventDefault();
}

function announce() {
  for (const [key, one] of keyed()) isOn() ? one.setAttribute("aria-keyshortcuts", key) : one.removeAttribute("aria-keyshortcuts");
}

function offer(button) {
  const says = () => (button.textContent = read() === "off" ? "Switch them on in this browser" : "Switch them off in this browser");
  button.addEventListener("click", () => {
    try {
      read() === "off" ? localStorage.removeItem(KEPT) : localStorage.setItem(KEPT, "off");
    } catch {
      return; // kept by nobody
    }
    says();
    announce();
  });
  says();
  button.hidden = false;
}

dialog?.querySelector("[data-close]").addEventListener("click", () => dialog.close());
document.addEventListener("keydown", pressed);
document.querySelectorAll("button[data-keys-switch]").forEach(offer);
announce();
