// The calls of the server. The exported page has the same functions in core/embedded.js.

async function call(path, options = {}) {
  const response = await fetch(path, { credentials: "same-origin", ...options });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ? answer.error.message : response.statusText);
  return answer;
}

function query(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

function post(path, value) {
  return call(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value),
  });
}

/** Return the moment at a time or event, or `step` events later; empty means now. */
export const fetchMoment = (at, step = 0) => call(query("/api/moment", { at, step: step || "" }));
/** Return the span of the timeline that ends at a time. */
export const fetchTimeline = (until) => call(query("/api/timeline", { until }));
/** Return the story of a resource, session, message or event. */
export const fetchStory = (about, at = "") => call(query("/api/story", { about, at }));
/** Return what contains a text. */
export const search = (text) => call(query("/api/search", { text }));
/** Return in words what an action will do. */
export const effect = (action, fields) => post("/api/effect", { action, fields });
/** Do an action, and return its result. */
export const act = (action, fields) => post("/api/act", { action, fields });
/** Whether the page follows a server. */
export const live = true;
