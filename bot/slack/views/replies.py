"""Replies in a thread or to one person."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Option, StaticSelectElement

from bot.domain.incident import Incident, State, Thread
from bot.slack.views import mrkdwn
from bot.slack.views.blocks import Message, buttons, label, message, printed, rediagnose, section, small
from bot.slack.views.outcome import went
from bot.slack.views.phrases import STATES

NEWEST_LINES = 10
"""Log lines that are shown where a restart did not help."""

MOST_MENTIONS = 20
MOST_OPTIONS = 100
LONGEST_VALUE_CHARS = 150
"""Slack's limits for a menu: options, and characters of an option's value."""


def outcome(incident: Incident, newest: Sequence[str] = ()) -> Message:
    """Return the thread's last message. Without a recovery it has the newest log lines and a button."""
    name = mrkdwn.line(str(incident.target), 128)
    result = went(incident) or f"{STATES[incident.state]}."
    if result.startswith(("Recovered", "Not recovered")):
        result = result[0].lower() + result[1:]
    if incident.state is State.RESOLVED:
        return message(section(f"✅ *{name}*: {result}"))
    shown = [mrkdwn.raw_line(line, 240) for line in newest[-NEWEST_LINES:]]
    return message(
        section(f"🔴 *{name}*: {result}"),
        small("*Newest log lines:*") if shown else small("No log lines to show."),
        printed(shown),
        buttons(rediagnose(incident)),
    )


def notice(sentence: str, *, mention: Sequence[str] = (), offer: Incident | None = None, link: str = "") -> Message:
    """Return any text as a message. ``mention`` are ids of people, groups or channels; ``offer`` adds a button.

    ``link`` is the address of a card, as Slack gave it.
    """
    called = [_called(id_) for id_ in dict.fromkeys(mention)]
    more = [f"and {len(called) - MOST_MENTIONS} more"] if len(called) > MOST_MENTIONS else []
    who = " ".join(called[:MOST_MENTIONS] + more)
    return message(
        section(
            " ".join(part for part in (mrkdwn.prose(sentence, 2000), who, mrkdwn.link(link, "Open the card")) if part)
        ),
        buttons(rediagnose(offer)) if offer else None,
    )


def _called(id_: str) -> str:
    return mrkdwn.channel(id_) if id_.startswith(("C", "G", "D")) else mrkdwn.mention(id_)


def choose(sentence: str, names: Sequence[str], place: Thread) -> Message:
    """Ask which target is meant; the menu's block id carries ``place`` (see ``place_of``)."""
    whole = [name for name in dict.fromkeys(names) if name.strip() and name == mrkdwn.plain(name, LONGEST_VALUE_CHARS)]
    left = len(names) - len(whole[:MOST_OPTIONS])
    return message(
        section(mrkdwn.prose(sentence, 2000)),
        _menu(whole[:MOST_OPTIONS], place) if whole else None,
        small(f"{left:,} more are not in this menu: {mrkdwn.code('/aegis diagnose NAME')}") if left > 0 else None,
    )


def _menu(names: Sequence[str], place: Thread) -> ActionsBlock:
    menu = StaticSelectElement(
        placeholder=label("Choose a container", 150),
        action_id="choose",
        options=[Option(text=label(name, 75), value=name) for name in names],
    )
    return ActionsBlock(block_id=mrkdwn.identifier(f"{place.channel}:{place.thread}"), elements=[menu])


def place_of(block_id: str) -> Thread:
    """Read the place that a menu's block id carries: ``channel:thread``."""
    channel, _, thread = block_id.partition(":")
    return Thread(channel, thread)


MOST_LINES = 20
"""Lines of an alert that are printed; the evidence has all of it."""


def announcement(incident: Incident) -> Message:
    """Return the message that says what the sender said, whom nobody else heard in Slack."""
    title = mrkdwn.line(incident.title, 300) or mrkdwn.DASH
    lines = [line for line in incident.alert_text.splitlines() if line.strip() and line.strip() != incident.title]
    stated = "" if incident.severity == "unknown" else f" · {mrkdwn.line(incident.severity, 20)}"
    return message(
        section(f"*{title}*"),
        printed(lines[:MOST_LINES], 1500),
        small(f"Alert from {mrkdwn.line(incident.sender, 60)} by webhook{stated}"),
    )
