// The time of the page: the scrubber, steps, playing, jumps to problems, and the button back to the present.
import { fill, h } from "../core/dom.js";
import { beforeNow, isInstant, time, toInstant, toMs } from "../core/format.js";
import { addKey } from "../core/keys.js";
import { loadEarlier } from "../core/store.js";
import { changeTimes, firstTime, sortedMarks } from "../core/timeline.js";
import { KINDS, chosen, neighbour, target } from "./marks.js";
import { Moments } from "./moments.js";
import { SPEEDS, createPlayer } from "./play.js";
import { Scrubber } from "./scrubber.js";

const HOUR_MS = 3_600_000;

/** Mount the time: `parts.section` gets the scrubber, and `parts.now` in the top bar the moment in words. */
export function mount(parts, store, api) {
  const words = api.live ? { present: "Live", back: "Back to live", past: "Not live: " } : { present: "The end", back: "To the end", past: "" };
  const known = cacheOf(store), moments = new Moments(store, api, () => draw());
  const player = createPlayer(store, {
    times: known.times, here, begin: () => toInstant(Math.max(spanOf(store).from, spanOf(store).live - HOUR_MS)),
    show: (at) => moments.show(at, { continuous: true }), isBusy: () => moments.busy,
  });
  const acts = {
    live: () => { player.stop(); moments.show(""); },
    step: (by) => { player.stop(); moments.step(by); },
    show: (at, options) => { player.stop(); moments.show(at, options); },
    play: () => (store.view.playing ? player.stop() : player.start(Number(bar.speed.value))),
    jump: (by) => {
      const mark = neighbour(known.marks(bar.kind.value), store.view.at, here() || spanOf(store).now, by);
      if (mark) acts.show(target(mark));
    },
    earlier: () => loadEarlier(store, api).catch((error) => { moments.error = error.message; draw(); }),
  };
  const scrubber = new Scrubber({ onScrub: acts.show, onMark: (at) => acts.show(at) });
  const bar = createBar(acts);
  const top = createTop(acts, words);
  addKeys(acts);
  bar.kind.addEventListener("change", () => draw());
  fill(parts.section, bar.element, scrubber.element, bar.message);
  fill(parts.now, top.element);
  store.subscribe((changed) => {
    if (["view", "moment", "live", "timeline"].some((name) => changed.has(name))) draw();
  });
  draw();
  moments.follow();

  /** The instant that the page shows, or "" for the present. */
  function here() {
    if (!store.view.at || isInstant(store.view.at)) return store.view.at;
    return store.moment ? store.moment.at : toInstant(spanOf(store).live);
  }
  function draw() {
    const span = spanOf(store), at = here(), isLive = !at;
    const text = isLive ? words.present : `${time(at, span.now, { seconds: true })}, ${beforeNow(at, span.now)}`;
    document.body.classList.toggle("past", !isLive);
    parts.section.setAttribute("aria-busy", String(moments.busy));
    top.draw({ at, text, playing: store.view.playing });
    const marks = known.marks(bar.kind.value);
    bar.draw({ marks, place: store.view.at, error: moments.error, playing: store.view.playing, earlier: store.timeline.earlier });
    scrubber.draw({
      ...span, at: isLive ? span.live : toMs(at), isLive, text, marks, names: (store.moment || {}).names || {},
      revision: `${known.revision()} ${bar.kind.value} ${JSON.stringify(store.view.filter)} ${store.moment ? "named" : ""}`,
    });
  }
}

/** Return the span of the scrubber, which is that of the lanes, and the present; in milliseconds. */
export function spanOf({ view, timeline, live, moment }) {
  const until = timeline.until || "", shown = (live || moment || {}).at || until;
  const now = (until > shown ? until : shown) || toInstant(Date.now());
  const end = toMs(now), first = firstTime(timeline);
  const to = view.to ? toMs(view.to) : end;
  return { from: Math.min(view.from ? toMs(view.from) : first ? toMs(first) : to - HOUR_MS, to - 1000), to, live: end, now };
}

