"""Runs the bot as a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.adapters.private_files import create_private

COMMAND = (sys.executable, "-m", "bot", "run")

STOP_TIMEOUT_S = 15.0
"""Seconds for a clean end; the leash kills after twelve."""


class BotProcess:
    """``aegis run`` with an environment of its own, its log in ``log``; ``connected`` says whether Slack sees it."""

    def __init__(self, environment: Mapping[str, str], folder: Path, log: Path, connected: Callable[[], bool]) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._log = log
        self._connected = connected
        self._process: asyncio.subprocess.Process | None = None
        self._holder = -1
        self._busy = asyncio.Lock()

    @property
    def status(self) -> str:
        """``connected``, ``starting`` or ``stopped``."""
        if self._process is None or self._process.returncode is not None:
            return "stopped"
        return "connected" if self._connected() else "starting"

    async def start(self) -> None:
        """Start it where it does not run. Returns at once; it is connected a second later."""
        async with self._busy:
            if self.status != "stopped":
                return
            read_end, self._holder = os.pipe()
            try:
                create_private(self._log)
                with self._log.open("ab") as log:
                    self._process = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "bot.playground.lab.child_process", *COMMAND),
                        stdin=read_end,
                        stdout=log,
                        stderr=log,
                        env=self._environment,
                        # Not the demo's own folder: the bot would read whatever .env lies there.
                        cwd=self._folder,
                        # A group of its own: Ctrl-C in the terminal is the stage's, and a kill takes bot and leash.
                        start_new_session=True,
                    )
            finally:
                os.close(read_end)

    async def kill(self) -> None:
        """Kill it as ``kill -9`` does, in the middle of whatever it does."""
        async with self._busy:
            if self._process is not None and self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()
            self._let_go()

    async def stop(self) -> None:
        """End it cleanly; kill it if it does not end in time."""
        self._let_go()
        if self._process is not None and self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                await self.kill()

    async def ended(self) -> int:
        """Wait until it has ended; return its exit code."""
        return -1 if self._process is None else await self._process.wait()

    def _let_go(self) -> None:
        if self._holder >= 0:
            os.close(self._holder)
            self._holder = -1
