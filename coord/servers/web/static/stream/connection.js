// The connection to the server: one EventSource, opened again with growing pauses after it failed.

const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000], HIDDEN_PAUSE_MS = 60_000;
const ANSWER_MS = 20_000; // after this time without an answer, the server counts as not running
const STABLE_MS = 5_000;
const REFUSED = "This browser may not read this page any more. Open the address that coord web printed.";

/**
 * A connection. `on` has `address(only)`, the address of the stream; `state(data, id)` and `needs(data)`, which take its
 * events; and `change({since, message})` for when the server stops or starts to answer (`since` is then empty).
 */
export class Connection {
  constructor(on) {
    Object.assign(this, { on, source: null, probing: null, timer: 0, only: "", attempt: 0, openedAt: 0 });
    this.problem = { since: "", message: "" };
  }
  /** Connect, or connect again: `only` is "" for the full state, or "needs". */
  open(only) {
    this.only = only;
    this.attempt = 0;
    this.connect();
  }
  /** Try again at once if the connection is broken. */
  retry() {
    if (this.source && this.source.readyState === EventSource.OPEN) return;
    this.attempt = 0;
    this.connect();
  }
  /** End the connection, or the attempt to connect. */
  close() {
    clearTimeout(this.timer);
    if (this.probing) this.probing.abort();
    if (this.source) this.source.close();
    this.source = this.probing = null;
  }
  connect() {
    this.close();
    this.openedAt = 0;
    const source = this.source = new EventSource(this.on.address(this.only));
    const listen = (name, act) => source.addEventListener(name, (event) => { if (source === this.source) act(event); });
    listen("open", () => {
      this.openedAt = Date.now();
      this.answered();
    });
    listen("error", () => this.failed(source.readyState === EventSource.CLOSED));
    listen("state", (event) => this.take(event, this.on.state));
    listen("needs", (event) => this.take(event, this.on.needs));
    this.timer = setTimeout(() => this.failed(false), ANSWER_MS);
  }
  take(event, use) {
    try {
      use(JSON.parse(event.data), event.lastEventId);
    } catch (error) {
      reportError(error);
      this.failed(false); // the changes that follow need this one
      return;
    }
    this.attempt = 0;
    this.answered();
  }
  answered() {
    clearTimeout(this.timer);
    if (this.problem.since) this.on.change(this.problem = { since: "", message: "" });
  }
  /** The connection ended. A closed EventSource has got an error as its answer: ask for its message. */
  async failed(hasAnswer) {
    this.close();
    if (this.openedAt && Date.now() - this.openedAt > STABLE_MS) this.attempt = 0;
    const { status, message } = hasAnswer ? await this.ask() : { status: 0, message: "" };
    if (status < 0) return;
    const isRefused = status === 401 || status === 403;
    const wasShort = !this.attempt && !this.problem.since && !hasAnswer; // a restart of the server needs no message
    if (!wasShort && status !== 200) {
      const since = this.problem.since || new Date().toISOString();
      this.on.change(this.problem = { since, message: isRefused ? REFUSED : message, isRefused });
    }
    const pause = PAUSES_MS[this.attempt] || (this.only ? HIDDEN_PAUSE_MS : PAUSES_MS.at(-1));
    this.attempt += 1;
    if (!isRefused) this.timer = setTimeout(() => this.connect(), pause * (0.8 + 0.4 * Math.random()));
  }
  /** Return the status and the message of the server's answer; -1 if another attempt began meanwhile. */
  async ask() {
    const probing = this.probing = new AbortController();
    const end = setTimeout(() => probing.abort("late"), ANSWER_MS);
    let answer = { status: 0, message: "" };
    try {
      const response = await fetch(this.on.address(this.only), { signal: probing.signal });
      const body = response.ok ? {} : await response.json().catch(() => ({}));
      answer = { status: response.status, message: String((body.error || {}).message || "") };
    } catch {
      // the server went away meanwhile
    }
    clearTimeout(end);
    if (this.probing !== probing) return { status: -1, message: "" };
    probing.abort();
    this.probing = null;
    return answer;
  }
}
