// Playing the past: the page moves along the times at which something changed. Nothing moves between these times.
import { firstAfter } from "../core/timeline.js";
import { toMs } from "../core/format.js";

/** The speeds, as multiples of the original. */
export const SPEEDS = [1, 10, 60, 600];
const SHORTEST_MS = 120, LONGEST_MS = 1500, BUSY_MS = 40;

/** Return the next stop of playing `times` at a speed: `{at, wait}`, the wait in milliseconds; null after the last time. */
export function nextStop(times, at, speed) {
  const index = firstAfter(times, at);
  if (index === times.length) return null;
  const gap = (toMs(times[index]) - toMs(at)) / speed;
  if (gap >= SHORTEST_MS) return { at: times[index], wait: Math.min(gap, LONGEST_MS) };
  const limit = toMs(at) + SHORTEST_MS * speed;
  let last = index;
  while (last + 1 < times.length && toMs(times[last + 1]) <= limit) last += 1;
  return { at: times[last], wait: SHORTEST_MS };
}

/**
 * Return a player: `start()`, `stop()`. `times()` gives the times in order, `here()` the instant that is shown or "" if
 * it is the present, `begin()` the instant at which playing the present begins, `show(at)` shows an instant.
 */
export function createPlayer(store, { times, here, begin, show, isBusy }) {
  let timer = 0, own = null;

  function plan() {
    const stop = nextStop(times(), here(), store.view.playing);
    timer = setTimeout(() => arrive(stop), stop ? stop.wait : SHORTEST_MS);
  }
  function arrive(stop) {
    if (!store.view.playing) return;
    if (isBusy()) timer = setTimeout(() => arrive(stop), BUSY_MS);
    else {
      go(stop ? stop.at : "");
      if (stop) plan();
      else stopPlaying();
    }
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
