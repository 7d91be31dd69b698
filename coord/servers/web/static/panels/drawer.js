// The drawer with a story. It opens for whatever the view says is open, at the moment that the page shows.
import { fill, h } from "../core/dom.js";
import { open as act } from "./act.js";
import { storyParts } from "./story.js";

const REFRESH_MS = 3000; // at most this often, while events come
const SETTLE_MS = 250; // after the last change of the moment, as while it is dragged

/** Mount the drawer. */
export function mount(element, store, api) {
  const narrow = matchMedia("(max-width: 47.99rem)");
  const back = h("button", { type: "button", class: "back", onClick: () => goBack() }, "← Back");
  const close = h("button", { type: "button", class: "close", onClick: () => store.setView({ open: "" }) }, "Close");
  const body = h("div", { class: "story", "aria-live": "off" });
  const acts = h("div", { class: "acts" });
  fill(element, h("div", { class: "bar" }, back, acts, close), body);
  const state = { about: "", at: "", position: "", opener: null, before: [], number: 0, timer: 0, shown: "", loaded: 0 };

  const goBack = () => {
    const about = state.before.pop();
    state.goesBack = true;
    store.setView({ open: about || "" });
  };
  const goTo = (point) => store.setView({ at: point });

  function show(about) {
    if (!state.about) state.opener = document.activeElement;
    else if (!state.goesBack && state.about !== about) state.before.push(state.about);
    state.goesBack = false;
    Object.assign(state, { about, shown: "" });
    back.hidden = !state.before.length;
    element.hidden = false;
    document.body.classList.add("reading");
    modal(true);
    fill(body, h("h2", { tabindex: "-1", class: "title" }, about), h("p", { class: "quiet" }, "Reading the log…"));
    fill(acts);
    element.scrollTop = 0;
    body.querySelector(".title").focus({ preventScroll: true });
    load(0);
  }

  function hide() {
    Object.assign(state, { about: "", before: [], goesBack: false });
    clearTimeout(state.timer);
    element.hidden = true;
    document.body.classList.remove("reading");
    modal(false);
    if (state.opener && state.opener.isConnected) state.opener.focus({ preventScroll: true });
    else document.querySelector("main [data-about]")?.focus({ preventScroll: true });
  }

  function modal(isOpen) {
    const covers = isOpen && narrow.matches;
    for (const part of document.querySelectorAll("main, #top")) part.inert = covers;
    element.setAttribute("role", covers ? "dialog" : "complementary");
    if (covers) element.setAttribute("aria-modal", "true");
    else element.removeAttribute("aria-modal");
  }

  function load(wait) {
    clearTimeout(state.timer);
    state.at = store.view.at;
    state.position = store.moment ? store.moment.position : "";
    state.timer = setTimeout(fetchNow, wait);
  }

  async function fetchNow() {
    const number = ++state.number;
    const about = state.about;
    element.setAttribute("aria-busy", "true");
    let story;
    try {
      story = await api.fetchStory(about, state.at);
    } catch (error) {
      story = { about, kind: "", title: about, lines: [], steps: [], rules: [], did: [], notes: [], error: error.message };
    }
    if (number !== state.number || about !== state.about) return;
    state.loaded = Date.now();
    element.removeAttribute("aria-busy");
    draw(story);
  }

  function draw(story) {
    const key = JSON.stringify({ ...story, now: "" });
    if (key === state.shown) return;
    state.shown = key;
    const focus = position(body);
    const opened = [...body.querySelectorAll("details")].map((each) => [each.className, each.open]);
    const top = element.scrollTop;
    fill(body, storyParts(story, store, goTo).flat(Infinity));
    for (const [name, open] of opened) for (const each of body.querySelectorAll("details")) if (each.className === name) each.open = open;
    fill(acts, buttons(story, store, api));
    element.scrollTop = top;
    restore(body, focus);
  }

  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      store.setView({ open: "" });
    }
  });
  narrow.addEventListener("change", () => modal(Boolean(state.about)));
  store.subscribe((changed) => {
    const { open, at } = store.view;
    if (changed.has("view") && open !== state.about) return open ? show(open) : hide();
    if (!open) return undefined;
    if (at !== state.at) return load(SETTLE_MS);
    const isNew = changed.has("moment") && store.moment.position !== state.position;
    return isNew ? load(Math.max(SETTLE_MS, state.loaded + REFRESH_MS - Date.now())) : undefined;
  });
  if (store.view.open) show(store.view.open);
}

/** Return the place of the focused element among the focusable ones. */
function position(body) {
  const active = document.activeElement;
  return body.contains(active) ? [...body.querySelectorAll("a, button, summary, .title")].indexOf(active) : -1;
}

function restore(body, place) {
  if (place < 0) return;
  const all = body.querySelectorAll("a, button, summary, .title");
  (all[place] || body.querySelector(".title")).focus({ preventScroll: true });
}

function buttons(story, store, api) {
  const moment = store.moment;
  if (!api.live || !moment || !moment.live || moment.read_only || story.error) return [];
  const button = (action, label, fields) => h("button", { type: "button", class: "small", onClick: () => act(action, fields, store, api) }, label);
  const mine = moment.me && story.kind === "session" && moment.me.session === story.about;
  return {
    session: mine ? [] : [button("send", "Write", { to: story.about })],
    message: [button("reply", "Reply", { message: story.about })],
  }[story.kind] || [];
}
