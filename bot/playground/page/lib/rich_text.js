// rich_text blocks: every piece says itself what it is, so no text is searched for markup.

import { dateNode } from "./dates.js";
import { emojiNode, emojiSign } from "./emoji.js";
import { broadcastChip, channelChip, groupChip, link, userChip } from "./mentions.js";
import { make, objects, words } from "./nodes.js";

const STYLES = [["code", "code"], ["strike", "s"], ["underline", "u"], ["italic", "i"], ["bold", "b"]];
const DEEPEST = 8;

/** Return the node of a rich_text block. */
export function renderRichText(block, ctx) {
  return make("div", { class: "bk-rich" }, objects(block.elements).map((part) => renderPart(part, ctx)));
}

function renderPart(part, ctx) {
  const border = part.border ? " bk-bordered" : "";
  switch (part.type) {
    case "rich_text_preformatted":
      return make("pre", { class: "bk-pre" }, pieces(part, ctx));
    case "rich_text_quote":
      return make("blockquote", { class: "bk-quote" }, pieces(part, ctx));
    case "rich_text_list":
      return renderList(part, ctx, border);
    default:
      return make("div", { class: `bk-rich-section${border}` }, pieces(part, ctx));
  }
}

function renderList(part, ctx, border) {
  const depth = Math.min(DEEPEST, Math.max(0, Number(part.indent) || 0));
  const ordered = part.style === "ordered";
  const node = make(
    ordered ? "ol" : "ul",
    { class: `bk-list bk-depth-${depth}${border}`, start: ordered && part.offset ? Number(part.offset) + 1 : null },
    objects(part.elements).map((item) => make("li", {}, pieces(item, ctx))),
  );
  node.style.setProperty("--depth", String(depth));
  return node;
}

function pieces(part, ctx) {
  return objects(part.elements).map((piece) => styled(inlinePiece(piece, ctx), piece.style));
}

function inlinePiece(piece, ctx) {
  switch (piece.type) {
    case "link":
      return link(words(piece.url), words(piece.text) || words(piece.url));
    case "user":
      return userChip(words(piece.user_id), ctx);
    case "usergroup":
      return groupChip(words(piece.usergroup_id), ctx);
    case "channel":
      return channelChip(words(piece.channel_id), ctx);
    case "broadcast":
      return broadcastChip(words(piece.range));
    case "emoji":
      return emojiPiece(piece);
    case "date":
      return dateNode(piece.timestamp, words(piece.format), { url: words(piece.url), fallback: words(piece.fallback) });
    case "color":
      return colorPiece(words(piece.value));
    default:
      return words(piece.text);
  }
}

function emojiPiece(piece) {
  const name = words(piece.name);
  const points = words(piece.unicode).split("-");
  const spelled = points.every((point) => /^[0-9a-f]{2,6}$/i.test(point) && parseInt(point, 16) <= 0x10ffff)
    ? String.fromCodePoint(...points.map((point) => parseInt(point, 16)))
    : "";
  const sign = emojiSign(name, piece.skin_tone) || spelled;
  return sign ? emojiNode(name, sign) : `:${name}:`;
}

function colorPiece(value) {
  const swatch = make("span", { class: "bk-swatch", "aria-hidden": "true" });
  if (/^#[0-9a-f]{3,8}$/i.test(value)) {
    swatch.style.setProperty("background-color", value);
  }
  return make("span", {}, swatch, value);
}

function styled(node, style) {
  return STYLES.reduce((inner, [name, tag]) => {
    if (!style?.[name]) {
      return inner;
    }
    return make(tag, tag === "code" ? { class: "bk-code" } : {}, inner);
  }, node);
}
