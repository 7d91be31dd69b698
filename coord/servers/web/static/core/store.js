// The state of the page: the shown moment, the timeline, and the view (what is open, filtered, and at which time).
import { applyChanges, addEarlier, dropOldRows, emptyTimeline } from "./timeline.js";

export { applyChanges, emptyTimeline } from "./timeline.js";

/** Return the view of a page that was just opened. */
export function emptyView() {
  return {
    at: "", open: "", filter: { text: "", sessions: [], resources: [] }, from: "", to: "", ended: false, playing: 0,
  };
}

/** Return a new store. */
export function createStore() {
  return new Store();
}

/**
 * Subscribers get the set of what changed: "moment", "live", "timeline", "view", and "count" (what needs the person, also
 * while all tabs are hidden), "notifications" (what to notify the person about while all tabs are hidden; only in the tab
 * that leads), "connection" (whether the server answers).
 */
class Store {
  constructor() {
    this.subscribers = new Set();
    this.moment = this.live = null;
    this.timeline = emptyTimeline();
    this.view = emptyView();
    this.count = 0; // how many things need the person, now
    this.notifications = []; // `[{id, text, urgent}]` of the last `needs` event
    this.leads = false; // whether this tab is the one of this browser that is connected; only this one notifies
    this.connection = { since: "", message: "", retry: null }; // since when the server does not answer, or empty
    this.continuous = false; // whether the last change of the view is one of many: the address replaces its entry
  }
  subscribe(listener) {
    this.subscribers.add(listener);
    return () => this.subscribers.delete(listener);
  }
  setView(patch, { continuous = false } = {}) {
    this.continuous = continuous;
    const wasLive = this.view.at === "";
    this.view = { ...this.view, ...patch };
    if (this.view.at === "" && !wasLive && this.live) {
      this.moment = this.live;
      this.notify("view", "moment");
    } else this.notify("view");
  }
  setMoment(moment) {
    this.moment = moment;
    this.notify("moment");
  }
  /** Take what the stream sent: the live moment, and changes of the timeline. */
  receive(data) {
    const changed = [];
    if (data.timeline) {
      applyChanges(this.timeline, data.timeline);
      dropOldRows(this.timeline);
      changed.push("timeline");
    }
    if (data.moment) changed.push(...receiveMoment(this, data.moment));
    this.notify(...changed);
  }
  /** Take an earlier span of the timeline. Rows that are known are kept. */
  receiveEarlier(span) {
    addEarlier(this.timeline, span);
    this.notify("timeline");
  }
  /** Take what the stream sends while all tabs are hidden. */
  receiveNeeds({ count, notify: notifications }) {
    this.count = count;
    this.notifications = this.leads ? notifications || [] : [];
    this.notify("count", "notifications");
  }
  setConnection(connection) {
    this.connection = connection;
    this.notify("connection");
  }
  notify(...names) {
    const changed = new Set(names);
    for (const listener of [...this.subscribers]) tell(listener, changed);
  }
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
