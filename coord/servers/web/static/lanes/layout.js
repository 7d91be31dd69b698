// What is in which lane, in which row, and what is at a point. Pure functions without the document.
//
// The model is changed in place from the store's tables: rows are compared by identity, so a changed row arranges only
// its own lane again. Lanes are in the order of their first event, live or not: a lane then keeps its position
// when sessions end, die or begin.

import { toMs } from "../core/format.js";
import { lowerBound } from "../core/timeline.js";

/** The height from a lane's top to its line and its first row, of a row and of a bar; narrow: the name is above. */
export const WIDE = { axis: 15, first: 27, row: 20, bar: 15, least: 44, pad: 5 };
export const NARROW = { axis: 39, first: 50, row: 20, bar: 15, least: 56, pad: 6 };
const MOST_ROWS_HEIGHT = 200; // a lane with more rows than fit has lower rows

/** Return an empty model. */
export function createModel() {
  return {
    lanes: new Map(), order: [], seen: { lanes: new Map(), bars: new Map(), marks: new Map(), messages: new Map(), links: new Map() },
    claims: new Map(), resources: new Map(), messages: [], links: [], filter: "", first: Infinity, last: -Infinity,
  };
}

/** Bring a model up to date with tables and a filter. Return the sessions whose lanes were arranged again. */
export function updateModel(model, tables, filter = {}) {
  const dirty = new Set();
  const changed = Object.fromEntries(Object.keys(model.seen).map((name) => [name, takeTable(model, name, tables[name], dirty)]));
  if (changed.messages) model.messages = inOrder(model.seen.messages);
  if (changed.links) model.links = inOrder(model.seen.links);
  const key = JSON.stringify([filter.text || "", filter.sessions || [], filter.resources || []]);
  if (key !== model.filter) for (const session of model.lanes.keys()) dirty.add(session);
  model.filter = key;
  const matches = makeFilter(filter);
  for (const session of dirty) arrange(model.lanes.get(session), matches);
  for (const session of dirty) if (isEmpty(model.lanes.get(session))) model.lanes.delete(session);
  if (dirty.size) {
    model.order = [...model.lanes.values()].sort((a, b) => a.start - b.start || (a.session < b.session ? -1 : 1));
    model.first = model.order.length ? model.order[0].start : Infinity;
  }
  return [...dirty];
}

const inOrder = (items) => [...items.values()].sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));
const isEmpty = (lane) => !lane.row && !lane.bars.size && !lane.markItems.size && !lane.sentItems.size;

function laneOf(model, session) {
  let lane = model.lanes.get(session);
  if (!lane) {
    lane = { session, row: null, name: "", bars: new Map(), markItems: new Map(), sentItems: new Map(), rows: [], marks: [], sent: [], lives: [], start: Infinity, end: -Infinity, shown: true };
    model.lanes.set(session, lane);
  }
  return lane;
}

/** Take the changed rows of one table; return whether there were any. */
function takeTable(model, name, table, dirty) {
  const seen = model.seen[name];
  let changed = false;
  for (const [key, row] of table) {
    const before = seen.get(key);
    if (before && before.row === row) continue;
    if (before) drop(model, name, before, dirty);
    const item = makeItem(name, key, row);
    seen.set(key, item);
    add(model, name, item, dirty);
    changed = true;
  }
  if (seen.size > table.size) {
    for (const [key, item] of seen) {
      if (table.has(key)) continue;
      drop(model, name, item, dirty);
      seen.delete(key);
      changed = true;
    }
  }
  return changed;
}

const TYPES = { lanes: "lane", bars: "bar", marks: "mark", messages: "message", links: "link" };

function makeItem(name, key, row) {
  const item = { type: TYPES[name], key, row, session: row.session };
  if (name === "bars") {
    item.at = toMs(row.start);
    item.end = row.end ? Math.max(toMs(row.end), item.at) : Infinity;
    item.line = 0;
  } else if (name !== "lanes") item.at = toMs(row.at);
  return item;
}

