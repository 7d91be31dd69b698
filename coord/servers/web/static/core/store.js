// The state of the page: the shown moment, the timeline, and the view (what is open, filtered, and at which time).

const TABLES = ["lanes", "bars", "marks", "messages", "links"];
const EMPTY_VIEW = {
  at: "", open: "", filter: { text: "", sessions: [], resources: [] }, from: "", to: "", ended: false, playing: 0,
};

/** Return an empty timeline. */
export function emptyTimeline() {
  return { since: "", until: "", earlier: false, tables: Object.fromEntries(TABLES.map((name) => [name, new Map()])) };
}

/** Apply changed rows to a timeline: a row replaces the one with its key, and null removes it. */
export function applyChanges(timeline, change) {
  if (change.reset) for (const name of TABLES) timeline.tables[name].clear();
  for (const [name, rows] of Object.entries(change.tables || {})) {
    for (const [key, row] of Object.entries(rows)) {
      if (row === null) timeline.tables[name].delete(key);
      else timeline.tables[name].set(key, row);
    }
  }
  if (change.reset || !timeline.since) timeline.since = change.since;
  if (change.reset) timeline.earlier = change.earlier;
  timeline.until = change.until;
}

/** Return a new store. Subscribers get the set of what changed: "moment", "live", "timeline", "view". */
export function createStore() {
  const subscribers = new Set();
  const store = {
    moment: null,
    live: null,
    timeline: emptyTimeline(),
    view: structuredClone(EMPTY_VIEW),
    subscribe(listener) {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    setView(patch) {
      store.view = { ...store.view, ...patch };
      if (patch.at === "" && store.live) {
        store.moment = store.live;
        notify("view", "moment");
      } else notify("view");
    },
    setMoment(moment) {
      store.moment = moment;
      notify("moment");
    },
    /** Take what the stream sent: the live moment, and changes of the timeline. */
    receive(data) {
      const changed = [];
      if (data.timeline) {
        applyChanges(store.timeline, data.timeline);
        changed.push("timeline");
      }
      if (data.moment) {
        store.live = data.moment;
        changed.push("live");
        if (!store.view.at) {
          store.moment = data.moment;
          changed.push("moment");
        }
      }
      notify(...changed);
    },
  };
  function notify(...names) {
    const changed = new Set(names);
    for (const listener of [...subscribers]) listener(changed);
  }
  return store;
}
