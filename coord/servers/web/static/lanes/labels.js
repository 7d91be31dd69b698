// The texts of the lanes: labels, and the tooltips of `coord timeline`, which a screen reader also reads.

import { duration, time, toInstant } from "../core/format.js";

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const MOST = 5; // event ids or sessions in a line

const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Return text of a session for one line, cut to `limit`: control and bidirectional characters are shown as escapes. */
export function clean(text, limit = 120) {
  const start = (text || "").slice(0, 4 * limit).trim(); // so that a long text costs no more than a short one
  const shown = start.replace(/\s*\n\s*/g, " ⏎ ").replace(/\t/g, " ").replace(CONTROL, escaped).replace(/(\p{M}{2})\p{M}+/gu, "$1");
  return shown.length > limit || start.length < (text || "").trim().length ? `${shown.slice(0, limit - 1)}…` : shown;
}

/**
 * Return a function that gives the label of a session: its name, with its id where the name alone is not clear. Its
 * `time` gives a time, with the date if that is not the day of `now`.
 */
export function makeLabels(model, now) {
  const counts = new Map();
  for (const lane of model.lanes.values()) counts.set(lane.name, (counts.get(lane.name) || 0) + 1);
  const label = (session) => {
    const name = (model.lanes.get(session) || { name: "" }).name, shown = clean(name, 40);
    if (!shown || name === session) return clean(session, 60);
    const isClear = counts.get(name) === 1 && !model.lanes.has(name) && shown === name && !/\s/.test(name);
    return isClear ? shown : `${shown} (${session})`;
  };
  label.time = (ms) => time(toInstant(ms), toInstant(now), { seconds: true });
  return label;
}

const joined = (head, ...facts) => [head, ...facts.filter(Boolean)].join(" · ");
const first = (items) => items.slice(0, MOST).join(", ");

function barText({ row, at, end }, label) {
  const what = row.kind === "wait" ? "waits for" : row.mode === "shared" ? "shares" : "holds";
  return joined(
    `${label(row.session)}${row.agent ? ` / ${clean(row.agent)}` : ""} ${what} ${clean(row.resource)}`,
    `from ${label.time(at)}`,
    row.end ? `to ${label.time(end)}, ${duration((end - at) / 1000)}` : "still open",
    row.how && row.how.replaceAll("_", " ") + (row.cause ? ` (${row.cause})` : ""),
    row.note && `for: ${clean(row.note)}`,
    row.behind && row.behind.length && `behind ${first(row.behind)}`,
    row.automatic && "by a hook",
    row.id,
  );
}

/** What a mark means, in words. */
export const MARKS = {
  died: (who) => `${who} was presumed dead`, lost: (who, what) => `${who} lost ${what}`,
  broken: (who, what) => `the claim of ${who} on ${what} was broken`, refused: (who, what) => `${who} was refused ${what}`,
  void: (who, what) => `${who} could not hand over ${what}`,
};

function markText({ row, at }, label) {
  return joined(
    `${MARKS[row.kind](label(row.session), clean(row.resource))} at ${label.time(at)}`,
    row.claim && row.claim !== row.id && `claim ${row.claim}`,
    row.by && row.by !== row.session && `by ${label(row.by)}`,
    row.others && row.others.length && `in conflict with ${first(row.others)}`,
    row.words && clean(row.words, 200),
    row.id,
  );
}

function messageText({ row, at }, label) {
  const more = row.to.length > MOST ? `, ${row.to.length - MOST} more` : "";
  const to = row.everyone ? "everyone" : first(row.to.slice(0, MOST).map(label)) + more || "no session";
  const urgent = row.urgency === "high" ? "❗ " : "";
  return `${label(row.session)} writes to ${to} at ${label.time(at)}: ${urgent}${clean(row.subject)} · ${row.id}`;
}

function linkText({ row, at }, label) {
  if (row.kind === "continued") return `${label(row.to)} continues ${label(row.session)} from ${label.time(at)} on · ${row.id}`;
  return `${label(row.to)} gets ${row.claim} from ${label(row.session)} at ${label.time(at)} · ${row.id}`;
}

function laneText(lane, label) {
  const lives = lane.lives.slice(-MOST).map((life) => `live from ${label.time(life.at)}, ${life.end ? `until ${label.time(life.until)} (${life.how})` : "still live"}`);
  if (!lives.length && lane.row && lane.row.first_at) lives.push("events without a session start");
  return joined(label(lane.session), clean(lane.row && lane.row.client, 40), ...lives);
}

const TEXTS = { bar: barText, mark: markText, message: messageText, link: linkText };

/** Return what an item is in words: a lane, a bar, a mark, a message or a link. */
export const itemText = (item, label) => (item.type === "lane" ? laneText(item.lane, label) : TEXTS[item.type](item, label));

/** Return what an item is about: the resource of a claim, a session, a message, or the event of a mark or link. */
export function aboutOf(item) {
  return item.type === "bar" ? item.row.resource : item.type === "lane" ? item.lane.session : item.row.id;
}

const SHORT = { died: "presumed dead", lost: "lost", broken: "broken", refused: "refused", void: "not handed over" };

/** Return the label beside a symbol, from the longest to the shortest. */
export function symbolLabels(symbol) {
  const { row } = symbol.items[0], more = symbol.items.length > 1 ? ` +${symbol.items.length - 1}` : "";
  if (symbol.type === "message") return [clean(row.subject, 60) + more];
  return [`${SHORT[row.kind]} ${clean(row.resource, 80)}`.trim() + more, SHORT[row.kind] + more];
}
