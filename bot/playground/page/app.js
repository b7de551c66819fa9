// The page: puts its parts together, and says what happens when the person goes somewhere or the demo tells something.

import { announce, toast } from "./chat/announce.js";
import { Composer } from "./chat/composer.js";
import { FirstCard } from "./chat/first_card.js";
import { Home } from "./chat/home.js";
import { Sidebar } from "./chat/sidebar.js";
import { Stream } from "./chat/stream.js";
import { Thread } from "./chat/thread.js";
import { makeContext, Windows } from "./chat/windows.js";
import { Arrangement } from "./lab/arrange.js";
import { Lab } from "./lab/lab.js";
import { Runbook } from "./lab/runbook.js";
import { button, icon } from "./lib/icons.js";
import { Live } from "./lib/live.js";
import { make } from "./lib/nodes.js";
import { markRead, readUpTo, unread, unreadReplies } from "./lib/reading.js";
import { Store } from "./lib/store.js";

const $ = (id) => document.getElementById(id);
const WHO = "aegis-who";
const TOUCH = matchMedia("(hover: none)");

class Page {
  store = new Store();
  channel = "";
  connected = false;
  #newFrom = "";

  constructor() {
    for (const [id, sign] of Object.entries({ "brand-sign": "shield", menu: "menu", "sidebar-close": "close", "thread-close": "close", "panel-close": "close" })) {
      $(id).append(icon(sign));
    }
    $("show-lab").append(icon("lab"), make("span", {}, "Lab"));
    $("show-runbook").append(icon("book"), make("span", {}, "Runbook"), make("span", { class: "count", hidden: true }));
    this.ctx = makeContext(this);
    this.live = new Live((frame) => this.store.take(frame), (connected) => this.#connection(connected));
    this.stream = new Stream(this, $("stream"), { onBottom: () => this.#read() });
    this.composer = new Composer("channel", { send: (text) => this.#send(text), known: () => this.known() });
    $("messages").append(this.composer.node);
    this.thread = new Thread(this);
    this.firstCard = new FirstCard(this, () => this.#busy());
    this.home = new Home(this);
    this.windows = new Windows(this);
    this.lab = new Lab(this, $("lab"));
    this.runbook = new Runbook(this, $("runbook"));
    this.sidebar = new Sidebar(this);
    this.arrangement = new Arrangement(this, (tab) => this.#panelSeen(tab));
    this.store.listen((change) => this.#changed(change));
    document.addEventListener("visibilitychange", () => this.refresh());
    this.live.be(sessionStorage.getItem(WHO) ?? "");
  }

  // -- what the parts of the page ask for

  /** Be somebody else. What only the other one sees goes away with the new snapshot. */
  be(user) {
    sessionStorage.setItem(WHO, user);
    this.live.be(user);
  }

  /** Go to a channel. */
  go(channel) {
    this.arrangement.closeDrawer({ back: false });
    if (channel !== this.channel) {
      this.#enter(channel);
    }
    this.refresh();
    const home = this.store.channels.get(channel)?.kind === "im" && this.home.tab === "home";
    // On a touch screen the keyboard would cover what one came to read.
    (home ? $("home") : TOUCH.matches ? $("title") : this.composer).focus();
  }

  openThread(channel, ts, how) {
    this.thread.open(channel, ts, how);
    this.refresh();
  }

  showPanel(tab) {
    this.arrangement.closeDrawer({ back: false });
    this.arrangement.showPanel(tab);
  }

  arrange() {
    this.arrangement.show();
  }

  freshReplies(channel, ts) {
    return unreadReplies(this.store, channel, ts).length;
  }

  /** Return what suggestions are made of. */
  known() {
    const people = Object.entries(this.store.users).filter(([id]) => id !== this.store.me);
    return { services: this.store.lab.services ?? [], people: people.map(([, user]) => user) };
  }

  async diagnose(message) {
    const answer = await this.live.ask({ do: "shortcut", channel: message.channel, ts: message.ts, callback_id: "diagnose_message" });
    if (!answer.ok) {
      toast(answer.sentence);
    }
  }

  /** Draw everything that may have changed. */
  refresh() {
    const { store } = this;
    if (!store.me) {
      return;
    }
    const channel = store.channels.get(this.channel);
    const direct = channel?.kind === "im";
    $("title").replaceChildren(...(direct ? [] : [make("span", { class: "sign" }, "#")]), direct ? store.userName(store.botUser) : channel.name);
    $("topic").textContent = channel.topic || (direct ? "" : { alerts: "Alerts and what became of them", ops: "Where on-call people talk" }[channel.name] ?? "");
    $("stream").setAttribute("aria-label", `Messages in ${store.title(this.channel)}`);
    this.home.show(direct);
    if (document.visibilityState !== "visible" && !this.#newFrom) {
      this.#newFrom = this.#firstNew();
    }
    this.stream.show(store.inChannel(this.channel), { newFrom: this.#newFrom, begin: () => this.#beginning(channel) });
    this.composer.at(this.channel, `Message ${store.title(this.channel)} as ${store.userName(store.me)}`);
    this.firstCard.show();
    this.thread.show();
    this.#read();
    this.sidebar.show();
  }

  /** Return true while the person writes, or has something open above the conversation. */
  #busy() {
    return !this.composer.isEmpty || this.arrangement.hasDrawer || Boolean(document.querySelector("dialog[open]"));
  }

  // -- what happens

  #changed(change) {
    if (change.snapshot) {
      this.#arrive();
    } else {
      announce(this, change);
    }
    if (change.snapshot || change.talk) {
      this.refresh();
    } else {
      this.sidebar.show();
    }
    this.windows.show();
    this.lab.show(change.lab);
    if (change.lab.includes("runbook")) {
      this.runbook.show();
      this.arrange();
      const count = $("show-runbook").querySelector(".count");
      count.hidden = this.runbook.fresh === 0;
      count.textContent = `${this.runbook.fresh} new`;
    }
  }

  /** A snapshot came: after the start, after the connection was cut, or as somebody else. */
  #arrive() {
    const { store } = this;
    const stays = store.channels.has(this.channel);
    const wasDirect = this.channel && !stays;
    sessionStorage.setItem(WHO, store.me);
    if (this.who !== store.me || !stays) {
      this.who = store.me;
      const first = [...store.channels.keys()][0];
      this.#enter(stays ? this.channel : wasDirect ? store.direct : first);
    }
  }

  #enter(channel) {
    this.channel = channel;
    this.#newFrom = this.#firstNew();
    this.stream.anew();
    if (this.store.channels.get(channel)?.kind === "im" && this.home.tab === "home") {
      this.live.ask({ do: "home" });
    }
  }

  #firstNew() {
    return readUpTo(this.store, this.channel) === "0" ? "" : (unread(this.store, this.channel)[0]?.ts ?? "");
  }

  #read() {
    if (this.channel && document.visibilityState === "visible" && $("stream").checkVisibility() && this.stream.atBottom) {
      const before = unread(this.store, this.channel).length;
      markRead(this.store, this.channel);
      if (before) {
        this.sidebar.show();
      }
    }
  }

  #panelSeen(tab) {
    if (tab === "runbook") {
      this.runbook?.seen();
      $("show-runbook").querySelector(".count").hidden = true;
    }
  }

  #connection(connected) {
    this.connected = connected;
    document.body.classList.toggle("is-away", !connected);
    $("away").textContent = connected ? "" : "The connection to the demo is lost. The page tries again by itself.";
    if (this.store.me) {
      this.sidebar.show();
    }
  }

  async #send(text) {
    const act = /^\/\S/.test(text) ? { do: "slash" } : { do: "say" };
    const answer = await this.live.ask({ ...act, channel: this.channel, text });
    this.stream.toBottom();
    return answer;
  }

  #beginning(channel) {
    if (channel.kind === "im") {
      return make("div", { class: "beginning" }, make("h2", {}, "You and Aegis"), make("p", {}, "What Aegis tells you alone stands here."));
    }
    const about = {
      alerts: "The monitor posts its alerts here. Aegis puts 👀 on each and answers in its thread: open the thread to see the card.",
      ops: "A channel for people. Aegis listens here too: try /aegis status.",
    }[channel.name];
    return make(
      "div",
      { class: "beginning" },
      make("h2", {}, `This is the beginning of #${channel.name}`),
      about ? make("p", {}, about) : null,
      channel.name === "alerts" ? button({ class: "inviting" }, () => this.showPanel("lab"), icon("lab"), "Break something in the lab") : null,
    );
  }
}

new Page();
