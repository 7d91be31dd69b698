// The calls of core/api.js in an exported page. They are answered from the data in the file, and need no server.
import { applyPatch, unpack } from "./packed.js";
import { lowerBound } from "./timeline.js";

const data = JSON.parse(document.getElementById("data").textContent);
const FOUND = 50; // results of each group of a search
const parts = new Map(); // unpacked blocks, by their packed text

function part(packed) {
  if (!parts.has(packed)) {
    if (parts.size > 24) parts.delete(parts.keys().next().value);
    parts.set(packed, unpack(packed));
  }
  return parts.get(packed);
}

/** Whether the page follows a server. */
export const live = false;
/** An answer that is an error. */
export class ApiError extends Error {}
/** Nothing is streamed into a file. */
export const streamAddress = () => "";

/** Return what the stream would send: the timeline of the span, and the moment at its end. */
export async function everything() {
  return { timeline: await part(data.timeline), moment: await fetchMoment("") };
}

/** Return the moment at a time or event, or `step` events later; empty means the end of the span. */
export async function fetchMoment(at, step = 0) {
  const index = await part(data.moments.index);
  const last = index.at.length - 1;
  let number = at === "" || at === undefined || at === null ? last : index.events.indexOf(at);
  if (number < 0) number = indexAt(index, at);
  if (step) number = indexAfter(index, number, step);
  const size = data.moments.size;
  const block = await part(data.moments.blocks[Math.floor(number / size)]);
  const moment = {};
  for (let each = number - (number % size); each <= number; each += 1) applyPatch(moment, block.patches[each % size], block.rows);
  return structuredClone(moment);
}

/** Return the index of the last moment at or before an instant, or of the first. Throws an ApiError for other texts. */
function indexAt(index, at) {
  if (Number.isNaN(Date.parse(at))) throw new ApiError(`this file has no event ${at}`);
  const [seconds, fraction = ""] = at.replace("Z", "").split(".");
  const instant = `${seconds}.${fraction.padEnd(6, "0")}Z`; // the events' times have six digits
  return Math.max(0, lowerBound(index.at, (each) => each > instant) - 1);
}

/** Return the index of the moment `step` events later. Moments without an event, such as the end of a lease, do not count. */
function indexAfter(index, start, step) {
  const direction = Math.sign(step);
  let left = Math.abs(step);
  let found = start;
  for (let each = start + direction; left > 0 && each >= 0 && each < index.at.length; each += direction) {
    if (!index.events[each]) continue;
    found = each;
    left -= 1;
  }
  return found;
}

/** Return the earlier span of the timeline: an exported page has none. */
export async function fetchTimeline(until) {
  return { since: until, until, reset: false, earlier: false, tables: {} };
}

/** Return the story of a resource, session, message or event, as of the end of the span. */
export async function fetchStory(about) {
  const blocks = await part(data.stories.index);
  const stories = about in blocks ? await part(data.stories.blocks[blocks[about]]) : {};
  if (!stories[about]) throw new ApiError(`this file has no story of ${about}`);
  return stories[about];
}

/** Return the sessions, resources, messages and events that contain a text. */
export async function search(text) {
  const wanted = text.trim().toLowerCase();
  const groups = [];
  let older = false;
  for (const group of wanted ? await part(data.search) : []) {
    const results = group.results.filter((row) => row.find.includes(wanted));
    if (results.length) groups.push({ ...group, results: results.slice(0, FOUND) });
    older = older || results.length > FOUND;
  }
  return { text, groups, older, error: "" };
}

const closed = async () => {
  throw new ApiError("this page is a file: it shows a past period, and has no actions");
};
/** Nothing can be done from a file. */
export const effect = closed;
/** Nothing can be done from a file. */
export const act = closed;
