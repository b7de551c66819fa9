"""Redacts and limits an alert, the same way at every door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.domain.alerts.alert import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Alert, redact_alert
from bot.domain.alerts.label_syntax import Pairs

MAX_SENDER_CHARS = 80
"""Characters of a sender's name; Slack allows 80 for an app's."""

MAX_KEY_CHARS = 100
"""Characters of a label's name; the longest in use have 60."""

MAX_VALUE_CHARS = 500
"""Characters of a label's value: a container's name has 255 at most, an address or a sentence a few more."""

MAX_PAIRS = 60
"""Labels of one alert; Prometheus and Datadog send five to thirty."""

MAX_MEMBERS = 200
"""Alerts of one group; Alertmanager's groups are smaller."""

MAX_LABELS_CHARS = 2_000
"""Labels of all alerts of a group together."""

MAX_LINE_CHARS = 4_000
"""Characters of one line of a text or a log; a container's log is read with lines of this order, too."""

MAX_LOGS_CHARS = 64_000
"""Characters of a log that a script sends along, from its end."""

MARGIN_CHARS = 2_000
"""Characters beyond each limit that are looked through for secrets: a token on the border is known as a whole only."""


def admit_alert(alert: Alert, clean: Callable[[str], str]) -> Alert:
    """Return the alert as it may be kept and shown; ``clean`` takes secrets out of a text."""
    return limit_alert(redact_alert(limit_alert(alert, MARGIN_CHARS), clean))


def limit_alert(alert: Alert, margin: int = 0) -> Alert:
    """Return the alert cut to the limits, each text with ``margin`` characters more."""

    def cut(pairs: Pairs, most: int) -> Pairs:
        return tuple((key[: MAX_KEY_CHARS + margin], value[: MAX_VALUE_CHARS + margin]) for key, value in pairs[:most])

    return replace(
        alert,
        title=alert.title[: MAX_TITLE_CHARS + margin],
        sender=alert.sender[: MAX_SENDER_CHARS + margin],
        severity=alert.severity[: MAX_KEY_CHARS + margin],
        text=_lines(alert.text[: MAX_TEXT_CHARS + margin], MAX_LINE_CHARS + margin),
        logs=_lines(_end(alert.logs, MAX_LOGS_CHARS + margin), MAX_LINE_CHARS + margin),
        labels=cut(alert.labels, MAX_LABELS_CHARS),
        members=tuple(cut(member, MAX_PAIRS) for member in alert.members[:MAX_MEMBERS]),
    )


def _lines(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return "\n".join(line[:most] for line in text.split("\n"))


def _end(text: str, most: int) -> str:
    """Return the end of a log, in whole lines where there are any."""
    if len(text) <= most:
        return text
    end = text[-most:]
    return end.partition("\n")[2] or end
