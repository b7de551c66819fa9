"""Breaks a service as soon as somebody opens the page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from bot.errors import AegisError
from bot.playground.lab.lab import Json, Lab

log = logging.getLogger(__name__)

FIRST_ACTION = "pool_exhausted"
"""What breaks first: the trouble that a restart cures."""

OPENING_DELAY_S = 1.5
"""Seconds in which the page can be looked at while all is still well."""


POLL_INTERVAL_S = 0.2
"""Seconds."""


class FirstIncident:
    """The lab as the page sees it. With the first viewer ``FIRST_ACTION`` begins, once."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._begun: asyncio.Task[None] | None = None

    def state(self) -> Json:
        """Return how everything is."""
        return self._lab.state()

    async def do(self, action: str) -> str:
        """Do an action. Whoever is quicker than the opening needs none."""
        await self.close()
        return await self._lab.do(action)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at every change; the first who asks is the first viewer."""
        if self._begun is None:
            self._begun = asyncio.create_task(self._begin())
        return self._lab.subscribe(callback)

    async def close(self) -> None:
        """End what has not begun."""
        if self._begun is not None and not self._begun.done():
            self._begun.cancel()
            await asyncio.wait([self._begun])

    async def _begin(self) -> None:
        await asyncio.sleep(OPENING_DELAY_S)
        # Of an alert that is out since the last time the end has to be seen first, or the next one is none.
        while self._lab.monitor.firing:  # noqa: ASYNC110 - the monitor tells nobody
            await asyncio.sleep(POLL_INTERVAL_S)
        with contextlib.suppress(AegisError):
            await self._lab.do(FIRST_ACTION)
