// The thread pane: a message, its replies, and a box to write one.

import { markRead, unreadReplies } from "../lib/reading.js";
import { Composer } from "./composer.js";
import { Stream } from "./stream.js";

export class Thread {
  channel = "";
  ts = "";
  #origin = null;

  constructor(page) {
    this.page = page;
    this.pane = document.querySelector("#thread");
    this.box = document.querySelector("#thread-box");
    this.stream = new Stream(page, this.box, { inThread: true, onBottom: () => this.#read() });
    this.composer = new Composer("thread", {
      send: (text) => this.#send(text),
      known: () => page.known(),
      commands: false,
    });
    this.pane.append(this.composer.node);
    document.querySelector("#thread-close").addEventListener("click", () => this.close());
    this.pane.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) {
        this.close();
      }
    });
  }

  get isOpen() {
    return this.ts !== "";
  }

  /**
   * Open the thread of a message. `write` puts the cursor into its box, otherwise the focus goes to the pane. `card` is the ts
   * of a reply for which the thread opens by itself: then the focus stays where it is, unless the pane hides that.
   */
  open(channel, ts, { write = false, card = "" } = {}) {
    this.#origin = document.activeElement;
    const other = this.channel !== channel || this.ts !== ts;
    if (other) {
      [this.channel, this.ts] = [channel, ts];
      this.stream.clear();
    }
    const fresh = other ? unreadReplies(this.page.store, channel, ts)[0]?.ts : "";
    this.pane.hidden = false;
    document.querySelector("#thread-where").textContent = this.page.store.title(channel);
    this.page.arrangement.threadOpened();
    this.page.firstCard.threadOpened();
    this.show();
    if (card) {
      this.stream.toCard(card);
    } else if (write || !fresh) {
      this.stream.toBottom();
    } else {
      this.stream.toMessage(fresh);
    }
    if (write) {
      this.composer.focus();
    } else if (!card || !this.#origin.checkVisibility({ visibilityProperty: true })) {
      document.querySelector("#thread-title").focus();
    }
  }

  /** Close the pane; the focus goes back to where it was opened from. */
  close() {
    const { ts } = this;
    const hadFocus = this.pane.contains(document.activeElement);
    [this.channel, this.ts] = ["", ""];
    this.pane.hidden = true;
    this.page.arrange();
    if (hadFocus) {
      const summary = document.querySelector(`#stream [data-thread="${CSS.escape(ts)}"]`);
      (this.#origin?.isConnected && this.#origin.checkVisibility() ? this.#origin : summary ?? document.querySelector("#channel-text")).focus();
    }
  }

  /** Draw the thread. It closes where its first message is gone, or is none of this person's. */
  show() {
    if (!this.isOpen) {
      return;
    }
    const { store } = this.page;
    const parent = store.message(this.channel, this.ts);
    if (!parent) {
      this.close();
      return;
    }
    const replies = store.replies(this.channel, this.ts);
    const counted = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
    this.stream.show([parent, ...replies], { divide: (message) => (message === parent && replies.length ? counted : "") });
    this.composer.at(`${this.channel} ${this.ts}`, `Reply as ${store.userName(store.me)}`);
    this.#read();
  }

  #read() {
    if (this.isOpen && document.visibilityState === "visible" && this.stream.atBottom) {
      const fresh = this.page.freshReplies(this.channel, this.ts);
      markRead(this.page.store, this.channel, this.ts);
      if (fresh) {
        // The summary in the channel still counts them.
        queueMicrotask(() => this.page.refresh());
      }
    }
  }

  async #send(text) {
    if (/^\/\S/.test(text)) {
      return { ok: false, sentence: `${text.split(/\s/)[0]} does not work in threads. Type it in the channel.` };
    }
    const answer = await this.page.live.ask({ do: "say", channel: this.channel, text, thread_ts: this.ts });
    this.stream.toBottom();
    return answer;
  }
}
