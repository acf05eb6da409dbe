// A picture that is dropped on the page goes into the form's own field, and is shown before anybody asks about it.
const form = document.querySelector("form.dropping");
const file = form?.querySelector("input[type=file]");
const preview = form?.querySelector(".glimpse");
const said = form?.querySelector(".dropped");
const SIDE = 240; // px of the preview, at most
const holdsFile = (event) => event.dataTransfer?.types.includes("Files");

async function show() {
  const [chosen] = file.files;
  preview.hidden = true;
  said.textContent = "";
  if (!chosen) return;
  document.querySelector("#answer").replaceChildren();
  try {
    // Drawn and not linked: no address of the page's own is needed, and so none has to be allowed.
    const picture = await createImageBitmap(chosen);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    preview.width = Math.max(1, Math.round(picture.width * scale));
    preview.height = Math.max(1, Math.round(picture.height * scale));
    preview.getContext("2d").drawImage(picture, 0, 0, preview.width, preview.height);
    preview.setAttribute("aria-label", `The picture ${chosen.name}, ${picture.width} × ${picture.height} px`);
    preview.hidden = false;
    said.textContent = `${chosen.name}, ${picture.width} × ${picture.height} px.`;
  } catch {
    said.textContent = `${chosen.name} cannot be shown here; it is judged when you ask.`;
  }
}

function dropped(event) {
  if (!holdsFile(event)) return;
  event.preventDefault();
  form.classList.remove("over");
  if (event.type !== "drop" || !event.dataTransfer.files.length) return;
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  file.files = one.files;
  form.elements.item.value = "";
  show();
  form.querySelector("button").focus();
}

// What is wrong with the form comes back with 422, and takes its place; htmx alone would drop it.
function refused(event) {
  const { xhr, requestConfig } = event.detail;
  if (requestConfig.elt !== form || xhr.status !== 422) return;
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const faults = [...page.querySelectorAll("form.dropping :is(.error, .fault)")].map((one) => one.textContent);
  event.preventDefault();
  document.querySelector("#answer").replaceChildren(
    ...faults.map((text) => Object.assign(document.createElement("p"), { className: "fault", textContent: text })),
  );
}

if (form) {
  form.querySelector(".drop").hidden = false;
  file.addEventListener("change", show);
  document.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || form.classList.remove("over"));
  document.addEventListener("drop", dropped);
  document.body.addEventListener("htmx:beforeSwap", refused);
  show();
}
