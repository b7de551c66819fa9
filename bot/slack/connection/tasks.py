"""Background tasks: started, watched, and drained at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.errors import AegisError

T = TypeVar("T")

log = logging.getLogger(__name__)


class BackgroundTasks:
    """The tasks under way. A task that fails is logged with what it was about; it takes nothing else down."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, T], about: str) -> asyncio.Task[T]:
        """Start ``work`` as a task; ``about`` names it in the log."""
        task = asyncio.create_task(work, name=about)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def wait_until_idle(self) -> None:
        """Return once no task is running, including tasks that the tasks started."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, patience: float) -> int:
        """Wait at most ``patience`` seconds, then stop what is left; return how many that were.

        Stopping is safe: incidents are on disk before each effect, and the next start looks at what happened.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wait_until_idle(), patience)
        left = list(self._tasks)
        if left:
            log.warning("stopped in the middle: %s", ", ".join(sorted(task.get_name() for task in left)))
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, AegisError):
            log.warning("%s: %s", task.get_name(), error.sentence)
        elif error is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
