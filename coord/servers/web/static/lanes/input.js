// Mouse, touch, wheel and keys on the canvas. Positions are pixels from its corner. With keys the selection moves between
// lanes and, in time order, between what is in a lane.

import { visibleBands } from "./layout.js";

const STILL = 6; // pixels that a tap may move

/** Listen on an element; `on` has the functions pan(dx, dy), zoom(factor, x), tap(x, y), hover(x, y) and leave(). */
export function listen(element, on) {
  const down = new Map();
  let moved = 0, pinched = false;
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const apart = () => {
    const [a, b] = [...down.values()];
    return { middle: (a.x + b.x) / 2, wide: Math.max(20, Math.hypot(a.x - b.x, a.y - b.y)) };
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!down.size) [moved, pinched] = [0, false];
    down.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const to = place(event), from = down.get(event.pointerId);
    if (!from) return on.hover(to.x, to.y);
    const before = down.size === 2 ? apart() : null;
    down.set(event.pointerId, to);
    moved += Math.abs(to.x - from.x) + Math.abs(to.y - from.y);
    if (before) {
      const after = apart();
      pinched = true;
      on.pan(after.middle - before.middle, 0);
      return on.zoom(after.wide / before.wide, after.middle);
    }
    if (moved > STILL) on.pan(to.x - from.x, event.pointerType === "touch" ? 0 : to.y - from.y);
  });
  const up = (event) => {
    const from = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (from && event.type === "pointerup" && moved <= STILL && !pinched && !down.size) on.tap(from.x, from.y);
  };
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(name, up);
  element.addEventListener("pointerleave", on.leave);
  element.addEventListener("dblclick", (event) => on.zoom(event.shiftKey ? 0.5 : 2, place(event).x));
  element.addEventListener("wheel", (event) => {
    const size = event.deltaMode ? 16 : 1, { x } = place(event);
    if (event.ctrlKey || event.metaKey) on.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY * size)) / 120), x);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) on.pan(-(event.deltaX || event.deltaY) * size, 0);
    else return; // lanes and the page scroll as usual
    event.preventDefault();
  }, { passive: false });
}

/** Return what is in a lane, in time order, up to a time. */
export function itemsOf(lane, until) {
  const items = [...lane.rows.flat(), ...lane.marks, ...lane.sent].filter((item) => item.at <= until);
  return items.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
}

/** Return the selection of a lane itself. */
export const laneItem = (lane) => ({ type: "lane", key: lane.session, session: lane.session, lane });

/** Return the item after `step` others in the lane of the selection; the lane itself is before the first. */
function beside(state, step) {
  const lane = state.selected && state.placed.bySession.get(state.selected.session);
  if (!lane) return firstItem(state);
  const items = itemsOf(lane.lane, state.edge);
  const index = items.findIndex((item) => item.key === state.selected.key && item.type === state.selected.type);
  const next = index < 0 && step > 0 ? items.findIndex((item) => (item.end || item.at) >= state.span.start) : index + step;
  if (next < 0) return laneItem(lane.lane);
  return items[Math.min(next, items.length - 1)] || laneItem(lane.lane);
}

function firstItem({ placed, scroll }) {
  const band = visibleBands(placed.bands, scroll, Infinity)[0];
  return band ? laneItem(band.lane) : null;
}

/** Return what is nearest in time in the lane `step` lanes below; the lane itself if a lane is selected. */
function below(state, step) {
  const band = state.selected && state.placed.bySession.get(state.selected.session);
  if (!band) return firstItem(state);
  const { lane } = state.placed.bands[Math.max(0, Math.min(band.number + step, state.placed.bands.length - 1))];
  if (lane === band.lane || state.selected.type === "lane") return laneItem(lane);
  const distance = (item) => Math.abs(item.at - state.selected.at);
  return itemsOf(lane, state.edge).reduce((best, item) => (best && distance(best) <= distance(item) ? best : item), null) || laneItem(lane);
}

function edgeItem(state, last) {
  const band = state.selected && state.placed.bySession.get(state.selected.session);
  if (!band) return firstItem(state);
  const items = itemsOf(band.lane, state.edge);
  return items[last ? items.length - 1 : 0] || laneItem(band.lane);
}

const MOVES = {
  ArrowRight: (state) => beside(state, 1), ArrowLeft: (state) => beside(state, -1),
  ArrowDown: (state) => below(state, 1), ArrowUp: (state) => below(state, -1),
  PageDown: (state) => below(state, 8), PageUp: (state) => below(state, -8),
  Home: (state) => edgeItem(state, false), End: (state) => edgeItem(state, true),
};

/** Listen for keys; `on` has select(item), open(), pan(dx, dy), zoom(factor), fitAll() and now(). */
export function listenToKeys(element, state, on) {
  const acts = {
    Enter: on.open, " ": on.open, Escape: () => on.select(null), "+": () => on.zoom(1.5), "=": () => on.zoom(1.5), "-": () => on.zoom(1 / 1.5), 0: on.fitAll, l: on.now,
  };
  const pans = { ArrowLeft: [100, 0], ArrowRight: [-100, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !state.selected) return;
    if (event.shiftKey && pans[event.key]) on.pan(...pans[event.key]);
    else if (MOVES[event.key]) on.select(MOVES[event.key](state));
    else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
