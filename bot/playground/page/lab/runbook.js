// The runbook as it is on disk: one card for each entry, the newest first, and the file itself.

import { logRows } from "../lib/log_lines.js";
import { make } from "../lib/nodes.js";
import { short } from "../lib/times.js";

const OUTCOMES = { resolved: ["good", "resolved"], not_resolved: ["bad", "not resolved"], ignored: ["warn", "ignored"] };

export class Runbook {
  #known = null;
  #fresh = new Set();
  #list = make("div", { class: "entries" });
  #text = make("pre", { class: "file", tabindex: "0", role: "region", "aria-label": "The runbook file" });
  #path = make("p", { class: "about" });

  constructor(page, box) {
    this.page = page;
    this.fold = make("details", {}, make("summary", {}, "The file as it is"), this.#text);
    box.append(this.#path, this.#list, this.fold);
  }

  /** Return how many entries came that were not looked at. */
  get fresh() {
    return this.#fresh.size;
  }

  /** Take what is new for seen, the next time something comes. */
  seen() {
    this.#fresh.clear();
  }

  /** Draw the runbook; entries that came since the page was opened are marked. */
  show() {
    const { path, entries = [], text = "" } = this.page.store.lab.runbook ?? {};
    const keys = entries.map((entry, at) => entry.id || `${at} ${entry.at}`);
    if (this.#known) {
      keys.filter((key) => !this.#known.has(key)).forEach((key) => this.#fresh.add(key));
    }
    this.#known = new Set(keys);
    this.#path.replaceChildren("What Aegis remembers, for people to read and edit", path ? make("span", {}, ": ", make("code", {}, path)) : ".");
    const cards = entries.map((entry, at) => card(entry, this.#fresh.has(keys[at]))).reverse();
    const none = make("p", { class: "empty" }, "Nothing yet. When an incident has ended, Aegis writes down what it was and whether the restart helped.");
    this.#list.replaceChildren(...(cards.length ? cards : [none]));
    this.#text.textContent = text;
  }
}

function card(entry, fresh) {
  const [tone, outcome] = OUTCOMES[entry.outcome] ?? ["warn", entry.outcome || "no outcome"];
  const lines = Array.isArray(entry.evidence) ? entry.evidence : [];
  return make(
    "article",
    { class: fresh ? "entry fresh" : "entry" },
    make(
      "header",
      {},
      make("h3", {}, entry.target || "Any container"),
      fresh ? make("span", { class: "mark" }, "New") : null,
      make("span", { class: `pill ${tone}` }, outcome),
    ),
    make("p", { class: "facts" }, [entry.at ? short(entry.at) : "", entry.class?.replaceAll("_", " "), entry.diagnosed_by && `by ${entry.diagnosed_by}`].filter(Boolean).join(" · ")),
    entry.root_cause ? make("p", {}, entry.root_cause) : null,
    row("Done", [entry.action, entry.justification].filter(Boolean).join(": ")),
    row("Proof", [entry.verification, typeof entry.recovered_in_s === "number" ? `recovered in ${entry.recovered_in_s} s` : ""].filter(Boolean).join(" · ")),
    row("Reason", entry.reason),
    lines.length ? make("div", { class: "log", role: "group", "aria-label": "Evidence" }, logRows(lines)) : null,
  );
}

function row(name, text) {
  return text ? make("p", { class: "row" }, make("b", {}, `${name} `), text) : null;
}
