// Where something went wrong: the marks of the timeline, their signs, and the way from one to the next.
import { plural, time } from "../core/format.js";

const SVG = "http://www.w3.org/2000/svg";
// The same signs as the pictures of coord timeline: a form for each kind, not only a colour.
const SIGNS = {
  died: [["circle", { r: 6.5, class: "full" }], ["path", { d: "M-3 -3l6 6m0 -6l-6 6", class: "inside" }]],
  lost: [["path", { d: "M0 -7L7 6H-7z", class: "warning" }], ["path", { d: "M0 -3v4.5m0 1.5v1.6", class: "ink" }]],
  broken: [["circle", { r: 6.5, class: "ring bad" }], ["path", { d: "M1.5 -5l-3 5h3l-3 5", class: "stroke bad" }]],
  refused: [["circle", { r: 6, class: "ring warn" }], ["path", { d: "M-4 4l8 -8", class: "stroke warn" }]],
  void: [["path", { d: "M0 -6l6 6l-6 6l-6 -6z", class: "ring" }]],
};
/** The kinds of marks, the worst first, and what the choice of kinds calls them. */
export const KINDS = { died: "deaths", lost: "losses", broken: "breaks", refused: "refusals", void: "failed handovers" };
/** What each kind of mark means, from the label of its session and its resource. */
export const WORDS = {
  died: (who) => `${who} was presumed dead`,
  lost: (who, what) => `${who} lost ${what}`,
  broken: (who, what) => `the claim of ${who} on ${what} was broken`,
  refused: (who, what) => `${who} was refused ${what}`,
  void: (who, what) => `${who} could not hand over ${what}`,
};
const MOST_LINES = 8;

/** Return the sign of a kind of mark, as a picture. */
export function sign(kind) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true", class: "sign-of-mark" })) {
    picture.setAttribute(name, value);
  }
  for (const [tag, attributes] of SIGNS[kind] || SIGNS.void) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    picture.append(part);
  }
  return picture;
}

/** Return what a mark means, in words; `names` are the labels of sessions. */
export function words(mark, names, now) {
  const who = names[mark.session] || mark.session;
  return `${time(mark.at, now, { seconds: true })} ${(WORDS[mark.kind] || WORDS.void)(who, mark.resource)}`;
}

/** Return the marks of a kind ("" for all) that the filter of the view does not hide. */
export function chosen(marks, { sessions = [], resources = [] }, kind) {
  return marks.filter((mark) => (!kind || mark.kind === kind)
    && (!sessions.length || sessions.includes(mark.session) || sessions.includes(mark.by))
    && (!resources.length || resources.includes(mark.resource)));
}

/**
 * Return the next mark, or the previous one for `by` -1, from the moment that the page shows: `at` names it in the view,
 * and `now` is its time. Marks of one event count as one.
 */
export function neighbour(marks, at, now, by) {
  const here = (mark) => at !== "" && target(mark) === at;
  if (by > 0) {
    const last = marks.findLastIndex(here);
    return last >= 0 ? marks[last + 1] : at === "" ? undefined : marks.find((mark) => mark.at > now);
  }
  const first = marks.findIndex(here);
  if (first >= 0) return marks[first - 1];
  return at === "" ? marks.at(-1) : marks.findLast((mark) => mark.at < now);
}

/** Return what the page shows for a mark: the moment after its event. */
export function target(mark) {
  return mark.id || mark.at;
}

/** Return marks that are near each other as one group: `[{x, kind, marks}]`; `place` gives the x of a mark. */
export function groups(marks, place, distance) {
  const result = [];
  const ranks = Object.keys(KINDS);
  for (const mark of marks) {
    const x = place(mark), group = result.at(-1);
    if (group && x - group.x < distance) {
      group.marks.push(mark);
      if (ranks.indexOf(mark.kind) < ranks.indexOf(group.kind)) group.kind = mark.kind;
    } else result.push({ x, kind: mark.kind, marks: [mark] });
  }
  return result;
}

/** Return the tooltip of a group. */
export function groupText({ marks }, names, now) {
  const lines = marks.slice(0, MOST_LINES).map((mark) => words(mark, names, now));
  return marks.length > MOST_LINES ? [...lines, `and ${plural(marks.length - MOST_LINES, "more", "more")}`].join("\n") : lines.join("\n");
}
