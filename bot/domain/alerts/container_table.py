"""Finds containers in trouble in lists such as ``docker ps`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.domain.alerts.message import SectionKind, SlackMessage, without_markup

# What exited days ago is not why the message comes now.
_AGO = r"(?: (?:Less than a|About an?|\d{1,2}) (?:second|minute|hour)s? ago| *\Z|(?= *[|(]))"
_AILING = re.compile(
    rf"(?:Exited \((?!0\))\d{{1,3}}\)|Restarting \(\d{{1,3}}\)){_AGO}|Exit [1-9]\d{{0,2}}\b|Dead\b|"
    r"Up(?: [^()\n]{1,40})? \(unhealthy\)"
)
_ANY_STATE = re.compile(r"(?:Exited \(\d{1,3}\)|Exit \d{1,3}\b|Dead\b|Restarting \(\d{1,3}\)|Up\b|Created\b|Paused\b)")
_COLUMN = re.compile(
    r"(?i)(?P<name>names?)|(?P<status>status|state)|"
    r"container id|image|command|created|ports|service|size|networks|health"
)
_CELLS = re.compile(r"[ \t]{2,}|\t|[ \t]\|[ \t]")
_LINE = re.compile(
    r"[\s|•●◦▪·*–-]{0,8}(?P<name>[A-Za-z0-9][\w.-]{0,126}[A-Za-z0-9])"
    r"(?::[ \t]|[ \t]{1,20}[|:–—-]?[ \t]{0,20})(?P<state>[A-Z].{0,120})"
)
_LOGS = re.compile(r"(?i)\W*(?:\w+ )?(?:logs?|output|backlog|journal|stack ?trace)\b[^\n]{0,40}:\W*")
_CODE = re.compile(r"```(.*?)(?:```|\Z)", re.DOTALL)


def unwell_containers(message: SlackMessage) -> list[str]:
    """Return the names that a list in the message says have exited, restart or are unhealthy."""
    names: dict[str, None] = {}
    for part in message.at(SectionKind.TEXT, SectionKind.PRETEXT, SectionKind.BODY, SectionKind.FALLBACK):
        for block in _CODE.findall(part.text):
            lines = [line for line in block.splitlines()[:200] if line.strip()]
            listed = all((found := _LINE.fullmatch(line)) and _ANY_STATE.match(found["state"]) for line in lines)
            names |= dict.fromkeys(_in_table(lines) or (_in_lines(lines) if listed else ()))
        lines = part.prose_free.splitlines()[:200]
        names |= dict.fromkeys(_in_table(lines) or _in_lines([without_markup(line) for line in lines]))
    return list(names)


def _in_table(lines: Sequence[str]) -> list[str]:
    """Return the ailing of a table with its head."""
    tables = ((columns, lines[number + 1 :]) for number, line in enumerate(lines) if (columns := _columns(line)))
    return [name for columns, rows in tables for name in _in_rows(columns, rows)]


def _in_lines(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if _LOGS.fullmatch(line):
            return
        found = _LINE.fullmatch(line)
        if found and _AILING.match(found["state"]):
            yield found["name"]


def _columns(line: str) -> list[re.Match[str]]:
    """Return the heads of a table's columns, where one is of names and one of states; else nothing."""
    heads = [_COLUMN.fullmatch(cell) for cell in _CELLS.split(line.strip())]
    columns = [head for head in heads if head]
    whole = len(columns) == len(heads) and all(any(head[kind] for head in columns) for kind in ("name", "status"))
    return columns if whole else []


def _in_rows(columns: Sequence[re.Match[str]], rows: Sequence[str]) -> Iterator[str]:
    place = next(number for number, column in enumerate(columns) if column["name"])
    for row in rows:
        cells = _CELLS.split(row.strip())
        if not any(_AILING.match(cell) for cell in cells):
            continue
        # Cells may be empty, but never the first or the last but for the ports.
        if len(cells) == len(columns) or place == 0:
            yield cells[place]
        elif place == len(columns) - 1:
            yield cells[-1]
