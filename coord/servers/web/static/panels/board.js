// The board: the sections of `coord status` and `coord claims`, with the same words.
import { fill, h } from "../core/dom.js";
import { matches, pieces, plain, rowPieces, storyLink } from "./text.js";

const INDENT = "    "; // begins a row that belongs to the one above it

/** Mount the board: it draws again when the moment or the filter changes. */
export function mount(element, store) {
  const body = h("div", { class: "sections" });
  const heading = h("h2", {}, "Board");
  const claims = h("details", { class: "claims", "data-part": "claims" });
  fill(element, heading, body, claims);
  let drawn = "";
  const draw = () => {
    const moment = store.moment;
    if (!moment) return;
    const past = Boolean(store.view.at);
    const key = JSON.stringify([moment.board, moment.claims, store.view.filter, past]);
    if (key === drawn) return;
    drawn = key;
    body.dataset.part = "status";
    fill(body, sections(store, moment, past));
    drawClaims(store, moment, claims);
  };
  store.subscribe((changed) => (changed.has("moment") || changed.has("view")) && draw());
  draw();
}

function sections(store, moment, past) {
  const shown = moment.board
    .filter((_, number) => past || number || !moment.needs.length) // what needs you is shown at the top of the page
    .map((section) => drawSection(store, moment, section))
    .filter(Boolean);
  if (shown.length) return shown;
  return [h("p", { class: "quiet" }, "Nothing on the board matches the filter.")];
}

function drawSection(store, moment, section) {
  const rows = grouped(section.rows).filter((group) => isShown(store, moment, group));
  if (!rows.length) return null;
  const list = h("ul", { class: "rows" }, rows.flat().map((row) => drawRow(store, row)));
  return h("section", { class: section.head ? "part" : "part foot", "aria-label": section.head || "Counts" },
    section.head ? h("h3", {}, section.head) : null, list);
}

/** Return the rows in groups: each row with those below that belong to it. */
function grouped(rows) {
  const groups = [];
  for (const row of rows) {
    if (groups.length && plain(rowPieces(row)).startsWith(INDENT)) groups.at(-1).push(row);
    else groups.push([row]);
  }
  return groups;
}

function isShown(store, moment, group) {
  const text = group.map((row) => `${plain(rowPieces(row))}\n${plain(row.below || [])}`).join("\n");
  return matches(store.view.filter, text, group[0].about, moment.names || {});
}

function drawRow(store, row) {
  const line = rowPieces(row);
  const inner = row.about ? storyLink(store, row.about, { class: "line" }, pieces(line)) : h("span", { class: "line" }, pieces(line));
  const below = row.below && row.below.length ? h("div", { class: "below" }, pieces(row.below)) : null;
  return h("li", { class: plain(line).startsWith(INDENT) ? "row step" : "row" }, inner, below);
}

function drawClaims(store, moment, details) {
  const rows = moment.claims.flatMap((section) => grouped(section.rows)).filter((group) => isShown(store, moment, group));
  const count = moment.counts ? moment.counts.claims : rows.length;
  details.hidden = !rows.length;
  fill(details, h("summary", {}, `All claims (${count})`),
    h("ul", { class: "rows" }, rows.flat().map((row) => drawRow(store, row))));
}
