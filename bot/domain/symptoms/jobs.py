"""Finds failed jobs among jobs of one kind in a log."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from bot.domain.evidence import LogLine
from bot.domain.logs.line import Level, clock_time, message_of, message_words

# A kind that fails so seldom, and went well last, is not what broke: one success for each failure is none of these.
_OFTEN = 2
_JOB = re.compile(
    r"task|job|attempt|\brun\b|batch|cron|export|import|sync|backup|report|upload|download|deliver|crawl|scrape|cycle"
    r"|poll|refresh|fetch|pull|\bbuild"
)
_VERB = re.compile(
    r"(?i)\b(?:(?P<bad>fail\w*|raised|errored|aborted|crashed|died|lost|gave up|timed out|rejected|could not|unexpected"
    r"|\w*(?:error|exception)\b)|(?P<good>succeeded|success\w*|complete[ds]?|finished|done|ok|delivered|processed"
    r"|uploaded|synced|sent|passed|imported|exported|stored|wrote|written))\b"
)
_NO_NAME = frozenset({"pid", "tid", "jid", "class", "info", "warn", "warning", "error", "fatal", "notice", "debug"})


def recovered_job_lines(lines: Sequence[tuple[LogLine, Level]]) -> frozenset[int]:
    """Return the numbers of the lines that tell of a failed job, where later ones of its kind succeeded.

    What follows a job's failure in the same second, or without a time of its own, such as its trace, belongs to it.
    """
    failed: dict[tuple[str, ...], list[LogLine]] = defaultdict(list)
    went: dict[tuple[str, ...], list[LogLine]] = defaultdict(list)
    for line, level in lines:
        if line.earlier or not (result := _job_result(line.text, level)):
            continue
        kind, succeeded = result
        (went if succeeded else failed)[kind].append(line)
    over: set[int] = set()
    for kind, bad in failed.items():
        good = went.get(kind, [])
        last = max((max(line.number, line.last) for line in good), default=0)
        # The digest keeps the last lines of a shape beside the first that counts them: what went well is not added up.
        often = max((line.count for line in good), default=0) >= _OFTEN * sum(line.count for line in bad)
        if often and last > max(max(line.number, line.last) for line in bad):
            over |= {line.number for line in bad if clock_time(line.text)}
    return frozenset(_with_traces(over, lines))


def _job_result(text: str, level: Level) -> tuple[tuple[str, ...], bool] | None:
    message = message_of(text)
    verb = _VERB.search(message)
    if verb is None:
        return None
    kind = tuple(word for word in map(str.lower, message_words(message[: verb.start()])) if word not in _NO_NAME)
    if not _JOB.search(" ".join(kind)):
        return None
    succeeded = verb["good"] is not None
    return None if succeeded and level > Level.NONE else (kind, succeeded)


def _with_traces(over: set[int], lines: Sequence[tuple[LogLine, Level]]) -> set[int]:
    before, at = 0, ""
    found = set(over)
    for line, _ in lines:
        clock = clock_time(line.text)
        if line.number == before + 1 and before in found and clock in {"", at}:
            found.add(line.number)
        before, at = line.number, clock or at
    return found
