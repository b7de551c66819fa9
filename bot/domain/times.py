"""Times and spans of time, read and written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bot.domain.evidence import Facts


def run_duration_s(facts: Facts) -> float | None:
    """Return how many seconds the last finished run took; ``None`` where the engine does not say."""
    begin, end = parse_engine_time(facts.started_at), parse_engine_time(facts.finished_at)
    return (end - begin).total_seconds() if begin and end and end >= begin else None


def parse_engine_time(text: str) -> datetime | None:
    """Read a time of the engine's; ``None`` where it says never, or nothing.

    A time without a zone is UTC.
    """
    # The engine writes nine digits after the second, and year 1 for never; datetime takes six.
    if not text or text.startswith("0001"):
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def format_duration(span: timedelta) -> str:
    """Write a span for people: ``7 s``, ``4 min``, ``3 h 12 min``, ``4 days``."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if seconds < 2 * 86400:
        minutes = seconds % 3600 // 60
        return f"{seconds // 3600} h {minutes} min" if minutes else f"{seconds // 3600} h"
    return f"{seconds // 86400} days"
