// Playing the past: the page moves along the times at which something changed. Nothing moves between these times.
import { lowerBound } from "../core/timeline.js";
import { toMs } from "../core/format.js";

/** The speeds, as multiples of the original. */
export const SPEEDS = [1, 10, 60, 600];
const SHORTEST_MS = 120, LONGEST_MS = 1500, BUSY_MS = 40;

/** Return the latest of `times` within `played` milliseconds after `at`, at least the next one; undefined after the last. */
export function nextStop(times, at, played) {
  const limit = toMs(at) + played;
  let index = lowerBound(times, (time) => time > at);
  while (index + 1 < times.length && toMs(times[index + 1]) <= limit) index += 1;
  return times[index];
}

/**
 * Return a player: `start()`, `stop()`. `times()` gives the times in order, `here()` the instant that is shown or "" if
 * it is the present, `begin()` the instant at which playing the present begins, `show(at)` shows an instant.
 */
export function createPlayer(store, { times, here, begin, show, isBusy }) {
  let timer = 0, own = null;

  function plan() {
    const next = nextStop(times(), here(), 0);
    const gap = next ? (toMs(next) - toMs(here())) / store.view.playing : 0;
    const begun = performance.now();
    timer = setTimeout(() => arrive(begun), Math.max(SHORTEST_MS, Math.min(gap, LONGEST_MS)));
  }
  function arrive(begun) {
    if (!store.view.playing) return;
    if (isBusy()) {
      timer = setTimeout(() => arrive(begun), BUSY_MS);
      return;
    }
    const stop = nextStop(times(), here(), (performance.now() - begun) * store.view.playing);
    go(stop || "");
    if (stop) plan();
    else stopPlaying();
  }
  function go(at) {
    own = at;
    show(at);
  }
  function stopPlaying() {
    clearTimeout(timer);
    own = null;
    if (store.view.playing) store.setView({ playing: 0 }, { continuous: true });
  }
  store.subscribe((changed) => {
    if (changed.has("view") && own !== null && store.view.at !== own) stopPlaying(); // the person went elsewhere
  });
  return {
    start(speed) {
      clearTimeout(timer);
      own = null;
      store.setView({ playing: speed }, { continuous: true });
      if (!here()) go(begin());
      else own = store.view.at;
      plan();
    },
    stop: stopPlaying,
  };
}
