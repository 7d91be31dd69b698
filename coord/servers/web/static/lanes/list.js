// What is visible, as a list: for screen readers, and for everybody who prefers text. Filled only while it is open.

import { fill, h } from "../core/dom.js";
import { visibleBars, visibleItems } from "./layout.js";
import { aboutOf, itemText } from "./labels.js";

const MOST_LANES = 60, MOST_ITEMS = 100;

/** Make the list. Return its element and `update()`; `state` is the record of what is shown. */
export function makeList(store, state) {
  const list = h("ul", {}), details = h("details", { class: "lanes-list", ontoggle: () => update() }, h("summary", {}, "Lanes as a list"), list);
  let left = 0, shown = "";
  const entry = (item) => h("button", { type: "button", class: "plain", onclick: () => store.setView({ open: aboutOf(item) }) }, itemText(item, state.label));
  function itemsIn(lane, span) {
    const items = [...lane.rows.flatMap((row) => visibleBars(row, span)), ...visibleItems(lane.marks, span), ...visibleItems(lane.sent, span)];
    return items.sort((a, b) => a.at - b.at);
  }
  function update() {
    if (!details.open || !state.span) return;
    const span = { start: state.span.start, end: Math.min(state.span.end, state.edge) }, bands = state.placed.bands;
    left = MOST_ITEMS;
    let more = 0;
    const key = [span.start, span.end, state.version, bands.length].join();
    if (key === shown) return;
    shown = key;
    const lanes = bands.slice(0, MOST_LANES).map(({ lane }) => {
      const all = itemsIn(lane, span), some = all.slice(0, left);
      left -= some.length;
      more += all.length - some.length;
      return h("li", {}, entry({ type: "lane", lane }), some.length ? h("ul", {}, some.map((item) => h("li", {}, entry(item)))) : null);
    });
    const rest = [bands.length > MOST_LANES && `${bands.length - MOST_LANES} sessions`, more && `${more} claims, signs and messages`].filter(Boolean);
    fill(list, lanes, rest.length ? h("li", { class: "quiet" }, `… and ${rest.join(" and ")} more: zoom in or filter to list them.`) : null);
  }
  return { element: details, update };
}
