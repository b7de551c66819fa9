// The body of a message: its blocks or text, attachments, files and the edited mark.

import { dateNode } from "../lib/dates.js";
import { link, safeAddress } from "../lib/mentions.js";
import { renderMrkdwn } from "../lib/mrkdwn.js";
import { fragment, make, objects, words } from "../lib/nodes.js";
import { renderAttachments } from "./attachments.js";
import { renderBlocks } from "./blocks.js";

/** Return the body of a message: its blocks or else its text, its attachments and files, and whether it was edited. */
export function renderMessageBody(message, ctx = {}) {
  const blocks = objects(message.blocks);
  const text = words(message.text);
  const said = blocks.length
    ? renderBlocks(blocks, ctx, message)
    : text && make("div", { class: "bk-text" }, renderMrkdwn(text, ctx, { names: false, styles: message.mrkdwn !== false }));
  const body = make("div", { class: "bk-body" }, said);
  if (message.edited) {
    const last = [...body.querySelectorAll(".bk-mrkdwn, .bk-rich-section")].at(-1);
    (last && !body.querySelector(".bk-actions") ? last : body).append(renderEdited(message.edited));
  }
  const attachments = renderAttachments(objects(message.attachments), ctx, message);
  body.append(fragment(attachments, objects(message.files).map(renderFile)));
  return fragment(body);
}

function renderEdited(edited) {
  const seconds = Number(words(edited.ts).split(".")[0]);
  const mark = make("span", { class: "bk-edited" }, " (edited)");
  if (seconds) {
    mark.title = dateNode(seconds, "{date_pretty} at {time_secs}").textContent;
  }
  return mark;
}

function renderFile(file) {
  const name = words(file.title) || words(file.name) || "file";
  const size = Number(file.size) >= 1000 ? `${Math.round(file.size / 1000)} kB` : `${Number(file.size) || 0} bytes`;
  const address = words(file.permalink) || words(file.url_private);
  return make(
    "div",
    { class: "bk-file" },
    make("span", { class: "bk-file-sign", "aria-hidden": "true" }, "📄"),
    make("span", {}, safeAddress(address) ? link(address, name, { checked: false }) : name, make("span", { class: "bk-small" }, ` ${size}`)),
  );
}
