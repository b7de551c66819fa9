"""Measures how far this machine's clock is off Slack's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.connection.web_api import header

log = logging.getLogger(__name__)

MOST_CLOCK_OFFSET = timedelta(seconds=30)
"""A clock that differs from Slack's by this much is wrong: what cards say about times is wrong then, too."""


class SlackClock:
    """Tells the time as Slack has it. ``local`` tells this machine's time."""

    def __init__(self, local: Callable[[], datetime]) -> None:
        self.local = local
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Return Slack's time, to the second or so; ours before anything was heeded."""
        return self.local() - self._ahead

    @property
    def trouble(self) -> str:
        """By how much this machine's clock is off; ``""`` where it is right, or Slack did not say."""
        if abs(self._ahead) < MOST_CLOCK_OFFSET:
            return ""
        way = "ahead of" if self._ahead > timedelta() else "behind"
        return f"this machine's clock is {round(abs(self._ahead).total_seconds())} s {way} Slack's"

    def observe(self, answer: AsyncSlackResponse) -> None:
        """Take over what the ``Date`` of an answer that has just come says; one without a date says nothing."""
        try:
            self._ahead = self.local() - parsedate_to_datetime(header(answer.headers, "Date")).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            log.debug("Slack does not say what time it is")
