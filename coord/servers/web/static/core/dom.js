// Elements. All text is set as text nodes, so nothing from a session becomes markup.

/**
 * Return a new element. `props` are attributes; a function under `onx` listens to the event x, `class` is the class
 * names, and true, false or null add or leave out an attribute. Children are elements, texts, or arrays of these.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...nodes(children));
  return element;
}

/** Replace the children of an element. What has the focus in it keeps the focus, if it is drawn again. */
export function fill(element, ...children) {
  const { activeElement } = document;
  const focused = activeElement !== element && element.contains(activeElement) ? activeElement : null;
  const index = focused ? alike(element, focused).indexOf(focused) : -1;
  element.replaceChildren(...nodes(children));
  if (!focused || element.contains(document.activeElement)) return;
  const again = alike(element, focused);
  (again[index] || again.at(-1))?.focus({ preventScroll: true });
}

const nodes = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** Return the elements in `element` that stand for the same as `other`: in the same row, about the same, or with its words. */
function alike(element, other) {
  const identity = (each) =>
    [each.closest("[data-id]")?.dataset.id, each.dataset.about || each.getAttribute("aria-label") || each.textContent].join("\n");
  return [...element.querySelectorAll(other.tagName)].filter((each) => identity(each) === identity(other));
}
