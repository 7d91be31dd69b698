// The fields of an action's dialog: one control for each, with its label.
import { h } from "../core/dom.js";

let count = 0;

/** Return the control of a field: `{field, input, element}`. `moment` has the sessions to choose from. */
export function controlOf(field, value, moment) {
  const id = `field-${(count += 1)}`;
  const required = field.required || null;
  const label = h("label", { for: id }, field.label);
  if (field.kind === "check") {
    const input = h("input", { id, type: "checkbox" });
    input.checked = Boolean(value);
    return { field, input, element: h("div", { class: "field check" }, input, label) };
  }
  const input = inputOf(field, id, required, String(value), moment);
  return { field, input, element: h("div", { class: `field ${field.kind}` }, label, input) };
}

/** Return what a control contains. */
export function valueOf({ field, input }) {
  return field.kind === "check" ? input.checked : input.value;
}

function inputOf(field, id, required, value, moment) {
  const common = { id, "aria-required": required && "true" };
  if (field.kind === "text") {
    const input = h("textarea", { ...common, rows: "5", maxlength: String(field.limit), dir: "auto" });
    input.value = value;
    return input;
  }
  if (field.kind === "line") {
    const input = h("input", { ...common, type: "text", maxlength: String(field.limit), dir: "auto", autocomplete: "off" });
    input.value = value;
    return input;
  }
  const choices = field.kind === "choice" ? field.choices : sessionsToChoose(field.kind, value, moment || {});
  const input = h("select", common, choices.map(([choice, text]) => h("option", { value: choice }, text)));
  input.value = value;
  return input;
}

/** Return the sessions that can be chosen, those that are live first, without the person's own. */
function sessionsToChoose(kind, value, moment) {
  const names = moment.names || {};
  const me = moment.me ? moment.me.session : "";
  const sessions = (moment.sessions || []).filter((each) => each.id !== me && !["ended", "imported"].includes(each.status));
  const choices = sessions.map((each) => [each.id, labelOf(each)]);
  const known = new Set(choices.map(([id]) => id));
  if (kind === "recipients") choices.unshift(["broadcast", "Everyone"]);
  if (value && value !== "broadcast" && !known.has(value)) {
    choices.unshift([value, value.split(",").map((id) => names[id] || id).join(", ")]);
  }
  return [["", "Choose…"], ...choices];
}

function labelOf({ id, name, status, doing }) {
  const parts = [name && name !== id ? `${name} (${id})` : id, status === "live" ? "" : status, doing];
  return parts.filter(Boolean).join(" · ");
}
