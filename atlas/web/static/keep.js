// Keeps what is typed until it is saved: a closed tab, an ended session or a lost line must not cost an hour of words.
//
// A form with `data-keep` (what it is about), `data-person` (whose it is) and, where the server keeps such texts,
// `data-door`. What the server has is not kept here, too; what it does not have stands in this browser under the
// person's name until it is saved, thrown away, or they sign out.

const PAUSE = 1200; // ms without a key until it is kept
const PREFIX = "content.";
const OURS = new Set(["csrfmiddlewaretoken", "whose", "word"]);
const UNTYPED = ["file", "submit", "button", "hidden"];
const PENDING = "kept:sent";

const place = (form) => `kept:${form.dataset.person}:${form.dataset.keep}`;

// What a person typed into a form: no token, no file, no button; of boxes and choices those that are set.
const typed = (form) => {
  const found = {};
  for (const one of form.elements) {
    const set = !["radio", "checkbox"].includes(one.type) || one.checked;
    if (one.name && !OURS.has(one.name) && !UNTYPED.includes(one.type) && set) found[one.name] = one.value;
  }
  return found;
};

// Only what differs from how the page came is somebody's text.
const changed = (now, before) => Object.keys({ ...now, ...before }).some((name) => now[name] !== before[name]);

const store = (key, value) => {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // storage is full, or not allowed here: the server may still keep it
  }
};

const stored = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
};

const ago = (at) => {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return `on ${new Date(at).toLocaleString()}`;
};

// The server's own door; false when it is away, or does not know this person any more.
const sent = async (form, fields) => {
  const content = Object.entries(fields).filter(([name]) => name.startsWith(PREFIX));
  const beside = Object.entries(fields).filter(([name]) => ["summary", "team", "draft", "team_only"].includes(name));
  const kept = {
    item: form.dataset.keep,
    content: {
      typed: Object.fromEntries(content.map(([name, text]) => [name.slice(PREFIX.length), text])),
      beside: Object.fromEntries(beside),
    },
  };
  if (form.dataset.base) kept.base_version = Number(form.elements.based_on.value);
  try {
    const answer = await fetch(form.dataset.door, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      body: JSON.stringify(kept),
    });
    return answer.ok;
  } catch {
    return false;
  }
};

const watch = (form) => {
  const before = typed(form);
  const says = form.querySelector("[data-keeping]");
  let timer = 0;
  let said = null;
  let leaving = false;
  const tell = () => {
    if (says && said) says.textContent = said.here ? `kept in this browser ${ago(said.at)}` : `kept ${ago(said.at)}`;
  };
  setInterval(tell, 5000);

  const keep = async () => {
    const fields = typed(form);
    if (leaving || !changed(fields, before)) return;
    const at = Date.now();
    const here = store(place(form), { at, fields });
    const there = form.dataset.door ? await sent(form, fields) : false;
    if (there) store(place(form), null);
    said = there || here ? { at, here: !there } : null;
    tell();
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  });
  // The last words before a tab is closed, without a question whether it may be.
  addEventListener("pagehide", () => {
    if (!leaving && changed(typed(form), before)) store(place(form), { at: Date.now(), fields: typed(form) });
  });
  form.addEventListener("submit", (event) => {
    leaving = true;
    clearTimeout(timer);
    const gone = event.submitter?.name === "discard";
    store(place(form), gone ? null : { at: Date.now(), fields: typed(form) });
    if (!gone) sessionStorage.setItem(PENDING, JSON.stringify({ key: place(form), from: location.pathname }));
  });
  offer(form, before);
};

const put = (form, fields) => {
  for (const one of form.elements) {
    if (!one.name || OURS.has(one.name) || !(one.name in fields || ["radio", "checkbox"].includes(one.type))) continue;
    if (["radio", "checkbox"].includes(one.type)) one.checked = fields[one.name] === one.value;
    else if (!UNTYPED.includes(one.type) && !one.readOnly) one.value = fields[one.name];
    one.dispatchEvent(new Event("input", { bubbles: true }));
    one.dispatchEvent(new CustomEvent("rows:read"));
  }
};

// What stands in this browser and not in the form: offered, never put there unasked.
const offer = (form, before) => {
  const found = stored(place(form));
  const older = form.dataset.kept && found && found.at <= Date.parse(form.dataset.kept);
  if (older) store(place(form), null);
  if (!found || older || form.hasAttribute("data-refused") || !changed(found.fields, before)) return;
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.setAttribute("role", "status");
  const words = document.createElement("p");
  words.textContent = `You typed something here ${ago(found.at)} and did not save it. `;
  const button = (says, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "link";
    made.textContent = says;
    made.addEventListener("click", () => {
      notice.remove();
      act();
    });
    words.append(made, " ");
  };
  button("Put it back", () => {
    form.closest("details")?.setAttribute("open", "");
    put(form, found.fields);
  });
  button("Throw it away", () => store(place(form), null));
  notice.append(words);
  const folded = form.closest("details");
  (folded ?? form).before(notice);
};

// A form that was sent is saved once it has led us on from where it stood; not where it came back with faults, nor where
// we come from signing in, or from nowhere because no answer came.
const settle = () => {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (!pending || document.querySelector("[data-refused]") || !document.referrer) return;
  if ([pending.from, "/unsent"].includes(new URL(document.referrer).pathname)) store(pending.key, null);
};

settle();
document.querySelectorAll("form[data-keep]").forEach(watch);
document.querySelector('form[action="/accounts/logout"]')?.addEventListener("submit", () => {
  for (const key of Object.keys(localStorage)) if (key.startsWith("kept:")) store(key, null);
});
