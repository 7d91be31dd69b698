// The state of the page: the shown moment, the timeline, and the view (what is open, filtered, and at which time).
import { applyChanges, addEarlier, dropOldRows, emptyTimeline } from "./timeline.js";

export { applyChanges, emptyTimeline } from "./timeline.js";

/** Return the view of a page that was just opened. */
export function emptyView() {
  return {
    at: "", open: "", filter: { text: "", sessions: [], resources: [] }, from: "", to: "", ended: false, playing: 0,
  };
}

/**
 * Return a new store. Subscribers get the set of what changed: "moment", "live", "timeline", "view", and
 * "count" (what needs the person, also while all tabs are hidden), "notices" (what to notify the person about while all
 * tabs are hidden; only in the tab that leads), "connection" (whether the server answers).
 */
export function createStore() {
  const subscribers = new Set();
  const store = {
    moment: null, live: null, timeline: emptyTimeline(), view: emptyView(),
    /** How many things need the person, now. */
    count: 0,
    /** `[{id, text, urgent}]` of the last `needs` event. */
    notices: [],
    /** Whether this tab is the one of this browser that is connected; only this one notifies. */
    leads: false,
    /** `{since, message, retry}`: since when the server does not answer, or empty; what to do; and how to try again. */
    connection: { since: "", message: "", retry: null },
    /** Whether the last change of the view is one of many, such as of a drag: the address then replaces its entry. */
    continuous: false,
    subscribe(listener) {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
    setView(patch, { continuous = false } = {}) {
      store.continuous = continuous;
      const wasLive = store.view.at === "";
      store.view = { ...store.view, ...patch };
      if (store.view.at === "" && !wasLive && store.live) {
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
        dropOldRows(store.timeline);
        changed.push("timeline");
      }
      if (data.moment) changed.push(...receiveMoment(store, data.moment));
      notify(...changed);
    },
    /** Take an earlier span of the timeline. Rows that are known are kept. */
    receiveEarlier(span) {
      addEarlier(store.timeline, span);
      notify("timeline");
    },
    /** Take what the stream sends while all tabs are hidden. */
    receiveNeeds({ count, notify: notices }) {
      store.count = count;
      store.notices = store.leads ? notices || [] : [];
      notify("count", "notices");
    },
    setConnection(connection) {
      store.connection = connection;
      notify("connection");
    },
  };
  function notify(...names) {
    const changed = new Set(names);
    for (const listener of [...subscribers]) tell(listener, changed);
  }
  return store;
}

function receiveMoment(store, moment) {
  store.live = moment;
  store.count = moment.counts ? moment.counts.needs : 0;
  if (store.view.at) return ["live", "count"];
  store.moment = moment;
  return ["live", "count", "moment"];
}

/** Call a subscriber. An error in one part of the page does not stop the others; the browser reports it. */
function tell(listener, changed) {
  try {
    listener(changed);
  } catch (error) {
    reportError(error);
  }
}

let loading = null;
/** Load the span before the timeline, if there is one. Calls while it loads share its promise. */
export function loadEarlier(store, api) {
  if (!store.timeline.earlier || !store.timeline.since) return Promise.resolve();
  loading ||= api.fetchTimeline(store.timeline.since)
    .then((span) => store.receiveEarlier(span))
    .finally(() => { loading = null; });
  return loading;
}
