// Slack's blocks -> DOM, as people on call know them.
//
// ctx = {
//   me, userName(id), channelName(id), groupName(id),   // names are undefined where nobody is known by the id
//   about?(id),                                         // a few words on who a person or group is, for the chip's title
//   people?(), channels?(),                             // [{id}] to choose from in menus of people and channels
//   onAction(container, element, chosen, block),        // somebody pressed or chose; the question was asked before.
//                                                       // chosen: null for a button, an option's value, a list of values,
//                                                       // a user's or channel's id, a text or a date. May return a promise:
//                                                       // the control is busy until then; {error: "…"} is shown beside it.
//   onSubmit(view, stateValues), onClose(view),         // see dialogs.js
//   onFocusLost?(containerId),                          // a window closed and what it was opened from is gone
//   headingLevel?,                                      // of header blocks; 4 without
// }
// container is the message or view that holds the blocks: the third argument, or ctx.container.
//
// Before a message is drawn again: const giveBack = rememberFocus(old); …replace…; giveBack(now). See focus.js.

import { link } from "../lib/mentions.js";
import { renderMrkdwn } from "../lib/mrkdwn.js";
import { fragment, make, objects, uniqueId, words } from "../lib/nodes.js";
import { renderRichText } from "../lib/rich_text.js";
import { plainText, renderText } from "../lib/text.js";
import { renderElement, renderImage } from "./elements.js";

const BLOCKS = new Map([
  ["header", renderHeader],
  ["section", renderSection],
  ["context", renderContext],
  ["divider", () => make("hr", { class: "bk-rule" })],
  ["actions", renderActions],
  ["rich_text", (block, place) => renderRichText(block, place.ctx)],
  ["image", renderPicture],
  ["input", renderInput],
  ["markdown", (block, place) => renderMrkdwn(words(block.text), place.ctx, { styles: false })],
]);

const NOT_READ = new Set(["type", "block_id", "action_id", "value", "style", "url", "image_url", "icon_url"]);

/** Return the DOM of blocks; one whose kind this page does not know shows its words. */
export function renderBlocks(blocks, ctx = {}, container = ctx.container) {
  const nodes = objects(blocks).map((block) => {
    const render = BLOCKS.get(block.type) ?? renderUnknown;
    const node = make("div", { class: `bk-block bk-${BLOCKS.has(block.type) ? block.type : "other"}` });
    node.append(render(block, { ctx, container, block }));
    return node;
  });
  return fragment(make("div", { class: "bk-blocks" }, nodes));
}

function renderHeader(block, { ctx }) {
  return make("div", { class: "bk-heading", role: "heading", "aria-level": ctx.headingLevel ?? 4 }, plainText(block.text));
}

function renderSection(block, place) {
  const fields = objects(block.fields).map((field) => make("div", { class: "bk-field" }, renderText(field, place.ctx)));
  return fragment(
    make(
      "div",
      { class: "bk-section-words" },
      block.text ? renderText(block.text, place.ctx) : null,
      fields.length ? make("div", { class: "bk-fields" }, fields) : null,
    ),
    block.accessory ? make("div", { class: "bk-accessory" }, renderElement(block.accessory, place)) : null,
  );
}

function renderContext(block, { ctx }) {
  return fragment(
    objects(block.elements).map((one) => (one.type === "image" ? renderImage(one, "bk-icon") : renderText(one, ctx))),
  );
}

function renderActions(block, place) {
  return fragment(
    objects(block.elements).map((element) => make("div", { class: "bk-action" }, renderElement(element, place))),
  );
}

function renderPicture(block, { ctx }) {
  const address = words(block.image_url) || words(block.slack_file?.url);
  return pictureNode(words(block.alt_text), address, block.title && renderText(block.title, ctx));
}

/** Show a picture as a frame that says what it shows and where it would come from. */
export function pictureNode(alt, address, title = null) {
  return make(
    "figure",
    { class: "bk-picture" },
    title ? make("figcaption", {}, title) : null,
    make(
      "div",
      { class: "bk-picture-frame" },
      make("span", { class: "bk-picture-sign", "aria-hidden": "true" }, "🖼️"),
      make("span", {}, alt || "Picture", make("span", { class: "bk-small" }, " (pictures are not loaded here)")),
      address ? make("span", { class: "bk-small" }, link(address, address)) : null,
    ),
  );
}

function renderInput(block, place) {
  const names = { control: uniqueId("control"), label: uniqueId("label"), error: uniqueId("error") };
  names.hint = block.hint ? uniqueId("hint") : "";
  const node = make(
    "div",
    { class: "bk-input-block" },
    make(
      "label",
      { id: names.label, for: names.control, class: "bk-label" },
      plainText(block.label),
      block.optional ? make("span", { class: "bk-optional" }, " (optional)") : null,
    ),
    block.element && renderElement(block.element, { ...place, names }),
    make("div", { id: names.error, class: "bk-error" }),
    block.hint ? make("div", { id: names.hint, class: "bk-hint" }, plainText(block.hint)) : null,
  );
  node.dataset.inputBlock = words(block.block_id);
  node.dataset.optional = String(Boolean(block.optional));
  return node;
}

function renderUnknown(block) {
  const said = [];
  const gather = (value, key) => {
    if (typeof value === "string" && !NOT_READ.has(key)) {
      said.push(value);
    } else if (value !== null && typeof value === "object") {
      Object.entries(value).forEach(([name, inner]) => gather(inner, Array.isArray(value) ? key : name));
    }
  };
  gather(block, "");
  return make("div", { class: "bk-unknown" }, `This page does not draw “${words(block.type) || "?"}” blocks. ${said.join(" · ")}`);
}
