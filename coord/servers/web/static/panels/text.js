// Texts of sessions as elements: pieces with styles, links to stories, and long texts that are cut.
import { h } from "../core/dom.js";

const STYLES = new Set(["name", "quiet", "good", "warn", "bad", "head"]);
const SEPARATOR = " · ";

/** Return the address of a story, for a link that can also be opened in a new tab. */
export function storyAddress(about) {
  return `${location.href.split("#")[0]}#open=${encodeURIComponent(about).replaceAll("%2F", "/")}`;
}

/** Return a link that opens a story in the drawer. */
export function storyLink(store, about, props, ...children) {
  const open = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    store.setView({ open: about });
  };
  return h("a", { href: storyAddress(about), "data-about": about, draggable: "false", ...props, onclick: open }, ...children);
}

/** Return pieces, each a text and its style, as elements. */
export function pieces(list) {
  return list.map(([text, style]) => (STYLES.has(style) ? h("span", { class: style }, text) : text));
}

/** Return the pieces of a row's line: the columns, what is extra, and the text, with separators as in a terminal. */
export function rowPieces(row) {
  const columns = (row.columns || []).flatMap((column, number) => (number ? [[" - ", "quiet"], ...column] : column));
  return [columns, row.extra || [], row.text || []]
    .filter((part) => part.length)
    .flatMap((part, number) => (number ? [[SEPARATOR, "quiet"], ...part] : part));
}

/** Return the text of pieces. */
export function plain(list) {
  return list.map(([text]) => text).join("");
}

/** Return a text with a link for each word that names a story; `links` has what each word names. */
export function linked(store, text, links, pattern = linkPattern(links)) {
  if (!pattern) return [text];
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    parts.push(text.slice(end, found.index), storyLink(store, links[found[0]], { class: "id" }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

/** Return the pattern of all words of `links`, the longest first, or null if there are none. */
export function linkPattern(links) {
  const words = Object.keys(links || {}).sort((a, b) => b.length - a.length);
  if (!words.length) return null;
  const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`(?<![\\p{L}\\p{N}_./-])(?:${escaped.join("|")})(?![\\p{L}\\p{N}_-]|[./][\\p{L}\\p{N}_])`, "gu");
}

/** Return a long text: its beginning, and a button that shows all of it. */
export function longText(text, most) {
  const shown = h("div", { class: "said", dir: "auto" }, text.slice(0, most));
  if (text.length <= most) return [shown];
  const button = h("button", { type: "button", onclick: () => {
    shown.textContent = text;
    button.remove();
  } }, `Show all ${text.length.toLocaleString("en")} characters`);
  shown.append("…");
  return [shown, button];
}

/** Return whether a text contains the words of a filter, and names one of its sessions or resources, if it has any. */
export function matches(filter, text, about, names) {
  const { text: words = "", sessions = [], resources = [] } = filter;
  if (words && !text.toLocaleLowerCase().includes(words.toLocaleLowerCase())) return false;
  if (!sessions.length && !resources.length) return true;
  const mentions = (word) => word === about || (word && text.includes(word));
  return sessions.some((id) => mentions(id) || mentions(names[id])) || resources.some(mentions);
}
