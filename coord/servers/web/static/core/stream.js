// What the server sends, in all tabs of a browser: one tab is connected and passes it on to the others.
// While any tab is visible, that is the full state. While all are hidden, it is only what needs the person.
import { Connection } from "../stream/connection.js";
import { Tabs } from "../stream/tabs.js";
import { asReset } from "./timeline.js";

/** Follow the server, and give the store what it sends. */
export function mount(store, api) {
  if (api.live) new Stream(store, api).tabs.join();
}

class Stream {
  constructor(store, api) {
    this.store = store;
    this.shown = ""; // the id of the state in the store
    this.mode = null; // null: not connected, "": the full state, "needs"
    this.connection = new Connection({
      address: (only) => api.streamAddress(only, this.shown),
      state: (data, id) => {
        const before = this.shown;
        this.take(data, id);
        this.tabs.post("state", { data, id, before });
      },
      needs: (data) => {
        store.receiveNeeds(data);
        this.tabs.post("needs", { data });
      },
      change: (problem) => {
        this.show(problem);
        this.tabs.post("connection", { problem });
      },
    });
    this.tabs = new Tabs(this.messages());
    addEventListener("online", () => this.retry());
    addEventListener("pagehide", () => this.connection.close());
  }
  /** Handle the messages of the other tabs. */
  messages() {
    const { store } = this;
    return {
      fields: () => ({ id: this.shown }),
      lead: (leads) => this.lead(leads),
      visible: () => this.follow(),
      tab: (message) => this.answer(message),
      here: ({ problem }) => this.show(problem),
      connection: ({ problem }) => this.show(problem),
      whole: ({ data, id }) => this.take(data, id),
      state: ({ data, id, before }) => {
        if (before === this.shown || (data.timeline && data.timeline.reset)) this.take(data, id);
        else this.tabs.ask();
      },
      needs: ({ data }) => store.receiveNeeds(data),
    };
  }
  lead(leads) {
    this.store.leads = leads;
    this.mode = null;
    if (leads) this.follow();
    else this.connection.close();
  }
  /** A tab was opened, shown or hidden. It gets the state if it does not have it. */
  answer({ from, id, retry }) {
    const { connection, live, timeline } = this.store;
    if (retry) this.connection.retry();
    this.tabs.post("here", { to: from, problem: { ...connection, retry: null } });
    if (id === this.shown || !live) return;
    this.tabs.post("whole", { to: from, id: this.shown, data: { moment: live, timeline: asReset(timeline) } });
  }
  take(data, id) {
    this.store.receive(data);
    this.shown = id || this.shown; // only now: what could not be taken is asked for again
  }
  follow() {
    if (!this.tabs.leads) return;
    const wanted = this.tabs.anyVisible() ? "" : "needs";
    if (wanted !== this.mode) this.connection.open(this.mode = wanted);
    else if (this.store.connection.since && wanted === "") this.connection.retry();
  }
  retry() {
    if (this.tabs.leads) this.connection.retry();
    else this.tabs.post("tab", { visible: this.tabs.isVisible(), id: this.shown, retry: true });
  }
  show(problem) {
    const { since, message } = this.store.connection;
    if (problem.since !== since || problem.message !== message) {
      this.store.setConnection({ ...problem, retry: () => this.retry() });
    }
  }
}
