"""How long after one line of a log another was written, by the times of day that the lines give themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from bot.domain.evidence import LogLine
from bot.domain.logs import line as logshape

LONG = timedelta(minutes=30)
"""What ended so long before a trouble began is another trouble."""

_DAY = 24 * 3600
# Lines of several writers stand out of order by seconds; by more, their clocks show the times of different zones.
_OUT_OF_ORDER, _MIDNIGHT = 300, 20 * 3600


class Clocks:
    """The times of a log's lines; none of them counts where they jump back, for then no two can be compared."""

    def __init__(self, lines: Sequence[LogLine]) -> None:
        told = [at for line in lines if (at := _seconds(logshape.clock(line.text))) is not None]
        backward = (before - after for before, after in pairwise(told))
        self._orderly = not any(_OUT_OF_ORDER < step < _MIDNIGHT for step in backward)

    def long_before(self, one: LogLine, other: LogLine) -> bool:
        """Say whether ``one`` came for the last time long before ``other`` began; not where nobody can know."""
        return self.long_apart(one.until or one.text, other.text)

    def long_apart(self, one: str, other: str) -> bool:
        """Say whether the text ``one`` has a time long before that of ``other``; not where nobody can know."""
        end, begin = _seconds(logshape.clock(one)), _seconds(logshape.clock(other))
        if not self._orderly or end is None or begin is None:
            return False
        after = begin - end
        after += _DAY if after < -_MIDNIGHT else 0
        return after > LONG.total_seconds()


def _seconds(clock: str) -> int | None:
    if not clock:
        return None
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds
