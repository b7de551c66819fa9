// Text objects: plain_text, which knows no formatting but named emoji, and mrkdwn.

import { withEmoji } from "./emoji.js";
import { renderMrkdwn } from "./mrkdwn.js";
import { fragment, make, words } from "./nodes.js";

/** Return what a text object says, as text alone. */
export function textOf(object) {
  return words(object?.text ?? object);
}

/** Return the pieces of a plain_text object. */
export function plainText(object) {
  return object?.emoji === false ? [textOf(object)] : withEmoji(textOf(object));
}

/** Return the node of a text object of either kind. */
export function renderText(object, ctx) {
  if (object?.type === "mrkdwn") {
    return renderMrkdwn(textOf(object), ctx, { verbatim: object.verbatim === true });
  }
  return make("div", { class: "bk-plain" }, plainText(object));
}

/** Return the nodes of an option: its text and, smaller, its description. */
export function optionContent(option) {
  const described = textOf(option.description);
  return fragment(
    make("span", { class: "bk-option-text" }, plainText(option.text)),
    described ? make("span", { class: "bk-option-description" }, plainText(option.description)) : null,
  );
}
