// The legend: the most used resources with their looks, all of them in a list that can be searched, and the signs.

import { fill, h } from "../core/dom.js";
import { lookOf, tileOf, drawSign, MEANINGS } from "./appearance.js";
import { clean } from "./labels.js";

const CHIPS = 12, LISTED = 200;

/** Return a canvas of a size in pixels of the page, drawn by `draw(context, ratio)`. */
export function picture(wide, high, draw) {
  const ratio = window.devicePixelRatio || 1, canvas = h("canvas", { "aria-hidden": "true", width: Math.round(wide * ratio), height: Math.round(high * ratio) });
  canvas.style.width = `${wide}px`;
  canvas.style.height = `${high}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  draw(context, ratio);
  return canvas;
}

const swatch = (resource, theme) => picture(22, 12, (context, ratio) => {
  const look = lookOf(resource);
  for (const style of [theme.fills[look.colour], look.texture && tileOf(context, theme, look.texture, ratio)]) {
    if (!style) continue;
    context.fillStyle = style;
    context.fillRect(0.5, 0.5, 21, 11);
  }
  context.strokeStyle = theme.edges[look.colour];
  context.strokeRect(0.5, 0.5, 21, 11);
});

/** Make the legend. Return its element and `update(theme)`, which changes it only if what it shows has changed. */
export function makeLegend(store, model) {
  const chips = h("ul", { class: "chips", "aria-label": "Resources" }), rest = h("ul", { class: "chips" });
  const find = h("input", { type: "search", "aria-label": "Find a resource", placeholder: "Find a resource", oninput: () => fillRest() });
  const summary = h("summary"), more = h("details", { ontoggle: () => fillRest() }, summary, find, rest);
  const signs = h("ul", { class: "chips signs" }), meanings = h("details", { ontoggle: () => fillSigns() }, h("summary", {}, "What the signs mean"), signs);
  let theme = null, ranked = [], shown = "";

  function chip(resource) {
    const on = (store.view.filter.resources || []).includes(resource), text = clean(resource, 60), uses = model.resources.get(resource) || 0;
    const choose = () => store.setView({ filter: { ...store.view.filter, resources: on ? [] : [resource] } });
    const title = `${on ? "Show all resources" : "Show only this resource"}: ${clean(resource, 300)} · ${uses} claims and waits`;
    return h("li", {}, h("button", { type: "button", "aria-pressed": String(on), title, onclick: choose }, swatch(resource, theme), text));
  }
  function fillRest() {
    if (!more.open) return;
    const part = find.value.toLowerCase(), all = ranked.filter((name) => name.toLowerCase().includes(part)), left = all.length - LISTED;
    fill(rest, all.slice(0, LISTED).map(chip),
      left > 0 ? h("li", { class: "quiet" }, `… and ${left} more: type a part of the name.`) : null,
      all.length ? null : h("li", { class: "quiet" }, "No resource has this in its name."));
  }
  function fillSigns() {
    if (meanings.open) fill(signs, Object.entries(MEANINGS).map(([key, text]) => h("li", {}, picture(28, 18, (context) => drawSign(context, theme, key, 12, 9)), text)));
  }
  function update(newTheme) {
    ranked = [...model.resources].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
    const chosen = store.view.filter.resources || [];
    // The most used ones in the order of their names: a chip then keeps its place while counts change.
    const top = [...new Set([...chosen, ...ranked.slice(0, CHIPS)])].sort();
    const state = JSON.stringify([top, chosen, ranked.length]), isNew = theme !== newTheme;
    theme = newTheme;
    if (state === shown && !isNew) return;
    shown = state;
    fill(chips, top.map(chip));
    more.hidden = ranked.length <= top.length;
    summary.textContent = `and ${ranked.length - top.length} more`;
    fillRest();
    if (isNew) fillSigns();
  }
  return { element: h("div", { class: "legend" }, chips, more, meanings), update };
}
