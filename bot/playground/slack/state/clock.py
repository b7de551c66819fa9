"""The workspace's clock: the machine's, or one that tests move."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> float:
        """Return seconds since 1970."""

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed on this clock."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` have passed."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until somebody calls ``advance``."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Return seconds since 1970 on this clock."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when ``advance`` has moved the clock by ``seconds``; at once for none."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), waking))
        await waking

    async def advance(self, seconds: float) -> None:
        """Move the clock, waking sleepers in their order and letting each run before the next."""
        until = self._now + seconds
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, waking = heapq.heappop(self._sleepers)
            if not waking.done():
                waking.set_result(None)
            await _let_others_run()
        self._now = until
        await _let_others_run()


@dataclass(frozen=True, slots=True)
class Pace:
    """Slack's time limits and delays, in seconds. The defaults are Slack's own; tests may shorten them.

    ``acknowledge`` for an envelope; ``retries`` before each redelivery of an event; ``trigger`` and ``ticket`` for
    one-time ids; ``response_url`` for answering by it.
    """

    acknowledge: float = 3.0
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    trigger: float = 3.0
    response_url: float = 1800.0
    ticket: float = 30.0

    def scaled(self, factor: float) -> Pace:
        """Return the same pace with acknowledgement and redelivery quicker (or slower) by ``factor``."""
        return Pace(
            self.acknowledge * factor,
            tuple(delay * factor for delay in self.retries),
            self.trigger,
            self.response_url,
            self.ticket,
        )


async def within(clock: Clock, seconds: float, answer: Awaitable[T]) -> T | None:
    """Wait for ``answer`` at most ``seconds`` of this clock; ``None`` when it did not come."""
    waiting = asyncio.ensure_future(answer)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else None
    finally:
        timer.cancel()
        waiting.cancel()


async def _let_others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
