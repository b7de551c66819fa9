"""An event loop in which time moves only when it is told to, and every outside effect waits until it is chosen.

Whatever the bot asks of the outside first waits in ``pending``. Whoever drives the stage picks one, which then happens
as a whole; all that follows from it inside the bot runs until it asks the outside again. So the order in which effects
happen is chosen, an interleaving can be repeated, and a kill leaves exactly those that happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


@dataclass(eq=False, slots=True)
class Effect:
    """Something that the bot asks of the outside, and that has not happened yet."""

    kind: str
    turn: asyncio.Future[str]


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until it is moved."""

    now = 0.0

    def time(self) -> float:
        return self.now


class _AtOnce(ThreadPoolExecutor):
    """Does at once what is given to a thread: there is nothing to wait for in a test, and nothing to race with."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            done.set_exception(error)
        return done


class Stage:
    """The loop, the clock, the effects that wait, and the faults that the next of a kind meets."""

    def __init__(self) -> None:
        self.loop = _Loop()
        self.loop.set_default_executor(_AtOnce())
        self.pending: list[Effect] = []
        self.broken: list[str] = []
        """What was seen to be wrong in the midst of an effect."""
        self._faults: dict[str, str] = {}
        self._busy = 0
        self._killing = False
        self._free = asyncio.Event()
        self._start = datetime.now(UTC)
        self.jumped = 0.0

    # The outside, as its fakes see it.

    @asynccontextmanager
    async def effect(self, kind: str) -> AsyncIterator[str]:
        """Wait for one's turn, and have it inside the block; gives the fault that it meets, or ``""``."""
        if self._killing:
            raise asyncio.CancelledError
        waiting = Effect(kind, self.loop.create_future())
        self.pending.append(waiting)
        try:
            fault = await waiting.turn
        finally:
            if waiting in self.pending:
                self.pending.remove(waiting)
        self._busy += 1
        try:
            yield fault
        finally:
            self._busy -= 1
            self._free.set()

    def true_time(self) -> datetime:
        """Return the time of the rest of the world."""
        return self._start + timedelta(seconds=self.loop.now)

    def now(self) -> datetime:
        """Return the time as the bot's host believes it to be."""
        return self.true_time() + timedelta(seconds=self.jumped)

    # Whoever drives it.

    def fail_next(self, kind: str, fault: str) -> None:
        """Let the next effect of a kind meet a fault."""
        self._faults[kind] = fault

    def heal(self) -> None:
        """Let everything go well from now on."""
        self._faults.clear()

    def do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Do something that waits for no turn, and what follows from it."""
        done = self.loop.run_until_complete(work)
        self.calm()
        return done

    def proceed(self, choice: int) -> bool:
        """Let one of the waiting effects happen; ``False`` where none waits."""
        if not self.pending:
            return False
        chosen = self.pending.pop(choice % len(self.pending))
        if not chosen.turn.done():
            chosen.turn.set_result(self._faults.pop(chosen.kind, ""))
        self.calm()
        return True

    def drain(self, choices: Callable[[], int] = lambda: 0, most: int = 5000) -> None:
        """Let effects happen until none waits; time stands still."""
        for _ in range(most):
            if not self.proceed(choices()):
                return
        raise AssertionError(f"it does not come to rest: {[one.kind for one in self.pending]}")

    def wait(self, seconds: float, choices: Callable[[], int] = lambda: 0) -> None:
        """Let time pass, and everything happen that comes due."""
        end = self.loop.now + seconds
        while True:
            self.drain(choices)
            due = min((timer.when() for timer in self._timers()), default=end)
            if due >= end:
                break
            self.loop.now = max(self.loop.now, due)
            self.calm()
        self.loop.now = end
        self.calm()

    def kill(self) -> None:
        """End the run as a kill does: nothing of it happens any more, not even what it does at its end."""
        self._killing = True

        async def end() -> None:
            left = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
            while left:
                for task in left:
                    task.cancel()
                for waiting in self.pending:
                    waiting.turn.cancel()
                await asyncio.wait(left, timeout=0)
                await asyncio.sleep(0)
                left = {task for task in left if not task.done()}

        self.loop.run_until_complete(end())
        self.pending.clear()
        self._killing = False

    def close(self) -> None:
        """End for good."""
        self.kill()
        self.loop.close()

    def calm(self) -> None:
        """Run until nothing goes on inside the bot any more: all of it waits for a turn or for time to pass."""
        self.loop.run_until_complete(self._calm())

    async def _calm(self) -> None:
        while True:
            await asyncio.sleep(0)
            if self._busy:
                self._free.clear()
                await self._free.wait()
            elif not self._ready() and min((one.when() for one in self._timers()), default=1e99) > self.loop.now:
                return

    def _ready(self) -> int:
        return len(self.loop._ready)  # type: ignore[attr-defined]  # asyncio tells in no other way that it is idle

    def _timers(self) -> list[asyncio.TimerHandle]:
        return [one for one in self.loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined]  # as above