/** Return what the timeline contains, computed again only when it changed. */
function cacheOf(store) {
  let revision = 0, times = null, marks = null;
  store.subscribe((changed) => {
    if (!changed.has("timeline")) return;
    revision += 1;
    times = marks = null;
  });
  return {
    revision: () => revision,
    times: () => (times ||= changeTimes(store.timeline)),
    marks: (kind) => chosen((marks ||= sortedMarks(store.timeline)), store.view.filter, kind),
  };
}

function addKeys(acts) {
  addKey(".", "Go to the next event", "Time", () => acts.step(1));
  addKey(",", "Go to the previous event", "Time", () => acts.step(-1));
  addKey("n", "Go to the next refusal, loss, break or death", "Time", () => acts.jump(1));
  addKey("p", "Go to the previous one", "Time", () => acts.jump(-1));
  addKey("k", "Play or pause", "Time", () => acts.play());
  addKey("l", "Go back to live", "Time", () => acts.live());
  addKey("← →", "Move the time slider, while it has the focus", "Time");
  addKey("PageUp PageDown Home End", "Move the slider by a tenth, to its start, and to its end", "Time");
}

/** Return the moment in words, and the button back to the present, for the top bar. */
function createTop(acts, words) {
  const status = h("span", { role: "status", "aria-live": "polite" });
  const back = h("button", { type: "button", class: "back", onclick: acts.live, title: `${words.back} (key l)` }, words.back);
  const element = h("div", { class: "moment" }, status, back);
  let shown = "", shownAt = "";
  return {
    element,
    draw({ at, text, playing }) {
      element.classList.toggle("past", at !== "");
      back.hidden = !at;
      if (text === shown) return;
      // A screen reader reads another time, but not the same time once it is longer ago.
      status.setAttribute("aria-live", playing || at === shownAt ? "off" : "polite");
      [shown, shownAt] = [text, at];
      fill(status, h("span", { class: "dot", "aria-hidden": "true" }, at ? "◷" : "●"), at ? [words.past, h("b", {}, text)] : text);
    },
  };
}

/** Return how many marks there are, and which one the page shows. */
function countText({ marks, place }) {
  if (!marks.length) return "none";
  const index = place ? marks.findIndex((mark) => target(mark) === place) : -1;
  return index < 0 ? String(marks.length) : `${index + 1} of ${marks.length}`;
}

function createBar(acts) {
  const button = (text, label, act, name = "") =>
    h("button", { type: "button", class: name, "aria-label": label, title: label, onclick: act }, text);
  const play = button("▶ Play", "Play (key k)", acts.play, "play");
  const speed = h("select", { "aria-label": "Speed", title: "Speed" }, SPEEDS.map((by) => h("option", { value: by, selected: by === 60 }, `${by}×`)));
  const kind = h("select", { "aria-label": "Jump to", title: "The kind of problem to jump to and to mark" },
    h("option", { value: "" }, "all problems"), Object.entries(KINDS).map(([name, text]) => h("option", { value: name }, text)));
  const earlier = button("« Earlier", "Load earlier time", acts.earlier);
  const before = button("‹", "Previous problem (key p)", () => acts.jump(-1));
  const after = button("›", "Next problem (key n)", () => acts.jump(1));
  const count = h("span", { class: "quiet count" });
  const message = h("p", { class: "error bad", role: "alert", hidden: true });
  speed.addEventListener("change", () => { if (play.dataset.playing) { acts.play(); acts.play(); } });
  const element = h("div", { class: "controls" },
    h("div", { class: "group" }, earlier, button("‹ Event", "Previous event (key ,)", () => acts.step(-1)), button("Event ›", "Next event (key .)", () => acts.step(1))),
    h("div", { class: "group" }, play, speed),
    h("div", { class: "group" }, before, kind, after, count));
  return {
    element, message, kind, speed,
    draw(state) {
      earlier.hidden = !state.earlier;
      play.textContent = state.playing ? "❚❚ Pause" : "▶ Play";
      play.setAttribute("aria-label", state.playing ? "Pause (key k)" : "Play (key k)");
      if (state.playing) play.dataset.playing = "1";
      else delete play.dataset.playing;
      count.textContent = countText(state);
      before.disabled = after.disabled = !state.marks.length;
      message.hidden = !state.error;
      message.textContent = state.error;
    },
  };
}
