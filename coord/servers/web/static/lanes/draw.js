// Draws one frame of the lanes on a canvas: only what is visible. A frame is a plain record that lanes.js makes.

import { visibleBands, visibleBars } from "./layout.js";
import { lookOf, tileOf, drawEnd, drawSign, ENDS } from "./appearance.js";
import { placeArrows, placeLinks, placeSigns, SIGN } from "./placement.js";
import { ticks } from "./span.js";
import { clean, symbolLabels } from "./labels.js";

/** The height of the axis above the lanes. */
export const HEAD = 34;
const EDGE = 9; // pixels between the names and the start of the span, for signs there
const SMALL = "10.5px ", NAME = "600 12.5px ";
const widths = new Map();

function widthOf(context, text) {
  const key = context.font + text;
  if (!widths.has(key)) {
    if (widths.size > 20000) widths.clear();
    widths.set(key, context.measureText(text).width);
  }
  return widths.get(key);
}

/** Return a text cut to a width, with its beginning or its end; empty if fewer than four characters are left. */
function fitted(context, text, room, keepEnd = false) {
  const wide = widthOf(context, text);
  if (wide <= room) return text;
  const kept = Math.floor((text.length * (room - 10)) / wide);
  return kept < 4 ? "" : keepEnd ? `…${text.slice(-kept)}` : `${text.slice(0, kept)}…`;
}

function write(frame, text, x, y, colour, font = SMALL, room = Infinity, keepEnd = false) {
  const { context } = frame;
  context.font = font + frame.theme.font;
  context.fillStyle = colour;
  const shown = fitted(context, text, room, keepEnd);
  if (shown) context.fillText(shown, x, y, room === Infinity ? undefined : room);
  return shown ? Math.min(room, widthOf(context, shown)) : 0;
}

function strokeLine(context, colour, width, points, dashes = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.beginPath();
  points.forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  context.setLineDash([]);
}

/** Draw a frame. Return what is placed by pixels: signs, arrows and links, with positions below the axis. */
export function drawFrame(frame) {
  const { context, ratio, theme, width, height, scroll, scale, placed } = frame;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = theme.back;
  context.fillRect(0, 0, width, height);
  context.textBaseline = "alphabetic";
  const bands = visibleBands(placed.bands, scroll, scroll + height - HEAD);
  const seen = { start: scale.start, end: Math.min(scale.end, frame.edge) };
  const found = { signs: [], ...placeArrows(frame.model, placed, scale, seen), links: placeLinks(frame.model, placed, scale, seen) };
  const onPlot = (draw) => {
    context.save();
    context.beginPath();
    context.rect(scale.left - EDGE, HEAD, width, height - HEAD);
    context.clip();
    context.translate(0, HEAD - scroll);
    draw();
    context.restore();
  };
  const marks = ticks(scale, 84);
  drawBackground(frame, bands, marks);
  onPlot(() => {
    for (const band of bands) drawLives(frame, band, seen);
    for (const arrow of found.arrows) drawArrow(frame, arrow);
    for (const band of bands) drawBars(frame, band, seen);
    for (const link of found.links) drawLink(frame, link);
    for (const band of bands) found.signs.push(...drawSigns(frame, band, seen, found));
    if (frame.selected) drawSelection(frame);
  });
  drawNames(frame, bands);
  drawAxis(frame, marks);
  return found;
}

function drawBackground({ context, theme, width, height, scroll, scale }, bands, marks) {
  context.fillStyle = theme.band;
  for (const band of bands) if (band.number % 2 === 0) context.fillRect(0, HEAD - scroll + band.top, width, band.height);
  for (const tick of marks) strokeLine(context, theme.line, tick.day ? 2 : 1, [[Math.round(tick.x) + 0.5, HEAD - 4], [Math.round(tick.x) + 0.5, height]]);
}

function drawAxis(frame, marks) {
  const { context, theme, width, scale, height, edge } = frame;
  context.fillStyle = theme.back;
  context.fillRect(0, 0, width, HEAD - 4);
  context.textAlign = "center";
  for (const tick of marks) {
    if (tick.x < 20 || tick.x > width - 16) continue;
    write(frame, tick.label, tick.x, 26, theme.soft, "11px ");
    if (tick.day) write(frame, tick.day, Math.min(tick.x, width - 34), 12, theme.ink, "600 11px ");
  }
  context.textAlign = "start";
  const x = scale.x(edge);
  if (x < scale.left || x > width + 1) return;
  strokeLine(context, theme.focus, frame.cut ? 2 : 1, [[x, HEAD - 6], [x, height]], frame.cut ? [] : [2, 4]);
  context.fillStyle = theme.focus;
  context.fill(new Path2D(`M${x - 5} ${HEAD - 10}h10l-5 7z`));
}

