// The positions of the signs, arrows and links of a span. Signs and arrows that would overlap are one. Pure functions.

import { visibleItems } from "./layout.js";

/** The width of a sign. */
export const SIGN = 14;
const NEAR = 8; // arrows between the same lanes that are nearer than this are one
const MOST_ARROWS = 120, MOST_RECIPIENTS = 6, MOST_MESSAGES = 400;

/** Return the arrows of a span, and whether a message is drawn as a sign at its sender instead. */
export function placeArrows(model, placed, scale, span) {
  const messages = visibleItems(model.messages, span);
  const arrows = [], last = new Map();
  const hasArrow = ({ row }) => !row.everyone && row.to.length <= MOST_RECIPIENTS && row.to.some((to) => to !== row.session && placed.bySession.has(to));
  const isCrowded = messages.length > MOST_MESSAGES;
  for (const item of isCrowded ? [] : messages) {
    const from = placed.bySession.get(item.session);
    if (!from || !item.shown || !hasArrow(item)) continue;
    for (const session of item.row.to) {
      const to = placed.bySession.get(session);
      if (!to || to === from) continue;
      const key = from.number * 100000 + to.number, x = scale.x(item.at), before = last.get(key);
      if (before && x - before.x < NEAR) before.items.push(item);
      else {
        const arrow = { type: "message", x, y0: from.axis, y1: to.axis, items: [item] };
        last.set(key, arrow);
        arrows.push(arrow);
      }
    }
  }
  if (isCrowded || arrows.length > MOST_ARROWS) return { arrows: [], isSign: () => true };
  return { arrows, isSign: (item) => !hasArrow(item) };
}

/** Return the signs of a lane: those of one kind that would overlap are one, and the others are moved apart. */
export function placeSigns(lane, scale, span, isSign) {
  const pairs = visibleItems(lane.marks, span).map((item) => [item.row.kind, item]);
  for (const item of visibleItems(lane.sent, span)) if (isSign(item)) pairs.push(["sent", item]);
  pairs.sort((a, b) => a[1].at - b[1].at);
  const signs = [], last = new Map();
  for (const [kind, item] of pairs) {
    const x = scale.x(item.at), before = last.get(kind);
    if (before && x - before.time < SIGN) before.items.push(item);
    else {
      const sign = { type: item.type, kind, time: x, x, items: [item] };
      last.set(kind, sign);
      signs.push(sign);
    }
  }
  let edge = -Infinity;
  for (const sign of signs) sign.x = edge = Math.max(sign.x, edge + SIGN);
  return signs;
}

/** Return the links of a span with both ends in the picture: between bars for a claim, else between the lanes' lines. */
export function placeLinks(model, placed, scale, span) {
  const lines = [];
  for (const item of visibleItems(model.links, span)) {
    const { kind, id, claim, became, to } = item.row;
    const from = placed.bySession.get(item.session), into = placed.bySession.get(to);
    if (!from || !into) continue;
    const middle = (band, bar) => band.first + bar.line * band.pitch + band.bar / 2;
    const old = (model.claims.get(claim) || []).find((bar) => bar.shown && bar.session === item.session && bar.row.cause === id);
    const next = (model.claims.get(became) || []).find((bar) => bar.shown && bar.session === to && bar.row.start === item.row.at);
    if (kind !== "continued" && !(old && next)) continue;
    const [y0, y1] = kind === "continued" ? [from.axis, into.axis] : [middle(from, old), middle(into, next)];
    lines.push({ type: "link", kind, x: scale.x(item.at), y0, y1, items: [item] });
  }
  return lines;
}

/** Return the sign, arrow or link near a point below the axis, from those that a frame placed. */
export function placedAt({ signs, arrows, links }, x, y) {
  const inside = (line) => Math.min(line.y0, line.y1) - 6 <= y && y <= Math.max(line.y0, line.y1) + 6;
  const near = (list, wide, test) => list.filter((it) => Math.abs(it.x - x) <= wide && test(it)).sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];
  return near(signs, 8, (sign) => Math.abs(sign.y - y) <= 9) || near(arrows, 5, inside) || near(links, 5, inside) || null;
}

/** Return the box of an item in pixels below the axis: x, y, width and height; null if its lane is not placed. */
export function boxOf(item, placed, scale, edge) {
  const band = placed.bySession.get(item.session);
  if (!band) return null;
  if (item.type === "lane") return [scale.left, band.top + 4, 60, 20];
  const x = scale.x(item.at);
  if (item.type !== "bar") return [x - 7, band.axis - 7, 14, 14];
  const left = Math.max(x, scale.left + 3), right = Math.min(scale.x(Math.min(item.end, edge)), scale.right);
  return [left, band.first + item.line * band.pitch, Math.max(3, right - left), band.bar];
}
