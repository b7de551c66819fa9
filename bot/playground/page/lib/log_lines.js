// Log lines to read beside a chat: without the day, in the reader's time zone; long lines hanging, trouble in colour.

import { make } from "./nodes.js";

const STAMP = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(?: ?(Z|UTC|[+-]\d\d:?\d\d)(?=\s))?\s*/;
const LEVELS = [[/\b(?:ERROR|CRITICAL|FATAL|PANIC)\b/, "bad"], [/\bWARN(?:ING)?\b/, "warn"]];

/** Return a row for each line; the whole time stamp is read where one points at the row. */
export function logRows(lines) {
  return lines.map((line) => {
    const stamp = STAMP.exec(line);
    const tone = LEVELS.find(([pattern]) => pattern.test(line))?.[1];
    const shown = stamp ? `${hour(...stamp.slice(1))} ${line.slice(stamp[0].length)}` : line;
    return make("div", { class: tone ? `log-row ${tone}` : "log-row", title: stamp?.[0].trim() }, shown);
  });
}

/** A time whose zone is not told stays as it is. */
function hour(date, time, zone) {
  const at = new Date(`${date}T${time}${zone === "UTC" ? "Z" : zone}`);
  return zone && !Number.isNaN(at.getTime()) ? at.toLocaleTimeString("en-GB") : time;
}
