// Colours, textures and signs. The bars of a resource have a colour and a texture from a hash of its name, so that it always
// looks the same. The colours are Paul Tol's light scheme, which colour-blind people can tell
// apart; in the dark they are the edges of darker bars. The signs are those of `coord timeline`.

const LIGHT = ["#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#44bb99", "#bbcc33", "#99ddff", "#c9b3e6"];
const EDGE = ["#3a6ea5", "#b3502e", "#a08a1c", "#c05570", "#1f7a62", "#74801a", "#3d8fb8", "#7a5aa6"];
const DARK = ["#34549a", "#8f4a2f", "#6e6220", "#8a4558", "#1f6b57", "#566010", "#1d7389", "#5f4c86"];
/** The names of the textures; the first is plain. */
export const TEXTURES = ["", "dots", "lines", "posts"];
const SHAPES = {
  dots: (c) => [[2, 2], [5, 5]].forEach(([x, y]) => { c.beginPath(); c.arc(x, y, 1, 0, 7); c.fill(); }),
  lines: (c) => c.fillRect(0, 2, 6, 1.2),
  posts: (c) => c.fillRect(2, 0, 1.2, 6),
  shared: (c) => { c.lineWidth = 2.2; c.beginPath(); for (const x of [-6, 0, 6]) { c.moveTo(x, 6); c.lineTo(x + 6, 0); } c.stroke(); },
};

/** Return a number from a text, the same everywhere (FNV-1a). */
export function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

const known = new Map();

/** Return the look of a resource: the number of its colour, and its texture. */
export function lookOf(resource) {
  let look = known.get(resource);
  if (!look) {
    const value = hash(resource) % (LIGHT.length * TEXTURES.length);
    look = { colour: value % LIGHT.length, texture: TEXTURES[Math.floor(value / LIGHT.length)] };
    if (known.size > 20000) known.clear();
    known.set(resource, look);
  }
  return look;
}

/** Return the colours of the page and of the signs for an element: those of its colour scheme. */
export function readTheme(element) {
  const style = getComputedStyle(element), read = (name) => style.getPropertyValue(name).trim();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    dark, back: read("--back"), band: read("--panel"), line: read("--line"), ink: read("--text"), soft: read("--quiet"), focus: read("--focus"),
    bad: read("--bad"), warn: read("--warn"), life: dark ? "#6d7a8d" : "#7b8794", arrow: dark ? "#9fb0c8" : "#475569",
    lost: dark ? "#e0b23a" : "#ffd24d", onLost: "#1f2937", font: style.fontFamily,
    fills: dark ? DARK : LIGHT, edges: dark ? LIGHT : EDGE, barText: dark ? "#f2f5fa" : "#1f2937",
    texture: dark ? "rgba(255,255,255,.17)" : "rgba(31,41,55,.22)", stripe: dark ? "rgba(18,22,29,.5)" : "rgba(255,255,255,.6)", tiles: new Map(),
  };
}

/** Return the pattern of a texture for a canvas, made once for each theme and pixel ratio. */
export function tileOf(context, theme, texture, ratio) {
  const key = `${texture} ${ratio}`;
  if (!theme.tiles.has(key)) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(6 * ratio);
    const brush = tile.getContext("2d");
    brush.scale(tile.width / 6, tile.width / 6);
    brush.fillStyle = brush.strokeStyle = texture === "shared" ? theme.stripe : theme.texture;
    SHAPES[texture](brush);
    const pattern = context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(6 / tile.width));
    theme.tiles.set(key, pattern);
  }
  return theme.tiles.get(key);
}

const path = (text) => new Path2D(text);
const ring = (radius) => { const shape = new Path2D(); shape.arc(0, 0, radius, 0, 7); return shape; };
const bar = "M-8 -6H12V6H-8z";

/** How a claim or a wait ended: paths from the top of a bar's right edge; a bar is 15 high. A release has none. */
export const ENDS = {
  expired: path("m-4 0v15m-2 -15h4m-4 15h4"), lapsed: path("m-4 0v15m-2 -15h4m-4 15h4"), broken: path("M0 0l-5 4l5 4l-5 4l5 3"),
  session_dead: path("m-10 4l8 8m0 -8l-8 8"), session_ended: path("m-1 0v15m-3 -15v15"),
  handed_over: path("m-8 8h6m-3 -3l3 3l-3 3"), passed_on: path("m-8 8h6m-3 -3l3 3l-3 3"), gave_up: path("m-3 5l6 6m0 -6l-6 6"),
};

