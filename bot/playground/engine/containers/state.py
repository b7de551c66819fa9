"""A container's state, by Docker's fields and words."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PAUSE_S, LONGEST_PAUSE_S, LONG_RUN_S = 0.1, 60.0, 10.0
"""Seconds: between the first two runs by policy, at most, and after which run the pause is short again.

moby: restartmanager/restartmanager.go.
"""


@dataclass(slots=True)
class ContainerState:
    """A container's state; times in nanoseconds since 1970, 0 for never."""

    running: bool = False
    restarting: bool = False
    out_of_memory: bool = False
    exit_code: int = 0
    pid: int = 0
    error: str = ""
    started: int = 0
    finished: int = 0

    @property
    def status(self) -> str:
        """Docker's one word for it. A container between two runs by policy counts as running."""
        for true, word in (
            (self.restarting, "restarting"),
            (self.running, "running"),
            (self.started == 0, "created"),
        ):
            if true:
                return word
        return "exited"


def next_pause(pause: float, lasted: float) -> float:
    """Return the seconds before the next run by policy, after a ``pause`` (0: none yet) and a run that ``lasted``."""
    return FIRST_PAUSE_S if lasted >= LONG_RUN_S or not pause else min(pause * 2, LONGEST_PAUSE_S)
