"""Settings of the response, and the clocks, sleep and random names.

Tests replace the clocks, sleep and names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.guard import Policy
from bot.domain.own_containers import Surroundings
from bot.domain.target import Target


@dataclass(frozen=True, slots=True)
class ResponseConfig:
    """What the operator set. Seconds; ``urls`` are verify URLs by target.

    ``hosts`` are names under which the engine may know Aegis itself and what it needs; ``watched`` are channel ids.
    """

    policy: Policy
    delay: float
    timeout: float
    successes: int
    urls: Mapping[Target, str] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


async def _nothing_known() -> Surroundings:
    return Surroundings()


@dataclass(frozen=True, slots=True)
class Runtime:
    """The clock (aware, UTC), sleep (seconds), names that nobody can guess, and what is known of this process."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    name: Callable[[], str]
    surroundings: Callable[[], Awaitable[Surroundings]] = _nothing_known


class MonotonicClock:
    """Tells the time of ``wall``, but never less than has passed by ``seconds``, which no one can put back.

    A clock that jumps forward is followed: it was behind, or the machine slept.
    """

    def __init__(self, wall: Callable[[], datetime], seconds: Callable[[], float]) -> None:
        self._wall = wall
        self._seconds = seconds
        self._latest = wall()
        self._at = seconds()

    def __call__(self) -> datetime:
        """Return the time."""
        at = self._seconds()
        self._latest = max(self._wall(), self._latest + timedelta(seconds=at - self._at))
        self._at = at
        return self._latest
