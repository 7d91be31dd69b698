// Recent messages of the moment: from whom, to whom, what, and who has not read or confirmed it.
import { fill, h } from "../core/dom.js";
import { ago, plural, time } from "../core/format.js";
import { open as act } from "./act.js";
import { matches, storyLink } from "./text.js";

const SHOWN = 8, MORE = 20, EXCERPT = 240;

/** Mount the messages: they are drawn again when the moment or the filter changes. */
export function mount(element, store, api) {
  let most = SHOWN;
  let drawn = "";
  const list = h("ul", { class: "messages" });
  const more = h("button", { type: "button", class: "more", onclick: () => {
    most += MORE;
    draw();
  } });
  const note = h("p", { class: "quiet" });
  fill(element, h("h2", {}, "Messages"), list, note, more);
  const draw = () => {
    const moment = store.moment;
    if (!moment) return;
    const key = JSON.stringify([moment.messages, moment.names, moment.me, moment.at.slice(0, 16), moment.live, store.view.filter, most]);
    if (key === drawn) return;
    drawn = key;
    const found = moment.messages.filter((message) => isShown(store, moment, message));
    fill(list, found.slice(0, most).map((message) => card(message, moment, store, api)));
    note.hidden = found.length > 0;
    note.textContent = moment.messages.length ? "No message matches the filter." : store.view.at ? "No recent messages then." : "No recent messages.";
    more.hidden = found.length <= most;
    more.textContent = `Show ${Math.min(MORE, found.length - most)} more of ${found.length}`;
  };
  store.subscribe((changed) => (changed.has("moment") || changed.has("view")) && draw());
  draw();
}

function isShown(store, moment, message) {
  const who = [message.session, ...(message.to || [])];
  const text = [...who.map((id) => moment.names[id] || id), message.subject, message.body, message.id].join(" ");
  const { sessions = [] } = store.view.filter;
  const names = sessions.some((id) => who.includes(id)) ? { ...moment.names, [message.session]: message.session } : moment.names;
  return matches(store.view.filter, `${text} ${who.join(" ")}`, message.id, names);
}

function card(message, moment, store, api) {
  const name = (id) => (id === moment.me?.session ? "you" : moment.names[id] || id);
  const to = message.everyone ? ["everyone"] : message.to.slice(0, 4).flatMap((id, n) => [n ? ", " : "", person(store, id, name(id))]);
  const extra = !message.everyone && message.to.length > 4 ? ` and ${message.to.length - 4} more` : "";
  const head = h("div", { class: "from" }, person(store, message.session, name(message.session)), h("span", { class: "quiet" }, " to "), to, extra,
    h("time", { datetime: message.at, title: time(message.at), class: "quiet" }, ago(message.at, moment.at)));
  const body = message.body.length > EXCERPT ? `${message.body.slice(0, EXCERPT)}…` : message.body;
  return h("li", { class: message.unread ? "message unread" : "message", "data-id": message.id }, head,
    storyLink(store, message.id, { class: "subject" },
      message.urgency === "high" ? h("span", { class: "bad" }, "❗ Urgent: ") : null, message.subject || "(no subject)"),
    body ? h("p", { class: "said", dir: "auto" }, body) : null,
    h("div", { class: "state" }, states(message, name, store), buttons(message, moment, store, api)));
}

function person(store, id, label) {
  return storyLink(store, id, { class: "name" }, label);
}

/** Return what is open about a message, each with words as well as a colour. */
function states(message, name, store) {
  const waiting = message.unacknowledged_by || [];
  const shown = [];
  if (message.unread) shown.push(h("span", { class: "tag" }, "Unread by you"));
  else if (message.for_me) shown.push(h("span", { class: "tag" }, "To you"));
  if (waiting.length) {
    const who = waiting.slice(0, 3).map(name).join(", ") + (waiting.length > 3 ? ` and ${waiting.length - 3} more` : "");
    shown.push(h("span", { class: "tag warn" }, `Not confirmed by ${who}`));
  }
  if (message.resolved_by) shown.push(h("span", { class: "tag quiet" }, `Closed by ${name(message.resolved_by)}`));
  if (message.in_reply_to) shown.push(storyLink(store, message.in_reply_to, { class: "tag quiet" }, "Answers a message"));
  if (message.length > message.body.length) shown.push(h("span", { class: "tag quiet" }, plural(message.length, "character")));
  return shown;
}

function buttons(message, moment, store, api) {
  if (!api.live || !moment.live || moment.read_only || !message.for_me) return [];
  const button = (action, label, fields) => h("button", { type: "button", class: "small", onclick: () => act(action, fields, store, api) }, label);
  const mine = moment.me && (message.unacknowledged_by || []).includes(moment.me.session);
  return [
    button("reply", "Reply", { message: message.id }),
    mine ? button("ack", "Confirm", { message: message.id }) : null,
  ];
}
