// The scrubber: a slider over the span of the lanes, with the marks of what went wrong.
import { fill, h } from "../core/dom.js";
import { toInstant, toMs } from "../core/format.js";
import { readTheme } from "../lanes/looks.js";
import { makeScale, ticks } from "../lanes/span.js";
import { groupText, groups, sign, target } from "./marks.js";

const LABEL_PX = 84, MARK_PX = 18, LIVE_PX = 6, FINE = 200, COARSE = 10;

/**
 * Return a scrubber: its element, and `draw(state)` with `{from, to, live, at, text, marks, names, isLive}`, where the times
 * are in milliseconds. `onScrub(at, {continuous})` is called with an instant or "" for live, `onMark(at)` for a mark.
 */
export function createScrubber({ onScrub, onMark }) {
  const thumb = h("div", { class: "thumb" });
  const past = h("div", { class: "gone" });
  const marks = h("div", { class: "marks", "aria-hidden": "true" });
  const axis = h("div", { class: "axis", "aria-hidden": "true" });
  const track = h("div", { class: "track", role: "slider", tabindex: "0", "aria-label": "Shown time", "aria-orientation": "horizontal" },
    h("div", { class: "line" }), past, thumb);
  const element = h("div", { class: "scrubber" }, marks, track, axis);
  let state = null, drawn = "", isDragging = false, frame = 0;

  const width = () => track.clientWidth || 1;
  const place = (ms) => Math.max(0, Math.min(width(), ((ms - state.from) / (state.to - state.from || 1)) * width()));
  const endsNow = () => state.to >= state.live - 1000;

  function scrubTo(event, continuous) {
    const x = event.clientX - track.getBoundingClientRect().left;
    if (endsNow() && x >= width() - LIVE_PX) return onScrub("", { continuous });
    const share = Math.max(0, Math.min(1, x / width()));
    return onScrub(toInstant(Math.min(state.from + share * (state.to - state.from), state.live)), { continuous });
  }
  track.addEventListener("pointerdown", (event) => {
    if (event.button || !state) return;
    track.setPointerCapture(event.pointerId);
    isDragging = true;
    scrubTo(event, false);
  });
  track.addEventListener("pointermove", (event) => {
    if (!isDragging || frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (isDragging) scrubTo(event, true);
    });
  });
  track.addEventListener("pointerup", (event) => {
    if (!isDragging) return;
    isDragging = false;
    scrubTo(event, true);
  });
  track.addEventListener("pointercancel", () => { isDragging = false; });
  track.addEventListener("keydown", (event) => {
    if (!state || event.ctrlKey || event.altKey || event.metaKey) return;
    const to = keyed(event.key, state);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    onScrub(to, { continuous: true });
  });

  function draw(next) {
    state = next;
    const x = place(state.isLive ? state.to : state.at);
    thumb.style.transform = `translateX(${x}px)`;
    past.style.width = `${x}px`;
    track.classList.toggle("live", state.isLive && endsNow());
    thumb.classList.toggle("outside", state.at > state.to || state.at < state.from);
    const values = { min: Math.round(state.from / 1000), max: Math.round(state.to / 1000), now: Math.round(state.at / 1000) };
    values.now = Math.max(values.min, Math.min(values.max, values.now));
    for (const [name, value] of Object.entries({ ...values, text: state.text })) track.setAttribute(`aria-value${name}`, value);
    const key = [state.from, state.to, width(), state.revision].join();
    if (key === drawn) return;
    drawn = key;
    drawMarks();
    drawAxis();
  }
  function drawMarks() {
    const theme = readTheme(element);
    const shown = state.marks.filter(({ at }) => toMs(at) >= state.from && toMs(at) <= state.to);
    fill(marks, groups(shown, (mark) => place(toMs(mark.at)), MARK_PX).map((group) => {
      const picture = h("span", {
        class: `mark ${group.kind}`, title: groupText(group, state.names, toInstant(state.live)),
        onclick: () => onMark(target(group.marks[0])),
      }, sign(group.kind, theme), group.marks.length > 1 && h("span", { class: "more" }, String(group.marks.length)));
      picture.style.left = `${group.x}px`;
      return picture;
    }));
  }
  function drawAxis() {
    const scale = makeScale({ start: state.from, end: state.to }, 0, width());
    fill(axis, ticks(scale, LABEL_PX).map(({ x, label, day }) => {
      const text = h("span", {}, day || label);
      text.style.left = `${Math.max(14, Math.min(width() - 14, x))}px`;
      return text;
    }));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawn = ""; draw(state); });
  new ResizeObserver(() => state && draw(state)).observe(track);
  return { element, draw };
}

/** Return where a key of the slider leads: an instant, "" for live, or null if it is not one of its keys. */
export function keyed(key, { from, to, at, live, isLive }) {
  const here = isLive ? live : at;
  const steps = { ArrowLeft: -1 / FINE, ArrowDown: -1 / FINE, ArrowRight: 1 / FINE, ArrowUp: 1 / FINE, PageDown: -1 / COARSE, PageUp: 1 / COARSE };
  if (key === "End") return "";
  if (key === "Home") return toInstant(from);
  if (!(key in steps)) return null;
  const ms = Math.max(from, here + steps[key] * (to - from));
  return ms >= live ? "" : toInstant(ms);
}
