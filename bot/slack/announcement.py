"""An alert that came by webhook -> the message in whose thread its cards are. Pure."""

from __future__ import annotations

from bot.domain.incident import Incident
from bot.slack.views import mrkdwn
from bot.slack.views.blocks import Message, message, printed, section, small

MOST_LINES = 20
"""Lines of an alert that are printed; the evidence has all of it."""


def announcement(incident: Incident) -> Message:
    """Return the message that says what the sender said, whom nobody else heard in Slack."""
    title = mrkdwn.line(incident.title, 300) or mrkdwn.DASH
    said = [line for line in incident.alert_text.splitlines() if line.strip() and line.strip() != incident.title]
    stated = "" if incident.severity == "unknown" else f" · {mrkdwn.line(incident.severity, 20)}"
    return message(
        section(f"*{title}*"),
        printed(said[:MOST_LINES], 1500),
        small(f"Alert from {mrkdwn.line(incident.sender, 60)} by webhook{stated}"),
    )
