"""The time of this process: it goes on while the machine's clock is put back, so that no deadline comes again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class Steady:
    """Tells the time of ``wall``, but never less than has passed by ``seconds``, which no one can put back.

    A clock that jumps forward is followed: it was behind, or the machine slept.
    """

    def __init__(self, wall: Callable[[], datetime], seconds: Callable[[], float]) -> None:
        self._wall = wall
        self._seconds = seconds
        self._told = wall()
        self._at = seconds()

    def __call__(self) -> datetime:
        """Return the time."""
        at = self._seconds()
        self._told = max(self._wall(), self._told + timedelta(seconds=at - self._at))
        self._at = at
        return self._told
