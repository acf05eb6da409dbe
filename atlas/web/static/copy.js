// Buttons that copy: shown where there is a clipboard, since without one they would do nothing.
const SAID = 2500; // ms

async function copy(button) {
  const said = button.parentElement.querySelector("[role=status]") ?? button.insertAdjacentElement("afterend", status());
  const text = button.dataset.copy || document.getElementById(button.dataset.copyFrom)?.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "The browser did not let it be copied: select it and copy it by hand.";
  }
  setTimeout(() => (said.textContent = ""), SAID);
}

function status() {
  const said = Object.assign(document.createElement("span"), { className: "note" });
  said.setAttribute("role", "status");
  return said;
}

for (const button of document.querySelectorAll("button[data-copy], button[data-copy-from]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
