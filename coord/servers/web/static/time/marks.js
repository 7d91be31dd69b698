// Where something went wrong: the marks of the timeline, their signs, and the next one from a moment.
import { plural, time } from "../core/format.js";
import { picture } from "../lanes/legend.js";
import { drawSign } from "../lanes/appearance.js";
import { MARKS, clean } from "../lanes/labels.js";

/** The kinds of marks, the worst first, and what the choice of kinds calls them. */
export const KINDS = { died: "deaths", lost: "losses", broken: "breaks", refused: "refusals", void: "failed handovers" };
const MOST_LINES = 8;

/** Return the sign of a kind of mark, as a picture: a shape for each kind, not only a colour. */
export function sign(kind, theme) {
  return picture(16, 16, (context) => drawSign(context, theme, kind in KINDS ? kind : "void", 8, 8));
}

/** Return what a mark means, in words; `names` are the labels of sessions. */
export function words(mark, names, now) {
  const what = (MARKS[mark.kind] || MARKS.void)(clean(names[mark.session] || mark.session), clean(mark.resource));
  return `${time(mark.at, now, { seconds: true })} ${what}`;
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
