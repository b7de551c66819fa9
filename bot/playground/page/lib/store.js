// All that the page knows, as the demo told it; and the questions that the parts of the page ask about it.

const NONE = Object.freeze([]);

export class Store {
  me = "";
  people = [];
  users = {};
  groups = {};
  channels = new Map();
  botUser = "";
  direct = "";
  modals = [];
  home = null;
  lab = {};
  #messages = new Map();
  #ordered = new Map();
  #listeners = [];

  /**
   * Call `listener` after each change with `{snapshot, talk, added, edited, lab}`: `talk` says whether there is anything
   * new in channels or at home, `added` and `edited` are messages, `lab` names of parts.
   */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /** Take in a frame of the demo. */
  take(frame) {
    if (frame.type === "snapshot") {
      this.#begin(frame);
    }
    const [added, edited] = [[], []];
    for (const message of [...(frame.messages ?? []), ...(frame.ephemerals ?? [])]) {
      const before = this.message(message.channel, message.ts);
      if (!message.gone && !before) {
        added.push(message);
      } else if (!message.gone && before.text !== message.text) {
        edited.push(message);
      }
      this.#put(message);
    }
    for (const part of ["modals", "home"]) {
      if (part in frame) {
        this[part] = frame[part];
      }
    }
    Object.assign(this.lab, frame.lab);
    const change = {
      snapshot: frame.type === "snapshot",
      talk: "messages" in frame || "home" in frame,
      added,
      edited,
      lab: Object.keys(frame.lab ?? {}),
    };
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  #begin(frame) {
    this.me = frame.me;
    this.people = frame.people;
    this.users = frame.users;
    this.groups = frame.groups;
    this.botUser = frame.bot_user;
    this.direct = frame.direct;
    this.channels = new Map(frame.channels.map((channel) => [channel.id, channel]));
    this.#messages = new Map();
    this.#ordered = new Map();
  }

  #put(message) {
    const known = this.#messages.get(message.channel) ?? new Map();
    this.#messages.set(message.channel, known);
    this.#ordered.delete(message.channel);
    if (message.gone) {
      known.delete(message.ts);
    } else {
      known.set(message.ts, message);
    }
  }

  /** Return one message, or undefined. */
  message(channel, ts) {
    return this.#messages.get(channel)?.get(ts);
  }

  /** Return what stands in a channel itself, oldest first. */
  inChannel(channel) {
    return this.#order(channel).top;
  }

  /** Return the replies to a message, oldest first; what only this person sees is among them. */
  replies(channel, ts) {
    return this.#order(channel).replies.get(ts) ?? NONE;
  }

  /** Return all replies in a channel's threads, oldest first. */
  inThreads(channel) {
    return [...this.#order(channel).replies.values()].flat().sort(byTime);
  }

  /** Put a channel's messages in order, once after each change of it. */
  #order(channel) {
    const known = this.#ordered.get(channel);
    if (known) {
      return known;
    }
    const ordered = { top: [], replies: new Map() };
    const all = [...(this.#messages.get(channel)?.values() ?? [])].sort(byTime);
    for (const message of all) {
      if (isReply(message)) {
        ordered.replies.set(message.thread_ts, [...(ordered.replies.get(message.thread_ts) ?? []), message]);
      }
      if (!isReply(message) || message.subtype === "thread_broadcast") {
        ordered.top.push(message);
      }
    }
    this.#ordered.set(channel, ordered);
    return ordered;
  }

  /** Return the name of a person or a bot, or an empty text. */
  userName(id) {
    return this.users[id]?.name ?? "";
  }

  /** Return what a person is in the demo ("on call"), or an empty text. */
  part(id) {
    return this.people.find((person) => person.id === id)?.part ?? "";
  }

  /** Return who wrote a message: `key` tells authors apart, `app` says that it is a program. */
  author(message) {
    const app = Boolean(message.bot_id);
    const name = message.username || this.userName(message.user) || message.bot_profile?.name || "Unknown";
    return { name, app, key: message.user || message.bot_id || name };
  }

  /** Return a channel's name as it is shown. */
  title(channel) {
    const known = this.channels.get(channel);
    return known?.kind === "im" ? this.userName(this.botUser) : `#${known?.name ?? ""}`;
  }
}

function byTime(one, other) {
  return one.ts < other.ts ? -1 : 1;
}

/** Say whether a message is a reply in a thread. */
export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}
