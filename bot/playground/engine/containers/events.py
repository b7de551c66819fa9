"""The engine's events: the newest ones, and a stream for listeners."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

Json = dict[str, Any]
Filters = Mapping[str, frozenset[str]]

EVENTS_REMEMBERED = 256
"""How many events Docker remembers (moby: daemon/events, eventsLimit)."""


class EngineEvents:
    """The engine's events. All times are nanoseconds since 1970."""

    def __init__(self) -> None:
        self._past: deque[Json] = deque(maxlen=EVENTS_REMEMBERED)
        self._listeners: set[asyncio.Queue[Json]] = set()

    @property
    def listeners(self) -> int:
        """The number of listeners."""
        return len(self._listeners)

    def emit(self, kind: str, action: str, actor: str, attributes: Mapping[str, str]) -> None:
        """Note an event of a container, network or image, and pass it to everybody who listens."""
        at = time.time_ns()
        event: Json = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor, "Attributes": dict(attributes)},
            "scope": "local",
            "time": at // 10**9,
            "timeNano": at,
        }
        if kind != "network":
            # What the API had before it had Type and Actor; it is still sent.
            event = {"status": action, "id": actor, **event}
        if kind == "container":
            event["from"] = attributes.get("image", "")
        self._past.append(event)
        for listener in self._listeners:
            listener.put_nowait(event)

    async def read(self, since: int | None, until: int | None, filters: Filters) -> AsyncIterator[Json]:
        """Yield past events where one of the times is given, then those to come until ``until``, or for ever."""
        news: asyncio.Queue[Json] = asyncio.Queue()
        self._listeners.add(news)
        try:
            past = list(self._past) if since is not None or until is not None else []
            for event in past:
                if (since or 0) <= event["timeNano"] <= (until or event["timeNano"]) and matches(event, filters):
                    yield event
            while True:
                async with asyncio.timeout(None if until is None else (until - time.time_ns()) / 1e9):
                    event = await news.get()
                if matches(event, filters):
                    yield event
        except TimeoutError:
            return
        finally:
            self._listeners.discard(news)


def matches(event: Mapping[str, Any], filters: Filters) -> bool:
    """Return True if an event passes the filters; filters of other names pass everything.

    As moby: daemon/events/filter.go.
    """
    actor = event["Actor"]
    attributes: Mapping[str, str] = actor["Attributes"]
    action = str(event["Action"])
    names = {
        "type": {event["Type"]},
        "event": {action, action.partition(":")[0]},
    }
    labels = {*attributes, *(f"{name}={value}" for name, value in attributes.items())}
    for name, wanted in filters.items():
        if (name in names and wanted and not wanted & names[name]) or (name == "label" and not wanted <= labels):
            return False
        if name == "container" and wanted:
            called = (actor["ID"], attributes.get("name", ""))
            if event["Type"] != name or not any(
                identifier and identifier.startswith(tuple(wanted)) for identifier in called
            ):
                return False
    return True