// Each shape: what is drawn, its fill, its stroke and the width of that; colours are keys of the theme.
const SIGNS = {
  died: [[ring(6.5), "bad"], [path("M-3 -3l6 6m0 -6l-6 6"), "", "back", 2]],
  lost: [[path("M0 -7L7 6H-7z"), "lost", "onLost", 1.2], [path("M0 -3v4.5m0 1.5v1.6"), "", "onLost", 1.6]],
  broken: [[ring(6.5), "back", "bad", 1.4], [path("M1.5 -5l-3 5h3l-3 5"), "", "bad", 1.6]],
  refused: [[ring(6), "back", "warn", 1.8], [path("M-4 4l8 -8"), "", "warn", 1.8]],
  void: [[path("M0 -6l6 6l-6 6l-6 -6z"), "back", "ink", 1.4]],
  sent: [[ring(6.5), "back"], [ring(2.4), "arrow"], [path("M3.2 -4.2a5.4 5.4 0 0 1 0 8.4M-3.2 -4.2a5.4 5.4 0 0 0 0 8.4"), "", "arrow", 1.4]],
  claim: [[path(bar), "line", "life", 1]],
  shared: [[path(bar), "line", "life", 1], [path("M-8 2l8 -8M-4 6l12 -12M4 6l8 -8"), "", "back", 2]],
  wait: [[path("M-8 -3H12V3H-8z"), "back", "life", 1, [3, 2]]],
  before: [[path("M-8 -6H12V6H-8l6 -6z"), "line", "life", 1]],
  open: [[path("M-8 -6H6l6 6l-6 6H-8z"), "line", "life", 1]],
  ended: [[path("M-8 0H8"), "", "life", 2], [path("M8 -5v10"), "", "life", 3]],
  passed: [[path("M-8 -6C8 -6 -4 6 12 6"), "", "ink", 1.4]],
  continued: [[path("M2 -7V7"), "", "ink", 1.4, [2, 3]]],
  arrow: [[path("M2 -7V4"), "", "arrow", 1.3], [path("M2 7l-4 -7h8z"), "arrow"]],
  urgent: [[path("M2 -7V4"), "", "bad", 2.2], [path("M2 7l-4 -7h8z"), "bad"]],
};

/** The signs and their meanings, in the order of the legend. A key with "|" is a way to end. */
export const MEANINGS = {
  claim: "held", shared: "held, shared", wait: "waited", before: "began before the time shown", open: "still held", "|expired": "expired, or not accepted",
  "|handed_over": "handed over or passed on", passed: "to the next holder", "|broken": "broken", "|session_dead": "its holder died",
  "|session_ended": "its holder ended", "|gave_up": "wait ended without a grant", died: "presumed dead", broken: "claim broken by someone else",
  lost: "lost: it had been reported as granted", refused: "refused", void: "handover failed", ended: "session ended",
  continued: "session continued by another", arrow: "message", urgent: "urgent message", sent: "message to everyone, to many, or to no session shown",
};

/** Draw a sign with its centre at a point. */
export function drawSign(context, theme, key, x, y) {
  context.save();
  context.translate(x, y);
  const shapes = key.startsWith("|") ? SIGNS.claim : SIGNS[key];
  for (const [shape, fill, stroke, width, dashes] of shapes) {
    if (fill) { context.fillStyle = theme[fill]; context.fill(shape); }
    if (!stroke) continue;
    context.setLineDash(dashes || []);
    context.strokeStyle = theme[stroke];
    context.lineWidth = width;
    context.stroke(shape);
  }
  context.restore();
  if (key.startsWith("|")) drawEnd(context, theme.ink, key.slice(1), x + 11, y - 7.5);
}

/** Draw at the top of a bar's right edge how the bar ended. */
export function drawEnd(context, colour, how, x, y) {
  context.save();
  context.translate(x, y);
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.stroke(ENDS[how]);
  context.restore();
}
