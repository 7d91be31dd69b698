// The tabs of a browser that show this page: one leads, and all hear what it passes on.
// A lock decides which tab leads; the browser gives it to the next tab when the leading tab is closed. Browsers have
// locks only for pages of this machine or of https; elsewhere each tab leads itself.

const NAME = "coord page";
const HERE_MS = 3_000; // a leading tab that has not answered by then is frozen

/**
 * Join the tabs. `on` has a function for each kind of message, and `lead(bool)`, `visible()` when a tab was shown or
 * hidden, and `fields()`: what this tab tells the leading tab about itself.
 */
export function joinTabs(on) {
  const id = Math.random().toString(36).slice(2);
  const shared = Boolean(navigator.locks && globalThis.BroadcastChannel);
  const channel = shared ? new BroadcastChannel(NAME) : null;
  const others = new Map(); // whether each other tab is visible; only a leading tab knows
  let taking = 0, queue = null, leading = null;
  const tabs = {
    leads: false,
    isVisible: () => document.visibilityState !== "hidden",
    anyVisible: () => tabs.isVisible() || [...others.values()].includes(true),
    post: (kind, fields = {}) => channel && channel.postMessage({ ...fields, kind, from: id }),
    /** Ask the leading tab for what this tab does not have. If it does not answer, take its place. */
    ask() {
      if (tabs.leads) return;
      tabs.post("tab", { visible: tabs.isVisible(), ...on.fields() });
      clearTimeout(taking);
      if (tabs.isVisible()) taking = setTimeout(() => request({ steal: true }), HERE_MS);
    },
  };
  function lead(leads) {
    clearTimeout(taking);
    others.clear();
    if (leading) leading.abort();
    leading = new AbortController();
    tabs.leads = leads;
    on.lead(leads);
    if (leads) tabs.post("lead");
  }
  function request(options) {
    if (queue) queue.abort();
    const current = queue = new AbortController();
    const how = options.steal ? options : { signal: current.signal };
    const hold = () => new Promise(() => { queue = null; lead(true); });
    navigator.locks.request(NAME, how, hold).catch(() => {
      if (queue && queue !== current) return; // another request of this tab replaced it
      if (tabs.leads) lead(false); // another tab took the lock
      request({});
    });
  }
  /** A tab holds a lock of its own until it is closed or crashes. */
  function expectEnd(tab) {
    navigator.locks.request(`${NAME} ${tab}`, { signal: leading.signal }, () => {
      others.delete(tab);
      on.visible();
    }).catch(() => {});
  }
  function receive({ data }) {
    if (data.kind === "tab") {
      if (!tabs.leads) return;
      if (!others.has(data.from)) expectEnd(data.from);
      others.set(data.from, data.visible);
      on.tab(data);
      on.visible();
    } else {
      if (data.to && data.to !== id) return;
      if (data.kind !== "lead") clearTimeout(taking);
      if (data.kind === "lead") tabs.ask();
      else on[data.kind](data);
    }
  }
  document.addEventListener("visibilitychange", () => (tabs.leads ? on.visible() : tabs.ask()));
  if (!shared) {
    queueMicrotask(() => lead(true));
    return tabs;
  }
  channel.addEventListener("message", receive);
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  navigator.locks.request(`${NAME} ${id}`, () => {
    request({});
    tabs.ask();
    return new Promise(() => {});
  });
  return tabs;
}
