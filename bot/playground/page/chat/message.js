// One message as a row: who, when, what, reactions, and what hangs on it (its thread).

import { renderMessageBody } from "../blocks/message_body.js";
import { emojiSign } from "../lib/emoji.js";
import { button, icon } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { unreadReplies } from "../lib/reading.js";
import { isReply } from "../lib/store.js";
import { clock, inFull, short } from "../lib/times.js";

const COLOURS = 6;

/** Make the picture of an author: initials, or Aegis's shield. */
export function avatar(name, bot = false) {
  const initials = name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
  const number = [...name].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 9973, 7) % COLOURS;
  const shown = make("span", { class: `avatar colour-${bot ? "bot" : number}`, "aria-hidden": "true" });
  shown.append(bot ? icon("shield") : initials || "?");
  return shown;
}

/**
 * Make the row of a message. `compact` leaves the author out, who wrote the message above; `inThread` leaves out what
 * leads to the thread.
 */
export function messageNode(page, message, { compact = false, inThread = false } = {}) {
  const { store } = page;
  if (message.subtype === "channel_join") {
    return make("article", { class: "note" }, `${store.userName(message.user)} joined · ${clock(message.ts)}`);
  }
  const author = store.author(message);
  const time = make("time", { datetime: new Date(Number(message.ts) * 1000).toISOString(), title: inFull(message.ts) }, clock(message.ts));
  const node = make("article", {
    class: ["message", compact ? "compact" : "", message.ephemeral ? "private" : ""].filter(Boolean).join(" "),
    tabindex: "-1",
    "aria-label": `${author.name}, ${short(message.ts)}${message.ephemeral ? ", only visible to you" : ""}`,
  });
  node.append(
    compact ? make("span", { class: "gutter" }, time) : avatar(author.name, message.user === store.botUser),
    make(
      "div",
      { class: "message-main" },
      message.ephemeral ? make("p", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      compact ? null : heading(author, time),
      message.subtype === "thread_broadcast" && !inThread ? make("p", { class: "only-you" }, icon("reply"), "also replied in a thread") : null,
      renderMessageBody(message, page.ctx),
      reactions(store, message),
      inThread ? null : summary(page, message),
    ),
  );
  if (!message.ephemeral) {
    node.append(tools(page, message, author, inThread));
  }
  return node;
}

function heading(author, time) {
  const badge = author.app ? make("span", { class: "badge" }, "App") : null;
  return make("header", { class: "message-head" }, make("span", { class: "author" }, author.name), badge, time);
}

function reactions(store, message) {
  const given = message.reactions ?? [];
  if (!given.length) {
    return null;
  }
  const chips = given.map(({ name, users }) => {
    const who = users.map((user) => store.userName(user) || user).join(", ");
    const spelt = `${who} reacted with :${name}:`;
    return make("li", { class: "reaction", title: spelt }, make("span", { class: "unseen" }, spelt),
      make("span", { "aria-hidden": "true" }, `${emojiSign(name) || `:${name}:`} `, make("b", {}, users.length)));
  });
  return make("ul", { class: "reactions", "aria-label": "Reactions" }, chips);
}

/** Say how many replies there are and what the last one says; nothing where there are none. */
function summary(page, message) {
  const { store } = page;
  const replies = isReply(message) ? [] : store.replies(message.channel, message.ts);
  if (!replies.length) {
    return null;
  }
  const last = replies.at(-1);
  const fresh = unreadReplies(store, message.channel, message.ts).length;
  const counted = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  const authors = new Map(replies.map((reply) => [store.author(reply).key, reply]));
  const faces = [...authors.values()].slice(0, 4).map((reply) => avatar(store.author(reply).name, reply.user === store.botUser));
  const node = button({ class: "thread-summary", "data-thread": message.ts }, () => page.openThread(message.channel, message.ts));
  node.append(
    make("span", { class: "faces" }, faces),
    make("span", { class: "counted" }, counted),
    fresh ? make("span", { class: "new-count" }, `${fresh} new`) : "",
    make("span", { class: "last" }, ` Last ${short(last.ts)}`),
    make("span", { class: "excerpt" }, excerpt(store, last)),
  );
  return node;
}

/** Return the first words of what a message says. */
export function excerpt(store, message, most = 120) {
  const said = message.text || message.attachments?.map((one) => one.fallback || one.title || one.text).find(Boolean) || "";
  const named = said
    .replace(/<@(\w+)[^<>]*>/g, (_, id) => `@${store.userName(id) || id}`)
    .replace(/<!subteam\^(\w+)[^<>]*>/g, (_, id) => `@${store.groups[id] ?? id}`)
    .replace(/<#(\w+)[^<>]*>/g, (_, id) => store.title(id));
  const plain = named.replace(/<[^<>|]*\|([^<>]*)>|<[#!][^<>]*>/g, "$1").replace(/[*_`~]/g, "").replace(/\s+/g, " ");
  const read = plain.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]).trim();
  return read.length > most ? `${read.slice(0, most - 1)}…` : read;
}

function tools(page, message, author, inThread) {
  const label = `${author.name}, ${clock(message.ts)}`;
  const reply = button({ class: "tool", label: `Reply in thread to ${label}` }, () => page.openThread(message.channel, message.ts, { write: true }), icon("reply"));
  const diagnose = button({ class: "tool", label: `Diagnose with Aegis: ${label}` }, () => page.diagnose(message), icon("look"));
  const inRoom = page.store.channels.get(message.channel)?.kind !== "im";
  return make("div", { class: "tools" }, inThread || isReply(message) ? null : reply, inRoom && author.app && message.user !== page.store.botUser ? diagnose : null);
}
