// Draws what a test hands over, and keeps what a person did with it.

import { closeModal, openModal, updateModal } from "/page/blocks/dialogs.js";
import { renderMessageBody } from "/page/blocks/message_body.js";
import { rememberFocus } from "/page/lib/focus.js";
import { renderMrkdwn } from "/page/lib/mrkdwn.js";

const page = { closeModal, openModal, rememberFocus, renderMessageBody, renderMrkdwn, updateModal };

const NAMES = { U0ONCALL: "ona.call", U0SECOND: "sasha.second", U0NIGHT: "nik.night", U0AEGIS: "aegis" };
const CHANNELS = { C0ALERTS: "alerts", C0OPS: "ops" };
const GROUPS = { S0ONCALL: "oncall", S0OPS: "ops-team" };

const acts = [];
const submits = [];
const closes = [];
const lost = [];
const answers = { action: undefined, submit: undefined };

const ctx = {
  me: "U0ONCALL",
  userName: (id) => NAMES[id],
  channelName: (id) => CHANNELS[id],
  groupName: (id) => GROUPS[id],
  about: (id) => (id === "U0SECOND" ? "on call second" : ""),
  people: () => Object.keys(NAMES).map((id) => ({ id })),
  channels: () => Object.keys(CHANNELS).map((id) => ({ id })),
  onAction: (container, element, chosen, block) => {
    acts.push({ container: container?.id ?? container?.ts ?? "", action: element.action_id, chosen, block: block.block_id });
    return answers.action;
  },
  onSubmit: (view, values) => {
    submits.push({ id: view.id, private_metadata: view.private_metadata, values });
    return answers.submit;
  },
  onClose: (view) => closes.push(view.id),
  onFocusLost: (id) => lost.push(id),
};

function show(items) {
  const articles = items.map(({ name, message }) => {
    const article = document.createElement("article");
    const title = document.createElement("h2");
    title.textContent = name;
    article.append(title, page.renderMessageBody(message, ctx));
    article.dataset.ts = message.ts ?? "";
    return article;
  });
  document.getElementById("gallery").replaceChildren(...articles);
}

function again(ts, message) {
  const article = document.querySelector(`article[data-ts="${ts}"]`);
  const giveBack = page.rememberFocus(article);
  article.replaceChildren(page.renderMessageBody(message, ctx));
  return giveBack(article);
}

const TAGS = new Set(
  `article a b blockquote button code dd dialog div dl dt figcaption figure form h2 hr i input label li ol p pre s span
   textarea time u ul`.split(/\s+/),
);
const ATTRIBUTES = new Set(
  `class id for title href target rel role type name rows placeholder minlength maxlength inputmode autocomplete
   novalidate disabled tabindex datetime start open style popover popovertarget`.split(/\s+/),
);

/** Name every element and attribute of what is drawn that no message may bring about. */
function strange() {
  const found = [];
  for (const node of document.querySelectorAll("#gallery *, dialog, dialog *")) {
    if (!TAGS.has(node.localName) || node.namespaceURI !== "http://www.w3.org/1999/xhtml") {
      found.push(`<${node.localName}>`);
    }
    for (const { name, value } of node.attributes) {
      if (!ATTRIBUTES.has(name) && !name.startsWith("aria-") && !name.startsWith("data-")) {
        found.push(`${node.localName}[${name}]`);
      }
      if (name === "href" && !/^https?:\/\//.test(value)) {
        found.push(`href=${value}`);
      }
      if (name === "style" && /url|expression|image/i.test(value)) {
        found.push(`style=${value}`);
      }
    }
    if (node.localName === "a" && (node.target !== "_blank" || node.rel !== "noopener noreferrer")) {
      found.push(`a link that takes the page along: ${node.href}`);
    }
  }
  return found;
}

/** Say what markup is around a text: the HTML without attributes and without the frame. */
function skeleton(text, options) {
  const frame = document.createElement("div");
  frame.append(page.renderMrkdwn(text, ctx, options));
  for (const node of frame.querySelectorAll("*")) {
    [...node.attributes].forEach(({ name }) => name !== "href" && node.removeAttribute(name));
  }
  return frame.firstElementChild.innerHTML;
}

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].map((part, at) => (at === 3 ? part / 255 : part));
}

function over([r, g, b, a], below) {
  return [r, g, b].map((part, at) => part * a + below[at] * (1 - a));
}

function light(rgb) {
  const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ground(node) {
  const layers = [];
  for (let at = node; at; at = at.parentElement) {
    layers.push(rgba(getComputedStyle(at).backgroundColor));
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
}

/** Name the texts that are too faint to read (WCAG AA), with their contrast. */
function faint() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.disabled) {
      continue;
    }
    const below = ground(node);
    const [one, other] = [light(over(rgba(getComputedStyle(node).color), below)), light(below)].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) {
      found.push(`${contrast.toFixed(2)} ${node.className || node.localName}: ${walker.currentNode.data.slice(0, 40)}`);
    }
  }
  return found;
}

/** Name what reaches over the right edge, or is cut inside its own box. */
function cut() {
  return [...document.querySelectorAll("#gallery *, dialog *")]
    .filter((node) => node.checkVisibility() && node.clientWidth > 0)
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5 || (getComputedStyle(node).display !== "inline" && node.localName !== "input" && node.scrollWidth > node.clientWidth + 1))
    .map((node) => `${node.localName}.${node.className}: ${node.textContent.slice(0, 40)}`);
}

/** Name what is too small for a finger: less than 40 px high, or (a button) wide. */
function small() {
  return [...document.querySelectorAll("button, a.bk-button, .bk-menu-item, .bk-tick, input:not(.bk-tick input), textarea")]
    .filter((node) => node.checkVisibility())
    .map((node) => [node, node.getBoundingClientRect()])
    .filter(([node, at]) => at.height < 40 || (at.width < 40 && node.localName === "button"))
    .map(([node, at]) => `${Math.round(at.width)}×${Math.round(at.height)} ${node.className}: ${node.textContent}`);
}

window.gallery = { page, ctx, acts, submits, closes, lost, answers, show, again, strange, skeleton, faint, cut, small };
document.documentElement.dataset.ready = "yes";
