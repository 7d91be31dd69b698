// Changes of the visible span: zoom, pan, fit, following now, and loading earlier time. `lanes` is the record that
// lanes.js makes; its functions place() and schedule() show a changed span.

import { isInstant, toInstant, toMs } from "../core/format.js";
import { loadEarlier } from "../core/store.js";
import { firstTime } from "../core/timeline.js";
import { hideTip } from "./selection.js";
import { clampSpan, makeScale, panSpan, SHORTEST, zoomSpan } from "./span.js";

const SETTLED_MS = 250; // after the last pan or zoom: then the span goes into the address, and empty lanes are hidden

function wholeSpan({ state, store }) {
  const start = toMs(firstTime(store.timeline));
  return { start, end: Math.max(state.now, start + SHORTEST) };
}

/** Return the first and last time that can be shown: with one more span before, if there is earlier time to load. */
export function bounds(lanes) {
  const { start, end } = wholeSpan(lanes), { span } = lanes.state;
  return { start: start - (lanes.store.timeline.earlier && span ? span.end - span.start : 0), end };
}

/** Set the span to all time. */
export function fit(lanes) {
  lanes.state.span = wholeSpan(lanes);
}

/** Take the span from the view: empty means all, and without an end it follows now. */
export function takeSpan(lanes) {
  const { state } = lanes, { from, to } = state.sent;
  state.pending = false;
  state.all = !from && !to;
  state.follow = !to;
  if (state.all) return fit(lanes);
  const span = { start: isInstant(from) ? toMs(from) : wholeSpan(lanes).start, end: isInstant(to) ? toMs(to) : state.now };
  state.span = clampSpan({ start: Math.min(span.start, span.end - SHORTEST), end: span.end }, bounds(lanes));
  loadBefore(lanes);
}

/** Return the scale of the shown span. */
export function scaleOf({ width, span, narrow }) {
  return makeScale(span, narrow ? 10 : Math.min(190, width * 0.22), width - 14);
}

/** Show a span. */
export function setSpan(lanes, span) {
  const { state } = lanes;
  state.span = span;
  state.all = false;
  state.follow = span.end >= state.now;
  state.moving = true;
  hideTip(lanes);
  settle(lanes);
  lanes.schedule();
  loadBefore(lanes);
}

/** Move the span by pixels. */
export function panPixels(lanes, dx) {
  const { state } = lanes;
  if (!state.span || !dx) return;
  const scale = scaleOf(state);
  setSpan(lanes, panSpan(state.span, scale.time(0) - scale.time(dx), bounds(lanes)));
}

/** Zoom by a factor at an x position; without it, at the selection, else at now if it is followed, else in the middle. */
export function zoom(lanes, factor, x) {
  const { state } = lanes;
  if (!state.span) return;
  const scale = scaleOf(state), at = state.selected && state.selected.at;
  const inside = at >= state.span.start && at <= state.span.end;
  const time = x === undefined ? (inside ? at : state.follow && !state.cut ? state.now : (state.span.start + state.span.end) / 2) : scale.time(Math.max(scale.left, x));
  setSpan(lanes, zoomSpan(state.span, factor, time, bounds(lanes)));
}

/** Show all time. */
export function fitAll(lanes) {
  if (!lanes.state.span) return;
  fit(lanes);
  setSpan(lanes, lanes.state.span);
  lanes.state.all = true;
}

/** Go to now, with the same length, and follow it. */
export function goNow(lanes) {
  const { state, store } = lanes;
  if (store.view.at) store.setView({ at: "", playing: 0 });
  if (state.span) setSpan(lanes, panSpan(state.span, state.now - state.span.end, bounds(lanes)));
}

/** After the last pan or zoom, put the span into the view, and hide the lanes with nothing in it. */
export function settle(lanes) {
  clearTimeout(lanes.timer);
  lanes.timer = setTimeout(() => {
    const { state } = lanes;
    if (!state.span) return;
    const from = state.all ? "" : toInstant(state.span.start), to = state.all || state.follow ? "" : toInstant(state.span.end);
    state.sent = { from, to };
    if (from !== lanes.store.view.from || to !== lanes.store.view.to) lanes.store.setView({ from, to });
    else lanes.place();
  }, SETTLED_MS);
}

/** Load the span before the timeline once the shown span reaches it. */
async function loadBefore({ state, store, api, ui }) {
  const { earlier, since } = store.timeline;
  if (state.loading || !earlier || !since || state.span.start >= toMs(since)) return;
  state.loading = true;
  ui.notice.textContent = "Loading earlier time …";
  try {
    await loadEarlier(store, api);
    ui.notice.textContent = "";
  } catch (error) {
    ui.notice.textContent = `Earlier time could not be loaded: ${error.message}`;
  }
  state.loading = false;
}