function drawLives({ context, theme, scale, edge }, { lane, axis }, seen) {
  const x = (time) => Math.max(scale.left - EDGE, Math.min(scale.x(time), scale.right + EDGE));
  if (!lane.lives.length && lane.row && lane.row.first_at) strokeLine(context, theme.life, 2, [[x(lane.start), axis], [x(Math.min(lane.end, edge)), axis]], [2, 3]);
  lane.lives.forEach((life, n) => {
    const before = lane.lives[n - 1];
    if (life.at > seen.end) return;
    if (before) strokeLine(context, theme.life, 1, [[x(before.until), axis], [x(life.at), axis]], [1, 4]);
    if (life.until < seen.start) return;
    strokeLine(context, theme.life, 1.6, [[x(life.at), axis], [x(Math.min(life.until, edge)), axis]]);
    if (life.how === "ended" && life.until <= seen.end) strokeLine(context, theme.life, 3, [[x(life.until), axis - 5], [x(life.until), axis + 5]]);
    if (life.at < seen.start) return;
    context.fillStyle = theme.back;
    context.lineWidth = 1.6;
    context.beginPath();
    context.arc(x(life.at), axis, 3, 0, 7);
    context.fill();
    context.stroke();
  });
}

function drawBars(frame, band, seen) {
  const { scale, edge, theme } = frame;
  band.lane.rows.forEach((row, number) => {
    const y = band.first + number * band.pitch, bars = visibleBars(row, seen);
    let free = -Infinity;
    bars.forEach((bar, n) => {
      const open = bar.end > edge, before = bar.at < scale.start;
      const x0 = Math.max(scale.x(bar.at), scale.left + 1, free);
      const x1 = Math.max(Math.min(open ? scale.x(edge) : scale.x(bar.end), scale.right + 20), scale.x(bar.at) + 3);
      if (x1 - x0 < 0.5) return; // at this zoom, the bars before it cover it
      free = x1;
      drawBar(frame, bar, x0, x1, y, band.bar, open, before);
      if (band.bar < 12 || (bar.row.kind === "wait" && bar.row.how === "granted")) return;
      const text = clean(bar.row.resource, 80), note = bar.row.note ? `${text} — ${clean(bar.row.note, 80)}` : text;
      const wide = bar.row.kind === "claim" ? Math.min(x1, scale.right) - x0 - (before ? 14 : 8) - (open || ENDS[bar.row.how] ? 12 : 4) : 0;
      frame.context.font = SMALL + theme.font;
      if (wide > 44) {
        const full = widthOf(frame.context, note) <= wide ? note : text;
        write(frame, full, x0 + (before ? 11 : 6), y + band.bar - 4, theme.barText, SMALL, wide, true);
      } else {
        const next = bars[n + 1], room = (next ? scale.x(next.at) : scale.right) - x1 - 14;
        if (room > 36) write(frame, text, x1 + 7, y + band.bar - 4, theme.soft, SMALL, room, true);
      }
    });
  });
}

function outline(x0, x1, y, high, open, before) {
  const shape = new Path2D(), tip = open ? Math.min(6, (x1 - x0) / 2) : 0, notch = before ? Math.min(5, (x1 - x0) / 2) : 0;
  if (!tip && !notch) shape.roundRect(x0, y, x1 - x0, high, Math.min(2.5, (x1 - x0) / 2));
  else for (const [x, at] of [[x0, y], [x1 - tip, y], [x1, y + high / 2], [x1 - tip, y + high], [x0, y + high], [x0 + notch, y + high / 2]]) shape.lineTo(x, at);
  shape.closePath();
  return shape;
}

function drawBar(frame, { row }, x0, x1, y, high, open, before) {
  const { context, theme, ratio } = frame, look = lookOf(row.resource), edge = theme.edges[look.colour];
  const isOpen = frame.open === row.resource;
  context.lineWidth = isOpen ? 2.4 : 1;
  context.strokeStyle = isOpen ? theme.ink : edge;
  if (row.kind === "wait") {
    const [top, tall] = high < 12 ? [y, high] : [y + 4.5, 6];
    context.fillStyle = theme.back;
    context.fillRect(x0, top, x1 - x0, tall);
    context.setLineDash([3, 2]);
    context.strokeRect(x0 + 0.5, top + 0.5, Math.max(1, x1 - x0 - 1), Math.max(1, tall - 1));
    context.setLineDash([]);
    if (!open && row.how !== "granted" && x1 - x0 > 6) drawEnd(context, theme.ink, "gave_up", x1, y);
    return;
  }
  const shape = x1 - x0 < 5 ? null : outline(x0, x1, y, high, open, before);
  const fill = (style) => {
    context.fillStyle = style;
    if (shape) context.fill(shape); else context.fillRect(x0, y, x1 - x0, high);
  };
  fill(theme.fills[look.colour]);
  if (!shape) {
    context.fillStyle = context.strokeStyle;
    context.fillRect(x0, y, 1, high);
    return;
  }
  if (look.texture) fill(tileOf(context, theme, look.texture, ratio));
  if (row.mode === "shared") fill(tileOf(context, theme, "shared", ratio));
  context.stroke(shape);
  if (!open && ENDS[row.how] && x1 - x0 > 12 && high >= 12) drawEnd(context, theme.barText, row.how, x1, y);
}

