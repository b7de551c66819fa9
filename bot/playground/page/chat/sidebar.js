// The sidebar: who you are, where you can go with what is new there, how the services and Aegis are.

import { condition } from "../lab/services.js";
import { button, icon } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { unread } from "../lib/reading.js";
import { avatar } from "./message.js";

const BOT = {
  connected: ["good", "Aegis is connected"],
  starting: ["warn", "Aegis is starting"],
  stopped: ["bad", "Aegis is not running"],
};

export class Sidebar {
  constructor(page) {
    this.page = page;
    this.who = document.querySelector("#who");
    this.who.addEventListener("change", () => page.be(this.who.value));
    this.theme = document.querySelector("#theme");
    this.theme.value = document.documentElement.dataset.theme ?? "system";
    this.theme.addEventListener("change", () => setTheme(this.theme.value));
  }

  /** Draw what may have changed; what holds the focus stays where it is. */
  show() {
    this.#showWho();
    const { store } = this.page;
    const channels = [...store.channels.values()].filter((channel) => channel.kind !== "im");
    fill(document.querySelector("#channels"), channels.map((channel) => this.#place(channel.id, icon("hash"), channel.name)));
    fill(document.querySelector("#apps"), [this.#place(store.direct, avatar("Aegis", true), "Aegis")]);
    fill(document.querySelector("#services"), (store.lab.services ?? []).map((service) => this.#service(service)));
    this.#showState();
    const total = [...store.channels.keys()].reduce((sum, channel) => sum + unread(store, channel).length, 0);
    document.querySelector("#menu").classList.toggle("has-new", total > 0);
    document.title = `${total ? `(${total}) ` : ""}${store.title(this.page.channel)} · Aegis demo`;
  }

  #showWho() {
    const { store } = this.page;
    const parts = [...new Set(store.people.map((person) => person.part))];
    const people = (part) => store.people.filter((person) => person.part === part);
    const known = store.people.map((person) => person.id).join();
    if (this.shown !== known) {
      this.shown = known;
      const choices = (part) => people(part).map((person) => make("option", { value: person.id }, store.userName(person.id)));
      this.who.replaceChildren(...parts.map((part) => make("optgroup", { label: part }, choices(part))));
    }
    this.who.value = store.me;
    document.querySelector("#who-part").textContent = store.part(store.me);
    document.querySelector("#who-avatar").replaceChildren(avatar(store.userName(store.me)));
  }

  #place(channel, sign, name) {
    const { store } = this.page;
    const count = unread(store, channel).length;
    const here = channel === this.page.channel;
    const label = `${name}${count ? `, ${count} new` : ""}`;
    return {
      key: `${channel} ${label} ${here}`,
      id: channel,
      make: () => {
        const node = button({ class: count ? "place has-new" : "place", "aria-label": label, "data-channel": channel }, () => this.page.go(channel));
        if (here) {
          node.setAttribute("aria-current", "page");
        }
        node.append(sign, make("span", { class: "place-name" }, name), count ? make("span", { class: "count" }, count > 99 ? "99+" : count) : "");
        return make("li", {}, node);
      },
    };
  }

  #service(service) {
    const { tone, words } = condition(service);
    return {
      key: `${service.name} ${tone} ${words}`,
      id: service.name,
      make: () => {
        const node = button({ class: "place service", "aria-label": `${service.name}: ${words}. Show it in the lab.` }, () => this.page.showPanel("lab"));
        node.append(make("span", { class: `dot ${tone}` }), make("span", { class: "place-name" }, service.name), make("span", { class: "state" }, words));
        return make("li", {}, node);
      },
    };
  }

  #showState() {
    const { bot, diagnoser, engine } = this.page.store.lab;
    const [tone, sentence] = this.page.connected ? (BOT[bot?.status] ?? ["warn", "Aegis: not known"]) : ["bad", "This page is not connected"];
    const state = document.querySelector("#state");
    const lines = [
      make("p", {}, make("span", { class: `dot ${tone}` }), sentence),
      diagnoser ? make("p", {}, diagnoser === "rules" ? "Diagnosed by the rules: no GEMINI_API_KEY" : `Diagnosed by ${diagnoser}`) : null,
      engine ? make("p", {}, `Services: ${engine}`) : null,
    ];
    const now = lines.map((line) => line?.textContent).join("|");
    if (this.said !== now) {
      this.said = now;
      state.replaceChildren(...lines.filter(Boolean));
    }
  }
}

/** Draw the rows of a list anew where their key differs; the focus stays on the same row. */
function fill(list, rows) {
  const focused = [...list.children].find((row) => row.contains(document.activeElement))?.dataset.id;
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const nodes = rows.map((row) => {
    const node = known.get(row.key) ?? row.make();
    node.dataset.key = row.key;
    node.dataset.id = row.id;
    return node;
  });
  if (nodes.some((node, at) => list.children[at] !== node) || nodes.length !== list.children.length) {
    list.replaceChildren(...nodes);
    nodes.find((node) => focused && node.dataset.id === focused)?.querySelector("button").focus();
  }
}

/** Use a theme, `system` for the machine's own, and remember it. */
function setTheme(theme) {
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  } else {
    delete document.documentElement.dataset.theme;
  }
  localStorage.setItem("aegis-theme", theme);
}
