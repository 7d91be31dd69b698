// The tabs of a browser that show this page: one leads, and passes on to the others what it receives.
// A lock decides which tab leads; the browser gives it to the next tab when the leading tab is closed. Browsers have
// locks only for pages of this machine or of https; elsewhere each tab leads itself.

const NAME = "coord page";
const HERE_MS = 3_000; // a leading tab that has not answered by then counts as frozen

/**
 * The tabs, seen from this one. `on` has a function for each kind of message, and `lead(bool)`, `visible()` when a tab was
 * shown or hidden, and `fields()`: what this tab tells the leading tab about itself. `join()` begins.
 */
export class Tabs {
  constructor(on) {
    Object.assign(this, { on, leads: false, channel: null, taking: 0, queue: null, leading: null });
    this.id = Math.random().toString(36).slice(2);
    this.others = new Map(); // whether each other tab is visible; only a leading tab knows
  }
  join() {
    document.addEventListener("visibilitychange", () => (this.leads ? this.on.visible() : this.ask()));
    if (!navigator.locks || !globalThis.BroadcastChannel) {
      this.lead(true);
      return;
    }
    this.channel = new BroadcastChannel(NAME);
    this.channel.addEventListener("message", (event) => this.receive(event.data));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    navigator.locks.request(`${NAME} ${this.id}`, () => {
      this.request({});
      this.ask();
      return new Promise(() => {});
    });
  }
  isVisible() {
    return document.visibilityState !== "hidden";
  }
  anyVisible() {
    return this.isVisible() || [...this.others.values()].includes(true);
  }
  post(kind, fields = {}) {
    if (this.channel) this.channel.postMessage({ ...fields, kind, from: this.id });
  }
  /** Ask the leading tab for what this tab does not have. If it does not answer, take its place. */
  ask() {
    if (this.leads) return;
    this.post("tab", { visible: this.isVisible(), ...this.on.fields() });
    clearTimeout(this.taking);
    if (this.isVisible()) this.taking = setTimeout(() => this.request({ steal: true }), HERE_MS);
  }
  lead(leads) {
    clearTimeout(this.taking);
    this.others.clear();
    if (this.leading) this.leading.abort();
    this.leading = new AbortController();
    this.leads = leads;
    this.on.lead(leads);
    if (leads) this.post("lead");
  }
  /** Wait for the lock of the leading tab, or take it. */
  request(options) {
    if (this.queue) this.queue.abort();
    const queue = this.queue = new AbortController();
    const hold = () => new Promise(() => {
      this.queue = null;
      this.lead(true);
    });
    navigator.locks.request(NAME, options.steal ? options : { signal: queue.signal }, hold).catch(() => {
      if (this.queue && this.queue !== queue) return; // another request of this tab replaced it
      if (this.leads) this.lead(false); // another tab took the lock
      this.request({});
    });
  }
  /** A tab holds a lock of its own until it is closed or crashes. */
  expectEnd(tab) {
    navigator.locks.request(`${NAME} ${tab}`, { signal: this.leading.signal }, () => {
      this.others.delete(tab);
      this.on.visible();
    }).catch(() => {});
  }
  receive(data) {
    if (data.kind === "tab") {
      if (!this.leads) return;
      if (!this.others.has(data.from)) this.expectEnd(data.from);
      this.others.set(data.from, data.visible);
      this.on.tab(data);
      this.on.visible();
    } else if (data.kind === "lead") this.ask();
    else if (!data.to || data.to === this.id) {
      clearTimeout(this.taking);
      this.on[data.kind](data);
    }
  }
}
