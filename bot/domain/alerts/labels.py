"""Reads labels, and groups of them, out of an alert's text.

The forms are ``name: value`` lines, ``{a="b"}``, ``map[a:b]`` and tag lists.

A pair counts only where a sender puts pairs: at the start of a line, in a field, in a list. Names in running text, in
code blocks and in the values of prose (description, logs) are no labels.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bot.domain.alerts.label_syntax import KEY, key_of, map_pairs, pairs_in, tag_pairs, value_of
from bot.domain.alerts.message import Section, SectionKind, SlackMessage, without_markup, word_set

_LINE = re.compile(
    rf"^[ \t>]{{0,8}}(?P<bullet>(?:[•●◦▪·*–-]|:[a-z0-9_]{{2,40}}:|"
    rf"[\u25a0-\u27bf\U0001f000-\U0001faff]\ufe0f?)[ \t]+)?(?P<style>(?!\*?__)[*`_]{{0,2}})"
    rf"(?P<key>{KEY})(?P<close>[*`_]{{0,2}})[ \t]{{0,3}}"
    r"(?P<sign>[:=]|"
    rf"(?=[ \t]`))(?P<close2>[*_]{{0,2}})"
    r"[ \t]{0,8}(?P<value>\S[^\n]{0,2000})$"
)
_INLINE = re.compile(r"(?:^|[\s,(])\*?([A-Za-z_][\w.]{0,60})\*?[:=]\*? ?`([^`\n]{1,200})`")

_LOGS = word_set(
    "log logs output stacktrace stack_trace traceback trace last_log_lines log_line log_message "
    "exception backlog full_log tail"
)
_PROSE = (
    word_set(
        "description summary message text error reason details detail note notes comment info "
        "additional_info output value "
        "trigger_description condition_results runbook annotations body title subject content culprit"
    )
    | _LOGS
)


@dataclass(slots=True)
class Member:
    """The pairs of one alert of a group, and whether its section or status says that it is over."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    resolved: bool | None = None

    def get(self, key: str) -> str:
        """Return the first value of ``key``, or ``""``."""
        return next((value for name, value in self.pairs if name == key), "")


_SECTION = re.compile(
    r"^[\W_]*(?:alerts? )?(firing|resolved|triggered|recovered|problems?|"
    r"closed)(?: alerts?)?[\W_]*(?:\(?\d{0,4}\)?)?[\W_]*$",
    re.IGNORECASE,
)


def _section(line: str) -> re.Match[str] | None:
    """Return what a line says where it only says whether the alerts after it fire: ``:fire: *Firing* (2)``."""
    return _SECTION.match(without_markup(line)) if len(line) < 120 else None


def read_members(message: SlackMessage, *, sentence_first: bool = False) -> tuple[Member, ...]:
    """Return the alerts of a group, each with its labels; a message about one thing has one member, or none.

    ``sentence_first``: the first line is a sentence about one container, so plain lines after it may be its log.
    """
    found: list[Member] = []
    common = Member()
    group = -1
    current: Member | None = None
    resolved: bool | None = None
    for part in _own_sections(message):
        if part.group != group:
            group, current = part.group, None
        if part.place in (SectionKind.TEXT, SectionKind.TITLE, SectionKind.PRETEXT, SectionKind.HEADER):
            common.pairs.extend(pairs_in(part.prose_free))
            if part.place is not SectionKind.TEXT:
                continue
        for pair in _pairs(part, sentence_first):
            if pair[0] == "section":
                resolved, current = pair[1] == "resolved", None
                continue
            if current is None or _starts_another(current, pair):
                current = Member(resolved=resolved)
                found.append(current)
            current.pairs.append(pair)
    found = _joined(found)
    for member in found:
        member.pairs.extend(pair for pair in common.pairs if not member.get(pair[0]))
    return tuple(found) if found else ((common,) if common.pairs else ())


