"""Lowers the weight of log lines that no longer apply.

Such lines are from an earlier run, were recovered from, or have stopped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from bot.domain import times
from bot.domain.evidence import Evidence, Facts, LogLine
from bot.domain.logs.line import Level, clock_time
from bot.domain.symptoms import container_state, jobs

YOUNG = timedelta(minutes=10)
"""What broke the run before is what an alert is about so long after the engine started the container again."""

# What comes back after it was away was got over; what is refused still, or again, was not.
_BACK = re.compile(
    r"(?i)(?<!not )(?<!never )\b(?:connected (?:to|with|again)|re-?connected|reconnect\w* ok)\b"
    r"|connection (?:to \S+ )?(?:was |is )?(?:re-?)?(?:established|restored)"
    r"|\b(?:back online|recovered|is (?:up|back) again|ok again|well again|retried,? (?:ok|\d{3})"
    r"|succeeded after|(?:db|database|cache|broker|queue) (?:is )?(?:ready|ok)|resolved to)\b"
)
_START = re.compile(
    r"(?i)\b(?:starting(?: up)?|started(?=\s*$| in \d| on |[.,(])|booted|listening(?: on| at)?"
    r"|ready to (?:accept|serve|handle)|accepting connections)(?![\w-])"
    r"(?!.{0,40}\b(?:fail|error|stop|shut|refus|again in|retry))"
)
_PART = re.compile(
    r"(?i)worker|thread|child|\bpid\b(?!=\d)|task|\bjob|plugin|consumer|transaction|scheduler|rollback|poller|\bgc\b|compact"
    r"|snapshot|sync|backup|replica|attempt|request|batch"
)
_STOP = re.compile(
    r"(?i)(?:received|got|caught|handling) .{0,12}(?:sigterm|sigint|signal (?:15|2)\b)|\bsig(?:term|int)\)? received"
    r"|\bshutting down\b|\bgraceful(?:ly)? (?:shutdown|stop)"
)
OVER = 0.45
"""How much a line counts that tells of what was got over."""
MADE_GOOD = 0.25
"""How much a failed job counts where those after it went well."""
# A line of the run before: the engine just started the container again; the last run has said nothing.
BEFORE_RESTART, LAST_WORDS = 0.85, 0.6
# So many lines without a complaint; a stretch of calm is longer than the time between two complaints, as often as this.
_CALM, _LEAST_GAP, _GAPS = 20, 5, 3
_OFTEN = 3


def is_start_line(text: str) -> bool:
    """Return True if the line tells that the program starts, not a part of it."""
    return bool(_START.search(text)) and not _PART.search(text)


class LogTimeline:
    """The course of a log: what came after what, told by the lines' numbers."""

    def __init__(self, evidence: Evidence, lines: Sequence[tuple[LogLine, Level]]) -> None:
        facts = evidence.facts
        self._up = facts is not None and facts.running and not facts.restarting
        self._healthy = self._up and facts is not None and facts.health in {None, "healthy"}
        self._loops = facts is not None and container_state.futile_restart_symptom(facts) is not None
        self._young = facts is not None and _young(facts, evidence.gathered_at)
        self._total = evidence.log.total_lines
        self._clocks = Clocks([line for line, _ in lines])
        self._made_good = jobs.recovered_job_lines(lines)
        self._silent = all(line.earlier for line, _ in lines)
        calm = [line for line, level in lines if level <= Level.NONE]
        self._loud = [line for line, level in lines if level >= Level.WARN]
        self._stop = max((line.number for line in calm if _STOP.search(line.text)), default=0)
        self._back = [last_number(line) for line in calm if _BACK.search(line.text)]
        self._starts = [last_number(line) for line in calm if is_start_line(line.text)]
        if self._loops or any(start > self._stop for start in self._starts):
            self._stop = 0

    def weight(self, line: LogLine, *, outside: bool) -> float:
        """Return from 0 to 1 how much a line still counts. ``outside``: it tells of something that can come back."""
        if line.earlier:
            return self._weight_of_earlier()
        if line.number in self._made_good:
            return MADE_GOOD
        last = last_number(line)
        over = (outside and any(back > last for back in self._back)) or (
            not self._loops and any(start > last for start in self._starts)
        )
        # What fails after a program was told to stop fails because it stops.
        over = over or 0 < self._stop < line.number
        return OVER if over or (self._healthy and self._calm_since(last)) else 1.0

    def stopped_before(self, one: LogLine, other: LogLine) -> bool:
        """Return True if ``one`` ended long before ``other`` began, or came often and all was calm for a while then."""
        last, begin = last_number(one), other.number
        if last < begin and self._clocks.long_before(one, other):
            return True
        if one.count < _OFTEN or last >= begin:
            return False
        apart = (last - one.number) / (one.count - 1)
        loud = any(last < at < begin for line in self._loud for at in (line.number, last_number(line)))
        return not loud and begin - last > max(_LEAST_GAP, _GAPS * apart)

    def _weight_of_earlier(self) -> float:
        if self._loops:
            return 1.0
        if self._up:
            return BEFORE_RESTART if self._young else 0.0
        return LAST_WORDS if self._silent else 0.0

    def _calm_since(self, last: int) -> bool:
        """Return True if the program went on for long, complaining of nothing, after a line and all that came of it."""
        return self._total - max([last, *map(last_number, self._loud)]) >= _CALM


def last_number(line: LogLine) -> int:
    """Return the number of the last line of its shape."""
    return max(line.number, line.last)


def _young(facts: Facts, now: str) -> bool:
    """Return True if the engine itself, not a person, started the container again a short while ago."""
    started, looked = times.parse_engine_time(facts.started_at), times.parse_engine_time(now)
    return facts.restart_count > 0 and started is not None and looked is not None and looked - started < YOUNG


LONG = timedelta(minutes=30)
"""What ended so long before a trouble began is another trouble."""


_DAY_S = 24 * 3600


# Lines of several writers stand out of order by seconds; by more, their clocks show the times of different zones.
_OUT_OF_ORDER, _MIDNIGHT = 300, 20 * 3600


class Clocks:
    """The times of a log's lines; none of them counts where they jump back, for then no two can be compared."""

    def __init__(self, lines: Sequence[LogLine]) -> None:
        clocks = [at for line in lines if (at := _seconds(clock_time(line.text))) is not None]
        backward = (before - after for before, after in pairwise(clocks))
        self._orderly = not any(_OUT_OF_ORDER < step < _MIDNIGHT for step in backward)

    def long_before(self, one: LogLine, other: LogLine) -> bool:
        """Return True if ``one`` came for the last time long before ``other`` began; not where nobody can know."""
        return self.long_apart(one.until or one.text, other.text)

    def long_apart(self, one: str, other: str) -> bool:
        """Return True if the text ``one`` has a time long before that of ``other``; not where nobody can know."""
        end, begin = _seconds(clock_time(one)), _seconds(clock_time(other))
        if not self._orderly or end is None or begin is None:
            return False
        after = begin - end
        after += _DAY_S if after < -_MIDNIGHT else 0
        return after > LONG.total_seconds()


def _seconds(clock: str) -> int | None:
    if not clock:
        return None
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds
