// Moments in the reader's own time zone, in the formats of <!date^…> and of rich text.

import { link } from "./mentions.js";
import { make } from "./nodes.js";

const LANGUAGE = "en-US";
const TOKEN = /\{(date|date_num|date_slash|date_long|date_long_full|date_short|date_pretty|date_short_pretty|date_long_pretty|day_divider_pretty|time|time_secs|ago)\}/g;
const DAYS = new Map([[-1, "yesterday"], [0, "today"], [1, "tomorrow"]]);
const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** Show a moment (seconds since 1970) as ``format`` says; ``fallback`` is what it reads where that cannot be done. */
export function dateNode(seconds, format, { url = "", fallback = "" } = {}) {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || !format) {
    return url ? link(url, fallback || String(seconds)) : make("span", {}, fallback || String(seconds));
  }
  const said = format.replace(TOKEN, (_, name) => one(name, at));
  const node = make("time", { datetime: at.toISOString(), title: fallback || at.toUTCString() }, said);
  return url ? link(url, node) : node;
}

function one(name, at) {
  const spell = (options) => at.toLocaleDateString(LANGUAGE, options);
  const pretty = (other) => DAYS.get(daysFromToday(at)) ?? one(other, at);
  switch (name) {
    case "date_num":
      return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
    case "date_slash":
      return spell({ year: "numeric", month: "2-digit", day: "2-digit" });
    case "date":
      return withOrdinal(spell({ month: "long" }), at);
    case "date_long":
    case "date_long_full":
      return withOrdinal(spell({ weekday: "long" }) + ", " + spell({ month: "long" }), at);
    case "date_short":
      return spell({ month: "short", day: "numeric", year: "numeric" });
    case "date_pretty":
    case "day_divider_pretty":
      return pretty("date");
    case "date_short_pretty":
      return pretty("date_short");
    case "date_long_pretty":
      return pretty("date_long");
    case "time_secs":
      return clock(at, { second: "2-digit" });
    case "ago":
      return ago(at);
    default:
      return clock(at);
  }
}

/** Say the time of day as the rest of the page does, and log lines do: by 24 hours. */
function clock(at, more = {}) {
  return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...more });
}

function withOrdinal(before, at) {
  const day = at.getDate();
  const ending = new Intl.PluralRules(LANGUAGE, { type: "ordinal" }).select(day);
  return `${before} ${day}${{ one: "st", two: "nd", few: "rd" }[ending] ?? "th"}, ${at.getFullYear()}`;
}

function daysFromToday(at) {
  const midnight = (moment) => Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate());
  return (midnight(at) - midnight(new Date())) / 86_400_000;
}

function ago(at) {
  const seconds = (at.getTime() - Date.now()) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(LANGUAGE).format(Math.round(seconds / length), unit);
}
