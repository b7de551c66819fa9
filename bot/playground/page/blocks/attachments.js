// Legacy attachments, in which most alert senders still put everything: a coloured bar with title, text and fields.

import { dateNode } from "../lib/dates.js";
import { withEmoji } from "../lib/emoji.js";
import { link, safeAddress } from "../lib/mentions.js";
import { inline, renderMrkdwn, unescapeOnce } from "../lib/mrkdwn.js";
import { list, make, objects, words } from "../lib/nodes.js";
import { pictureNode, renderBlocks } from "./blocks.js";
import { renderElement, renderImage } from "./elements.js";

const NAMED_COLOURS = new Set(["good", "warning", "danger"]);
const LONG = 700;
const MANY_LINES = 6;

/** Return the nodes of a message's attachments; ``container`` is the message. */
export function renderAttachments(attachments, ctx, container) {
  return attachments.map((attachment) => {
    const node = make("div", { class: "bk-attachment" }, renderParts(attachment, ctx, container));
    colourBar(node, words(attachment.color));
    return attachment.pretext ? [formatted(attachment, "pretext", ctx, "bk-pretext"), node] : node;
  });
}

function colourBar(node, colour) {
  if (NAMED_COLOURS.has(colour)) {
    node.classList.add(`bk-bar-${colour}`);
  } else if (/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(colour)) {
    node.style.setProperty("--bar", `#${colour.replace("#", "")}`);
  }
}

function renderParts(attachment, ctx, container) {
  const parts = [
    attachment.author_name && renderAuthor(attachment, ctx),
    attachment.title && renderTitle(attachment, ctx),
    attachment.text && folded(formatted(attachment, "text", ctx, "bk-text"), words(attachment.text)),
    objects(attachment.blocks).length ? renderBlocks(attachment.blocks, ctx, container) : null,
    renderFields(attachment, ctx),
    renderButtons(attachment, ctx, container),
    attachment.image_url && pictureNode("", words(attachment.image_url)),
    attachment.thumb_url && renderImage({ image_url: attachment.thumb_url, alt_text: "Small picture" }),
    renderFooter(attachment),
  ].filter(Boolean);
  return parts.length ? parts : renderMrkdwn(words(attachment.fallback), ctx, { styles: false });
}

function renderAuthor(attachment, ctx) {
  const name = oneLine(words(attachment.author_name), ctx);
  const address = words(attachment.author_link);
  return make("div", { class: "bk-author" }, safeAddress(address) ? link(address, name) : name);
}

function renderTitle(attachment, ctx) {
  const title = oneLine(words(attachment.title), ctx);
  const address = unescapeOnce(words(attachment.title_link));
  return make("div", { class: "bk-title" }, address ? link(address, title) : title);
}

/** A title is not formatted; only its entities, emoji and <…> are read. */
function oneLine(text, ctx) {
  return inline(text, { ctx, styles: false, links: false, names: false });
}

/** Senders name the formatted parts in mrkdwn_in; where they name none, Slack formats all. */
function formatted(attachment, part, ctx, className) {
  const styles = attachment.mrkdwn_in === undefined || list(attachment.mrkdwn_in).includes(part);
  return make("div", { class: className }, renderMrkdwn(words(attachment[part]), ctx, { styles }));
}

function renderFields(attachment, ctx) {
  const styles = attachment.mrkdwn_in === undefined || list(attachment.mrkdwn_in).includes("fields");
  const fields = objects(attachment.fields).map((field) =>
    make(
      "div",
      { class: field.short === true || field.short === "true" ? "bk-pair" : "bk-pair bk-long" },
      make("dt", {}, oneLine(words(field.title), ctx)),
      make("dd", {}, renderMrkdwn(words(field.value), ctx, { styles })),
    ),
  );
  return fields.length ? make("dl", { class: "bk-pairs" }, fields) : null;
}

/** The buttons of legacy attachments know only name, text, value, style and url. */
function renderButtons(attachment, ctx, container) {
  const buttons = objects(attachment.actions).filter((one) => one.type === "button");
  if (!buttons.length) {
    return null;
  }
  const place = { ctx, container, block: { type: "actions", block_id: "" } };
  const nodes = buttons.map((one) => {
    const text = { type: "plain_text", text: unescapeOnce(words(one.text)) };
    return make("div", { class: "bk-action" }, renderElement({ ...one, action_id: words(one.name), confirm: undefined, text }, place));
  });
  return make("div", { class: "bk-block bk-actions" }, nodes);
}

function renderFooter(attachment) {
  const seconds = Number(attachment.ts);
  const at = seconds ? dateNode(seconds, "{date_short_pretty} at {time}") : null;
  const footer = withEmoji(unescapeOnce(words(attachment.footer)));
  const both = footer.some((piece) => piece !== "") && at ? " | " : "";
  return footer.some((piece) => piece !== "") || at ? make("div", { class: "bk-footer" }, footer, both, at) : null;
}

/** Fold a long text, as Slack does; the keyboard opens it by reaching what is hidden. */
function folded(node, text) {
  if (text.length <= LONG && text.split("\n").length <= MANY_LINES + 2) {
    return node;
  }
  const more = make("button", { type: "button", class: "bk-fold", "aria-expanded": "false" }, "Show more");
  const fold = (closed) => {
    node.classList.toggle("bk-folded", closed);
    more.textContent = closed ? "Show more" : "Show less";
    more.setAttribute("aria-expanded", String(!closed));
  };
  more.addEventListener("click", () => fold(!node.classList.contains("bk-folded")));
  node.addEventListener("focusin", () => fold(false));
  fold(true);
  return [node, more];
}
