// What is chosen or filled in: selects, checkboxes, radio buttons, texts, dates; and Slack's state values of them.

import { markControl } from "../lib/focus.js";
import { list, make, objects, uniqueId, words } from "../lib/nodes.js";
import { optionContent, plainText, textOf } from "../lib/text.js";
import { attachMenu } from "./menus.js";

const fields = new WeakMap();

/** What a text field is in HTML, and the key of its value in ``state.values`` and of what it begins with. */
const TYPED = new Map([
  ["plain_text_input", ["text", "value", "initial_value"]],
  ["email_text_input", ["email", "value", "initial_value"]],
  ["url_text_input", ["url", "value", "initial_value"]],
  ["number_input", ["text", "value", "initial_value"]],
  ["datepicker", ["date", "selected_date", "initial_date"]],
  ["timepicker", ["time", "selected_time", "initial_time"]],
  ["datetimepicker", ["datetime-local", "selected_date_time", "initial_date_time"]],
]);

const SOURCES = new Map([
  ["users", { word: "user", one: "person" }],
  ["channels", { word: "channel", one: "channel" }],
  ["conversations", { word: "conversation", one: "conversation" }],
]);

/** Return the node of a field; ``act`` is how a field outside an input block tells that it was changed. */
export function renderField(element, place, act) {
  const type = words(element.type);
  if (TYPED.has(type)) {
    return renderTyped(element, place, act);
  }
  if (type === "checkboxes" || type === "radio_buttons") {
    return renderTicks(element, place, act, type === "checkboxes");
  }
  const [, many, source] = /^(multi_)?(static|external|users|channels|conversations)_select$/.exec(type) ?? [];
  if (!source) {
    return make("span", { class: "bk-unknown" }, `This page cannot show “${type || "an element without a type"}”.`);
  }
  const offered = SOURCES.has(source) ? people(element, place.ctx, source) : element;
  return many ? renderTicks(offered, place, act, true) : renderSelect(offered, place, act);
}

/** Say what stands in every field below ``root``, by block_id and action_id, in the shape of Slack's state.values. */
export function stateValues(root) {
  const values = Object.create(null);
  for (const node of root.querySelectorAll("[data-field]")) {
    const { block, action } = node.dataset;
    values[block] ??= Object.create(null);
    values[block][action] = { type: node.dataset.field, ...fields.get(node).read() };
  }
  return values;
}

/** Return whether a field is empty, and where the focus has to go to fill it. */
export function fieldOf(node) {
  return fields.get(node);
}

/** Put what stood in the fields of ``before`` into the same fields of ``after``, as Slack does at an update. */
export function carryOver(before, after) {
  for (const node of after.querySelectorAll("[data-field]")) {
    const { block, action, field } = node.dataset;
    const same = [...before.querySelectorAll("[data-field]")].find(
      (old) => old.dataset.block === block && old.dataset.action === action && old.dataset.field === field,
    );
    if (same) {
      fields.get(node).write(fields.get(same).held());
    }
  }
}

function register(node, place, element, field) {
  markControl(node, place, element);
  node.dataset.field = words(element.type);
  fields.set(node, field);
}

/** The attributes that tie a field to its label, hint and error; without an input block, to its placeholder. */
function tied({ names }, element) {
  if (!names) {
    return { "aria-label": textOf(element.placeholder) || textOf(element.label) || "Field" };
  }
  return { "aria-labelledby": names.label, "aria-describedby": [names.hint, names.error].filter(Boolean).join(" ") };
}

/** Tell a change, unless the field waits for its form. */
function telling(element, place, act, control, revert = () => {}) {
  const silent = place.names && !place.block?.dispatch_action;
  return async (chosen) => {
    if (!silent && !(await act(element, place, control, chosen))) {
      revert();
    }
  };
}

function renderTyped(element, place, act) {
  const [kind, key, initial] = TYPED.get(element.type);
  const long = element.type === "plain_text_input" && element.multiline === true;
  const control = make(long ? "textarea" : "input", {
    ...tied(place, element),
    id: place.names?.control,
    class: "bk-box",
    type: long ? null : kind,
    rows: long ? 4 : null,
    placeholder: textOf(element.placeholder),
    minlength: element.min_length,
    maxlength: element.max_length ?? (kind === "text" ? 3000 : null),
    inputmode: element.type === "number_input" ? "decimal" : null,
    "aria-required": place.names && !place.block?.optional ? "true" : null,
    autocomplete: "off",
  });
  const moment = kind === "datetime-local";
  control.value = moment ? localMoment(element[initial]) : words(element[initial]);
  const read = () => {
    const text = control.value;
    return { [key]: text.trim() === "" ? null : moment ? Math.floor(new Date(text).getTime() / 1000) : text };
  };
  register(control, place, element, {
    read,
    held: () => control.value,
    write: (text) => {
      control.value = text;
    },
    empty: () => read()[key] === null,
    short: () => element.min_length > 0 && read()[key] !== null && control.value.length < element.min_length,
    control,
  });
  const tell = telling(element, place, act, control);
  control.addEventListener("change", () => tell(read()[key]));
  return control;
}

