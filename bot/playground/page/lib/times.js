// Moments as people read them, in their own time zone. A ts is seconds since 1970 with a fraction, as a text.

const DAY = 86_400_000;
const LANGUAGE = "en-GB";

/** Return the moment of a ts, or of an ISO 8601 text. */
function moment(when) {
  return /^\d+(\.\d+)?$/.test(String(when)) ? new Date(Number(when) * 1000) : new Date(when);
}

/** Return the hour and minute: 10:04. */
export function clock(when) {
  return moment(when).toLocaleTimeString(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
}

/** Return day and time in full. */
export function inFull(when) {
  return moment(when).toLocaleString(LANGUAGE, { dateStyle: "full", timeStyle: "medium" });
}

/** Return the day as a line between messages names it: Today, Yesterday, Friday 20 November. */
export function day(when) {
  const at = moment(when);
  const back = Math.round((midnight(new Date()) - midnight(at)) / DAY);
  if (back === 0 || back === 1) {
    return back ? "Yesterday" : "Today";
  }
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return at.toLocaleDateString(LANGUAGE, { weekday: "long", day: "numeric", month: "long", ...year });
}

/** Return day and time as short as possible: 10:04, yesterday 10:04, 20 Nov 10:04. */
export function short(when) {
  const name = day(when);
  if (name === "Today") {
    return clock(when);
  }
  const date = moment(when).toLocaleDateString(LANGUAGE, { day: "numeric", month: "short" });
  return `${name === "Yesterday" ? "yesterday" : date} ${clock(when)}`;
}

/** Return how long ago: 12 s, 3 min, 5 h, 2 days. */
export function since(when) {
  const seconds = Math.max(0, Math.round((Date.now() - moment(when).getTime()) / 1000));
  if (seconds < 90) {
    return `${seconds} s`;
  }
  if (seconds < 5400) {
    return `${Math.round(seconds / 60)} min`;
  }
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
