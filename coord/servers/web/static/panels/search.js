// One field that searches sessions, resources, messages and other events. It is a combobox with a list of results.
import { fill, h } from "../core/dom.js";
import { time } from "../core/format.js";
import { addKey } from "../core/keys.js";

const PAUSE_MS = 250, LEAST = 2, SHOWN = 6;
const ORDER = ["sessions", "resources", "messages", "events"];

/** Mount the search. `/` moves to it from anywhere on the page. */
export function mount(element, store, api) {
  const input = h("input", { type: "search", id: "search-text", role: "combobox", "aria-expanded": "false", "aria-controls": "search-found",
    "aria-autocomplete": "list", "aria-label": "Search sessions, resources, messages and events", placeholder: "Search  ( / )",
    autocomplete: "off", spellcheck: "false", maxlength: "200" });
  const list = h("div", { id: "search-found", role: "listbox", "aria-label": "Found", hidden: true });
  const status = h("p", { class: "hidden", role: "status" });
  const chip = h("button", { type: "button", class: "chip", hidden: true, onclick: () => setFilter(store, "") });
  fill(element, h("div", { class: "field" }, input, list), chip, status);
  const state = { options: [], active: -1, number: 0, timer: 0, text: "", whole: new Set(), found: null };
  const box = { input, list, status, state, store, api };
  input.addEventListener("input", () => wait(box));
  input.addEventListener("focus", () => state.options.length && input.value.trim() === state.text && expand(box, true));
  input.addEventListener("keydown", (event) => onKey(box, event));
  element.addEventListener("focusout", (event) => element.contains(event.relatedTarget) || expand(box, false));
  addKey("/", "Search", "Page", () => {
    input.focus();
    input.select();
  });
  const showFilter = () => {
    const { text } = store.view.filter;
    chip.hidden = !text;
    fill(chip, `Only “${text}” `, h("span", { "aria-hidden": "true" }, "×"), h("span", { class: "hidden" }, "(remove the filter)"));
  };
  store.subscribe((changed) => changed.has("view") && showFilter());
  showFilter();
}

function setFilter(store, text) {
  store.setView({ filter: { ...store.view.filter, text } });
}

function wait(box) {
  const { input, state } = box;
  clearTimeout(state.timer);
  const text = input.value.trim();
  state.number += 1;
  if (text.length < LEAST) {
    Object.assign(state, { options: [], text: "", found: null });
    expand(box, false);
    return;
  }
  state.timer = setTimeout(() => run(box, text), PAUSE_MS);
}

async function run(box, text) {
  const { state, api, status } = box;
  const number = ++state.number;
  status.textContent = "Searching…";
  let found;
  try {
    found = await api.search(text);
  } catch (error) {
    found = { text, groups: [], error: error.message };
  }
  if (number !== state.number) return;
  Object.assign(state, { text, found, whole: new Set() });
  draw(box);
  expand(box, true);
}

/** Draw the found groups; the last option filters the page. */
function draw(box) {
  const { list, status, state } = box;
  const { found, text } = state;
  state.options = [];
  state.active = -1;
  const now = box.store.moment ? box.store.moment.at : "";
  const groups = ORDER.map((kind) => found.groups.find((group) => group.kind === kind)).filter(Boolean);
  const count = groups.reduce((sum, group) => sum + group.results.length, 0);
  const none = found.error || (count ? "" : `Nothing contains “${text}”.`);
  fill(list, none ? h("p", { class: found.error ? "error" : "quiet" }, none) : null,
    groups.map((group) => drawGroup(box, group, now)),
    found.older ? h("p", { class: "quiet" }, `Older events match too: coord log ${quoted(text)} --all`) : null,
    addOption(box, [`Show only what contains “${text}” on this page`], () => setFilter(box.store, text), "filter"));
  status.textContent = none || `${count}${found.older ? " or more" : ""} found`;
}

function drawGroup(box, group, now) {
  const { state } = box;
  const all = state.whole.has(group.kind);
  const results = all ? group.results : group.results.slice(0, SHOWN);
  const rest = group.results.length - results.length;
  const head = `found-${group.kind}`;
  const more = () => {
    const place = state.active;
    state.whole.add(group.kind);
    draw(box);
    activate(box, place);
    return true;
  };
  return h("div", { role: "group", "aria-labelledby": head },
    h("div", { class: "group", id: head }, group.label),
    results.map((result) => addOption(box, [marked(result.text, state.text), h("time", { class: "quiet", datetime: result.at }, time(result.at, now))],
      () => openResult(box.store, result))),
    rest > 0 ? addOption(box, [`${rest} more`], more, "more quiet") : null);
}

/** Open the story of a result. The page of an earlier moment goes to the result's time if it is later. */
function openResult(store, { about, at }) {
  const isLater = store.view.at && store.moment && at > store.moment.at;
  store.setView(isLater ? { open: about, at } : { open: about });
}

function addOption(box, children, choose, kind = "") {
  const { state } = box;
  const option = h("div", { role: "option", id: `found-${state.options.length}`, class: kind, "aria-selected": "false",
    onmousedown: (event) => event.preventDefault(), onclick: () => take(box, choose) }, h("span", { class: "text" }, children[0]), children.slice(1));
  state.options.push({ option, choose });
  return option;
}

/** Return a text whose part that was searched for is marked. Of a long text before it, only the first word is shown: the session. */
function marked(text, wanted) {
  const at = text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) return text;
  let start = at > 60 ? text.indexOf(" ", at - 40) + 1 : 0;
  if (start > at) start = 0;
  return [start ? `${text.split(" ", 1)[0]} … ` : "", text.slice(start, at), h("mark", {}, text.slice(at, at + wanted.length)), text.slice(at + wanted.length)];
}

/** Return a text as one word of a shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function take(box, choose) {
  if (!choose()) expand(box, false);
}

function expand(box, open) {
  box.list.hidden = !open;
  box.input.setAttribute("aria-expanded", String(open));
  if (!open) activate(box, -1);
}

function activate(box, place) {
  const { state, input } = box;
  state.options.forEach(({ option }, number) => option.setAttribute("aria-selected", String(number === place)));
  state.active = place;
  const current = state.options[place];
  if (!current) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", current.option.id);
  return current.option.scrollIntoView({ block: "nearest" });
}

function onKey(box, event) {
  const { state, list, input } = box;
  const open = !list.hidden, count = state.options.length;
  const moves = { ArrowDown: state.active + 1, ArrowUp: state.active < 0 ? count - 1 : state.active - 1 };
  if (event.key in moves && count) {
    event.preventDefault();
    if (!open) expand(box, true);
    activate(box, (moves[event.key] + count) % count);
  } else if (event.key === "Enter") {
    event.preventDefault();
    openFirst(box);
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    event.stopPropagation();
    expand(box, false);
  }
}

/** Open the active result, or the first, which may still have to be searched for. */
async function openFirst(box) {
  const { state, input } = box;
  const text = input.value.trim();
  if (text.length < LEAST) return;
  if (text !== state.text) {
    clearTimeout(state.timer);
    await run(box, text);
  }
  if (text === state.text && state.options.length) take(box, state.options[Math.max(0, state.active)].choose);
}
