// What stands where: the sidebar and the panel as columns or, where there is no room, as drawers; thread and panel.

const PHONE = matchMedia("(max-width: 760px)");
const NO_PANEL = matchMedia("(max-width: 1120px)");
const BOTH = matchMedia("(min-width: 1500px)");

const TABS = ["lab", "runbook"];

const $ = (id) => document.getElementById(id);

export class Arrangement {
  #drawer = "";
  #opener = null;
  #panelOpen = true;
  #tab = "lab";
  #onTop = "panel";

  /** `onShow(tab)` is called when the lab or the runbook comes into sight. */
  constructor(page, onShow) {
    this.page = page;
    this.onShow = onShow;
    $("menu").addEventListener("click", () => this.#openDrawer("sidebar", $("menu")));
    $("sidebar-close").addEventListener("click", () => this.closeDrawer());
    $("panel-close").addEventListener("click", () => this.#closePanel());
    $("scrim").addEventListener("click", () => this.closeDrawer());
    TABS.forEach((tab) => $(`show-${tab}`).addEventListener("click", () => this.toggle(tab)));
    tablist(TABS.map((tab) => $(`tab-${tab}`)), (number) => this.#select(TABS[number]));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented && this.#drawer && !document.querySelector("dialog[open]")) {
        this.closeDrawer();
      } else if (event.key === "F6") {
        event.preventDefault();
        nextRegion(event.shiftKey ? -1 : 1);
      }
    });
    [PHONE, NO_PANEL, BOTH].forEach((query) => query.addEventListener("change", () => this.#resized()));
    this.show();
  }

  /** The thread was opened: it stands above the panel where there is room for one. */
  threadOpened() {
    this.#onTop = "thread";
    this.closeDrawer({ back: false });
    this.show();
  }

  /** Show the lab or the runbook, and go there. */
  showPanel(tab) {
    this.#select(tab);
    if (NO_PANEL.matches) {
      this.#openDrawer("panel", document.activeElement);
    } else {
      [this.#panelOpen, this.#onTop] = [true, "panel"];
      this.show();
    }
    $(`tab-${tab}`).focus();
  }

  toggle(tab) {
    if (this.#visible && this.#tab === tab) {
      this.#closePanel();
    } else {
      this.#opener = $(`show-${tab}`);
      this.showPanel(tab);
    }
  }

  closeDrawer({ back = true } = {}) {
    if (this.#drawer) {
      this.#drawer = "";
      this.show();
      if (back) {
        (this.#opener?.isConnected && this.#opener.checkVisibility() ? this.#opener : $("title")).focus();
      }
    }
  }

  get hasDrawer() {
    return this.#drawer !== "";
  }

  get #visible() {
    if (NO_PANEL.matches) {
      return this.#drawer === "panel";
    }
    return this.#panelOpen && (BOTH.matches || !this.page.thread?.isOpen || this.#onTop === "panel");
  }

  show() {
    const visible = this.#visible;
    const threadHidden = !NO_PANEL.matches && !BOTH.matches && visible && this.page.thread?.isOpen;
    $("panel").hidden = !visible;
    $("thread").classList.toggle("beneath", Boolean(threadHidden));
    document.body.dataset.drawer = this.#drawer;
    $("scrim").hidden = !this.#drawer;
    $("menu").setAttribute("aria-expanded", String(this.#drawer === "sidebar"));
    $("sidebar").inert = PHONE.matches && this.#drawer !== "sidebar";
    $("conversation").inert = Boolean(this.#drawer);
    $("thread").inert = Boolean(this.#drawer);
    for (const tab of TABS) {
      $(`show-${tab}`).setAttribute("aria-expanded", String(visible && this.#tab === tab));
      $(`tab-${tab}`).setAttribute("aria-selected", String(this.#tab === tab));
      $(`tab-${tab}`).tabIndex = this.#tab === tab ? 0 : -1;
      $(tab).hidden = this.#tab !== tab;
    }
    if (visible) {
      this.onShow(this.#tab);
    }
  }

  #select(tab) {
    this.#tab = tab;
    this.show();
  }

  #openDrawer(drawer, opener) {
    [this.#drawer, this.#opener] = [drawer, opener];
    this.show();
    (drawer === "sidebar" ? $("who") : $(`tab-${this.#tab}`)).focus();
  }

  #closePanel() {
    if (NO_PANEL.matches) {
      this.closeDrawer();
      return;
    }
    [this.#panelOpen, this.#onTop] = [BOTH.matches || !this.page.thread?.isOpen ? false : this.#panelOpen, "thread"];
    this.show();
    (this.page.thread?.isOpen && !BOTH.matches ? $("thread-title") : $(`show-${this.#tab}`)).focus();
  }

  #resized() {
    this.#drawer = "";
    this.show();
  }
}

/** Make tabs of buttons: arrow keys go from one to the next; `choose` gets the number of the one that is taken. */
export function tablist(tabs, choose) {
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => choose(number));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : step && (number + step + tabs.length) % tabs.length;
      if (to !== undefined) {
        event.preventDefault();
        choose(to);
        tabs[to].focus();
      }
    });
  });
}

/** Go to the next part of the page, as chats do with F6. */
function nextRegion(step) {
  const stops = ["who", "stream", "home", "channel-text", "thread-box", "thread-text", "tab-lab", "tab-runbook"]
    .map($)
    .filter((node) => node && node.checkVisibility() && node.tabIndex >= 0 && !node.closest("[inert]"));
  const at = stops.findIndex((node) => node === document.activeElement || (node.id !== "who" && node.contains(document.activeElement)));
  stops[(at + step + stops.length) % stops.length]?.focus();
}
