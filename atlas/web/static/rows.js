// Rows of inputs for the short lists of a claim: the text with bars stays what is posted, and what is typed without scripts.
//
// A textarea with `data-columns`: what its items are made of, as JSON. Reads and writes as atlas/contents/lines.py does.

const SUGGESTIONS = "suggested-terms";

const plain = (cell) => cell.trim().replace(/\\(.)/gs, "$1");
const escaped = (cell) => cell.trim().replace(/\\/g, "\\\\").replace(/\|/g, "\\|");

// The cells of a line, divided at bars that are not escaped.
const cells = (line) => {
  const found = [...line.matchAll(/((?:[^\\|]|\\.)*)(?:\||$)/gs)];
  // A backslash at the end: only a person knows what is meant.
  if (found.map(([all]) => all).join("") !== line) return null;
  return found.slice(0, -1).map(([, inner]) => plain(inner));
};

const written = (values) => {
  const kept = values.map(escaped);
  while (kept.length && !kept.at(-1)) kept.pop();
  return kept.join(" | ");
};

const named = (text) => text.replace(/[-_]/g, " ").replace(/^./, (first) => first.toUpperCase());

const suggestions = () => {
  if (document.getElementById(SUGGESTIONS)) return;
  const list = document.createElement("datalist");
  list.id = SUGGESTIONS;
  document.body.append(list);
};

const chooser = (column, value) => {
  const input = document.createElement("select");
  for (const choice of column.choices) input.add(new Option(choice.replaceAll("-", " "), choice));
  if (value && !column.choices.includes(value)) input.add(new Option(value, value)); // what was typed is not lost
  input.value = value || column.choices[0];
  return input;
};

const asked = (input) => {
  suggestions();
  input.setAttribute("list", SUGGESTIONS);
  input.name = "word"; // under which the server is asked for suggestions; the claim does not read it
  input.setAttribute("hx-get", "/f/suggest");
  input.setAttribute("hx-trigger", "input changed delay:200ms");
  input.setAttribute("hx-target", `#${SUGGESTIONS}`);
  input.setAttribute("hx-params", "word");
  input.setAttribute("autocomplete", "off");
};

const field = (column, value, label) => {
  const input = column.choices.length ? chooser(column, value) : document.createElement("input");
  if (!column.choices.length) input.value = value;
  if (column.kind === "term") asked(input);
  if (["number", "integer"].includes(column.kind)) input.inputMode = "decimal";
  if (column.kind === "terms") input.placeholder = "curve detects, line inhibited-by";
  if (column.longest) input.maxLength = column.longest;
  input.setAttribute("aria-label", label);
  return input;
};

const enhance = (area) => {
  const columns = JSON.parse(area.dataset.columns);
  const title = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
  const group = document.createElement("div");
  group.className = "rows";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", title.textContent);
  group.setAttribute("aria-describedby", area.getAttribute("aria-describedby"));
  const rows = document.createElement("ol");
  const more = document.createElement("button");
  more.type = "button";
  more.className = "quiet small";
  more.textContent = "Add one";
  more.setAttribute("aria-label", `Add to ${title.textContent.toLowerCase()}`);
  group.append(rows, more);

  const inputs = (row) => [...row.querySelectorAll("input, select")];
  const write = () => {
    const lines = [...rows.children].map(inputs).filter((row) => row.some((one) => one.tagName === "INPUT" && one.value.trim()));
    area.value = lines.map((row) => written(row.map((one) => one.value))).join("\n");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const add = (values) => {
    const row = document.createElement("li");
    const number = rows.children.length + 1;
    columns.forEach((column, at) => {
      const label = document.createElement("span");
      label.className = "column";
      label.setAttribute("aria-hidden", "true");
      label.textContent = named(column.name);
      const cell = document.createElement("span");
      cell.className = `cell ${column.kind}`;
      cell.append(label, field(column, values[at] ?? "", `${title.textContent} ${number}: ${column.name}`));
      row.append(cell);
    });
    const less = document.createElement("button");
    less.type = "button";
    less.className = "quiet small";
    less.textContent = "Remove";
    less.setAttribute("aria-label", `Remove ${title.textContent.toLowerCase()} ${number}`);
    less.addEventListener("click", () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      write();
      (next ? inputs(next)[0] : more).focus();
    });
    row.append(less);
    rows.append(row);
    window.htmx?.process(row);
    return row;
  };
  const read = () => {
    const lines = area.value.split("\n").filter((line) => line.trim());
    if (lines.some((line) => (cells(line)?.length ?? Infinity) > columns.length)) return false; // it stays a text
    rows.replaceChildren();
    lines.forEach((line) => add(cells(line)));
    return true;
  };
  rows.addEventListener("input", (event) => {
    event.stopPropagation(); // the text says it for the row
    write();
  });
  more.addEventListener("click", () => inputs(add([]))[0].focus());
  area.addEventListener("rows:read", read);
  if (!read()) return;
  area.hidden = true;
  area.parentElement.querySelector(".barred")?.remove();
  title.removeAttribute("for");
  area.after(group);
};

document.querySelectorAll("textarea[data-columns]").forEach(enhance);