function localMoment(seconds) {
  if (!Number.isFinite(seconds)) {
    return "";
  }
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function renderTicks(element, place, act, many) {
  const options = optionsOf(element);
  const group = uniqueId("ticks");
  const initial = initialOf(element, many);
  const boxes = options.map((option) => {
    const box = make("input", { type: many ? "checkbox" : "radio", name: group });
    markControl(box, place, element);
    box.dataset.option = words(option.value);
    box.checked = initial.some((one) => words(one?.value ?? one) === words(option.value));
    return box;
  });
  const rows = options.map((option, number) => make("label", { class: "bk-tick" }, boxes[number], make("span", {}, optionContent(option))));
  const node = make("div", { class: "bk-ticks", role: many ? "group" : "radiogroup", id: place.names?.control, ...tied(place, element) }, rows);
  const chosen = () => options.filter((_, number) => boxes[number].checked);
  const held = () => boxes.map((box) => box.checked);
  let before = held();
  const write = (ticked) => boxes.forEach((box, number) => {
    box.checked = ticked[number] ?? false;
  });
  register(node, place, element, {
    read: () => stateOf(element, many, chosen()),
    held: () => chosen().map((option) => words(option.value)),
    write: (values) => write(options.map((option) => values.includes(words(option.value)))),
    empty: () => chosen().length === 0,
    short: () => false,
    control: boxes[0] ?? node,
  });
  const tell = telling(element, place, act, node, () => write(before));
  node.addEventListener("change", async () => {
    const values = chosen().map((option) => words(option.value));
    await tell(many ? values : (values[0] ?? null));
    before = held();
  });
  return node;
}

function renderSelect(element, place, act) {
  const options = optionsOf(element);
  let chosen = initialOf(element, false).map((one) => options.find((option) => words(option.value) === words(one?.value ?? one)))[0] ?? null;
  const value = make("span", { id: uniqueId("value"), class: "bk-select-value" });
  const named = tied(place, element);
  const node = make(
    "button",
    { ...named, type: "button", class: "bk-button bk-select", id: place.names?.control },
    value,
    make("span", { class: "bk-caret", "aria-hidden": "true" }),
  );
  // What is read aloud is the label and what is chosen; a label alone would hide the choice.
  if (place.names) {
    node.setAttribute("aria-labelledby", `${place.names.label} ${value.id}`);
  } else {
    node.removeAttribute("aria-label");
  }
  const show = () => {
    value.replaceChildren(...(chosen ? plainText(chosen.text) : [textOf(element.placeholder) || "Choose an option"]));
    node.classList.toggle("bk-unchosen", !chosen);
  };
  show();
  const write = (option) => {
    chosen = option;
    show();
  };
  register(node, place, element, {
    read: () => stateOf(element, false, chosen ? [chosen] : []),
    held: () => words(chosen?.value),
    write: (held) => write(options.find((option) => words(option.value) === held) ?? null),
    empty: () => chosen === null,
    short: () => false,
    control: node,
  });
  const item = (option) => ({ key: options.indexOf(option), chosen: option === chosen, content: () => optionContent(option) });
  const groups = () =>
    objects(element.option_groups).length
      ? objects(element.option_groups).map((group) => ({ label: textOf(group.label), items: objects(group.options).map(item) }))
      : [{ items: options.map(item) }];
  const popup = attachMenu(node, {
    roles: "listbox",
    label: textOf(element.placeholder) || "Options",
    groups,
    pick: async (key) => {
      const before = chosen;
      write(options[Number(key)]);
      await telling(element, place, act, node, () => write(before))(words(chosen.value));
    },
  });
  return make("span", { class: "bk-control" }, node, popup);
}

function optionsOf(element) {
  const grouped = objects(element.option_groups).flatMap((group) => objects(group.options));
  return [...objects(element.options), ...grouped];
}

/** Turn a menu of people, channels or conversations into one of options, as far as the page knows them. */
function people(element, ctx, source) {
  const { word, one } = SOURCES.get(source);
  const known = source === "users" ? ctx.people?.() : ctx.channels?.();
  const name = (id) => (source === "users" ? ctx.userName?.(id) : ctx.channelName?.(id)) ?? id;
  const ids = new Set([...list(known).map((each) => each.id ?? each), ...initialOf(element, element.type.startsWith("multi_"))]);
  const options = [...ids].map((id) => ({ text: { type: "plain_text", text: name(id), emoji: false }, value: id }));
  const placeholder = element.placeholder ?? { type: "plain_text", text: `Choose a ${one}` };
  return { ...element, placeholder, options, option_groups: undefined, chosenAs: word };
}

function initialOf(element, many) {
  const [, source] = /^(?:multi_)?(users|channels|conversations)_select$/.exec(element.type) ?? [];
  const word = source ? SOURCES.get(source).word : "option";
  const initial = element[many ? `initial_${word}s` : `initial_${word}`];
  return many ? list(initial) : initial ? [initial] : [];
}

function stateOf(element, many, chosen) {
  const word = element.chosenAs ?? "option";
  const values = word === "option" ? chosen.map((option) => structuredClone(option)) : chosen.map((option) => option.value);
  return many ? { [`selected_${word}s`]: values } : { [`selected_${word}`]: values[0] ?? null };
}
