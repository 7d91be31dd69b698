// The visible span while the page is open: zoom, pan, fit, follow now, and what happened before the timeline. `lanes` is
// the record that lanes.js makes; its functions place() and draw() show a changed span.

import { hideTip } from "./point.js";
import { clampSpan, instantOf, isInstant, makeScale, millis, panSpan, SHORTEST, zoomSpan } from "./span.js";

const SETTLED_MS = 250; // after the last pan or zoom: then the span goes into the address, and lanes are folded

/** Return the first and last time that can be shown. */
export function bounds({ state, store }) {
  const end = Math.max(state.now, state.model.first + SHORTEST), start = Math.min(state.model.first, end - SHORTEST);
  const before = store.timeline.earlier && state.span ? state.span.end - state.span.start : 0;
  return { start: start - before, end };
}

/** Set the span to all time. */
export function fit(state) {
  state.span = { start: state.model.first, end: Math.max(state.now, state.model.first + SHORTEST) };
}

/** Take the span from the view: empty means all, and without an end it follows now. */
export function takeSpan(lanes) {
  const { state } = lanes, { from, to } = state.sent;
  state.pending = false;
  state.all = !from && !to;
  state.follow = !to;
  if (state.all) return fit(state);
  const span = { start: isInstant(from) ? millis(from) : state.model.first, end: isInstant(to) ? millis(to) : state.now };
  state.span = clampSpan({ start: Math.min(span.start, span.end - SHORTEST), end: span.end }, bounds(lanes));
  fetchEarlier(lanes);
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
  fetchEarlier(lanes);
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
  fit(lanes.state);
  setSpan(lanes, lanes.state.span);
  lanes.state.all = true;
}

/** Go to now, with the same length, and follow it. */
export function goNow(lanes) {
  const { state, store } = lanes;
  if (store.view.at) store.setView({ at: "", playing: 0 });
  if (state.span) setSpan(lanes, panSpan(state.span, state.now - state.span.end, bounds(lanes)));
}

/** After the last pan or zoom, put the span into the view, and fold the lanes for it. */
export function settle(lanes) {
  clearTimeout(lanes.timer);
  lanes.timer = setTimeout(() => {
    const { state } = lanes;
    if (!state.span) return;
    const from = state.all ? "" : instantOf(Math.round(state.span.start)), to = state.all || state.follow ? "" : instantOf(Math.round(state.span.end));
    state.sent = { from, to };
    if (from !== lanes.store.view.from || to !== lanes.store.view.to) lanes.store.setView({ from, to });
    else lanes.place();
  }, SETTLED_MS);
}

/** Fetch the span before the timeline once the shown span reaches it; rows that are already known are kept. */
async function fetchEarlier(lanes) {
  const { state, store, api, ui } = lanes, { timeline } = store;
  if (state.loading || !timeline.earlier || !timeline.since || state.span.start >= millis(timeline.since)) return;
  state.loading = true;
  ui.notice.textContent = "Loading what happened before …";
  const { since } = timeline;
  try {
    const earlier = await api.fetchTimeline(since), tables = {};
    if (timeline.since !== since) return; // replaced meanwhile
    for (const [name, rows] of Object.entries(earlier.tables)) {
      tables[name] = Object.fromEntries(Object.entries(rows).filter(([key, row]) => row && !timeline.tables[name].has(key)));
    }
    Object.assign(timeline, { since: earlier.since, earlier: earlier.earlier && earlier.since < since });
    ui.notice.textContent = "";
    store.receive({ timeline: { tables, until: timeline.until } });
  } catch (error) {
    timeline.earlier = false; // asking again would fail again; a new stream sets it
    ui.notice.textContent = `What happened before could not be loaded: ${error.message}`;
  } finally {
    state.loading = false;
  }
}
