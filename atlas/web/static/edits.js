// Edits as rows of fields beside the JSON they stand for. The server renders the fields of one from the schema, which
// work without this; here there are as many as there are edits, and the text is what is sent.

function read(input) {
  const text = input.value.trim();
  const kind = input.dataset.kind;
  if (kind === "list") return text.split(",").filter((part) => part.trim()).map((part) => number(part));
  if (kind === "number") return number(text);
  if (kind === "mixed") return words(input).includes(text) ? text : number(text);
  if (kind !== "json") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // the server says what is wrong with it
  }
}

const number = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text.trim() : Number(text));
const words = (input) => [...input.parentElement.querySelectorAll("datalist option")].map((one) => one.value);
const written = (value) =>
  Array.isArray(value) && value.every(Number.isInteger) ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);

function edit(editor) {
  const text = document.getElementById(editor.dataset.of);
  const pattern = editor.querySelector(".edit");
  const tag = pattern.dataset.tag;
  const rows = document.createElement("div");
  const add = button("Add an edit", () => {
    rows.append(row({}));
    renumber();
    rows.lastElementChild.querySelector("select").focus();
  });
  const told = document.createElement("p");
  told.className = "about";
  told.setAttribute("role", "status");

  function row(given) {
    const made = pattern.cloneNode(true);
    const left = { ...given };
    for (const input of made.querySelectorAll("[data-member]")) {
      input.removeAttribute("name"); // the text is what is sent
      const member = input.dataset.member;
      input.value = member in given ? written(given[member]) : "";
      delete left[member];
    }
    for (const list of made.querySelectorAll("datalist")) list.removeAttribute("id");
    for (const label of made.querySelectorAll(".for")) label.remove();
    made.querySelector("select option[value='']")?.replaceChildren("choose");
    made.append(
      button("Remove", () => {
        made.remove();
        write();
        add.focus();
      }),
    );
    made.kept = left;
    show(made);
    return made;
  }

  function show(made) {
    const kind = made.querySelector("select").value;
    for (const label of made.querySelectorAll("label[data-in]")) {
      label.hidden = !label.dataset.in.split(" ").includes(kind);
      label.classList.toggle("needed", label.dataset.needed.split(" ").includes(kind));
    }
  }

  function renumber() {
    [...rows.children].forEach((made, place) => {
      made.querySelector("legend").textContent = `Edit ${place + 1}`;
    });
  }

  function object(made) {
    const shown = [...made.querySelectorAll("[data-member]")].filter((it) => it.value.trim() && !it.closest("[hidden]"));
    return { ...Object.fromEntries(shown.map((it) => [it.dataset.member, read(it)])), ...made.kept };
  }

  function write() {
    renumber();
    const list = [...rows.children].map(object).filter((one) => tag in one);
    text.value = list.length ? `[\n${list.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]` : "[]";
    text.rows = Math.max(3, list.length + 2);
    told.textContent = "";
  }

  function rebuild() {
    let list;
    try {
      list = JSON.parse(text.value.trim() || "[]");
    } catch {
      list = null;
    }
    const known = Array.isArray(list) && list.every((one) => one && typeof one === "object" && !Array.isArray(one));
    rows.hidden = add.hidden = !known;
    told.textContent = known ? "" : "This is no list of edits yet. The fields come back once it is.";
    if (known) rows.replaceChildren(...list.map(row));
    renumber();
  }

  const typed = [...pattern.querySelectorAll("[data-member]")].filter((it) => it.value.trim());
  const begun = pattern.querySelector("select").value ? Object.fromEntries(typed.map((it) => [it.dataset.member, read(it)])) : null;
  editor.replaceChildren(rows, add, told);
  rebuild();
  if (begun && !rows.hidden) {
    rows.append(row(begun));
    write();
  }
  rows.addEventListener("input", (event) => {
    show(event.target.closest(".edit"));
    write();
  });
  text.addEventListener("input", rebuild);
}

function button(title, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet small";
  made.textContent = title;
  made.addEventListener("click", act);
  return made;
}

// A form may be opened later.
function begin() {
  for (const editor of document.querySelectorAll(".edits-editor:not([data-begun])")) {
    editor.dataset.begun = "";
    edit(editor);
  }
}

begin();
document.addEventListener("htmx:afterSettle", begin);
