// The visible span of time: instants as milliseconds, zoom and pan, and the ticks of the axis. Pure functions.

import { clock, day, ticks as roundTimes, time, toInstant } from "../core/format.js";

const HOUR = 3_600_000, DAY = 24 * HOUR;
/** The shortest span that can be shown, in milliseconds. */
export const SHORTEST = 2000;

/** Return an instant as milliseconds, with its microseconds as a fraction; NaN if the text is not an instant. */
export function millis(instant) {
  const whole = Date.parse(`${instant.slice(0, 23)}Z`);
  return instant.length === 27 ? whole + Number(instant.slice(23, 26)) / 1000 : Date.parse(instant);
}

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

/** Return the ticks: round times of the browser's zone, at least `apart` pixels apart, with the date where it changes. */
export function ticks(scale, apart) {
  const times = roundTimes(scale.start, scale.end, Math.max(1, Math.floor((scale.right - scale.left) / apart)));
  const seconds = times.length > 1 && times[1] - times[0] < 60_000;
  let before = day(toInstant(scale.start));
  return times.map((ms) => {
    const at = toInstant(ms), date = day(at), isNew = date !== before, isMidnight = clock(at) === "00:00";
    before = date;
    const label = times.length > 1 && times[1] - times[0] >= DAY && isMidnight ? date : clock(at, { seconds });
    return { x: scale.x(ms), label, day: isNew && label !== date ? date : "" };
  });
}

/** Return a span in words, with seconds if it is shorter than an hour; `now` is the present. */
export function spanText({ start, end }, now) {
  const seconds = end - start < HOUR, from = toInstant(start), to = toInstant(end);
  return `${time(from, toInstant(now), { seconds })} to ${time(to, from, { seconds })}`;
}
