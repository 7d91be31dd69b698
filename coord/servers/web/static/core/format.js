// Times, durations and counts as text. Times are in the browser's zone; instants sort as text, in UTC.

const SECOND = 1000, MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");

/** Return the milliseconds from 1970 to an instant, with its microseconds as a fraction; NaN for a text that is not a time. */
export function toMs(instant) {
  if (!/^\d{4}-\d\d-\d\dT/.test(instant)) return NaN; // Date.parse accepts many other texts
  return instant.length === 27 ? Date.parse(`${instant.slice(0, 23)}Z`) + Number(instant.slice(23, 26)) / 1000 : Date.parse(instant);
}

/** Return the instant at `ms` milliseconds after 1970, without a fraction of a millisecond. */
export function toInstant(ms) {
  return new Date(Math.floor(ms)).toISOString().replace("Z", "000Z");
}

/** Return whether a text is an instant: `2026-11-22T11:20:06.123456Z`. */
export function isInstant(text) {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text) && !Number.isNaN(toMs(text));
}

/** Return whether a text has the form of an event's id: `amber-otter-k3f9/17`. */
export function isEventId(text) {
  return /^[^\s/]+\/[1-9]\d{0,15}$/.test(text);
}

/** Return the time of day: `23:14`, or `23:14:05`. */
export function clock(instant, { seconds = false } = {}) {
  const date = new Date(toMs(instant));
  if (Number.isNaN(date.getTime())) return "";
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}

/** Return the day: `22 Nov`, with the year if it is not that of `now`. */
export function day(instant, now = "") {
  const date = new Date(toMs(instant));
  if (Number.isNaN(date.getTime())) return "";
  const short = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return now && new Date(toMs(now)).getFullYear() === date.getFullYear() ? short : `${short} ${date.getFullYear()}`;
}

/** Return a time, with the day if that is not the day of `now`: `23:14`, `22 Nov 23:14`. */
export function time(instant, now = "", options = {}) {
  const date = new Date(toMs(instant)), today = new Date(toMs(now));
  if (Number.isNaN(date.getTime())) return "";
  const same = now && date.toDateString() === today.toDateString();
  return same ? clock(instant, options) : `${day(instant, now)} ${clock(instant, options)}`;
}

/** Round a number as the commands do: a half to the even number beside it. */
function rounded(number) {
  return number % 1 === 0.5 ? 2 * Math.round(number / 2) : Math.round(number);
}

/** Return a duration in its one or two largest units, as the commands do: `45 s`, `12 min`, `6 h 5 min`, `3 d`. */
export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < MINUTE) return `${rounded(size)} s`;
  const minutes = rounded(size / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  const [days, left] = [Math.floor(hours / 24), hours % 24];
  return left ? `${days} d ${left} h` : `${days} d`;
}

/** Return how long before `now` an instant is: `now`, `6 h ago`. */
export function beforeNow(instant, now) {
  const seconds = (toMs(now) - toMs(instant)) / SECOND;
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}

/** Return how long ago an instant was at `now`: `just now`, `6 h ago`. */
export function ago(instant, now) {
  const seconds = (toMs(now) - toMs(instant)) / SECOND;
  return seconds < 5 ? "just now" : `${duration(seconds)} ago`;
}

/** Return a number and its noun: `1 claim`, `3 claims`. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
