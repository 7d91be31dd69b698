// The visible span of time: instants as milliseconds, zoom and pan, and the ticks of the axis. Pure functions.

import { clock, day, time, toInstant } from "../core/format.js";

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 30, 91, 182, 365].map((n) => n * DAY),
];
/** The shortest span that can be shown, in milliseconds. */
export const SHORTEST = 2000;

/** Return a scale: the x position of a time, and the time at an x position. */
export function makeScale(span, left, right) {
  const ratio = (right - left) / (span.end - span.start);
  return {
    ...span, left, right,
    x: (time) => left + (time - span.start) * ratio,
    time: (x) => span.start + (x - left) / ratio,
  };
}

/** Return a span that is at least `SHORTEST` and within `bounds`; one that is longer than these becomes these. */
export function clampSpan(span, bounds) {
  const most = bounds.end - bounds.start;
  const length = Math.min(Math.max(span.end - span.start, SHORTEST), Math.max(most, SHORTEST));
  const middle = (span.start + span.end) / 2;
  const start = span.end - span.start === length ? span.start : middle - length / 2;
  const kept = Math.max(bounds.start, Math.min(start, bounds.end - length));
  return { start: kept, end: kept + length };
}

/** Return the span after a zoom by `factor` (above 1: closer) that keeps `time` where it is. */
export function zoomSpan(span, factor, time, bounds) {
  const length = span.end - span.start;
  const wanted = Math.min(Math.max(length / factor, SHORTEST), Math.max(bounds.end - bounds.start, SHORTEST));
  const start = time - (time - span.start) * (wanted / length);
  return clampSpan({ start, end: start + wanted }, bounds);
}

/** Return the span moved by milliseconds, within `bounds`. */
export function panSpan(span, by, bounds) {
  const start = Math.max(bounds.start, Math.min(span.start + by, bounds.end - (span.end - span.start)));
  return { start, end: start + (span.end - span.start) };
}

/** Return the ticks: round times of the browser's zone, at least `apart` pixels apart, with the day where it changes. */
export function ticks(scale, apart) {
  const length = scale.end - scale.start, most = Math.max(1, Math.floor((scale.right - scale.left) / apart));
  const step = STEPS.find((size) => length / size <= most) || STEPS.at(-1) * Math.ceil(length / STEPS.at(-1) / most);
  const begin = new Date(scale.start), found = [];
  const date = [begin.getFullYear(), begin.getMonth(), begin.getDate()];
  const passed = ((begin.getHours() * 60 + begin.getMinutes()) * 60 + begin.getSeconds()) * SECOND;
  let before = begin.toDateString(), latest = -Infinity;
  for (let n = Math.floor(passed / step), last = n + 100; n < last; n += 1) {
    // Counted from local midnight by wall clock, so that ticks stay round where the clocks change.
    const at = step < DAY ? new Date(...date, 0, 0, (n * step) / SECOND) : new Date(date[0], date[1], date[2] + (n * step) / DAY);
    const ms = at.getTime();
    if (ms > scale.end) break;
    if (ms < scale.start || ms <= latest) continue;
    const text = toInstant(ms), isNew = at.toDateString() !== before;
    [latest, before] = [ms, at.toDateString()];
    found.push({ x: scale.x(ms), label: step < DAY ? clock(text, { seconds: step < MINUTE }) : day(text), day: isNew && step < DAY ? day(text) : "" });
  }
  return found;
}

/** Return a span in words, with seconds if it is shorter than an hour; `now` is the present. */
export function spanText({ start, end }, now) {
  const seconds = end - start < HOUR, from = toInstant(start), to = toInstant(end);
  return `${time(from, toInstant(now), { seconds })} to ${time(to, from, { seconds })}`;
}
