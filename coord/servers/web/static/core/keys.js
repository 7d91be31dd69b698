// The keys of the page: one table, from which the help is made. Keys never act while the person types.
import { h } from "./dom.js";

const keys = []; // {key, text, group, act}; without `act`, the part of the page handles it while it has the focus

/** Add a key to the page: its name as in KeyboardEvent.key, what it does in words, and the function that does it. */
export function addKey(key, text, group, act = null) {
  keys.push({ key, text, group, act });
}

/** Return whether an element takes typed text, or chooses by typing. */
export function takesText(element) {
  return Boolean(element && element.closest && element.closest("input, textarea, select, [contenteditable]"));
}

/** Act on keys, and add `?`, which shows all keys in a dialog. */
export function mountKeys(place = document) {
  addKey("?", "Show this help", "Page", () => showHelp());
  place.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (takesText(event.target) || document.querySelector("dialog[open]")) return;
    const found = keys.find((entry) => entry.key === event.key && entry.act);
    if (!found) return;
    event.preventDefault();
    found.act(event);
  });
}

/** Show all keys in a dialog. Escape closes it. */
export function showHelp() {
  const groups = [...new Set(keys.map((entry) => entry.group))];
  const dialog = h("dialog", { class: "keys", "aria-label": "Keys of this page" },
    h("h2", {}, "Keys"),
    h("div", { class: "groups" }, groups.map((group) => h("section", {}, h("h3", {}, group),
      h("dl", {}, keys.filter((entry) => entry.group === group).map(({ key, text }) =>
        h("div", {}, h("dt", {}, key.split(" ").map((name) => h("kbd", {}, name))), h("dd", {}, text))))))),
    h("p", { class: "quiet" }, "Keys do nothing while you type in a field."),
    h("form", { method: "dialog" }, h("button", {}, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
