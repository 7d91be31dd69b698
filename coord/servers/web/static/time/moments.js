// Which moment the whole page shows. At most one request is under way; the newest wins.
import { isEventId, isInstant } from "../core/format.js";

const PATIENCE_MS = 400; // while dragging, an answer that takes longer than this is not waited for

/**
 * Return the object that shows moments: `show(at)`, `step(n)` for the event n later, `live()`. It follows the view, so
 * that the back button works as well; `follow()` begins with what a link names. `onChange` is called when `busy` or
 * `error` changed.
 */
export function createMoments(store, api, onChange) {
  let current = null; // the request under way: {at, step, continuous, started, abort}
  let next = null; // the request that begins after it
  let settled = "", seen = ""; // the time whose moment is shown, and that of the view when it was looked at
  const moments = { busy: false, error: "", show, step, follow, live: () => show("") };

  /** Show the moment at an instant or after an event; `continuous` for one of many, as in a drag. */
  function show(at, { continuous = false } = {}) {
    moments.error = "";
    if (at !== store.view.at) store.setView({ at }, { continuous });
    else if (!continuous && next) want({ ...next, continuous });
  }
  /** Show the moment `by` events later than the one that is shown or asked for. */
  function step(by) {
    moments.error = "";
    const asked = next || current;
    if (!asked && store.view.at === "" && by > 0) return; // there is no later event
    const steps = by + (asked ? asked.step : 0);
    if (steps || (asked && asked.at !== settled)) want({ at: asked ? asked.at : store.view.at, step: steps, continuous: true });
    else settle(settled);
  }
  /** Show what the view names, if that changed. */
  function follow() {
    const { at } = store.view;
    if (at === seen) return;
    seen = at;
    if (at === "" || at === settled) settle(at);
    else want({ at, step: 0, continuous: store.continuous });
  }
  function want(request) {
    if (!current) {
      begin(request);
      return;
    }
    next = request;
    if (!request.continuous || performance.now() - current.started > PATIENCE_MS) current.abort.abort();
  }
  async function begin(request) {
    const mine = current = { ...request, started: performance.now(), abort: new AbortController() };
    next = null;
    change(true);
    let moment = null, error = null;
    try {
      moment = await api.fetchMoment(request.at, request.step, mine.abort.signal);
    } catch (failure) {
      error = failure;
    }
    if (current !== mine) return; // replaced by another: this answer is never shown
    current = null;
    if (moment && !mine.abort.signal.aborted) arrived(mine, moment);
    else if (error && !next && !mine.abort.signal.aborted) failed(error);
    if (current) return;
    if (next) begin(next);
    else change(false);
  }
  function arrived({ at, step: steps, continuous }, moment) {
    if (steps > 0 && store.moment && moment.event === store.moment.event) {
      store.setView({ at: "" }); // there is no later event
      return;
    }
    const named = steps ? moment.event || moment.at : isEventId(at) || isInstant(at) ? at : moment.at;
    settled = named;
    if (steps || store.view.at === at) seen = named;
    if (seen === named) store.setView({ at: named }, { continuous: continuous && !steps });
    store.setMoment(moment);
  }
  function failed(error) {
    if (error.status === 0 && !store.moment) return; // it is asked for again when the server answers
    moments.error = error.message;
    if (store.view.at !== settled) store.setView({ at: settled }, { continuous: true });
  }
  /** Give up what is under way: the moment of `at` is shown already. */
  function settle(at) {
    if (current) current.abort.abort();
    current = next = null;
    settled = at;
    change(false);
  }
  function change(busy) {
    moments.busy = busy;
    onChange();
  }
  store.subscribe((changed) => {
    if (changed.has("view")) follow();
    else if (changed.has("live") && store.view.at !== settled && !current) want({ at: seen, step: 0, continuous: false });
  });
  return moments;
}