# After such a line come the lines of a log.
_LOGS_FOLLOW = re.compile(
    r"(?i)[\W_]{0,40}(?:(?:last|recent|container|\S{1,100}) )?(?:\d{1,9} )?(?:logs?|backlog|output|stack ?trace|"
    r"traceback|last messages?|(?<=last )lines|(?<=\d )lines|log lines|tail)"
    r"(?: (?:lines|tail|accounting|of|from)\b.*)?[\W_]{0,40}$"
)
# "Matched lines from syslog:" as a text of its own
_INTRODUCES_LOG = re.compile(r"(?i)\b(?:logs?|lines|output|syslog|journal|stack ?trace|traceback)\b[^:\n]{0,60}:\W*\Z")
_LABELS_FOLLOW = re.compile(r"(?i)[\W_]{0,40}(?:alert )?(?:labels|fields|tags|details)[\W_]{0,40}:[\W_]{0,40}$")
_ANNOTATIONS = re.compile(r"(?i)[\W_]{0,40}(?:alert |common )?annotations[\W_]{0,40}")
_OWN_AGAIN = re.compile(
    r"(?i)[\W_]{0,40}(?:alert |common )?(?:labels|fields|tags|details)[\W_]{0,40}"
    r"|[\s>]{0,8}[*`]{1,2}alert(?:[ _]?name)?\b[\W_]{0,6}\S[^\n]*"
)
_COLUMNS = re.compile(r"[ \t]{3,100}(?=\S)|[ \t]\|[ \t]")
_CAPITALS = re.compile(r"\s{1,100}(?=[A-Z]{4,12}: )")
_LOGFMT = re.compile(
    r"(?!.*\b(?:msg|level|lvl|ts|caller|logger)=)(?:(?:\[[^\]\n]{0,60}\]|[A-Z]{2,10}:?) ){0,2}"
    r"(?:[a-z_][\w.]{0,40}=(?:\"[^\"\n]{0,300}\"|[^\s\",]{1,300})(?:,? +|$)){2,}"
)


def _split(text: str) -> Iterator[str]:
    """Yield the lines of ``text``; where a line holds pairs in columns (``State: x   Since: y``), each of them."""
    for line in text.splitlines()[:600]:
        columns = (_CAPITALS if _CAPITALS.search(line[:4000]) else _COLUMNS).split(line[:4000])
        columns = [column for column in columns if re.search(r"\w", column)]
        yield from columns if len(columns) > 1 and all(":" in column for column in columns) else (line[:4000],)


def _own_sections(message: SlackMessage) -> Iterator[Section]:
    """Yield the parts in which the sender speaks: no body that a text of its own calls log lines, no annotations."""
    quoting = annotated = False
    group = -1
    for part in message.parts:
        if part.place is SectionKind.BODY and quoting:
            quoting = False
        elif part.place not in (SectionKind.FOOTER, SectionKind.FALLBACK):
            heading = part.place in (SectionKind.TEXT, SectionKind.TITLE, SectionKind.PRETEXT, SectionKind.HEADER)
            quoting = quoting or (heading and bool(_INTRODUCES_LOG.search(part.text)))
            annotated = annotated and part.group == group and part.place is SectionKind.BODY
            group = part.group
            text, annotated = _unannotated(part.text, annotated)
            yield replace(part, text=text)


def _unannotated(text: str, annotated: bool) -> tuple[str, bool]:
    """Return ``text`` without what stands under a heading ``Annotations``, and whether it ends under one.

    Annotations are prose, whatever they are called: they say what to read and where to look, not what is meant.
    """
    remaining: list[str] = []
    for line in text.split("\n"):
        if _ANNOTATIONS.fullmatch(line):
            annotated = True
        elif annotated and (_OWN_AGAIN.fullmatch(line) or _section(line)):
            annotated = False
        if not annotated:
            remaining.append(line)
    return "\n".join(remaining), annotated


_STARTERS = frozenset({"alertname", "alert", "name", "container", "container_name"})


def _starts_another(member: Member, pair: tuple[str, str]) -> bool:
    return (
        pair[0] in _STARTERS
        and bool(member.get(pair[0]))
        and (pair[0] in ("alert", "alertname") or member.get(pair[0]) != pair[1])
    )


