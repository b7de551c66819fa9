"""Measures and shortens messages and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.alerts.alert import Alert
from bot.domain.alerts.label_syntax import Pairs

UNREAD = "[text could not be read in time]"
ROOM_CHARS = 2_000
"""Characters of a short copy: so few are read in a few milliseconds, whatever they are."""

LONGEST_FIELD_CHARS = 200
"""Characters of one text in it: a title, or a label's value."""


def stored_length(value: object) -> int:
    """Return how many characters of text stand in a message, a webhook's body or an alert."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(stored_length(key) + stored_length(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(map(stored_length, value))
    if isinstance(value, Alert):
        return stored_length((value.title, value.text, value.logs, value.labels, value.members))
    return 1


def short_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a message or body whose texts are cut, and left out once there is no more room."""
    room = ROOM_CHARS

    def short(value: object) -> object:
        nonlocal room
        if isinstance(value, str):
            copied = value[: min(LONGEST_FIELD_CHARS, room)]
            room -= len(copied)
            return copied
        if isinstance(value, Mapping):
            return {key: short(one) for key, one in value.items() if room > 0 and len(str(key)) <= LONGEST_FIELD_CHARS}
        if isinstance(value, list | tuple):
            return [short(one) for one in value[:50] if room > 0]
        return value

    # What names the sender is short, and comes first: without it nobody knows whose message it is.
    first = sorted(message.items(), key=lambda item: not isinstance(item[1], str) or len(item[1]) > LONGEST_FIELD_CHARS)
    return {key: short(value) for key, value in first if room > 0}


def short_alert(alert: Alert) -> Alert:
    """Return a copy of an alert with its title and labels cut, and a note where its text was."""
    room = ROOM_CHARS

    def short(pairs: Pairs) -> Pairs:
        nonlocal room
        copied = []
        for key, value in pairs:
            room -= len(key) + min(len(value), LONGEST_FIELD_CHARS)
            if room < 0:
                break
            copied.append((key[:LONGEST_FIELD_CHARS], value[:LONGEST_FIELD_CHARS]))
        return tuple(copied)

    return replace(
        alert,
        title=alert.title[:LONGEST_FIELD_CHARS],
        text=UNREAD,
        logs="",
        labels=short(alert.labels),
        members=tuple(filter(None, map(short, alert.members[:50]))),
    )
