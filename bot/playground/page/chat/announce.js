// What is said aloud by screen readers, and short messages at the edge of the page.

import { button, icon } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { isReply } from "../lib/store.js";
import { excerpt } from "./message.js";

const KEPT = 10_000;
const SPELL = 250;

/** Say who wrote what and where, for those who do not see it come. */
export function announce(page, { added, edited }) {
  const { store } = page;
  const others = added.filter((message) => message.user !== store.me);
  const said = [
    ...others.map((message) => `${store.author(message).name} in ${where(store, message)}: ${excerpt(store, message, SPELL)}`),
    ...edited.map((message) => `${store.author(message).name} changed in ${where(store, message)}: ${excerpt(store, message, SPELL)}`),
  ];
  if (said.length) {
    const region = document.querySelector("#said");
    const lines = said.slice(-3).map((line) => make("p", {}, line));
    region.append(...lines);
    setTimeout(() => lines.forEach((line) => line.remove()), KEPT);
  }
}

function where(store, message) {
  const place = `${isReply(message) ? "a thread of " : ""}${store.title(message.channel)}`;
  return message.ephemeral ? `${place}, only visible to you` : place;
}

/** Show a sentence about something that did not work, until it is closed or a while has passed. */
export function toast(sentence) {
  const node = make("div", { class: "toast" }, make("p", {}, sentence));
  node.append(button({ class: "quiet", label: "Close this note" }, () => node.remove(), icon("close")));
  document.querySelector("#toasts").append(node);
  setTimeout(() => node.remove(), KEPT);
}
