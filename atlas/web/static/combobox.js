// Suggestions under a search box, by the ARIA pattern of an editable combobox: the server says what may be meant.
const WAIT = 140; // ms after the last key
const SHORTEST = 2;
let boxes = 0;

export function combobox(input, more = () => []) {
  const id = `suggested-${++boxes}`;
  const list = Object.assign(document.createElement("ul"), { id, className: "suggestions", hidden: true });
  const said = Object.assign(document.createElement("span"), { className: "unseen" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  said.setAttribute("role", "status");
  input.after(list, said);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", id], ["autocomplete", "off"]]) input.setAttribute(name, value);
  let waiting, asked, active = -1, items = [];

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  function choose(number) {
    active = number;
    [...list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === number)));
    if (number < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[number].id);
    list.children[number].scrollIntoView({ block: "nearest" });
  }

  function option(item, place) {
    const one = document.createElement("li");
    one.id = `${id}-${place}`;
    one.setAttribute("role", "option");
    one.setAttribute("aria-selected", "false");
    for (const [name, text] of [["what", item.what], ["name", item.name], ["note", item.note]]) {
      if (text) one.append(Object.assign(document.createElement("span"), { className: `suggested-${name}`, textContent: text }), " ");
    }
    one.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    one.addEventListener("click", () => take(item));
    return one;
  }

  function show(found) {
    items = found;
    list.replaceChildren(...found.map(option));
    said.textContent = found.length ? `${found.length} suggestion${found.length > 1 ? "s" : ""}` : "No suggestions";
    if (!found.length) return close();
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(-1);
  }

  function take(item) {
    close();
    if (item.act) return item.act();
    if (item.url) return location.assign(item.url);
    input.value = item.text;
    input.focus();
    later();
  }

  async function ask() {
    const text = input.value;
    if (text.trim().length < SHORTEST) return close();
    asked?.abort();
    asked = new AbortController();
    const here = input.form?.elements.checkpoint?.value ?? "";
    try {
      const answer = await fetch(`/search/suggestions?${new URLSearchParams({ q: text, checkpoint: here })}`, { signal: asked.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return close(); // too many, or away: the box works without
      const found = await answer.json();
      if (input.value === text && document.activeElement === input) show([...more(text), ...found.items]);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }

  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(ask, WAIT);
  }

  input.addEventListener("input", later);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      if (!input.closest("dialog")) event.preventDefault(); // the box keeps its text; a dialog closes with its list
      return close();
    }
    if (event.key === "Enter" && active >= 0 && !event.isComposing) {
      event.preventDefault();
      return take(items[active]);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    if (list.hidden) return ask();
    const places = items.length + 1; // one of them is the box itself
    choose(((active + 1 + step + places) % places) - 1);
  });
}

for (const input of document.querySelectorAll("input[data-suggestions]")) combobox(input);
