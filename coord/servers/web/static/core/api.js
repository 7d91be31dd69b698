// The calls of the server. The exported page has the same functions in core/embedded.js.

/** An answer that is an error. `status` is that of HTTP, and 0 if there was no answer. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer.", 0);
  }
  const answer = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return {};
  });
  if (response.ok) return answer;
  throw new ApiError(answer.error ? answer.error.message : `The server answered ${response.status}.`, response.status);
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

/** Return the moment at a time or event, or `step` events later; empty means now. `signal` ends the call. */
export const fetchMoment = (at, step = 0, signal = undefined) =>
  call(query("/api/moment", { at, step: step || "" }), { signal });
/** Return the span of the timeline that ends at a time. */
export const fetchTimeline = (until) => call(query("/api/timeline", { until }));
/** Return the story of a resource, session, message or event. */
export const fetchStory = (about, at = "") => call(query("/api/story", { about, at }));
/** Return the sessions, resources, messages and events that contain a text. */
export const search = (text) => call(query("/api/search", { text }));
/** Return in words what an action will do. */
export const effect = (action, fields) => post("/api/effect", { action, fields });
/** Do an action, and return its result. */
export const act = (action, fields) => post("/api/act", { action, fields });
/** Return the address of the stream of changes after an id. */
export const streamAddress = (only, after) => query("/api/stream", only ? { only } : { after });
/** Whether the page follows a server. */
export const live = true;
