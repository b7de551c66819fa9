"""Acknowledges Slack's events and hands them over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.incident import Thread
from bot.errors import AegisError, StoreError
from bot.incidents.alert_reader import AlertReader
from bot.incidents.api import SlackRequests
from bot.ports.database import ReceivedAlert
from bot.ports.slack import Asker
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.listeners import alert_messages
from bot.slack.listeners import commands as asks
from bot.slack.listeners.commands import parse_command
from bot.slack.listeners.queries import Queries
from bot.slack.members import Members
from bot.slack.views import card
from bot.slack.views.card import Message

log = logging.getLogger(__name__)


MOST_SEEN_MENTIONS = 1000
"""Mentions that are remembered, so that one which Slack delivers again is not answered again."""


LONGEST_ANSWER_DELAY_S = 0.2
"""Seconds that an alert's answer waits at most for others to be taken in, one answer after the other: in a flood five
answers a second begin, and the rest of the time is for acknowledgements."""


class EventListeners:
    """What is said in Slack: alerts, mentions, commands, and a message that somebody points at.

    Bolt passes arguments by their names: ``ack``, ``body``, ``event``, ``command``, ``shortcut``.
    """

    def __init__(
        self,
        answers: SlackRequests,
        questions: Queries,
        work: BackgroundTasks,
        channels: Collection[str],
        own: Identity,
        messenger: SlackMessenger,
        members: Members,
        clock: Callable[[], datetime],
        reading: AlertReader,
    ) -> None:
        self._answers = answers
        self._questions = questions
        self._work = work
        self._channels = frozenset(channels)
        self._own = own
        self._messenger = messenger
        self._members = members
        self._clock = clock
        self._reading = reading
        self._mentions: dict[str, None] = {}
        self._waiting: dict[str, ReceivedAlert] = {}
        self._taking = 0
        self._calm = asyncio.Event()
        self._beginning = asyncio.Lock()

    async def message(self, event: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """Take in what a monitoring sender says. Acknowledged when this returns; if it raises, Slack sends it again."""
        own = replace(self._own, app_id=str(body.get("api_app_id") or self._own.app_id))
        received = await alert_messages.alert_in_time(event, own, self._channels, self._clock(), self._reading)
        if received is not None:
            await self.take(received)

    async def take(self, received: ReceivedAlert) -> None:
        """Take an alert in; one that cannot be put on disk is kept for ``take_waiting``, and the ``StoreError`` raised.

        Slack sends it again a few times at most, perhaps to nobody who can put it on disk either.
        """
        try:
            await self._take(received)
        except StoreError:
            self._waiting[received.key] = received
            while len(self._waiting) > MOST_SEEN_MENTIONS:
                del self._waiting[next(iter(self._waiting))]
            raise

    async def take_waiting(self) -> None:
        """Take in what could not be put on disk before. Raises ``StoreError`` where it still cannot."""
        for key, received in list(self._waiting.items()):
            await self._take(received)
            self._waiting.pop(key, None)

    async def _take(self, received: ReceivedAlert, url: str = "") -> asyncio.Task[None] | None:
        """Store an alert without its secrets. Return the work of answering it, unless it was stored before."""
        received = replace(received, alert=await self._reading.admitted(received.alert))
        self._taking += 1
        self._calm.clear()
        try:
            new = await self._answers.receive(received)
        finally:
            self._taking -= 1
            if not self._taking:
                self._calm.set()
        return self._work.start(self._answer_in_turn(received, url), f"alert {received.key}") if new else None

    async def _answer_in_turn(self, received: ReceivedAlert, url: str) -> None:
        """Answer once nobody waits to be acknowledged, or soon: Slack gives three seconds for that, a card may wait."""
        async with self._beginning:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._calm.wait(), LONGEST_ANSWER_DELAY_S)
        await self._answers.answer(received, url)

    async def mention(self, event: Mapping[str, Any]) -> None:
        """Answer ``@aegis …`` of a person in the thread where it was said."""
        channel, ts, user = (str(event.get(name) or "") for name in ("channel", "ts", "user"))
        key = f"{channel}:{ts}"
        if event.get("bot_id") or not (channel and ts and user) or key in self._mentions:
            return
        self._mentions[key] = None
        while len(self._mentions) > MOST_SEEN_MENTIONS:
            del self._mentions[next(iter(self._mentions))]
        place = Thread(channel, str(event.get("thread_ts") or ts))
        words = str(event.get("text") or "").replace(f"<@{self._own.bot_user_id}>", " ")

        async def reply(message: Message) -> None:
            await self._messenger.post(place, message)

        async def alone(sentence: str) -> None:
            await self._messenger.whisper(user, place, sentence)

        self._answer(words, Asker(user, place), reply, alone)

    async def home(self, event: Mapping[str, Any]) -> None:
        """Bring the home tab of a person who opens it up to date."""
        user = str(event.get("user") or "")
        if user and event.get("tab") == "home":
            self._work.start(asks.home(user, self._questions, self._messenger, self._members), f"home of {user}")

    async def command(self, ack: AsyncAck, command: Mapping[str, Any]) -> None:
        """Answer ``/aegis …`` to the asker alone; a card comes in the channel."""
        await ack()
        place = Thread(str(command.get("channel_id") or ""))
        url = str(command.get("response_url") or "")

        async def reply(message: Message) -> None:
            await self._messenger.answer(url, message)

        async def alone(sentence: str) -> None:
            await reply(card.notice(sentence))

        asker = Asker(str(command.get("user_id") or ""), place, url)
        self._answer(str(command.get("text") or ""), asker, reply, alone)

    async def shortcut(self, ack: AsyncAck, shortcut: Mapping[str, Any]) -> None:
        """Diagnose what a message is about; where it names no container, or several, a menu comes in its thread."""
        message = shortcut.get("message")
        channel = (shortcut.get("channel") or {}).get("id")
        await ack()
        if not isinstance(message, Mapping) or not isinstance(channel, str):
            return
        seen = {**message, "ts": message.get("ts") or shortcut.get("message_ts")}
        user = str((shortcut.get("user") or {}).get("id") or "")
        action, now = str(shortcut.get("action_ts") or ""), self._clock()
        received = alert_messages.alert_asked(seen, channel, action, user, now, await self._reading.message(seen))
        url = str(shortcut.get("response_url") or "")

        async def take() -> None:
            refusal = await self._members.refusal(user)
            if refusal is not None:
                await self._messenger.reply(Asker(user, received.place, url), refusal.reason)
                return
            try:
                answering = await self._take(received, url)
                if answering is not None:
                    await answering
            except AegisError as error:
                await self._messenger.answer(url, card.notice(error.sentence))

        self._work.start(take(), f"shortcut {received.key}")

    def _answer(
        self,
        words: str,
        asker: Asker,
        reply: Callable[[Message], Awaitable[None]],
        alone: Callable[[str], Awaitable[None]],
    ) -> None:
        """Answer a member by ``reply``, and refuse anybody else, ``alone``."""
        ask, user = parse_command(words), asker.user

        async def answering() -> None:
            refusal = await self._members.refusal(user)
            if refusal is not None:
                await alone(refusal.reason)
                return
            await asks.answer(ask, asker.place, user, self._answers, self._questions, self._messenger, reply, asker.url)

        self._work.start(answering(), f"{ask.verb} asked by {user}")
