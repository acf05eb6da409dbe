// The command palette: Ctrl K (⌘ K on a Mac) opens it anywhere; it goes to what is named, or does what this page can.
import { combobox } from "./combobox.js";
import { activate, keyed, label } from "./keys.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input[name=q]");

// What this page can do, by the words of its labels.
function actions(text) {
  const said = text.toLowerCase().split(/\s+/).filter(Boolean);
  return [...keyed()]
    .filter(([key, one]) => key !== "/" && said.every((word) => label(one).toLowerCase().includes(word)))
    .map(([key, one]) => ({ what: "here", name: label(one), note: `key ${key}`, act: () => (dialog.close(), activate(one)) }));
}

if (dialog) {
  combobox(input, actions);
  document.addEventListener("keydown", (event) => {
    const wanted = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!wanted || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    dialog.showModal();
    input.select();
  });
  for (const one of document.querySelectorAll("dialog.overlay")) {
    one.addEventListener("click", (event) => event.target === one && one.close()); // beside it
  }
}
