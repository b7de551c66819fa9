"""A container: its state and what can be done with it, in the order and with the answers that Docker has for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from bot.playground.engine.containers.lifecycle import Life
from bot.playground.engine.containers.run import Run
from bot.playground.engine.containers.state import signal_number
from bot.playground.engine.errors import Refused

STOP_SECONDS = 10


class Container(Life):
    """A container, created and not started. What it can't do raises ``Refused``."""

    async def start(self) -> None:
        """Start it; 304 where it runs."""
        async with self._starting:
            if self.state.paused:
                raise Refused(409, "cannot start a paused container, try unpause instead")
            if self.state.running:
                raise Refused(304)
            if self.state.removing:
                raise Refused(409, "container is marked for removal and cannot be started")
            self.restarts = 0
            self._by_hand = False
            self._given_up.clear()
            run = await self._launch()
            self._guardian = asyncio.create_task(self._guard(run))

    async def stop(self, seconds: int | None) -> None:
        """Ask it to end, kill it after ``seconds`` (``None``: its own time-out; below 0: never); 304 if it is down."""
        if not self.state.running:
            raise Refused(304)
        await self._end(self._stop_signal, self._patience(seconds))
        self.tell("stop")

    async def restart(self, seconds: int | None) -> None:
        """Stop it where it runs, and start it; whoever else restarts it meanwhile shares the one start."""
        if self.state.running:
            await self._end(self._stop_signal, self._patience(seconds))
            self.tell("stop")
        try:
            await self.start()
        except Refused as refused:
            if refused.status != 304:
                raise
        self.tell("restart")

    async def kill(self, number: int) -> None:
        """Send a signal to the first process; the policy does not start it again."""
        if not self.state.running:
            raise Refused(409, f"Container {self.id} is not running")
        run, meant = self.run, number in (self._stop_signal, signal.SIGKILL) or "StopSignal" not in self.order.config
        if meant:
            self._by_hand = True
            self._given_up.set()
        if run is None:
            return
        self._send(run, number)
        if meant:
            await self._let_go_on(run)
        if number == signal.SIGKILL:
            await run.ended.wait()

    async def pause(self) -> None:
        """Let none of its processes go on."""
        if not self.state.running:
            raise Refused(409, f"Container {self.id} is not running")
        if self.state.paused:
            raise Refused(409, f"Container {self.id} is already paused")
        run = self.run
        if run is None:
            raise Refused(409, f"Container {self.id} is restarting, wait until the container is running")
        run.process.signal_all(signal.SIGSTOP)
        self.state.paused = True
        self._no_health()
        self.tell("pause")
        await run.rest()
        self._watch(run, checks=False)

    async def unpause(self) -> None:
        """Let its processes go on."""
        if self.run is None or not self.state.paused:
            raise Refused(500, f"Container {self.id} is not paused")
        await self._let_go_on(self.run)

    async def wait(self, condition: str) -> int:
        """Return the exit code when it does not run, at its next exit, or when it is removed."""
        exits = self.exits
        conditions: dict[str, Callable[[], bool]] = {
            "next-exit": lambda: self.exits > exits or self.removed,
            "removed": lambda: self.removed,
        }
        met = conditions.get(condition, lambda: not self.state.running)
        while not met():
            await self._changed.wait()
        return self.state.exit_code

    async def remove(self, *, force: bool) -> None:
        """Remove it with all that is its own; a running one only by ``force``."""
        # Nobody starts it meanwhile.
        async with self._starting:
            if self.state.removing:
                raise Refused(409, f"removal of container {self.id} is already in progress")
            if self.state.running and not force:
                first = "Unpause and then stop" if self.state.paused else "Stop"
                raise Refused(
                    409,
                    f"You cannot remove a {self.state.status} container {self.id}. "
                    f"{first} the container before attempting removal or force remove",
                )
            await self._end(signal.SIGKILL, None)
            self.state.removing = True
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
            await self._let_go_on(run)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await run.ended.wait()
            if not run.ended.is_set():
                self._send(run, signal.SIGKILL)
                await run.ended.wait()

    async def _let_go_on(self, run: Run) -> None:
        if self.state.paused:
            run.process.signal_all(signal.SIGCONT)
            self.state.paused = False
            self.tell("unpause")
            await run.rest()
            self._watch(run)

    def _send(self, run: Run, number: int) -> None:
        run.process.signal(number)
        self.tell("kill", {"signal": str(int(number))})

    def _patience(self, seconds: int | None) -> float | None:
        if seconds is None:
            own = self.order.config.get("StopTimeout")
            seconds = STOP_SECONDS if own is None else int(own)
        return None if seconds < 0 else seconds

    @property
    def _stop_signal(self) -> int:
        return signal_number(str(self.order.config.get("StopSignal") or "SIGTERM"))
