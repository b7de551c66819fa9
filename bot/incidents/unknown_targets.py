"""Answers alerts that name no known target, without flooding the channel."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain import notices
from bot.domain.incident import Thread
from bot.runtime import Runtime

GATHERING_WINDOW = timedelta(seconds=30)
"""For so long after a menu the alerts of its channel are gathered: a storm of them is over or at its height by then."""

MOST_MENUS = 3
"""So many that follow get a menu each: people can read them."""

MOST_TITLES = 10
"""Titles that are named; what more there is has a number."""

MOST_TITLE_CHARACTERS = 80
"""Characters of a title."""


@dataclass(slots=True)
class _Window:
    """The time after a menu: until when it lasts, where the menu stands, and what followed."""

    until: datetime
    place: Thread
    titles: list[str] = field(default_factory=list)
    summed: asyncio.Future[bool] | None = None


class Strays:
    """Gathers alerts by channel. ``say_at`` says a sentence in a thread."""

    def __init__(self, say_at: Callable[[Thread, str], Awaitable[None]], world: Runtime) -> None:
        self._say_at = say_at
        self._world = world
        self._windows: dict[str, _Window] = {}

    async def ask(self, channel: str, title: str, offer: Callable[[], Awaitable[Thread]]) -> None:
        """Return when the alert has its menu, posted by ``offer``, or is counted in a sentence beside another's."""
        window = self._windows.get(channel)
        if window is None or window.until <= self._world.now():
            window = self._windows[channel] = _Window(self._world.now() + GATHERING_WINDOW, Thread(channel))
            window.place = await offer()
            return
        window.titles.append(title)
        if window.summed is not None:
            summed = await asyncio.shield(window.summed)
        else:
            window.summed = asyncio.get_running_loop().create_future()
            summed = await self._sum(window, window.summed)
        if not summed:
            await offer()

    async def _sum(self, window: _Window, summed: asyncio.Future[bool]) -> bool:
        """Wait until the window is over, and say what followed if it is much; return whether it was."""
        try:
            await self._world.sleep(max(0.0, (window.until - self._world.now()).total_seconds()))
            # What comes from now on is no part of this window.
            window.until = self._world.now()
            many = len(window.titles) > MOST_MENUS
            if many:
                await self._say_at(window.place, _sentence(window.titles))
        except BaseException:
            # Whoever waits is not counted, and asks by a menu.
            window.until = self._world.now()
            summed.set_result(False)
            raise
        summed.set_result(many)
        return many


def _sentence(titles: list[str]) -> str:
    counted = Counter(title[:MOST_TITLE_CHARACTERS] or "?" for title in titles).most_common()
    return notices.unknown_targets(len(titles), counted[:MOST_TITLES], max(0, len(counted) - MOST_TITLES))
