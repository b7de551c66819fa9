"""Posts new messages once, with fallbacks for refused blocks and threads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.incident import Incident, Thread
from bot.errors import SlackError
from bot.slack.connection.rate_limit import REFUSAL
from bot.slack.connection.web_api import NO_ANSWER, Identity, WebApi
from bot.slack.views.card import Message

log = logging.getLogger(__name__)

EVENT_TYPE = "aegis_incident"
"""The type of the metadata by which Aegis knows its own messages again. Any app in the workspace can read it."""

BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch"})

THREAD_GONE = frozenset({"message_not_found", "thread_not_found"})

MOST_SEARCHED_MESSAGES = 1000
"""Messages of a thread or channel that are looked through for one of ours."""

SEARCH_MARGIN = timedelta(days=7)
"""How long before an incident is looked for what was said of it: the clock by which it was opened may have been off.
``MOST_SEARCHED_MESSAGES`` bounds what that costs."""


class Posts:
    """Posts messages. A post whose answer was lost is looked for by its metadata before it is sent again."""

    def __init__(self, api: WebApi, own: Identity, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._own = own
        self._started_at = clock()

    async def post(
        self, place: Thread, message: Message, metadata: dict[str, Any] | None = None, patience: float | None = None
    ) -> str:
        """Post a message and return its ts. Raises ``SlackError``; ``NO_ANSWER`` where it may stand there or not."""
        try:
            return await self._send(place, message, metadata, patience)
        except SlackError as error:
            if error.code in BAD_BLOCKS and message.blocks:
                log.warning("Slack refused the blocks, so the text goes alone: %s", error.detail)
                return await self.post(place, replace(message, blocks=()), metadata, patience)
            if error.code in THREAD_GONE and place.thread:
                return await self.post(Thread(place.channel), message, metadata, patience)
            raise

    async def once(
        self,
        incident: Incident,
        part: str,
        message: Message,
        place: Thread,
        *,
        look: bool = False,
        patience: float | None = None,
    ) -> str:
        """Post ``part`` of an incident (``card`` or ``outcome``) unless it already stands at ``place``; return its ts.

        Whether it stands there is asked where an earlier run of Aegis or another replica may have posted it, or with
        ``look``.
        """
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"incident": incident.id, "part": part}}
        if look or incident.epoch or incident.opened_at < self._started_at:
            standing = await self.find(incident, part, place)
            if standing:
                return standing
        try:
            return await self.post(place, message, metadata, patience)
        except SlackError as error:
            if error.code != NO_ANSWER:
                raise
            return await self.find(incident, part, place) or await self.post(place, message, metadata, patience)

    async def find(self, incident: Incident, part: str, place: Thread) -> str:
        """Return the ts of a standing message of ours, or ``""``. Raises ``SlackError`` where Slack does not say."""
        slack, cursor, seen = self._api.slack, "", 0
        while seen < MOST_SEARCHED_MESSAGES:
            page: dict[str, Any] = {"include_all_metadata": True, "limit": 200, "cursor": cursor or None}
            try:
                if place.thread:
                    answer = await self._api.call(
                        slack.conversations_replies, again=True, channel=place.channel, ts=place.thread, **page
                    )
                else:
                    answer = await self._api.call(
                        slack.conversations_history,
                        again=True,
                        channel=place.channel,
                        oldest=f"{(incident.opened_at - SEARCH_MARGIN).timestamp():.6f}",
                        **page,
                    )
            except SlackError as error:
                if error.code in THREAD_GONE:
                    return ""
                raise
            messages = answer.get("messages") or []
            for message in messages:
                if self._is(message, incident.id, part):
                    return str(message["ts"])
            seen += len(messages)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor or not messages:
                break
        return ""

    async def ephemeral(self, user: str, place: Thread, message: Message) -> None:
        """Show a message to one person alone."""
        try:
            await self._api.call(
                self._api.slack.chat_postEphemeral,
                channel=place.channel,
                user=user,
                text=message.text,
                blocks=message.blocks or None,
                thread_ts=place.thread or None,
                patience=5.0,
                urgency=REFUSAL,
            )
        except SlackError as error:
            if error.code not in BAD_BLOCKS or not message.blocks:
                raise
            log.warning("Slack refused the blocks, so the text goes alone: %s", error.detail)
            await self.ephemeral(user, place, replace(message, blocks=()))

    async def _send(
        self, place: Thread, message: Message, metadata: dict[str, Any] | None, patience: float | None
    ) -> str:
        answer = await self._api.call(
            self._api.slack.chat_postMessage,
            patience=patience,
            channel=place.channel,
            thread_ts=place.thread or None,
            text=message.text,
            blocks=message.blocks or None,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer.get("ts", ""))

    def _is(self, message: dict[str, Any], incident: str, part: str) -> bool:
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        is_own = message.get("bot_id") == self._own.bot_id or message.get("user") == self._own.bot_user_id
        return (
            is_own
            and metadata.get("event_type") == EVENT_TYPE
            and payload.get("incident") == incident
            and payload.get("part", "card") == part
        )
