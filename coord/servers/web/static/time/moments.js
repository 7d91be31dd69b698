// Which moment the whole page shows. At most one request is under way; the newest wins.
import { isEventId, isInstant } from "../core/format.js";

const LONGEST_WAIT_MS = 400; // while dragging, an answer that takes longer than this is not waited for

/**
 * Shows moments. It follows the view, so that the back button works as well; `follow()` begins with what a link names.
 * `onChange` is called when `busy` or `error` changed.
 */
export class Moments {
  constructor(store, api, onChange) {
    Object.assign(this, { store, api, onChange, busy: false, error: "" });
    this.current = null; // the request under way: {at, step, continuous, started, abort}
    this.next = null; // the request that begins after it
    this.settled = ""; // the time whose moment is shown
    this.seen = ""; // the time of the view when it was looked at
    store.subscribe((changed) => {
      if (changed.has("view")) this.follow();
      else if (changed.has("live") && store.view.at !== this.settled && !this.current) {
        this.want({ at: this.seen, step: 0, continuous: false });
      }
    });
  }
  /** Show the moment at an instant or after an event; `continuous` for one of many, as in a drag. */
  show(at, { continuous = false } = {}) {
    this.error = "";
    if (at !== this.store.view.at) this.store.setView({ at }, { continuous });
    else if (!continuous && this.next) this.want({ ...this.next, continuous });
  }
  /** Show the moment `by` events later than the one that is shown or asked for. */
  step(by) {
    const asked = this.next || this.current, { at } = this.store.view;
    this.error = "";
    if (!asked && at === "" && by > 0) return; // there is no later event
    const step = by + (asked ? asked.step : 0);
    if (step || (asked && asked.at !== this.settled)) this.want({ at: asked ? asked.at : at, step, continuous: true });
    else this.settle(this.settled);
  }
  /** Show what the view names, if that changed. */
  follow() {
    const { at } = this.store.view;
    if (at === this.seen) return;
    this.seen = at;
    if (at === "" || at === this.settled) this.settle(at);
    else this.want({ at, step: 0, continuous: this.store.continuous });
  }
  want(request) {
    if (!this.current) {
      this.begin(request);
      return;
    }
    this.next = request;
    const { started, abort } = this.current;
    if (!request.continuous || performance.now() - started > LONGEST_WAIT_MS) abort.abort();
  }
  async begin(request) {
    const mine = this.current = { ...request, started: performance.now(), abort: new AbortController() };
    this.next = null;
    this.error = "";
    this.change(true);
    let moment = null, error = null;
    try {
      moment = await this.api.fetchMoment(request.at, request.step, mine.abort.signal);
    } catch (failure) {
      error = failure;
    }
    if (this.current !== mine) return; // replaced by another: this answer is never shown
    this.current = null;
    if (moment && !mine.abort.signal.aborted) this.arrived(mine, moment);
    else if (error && !this.next && !mine.abort.signal.aborted) this.failed(error);
    if (this.current) return;
    if (this.next) this.begin(this.next);
    else this.change(false);
  }
  arrived({ at, step, continuous }, moment) {
    const { store } = this;
    if (step > 0 && store.moment && moment.event === store.moment.event) {
      store.setView({ at: "" }); // there is no later event
      return;
    }
    const named = step ? moment.event || moment.at : isEventId(at) || isInstant(at) ? at : moment.at;
    this.settled = named;
    if (step || store.view.at === at) this.seen = named;
    if (this.seen === named) store.setView({ at: named }, { continuous: continuous && !step });
    store.setMoment(moment);
  }
  failed(error) {
    if (error.status === 0 && !this.store.moment) return; // it is asked for again when the server answers
    this.error = error.message;
    if (this.store.view.at !== this.settled) this.store.setView({ at: this.settled }, { continuous: true });
  }
  /** Give up what is under way: the moment of `at` is shown already. */
  settle(at) {
    if (this.current) this.current.abort.abort();
    this.current = this.next = null;
    this.settled = at;
    this.change(false);
  }
  change(busy) {
    this.busy = busy;
    this.onChange();
  }
}
