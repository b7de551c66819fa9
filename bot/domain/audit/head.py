"""Writes and reads the log line with the audit trail's head."""

from __future__ import annotations

import json
import re

LOGGER = "bot.audit_head"
"""The logger that writes the line, by which it is told from outside text that looks like it."""

_FORM = re.compile(r"audit trail head: row (\d{1,18}) hash ((?:2:|2k[0-9a-f]{8}:)?[0-9a-f]{64}|none)")
_BEGIN = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) *"
    r" (?P<logger>[\w.]{1,200}) \[(?P<incident>[^\]\n]{0,200})\] (?P<message>.*)"
)
_CONTINUED = re.compile(r"(?:^|[ |])  \[[^\]\n]{0,200}\] ")
"""How a record's second and later lines begin; their text came from outside."""

_COMPOSE = re.compile(r"[\w.-]{1,100} *\| ?")
"""What docker compose puts before each line."""


def head_line(number: int, head: str) -> str:
    """Return the line of a trail whose newest row is ``number`` with the hash ``head``; 0 and ``""`` without rows."""
    return f"audit trail head: row {number} hash {head or 'none'}"


def head_in(line: str) -> tuple[int, str] | None:
    """Return the number and hash that a line of the log holds: as text, as JSON, or wrapped by docker."""
    text = line.strip()
    wrapped = _COMPOSE.match(text)
    bare = text[wrapped.end() :] if wrapped else text
    if bare.startswith("{"):
        return _in_json(bare)
    begin = _BEGIN.search(text)
    if begin is None or begin["logger"] != LOGGER or _CONTINUED.search(line[: line.index(begin[0])]):
        return None
    return _read(begin["message"])


def _in_json(text: str) -> tuple[int, str] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    if "logger" in record:
        return _read(str(record.get("message", ""))) if record["logger"] == LOGGER else None
    wrapped = record.get("log")
    # Docker's own log files hold each line as one string.
    return head_in(wrapped) if isinstance(wrapped, str) and not wrapped.startswith('{"log"') else None


def _read(message: str) -> tuple[int, str] | None:
    form = _FORM.fullmatch(message.strip())
    return None if form is None or form[2] == "none" else (int(form[1]), form[2])
