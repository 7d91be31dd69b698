// The visible span of time: instants as milliseconds, zoom and pan, and the ticks of the axis. Pure functions.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND), ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR), ...[1, 2, 7, 14, 30, 91, 182, 365].map((n) => n * DAY),
];
/** The shortest span that can be shown, in milliseconds. */
export const SHORTEST = 2 * SECOND;

/** Return an instant as milliseconds, with its microseconds as a fraction; NaN if the text is not an instant. */
export function millis(instant) {
  const whole = Date.parse(`${instant.slice(0, 23)}Z`);
  return instant.length === 27 ? whole + Number(instant.slice(23, 26)) / 1000 : Date.parse(instant);
}

/** Return milliseconds as an instant. */
export function instantOf(ms) {
  const whole = Math.floor(ms);
  const micros = Math.round((ms - whole) * 1000);
  if (micros === 1000) return instantOf(whole + 1);
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
}

/** Return whether a text is an instant. */
export const isInstant = (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);

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
  const length = scale.end - scale.start;
  const most = Math.max(1, Math.floor((scale.right - scale.left) / apart));
  const longest = STEPS[STEPS.length - 1];
  const step = STEPS.find((size) => length / size <= most) || longest * Math.ceil(length / longest / most);
  const begin = new Date(scale.start), found = [];
  let before = begin.toDateString(), latest = -Infinity;
  const [year, month, day] = [begin.getFullYear(), begin.getMonth(), begin.getDate()];
  const passed = ((begin.getHours() * 60 + begin.getMinutes()) * 60 + begin.getSeconds()) * SECOND;
  for (let n = Math.floor(passed / step), last = n + 100; n < last; n += 1) {
    // Counted from local midnight by wall clock, so that ticks stay round where the clocks change.
    const at = step >= DAY ? new Date(year, month, day + n * (step / DAY)) : new Date(year, month, day, 0, 0, n * (step / SECOND));
    if (at.getTime() > scale.end) break;
    if (at.getTime() < scale.start || at.getTime() <= latest) continue;
    latest = at.getTime();
    const changed = at.toDateString() !== before;
    before = at.toDateString();
    found.push({ x: scale.x(latest), label: step < DAY ? clock(at, step < MINUTE) : dateOf(at), day: changed && step < DAY ? dateOf(at) : "" });
  }
  return found;
}

const two = (n) => String(n).padStart(2, "0");
const clock = (at, seconds) => `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
const dateOf = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** Return a time of day in the browser's zone, with the date. */
export function timeText(ms, seconds = true) {
  const at = new Date(ms);
  return `${dateOf(at)} ${clock(at, seconds)}`;
}

/** Return a span in words: the date is repeated only if it changes, and seconds are shown in a span below an hour. */
export function spanText(span) {
  const fine = span.end - span.start < HOUR;
  const [start, end] = [new Date(span.start), new Date(span.end)];
  const same = start.toDateString() === end.toDateString();
  return `${timeText(span.start, fine)} to ${same ? clock(end, fine) : timeText(span.end, fine)}`;
}

/** Return a duration in its one or two largest units. */
export function durationText(ms) {
  const seconds = Math.abs(ms) / 1000, minutes = Math.round(seconds / 60);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}
