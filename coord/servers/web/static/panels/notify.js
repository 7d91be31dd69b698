// Desktop notifications, if the person allows them. The server decides which are due; they are shown only while all
// tabs of the browser are hidden, by the tab that is connected.
import { fill, h } from "../core/dom.js";

const OFF = "coord-notify-off", TOLD = "coord-notify-told"; // what the browser remembers
const MOST_TOLD = 200;

/** Mount the button that switches the notifications on and off. */
export function mount(element, store, api) {
  if (!api.live || !("Notification" in window)) return;
  const draw = () => drawButton(element, draw);
  draw();
  store.subscribe((changed) => {
    if (changed.has("notifications")) tell(store.notifications || [], store);
  });
}

function drawButton(element, draw) {
  const { permission } = Notification;
  const on = permission === "granted" && !read(OFF);
  if (permission === "denied") return fill(element); // only the browser's own settings can change that
  const label = on ? "Notifications: on" : "Notify me";
  const title = on ? "While the page is hidden, the browser notifies you when something new needs you" : "Show desktop notifications while this page is hidden";
  fill(element, h("button", { type: "button", title, "aria-pressed": String(on), onclick: () => toggle(on, draw) }, label));
  return undefined;
}

async function toggle(on, draw) {
  write(OFF, on ? "yes" : "");
  if (!on && Notification.permission === "default") await Notification.requestPermission();
  draw();
}

/** Show notifications, each once in this browser. */
function tell(notifications, store) {
  if (Notification.permission !== "granted" || read(OFF)) return;
  const told = read(TOLD).split(" ").filter(Boolean);
  for (const { id, text, urgent } of notifications) {
    if (told.includes(id)) continue;
    told.push(id);
    show(id, urgent ? `Urgent: ${text}` : text, (store.live || {}).folder, urgent);
  }
  write(TOLD, told.slice(-MOST_TOLD).join(" "));
}

function show(id, body, folder, urgent) {
  const note = new Notification(folder ? `coord: ${folder}` : "coord", {
    body, tag: id, icon: "/static/icon.svg", requireInteraction: Boolean(urgent),
  });
  note.onclick = () => {
    window.focus();
    document.getElementById("needs")?.focus();
    note.close();
  };
}

function read(name) {
  try {
    return localStorage.getItem(name) || "";
  } catch {
    return ""; // the browser keeps nothing for this page
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // then the person is notified again after a reload
  }
}
