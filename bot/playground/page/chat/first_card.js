// Opens the thread of the first card by itself: a newcomer does not know that the button is there.

import { isReply } from "../lib/store.js";

const KEY = "aegis-thread-opened";

export class FirstCard {
  /** `busy()` returns true while an open thread would get in the person's way. */
  constructor(page, busy) {
    this.page = page;
    this.busy = busy;
  }

  /** Remember, until this tab is closed, that a thread was opened: from now on the person opens threads. */
  threadOpened() {
    sessionStorage.setItem(KEY, "1");
  }

  /** Open the thread of the newest card that waits for a press, unless a thread was opened before. */
  show() {
    const { channel, store, thread } = this.page;
    if (sessionStorage.getItem(KEY) || thread.isOpen || this.busy()) {
      return;
    }
    const card = store.inThreads(channel).findLast((message) => message.user === store.botUser && waits(message));
    if (card) {
      thread.open(channel, card.thread_ts, { card: card.ts });
    }
  }
}

/** Return true if a reply has a button that somebody may press. */
function waits(message) {
  return isReply(message) && (message.blocks ?? []).some((block) => block.type === "actions");
}
