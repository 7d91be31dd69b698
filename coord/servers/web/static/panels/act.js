// The dialog of an action: what it asks for, what it will do, and its result in the command's own words.
import { fill, h } from "../core/dom.js";
import { controlOf, valueOf } from "./fields.js";

const PAUSE_MS = 300; // between two requests for the effect
const drafts = new Map(); // what was typed into a dialog that was closed, by its action and fields
let shown = null;

/**
 * Open the dialog of an action, such as "reply" with the fields `{message}`. It is done only after a confirmation.
 * Return the dialog.
 */
export function open(action, fields, store, api) {
  if (shown?.dialog.open) return shown.dialog;
  shown?.closed(); // the browser tells later that it was closed
  shown = new ActDialog(action, fields, store, api);
  return shown.dialog;
}

class ActDialog {
  constructor(action, fields, store, api) {
    this.action = action;
    this.key = JSON.stringify([action, fields]);
    this.fields = { ...fields, ...drafts.get(this.key) };
    this.store = store;
    this.api = api;
    this.opener = document.activeElement;
    this.controls = new Map();
    this.seen = null; // what the effect was computed from; the command refuses if that has changed
    this.build();
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.refresh();
  }

  build() {
    this.title = h("h2", { id: "act-title", tabindex: "-1" }, "…");
    this.inputs = h("div", { class: "inputs" });
    this.effect = h("div", { class: "effect", role: "status", "aria-live": "polite" }, h("p", { class: "quiet" }, "…"));
    this.outcome = h("div", { class: "outcome", role: "alert" });
    this.confirm = h("button", { type: "submit", class: "confirm", disabled: true }, "…");
    this.cancel = h("button", { type: "button", onclick: () => this.dialog.close() }, "Cancel");
    this.form = h("form", { novalidate: true, onsubmit: (event) => this.submit(event), oninput: (event) => this.typed(event) },
      this.title, this.inputs, this.effect, this.outcome, h("div", { class: "buttons" }, this.confirm, this.cancel));
    this.dialog = h("dialog", { class: "act", "aria-labelledby": "act-title", onclose: () => this.closed() }, this.form);
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit(event);
    });
  }

  /** Ask what the action will do, with what is typed so far. Long texts do not change it and are not sent. */
  async refresh() {
    this.asking = true;
    this.outdated = false;
    try {
      const fields = { ...this.fields };
      for (const [name, control] of this.controls) if (control.field.kind === "text") delete fields[name];
      this.show(await this.api.effect(this.action, fields));
    } catch (error) {
      this.fail(error);
    }
    this.asking = false;
    if (this.outdated && shown === this) setTimeout(() => this.refresh(), PAUSE_MS);
  }

  show(form) {
    if (shown !== this) return; // it was closed meanwhile
    if (!this.form.dataset.ready) this.fillForm(form);
    const changed = this.seen && JSON.stringify(this.seen) !== JSON.stringify(form.seen);
    this.seen = form.seen;
    fill(this.effect,
      changed ? h("p", { class: "warn" }, "This has changed since you opened it:") : null,
      form.refused ? h("p", { class: "warn" }, `Nothing will happen: ${form.refused}`) : null,
      form.text.map((text) => h("p", { dir: "auto" }, text)));
  }

  fillForm(form) {
    this.form.dataset.ready = "yes";
    this.title.textContent = form.title;
    this.confirm.textContent = form.confirm;
    this.confirm.disabled = false;
    this.confirm.classList.toggle("ends", form.ends);
    for (const field of form.fields) {
      if (!(field.name in this.fields)) this.fields[field.name] = field.value;
      this.controls.set(field.name, controlOf(field, this.fields[field.name], this.store.live || this.store.moment));
      this.fields[field.name] = valueOf(this.controls.get(field.name));
    }
    fill(this.inputs, [...this.controls.values()].map((control) => control.element));
    const [first] = [...this.controls.values()].filter(({ input }) => input.type !== "checkbox" && !input.value);
    (first ? first.input : this.controls.size ? [...this.controls.values()].at(-1).input : this.confirm).focus();
  }

  typed(event) {
    for (const [name, control] of this.controls) this.fields[name] = valueOf(control);
    const control = [...this.controls.values()].find(({ input }) => input === event.target);
    control?.input.removeAttribute("aria-invalid");
    if (!control || ["text", "line"].includes(control.field.kind)) return; // what is written does not change the effect
    if (this.asking) this.outdated = true;
    else this.refresh();
  }

  async submit(event) {
    event.preventDefault();
    if (this.confirm.disabled || this.isIncomplete()) return;
    this.busy(true);
    try {
      const answer = await this.api.act(this.action, { ...this.fields, seen: this.seen || {} });
      if (answer.code === 0) this.done(answer);
      else this.refused(answer);
    } catch (error) {
      this.fail(error);
    }
    this.busy(false);
  }

  /** Mark the first field that must not be empty, and return whether there is one. */
  isIncomplete() {
    const missing = [...this.controls.values()].find(({ field, input }) => field.required && !String(input.value).trim());
    if (!missing) return false;
    missing.input.setAttribute("aria-invalid", "true");
    fill(this.outcome, h("p", { class: "bad" }, `“${missing.field.label}” is empty.`));
    missing.input.focus();
    return true;
  }

  busy(is) {
    this.confirm.disabled = is;
    this.dialog.setAttribute("aria-busy", String(is));
  }

  done(answer) {
    this.isDone = true;
    drafts.delete(this.key);
    const close = h("button", { type: "button", onclick: () => this.dialog.close() }, "Close");
    const result = h("div", { class: "outcome", role: "status" }, printed(answer));
    fill(this.form, this.title, result, h("div", { class: "buttons" }, close));
    close.focus();
  }

  /** Show the command's refusal. What was typed is kept, and the effect is asked for again. */
  refused(answer) {
    fill(this.outcome, printed(answer), h("p", { class: "bad refusal", dir: "auto" }, answer.error || `exit code ${answer.code}`));
    this.refresh();
  }

  fail(error) {
    const lost = error.status === 0; // no answer
    const text = lost ? "The server does not answer. If you confirmed the action, check whether it was done." : error.message;
    fill(this.outcome, h("p", { class: "bad", dir: "auto" }, text));
    if (!this.form.dataset.ready) {
      this.title.textContent = "This cannot be done now";
      this.confirm.hidden = true;
      fill(this.effect);
    }
  }

  closed() {
    if (shown !== this) return; // done already
    if (!this.isDone && this.controls.size) drafts.set(this.key, this.fields);
    this.dialog.remove();
    shown = null;
    const isThere = this.opener?.isConnected && this.opener !== document.body;
    const target = isThere ? this.opener : document.querySelector("#drawer:not([hidden]) .title");
    (target || document.getElementById("needs"))?.focus();
  }
}

/** Return what a command printed: its result and its notes. */
function printed({ text, notes }) {
  return [
    text ? h("pre", { class: "printed", dir: "auto", tabindex: "0" }, text) : null,
    (notes || []).map((note) => h("p", { class: "quiet", dir: "auto" }, note)),
  ];
}
