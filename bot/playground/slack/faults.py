"""Faults that a test orders: errors, rate limits, broken connections."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from bot.playground.slack.state.people import Json


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong once.

    ``error``: Slack's code, with HTTP 200; ``fields`` go with it. ``status``: another HTTP status. ``retry_after``:
    seconds, with 429. ``reset``: the connection is cut without an answer. ``hang``: none until ``Workspace.release``.
    ``after_effect``: the call is carried out first, only its answer is spoilt.
    """

    error: str = ""
    status: int = 200
    retry_after: int | None = None
    reset: bool = False
    hang: bool = False
    after_effect: bool = False
    fields: Json = field(default_factory=dict)


class Faults:
    """The faults in waiting, for each method in the order they were asked for; ``*`` stands for any method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def order(self, method: str, fault: Fault, times: int = 1) -> None:
        """Make the next ``times`` calls of a method fail."""
        self._waiting[method].extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        """Return the fault that this call meets, if any, and strike it off."""
        for name in (method, "*"):
            if self._waiting[name]:
                return self._waiting[name].popleft()
        return None

    def clear(self) -> None:
        """Forget all ordered faults."""
        self._waiting.clear()
