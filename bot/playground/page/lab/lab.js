// The lab: how the services are, what can be broken and repaired, and what was done so far.

import { button } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { clock } from "../lib/times.js";
import { Services } from "./services.js";

const GROUPS = [
  ["break", "Break it", "Each does real harm to a real process. The monitor notices, and Aegis answers in #alerts."],
  ["promise", "Try a promise", "What must not go wrong, tried by hand."],
  ["repair", "Repair", ""],
];

const KEPT = 15_000;

export class Lab {
  #said = make("p", { class: "lab-said", role: "status" });
  #groups = make("div", {});
  #notes = make("ol", { class: "notes" });
  #busy = new Set();

  constructor(page, box) {
    this.page = page;
    this.notesTitle = make("h3", {}, "So far");
    this.services = new Services();
    box.append(
      this.services.node,
      this.#groups,
      make("section", { "aria-label": "What was done so far" }, this.notesTitle, this.#notes),
    );
    // Beside what scrolls, so that it covers nothing.
    box.parentElement.append(this.#said);
  }

  /** Draw the parts of the lab's state that changed. */
  show(parts) {
    const { services, actions, notes } = this.page.store.lab;
    if (parts.includes("services") && services) {
      this.services.show(services);
    }
    if (parts.includes("actions") && actions) {
      this.#showActions(actions);
    }
    if (parts.includes("notes") && notes) {
      this.notesTitle.hidden = notes.length === 0;
      this.#notes.replaceChildren(...notes.slice(-20).reverse().map((note) => make("li", {}, make("time", {}, clock(note.at)), make("span", {}, note.text))));
    }
  }

  #showActions(actions) {
    const focused = document.activeElement?.dataset?.lab;
    this.#groups.replaceChildren(
      ...GROUPS.map(([group, title, about]) => {
        const rows = actions.filter((action) => action.group === group).map((action) => make("li", {}, this.#button(action)));
        return rows.length ? make("section", { class: `actions ${group}` }, make("h3", {}, title), about ? make("p", { class: "about" }, about) : null, make("ul", {}, rows)) : null;
      }).filter(Boolean),
    );
    if (focused) {
      this.#groups.querySelector(`[data-lab="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  #button(action) {
    const what = make("span", { class: "what" }, action.what);
    const node = button({ class: `lab-action ${action.group}`, "data-lab": action.id }, () => this.#do(action), make("span", { class: "label" }, action.label), what);
    // Still reached by the keyboard, so that one can read what it is.
    node.setAttribute("aria-disabled", String(!action.enabled));
    node.setAttribute("aria-busy", String(this.#busy.has(action.id)));
    return node;
  }

  async #do(action) {
    const now = this.page.store.lab.actions.find((one) => one.id === action.id);
    if (this.#busy.has(action.id)) {
      return;
    }
    if (!now?.enabled) {
      this.#say(`“${action.label}” is not possible just now.`, true);
      return;
    }
    this.#mark(action.id, true);
    this.#say(`${action.label} …`, false);
    const answer = await this.page.live.ask({ do: "lab", action: action.id });
    this.#mark(action.id, false);
    this.#say(answer.sentence || "Done.", !answer.ok);
  }

  #mark(id, busy) {
    this.#busy[busy ? "add" : "delete"](id);
    this.#groups.querySelector(`[data-lab="${CSS.escape(id)}"]`)?.setAttribute("aria-busy", String(busy));
  }

  #say(sentence, wrong) {
    this.#said.textContent = sentence;
    this.#said.classList.toggle("wrong", wrong);
    clearTimeout(this.fading);
    if (!wrong) {
      // What was done also stands among the notes.
      this.fading = setTimeout(() => this.#said.replaceChildren(), KEPT);
    }
  }
}