const HOLDERS = { bars: "bars", marks: "markItems", messages: "sentItems" };

function add(model, name, item, dirty) {
  if (name === "links") return;
  const lane = laneOf(model, item.session);
  dirty.add(item.session);
  if (name === "lanes") lane.row = item.row;
  else lane[HOLDERS[name]].set(item.key, item);
  if (name === "bars") {
    const { id, resource } = item.row;
    model.claims.set(id, [...(model.claims.get(id) || []), item]);
    model.resources.set(resource, (model.resources.get(resource) || 0) + 1);
  }
}

function drop(model, name, item, dirty) {
  if (name === "links") return;
  const lane = laneOf(model, item.session);
  dirty.add(item.session);
  if (name === "lanes") lane.row = null;
  else lane[HOLDERS[name]].delete(item.key);
  if (name === "bars") {
    const { id, resource } = item.row;
    const rest = model.claims.get(id).filter((other) => other !== item);
    if (rest.length) model.claims.set(id, rest); else model.claims.delete(id);
    const count = model.resources.get(resource) - 1;
    if (count) model.resources.set(resource, count); else model.resources.delete(resource);
  }
}

/** Return what a filter lets through: whole lanes, and rows of bars, marks and messages. */
function makeFilter({ text = "", sessions = [], resources = [] }) {
  const part = text.toLowerCase(), has = (...values) => values.some((value) => (value || "").toLowerCase().includes(part));
  const chosen = new Set(sessions), kept = new Set(resources);
  return {
    all: !part && !kept.size,
    session: (lane) => !chosen.size || chosen.has(lane.session),
    named: (lane) => !part || has(lane.session, lane.name, lane.row && lane.row.client),
    row: (row) => (!kept.size || kept.has(row.resource)) && (!part || has(row.resource, row.note, row.subject, row.words)),
    kept: (row) => !kept.size || kept.has(row.resource),
  };
}

/** Arrange one lane: its times, its lives, its bars in rows, its marks and messages in order. */
function arrange(lane, filter) {
  const row = lane.row || {};
  lane.name = row.name || "";
  lane.lives = (row.lives || []).map((life) => ({ ...life, at: toMs(life.start), until: life.end ? toMs(life.end) : Infinity }));
  const bars = [...lane.bars.values()];
  const marks = inOrder(lane.markItems), sent = inOrder(lane.sentItems);
  const starts = [...lane.lives.map((life) => life.at), ...bars.map((bar) => bar.at), ...[...marks, ...sent].map((item) => item.at)];
  const ends = [...lane.lives.map((life) => life.until), ...bars.map((bar) => bar.end), ...[...marks, ...sent].map((item) => item.at)];
  if (row.first_at) starts.push(toMs(row.first_at));
  if (row.last_at) ends.push(toMs(row.last_at));
  lane.start = starts.reduce((a, b) => Math.min(a, b), Infinity);
  lane.end = ends.reduce((a, b) => Math.max(a, b), -Infinity);
  const keep = filter.named(lane) ? filter.kept : filter.row;
  for (const item of [...bars, ...marks, ...sent]) item.shown = filter.all || keep(item.row);
  const shown = bars.filter((bar) => bar.shown);
  lane.rows = packRows(shown);
  lane.marks = marks.filter((mark) => mark.shown);
  lane.sent = sent.filter((item) => item.shown);
  lane.shown = filter.session(lane) && (filter.all || shown.length > 0 || lane.marks.length > 0 || lane.sent.length > 0 || (filter.named(lane) && filter.kept({})));
}

/** Arrange bars in rows, each in the first free row: none overlaps another; a wait is before the claim that it became. */
export function packRows(bars) {
  const rows = [], free = [];
  for (const chain of chainsOf(bars)) {
    let number = free.findIndex((time) => time <= chain[0].at);
    if (number < 0) number = rows.push([]) - 1;
    for (const bar of chain) {
      bar.line = number;
      rows[number].push(bar);
    }
    free[number] = chain[chain.length - 1].end;
  }
  return rows;
}

