// Aegis's own place: its home tab, as the bot published it for this person, and the direct messages.

import { renderBlocks } from "../blocks/blocks.js";
import { tablist } from "../lab/arrange.js";
import { rememberFocus } from "../lib/focus.js";
import { make } from "../lib/nodes.js";

const TABS = ["home", "messages"];

export class Home {
  tab = "home";
  #shown = null;

  constructor(page) {
    this.page = page;
    this.box = document.querySelector("#home");
    this.tabs = TABS.map((tab) => document.querySelector(`#tab-${tab}`));
    tablist(this.tabs, (number) => this.choose(TABS[number]));
  }

  /** Go to one of the two tabs. The bot hears that its home is looked at. */
  choose(tab) {
    this.tab = tab;
    if (tab === "home") {
      this.page.live.ask({ do: "home" });
    }
    this.page.refresh();
  }

  /** Show tabs and home where the person is with Aegis; `here` says whether they are. */
  show(here) {
    document.querySelector("#tabs").hidden = !here;
    const home = here && this.tab === "home";
    this.box.hidden = !home;
    document.querySelector("#messages").hidden = home;
    this.tabs.forEach((node, number) => {
      node.setAttribute("aria-selected", String(TABS[number] === this.tab));
      node.tabIndex = TABS[number] === this.tab ? 0 : -1;
    });
    const view = this.page.store.home;
    if (home && this.#shown !== (view ?? this.page.store.me)) {
      this.#shown = view ?? this.page.store.me;
      const giveBack = rememberFocus(this.box);
      this.box.replaceChildren(make("div", { class: "home-page" }, view ? renderBlocks(view.blocks, this.page.ctx, view) : this.#none()));
      if (!giveBack()) {
        this.box.focus();
      }
    }
  }

  #none() {
    return make(
      "div",
      { class: "empty" },
      make("h2", {}, "Aegis has put nothing here yet"),
      make("p", {}, "A home tab comes from the bot itself, when it is connected and has something to show. Until then, ask it in a channel: /aegis status."),
    );
  }
}
