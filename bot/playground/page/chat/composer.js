// The box in which a person writes: Enter sends, Shift+Enter begins a line, suggestions by arrow keys.

import { button, icon } from "../lib/icons.js";
import { make } from "../lib/nodes.js";
import { suggest } from "./suggestions.js";

const TALLEST = 220;

export class Composer {
  #drafts = new Map();
  #place = "";
  #offered = [];
  #chosen = -1;

  /** `send(text)` returns the demo's answer; `known()` gives what suggestions are made of; `commands` says whether they work here. */
  constructor(name, { send, known, commands = true }) {
    this.send = send;
    this.known = known;
    this.commands = commands;
    const [list, says] = [`${name}-suggestions`, `${name}-says`];
    this.list = make("ul", { id: list, class: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.box = make("textarea", {
      id: `${name}-text`, rows: 1, maxlength: 4000, autocomplete: "off", "aria-autocomplete": "list", "aria-controls": list,
      "aria-describedby": says, enterkeyhint: "send",
    });
    this.go = button({ class: "send", label: "Send", disabled: "" }, () => this.#send(), icon("send"));
    this.says = make("p", { id: says, class: "composer-says" });
    const frame = make("div", { class: "composer-frame" }, this.box, this.go);
    this.node = make("div", { class: "composer" }, this.list, frame, this.says);
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("blur", () => this.#offer([]));
    this.box.addEventListener("click", () => this.#refresh());
    // A press on a suggestion must not take the focus away before it is a click.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#hint();
  }

  /** Write for another place (its name is read aloud); what was begun at the last one waits there. */
  at(place, label) {
    if (place !== this.#place) {
      this.#drafts.set(this.#place, this.box.value);
      this.#place = place;
      this.box.value = this.#drafts.get(place) ?? "";
      this.#typed();
      this.#hint();
      this.#offer([]);
    }
    this.box.setAttribute("aria-label", label);
    this.box.placeholder = label;
  }

  get isEmpty() {
    return this.box.value === "";
  }

  focus() {
    this.box.focus();
  }

  #hint(sentence = "") {
    const key = (name) => make("kbd", {}, name);
    this.says.classList.toggle("wrong", sentence !== "");
    this.says.setAttribute("role", sentence ? "alert" : "note");
    this.says.replaceChildren(
      ...(sentence ? [sentence] : [key("Enter"), " sends, ", key("Shift"), "+", key("Enter"), " begins a line"]),
      ...(!sentence && this.commands ? [", ", key("/"), " shows what Aegis can do"] : []),
    );
  }

  #typed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight + 2, TALLEST)}px`;
    this.go.disabled = this.box.value.trim() === "";
    this.#refresh();
  }

  #refresh() {
    const { selectionStart: at, selectionEnd: end, value } = this.box;
    const offered = at === end ? suggest(value.slice(0, at), this.known()) : [];
    this.#offer(this.commands || !value.startsWith("/") ? offered : []);
  }

  #offer(offered) {
    this.#offered = offered;
    this.#chosen = offered[0]?.certain ? 0 : -1;
    this.list.hidden = offered.length === 0;
    this.list.replaceChildren(
      ...offered.map((one, number) => {
        const row = make("li", { id: `${this.list.id}-${number}`, role: "option" },
          make("span", { class: "suggested" }, one.shown), make("span", { class: "about" }, one.about));
        row.addEventListener("click", () => this.#take(one));
        return row;
      }),
    );
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === this.#chosen)));
    const row = this.list.children[this.#chosen];
    row?.scrollIntoView({ block: "nearest" });
    if (row) {
      this.box.setAttribute("aria-activedescendant", row.id);
    } else {
      this.box.removeAttribute("aria-activedescendant");
    }
  }

  #take(one) {
    const rest = this.box.value.slice(this.box.selectionStart);
    this.box.value = one.text + rest;
    this.box.setSelectionRange(one.text.length, one.text.length);
    this.#typed();
    if (!one.more) {
      this.#offer([]);
    }
    this.box.focus();
  }

  #key(event) {
    if (event.isComposing) {
      return;
    }
    const open = this.#offered.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step) {
      event.preventDefault();
      const count = this.#offered.length;
      this.#chosen = this.#chosen < 0 && step < 0 ? count - 1 : (this.#chosen + step + count) % count;
      this.#mark();
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.#offer([]);
    } else if (open && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      this.#take(this.#offered[Math.max(this.#chosen, 0)]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const chosen = this.#offered[this.#chosen];
      const changes = chosen && chosen.text.trim() !== this.box.value.trim();
      if (changes) {
        this.#take(chosen);
      } else {
        this.#send();
      }
    }
  }

  async #send() {
    const text = this.box.value.trim();
    if (!text || this.box.readOnly) {
      return;
    }
    const place = this.#place;
    this.#offer([]);
    this.box.readOnly = true;
    const answer = await this.send(text);
    this.box.readOnly = false;
    const here = place === this.#place;
    if (answer.ok) {
      this.#drafts.delete(place);
    }
    if (answer.ok && here) {
      this.box.value = "";
      this.#typed();
    }
    this.#hint(here && !answer.ok ? answer.sentence : "");
  }
}
