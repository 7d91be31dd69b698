// A story as elements: what it is, what happened step by step, and the rules that decided.
import { h } from "../core/dom.js";
import { plural, time } from "../core/format.js";
import { linkPattern, linked, longText, storyLink } from "./text.js";

const BODY = 4000; // characters shown of a body before "Show all"
const KINDS = { resource: "Resource", session: "Session", message: "Message", claim: "Claim or request", event: "Event" };
const READ = {
  unread: "has not read it", read: "read it", passed_on: "was continued before it read it", dropped: "ended without reading it",
};

/** Return the elements of a story. `goTo` shows the page at a time or an event. */
export function storyParts(story, store, goTo) {
  const pattern = linkPattern(story.links);
  const text = (words) => linked(store, words, story.links || {}, pattern);
  const tools = { story, store, text, goTo };
  return [
    h("p", { class: "kind quiet" }, KINDS[story.kind] || ""),
    h("h2", { tabindex: "-1", class: "title" }, story.title || story.about),
    story.error ? h("p", { class: "error" }, story.error) : null,
    story.message ? message(story.message, tools) : null,
    lines(tools),
    did(tools),
    steps(tools),
    fields(tools),
    rules(story.rules),
    story.notes.map((note) => h("p", { class: "quiet note" }, note)),
  ];
}

function section(head, ...children) {
  return h("section", { class: "part" }, h("h3", {}, head), ...children);
}

function lines({ story, text }) {
  if (!story.lines.length) return null;
  if (story.kind !== "message") return h("div", { class: "lines" }, story.lines.map((line) => h("p", {}, text(line))));
  const [, ...readers] = story.lines; // the first is the message, which is shown whole
  const { rows = [] } = story.receipts || {};
  const count = rows.filter((row) => row.status === "read").length;
  return section("Who read it",
    rows.length ? h("p", { class: "quiet" }, `${count} of ${plural(rows.length, "recipient")} ${READ.read}.`) : null,
    h("ul", { class: "rows" }, readers.map((line) => h("li", { class: "row" }, text(line)))));
}

function message(sent, { store, text }) {
  const row = (label, ...value) => [h("dt", {}, label), h("dd", {}, ...value)];
  return h("div", { class: "letter" },
    h("dl", { class: "facts" },
      row("From", storyLink(store, sent.session, { class: "name" }, sent.from)),
      row("To", text(sent.to)),
      row("Sent", h("time", { datetime: sent.at }, time(sent.at, "", { seconds: true }))),
      sent.urgency === "normal" ? [] : row("Urgency", sent.urgency),
      sent.needs_ack ? row("Asks for", "a confirmation") : [],
      sent.in_reply_to ? row("Reply to", storyLink(store, sent.in_reply_to, { class: "id" }, sent.in_reply_to)) : []),
    sent.body ? longText(sent.body, BODY) : null);
}

/** Return the steps of claims, the oldest first, as `coord why` lists them. */
function steps(tools) {
  const { story } = tools;
  if (!story.steps.length) return null;
  const before = story.older ? h("p", { class: "quiet" }, `Only the newest steps are shown. All: ${story.next || "coord why --all"}`) : null;
  return section(story.kind === "session" ? "Its claims" : "What happened", before, h("ol", { class: "steps" }, story.steps.map((step) => drawStep(step, tools))));
}

function drawStep(step, { story, store, text, goTo }) {
  return h("li", { class: "step" },
    h("div", { class: "when" }, momentButton(step.at, step.cause || step.at, story.now, goTo),
      step.cause ? storyLink(store, step.cause, { class: "id quiet" }, step.cause) : h("span", { class: "id quiet" }, "time passes")),
    h("div", { class: "what" }, text(step.text), step.words ? [" — ", h("q", { dir: "auto" }, step.words)] : []),
    h("div", { class: "why" }, ruleButton(story, step.rule),
      step.told ? h("strong", { class: "warn" }, `but was told: ${step.told}`) : null));
}

/** Return a button that shows the text of a rule after it, and hides it again. */
function ruleButton(story, rule) {
  const text = story.rules.find((each) => each.startsWith(`rule ${rule}:`));
  if (!text) return h("span", { class: "rule" }, `rule ${rule}`);
  const shown = h("span", { class: "quiet", hidden: true }, text.slice(text.indexOf(":") + 2));
  const button = h("button", { type: "button", class: "rule", "aria-expanded": "false", onclick: () => {
    shown.hidden = !shown.hidden;
    button.setAttribute("aria-expanded", String(!shown.hidden));
  } }, `rule ${rule}`);
  return [button, shown];
}

function momentButton(at, point, now, goTo) {
  const shown = time(at, now, { seconds: true });
  return h("button", { type: "button", class: "at", title: "Show the whole page at this moment",
    "aria-label": `${shown}: show the page at this moment`, onclick: () => goTo(point) }, shown);
}

function rules(list) {
  if (!list.length) return null;
  return h("details", { class: "rules" }, h("summary", {}, `The rules that decided (${list.length})`),
    h("ul", {}, list.map((text) => h("li", {}, text))));
}

/** Return what a session did, the newest first. */
function did({ story, store, text, goTo }) {
  if (!story.did.length) return null;
  const rows = story.did.map((row) => h("li", { class: "step" },
    h("div", { class: "when" }, momentButton(row.at, row.id, story.now, goTo), storyLink(store, row.id, { class: "id quiet" }, row.id)),
    h("div", { class: "what" }, text(row.text))));
  const before = story.did_before ? h("p", { class: "quiet" }, `Older events: coord log --session ${story.about} --all`) : null;
  return section("What it did", h("ol", { class: "steps" }, rows), before);
}

function fields({ story, text }) {
  const rows = (story.fields || []).map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", { dir: "auto" }, text(value))]);
  if (!rows.length) return null;
  return h("details", { class: "all-fields", open: story.kind === "event" }, h("summary", {}, "All fields of the event"), h("dl", { class: "facts" }, rows));
}
