// The scrubber: a slider over the span of the lanes, with the marks of what went wrong.
import { fill, h } from "../core/dom.js";
import { toInstant, toMs } from "../core/format.js";
import { readTheme } from "../lanes/appearance.js";
import { makeScale, ticks } from "../lanes/span.js";
import { groupText, groups, sign, target } from "./marks.js";

const LABEL_PX = 84, MARK_PX = 18, LIVE_PX = 6, FINE = 200, COARSE = 10;

/**
 * A slider with its marks. `draw(state)` takes `{from, to, live, at, text, marks, names, isLive, revision}`, with times in
 * milliseconds. `onScrub(at, {continuous})` is called with an instant or "" for live, `onMark(at)` for a mark.
 */
export class Scrubber {
  constructor({ onScrub, onMark }) {
    Object.assign(this, { onScrub, onMark, state: null, drawn: "", isDragging: false, frame: 0 });
    this.thumb = h("div", { class: "thumb" });
    this.gone = h("div", { class: "gone" });
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.track = h("div", {
      class: "track", role: "slider", tabindex: "0", "aria-label": "Shown time", "aria-orientation": "horizontal",
      onpointerdown: (event) => this.press(event), onpointermove: (event) => this.drag(event),
      onpointerup: (event) => this.drop(event), onpointercancel: () => { this.isDragging = false; },
      onkeydown: (event) => this.key(event),
    }, h("div", { class: "line" }), this.gone, this.thumb);
    this.element = h("div", { class: "scrubber" }, this.marks, this.track, this.axis);
    new ResizeObserver(() => this.state && this.draw(this.state)).observe(this.track);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.drawn = "";
      if (this.state) this.draw(this.state);
    });
  }
  get width() {
    return this.track.clientWidth || 1;
  }
  place(ms) {
    const { from, to } = this.state;
    return Math.max(0, Math.min(this.width, ((ms - from) / (to - from || 1)) * this.width));
  }
  endsNow() {
    return this.state.to >= this.state.live - 1000;
  }
  scrubTo(event, continuous) {
    const { from, to, live } = this.state, { width } = this;
    const x = event.clientX - this.track.getBoundingClientRect().left;
    const share = Math.max(0, Math.min(1, x / width));
    if (this.endsNow() && x >= width - LIVE_PX) this.onScrub("", { continuous });
    else this.onScrub(toInstant(Math.min(from + share * (to - from), live)), { continuous });
  }
  press(event) {
    if (event.button || !this.state) return;
    this.track.setPointerCapture(event.pointerId);
    this.isDragging = true;
    this.scrubTo(event, false);
  }
  drag(event) {
    if (!this.isDragging || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.isDragging) this.scrubTo(event, true);
    });
  }
  drop(event) {
    if (!this.isDragging) return;
    this.isDragging = false;
    this.scrubTo(event, true);
  }
  key(event) {
    if (!this.state || event.ctrlKey || event.altKey || event.metaKey) return;
    const to = keyed(event.key, this.state);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.onScrub(to, { continuous: true });
  }
  draw(state) {
    this.state = state;
    const { from, to, at, isLive, text } = state;
    const x = this.place(isLive ? to : at);
    this.thumb.style.transform = `translateX(${x}px)`;
    this.gone.style.width = `${x}px`;
    this.track.classList.toggle("live", isLive && this.endsNow());
    this.thumb.classList.toggle("outside", at > to || at < from);
    const seconds = (ms) => Math.round(Math.max(from, Math.min(to, ms)) / 1000);
    const values = { min: seconds(from), max: seconds(to), now: seconds(at), text };
    for (const [name, value] of Object.entries(values)) this.track.setAttribute(`aria-value${name}`, value);
    const key = [from, to, this.width, state.revision].join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.drawMarks();
    this.drawAxis();
  }
  drawMarks() {
    const theme = readTheme(this.element), { from, to, live, names } = this.state;
    const shown = this.state.marks.filter(({ at }) => toMs(at) >= from && toMs(at) <= to);
    fill(this.marks, groups(shown, (mark) => this.place(toMs(mark.at)), MARK_PX).map((group) => {
      const picture = h("span", {
        class: `mark ${group.kind}`, title: groupText(group, names, toInstant(live)),
        onclick: () => this.onMark(target(group.marks[0])),
      }, sign(group.kind, theme), group.marks.length > 1 && h("span", { class: "more" }, String(group.marks.length)));
      picture.style.left = `${group.x}px`;
      return picture;
    }));
  }
  drawAxis() {
    const { width } = this, scale = makeScale({ start: this.state.from, end: this.state.to }, 0, width);
    fill(this.axis, ticks(scale, LABEL_PX).map(({ x, label, day }) => {
      const text = h("span", {}, day || label);
      text.style.left = `${Math.max(14, Math.min(width - 14, x))}px`;
      return text;
    }));
  }
}

/** Return the time to which a key moves the slider: an instant, "" for live, or null if it is not one of its keys. */
export function keyed(key, { from, to, at, live, isLive }) {
  const here = isLive ? live : at;
  const steps = { ArrowLeft: -1 / FINE, ArrowDown: -1 / FINE, ArrowRight: 1 / FINE, ArrowUp: 1 / FINE, PageDown: -1 / COARSE, PageUp: 1 / COARSE };
  if (key === "End") return "";
  if (key === "Home") return toInstant(from);
  if (!(key in steps)) return null;
  const ms = Math.max(from, here + steps[key] * (to - from));
  return ms >= live ? "" : toInstant(ms);
}
