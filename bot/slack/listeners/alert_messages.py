"""Converts a Slack message that is an alert to a ReceivedAlert."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.alerts import alert
from bot.domain.alerts.alert import Alert, Kind
from bot.domain.incident import Thread
from bot.incidents.alert_reader import AlertReader
from bot.ports.database import ReceivedAlert
from bot.slack.connection.web_api import Identity
from bot.slack.delivery.posts import EVENT_TYPE

EDITED = "message_changed"

IGNORED_SUBTYPES = frozenset(
    {"message_deleted", "message_replied", "channel_join", "channel_leave", "group_join", "group_leave"}
)
"""Subtypes of message events by which nobody says anything. Whatever else a bot posts is read."""


def readable(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the messages of an event whose texts are read: a sender's, and the same as it was before an edit."""
    edited = event.get("subtype") == EDITED
    both = (event.get("message"), event.get("previous_message")) if edited else (event,)
    return [message for message in both if isinstance(message, Mapping) and _by_a_bot(message)]


def alert_in(
    event: Mapping[str, Any],
    own: Identity,
    channels: Collection[str],
    now: datetime,
    read_message: Callable[[Mapping[str, Any]], Alert] = alert.read_alert,
) -> ReceivedAlert | None:
    """Return the alert that this message event is, or ``None``.

    Only what apps and bots post, or mail, is an alert: a person who pastes alert text is not trusted. ``channels`` are
    the ids where alerts are heard, none for all. An edit is an alert where it turns one kind into another, or where a
    group has more alerts than before.
    """
    channel = event.get("channel")
    if (
        not isinstance(channel, str)
        or (channels and channel not in channels)
        or event.get("subtype") in IGNORED_SUBTYPES
    ):
        return None
    edited = event.get("subtype") == EDITED
    message = event.get("message") if edited else event
    if not isinstance(message, Mapping) or not _by_a_bot(message) or is_own(message, own):
        return None
    ts = message.get("ts")
    if not isinstance(ts, str) or not ts or message.get("subtype") == "tombstone":
        return None
    read = read_message(message)
    if read.kind is Kind.NOISE:
        return None
    key = f"{channel}:{ts}:{read.kind.value}"
    before = event.get("previous_message")
    if edited and isinstance(before, Mapping):
        was = read_message(before)
        if was.kind is read.kind:
            # In a group that grew, what was there before has its card.
            more = alert.new_members(was, read) if read.kind is Kind.FIRING else None
            if more is None:
                return None
            read = more
        if was.kind is not Kind.NOISE:
            # Some senders edit one message from firing to resolved and back for weeks: each turn is heard once.
            key += f":{event.get('event_ts') or event.get('ts')}"
    return ReceivedAlert(key, Thread(channel, _thread(message, ts)), ts, read, now)


def alert_asked(
    message: Mapping[str, Any], channel: str, action: str, user: str, now: datetime, parsed: Alert | None = None
) -> ReceivedAlert:
    """Return the alert that ``user`` sees in this message; ``action`` tells one asking from another.

    ``parsed`` is the message as it was read, if it was. A person asked, so what looks like noise or like the end of a
    trouble counts as firing.
    """
    ts = str(message.get("ts") or "")
    read = replace(parsed or alert.read_alert(message), kind=Kind.FIRING)
    return ReceivedAlert(f"{channel}:{ts}:asked:{action}", Thread(channel, _thread(message, ts)), ts, read, now, user)


def is_own(message: Mapping[str, Any], own: Identity) -> bool:
    """Return True if Aegis wrote this message: this installation, another one of the same app, or another Aegis."""
    metadata = message.get("metadata")
    return (
        message.get("bot_id") == own.bot_id
        or message.get("user") == own.bot_user_id
        or (bool(own.app_id) and message.get("app_id") == own.app_id)
        or (isinstance(metadata, Mapping) and metadata.get("event_type") == EVENT_TYPE)
    )


def _by_a_bot(message: Mapping[str, Any]) -> bool:
    return bool(message.get("bot_id")) or message.get("subtype") == "bot_message" or _is_mail(message)


def _is_mail(message: Mapping[str, Any]) -> bool:
    """Return True if Slack's own mail address posted this. Nobody else can post as Slackbot."""
    files = message.get("files")
    return message.get("user") == "USLACKBOT" and any(
        isinstance(file, Mapping) and file.get("mode") == "email" for file in (files if isinstance(files, list) else ())
    )


def _thread(message: Mapping[str, Any], ts: str) -> str:
    """Return the ts of the thread's parent: a card never hangs on a reply."""
    thread = message.get("thread_ts")
    return thread if isinstance(thread, str) and thread else ts


async def alert_in_time(
    event: Mapping[str, Any], own: Identity, channels: Collection[str], now: datetime, reading: AlertReader
) -> ReceivedAlert | None:
    """Return what ``alert_in`` returns, with no long text read in the event loop."""
    if channels and event.get("channel") not in channels:
        return None
    known = {id(message): await reading.message(message) for message in readable(event)}
    return alert_in(event, own, channels, now, lambda message: known.get(id(message)) or alert.read_alert(message))