function chainsOf(bars) {
  const waits = new Map(), chains = [];
  const sorted = [...bars].sort((a, b) => a.at - b.at || (a.row.kind === b.row.kind ? (a.key < b.key ? -1 : 1) : a.row.kind === "wait" ? -1 : 1));
  for (const bar of sorted) {
    const before = bar.row.kind === "claim" ? waits.get(`${bar.row.id} ${bar.row.start}`) : undefined;
    if (before) {
      before.push(bar);
      waits.delete(`${bar.row.id} ${bar.row.start}`);
      continue;
    }
    const chain = [bar];
    if (bar.row.kind === "wait" && bar.row.how === "granted") waits.set(`${bar.row.id} ${bar.row.end}`, chain);
    chains.push(chain);
  }
  return chains;
}

/** Return the bars of a row that are at least partly in a span. */
export function visibleBars(row, span) {
  return row.slice(lowerBound(row, (bar) => bar.end >= span.start), lowerBound(row, (bar) => bar.at > span.end));
}

/** Return the items of a sorted array that happened in a span. */
export function visibleItems(items, span) {
  return items.slice(lowerBound(items, (item) => item.at >= span.start), lowerBound(items, (item) => item.at > span.end));
}

/** Return how many rows of a lane a span needs: up to the last one with a bar in it. */
export function usedRows(lane, span) {
  let count = lane.rows.length;
  while (count && !visibleBars(lane.rows[count - 1], span).length) count -= 1;
  return count;
}

/** Return the lanes with something in a span, or that `keep` accepts, and how many others there are. */
export function lanesInSpan(model, span, keep) {
  const lanes = [];
  let ended = 0, later = 0;
  for (const lane of model.order) {
    if (!lane.shown) continue;
    const isEnded = lane.end < span.start, isLater = lane.start > span.end;
    ended += isEnded;
    later += isLater;
    if (!(isEnded || isLater) || keep(lane)) lanes.push(lane);
  }
  return { lanes, ended, later };
}

/** Place lanes below each other, each with the rows that `rowsOf` gives: the top, line and rows of each, in pixels. */
export function placeLanes(lanes, measures, rowsOf = (lane) => lane.rows.length) {
  const bands = [], bySession = new Map();
  let top = 0;
  for (const lane of lanes) {
    const rows = rowsOf(lane), pitch = Math.max(3, Math.min(measures.row, Math.floor(MOST_ROWS_HEIGHT / Math.max(1, rows))));
    const height = Math.max(measures.least, measures.first + rows * pitch + measures.pad);
    const band = { lane, rows, number: bands.length, top, height, axis: top + measures.axis, first: top + measures.first, pitch, bar: Math.max(2, pitch - (measures.row - measures.bar)) };
    bands.push(band);
    bySession.set(lane.session, band);
    top += height;
  }
  return { bands, bySession, height: top };
}

/** Return the lanes from one y position to another. */
export function visibleBands(bands, from, to) {
  return bands.slice(lowerBound(bands, (band) => band.top + band.height > from), lowerBound(bands, (band) => band.top >= to));
}

/** Return the lane at a y position. */
export const bandAt = (bands, y) => visibleBands(bands, y, y + 0.001)[0];

/** Return the bar of a lane at a time and y position; `tolerance` is in milliseconds, so that short bars can be hit. */
export function barAt(band, time, y, tolerance) {
  const row = band.lane.rows[Math.floor((y - band.first) / band.pitch)];
  if (y < band.first || !row) return null;
  const near = visibleBars(row, { start: time - tolerance, end: time + tolerance });
  const distance = (bar) => Math.max(bar.at - time, time - bar.end, 0);
  return near.reduce((best, bar) => (best && distance(best) <= distance(bar) ? best : bar), null);
}
