"""Refusals of the demo engine and its times, written as Docker does."""

from __future__ import annotations

import time
from datetime import UTC, datetime

NEVER_TIME = "0001-01-01T00:00:00Z"
SECOND_NS = 1_000_000_000


class EngineRefusal(Exception):
    """An answer that is an error: an HTTP status and Docker's sentence. ``304`` has none."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def format_time(parse_nanoseconds: int, *, fixed: bool = False) -> str:
    """Write nanoseconds since 1970 as Go's ``RFC3339Nano``, which drops zeros at the end unless ``fixed``; 0: never."""
    if not parse_nanoseconds:
        return NEVER_TIME
    seconds, rest = divmod(parse_nanoseconds, SECOND_NS)
    digits = f"{rest:09d}" if fixed else f"{rest:09d}".rstrip("0")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{'.' if digits else ''}{digits}Z"


def parse_nanoseconds(text: str) -> int | None:
    """Read ``seconds[.fraction]`` since 1970, as docker-py and the command line send it; ``None`` for nothing or 0."""
    if text in {"", "0"}:
        return None
    whole, _, fraction = text.partition(".")
    try:
        seconds, rest = int(whole), int(f"{fraction:0<9.9}") if fraction else 0
    except ValueError as error:
        raise EngineRefusal(500, f'strconv.ParseInt: parsing "{whole}": invalid syntax') from error
    return seconds * SECOND_NS + rest


def parse_integer(text: str) -> int:
    """Read a whole number from a query."""
    try:
        return int(text)
    except ValueError as error:
        raise EngineRefusal(500, f'strconv.Atoi: parsing "{text}": invalid syntax') from error


def parse_switch(text: str) -> bool:
    """Read a switch from a query (moby: httputils.BoolValue)."""
    return text.strip().lower() not in {"", "0", "no", "false", "none"}


def format_age(since: int) -> str:
    """Return how long ago a time was, in words (go-units: HumanDuration)."""
    seconds = max(0, time.time_ns() - since) // SECOND_NS
    minutes, hours = seconds // 60, int(seconds / 3600 + 0.5)
    for most, words in (
        (seconds < 1, "Less than a second"),
        (seconds == 1, "1 second"),
        (seconds < 60, f"{seconds} seconds"),
        (minutes == 1, "About a minute"),
        (minutes < 60, f"{minutes} minutes"),
        (hours == 1, "About an hour"),
        (hours < 48, f"{hours} hours"),
        (hours < 24 * 14, f"{hours // 24} days"),
        (hours < 24 * 60, f"{hours // 24 // 7} weeks"),
        (hours < 24 * 730, f"{hours // 24 // 30} months"),
    ):
        if most:
            return words
    return f"{hours // 24 // 365} years"
