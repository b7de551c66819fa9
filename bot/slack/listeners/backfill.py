"""Fetches the messages that were posted while no socket was open."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.redaction.redact import redact
from bot.errors import SlackError, StoreError
from bot.incidents.alert_reader import AlertReader
from bot.ports.database import ReceivedAlert
from bot.slack.connection.server_clock import MOST_CLOCK_OFFSET, SlackClock
from bot.slack.connection.web_api import Identity, WebApi
from bot.slack.listeners import alert_messages

log = logging.getLogger(__name__)

BACKFILL_OVERLAP = timedelta(minutes=10)
"""How much further back than the gap is read. A line may be dead for a while before anybody notices; and Slack gives an
event to one socket each time and gives up after the fourth, six minutes later, whatever else was heard meanwhile."""

LONGEST_BACKFILL = timedelta(hours=6)
"""How far back is read at most; older alerts are no news."""

MOST_MESSAGES = 1000
"""Messages that are read of one channel."""


class Backfill:
    """Reads alert channels back and has each alert taken in; what was taken in before is known by its key.

    ``channels`` are ids, none for every channel that Aegis is in. Replies in threads are not read.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        own: Identity,
        channels: Collection[str],
        clock: SlackClock,
        take: Callable[[ReceivedAlert], Awaitable[None]],
        reading: AlertReader | None = None,
    ) -> None:
        self._api = WebApi(client)
        self._own = own
        self._channels = tuple(channels)
        self._clock = clock
        self._take = take
        self._reading = reading or AlertReader(redact)

    async def read_back(self, since: datetime) -> None:
        """Take in what was said since then, by Slack's clock, oldest first.

        A channel that cannot be read is logged and left out.
        """
        now = self._clock()
        # What lies ahead was noted while this machine's clock was wrong: nobody knows when it was.
        oldest = (
            now - LONGEST_BACKFILL
            if since > now + MOST_CLOCK_OFFSET
            else max(since - BACKFILL_OVERLAP, now - LONGEST_BACKFILL)
        )
        for channel in self._channels or await self._joined():
            try:
                messages = await self._messages_since(channel, oldest)
            except SlackError as error:
                log.warning("channel %s was not read back: %s", channel, error.sentence)
                continue
            for message in reversed(messages):
                event = {**message, "channel": channel}
                received = await alert_messages.alert_in_time(event, self._own, (), self._clock.local(), self._reading)
                if received is not None:
                    await self._taken(received)

    async def _taken(self, received: ReceivedAlert) -> None:
        try:
            await self._take(received)
        except StoreError as error:
            log.warning("%s was not taken in: %s", received.key, error.sentence)

    async def _messages_since(self, channel: str, oldest: datetime) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while len(found) < MOST_MESSAGES:
            answer = await self._api.call(
                self._api.slack.conversations_history,
                again=True,
                channel=channel,
                oldest=f"{oldest.timestamp():.6f}",
                include_all_metadata=True,
                limit=200,
                cursor=cursor or None,
            )
            self._clock.observe(answer)
            found += answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return found

    async def _joined(self) -> tuple[str, ...]:
        found: list[str] = []
        cursor = ""
        while True:
            answer = await self._api.call(
                self._api.slack.users_conversations,
                again=True,
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=200,
                cursor=cursor or None,
            )
            found += [str(channel["id"]) for channel in answer.get("channels") or ()]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return tuple(found)
