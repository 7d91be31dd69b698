// What the server sends, in all tabs of a browser: one tab is connected and passes it on to the others.
// While any tab is visible, that is the full state. While all are hidden, it is only what needs the person.
import { createConnection } from "../stream/connection.js";
import { joinTabs } from "../stream/tabs.js";
import { asReset } from "./timeline.js";

/** Follow the server, and give the store what it sends. */
export function mount(store, api) {
  if (!api.live) return;
  let shown = ""; // the id of the state in the store
  let mode = null; // null: not connected, "": the full state, "needs"
  const connection = createConnection({
    addressOf: (only) => api.streamAddress(only, shown),
    onState(data, id) {
      const before = shown;
      take(data, id);
      tabs.post("state", { data, id, before });
    },
    onNeeds(data) {
      store.receiveNeeds(data);
      tabs.post("needs", { data });
    },
    onChange(problem) {
      show(problem);
      tabs.post("connection", { problem });
    },
  });
  const tabs = joinTabs({
    fields: () => ({ id: shown }),
    lead(leads) {
      store.leads = leads;
      mode = null;
      if (leads) follow();
      else connection.close();
    },
    visible: follow,
    /** A tab was opened, shown or hidden. It gets the state if it does not have it. */
    tab({ from, id, retry }) {
      if (retry) connection.retry();
      tabs.post("here", { to: from, problem: bare(store.connection) });
      if (id !== shown && store.live) {
        tabs.post("whole", { to: from, id: shown, data: { moment: store.live, timeline: asReset(store.timeline) } });
      }
    },
    here: ({ problem }) => show(problem),
    connection: ({ problem }) => show(problem),
    whole: ({ data, id }) => take(data, id),
    state({ data, id, before }) {
      if (before === shown || (data.timeline && data.timeline.reset)) take(data, id);
      else tabs.ask();
    },
    needs: ({ data }) => store.receiveNeeds(data),
  });
  function take(data, id) {
    shown = id || shown;
    store.receive(data);
  }
  function follow() {
    if (!tabs.leads) return;
    const wanted = tabs.anyVisible() ? "" : "needs";
    if (wanted !== mode) connection.open(mode = wanted);
    else if (store.connection.since && wanted === "") connection.retry();
  }
  function retry() {
    if (tabs.leads) connection.retry();
    else tabs.post("tab", { visible: tabs.isVisible(), id: shown, retry: true });
  }
  function show(problem) {
    if (problem.since === store.connection.since && problem.message === store.connection.message) return;
    store.setConnection({ ...problem, retry });
  }
  addEventListener("online", retry);
  addEventListener("pagehide", () => connection.close());
}

function bare({ since, message, isRefused }) {
  return { since, message, isRefused };
}
