// The timeline: tables of rows by key. Every function here depends on its arguments only.

const TABLES = ["lanes", "bars", "marks", "messages", "links"];
/** The most rows that a page keeps. Beyond it, the oldest rows are dropped; they can be loaded again. */
export const MOST_ROWS = 120_000;

/** Return an empty timeline. */
export function emptyTimeline() {
  return { since: "", until: "", earlier: false, tables: Object.fromEntries(TABLES.map((name) => [name, new Map()])) };
}

/** Apply changed rows to a timeline: a row replaces the one with its key, and null removes it. */
export function applyChanges(timeline, change) {
  if (change.reset) for (const name of TABLES) timeline.tables[name].clear();
  for (const name of TABLES) {
    const table = timeline.tables[name];
    for (const [key, row] of Object.entries((change.tables || {})[name] || {})) {
      if (row === null) table.delete(key);
      else table.set(key, row);
    }
  }
  if (change.reset || !timeline.since) {
    timeline.since = change.since;
    timeline.earlier = Boolean(change.earlier);
  }
  timeline.until = change.until;
}

/** Add an earlier span to a timeline. Rows that are known are kept; a known lane gets its earlier lives. */
export function addEarlier(timeline, span) {
  for (const name of TABLES) {
    const table = timeline.tables[name];
    const known = [...table];
    table.clear();
    for (const [key, row] of Object.entries((span.tables || {})[name] || {})) if (row !== null) table.set(key, row);
    for (const [key, row] of known) table.set(key, name === "lanes" && table.has(key) ? joined(table.get(key), row) : row);
  }
  timeline.since = span.since;
  timeline.earlier = Boolean(span.earlier);
}

function joined(before, row) {
  const starts = new Set(row.lives.map((life) => life.start));
  return {
    ...row,
    first_at: before.first_at || row.first_at,
    last_at: row.last_at || before.last_at,
    lives: [...before.lives.filter((life) => !starts.has(life.start)), ...row.lives],
  };
}

/** Drop the oldest ended rows of a timeline that has more than `most`, until a fifth of the room is free. */
export function dropOldRows(timeline, most = MOST_ROWS) {
  const { bars, marks, messages, links } = timeline.tables;
  const tables = [bars, marks, messages, links];
  const total = tables.reduce((sum, table) => sum + table.size, 0);
  if (total <= most) return;
  const ends = tables.flatMap((table) => [...table.values()].map(endOf)).filter(Boolean).sort();
  const limit = ends[Math.min(ends.length, total - Math.floor(most * 0.8)) - 1];
  if (!limit) return;
  for (const table of tables) for (const [key, row] of table) if (endOf(row) && endOf(row) <= limit) table.delete(key);
  if (limit > timeline.since) timeline.since = limit;
  timeline.earlier = true;
}

/** Return when a row ended: a bar that is open has no end. */
function endOf(row) {
  return "start" in row ? row.end : row.at;
}

/** Return a timeline as one change that replaces everything. */
export function asReset(timeline) {
  const { since, until, earlier, tables } = timeline;
  const rows = Object.fromEntries(TABLES.map((name) => [name, Object.fromEntries(tables[name])]));
  return { reset: true, since, until, earlier, tables: rows };
}

/** Return the marks in the order of time. */
export function sortedMarks(timeline) {
  return [...timeline.tables.marks.values()].sort((a, b) => compare(a.at, b.at) || compare(a.id, b.id));
}

/** Return the times at which something on the timeline changed, in order, each once. */
export function changeTimes(timeline) {
  const { bars, marks, messages, links, lanes } = timeline.tables;
  const times = new Set();
  for (const bar of bars.values()) times.add(bar.start).add(bar.end);
  for (const table of [marks, messages, links]) for (const row of table.values()) times.add(row.at);
  for (const lane of lanes.values()) {
    times.add(lane.first_at).add(lane.last_at);
    for (const life of lane.lives) times.add(life.start).add(life.end);
  }
  return [...times].filter((at) => at && at >= timeline.since && at <= timeline.until).sort();
}

/** Return the first time of the lanes within the timeline, or that of the timeline if there is no lane. */
export function firstTime(timeline) {
  let first = "";
  for (const lane of timeline.tables.lanes.values()) {
    for (const at of [lane.first_at, ...(lane.lives || []).map((life) => life.start)]) if (at && (!first || at < first)) first = at;
  }
  return first > timeline.since ? first : timeline.since; // a session can be older than what is known
}

/** Return the first index of a sorted array at which `isAfter(item)` is true; its length if there is none. */
export function lowerBound(items, isAfter) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAfter(items[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