def _joined(found: list[Member]) -> list[Member]:
    """Join members that name no alert of their own with the one before: fields after a text, a second attachment."""
    joined: list[Member] = []
    for member in found:
        if (
            joined
            and member.resolved == joined[-1].resolved
            and not any(member.get(key) and joined[-1].get(key) for key in _STARTERS)
        ):
            joined[-1].pairs.extend(member.pairs)
        else:
            joined.append(member)
    return joined


def _pairs(part: Section, sentence_first: bool) -> Iterator[tuple[str, str]]:
    """Yield the pairs of one part; sections as the pair ``section``. ``sentence_first`` as for lines."""
    if part.place is SectionKind.FIELD:
        key = key_of(part.name)
        if "=" in part.name:  # {name=redis} and its value
            yield from tag_pairs(part.name)
        if key not in _PROSE:
            if key in ("tags", "event_tags", "labels", "alert_labels", "dimensions", "custom_details"):
                yield from pairs_in(part.text)
                yield from tag_pairs(part.text)
            yield key, value_of(part.text.partition("\n")[0])
            return
        if key in _LOGS or key.endswith("annotations"):
            return
    if part.text.lstrip().startswith("{") and (held := _json(part.text)):
        yield from held
    else:
        yield from _lines(part, sentence_first)


def _json(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a text that is one flat JSON object, as scripts post it."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return []
    pairs = [(key_of(key), value_of(value)) for key, value in held.items() if isinstance(value, str)]
    return [(key, value) for key, value in pairs if key not in _PROSE]


def _lines(part: Section, sentence_first: bool) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a text. ``sentence_first``: a plain text came before, whose own lines the next ones may be."""
    speaks = bool(re.search(r"^[^\S\n]*[^>\s]", part.prose_free, re.MULTILINE))
    named: set[str] = set()
    for number, line in enumerate(_split(part.prose_free)):
        if _LOGS_FOLLOW.match(line):
            return
        if _LABELS_FOLLOW.match(line):
            sentence_first = speaks = False
            continue
        if section := _section(line):
            yield "section", "resolved" if section[1].lower() in ("resolved", "recovered", "closed") else "firing"
            continue
        match = _LINE.match(line)
        key = key_of(match["key"]) if match else ""
        if key in _LOGS:
            return
        if match and key in _PROSE:
            sentence_first = sentence_first or not _marked(match)
            yield from map_pairs(line)
            continue
        quoted = speaks and line.lstrip().startswith(">")
        plain = match is not None and not _marked(match)
        if (quoted and (plain or key in named)) or (sentence_first and plain and key in _STARTERS):
            # Plain lines after a plain text of free words may be that text's own; what a sender quotes is not its own.
            continue
        named |= set() if quoted else {key}
        yield from tag_pairs(line) if not number and _LOGFMT.fullmatch(line.strip()) else _of_line(line, match, key)


def _of_line(line: str, match: re.Match[str] | None, key: str) -> Iterator[tuple[str, str]]:
    inline = [(key_of(name), value_of(value)) for name, value in _INLINE.findall(line)]
    if len(inline) > 1:
        yield from inline
    elif match and key in ("labels", "tags", "dimensions", "alert_labels"):
        inside = list(pairs_in(line))
        yield from inside or tag_pairs(match["value"])
    elif match and _is_label(match, key):
        code = re.match(r"`([^`\n]{1,300})`", match["value"]) if not match["sign"] else None
        yield key, value_of(code[1] if code else match["value"])
    else:
        yield from pairs_in(line)


def _is_label(match: re.Match[str], key: str) -> bool:
    """Return True if a line is a label and no sentence with a colon in it: few words on both sides, or marked up."""
    marked = _marked(match)
    if not match["sign"]:
        return "`" in match["value"] and (marked or match["value"].count("`") == 2) and key.count("_") < 3
    return (key.count("_") <= (3 if marked else 2) and "://" not in match["value"][:12]) or marked


def _marked(match: re.Match[str]) -> bool:
    return bool(match["bullet"] or match["style"].strip() or match["close"] or match["close2"])
