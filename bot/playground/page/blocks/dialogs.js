// Modals: at most three deep, the newest on top; the others wait beneath it.
//
// ctx.onSubmit(view, stateValues) may return a promise. Its answer may hold {errors: {block_id: sentence}}, which are
// shown at the fields, or {error: sentence}; otherwise the window stays as it is until closeModal or updateModal.
// ctx.onClose(view) is called after a person closed a window; closing it again by closeModal does no harm.
// The view goes back as it came, private_metadata and all.

import { holdFocus, reachable, rememberFocus, returnFocus } from "../lib/focus.js";
import { make, objects, uniqueId, words } from "../lib/nodes.js";
import { plainText, textOf } from "../lib/text.js";
import { renderBlocks } from "./blocks.js";
import { carryOver, fieldOf, stateValues } from "./fields.js";

const stack = [];

/** Open a modal on top of the others, or update it if it is open already. */
export function openModal(view, ctx = {}) {
  if (stack.some((open) => open.view.id === view.id)) {
    updateModal(view);
    return;
  }
  const open = { view, ctx, origin: document.activeElement, busy: false };
  const title = uniqueId("title");
  open.dialog = make("dialog", { class: "bk-window bk-modal", "aria-labelledby": title, "data-view": view.id });
  open.title = title;
  holdFocus(open.dialog);
  open.dialog.addEventListener("cancel", (event) => {
    if (event.target === open.dialog) {
      event.preventDefault();
      dismiss(open);
    }
  });
  open.dialog.addEventListener("close", (event) => event.target === open.dialog && dismiss(open));
  fill(open);
  stack.push(open);
  document.body.append(open.dialog);
  open.dialog.showModal();
  cover();
  begin(open);
}

/** Show other content in an open modal; what was typed stays in the fields that are still there. */
export function updateModal(view) {
  const open = stack.find((one) => one.view.id === view.id);
  if (!open) {
    return;
  }
  const before = open.form;
  const [giveBack, scrolled] = [rememberFocus(open.dialog), open.dialog.querySelector(".bk-window-body")?.scrollTop ?? 0];
  open.view = view;
  open.busy = false;
  fill(open);
  carryOver(before, open.form);
  open.dialog.querySelector(".bk-window-body").scrollTop = scrolled;
  if (!giveBack() && stack.at(-1) === open) {
    begin(open);
  }
}

/** Close a modal (by its view's id); nothing happens where it is closed already. */
export function closeModal(id) {
  const open = stack.find((one) => one.view.id === id);
  if (open) {
    remove(open);
  }
}

function remove(open) {
  const top = stack.at(-1) === open;
  stack.splice(stack.indexOf(open), 1);
  open.dialog.remove();
  cover();
  if (top) {
    returnFocus(open.origin, open.ctx);
  }
}

function dismiss(open) {
  if (!stack.includes(open)) {
    return;
  }
  const going = open.view.clear_on_close ? [...stack].reverse() : [open];
  going.forEach(remove);
  open.ctx.onClose?.(open.view);
}

function cover() {
  stack.forEach((open, number) => open.dialog.classList.toggle("bk-covered", number < stack.length - 1));
}

/** Set the focus where one begins: in the field that asks for it, the first field, or the window itself. */
function begin(open) {
  const wanted = objects(open.view.blocks).find((block) => block.element?.focus_on_load);
  const field = wanted
    ? fieldIn(inputBlock(open, words(wanted.block_id)))
    : fieldIn(open.form.querySelector("[data-input-block]"));
  const body = open.dialog.querySelector(".bk-window-body");
  (field?.control ?? reachable(body)[0] ?? open.dialog.querySelector("[data-role=dismiss]")).focus();
}

function fill(open) {
  const { view, ctx } = open;
  const close = make("button", { type: "button", class: "bk-button bk-dismiss", "aria-label": "Close", "data-role": "dismiss" }, "✕");
  const cancel = make("button", { type: "button", class: "bk-button", "data-role": "cancel" }, words(textOf(view.close)) ? plainText(view.close) : "Cancel");
  const submit = view.submit
    ? make("button", { type: "submit", class: "bk-button bk-primary", "data-role": "submit", disabled: view.submit_disabled }, plainText(view.submit))
    : null;
  [close, cancel].forEach((button) => button.addEventListener("click", () => dismiss(open)));
  [close, cancel, submit].forEach((button) => {
    if (button) {
      button.dataset.of = words(view.id);
      button.dataset.action = `the window's ${button.dataset.role}`;
    }
  });
  open.form = make(
    "form",
    { class: "bk-form", novalidate: true },
    make("div", { class: "bk-window-head" }, make("h2", { id: open.title, class: "bk-window-title" }, plainText(view.title)), close),
    make("div", { class: "bk-window-body" }, renderBlocks(view.blocks, { ...ctx, headingLevel: 3 }, view)),
    make("div", { class: "bk-window-foot" }, make("span", { class: "bk-form-error", role: "alert" }), cancel, submit),
  );
  open.form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(open);
  });
  open.dialog.replaceChildren(open.form);
}

async function send(open) {
  if (open.busy || open.view.submit_disabled || !show(open, missing(open))) {
    return;
  }
  const { form } = open;
  const submit = form.querySelector("[data-role=submit]");
  open.busy = true;
  submit?.setAttribute("aria-busy", "true");
  let answer;
  try {
    answer = await open.ctx.onSubmit?.(open.view, stateValues(form));
  } catch (failed) {
    answer = { error: "This did not get through. Try again." };
    throw failed;
  } finally {
    open.busy = false;
    submit?.removeAttribute("aria-busy");
    if (stack.includes(open) && open.form === form) {
      form.querySelector(".bk-form-error").textContent = words(answer?.error);
      show(open, new Map(Object.entries(answer?.errors ?? {})));
    }
  }
}

/** Return what has to be filled in first, as Slack looks at it before the app hears of anything. */
function missing(open) {
  const found = new Map();
  for (const node of open.form.querySelectorAll("[data-input-block]")) {
    const field = fieldIn(node);
    if (field?.empty() && node.dataset.optional !== "true") {
      found.set(node.dataset.inputBlock, "Please fill in this field.");
    } else if (field?.short()) {
      found.set(node.dataset.inputBlock, `Please write at least ${field.control.minLength} characters.`);
    }
  }
  return found;
}

function inputBlock(open, id) {
  return [...open.form.querySelectorAll("[data-input-block]")].find((node) => node.dataset.inputBlock === id);
}

function fieldIn(node) {
  const field = node?.querySelector("[data-field]");
  return field ? fieldOf(field) : null;
}

/** Write errors at their fields and go to the first; returns whether there is none. */
function show(open, errors) {
  let first = null;
  for (const node of open.form.querySelectorAll("[data-input-block]")) {
    const sentence = words(errors.get(node.dataset.inputBlock));
    const [error, field] = [node.querySelector(".bk-error"), fieldIn(node)];
    error.textContent = sentence;
    node.classList.toggle("bk-wrong", Boolean(sentence));
    if (field) {
      field.control.setAttribute("aria-invalid", String(Boolean(sentence)));
      first ??= sentence ? field.control : null;
    }
  }
  first?.focus();
  return errors.size === 0;
}
