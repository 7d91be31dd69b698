// The top of the page: which folder it shows, who the person is, what is wrong, and the title of the tab.
import { fill, h } from "../core/dom.js";
import { clock } from "../core/format.js";

const MOST_PROBLEMS = 20;

/** Mount the top of the page: `parts` are the elements of the folder's name, the person and the problems. */
export function mount(parts, store) {
  let shown = "";
  store.subscribe((changed) => {
    if (["moment", "live", "count", "connection"].some((name) => changed.has(name))) draw();
  });
  draw();
  // The time stays below the top, which takes two lines when there is no room for one.
  new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty("--top-height", `${target.offsetHeight}px`))
    .observe(parts.folder.closest("header"));

  function draw() {
    const live = store.live || store.moment;
    const folder = live ? live.folder : "";
    document.title = titleOf(store.count, folder, store.connection.since);
    parts.folder.textContent = folder || "coord";
    parts.folder.title = folder;
    fill(parts.me, ...personOf(live));
    const problems = problemsOf(store);
    const text = JSON.stringify(problems.map((problem) => problem.text));
    if (text === shown) return; // a screen reader reads this again when it changes
    shown = text;
    fill(parts.problems, problems.map(row));
  }
}

/** Return the title of the tab: how many things need the person, and whether the page is connected. */
export function titleOf(count, folder, since) {
  return `${since ? "(not connected) " : count ? `(${count}) ` : ""}coord${folder ? ` · ${folder}` : ""}`;
}

function personOf(live) {
  if (!live) return [];
  const badge = live.read_only && h("span", { class: "badge", title: "Nothing can be changed from this page" }, "read only");
  const name = live.me && h("span", { class: "quiet" }, "You are ", h("b", { class: "name" }, live.me.name || live.me.session));
  return [badge, name].filter(Boolean);
}

function problemsOf({ connection, live, moment }) {
  const problems = ((live || moment || {}).problems || []).slice(0, MOST_PROBLEMS).map((text) => ({ text }));
  if (!connection.since) return problems;
  const what = `Not connected since ${clock(connection.since)}${connection.isRefused ? "." : ", trying again."}`;
  return [{ text: [what, connection.message].filter(Boolean).join(" "), retry: connection.retry }, ...problems];
}

function row({ text, retry }) {
  return h("p", { class: "problem" }, h("span", { class: "sign", "aria-hidden": "true" }, "!"), h("span", {}, text),
    retry && h("button", { type: "button", onclick: retry }, "Try again"));
}
