// The lanes: sessions with their claims, waits, messages and marks, on a canvas with zoom and pan.

import { h } from "../core/dom.js";
import { isInstant, plural, toMs } from "../core/format.js";
import { addKey } from "../core/keys.js";
import { drawFrame, HEAD } from "./draw.js";
import { listen, listenToKeys } from "./input.js";
import { bandAt, createModel, lanesInSpan, NARROW, placeLanes, updateModel, usedRows, WIDE } from "./layout.js";
import { makeLegend } from "./legend.js";
import { makeList } from "./list.js";
import { readTheme } from "./appearance.js";
import { boxOf } from "./placement.js";
import { hideTip, itemsAt, open, select, showTip } from "./selection.js";
import { panSpan, spanText } from "./span.js";
import { bounds, fit, fitAll, goNow, panPixels, scaleOf, setSpan, settle, takeSpan, zoom } from "./navigation.js";
import { makeLabels } from "./labels.js";

const KEYS = {
  "← → ↑ ↓": "Select claims and signs in time order, and lanes", "Shift ← →": "Move to earlier or later time", "+ -": "Zoom", 0: "Show all time", l: "Go to now", Enter: "Open what is selected",
};

/** Mount the lanes in an element. */
export function mount(element, store, api) {
  const state = {
    model: createModel(), span: null, all: true, follow: true, placed: placeLanes([], WIDE), edge: 0, cut: null, now: 0, scroll: 0,
    selected: null, found: null, label: String, theme: null, version: 0, sent: { from: "", to: "" }, width: 0, shown: true, loading: false,
  };
  const lanes = { element, store, api, state };
  Object.assign(lanes, { place: () => place(lanes), schedule: () => schedule(lanes) });
  lanes.ui = build(lanes);
  lanes.legend = makeLegend(store, state.model);
  lanes.list = makeList(store, state);
  lanes.legend.element.append(lanes.list.element);
  element.append(lanes.legend.element);
  state.theme = readTheme(element);
  watch(lanes);
  takeView(lanes);
  takeTables(lanes);
  return lanes;
}

function build(lanes) {
  const button = (text, title, onclick) => h("button", { type: "button", title, "aria-label": title, onclick }, text);
  const ui = {
    canvas: h("canvas", { tabindex: "0", role: "application", "aria-label": "Lanes of the sessions", "aria-describedby": "lanes-keys" }),
    spacer: h("div"), tip: h("div", { class: "lanes-tip", role: "tooltip", hidden: true }), said: h("p", { id: "lanes-said", class: "hidden", "aria-live": "polite" }),
    facts: h("span", { class: "quiet" }), notice: h("span", { class: "quiet", role: "status" }),
    endedButton: h("button", { type: "button", onclick: () => lanes.store.setView({ ended: !lanes.store.view.ended }) }),
    unfilter: h("button", { type: "button", onclick: () => lanes.store.setView({ filter: { text: "", sessions: [], resources: [] } }) }, "Remove the filter"),
    now: button("Now", "Go to now, and follow it", () => goNow(lanes)),
  };
  ui.scroller = h("div", { class: "lanes-view" }, ui.canvas, ui.spacer);
  const buttons = [button("−", "Zoom out", () => zoom(lanes, 1 / 1.5)), button("+", "Zoom in", () => zoom(lanes, 1.5)), button("Fit all", "Show all time", () => fitAll(lanes)), ui.now];
  lanes.element.append(h("div", { class: "lanes-bar" }, h("h2", {}, "Lanes"), ui.facts, ui.notice, h("span", { class: "lanes-buttons" }, ui.endedButton, ui.unfilter, buttons)), ui.scroller, ui.said, ui.tip,
    h("p", { id: "lanes-keys", class: "hidden" }, Object.entries(KEYS).map((words) => words.join(": ")).join(". ")));
  for (const [key, text] of Object.entries(KEYS)) addKey(key, text, "In the lanes");
  return ui;
}

