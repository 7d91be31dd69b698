// The connection to the server: one EventSource, opened again with growing pauses after it failed.

const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000], HIDDEN_PAUSE_MS = 60_000;
const ANSWER_MS = 20_000; // a server that has not answered by then is not there
const STABLE_MS = 5_000;
const REFUSED = "This browser may not read this page any more. Open the address that coord web printed.";

/**
 * Return a connection. `addressOf(only)` is the address of the stream; `onState(data, id)` and `onNeeds(data)` take its
 * events, and `onChange({since, message})` when the server stops or starts to answer (`since` is then empty).
 */
export function createConnection({ addressOf, onState, onNeeds, onChange }) {
  let source = null, probing = null, timer = 0, watch = 0;
  let only = "", attempt = 0, openedAt = 0, problem = { since: "", message: "" };

  function close() {
    clearTimeout(timer);
    clearTimeout(watch);
    if (probing) probing.abort();
    if (source) source.close();
    source = probing = null;
    timer = watch = 0;
  }
  function connect() {
    close();
    openedAt = 0;
    const current = source = new EventSource(addressOf(only));
    const take = (name, use) => current.addEventListener(name, (event) => {
      if (current !== source) return;
      try {
        use(JSON.parse(event.data), event.lastEventId);
      } catch (error) {
        reportError(error);
        failed(false); // the changes that follow need this one
        return;
      }
      attempt = 0;
      answered();
    });
    current.addEventListener("open", () => { if (current === source) opened(); });
    current.addEventListener("error", () => { if (current === source) failed(current.readyState === EventSource.CLOSED); });
    take("state", onState);
    take("needs", onNeeds);
    watch = setTimeout(() => failed(false), ANSWER_MS);
  }
  function opened() {
    openedAt = Date.now();
    answered();
  }
  function answered() {
    clearTimeout(watch);
    if (problem.since) onChange(problem = { since: "", message: "" });
  }
  /** The connection ended. An EventSource that is closed had an answer that is an error: ask for it. */
  async function failed(hasAnswer) {
    const address = addressOf(only);
    close();
    if (openedAt && Date.now() - openedAt > STABLE_MS) attempt = 0;
    const { status, message } = hasAnswer ? await ask(address) : { status: 0, message: "" };
    if (status < 0) return;
    const isRefused = status === 401 || status === 403;
    const wasShort = !attempt && !problem.since && !hasAnswer; // a server that is started again is not worth a message
    if (!wasShort && status !== 200) {
      problem = { since: problem.since || new Date().toISOString(), message: isRefused ? REFUSED : message, isRefused };
      onChange(problem);
    }
    const pause = only ? HIDDEN_PAUSE_MS : PAUSES_MS.at(-1);
    const next = attempt < PAUSES_MS.length ? PAUSES_MS[attempt] : pause;
    attempt += 1;
    if (!isRefused) timer = setTimeout(connect, next * (0.8 + 0.4 * Math.random()));
  }
  /** Return the status and the message of the server's answer; -1 if another attempt began meanwhile. */
  async function ask(address) {
    const current = probing = new AbortController();
    const end = setTimeout(() => current.abort("late"), ANSWER_MS);
    let answer = { status: 0, message: "" };
    try {
      const response = await fetch(address, { signal: current.signal });
      const body = response.ok ? {} : await response.json().catch(() => ({}));
      answer = { status: response.status, message: String((body.error || {}).message || "") };
    } catch {
      // the server went away meanwhile
    }
    clearTimeout(end);
    if (probing !== current) return { status: -1, message: "" };
    current.abort();
    probing = null;
    return answer;
  }
  return {
    /** Connect, or connect again: `what` is "" for the full state, or "needs". */
    open(what) {
      only = what;
      attempt = 0;
      connect();
    },
    /** Try again at once if the connection is broken. */
    retry() {
      if (source && source.readyState === EventSource.OPEN) return;
      attempt = 0;
      connect();
    },
    close,
  };
}
