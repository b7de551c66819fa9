// How far each person has read, kept in this browser; a count of what is new comes from it.

const PREFIX = "aegis-read";
const opened = String(Date.now() / 1000);

function key(store, place) {
  return `${PREFIX}:${store.me}:${place}`;
}

function mark(store, place, otherwise) {
  return localStorage.getItem(key(store, place)) ?? otherwise;
}

/** Return the ts up to which a channel was read; "0" for never. */
export function readUpTo(store, channel) {
  return mark(store, channel, "0");
}

/** Remember that a channel, or with `thread` a thread in it, was read up to now. */
export function markRead(store, channel, thread = "") {
  const messages = thread ? store.replies(channel, thread) : store.inChannel(channel);
  const newest = messages.at(-1)?.ts ?? "0";
  const place = thread ? `${channel}:${thread}` : channel;
  if (newest > mark(store, place, "0")) {
    localStorage.setItem(key(store, place), newest);
  }
}

/** Return the messages of a channel that are new to the person. */
export function unread(store, channel) {
  const from = readUpTo(store, channel);
  return store.inChannel(channel).filter((message) => message.ts > from && countsAsNew(store, message));
}

/** Return the replies that are new to the person: since they looked, or else since the page was opened. */
export function unreadReplies(store, channel, thread) {
  const from = mark(store, `${channel}:${thread}`, opened);
  return store.replies(channel, thread).filter((message) => message.ts > from && countsAsNew(store, message));
}

function countsAsNew(store, message) {
  return message.user !== store.me && message.subtype !== "channel_join";
}