function watch(lanes) {
  const { ui, state, store } = lanes;
  const redraw = () => { state.theme = readTheme(lanes.element); lanes.legend.update(state.theme); schedule(lanes); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(() => resize(lanes)).observe(ui.scroller);
  new IntersectionObserver(([entry]) => { state.shown = entry.isIntersecting; if (state.shown) schedule(lanes); }).observe(ui.scroller);
  ui.scroller.addEventListener("scroll", () => { state.scroll = ui.scroller.scrollTop; hideTip(lanes); schedule(lanes); }, { passive: true });
  const at = (x, y) => (state.span ? itemsAt(lanes, x, y, scaleOf(state)) : null);
  const pan = (dx, dy) => { ui.scroller.scrollTop -= dy; panPixels(lanes, dx); };
  listen(ui.canvas, {
    pan, zoom: (factor, x) => zoom(lanes, factor, x), leave: () => hideTip(lanes),
    tap: (x, y) => open(lanes, (at(x, y) || [])[0]),
    hover: (x, y) => {
      const items = at(x, y);
      ui.canvas.style.cursor = items ? "pointer" : "";
      if (items) showTip(lanes, items, x, y); else hideTip(lanes);
    },
  });
  listenToKeys(ui.canvas, state, {
    pan, zoom: (factor) => zoom(lanes, factor), select: (item) => choose(lanes, item), open: () => open(lanes, state.selected), fitAll: () => fitAll(lanes), now: () => goNow(lanes),
  });
  ui.canvas.addEventListener("focus", () => { if (state.selected) choose(lanes, state.selected); });
  ui.canvas.addEventListener("blur", () => { hideTip(lanes); schedule(lanes); });
  store.subscribe((changed) => {
    if (changed.has("timeline") || changed.has("live")) takeTables(lanes);
    if (changed.has("view")) takeView(lanes);
    else if (changed.has("moment")) takeMoment(lanes);
  });
}

// --- what is shown -----------------------------------------------------------------------------------------------

/** Take changed tables: arrange their lanes, and move on if now is followed. */
function takeTables(lanes) {
  const { state, store } = lanes, { timeline, live, view } = store;
  const before = state.now;
  state.now = Math.max(timeline.until ? toMs(timeline.until) : 0, live && live.at ? toMs(live.at) : 0);
  if (updateModel(state.model, timeline.tables, view.filter).length) {
    state.version += 1;
    state.label = makeLabels(state.model, state.now);
  }
  if (state.selected && state.selected.type === "lane") state.selected.lane = state.model.lanes.get(state.selected.session) || state.selected.lane;
  if (!Number.isFinite(state.model.first)) state.span = null;
  else if (!state.span || state.all) fit(lanes);
  else if (state.follow && !view.at && state.now !== before) {
    state.span = { start: state.span.start + (state.now - before), end: state.now };
    settle(lanes);
  }
  if (state.span && state.pending) takeSpan(lanes);
  takeMoment(lanes);
  lanes.legend.update(state.theme);
}

/** Take the view: the span, if another part or the address changed it, the filter, and the shown moment. */
function takeView(lanes) {
  const { state, store } = lanes, { from, to, filter } = store.view;
  if (from !== state.sent.from || to !== state.sent.to) {
    state.sent = { from, to };
    state.pending = true;
    if (state.span) takeSpan(lanes);
  }
  if (filter !== state.filter && updateModel(state.model, store.timeline.tables, filter).length) state.version += 1;
  state.filter = filter;
  takeMoment(lanes);
  lanes.legend.update(state.theme);
}

/** Take the shown moment: nothing after it is drawn. A moment outside the span moves the span. */
function takeMoment(lanes) {
  const { state, store } = lanes, { at } = store.view;
  const time = isInstant(at) ? toMs(at) : at && store.moment ? toMs(store.moment.at) : NaN;
  const cut = Number.isNaN(time) ? null : time, moved = cut !== state.cut;
  state.cut = cut;
  state.edge = cut ?? state.now;
  if (moved && cut && state.span && !state.all && (cut < state.span.start || cut > state.span.end)) {
    state.span = panSpan(state.span, cut - state.span.start - 0.8 * (state.span.end - state.span.start), bounds(lanes));
    settle(lanes);
  }
  place(lanes);
}

/**
 * Hide lanes with nothing in the span, place the others, keep the topmost visible one where it is, and write what is
 * shown. While the span is moving, lanes and rows are only added, so that nothing jumps under the pointer.
 */
function place(lanes, moving = false) {
  const { state, store, ui } = lanes;
  if (!state.span) return placeNothing(lanes);
  const top = state.scroll > 0 ? bandAt(state.placed.bands, state.scroll) : null, offset = top ? state.scroll - top.top : 0;
  const span = { start: state.span.start, end: Math.min(state.span.end, state.edge) }, before = state.placed.bySession;
  const visible = lanesInSpan(state.model, span, (lane) => store.view.ended || (moving && before.has(lane.session)));
  if (state.cut) visible.lanes = visible.lanes.filter((lane) => lane.start <= state.cut);
  const rowsOf = (lane) => Math.max(usedRows(lane, span), (moving && before.get(lane.session)?.rows) || 0);
  state.placed = placeLanes(visible.lanes, state.narrow ? NARROW : WIDE, rowsOf);
  ui.facts.textContent = `${spanText(state.span, state.now)} · ${plural(visible.lanes.length, "session")}`;
  if (!moving) writeState(lanes, visible);
  resizeHeight(lanes);
  const same = top && state.placed.bySession.get(top.lane.session);
  if (same) ui.scroller.scrollTop = same.top + Math.min(offset, same.height - 1);
  state.scroll = ui.scroller.scrollTop;
  lanes.schedule();
}

function writeState({ state, store, ui, list }, { ended, later }) {
  const after = state.cut ? 0 : later, verb = store.view.ended ? "Hide" : "Show";
  ui.endedButton.hidden = !(ended || after);
  ui.endedButton.setAttribute("aria-pressed", String(store.view.ended));
  ui.endedButton.textContent = ended
    ? `${verb} ${plural(ended, "session")} that ended earlier${after ? ` and ${after} that began later` : ""}` : `${verb} ${plural(after, "session")} that began later`;
  ui.now.setAttribute("aria-pressed", String(state.follow && !state.cut));
  const { text = "", sessions = [], resources = [] } = store.view.filter;
  ui.unfilter.hidden = !(text || sessions.length || resources.length);
  list.update();
}

function placeNothing(lanes) {
  lanes.state.placed = placeLanes([], WIDE);
  lanes.ui.facts.textContent = "Nothing happened in this period.";
  lanes.ui.endedButton.hidden = lanes.ui.unfilter.hidden = true;
  resizeHeight(lanes);
  lanes.schedule();
}

function resizeHeight({ state, ui, element }) {
  const all = state.placed.height + HEAD + 4, high = Math.round(Math.max(110, Math.min(all, innerHeight / 2)));
  ui.scroller.style.height = `${high}px`;
  ui.spacer.style.height = `${Math.max(0, all - high)}px`;
  const ratio = window.devicePixelRatio || 1, wide = state.width || element.clientWidth;
  for (const [name, pixels] of [["width", wide], ["height", high]]) {
    ui.canvas.style[name] = `${pixels}px`;
    // Setting the size clears the canvas, so it is set only if it changes.
    if (ui.canvas[name] !== Math.round(pixels * ratio)) ui.canvas[name] = Math.round(pixels * ratio);
  }
  state.ratio = ratio;
  state.height = high;
}

function resize(lanes) {
  const { state, ui } = lanes;
  state.width = ui.scroller.clientWidth;
  document.documentElement.style.setProperty("--lanes-bar", `${ui.scroller.offsetWidth - state.width - 2}px`); // for the slider below
  state.narrow = state.width < 640;
  place(lanes);
}

/** Draw at the next frame, once, if the lanes are visible. */
function schedule(lanes) {
  if (lanes.waiting || !lanes.state.shown) return;
  lanes.waiting = requestAnimationFrame(() => {
    if (lanes.state.moving) place(lanes, true);
    lanes.state.moving = false;
    lanes.waiting = 0;
    draw(lanes);
  });
}

/** Draw now. */
export function draw({ state, ui, store }) {
  const context = ui.canvas.getContext("2d", { alpha: false });
  if (!state.span || !state.width) {
    context.fillStyle = state.theme.back;
    return context.fillRect(0, 0, ui.canvas.width, ui.canvas.height);
  }
  const scale = scaleOf(state), isFocused = document.activeElement === ui.canvas;
  const selected = isFocused ? state.selected : null;
  state.found = drawFrame({
    ...state, context, scale, selected, open: store.view.open, selectedBox: selected && boxOf(selected, state.placed, scale, state.edge),
  });
}

/** Select an item, and move the span so that it is visible. */
function choose(lanes, item) {
  const { state } = lanes;
  if (item && item.at !== undefined && ((item.end || item.at) < state.span.start || item.at > state.span.end)) {
    setSpan(lanes, panSpan(state.span, item.at - (state.span.start + state.span.end) / 2, bounds(lanes)));
  }
  select(lanes, item, scaleOf(state));
  schedule(lanes);
}
