// Needs you: what only a person can end. One row for each, with who, since when, the exact text, and its action.
import { fill, h } from "../core/dom.js";
import { duration, time, toMs } from "../core/format.js";
import { open as openAct } from "./act.js";
import { longText, storyLink } from "./text.js";

const LABELS = {
  lost: "Lost claim", blocked: "Blocked", circle: "Circle", unacknowledged: "Unconfirmed", dead: "Dead", silent: "Silent",
  journal: "Damage", clock: "Clock", unknown: "Unknown",
};
const MOST_TEXT = 600; // characters of a text that are shown at first
const MOST_NEW = 3; // new needs that are announced one by one

/** Mount the list of what needs the person. */
export function mount(element, store, api) {
  const panel = {
    element, store, api,
    title: h("h2", {}, "Needs you"),
    write: h("button", { type: "button", class: "small", onclick: () => openAct("send", {}, store, api) }, "Write a message"),
    inbox: h("button", { type: "button", class: "small", hidden: true, onclick: () => openAct("inbox", {}, store, api) }),
    list: h("ul", { class: "rows" }),
    news: h("div", { id: "news", class: "hidden", role: "status", "aria-live": "polite" }),
    rows: new Map(), known: null, announced: [],
  };
  fill(element, h("div", { class: "header" }, panel.title, h("div", { class: "actions" }, panel.inbox, panel.write)), panel.list);
  document.body.append(panel.news);
  store.subscribe((changed) => {
    if (changed.has("moment") || changed.has("view")) draw(panel);
    if (changed.has("live")) announce(panel);
  });
  draw(panel);
}

function draw(panel) {
  const { moment, view } = panel.store;
  if (!moment) return;
  const past = Boolean(view.at);
  const canAct = panel.api.live && !past && !moment.read_only;
  const needs = moment.needs || [];
  panel.title.textContent = past ? `What needed you then (${needs.length})` : `Needs you (${needs.length})`;
  panel.write.hidden = !canAct;
  const unread = (moment.messages || []).filter((message) => message.for_me && message.unread).length;
  panel.inbox.hidden = !canAct || !unread;
  panel.inbox.textContent = `Read my messages (${unread})`;
  panel.element.classList.toggle("some", needs.length > 0);
  const kept = new Map();
  const items = needs.map((need) => {
    const key = JSON.stringify([need, canAct]);
    const row = panel.rows.get(key) || drawRow(panel, need, canAct);
    kept.set(key, row);
    showSince(row, need, moment.at);
    return row;
  });
  panel.rows = kept;
  fillList(panel, items.length ? items : [nothing(past)]);
}

/** Show rows, if others are shown. The focus goes to the same button, else to its row, else to the whole list. */
function fillList({ element, list }, items) {
  const shown = [...list.children], row = document.activeElement.closest("[data-id]")?.dataset.id;
  if (items.length === shown.length && items.every((item, index) => item === shown[index])) return;
  const hadFocus = list.contains(document.activeElement);
  fill(list, items);
  if (!hadFocus || list.contains(document.activeElement)) return;
  const near = items.find((item) => item.dataset.id === row);
  (near?.querySelector("button, a") || element).focus({ preventScroll: true });
}

function nothing(past) {
  return h("li", { class: "nothing quiet" }, past ? "Nothing needed you then." : "Nothing needs you.");
}

function drawRow({ store, api }, need, canAct) {
  const buttons = canAct ? (need.actions || []).map(({ action, label, fields }, index) =>
    h("button", { type: "button", class: index ? "small" : "small first",
      onclick: () => openAct(action, fields, store, api) }, label)) : [];
  return h("li", { class: need.urgent ? "need urgent" : "need", "data-id": need.id },
    h("div", { class: "what" },
      h("span", { class: `kind ${need.kind}` }, need.urgent ? `Urgent · ${labelOf(need)}` : labelOf(need)),
      h("span", { class: "text", dir: "auto" }, longText(need.text, MOST_TEXT)),
      h("span", { class: "since quiet" }),
      links(store, need),
      hints(need, canAct)),
    buttons.length ? h("div", { class: "actions" }, buttons) : null);
}

function labelOf(need) {
  return need.asks_person ? "Asks you" : LABELS[need.kind] || need.kind;
}

/** Return links to the stories of what a need is about. */
function links(store, need) {
  const names = (store.live || store.moment || {}).names || {};
  const abouts = [...new Set([need.session, ...(need.sessions || []), need.about].filter(Boolean))].slice(0, 6);
  if (!abouts.length) return null;
  return h("span", { class: "stories quiet" }, "See ", abouts.flatMap((about, index) =>
    [index ? ", " : null, storyLink(store, about, {}, names[about] || about)]));
}

/** Return the steps that the page cannot do: where to answer, or commands to type. */
function hints(need, canAct) {
  const steps = (need.steps || []).filter((step) => !step.commands.length || !canAct || !(need.actions || []).length);
  if (!steps.length) return null;
  return h("ul", { class: "hints quiet" }, steps.map((step) => h("li", { dir: "auto" }, step.why,
    step.commands.map((words) => [": ", h("code", {}, words.join(" "))]))));
}

function showSince(row, need, now) {
  const since = row.querySelector(".since");
  if (!since || !need.since) return;
  const text = `since ${time(need.since, now)} (${duration((toMs(now) - toMs(need.since)) / 1000)})`;
  if (since.textContent !== text) since.textContent = text;
}

/** Tell a screen reader of needs that are new. The first ones are on the page already. */
function announce(panel) {
  const needs = (panel.store.live || {}).needs || [];
  const fresh = panel.known ? needs.filter((need) => !panel.known.has(need.id)) : [];
  panel.known = new Set(needs.map((need) => need.id));
  if (!panel.announced.some((id) => panel.known.has(id))) panel.news.textContent = "";
  if (!fresh.length) return;
  panel.announced = fresh.map((need) => need.id);
  const texts = fresh.slice(0, MOST_NEW).map((need) => need.text.slice(0, 200));
  const more = fresh.length - texts.length;
  panel.news.textContent = `Needs you: ${texts.join(". ")}${more > 0 ? `, and ${more} more` : ""}`;
}
