// The drawer with a story. It shows what the view names in `open`, at the moment that the page shows.
import { fill, h } from "../core/dom.js";
import { addKey } from "../core/keys.js";
import { open as openAct } from "./act.js";
import { storyParts } from "./story.js";

const REFRESH_MS = 3000; // at most this often, while events come
const SETTLE_MS = 250; // after the last change of the moment, as while it is dragged

/** Mount the drawer. */
export function mount(element, store, api) {
  const drawer = new Drawer(element, store, api);
  addKey("Escape", "Close the story", "Page", () => store.setView({ open: "" }));
  store.subscribe((changed) => drawer.update(changed));
  if (store.view.open) drawer.show(store.view.open);
}

class Drawer {
  constructor(element, store, api) {
    Object.assign(this, { element, store, api, story: null, timer: 0, number: 0, loaded: 0 });
    this.about = this.at = this.position = this.drawn = this.drawnActs = "";
    this.opener = null; // what had the focus before the drawer
    this.before = []; // what was open before, for the Back button
    this.goesBack = false;
    this.narrow = matchMedia("(max-width: 47.99rem)");
    this.narrow.addEventListener("change", () => this.cover(Boolean(this.about)));
    this.back = h("button", { type: "button", class: "back", onclick: () => this.goBack() }, "← Back");
    const close = h("button", { type: "button", class: "close", onclick: () => store.setView({ open: "" }) }, "Close");
    this.body = h("div", { class: "story" });
    this.acts = h("div", { class: "acts" });
    fill(element, h("div", { class: "bar" }, this.back, this.acts, close), this.body);
  }

  /** Follow the view and the moment. */
  update(changed) {
    const { open, at } = this.store.view;
    if (changed.has("view") && open !== this.about) {
      if (open) this.show(open);
      else this.hide();
      return;
    }
    if (!open) return;
    if (changed.has("moment")) this.drawActs();
    if (at !== this.at) this.load(SETTLE_MS);
    else if (changed.has("moment") && this.store.moment.position !== this.position) {
      this.load(Math.max(SETTLE_MS, this.loaded + REFRESH_MS - Date.now()));
    }
  }

  show(about) {
    if (!this.about) this.opener = document.activeElement;
    else if (!this.goesBack) this.before.push(this.about);
    this.goesBack = false;
    Object.assign(this, { about, drawn: "", story: null });
    this.back.hidden = !this.before.length;
    this.element.hidden = false;
    document.body.classList.add("reading");
    this.cover(true);
    fill(this.body, h("h2", { tabindex: "-1", class: "title" }, about), h("p", { class: "quiet" }, "Reading the log…"));
    this.drawActs();
    this.element.scrollTop = 0;
    this.body.querySelector(".title").focus({ preventScroll: true });
    this.load(0);
  }

  hide() {
    Object.assign(this, { about: "", before: [], goesBack: false, story: null });
    clearTimeout(this.timer);
    const had = this.element.contains(document.activeElement) || document.activeElement === document.body;
    this.element.hidden = true;
    document.body.classList.remove("reading");
    this.cover(false);
    const { opener } = this;
    const isThere = opener && opener.isConnected && opener !== document.body;
    const next = isThere ? opener : document.querySelector("main [data-about]");
    if (had && next) next.focus({ preventScroll: true });
  }

  goBack() {
    this.goesBack = true;
    this.store.setView({ open: this.before.pop() || "" });
  }

  /** On a phone the drawer covers the page, which then takes no focus. */
  cover(isOpen) {
    const covers = isOpen && this.narrow.matches;
    for (const part of document.querySelectorAll("main, #top")) part.inert = covers;
    this.element.setAttribute("role", covers ? "dialog" : "complementary");
    if (covers) this.element.setAttribute("aria-modal", "true");
    else this.element.removeAttribute("aria-modal");
  }

  load(wait) {
    clearTimeout(this.timer);
    this.at = this.store.view.at;
    this.position = this.store.moment ? this.store.moment.position : "";
    this.timer = setTimeout(() => this.fetchNow(), wait);
  }

  async fetchNow() {
    const number = ++this.number;
    const { about } = this;
    this.element.setAttribute("aria-busy", "true");
    const story = await this.api.fetchStory(about, this.at).catch((error) => failed(about, error));
    if (number !== this.number) return;
    this.element.removeAttribute("aria-busy");
    if (about !== this.about) return;
    this.loaded = Date.now();
    this.story = story;
    this.drawActs();
    this.draw();
  }

  /** Draw the story if it changed. The focus, the scroll position and what was unfolded are kept. */
  draw() {
    const key = JSON.stringify({ ...this.story, now: "" });
    if (key === this.drawn) return;
    this.drawn = key;
    const { body, element, store } = this;
    const hadFocus = body.contains(document.activeElement);
    const open = new Set([...body.querySelectorAll("details[open]")].map((each) => each.className));
    const top = element.scrollTop;
    const parts = storyParts(this.story, store, (point) => store.setView({ at: point }));
    fill(body, parts);
    for (const each of body.querySelectorAll("details")) if (open.has(each.className)) each.open = true;
    element.scrollTop = top;
    if (hadFocus && !body.contains(document.activeElement)) body.querySelector(".title").focus({ preventScroll: true });
  }

  drawActs() {
    const { story, store, api } = this;
    const shown = actions(story, store.moment, api.live);
    const key = JSON.stringify(shown);
    if (key === this.drawnActs) return;
    this.drawnActs = key;
    fill(this.acts, shown.map(([action, label, fields]) =>
      h("button", { type: "button", class: "small", onclick: () => openAct(action, fields, store, api) }, label)));
  }
}

function failed(about, error) {
  return { about, kind: "", title: about, lines: [], steps: [], rules: [], did: [], notes: [], error: error.message };
}

/** Return the actions that fit a story: each with its name, its label and its fields. */
function actions(story, moment, isLive) {
  if (!isLive || !moment || !moment.live || moment.read_only || !story || story.error) return [];
  const { about, kind, holders = [] } = story;
  const me = moment.me ? moment.me.session : "";
  const others = holders.filter((session) => session !== me);
  if (kind === "session") return about === me ? [] : [["send", "Write", { to: about }]];
  if (kind === "message") return [["reply", "Reply", { message: about }]];
  if (kind !== "resource") return [];
  const own = [["release", "Release", { resource: about }], ["handoff", "Hand over", { resource: about }]];
  const foreign = [["send", "Write to its holder", { to: others.join(",") }], ["break", "Break the claim", { resource: about }]];
  return [...(holders.includes(me) ? own : []), ...(others.length ? foreign : [])];
}
