// A list of messages with day lines, kept as it is where nothing changed, so that focus, scrolling and menus stay.

import { rememberFocus } from "../lib/focus.js";
import { button, icon } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { isReply } from "../lib/store.js";
import { day } from "../lib/times.js";
import { messageNode } from "./message.js";

const NEAR = 80;
const TOGETHER = 300;
const BELOW_BUTTONS_PX = 8;

export class Stream {
  #rows = new Map();
  #list = make("div", { class: "rows" });
  #stuck = true;
  #card = "";

  /** `box` scrolls; `onBottom` is called when its end comes into sight; `inThread` as in messageNode. */
  constructor(page, box, { inThread = false, onBottom = () => {} } = {}) {
    this.page = page;
    this.box = box;
    this.inThread = inThread;
    this.onBottom = onBottom;
    this.jump = button({ class: "jump", hidden: "" }, () => this.toBottom(), icon("down"), make("span", {}, "Newest"));
    box.append(this.#list);
    box.after(this.jump);
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const hold = new ResizeObserver(() => this.#stuck && this.#pin());
    hold.observe(box);
    hold.observe(this.#list);
  }

  /** Begin anew, with nothing in it and the end in sight. */
  clear() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#stuck = true;
    this.#card = "";
  }

  /**
   * Show messages, oldest first. `newFrom` is the ts before which the line "New" stands; `begin` makes what stands
   * above all; `divide(message)` makes a line above a message, where one belongs.
   */
  show(messages, { newFrom = "", begin = null, divide = () => null } = {}) {
    const wanted = this.#wanted(messages, newFrom, divide);
    const rows = new Map();
    const giveBack = rememberFocus(this.#list);
    const [focused] = [...this.#rows].find(([, row]) => row.node.contains(document.activeElement)) ?? [];
    for (const { key, signature, make: draw } of wanted) {
      const known = this.#rows.get(key);
      const same = known && known.signature.length === signature.length && known.signature.every((part, at) => part === signature[at]);
      rows.set(key, same ? known : { signature, node: draw() });
    }
    this.#rows = rows;
    place(this.#list, [...(begin ? [this.#begin(begin)] : []), ...[...rows.values()].map((row) => row.node)]);
    if (!giveBack() && focused) {
      (rows.get(focused)?.node ?? this.box).focus({ preventScroll: true });
    }
    if (this.#stuck) {
      this.#pin();
    }
    this.#scrolled();
  }

  #begin(make_) {
    this.begun ??= make_();
    return this.begun;
  }

  /** Forget what stands above all; it is made anew the next time. */
  anew() {
    this.begun = undefined;
    this.clear();
  }

  #wanted(messages, newFrom, divide) {
    const wanted = [];
    let before = null;
    for (const message of messages) {
      const date = day(message.ts);
      if (before === null || day(before.ts) !== date) {
        wanted.push({ key: `day ${date}`, signature: [], make: () => line(date, "day-line") });
        before = null;
      }
      if (newFrom === message.ts) {
        wanted.push({ key: "new", signature: [newFrom], make: () => line("New", "new-line") });
        before = null;
      }
      const compact = before !== null && this.#together(before, message);
      wanted.push({
        key: message.ts,
        signature: [message, compact, this.page.store.me, this.#summaryOf(message)],
        make: () => messageNode(this.page, message, { compact, inThread: this.inThread }),
      });
      const below = divide(message);
      if (below) {
        wanted.push({ key: `below ${message.ts}`, signature: [below], make: () => line(below, "count-line") });
      }
      before = below ? null : message;
    }
    return wanted;
  }

  /** Return a text that differs whenever the line about the thread does. */
  #summaryOf(message) {
    if (this.inThread || isReply(message)) {
      return "";
    }
    const { store } = this.page;
    const replies = store.replies(message.channel, message.ts);
    const last = replies.at(-1);
    return last ? `${replies.length} ${last.ts} ${last.text} ${this.page.freshReplies(message.channel, message.ts)}` : "";
  }

  #together(before, message) {
    const { store } = this.page;
    const near = Number(message.ts) - Number(before.ts) < TOGETHER;
    const quiet = (one) => !one.ephemeral && one.subtype !== "channel_join" && (this.inThread || !store.replies(one.channel, one.ts).length);
    return near && quiet(before) && quiet(message) && store.author(before).key === store.author(message).key;
  }

  /** Show the end. */
  toBottom() {
    this.#stuck = true;
    this.#pin();
    this.#scrolled();
  }

  /** Show the beginning, as far as the buttons of a card stay in sight; the end again when anything follows the press. */
  toCard(ts) {
    this.#card = ts;
    this.box.scrollTop = 0;
    this.toBottom();
  }

  /** Show a message with its beginning, and what stands below it as far as there is room. */
  toMessage(ts) {
    this.box.scrollTop = this.#rows.get(ts).node.offsetTop - this.box.offsetTop - 4;
    this.#scrolled();
  }

  get atBottom() {
    return this.#end - this.box.scrollTop < NEAR;
  }

  /** Return where the end is in sight; of a message that is higher than the box, its beginning is. */
  get #end() {
    const { scrollHeight, clientHeight, offsetTop } = this.box;
    const last = this.#list.lastElementChild;
    const buttons = last && last === this.#rows.get(this.#card)?.node && last.querySelector(".bk-actions");
    if (buttons) {
      const bottom = buttons.getBoundingClientRect().bottom - this.box.getBoundingClientRect().top + this.box.scrollTop;
      return Math.max(0, bottom - clientHeight + BELOW_BUTTONS_PX);
    }
    const high = last && last.offsetHeight > clientHeight;
    return high ? last.offsetTop - offsetTop - 4 : scrollHeight - clientHeight;
  }

  #pin() {
    // Never back: who reads the lower part of a high message stays there.
    this.box.scrollTop = Math.max(this.box.scrollTop, this.#end);
  }

  #scrolled() {
    this.#stuck = this.atBottom;
    this.jump.hidden = this.#stuck;
    if (this.#stuck) {
      this.onBottom();
    }
  }
}

/** Make `nodes` the children of `list`, moving and removing only what differs. */
function place(list, nodes) {
  const wanted = new Set(nodes);
  [...list.children].filter((child) => !wanted.has(child)).forEach((child) => child.remove());
  nodes.forEach((node, at) => {
    if (list.children[at] !== node) {
      list.insertBefore(node, list.children[at] ?? null);
    }
  });
}

function line(text, className) {
  return make("div", { class: `line ${className}`, role: "separator", "aria-label": text }, make("span", { "aria-hidden": "true" }, text));
}
