"""Runs functions over long outside text in a child process.

The child is killed when it exceeds its deadline.

Python's patterns hold the interpreter's lock, so a thread would hold the event loop as well. The child ends when the
bot does: its pipe ends, the kernel signals it, and each job has an alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast

from bot.adapters.text_worker import child as text_child
from bot.errors import TextOverrun

log = logging.getLogger(__name__)

T = TypeVar("T")

INLINE_CHARACTERS = 2_000
"""Texts of at most so many are read in the event loop: the worst of 1,030 hostile ones took 36 ms of CPU."""

DEADLINE_S = 1.0
"""For one job in the child. Ordinary text of a megabyte takes half of it."""

TURN_S = 1.0
"""For so long a job waits for those before it: Slack waits three seconds in all for its acknowledgement."""

START_S = 10.0
"""For the start of a child on a busy machine. A job that finds none ready waits ``TURN_S`` for it."""


class TextWorker:
    """Calls the functions of a closed list. One child for all: long texts are rare, and two would cost memory."""

    def __init__(self, functions: Collection[Callable[..., Any]], deadline_s: float = DEADLINE_S) -> None:
        self._functions = frozenset(functions)
        self._deadline_s = deadline_s
        self._child: Process | None = None
        self._turn = asyncio.Lock()
        self._starting: asyncio.Task[Process] | None = None
        self._ending: set[asyncio.Task[int]] = set()

    @property
    def pid(self) -> int | None:
        """Return the process id of the child, if there is one."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def call(self, function: Callable[..., T], *args: object, length: int) -> T:
        """Return ``function(*args)``; in the child where the texts are longer than ``INLINE_CHARACTERS``.

        Raises ``TextOverrun`` where it takes too long, or the child ends meanwhile.
        """
        if function not in self._functions:
            raise ValueError(f"{function!r} is not on the list of the text worker")
        if length <= INLINE_CHARACTERS:
            return function(*args)
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise TextOverrun("Other long texts are being read.") from error
        try:
            return cast("T", await self._ask(pickle.dumps((self._deadline_s, function, args))))
        finally:
            self._turn.release()

    async def _ask(self, job: bytes) -> object:
        child = await self._ready()
        assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - both are pipes
        try:
            async with asyncio.timeout(self._deadline_s):
                child.stdin.write(len(job).to_bytes(8, "big") + job)
                await child.stdin.drain()
                size = int.from_bytes(await child.stdout.readexactly(8), "big")
                succeeded, answer = pickle.loads(await child.stdout.readexactly(size))  # noqa: S301 - our own child
        except TimeoutError as error:
            self._kill()
            log.warning("a long text was not read within %g s", self._deadline_s)
            raise TextOverrun(f"A long text was not read within {self._deadline_s:g} s.") from error
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            self._kill()
            log.warning("the process that reads long texts ended")
            raise TextOverrun("The process that reads long texts ended.") from error
        except BaseException:
            self._kill()  # whoever asked has gone, and the answer would be taken for the next one's
            raise
        if not succeeded:
            raise answer
        return answer

    async def _ready(self) -> Process:
        if self.pid is None or self._child is None:
            self.start()
            starting = self._starting
            assert starting is not None  # noqa: S101 - there is no child
            try:
                async with asyncio.timeout(TURN_S + self._deadline_s):
                    self._child = await asyncio.shield(starting)
            except TimeoutError as error:
                raise TextOverrun("The process that reads long texts is not ready yet.") from error
            except (OSError, EOFError) as error:
                raise TextOverrun("The process that reads long texts does not start.") from error
            finally:
                if starting.done():  # also where it failed, so that the next text starts another
                    self._starting = None
        return self._child

    async def _start(self) -> Process:
        # Without the settings in the environment: the child needs no token.
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            text_child.__name__,
            str(os.getpid()),
            *sorted({function.__module__ for function in self._functions}),
            stdin=PIPE,
            stdout=PIPE,
            env={**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(START_S):
                await child.stdout.readexactly(1)
        except BaseException:
            self._end(child)
            raise
        return child

    def start(self) -> None:
        """Begin to start the child, so that the first long text need not wait for it."""
        if self._starting is None and self.pid is None:
            self._starting = asyncio.create_task(self._start(), name="text worker")

    def _kill(self) -> None:
        """Kill the child, and begin to start the next."""
        if self._child is not None:
            self._end(self._child)
        self._child = None
        self.start()

    def _end(self, child: Process) -> None:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        ending = asyncio.create_task(child.wait())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End the child."""
        if self._starting is not None:
            self._starting.cancel()
            started = await asyncio.gather(self._starting, return_exceptions=True)
            self._child = next((child for child in started if isinstance(child, Process)), self._child)
        if self._child is not None:
            self._end(self._child)
            self._child = None
        await asyncio.gather(*self._ending)
