// The services of the demo: how each one is, and the newest log lines of one of them.

import { button } from "../lib/icons.js";
import { logRows } from "../lib/log_lines.js";
import { make } from "../lib/nodes.js";
import { since } from "../lib/times.js";

/** Say in a word how a service is, with a tone: good, warn or bad. */
export function condition(service) {
  if (service.status !== "running") {
    const code = service.exit_code ?? null;
    return { tone: "bad", words: code === null || service.status !== "exited" ? service.status : `exited ${code}` };
  }
  const health = service.health || "running";
  return { tone: { healthy: "good", running: "good", starting: "warn" }[health] ?? "bad", words: health };
}

export class Services {
  #rows = new Map();
  #services = [];
  #shown = "";
  #byHand = false;
  #stuck = true;

  constructor() {
    this.list = make("ul", { class: "services" });
    this.title = make("h3", { class: "log-title" });
    this.log = make("div", { class: "log live", tabindex: "0", role: "region" });
    this.node = make("section", { "aria-label": "Services" }, this.list, this.title, this.log);
    this.log.addEventListener("scroll", () => {
      this.#stuck = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 24;
    }, { passive: true });
    // While the panel is not shown nothing can be scrolled.
    new ResizeObserver(() => this.#stuck && this.#pin()).observe(this.log);
    // Times that are counted ("up 3 min") go on without any news.
    setInterval(() => this.#services.forEach((service) => this.#rows.get(service.name)?.show(service)), 10_000);
  }

  /** Draw the services as they are. The log of the one in trouble is shown, until somebody chooses another one. */
  show(services) {
    const before = this.#services;
    this.#services = services;
    if (services.map((service) => service.name).join() !== [...this.#rows.keys()].join()) {
      this.#rows = new Map(services.map((service) => [service.name, new Row(service.name, () => this.#choose(service.name))]));
      this.list.replaceChildren(...[...this.#rows.values()].map((row) => row.node));
    }
    const bad = (service) => condition(service).tone === "bad";
    const turned = services.find((service) => bad(service) && !before.some((one) => one.name === service.name && bad(one)));
    if (turned && !this.#byHand) {
      this.#shown = turned.name;
    }
    services.forEach((service) => this.#rows.get(service.name).show(service));
    this.#showLog();
  }

  #choose(name) {
    this.#shown = name;
    this.#byHand = true;
    this.#showLog();
    this.#pin();
  }

  #showLog() {
    const service = this.#services.find((one) => one.name === this.#shown) ?? this.#services[0];
    this.title.hidden = this.log.hidden = !service;
    if (!service) {
      return;
    }
    this.#rows.forEach((row, name) => row.node.firstChild.setAttribute("aria-pressed", String(name === service.name)));
    this.title.textContent = `Log of ${service.name}`;
    this.log.setAttribute("aria-label", `Newest log lines of ${service.name}`);
    const other = this.logOf !== service.name;
    const text = service.log?.join("\n") || "No line yet.";
    if (other || this.logged !== text) {
      [this.logOf, this.logged] = [service.name, text];
      this.log.replaceChildren(...logRows(text.split("\n")));
      if (other || this.#stuck) {
        this.#pin();
      }
    }
  }

  #pin() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

class Row {
  constructor(name, onPress) {
    this.name = name;
    this.dot = make("span", { class: "dot" });
    this.state = make("span", { class: "state" });
    this.facts = make("span", { class: "facts" });
    const button_ = button({ class: "service-row" }, onPress, this.dot, make("b", {}, name), this.state, this.facts);
    this.node = make("li", {}, button_);
  }

  show(service) {
    const { tone, words } = condition(service);
    this.dot.className = `dot ${tone}`;
    this.state.textContent = words;
    this.state.className = `state ${tone}`;
    const { status, up_since: since_, restarts, memory, image } = service;
    const facts = [
      status === "running" && since_ ? `up ${since(since_)}` : "",
      restarts ? `${restarts} ${restarts === 1 ? "restart" : "restarts"}` : "no restart",
      typeof memory === "number" ? `${Math.round(memory / 1_000_000)} MB` : (memory ?? ""),
      image ?? "",
    ];
    this.facts.textContent = facts.filter(Boolean).join(" · ");
  }
}
