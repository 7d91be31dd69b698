// The view in the address: a link shows what you saw, and the browser's back button goes to the view before.
// Anyone can write an address, so every value is checked and limited, and is only ever used as text.
import { emptyView } from "./store.js";
import { isInstant } from "./format.js";

const MOST_CHARACTERS = 300, MOST_VALUES = 40, PAUSE_MS = 300;
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Return the view that a fragment of an address describes. Invalid values are left out. */
export function parse(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const one = (name) => checked(values.get(name) || "");
  const many = (name) => [...new Set(values.getAll(name).map(checked))].filter(Boolean).slice(0, MOST_VALUES);
  const [from, to] = [one("from"), one("to")].map((value) => (isInstant(value) ? value : ""));
  const isSpan = !from || !to || from < to;
  return {
    ...emptyView(),
    at: one("at"),
    open: one("open"),
    filter: { text: one("filter"), sessions: many("session"), resources: many("resource") },
    from: isSpan ? from : "",
    to: isSpan ? to : "",
    ended: values.get("ended") === "1",
  };
}

function checked(value) {
  return value.length <= MOST_CHARACTERS && !CONTROLS.test(value) ? value.trim() : "";
}

/** Return a view as the fragment of an address, or "" for the view of a page that was just opened. */
export function write(view) {
  const values = new URLSearchParams();
  const add = (name, value) => value && values.append(name, value);
  add("at", view.at);
  add("open", view.open);
  add("filter", view.filter.text);
  for (const session of view.filter.sessions || []) add("session", session);
  for (const resource of view.filter.resources || []) add("resource", resource);
  add("from", view.from);
  add("to", view.to);
  add("ended", view.ended ? "1" : "");
  const text = values.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%2C", ",");
  return text && `#${text}`;
}

/**
 * Keep the view and the address equal. A change of what is open, of the time or of the filter adds an entry to the
 * browser's history; a change that continues another (a drag, a zoom, typing) replaces the entry.
 */
export function mount(store, { place = location, past = history } = {}) {
  let shown = store.view;
  let waiting = null; // null, "replace" or "push"
  let timer = 0;
  let last = ""; // what the last change changed, if it can be continued
  const read = () => {
    clearTimeout(timer);
    timer = 0;
    waiting = null;
    last = "";
    const view = parse(place.hash);
    save(past, place, write(view), "replace"); // an address can contain the key of the page, which does not stay there
    if (write(view) === write(store.view)) return;
    shown = { ...store.view, ...view };
    store.setView({ ...view, playing: 0 });
  };
  const flush = () => {
    timer = 0;
    const how = waiting;
    waiting = null;
    if (!how) return;
    save(past, place, write(store.view), how);
    timer = setTimeout(flush, PAUSE_MS);
  };
  read();
  addEventListener("popstate", read);
  addEventListener("hashchange", read);
  addEventListener("pagehide", () => { clearTimeout(timer); flush(); });
  store.subscribe((changed) => {
    if (!changed.has("view") || write(store.view) === write(shown)) return;
    const what = kindOf(shown, store.view, store.continuous);
    const isNew = what === "entry" || (what !== "small" && what !== last);
    waiting = waiting === "push" || isNew ? "push" : "replace";
    if (what !== "small") last = what === "entry" ? "" : what;
    shown = store.view;
    if (!timer) flush();
  });
}

/** Return "entry" for a change that adds an entry, "small" for one that does not, else what it can continue. */
function kindOf(before, after, continuous) {
  if (before.open !== after.open) return "entry";
  if (before.at !== after.at) return continuous ? "at" : "entry";
  if (before.from !== after.from || before.to !== after.to || before.ended !== after.ended) return "small";
  return "filter";
}

function save(past, place, hash, how) {
  const address = hash || place.pathname + place.search;
  if (hash === place.hash) return;
  try {
    if (how === "push") past.pushState(null, "", address);
    else past.replaceState(null, "", address);
  } catch {
    if (hash) place.replace(hash); // a file's page may not be allowed to use the history
  }
}
