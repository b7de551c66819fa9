// Slack's mrkdwn -> DOM. The text comes in Slack's written form: & < > escaped once, and so they are unescaped once.

import { dateNode } from "./dates.js";
import { withEmoji } from "./emoji.js";
import { broadcastChip, channelChip, groupChip, link, userChip } from "./mentions.js";
import { fragment, make } from "./nodes.js";

const TAGS = new Map([["*", "b"], ["_", "i"], ["~", "s"]]);
const FENCE = /```([\s\S]+?)```/g;
const QUOTED = /^(?:&gt;|>) ?/;
const QUOTED_TO_THE_END = /^(?:&gt;|>){3} ?/;
const ITEM = /^\s*(?:[•◦▪‣·–*-]|\d{1,3}[.)])\s+\S/;
const ADDRESS = /https?:\/\/(?:&(?!lt;|gt;)|[^\s<>&|"`])+/;
const TOKEN_OR_ADDRESS = String.raw`<(?<token>[^<>\n]+)>|${ADDRESS.source}`;
const WHOLE = new RegExp(TOKEN_OR_ADDRESS, "gi");
const WHOLE_OR_CODE = new RegExp(String.raw`\x60(?<quoted>[^\x60\n]+)\x60|${TOKEN_OR_ADDRESS}`, "gi");
const TRAILING = /[.,!?:)\]'*_~]+$/;
const BARE_BROADCAST = /(?<![\w`@.])@(here|channel|everyone)\b/g;
const WORD = /[\p{L}\p{N}]/u;

/**
 * Return the DOM of a text. ``verbatim`` keeps bare addresses and bare names (@here) plain, as Slack does where a text
 * object says so; ``names: false`` keeps bare names alone; ``styles: false`` is for text that is not formatted.
 */
export function renderMrkdwn(text, ctx = {}, { verbatim = false, names = !verbatim, styles = true } = {}) {
  const how = { ctx, names, styles, links: !verbatim };
  return fragment(make("div", { class: "bk-mrkdwn" }, ...(styles ? paragraphs(text, how) : inline(text, how))));
}

/** Unescape the three entities of Slack, once. */
export function unescapeOnce(text) {
  return text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);
}

function paragraphs(text, how) {
  const nodes = [];
  let from = 0;
  for (const fence of text.matchAll(FENCE)) {
    nodes.push(...lines(text.slice(from, fence.index).replace(/\n$/, ""), how));
    const body = fence[1].replace(/^[ \t]*\n/, "").replace(/\n[ \t]*$/, "");
    nodes.push(make("pre", { class: "bk-pre" }, code(body, how)));
    from = fence.index + fence[0].length;
  }
  return [...nodes, ...lines(from ? text.slice(from).replace(/^\n/, "") : text, how)];
}

/** Gather lines of one kind: quotes into one bar, list items with their text hanging, and the rest as it stands. */
function lines(text, how) {
  const nodes = [];
  const waiting = [];
  const flush = () => {
    if (waiting.length) {
      nodes.push(...inline(waiting.splice(0).join("\n"), how));
    }
  };
  const all = text ? text.split("\n") : [];
  for (let number = 0; number < all.length; number += 1) {
    const line = all[number];
    if (QUOTED.test(line)) {
      flush();
      let quoted = [];
      if (QUOTED_TO_THE_END.test(line)) {
        quoted = all.slice(number);
        quoted[0] = line.replace(QUOTED_TO_THE_END, "");
      } else {
        for (let next = number; next < all.length && QUOTED.test(all[next]); next += 1) {
          quoted.push(all[next].replace(QUOTED, ""));
        }
      }
      number += quoted.length - 1;
      nodes.push(make("blockquote", { class: "bk-quote" }, ...inline(quoted.join("\n"), how)));
    } else if (ITEM.test(line)) {
      flush();
      nodes.push(make("div", { class: "bk-item" }, ...inline(line, how)));
    } else {
      waiting.push(line);
    }
  }
  flush();
  return nodes;
}

/** Code keeps mentions and links alive, as Slack reads those before anything else. */
function code(text, how) {
  const nodes = [];
  let from = 0;
  for (const token of text.matchAll(/<([^<>\n]+)>/g)) {
    nodes.push(unescapeOnce(text.slice(from, token.index)), control(token[1], how, true));
    from = token.index + token[0].length;
  }
  nodes.push(unescapeOnce(text.slice(from)));
  return nodes;
}

/** Return the nodes of a text in which lines mean nothing: what is whole (code, <…>, addresses) is found first. */
export function inline(text, how) {
  const whole = new Map();
  for (const found of text.matchAll(how.styles ? WHOLE_OR_CODE : WHOLE)) {
    const { quoted, token } = found.groups;
    const end = found.index + found[0].length;
    if (quoted !== undefined) {
      whole.set(found.index, { end, node: () => make("code", { class: "bk-code" }, code(quoted, how)) });
    } else if (token !== undefined) {
      whole.set(found.index, { end, node: () => control(token, how) });
    } else {
      const address = found[0].replace(TRAILING, "");
      const said = unescapeOnce(address);
      const node = () => (how.links ? link(said, said) : said);
      whole.set(found.index, { end: found.index + address.length, node });
    }
  }
  return walk(text, 0, text.length, whole, new Set(), how);
}

function walk(text, start, end, whole, open, how) {
  const nodes = [];
  const hopeless = new Map();
  let from = start;
  let at = start;
  const flush = () => nodes.push(...plain(text.slice(from, at), how));
  while (at < end) {
    const span = whole.get(at);
    const sign = text[at];
    if (span && span.end <= end) {
      flush();
      nodes.push(span.node());
      at = span.end;
      from = at;
    } else if (how.styles && TAGS.has(sign) && !open.has(sign) && opens(text, at, end)) {
      const close = at < (hopeless.get(sign) ?? 0) ? -1 : closing(text, at + 1, end, whole, sign, hopeless);
      if (close > 0) {
        flush();
        nodes.push(make(TAGS.get(sign), {}, ...walk(text, at + 1, close, whole, new Set([...open, sign]), how)));
        from = close + 1;
      }
      at = close > 0 ? close + 1 : at + 1;
    } else {
      at += 1;
    }
  }
  flush();
  return nodes;
}

function opens(text, at, end) {
  const before = text[at - 1] ?? "";
  const after = at + 1 < end ? text[at + 1] : "";
  return !WORD.test(before) && before !== text[at] && /\S/.test(after) && after !== text[at];
}

/** Find where a style ends, on the same line; where it does not, remember how far there is no use in looking. */
function closing(text, start, end, whole, sign, hopeless) {
  let at = start;
  while (at < end && text[at] !== "\n") {
    const span = whole.get(at);
    const after = at + 1 < end ? text[at + 1] : "";
    if (span) {
      at = span.end;
    } else if (text[at] === sign && /\S/.test(text[at - 1]) && text[at - 1] !== sign && after !== sign && !WORD.test(after)) {
      return at;
    } else {
      at += 1;
    }
  }
  hopeless.set(sign, at);
  return -1;
}

function plain(text, how) {
  return withEmoji(text, (piece) => {
    if (!how.names) {
      return [unescapeOnce(piece)];
    }
    return piece.split(BARE_BROADCAST).map((part, number) => (number % 2 ? broadcastChip(part) : unescapeOnce(part)));
  });
}

/** Show what stands between < and >: a mention, a moment, a link; what is none of these stays as it is. */
function control(token, how, inCode = false) {
  const bar = token.indexOf("|");
  const what = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? "" : token.slice(bar + 1);
  const [, kind, id] = /^([@#])([UWCGD]\w+)$/.exec(what) ?? [];
  if (kind) {
    return kind === "@" ? userChip(id, how.ctx) : channelChip(id, how.ctx);
  }
  if (what.startsWith("!subteam^")) {
    return groupChip(what.slice("!subteam^".length), how.ctx);
  }
  if (/^!(here|channel|everyone)$/.test(what)) {
    return broadcastChip(what.slice(1));
  }
  const [, seconds, format, url] = /^!date\^(-?\d+)\^([^^]+)(?:\^([^^]+))?$/.exec(what) ?? [];
  if (seconds) {
    return dateNode(seconds, unescapeOnce(format), { url: unescapeOnce(url ?? ""), fallback: unescapeOnce(label) });
  }
  if (what.startsWith("!") && label) {
    return unescapeOnce(label);
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(what)) {
    const address = unescapeOnce(what);
    const shown = inCode ? [unescapeOnce(label)] : inline(label, { ...how, links: false, names: false });
    return link(address, label ? shown : address.replace(/^mailto:/i, ""));
  }
  return unescapeOnce(`<${token}>`);
}
