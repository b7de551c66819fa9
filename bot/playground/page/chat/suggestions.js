// What can be typed next: /aegis and its words, names of containers, and people after an @.

const COMMANDS = [
  { words: "diagnose", argument: "NAME", about: "look at a container now" },
  { words: "status", argument: "", about: "open incidents, what is watched, who may restart what" },
  { words: "history", argument: "[NAME]", about: "what happened lately" },
  { words: "runbook", argument: "WORDS", about: "search the past incidents" },
  { words: "help", argument: "", about: "what Aegis can do" },
];

/**
 * Return what may follow a text that is typed up to the cursor, as `[{text, shown, about, more, certain}]`: `text` is the whole
 * text up to the cursor when it is taken, `more` that something has to follow, `certain` that Enter takes it unasked.
 */
export function suggest(typed, { services, people }) {
  const named = /(?:^|\s)@([\w.-]*)$/.exec(typed);
  if (named) {
    const before = typed.slice(0, typed.length - named[1].length);
    return people
      .filter((person) => starts(person.handle, named[1]) || starts(person.name, named[1]))
      .map((person) => ({ text: `${before}${person.handle} `, shown: `@${person.handle}`, about: person.name, more: true, certain: true }));
  }
  if (!typed.startsWith("/") || typed.includes("\n")) {
    return [];
  }
  const [, word, rest] = /^\/aegis\s+(\S*)(\s+\S*)?$/i.exec(typed) ?? [];
  if (rest !== undefined) {
    const asked = COMMANDS.find((command) => command.words === word.toLowerCase());
    const wanted = rest.trim();
    return asked && /NAME/.test(asked.argument)
      ? services
          .filter((service) => starts(service.name, wanted))
          .map((service) => ({
            text: `/aegis ${asked.words} ${service.name}`,
            shown: service.name,
            about: [service.status, service.health].filter(Boolean).join(", "),
            more: false,
            certain: wanted !== "" || asked.argument === "NAME",
          }))
      : [];
  }
  const wanted = word ?? "";
  const isCommand = word !== undefined || starts("/aegis", typed.trim());
  return COMMANDS.filter((command) => isCommand && starts(command.words, wanted)).map((command) => ({
    text: `/aegis ${command.words}${command.argument ? " " : ""}`,
    shown: `/aegis ${command.words} ${command.argument}`.trim(),
    about: command.about,
    more: command.argument !== "",
    certain: true,
  }));
}

function starts(whole, part) {
  return whole.toLowerCase().startsWith(part.toLowerCase());
}
