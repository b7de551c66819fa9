// What the bot's blocks need of the page: names, what a press does, and the person's modals as they are now.

import { closeModal, openModal, updateModal } from "../blocks/dialogs.js";
import { toast } from "./announce.js";

/** Make the `ctx` that blocks.js asks for. */
export function makeContext(page) {
  const { store } = page;
  return {
    get me() {
      return store.me;
    },
    userName: (id) => store.users[id]?.name,
    channelName: (id) => store.channels.get(id)?.name,
    groupName: (id) => store.groups[id],
    about: (id) => store.part(id),
    people: () => Object.keys(store.users).map((id) => ({ id })),
    channels: () => [...store.channels.values()].filter((channel) => channel.kind !== "im"),
    onAction: (container, element, chosen) => press(page, container, element, chosen),
    onSubmit: async (view, values) => {
      const answer = await page.live.ask({ do: "submit", view: view.id, values: flat(values) });
      return answer.ok ? {} : { errors: answer.errors, error: Object.keys(answer.errors).length ? "" : answer.sentence };
    },
    onClose: async (view) => {
      const answer = await page.live.ask({ do: "close", view: view.id });
      if (!answer.ok) {
        toast(answer.sentence);
      }
    },
    onFocusLost: () => document.querySelector("#stream").focus(),
  };
}

async function press(page, container, element, chosen) {
  const foreign = container.bot_id && container.user !== page.store.botUser;
  if (foreign) {
    const { name } = page.store.author(container);
    return element.url ? {} : { error: `This belongs to ${name}, which is not part of the demo.` };
  }
  const where = container.channel
    ? { channel: container.channel, ts: container.ts, version: container.version ?? 0 }
    : { view: container.id };
  const answer = await page.live.ask({ do: "press", where, action_id: element.action_id, value: chosen ?? null });
  return answer.ok ? {} : { error: answer.sentence };
}

/** Turn Slack's state values into what stands in each field, by action_id. */
function flat(values) {
  const filled = {};
  for (const fields of Object.values(values)) {
    for (const [action, { type: _type, ...held }] of Object.entries(fields)) {
      const [value] = Object.values(held);
      const plain = (one) => one?.value ?? one;
      filled[action] = Array.isArray(value) ? value.map(plain) : (plain(value) ?? null);
    }
  }
  return filled;
}

/** Keeps the windows on the screen those that the person has open. */
export class Windows {
  #shown = new Map();

  constructor(page) {
    this.page = page;
  }

  show() {
    const wanted = new Map(this.page.store.modals.map((view) => [view.id, view]));
    for (const id of [...this.#shown.keys()].reverse()) {
      if (!wanted.has(id)) {
        this.#shown.delete(id);
        closeModal(id);
      }
    }
    for (const [id, view] of wanted) {
      if (!this.#shown.has(id)) {
        openModal(view, this.page.ctx);
      } else if (this.#shown.get(id) !== view.hash) {
        updateModal(view);
      }
      this.#shown.set(id, view.hash);
    }
  }
}
