"""Reads redacted alerts from outside text, outside the event loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.domain.alerts import alert as alerts
from bot.domain.alerts.admission import admit_alert
from bot.domain.alerts.alert import Alert
from bot.domain.alerts.shorten import UNREAD, short_alert, short_message, stored_length
from bot.domain.alerts.webhook_bodies import read_webhook
from bot.domain.redaction.redact import redact
from bot.errors import TextOverrun
from bot.ports.text_calls import TextCalls

FUNCTIONS: tuple[Callable[..., Any], ...] = (alerts.read_alert, read_webhook, admit_alert, redact)
"""What may run in the process for long texts."""


class AlertReader:
    """Reads messages and bodies. A text that cannot be read in time is cut, and the alert says so in its place.

    ``redact`` removes secrets from a text. Without ``calls`` everything is read at once, as the command line does.
    """

    def __init__(self, redact: Callable[[str], str], calls: TextCalls | None = None) -> None:
        self.redact = redact
        self._calls = calls

    async def message(self, message: Mapping[str, Any]) -> Alert:
        """Read a Slack message."""
        if self._calls is None:
            return alerts.read_alert(message)
        try:
            return await self._calls.call(alerts.read_alert, message, length=stored_length(message))
        except TextOverrun:
            return replace(alerts.read_alert(short_message(message)), text=UNREAD)

    async def webhook(self, sender: str, body: Mapping[str, Any]) -> Alert:
        """Read the body of a webhook's request."""
        if self._calls is None:
            return read_webhook(sender, body)
        try:
            return await self._calls.call(read_webhook, sender, body, length=stored_length(body))
        except TextOverrun:
            return replace(read_webhook(sender, short_message(body)), text=UNREAD, logs="")

    async def admitted(self, alert: Alert) -> Alert:
        """Return the alert as it may be kept; what could not be looked through for secrets in time is not in it."""
        if self._calls is None:
            return admit_alert(alert, self.redact)
        try:
            return await self._calls.call(admit_alert, alert, self.redact, length=stored_length(alert))
        except TextOverrun:
            return admit_alert(short_alert(alert), self.redact)
