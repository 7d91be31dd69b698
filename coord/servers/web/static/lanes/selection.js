// The item at the pointer and the selected item: their tooltips, and opening their stories.

import { HEAD } from "./draw.js";
import { bandAt, barAt } from "./layout.js";
import { laneItem } from "./input.js";
import { boxOf, placedAt } from "./placement.js";
import { aboutOf, itemText } from "./labels.js";

const LINES = 8; // of a tooltip

/** Return the items at a point of the canvas, or null. */
export function itemsAt({ state }, x, y, scale) {
  const below = y - HEAD + state.scroll, band = y < HEAD ? null : bandAt(state.placed.bands, below);
  if (!band || !state.found) return null;
  if (x < scale.left) return [laneItem(band.lane)];
  const sign = placedAt(state.found, x, below);
  if (sign) return sign.items;
  const bar = barAt(band, scale.time(x), below, scale.time(3) - scale.time(0));
  if (bar && bar.at <= state.edge) return [bar];
  return state.narrow && below < band.top + 22 ? [laneItem(band.lane)] : null;
}

/** Show the tooltip of items beside a point of the canvas. */
export function showTip({ state, ui }, items, x, y) {
  const lines = items.slice(0, LINES).map((item) => itemText(item, state.label));
  if (items.length > LINES) lines.push(`… and ${items.length - LINES} more`);
  const text = lines.join("\n"), box = ui.canvas.getBoundingClientRect();
  if (ui.tip.textContent !== text) ui.tip.textContent = text;
  ui.tip.hidden = false;
  const wide = ui.tip.offsetWidth, high = ui.tip.offsetHeight, top = box.top + y + 16;
  ui.tip.style.left = `${Math.max(4, Math.min(box.left + x + 12, innerWidth - wide - 8))}px`;
  ui.tip.style.top = `${top + high > innerHeight ? Math.max(4, top - high - 28) : top}px`;
}

/** Hide the tooltip. */
export const hideTip = ({ ui }) => { ui.tip.hidden = true; };

/** Select an item: announce it to screen readers, scroll to its lane, and show its tooltip. */
export function select(lanes, item, scale) {
  const { state, ui } = lanes;
  state.selected = item;
  ui.said.textContent = item ? itemText(item, state.label) : "";
  if (!item) return hideTip(lanes);
  const [, y, , high] = boxOf(item, state.placed, scale, state.edge) || [0, 0, 0, 0], room = ui.scroller.clientHeight - HEAD;
  const band = state.placed.bySession.get(item.session), top = band ? Math.min(band.top, y - 30) : y;
  if (top < ui.scroller.scrollTop) ui.scroller.scrollTop = Math.max(0, top);
  else if (y + high + 8 > ui.scroller.scrollTop + room) ui.scroller.scrollTop = y + high + 8 - room;
  state.scroll = ui.scroller.scrollTop;
  showSelected(lanes, scale);
}

/** Show the tooltip of the selection beside it. */
export function showSelected(lanes, scale) {
  const { state } = lanes, box = state.selected && boxOf(state.selected, state.placed, scale, state.edge);
  if (!box) return;
  const x = Math.max(scale.left, Math.min(box[0], scale.right - 40));
  showTip(lanes, [state.selected], state.selected.type === "lane" ? 20 : x, HEAD - state.scroll + box[1] + box[3]);
}

/** Open the story of an item. */
export function open({ store }, item) {
  if (item) store.setView({ open: aboutOf(item) });
}
