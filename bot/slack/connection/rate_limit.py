"""Orders Slack calls by priority and honours Slack's rate limits."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

REFUSAL, POST, EDIT, PROGRESS = range(4)
"""How urgent a call is: what somebody waits for in front of the screen, what is new, what is renewed, what is nice."""

SLACK_CALLS_AT_ONCE = 12
"""Calls under way at the same time; in a storm the others wait here, where the urgent ones pass them."""


@dataclass(slots=True)
class _Line:
    """Calls of one method in one channel that wait because Slack asked for it: one at a time, the urgent ones first."""

    open_at: float = 0.0
    busy: bool = False
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)


class PriorityLimiter:
    """Gives turns to calls. Times are the loop's, in seconds."""

    def __init__(self, at_once: int = SLACK_CALLS_AT_ONCE) -> None:
        self._free = at_once
        self._number = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._lines: dict[tuple[str, str], _Line] = {}

    def close(self, key: tuple[str, str], seconds: float) -> None:
        """Note that Slack asks the calls of this method in this channel to wait."""
        line = self._lines.setdefault(key, _Line())
        line.open_at = max(line.open_at, asyncio.get_running_loop().time() + seconds)

    @asynccontextmanager
    async def turn(self, key: tuple[str, str], urgency: int, give_up: float) -> AsyncIterator[None]:
        """Wait for one's turn, and have it inside the ``async with``.

        Raises ``TimeoutError`` at once where it cannot come before ``give_up``.
        """
        line = self._lines.get(key)
        if line is not None:
            await self._through(line, urgency, give_up)
        try:
            await self._slot(urgency)
            try:
                yield
            finally:
                self._leave()
        finally:
            if line is not None:
                line.busy = False
                self._next(key, line)

    async def _through(self, line: _Line, urgency: int, give_up: float) -> None:
        """Wait until Slack takes calls again and nobody more urgent is before us in the line."""
        loop = asyncio.get_running_loop()
        if line.open_at > give_up:
            raise TimeoutError
        if line.busy:
            turn = loop.create_future()
            heapq.heappush(line.waiting, (urgency, next(self._number), turn))
            try:
                async with asyncio.timeout_at(give_up):
                    await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    # The turn came in the same moment: it is the next one's.
                    line.busy = _wake(line.waiting)
                raise
        line.busy = True
        try:
            if (ahead := line.open_at - loop.time()) > 0:
                async with asyncio.timeout_at(give_up):
                    await asyncio.sleep(ahead)
        except BaseException:
            line.busy = _wake(line.waiting)
            raise

    def _next(self, key: tuple[str, str], line: _Line) -> None:
        line.busy = _wake(line.waiting)
        if not line.busy and line.open_at < asyncio.get_running_loop().time() and self._lines.get(key) is line:
            # Slack took a call and nobody waits: calls go side by side again.
            del self._lines[key]

    async def _slot(self, urgency: int) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._number), turn))
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        if not _wake(self._waiting):
            self._free += 1


def _wake(waiting: list[tuple[int, int, asyncio.Future[None]]]) -> bool:
    """Give the turn to the first that still waits; return whether there was one."""
    while waiting:
        _, _, turn = heapq.heappop(waiting)
        if not turn.done():
            turn.set_result(None)
            return True
    return False