function drawSigns(frame, band, seen, found) {
  const { theme, scale } = frame, signs = placeSigns(band.lane, scale, seen, found.isSign), y = band.axis;
  const starts = found.arrows.filter((arrow, n) => arrow.y0 === y && found.arrows.findIndex((other) => other.items[0] === arrow.items[0]) === n);
  const all = [...signs, ...starts].sort((a, b) => a.x - b.x);
  const crossings = found.arrows.filter((arrow) => Math.min(arrow.y0, arrow.y1) <= y && y <= Math.max(arrow.y0, arrow.y1)).map((arrow) => arrow.x);
  all.forEach((sign, n) => {
    const next = Math.min(all[n + 1] ? all[n + 1].x - SIGN / 2 : scale.right, ...crossings.filter((x) => x > sign.x + 1).map((x) => x - 3));
    const room = next - sign.x - SIGN / 2 - 6, bold = ["died", "lost", "broken"].includes(sign.kind);
    frame.context.font = (bold ? "600 " : "") + SMALL + theme.font;
    const label = symbolLabels(sign).find((text) => widthOf(frame.context, text) <= room) || (sign.type === "message" && symbolLabels(sign)[0]);
    if (label && room > 30) write(frame, label, sign.x + SIGN / 2 + 3, y - 5, bold ? theme.ink : theme.soft, (bold ? "600 " : "") + SMALL, room);
    if (sign.kind) drawSign(frame.context, theme, sign.kind, sign.x, y);
  });
  for (const sign of signs) sign.y = y;
  return signs;
}

const isUrgent = (arrow) => arrow.items.some((item) => item.row.urgency === "high");

function drawArrow({ context, theme }, arrow) {
  const { x, y0, y1 } = arrow, urgent = isUrgent(arrow), colour = urgent ? theme.bad : theme.arrow, tip = y0 < y1 ? 7 : -7;
  context.globalAlpha = 0.7;
  strokeLine(context, theme.back, 4, [[x, y0], [x, y1]]);
  context.globalAlpha = 1;
  strokeLine(context, colour, urgent ? 2.2 : 1.3, [[x, y0], [x, y1 - tip / 2]]);
  context.fillStyle = colour;
  context.fill(new Path2D(`M${x} ${y1}l-4 ${-tip}h8z`));
  context.beginPath();
  context.arc(x, y0, 2.6, 0, 7);
  context.fill();
}

function drawLink({ context, theme }, { kind, x, y0, y1 }) {
  if (kind === "continued") return strokeLine(context, theme.ink, 1.4, [[x, y0], [x, y1]], [2, 3]);
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.4;
  context.stroke(new Path2D(`M${x} ${y0}C${x + 16} ${y0} ${x - 16} ${y1} ${x} ${y1}`));
}

function drawNames(frame, bands) {
  const { context, theme, scale, scroll, height, narrow, width } = frame;
  context.save();
  context.beginPath();
  context.rect(0, HEAD, width, height - HEAD);
  context.clip();
  context.translate(0, HEAD - scroll);
  for (const { lane, top, number, height: high } of bands) {
    const name = clean(lane.name, 40) || clean(lane.session, 60), room = narrow ? width - 16 : scale.left - 20;
    if (!narrow) {
      context.fillStyle = number % 2 === 0 ? theme.band : theme.back;
      context.fillRect(0, top, scale.left - EDGE, high);
    }
    const is = frame.open === lane.session || (frame.selected && frame.selected.type === "lane" && frame.selected.session === lane.session);
    const wide = write(frame, name, 12, top + 17, is ? theme.focus : theme.ink, NAME, narrow ? room * 0.7 : room);
    const rest = [name === lane.session ? "" : clean(lane.session, 60), clean(lane.row && lane.row.client, 40)].filter(Boolean).join(" · ");
    if (narrow) write(frame, rest, 20 + wide, top + 17, theme.soft, SMALL, room - wide - 12);
    else write(frame, rest, 12, top + 31, theme.soft, SMALL, room);
    if (is) context.fillRect(4, top + 6, 3, 14);
  }
  context.restore();
}

/** Draw a ring around the selected bar, sign or line. */
function drawSelection({ context, theme, selected, selectedBox }) {
  if (!selectedBox || selected.type === "lane") return;
  const [x, y, wide, high] = selectedBox;
  context.strokeStyle = theme.focus;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(x - 3, y - 3, wide + 6, high + 6, 4);
  context.stroke();
}
