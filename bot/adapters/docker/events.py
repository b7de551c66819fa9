"""Turns the engine's events of a container into a few lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.adapters.docker.text import safe

KINDS = (
    *("create", "start", "die", "oom", "kill", "stop", "restart", "pause", "unpause", "rename", "update", "destroy"),
    "health_status",
)
"""What is asked for: health checks run as ``exec`` events, which would drown all others and hold command lines."""
MOST_EVENTS = 20


def decode(chunks: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a stream of JSON objects, one after another; what is not JSON is passed over."""
    decoder = json.JSONDecoder()
    text = ""
    for chunk in chunks:
        text += chunk.decode("utf-8", "replace")
        while text := text.lstrip():
            try:
                event, end = decoder.raw_decode(text)
            except (ValueError, RecursionError):
                break
            text = text[end:]
            if isinstance(event, dict):
                yield event
        text = text[-1_000_000:]


def lines(events: Iterable[Mapping[str, Any]], secrets: Sequence[str] = ()) -> tuple[str, ...]:
    """Write the newest events as ``10:04:31 die, exit code 137`` (UTC), with what came before them counted."""
    shown = [event for event in events if str(event.get("Action", "")).partition(":")[0] in KINDS]
    older = Counter(str(event["Action"]).partition(":")[0] for event in shown[:-MOST_EVENTS])
    counted = ", ".join(f"{action} ×{count}" for action, count in older.most_common())
    first = (f"before: {counted}",) if counted else ()
    return first + tuple(_line(event, secrets) for event in shown[-MOST_EVENTS:])


def _line(event: Mapping[str, Any], secrets: Sequence[str]) -> str:
    attributes = _part(_part(event, "Actor"), "Attributes")
    words = [safe(str(event.get("Action", "")), 60, secrets)]
    if event.get("Action") == "die" and "exitCode" in attributes:
        words.append(f"exit code {safe(str(attributes['exitCode']), 10)}")
    if event.get("Action") == "kill" and "signal" in attributes:
        words.append(f"signal {safe(str(attributes['signal']), 10)}")
    return f"{_clock(event)} {', '.join(words)}".strip()


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _clock(event: Mapping[str, Any]) -> str:
    seconds = event.get("time")
    if not isinstance(seconds, int) or not 0 <= seconds < 2**40:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
