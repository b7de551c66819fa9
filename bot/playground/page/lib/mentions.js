// What points at somebody or something: people, groups, channels, everybody, addresses.

import { make } from "./nodes.js";

const LOOKS_LIKE_ADDRESS = /^\s*(?:[a-z]+:\/\/|www\.)?(?:[^\s/@]*@)?([\w-]+(?:\.[\w-]+)*\.[a-z]{2,})(?:[:/?#]\S*)?\s*$/i;

/** Show a person. The name is the workspace's, never one that a text brings along. */
export function userChip(id, ctx) {
  const name = ctx.userName?.(id);
  return chip(`@${name || id}`, name ? "Person" : "Person not in this workspace", id, ctx, id === ctx.me);
}

/** Show a user group. */
export function groupChip(id, ctx) {
  const name = ctx.groupName?.(id);
  return chip(`@${(name || id).replace(/^@/, "")}`, name ? "User group" : "User group not in this workspace", id, ctx);
}

/** Show a channel. */
export function channelChip(id, ctx) {
  const name = ctx.channelName?.(id);
  return chip(`#${(name || id).replace(/^#/, "")}`, name ? "Channel" : "Channel not in this workspace", id, ctx);
}

/** Show a mention of many at once: ``here``, ``channel`` or ``everyone``. */
export function broadcastChip(range) {
  const who = { here: "everybody here who is active", channel: "everybody in this channel", everyone: "everybody" };
  return make("span", { class: "bk-chip bk-mine", title: `Notifies ${who[range] ?? range}` }, `@${range}`);
}

function chip(label, kind, id, ctx, mine = false) {
  const about = [kind, ctx.about?.(id), id].filter(Boolean).join(" · ");
  return make("span", { class: mine ? "bk-chip bk-mine" : "bk-chip", title: mine ? `You · ${id}` : about }, label);
}

/** Return the whole address if a browser may be sent there (http and https), or an empty text. */
export function safeAddress(url) {
  if (!/^https?:\/\//i.test(url)) {
    return "";
  }
  try {
    return new URL(url).href;
  } catch (refused) {
    if (refused instanceof TypeError) {
      return "";
    }
    throw refused;
  }
}

/**
 * Make a link with ``label`` (nodes or texts). An address that no browser may follow is shown as text; a label that
 * reads like another address is followed by the real host, unless it is ``checked: false`` because it is our own.
 */
export function link(url, label, { checked = true } = {}) {
  const address = safeAddress(url);
  const shown = make("span", {}, label);
  const text = shown.textContent.trim();
  if (!address) {
    return make("span", { class: "bk-unlinked" }, text ? [...shown.childNodes] : url, text && text !== url ? ` (${url})` : "");
  }
  const attributes = { class: "bk-link", href: address, title: address, target: "_blank", rel: "noopener noreferrer" };
  const node = make("a", attributes, text ? [...shown.childNodes] : url);
  const host = new URL(address).host;
  return checked && deceives(text || url, host) ? make("span", {}, node, make("span", { class: "bk-host" }, ` (${host})`)) : node;
}

/** Say whether a label reads like the address of another host than the one it leads to. */
function deceives(label, host) {
  const bare = (name) => name.toLowerCase().replace(/^www\./, "").replace(/:\d+$/, "");
  const named = LOOKS_LIKE_ADDRESS.exec(label);
  return (named !== null && bare(named[1]) !== bare(host)) || /^[a-z]+:\/\/[^\s/]*@/i.test(label);
}
