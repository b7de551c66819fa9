"""The operations on a container, in the order that Docker does them."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from bot.playground.engine.containers.lifecycle import Lifecycle
from bot.playground.engine.containers.run import Run
from bot.playground.engine.errors import EngineRefusal

DEFAULT_STOP_TIMEOUT_S = 10


class Container(Lifecycle):
    """A container, created and not started. What it can't do raises ``EngineRefusal``."""

    async def start(self) -> None:
        """Start it; 304 if it runs."""
        async with self._starting:
            if self.state.running:
                raise EngineRefusal(304)
            if self.removed:
                raise EngineRefusal(409, "container is marked for removal and cannot be started")
            self.restarts = 0
            self._by_hand = False
            self._given_up.clear()
            run = await self._launch()
            self._guardian = asyncio.create_task(self._guard(run))

    async def restart(self, seconds: int | None) -> None:
        """Stop it if it runs, then start it; restarts at the same time share one start."""
        if self.state.running:
            await self._end(signal.SIGTERM, DEFAULT_STOP_TIMEOUT_S if seconds is None else seconds)
            self.emit("stop")
        try:
            await self.start()
        except EngineRefusal as refused:
            if refused.status != 304:
                raise
        self.emit("restart")

    async def kill(self) -> None:
        """Kill the first process; the policy does not start it again."""
        if not self.state.running:
            raise EngineRefusal(409, f"Container {self.id} is not running")
        self._by_hand = True
        self._given_up.set()
        if self.run is None:
            return
        run = self.run
        self._send(run, signal.SIGKILL)
        await run.ended.wait()

    async def remove(self, *, force: bool) -> None:
        """Remove it with all that is its own; a running one only by ``force``."""
        # Nobody starts it meanwhile.
        async with self._starting:
            if self.removed:
                raise EngineRefusal(409, f"removal of container {self.id} is already in progress")
            if self.state.running and not force:
                raise EngineRefusal(
                    409,
                    f"You cannot remove a {self.state.status} container {self.id}. "
                    "Stop the container before attempting removal or force remove",
                )
            await self._end(signal.SIGKILL, None)
            self.close_books()

    async def close(self) -> None:
        """End it without a trace: the engine ends."""
        self._by_hand = True
        self._given_up.set()
        if self._guardian is not None:
            self._guardian.cancel()
            await asyncio.gather(self._guardian, return_exceptions=True)
        if self.run is not None:
            await self.run.close()
        self.log.end()

    async def _end(self, number: int, patience: float | None) -> None:
        """Signal the first process, and kill it when patience is at its end."""
        self._by_hand = True
        self._given_up.set()
        while self.state.running:
            run = self.run
            if run is None:
                # Between two runs: its guardian takes note that this was the last, or has just begun another.
                await self._changed.wait()
                continue
            self._send(run, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await run.ended.wait()
            if not run.ended.is_set():
                self._send(run, signal.SIGKILL)
                await run.ended.wait()

    def _send(self, run: Run, number: int) -> None:
        run.process.signal(number)
        self.emit("kill", {"signal": str(int(number))})
