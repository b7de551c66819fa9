"""Posts all of Aegis's messages to Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.incident import Incident, State, Thread
from bot.domain.target import local_container
from bot.errors import SlackError
from bot.ports.outbox import OutboxMessage
from bot.ports.slack import Asker
from bot.slack.connection.rate_limit import PROGRESS, REFUSAL
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import NO_ANSWER, RATE_LIMITED, Identity, WebApi, explain, translate
from bot.slack.delivery.cards import Cards
from bot.slack.delivery.posts import Posts
from bot.slack.views import card as views
from bot.slack.views import modals
from bot.slack.views.card import Message
from bot.slack.views.replies import announcement

log = logging.getLogger(__name__)

MOST_CACHED_ANNOUNCEMENTS = 200
"""Alerts by webhook whose message is known without asking Slack."""

OUTBOX_POST_TIMEOUT_S = 8.0
"""Seconds that a kept message waits where Slack asks to slow down; after that it is sent later, from the outbox."""


class SlackMessenger:
    """Implements ``ports.Messenger``, and what the listeners need besides: windows and answers to one person.

    ``client`` should carry a session (``web_client``), or each call opens a connection. ``clock`` gives the time with a
    time zone. ``patience`` is how many seconds one call may wait because Slack asks to slow down.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        own: Identity,
        work: BackgroundTasks,
        clock: Callable[[], datetime],
        *,
        patience: float = 60.0,
    ) -> None:
        self._client = client
        self._api = WebApi(client, patience=patience)
        self._posts = Posts(self._api, own, clock)
        self._cards = Cards(self._api, self._posts, work)
        self._announced: dict[str, str] = {}
        self._announcing = asyncio.Lock()

    async def react(self, place: Thread, message: str) -> None:
        """Put 👀 on a message, once; where Slack asks to slow down, the message goes without."""
        try:
            await self._api.call(
                self._api.slack.reactions_add,
                patience=0.0,
                urgency=PROGRESS,
                channel=place.channel,
                timestamp=message,
                name="eyes",
            )
        except SlackError as error:
            if error.code not in ("already_reacted", RATE_LIMITED):
                raise

    async def announce(self, incident: Incident) -> str:
        """Post the alert of an incident that came by webhook, once for all its incidents; return the message's ts."""
        alert = replace(incident, id=f"alert {incident.sender} {incident.opened_at.isoformat()}")
        async with self._announcing:
            if alert.id not in self._announced:
                self._announced[alert.id] = await self._posts.once(
                    alert, "alert", announcement(incident), Thread(incident.place.channel)
                )
                while len(self._announced) > MOST_CACHED_ANNOUNCEMENTS:
                    del self._announced[next(iter(self._announced))]
            return self._announced[alert.id]

    async def card(self, incident: Incident) -> str:
        """Post the incident's card (in the thread, where it has one) and return its ts."""
        return await self._cards.put_up(incident)

    def known(self, incident: str) -> Incident | None:
        """Return the incident as its card shows it, where this run of Aegis put the card up."""
        return self._cards.known(incident)

    async def update(self, incident: Incident) -> None:
        """Update the card. Where Slack asks to wait longer than a moment, it goes on without the caller."""
        await self._cards.show(incident)

    async def is_card(self, incident: Incident, ts: str) -> bool:
        """Return True if the message ``ts`` is the incident's card. Asks Slack."""
        return ts != "" and await self._posts.find(incident, "card", incident.place) == ts

    async def outcome(self, incident: Incident, newest: Sequence[str] = ()) -> None:
        """Post the outcome in the thread, once, even if an earlier run may have posted it already."""
        await self._posts.once(incident, "outcome", views.outcome(incident, newest), self._cards.thread(incident))

    async def say(self, incident: Incident, sentence: str, *, offer: bool = False, mention: Sequence[str] = ()) -> None:
        """Post a sentence in the incident's thread; ``offer`` adds the button for a new diagnosis."""
        notice = views.notice(sentence, mention=mention, offer=incident if offer else None)
        await self._posts.post(self._cards.thread(incident), notice)

    async def say_at(self, place: Thread, sentence: str) -> None:
        """Post a sentence in a thread that belongs to no incident."""
        await self.post(place, views.notice(sentence))

    async def post(self, place: Thread, message: Message) -> None:
        """Post a message that belongs to no incident."""
        await self._posts.post(place, message)

    def shows(self, incident: Incident) -> bool:
        """Return True if the card shows this state or a newer one."""
        return self._cards.shows(incident)

    async def send(self, note: OutboxMessage, incident: Incident | None, *, look: bool) -> None:
        """Post a kept message unless it stands already; with ``look``, Slack is asked first."""
        if note.kind == "card":
            if incident is not None:
                await self._cards.show(incident)
                if not self._cards.shows(incident):
                    raise explain(RATE_LIMITED)
            return
        place = self._cards.thread(incident) if incident else note.place
        if note.kind == "outcome" and incident is not None:
            message, part = views.outcome(incident, note.names), "outcome"
        elif note.kind == "choose":
            message, part = views.choose(note.sentence, note.names, note.place), note.id
        else:
            offer = incident if note.offer else None
            message, part = views.notice(note.sentence, mention=note.mention, offer=offer), note.id
        about = incident or Incident(note.id, local_container(""), note.place, State.OPEN, _created_at(note))
        await self._posts.once(about, part, message, place, look=look, patience=OUTBOX_POST_TIMEOUT_S)

    async def whisper(self, user: str, place: Thread, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Post a sentence that one person alone sees. Log it if Slack cannot show it (they left the channel)."""
        await self._alone(user, place, views.notice(sentence, mention=mention))

    async def reply(self, asker: Asker, sentence: str, *, about: Incident | None = None) -> None:
        """Post a sentence that the asker alone sees, with a link to the card of ``about`` if Slack gives one."""
        link = await self._link(about) if about else ""
        await self._alone(asker.user, asker.place, views.notice(sentence, link=link), asker.url)

    async def _link(self, incident: Incident) -> str:
        """Return the address of the incident's card, ``""`` where Slack does not give it."""
        ts = self._cards.ts(incident)
        if not ts:
            return ""
        try:
            answer = await self._api.call(
                self._api.slack.chat_getPermalink,
                again=True,
                patience=2.0,
                urgency=REFUSAL,
                channel=incident.place.channel,
                message_ts=ts,
            )
        except SlackError as error:
            log.warning("no link to the card: %s (%s)", error.sentence, error.code)
            return ""
        return str(answer.get("permalink") or "")

    async def choose(
        self, place: Thread, sentence: str, names: Sequence[str], *, user: str = "", url: str = ""
    ) -> None:
        """Ask which target is meant, with a menu of ``names``; to one person alone where ``user`` is given."""
        menu = views.choose(sentence, names, place)
        if user:
            await self._alone(user, place, menu, url)
        else:
            await self._posts.post(place, menu)

    async def show_evidence(self, incident: Incident, view: str) -> None:
        """Show all the evidence in the opened modal ``view``, or as a file in the thread where it is too long."""
        modal = modals.evidence(incident)
        if modal is None:
            place = self._cards.thread(incident)
            await self._upload(place, f"evidence-{incident.target}.txt", modals.evidence_text(incident))
            modal = modals.message(
                "Evidence", "It is too long for this window; it is a file in the thread of the card."
            )
        await self._api.call(self._api.slack.views_update, again=True, view_id=view, view=modal)

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        """Open a window and return its id. ``trigger`` lives for three seconds, so nothing may come before this."""
        answer = await self._api.call(
            self._api.slack.views_open, patience=0.0, urgency=REFUSAL, trigger_id=trigger, view=dict(view)
        )
        return str((answer.get("view") or {}).get("id", ""))

    async def publish(self, user: str, home: Mapping[str, Any]) -> None:
        """Show ``home`` in a person's home tab."""
        await self._api.call(self._api.slack.views_publish, again=True, user_id=user, view=dict(home))

    async def show(self, view: str, modal: Mapping[str, Any]) -> None:
        """Show ``modal`` in an opened window."""
        await self._api.call(self._api.slack.views_update, again=True, view_id=view, view=dict(modal))

    async def answer(self, url: str, message: Message, *, replace: bool = False, alone: bool = True) -> None:
        """Answer by a payload's response URL, to the asker ``alone`` or to all.

        ``replace`` puts the answer where the message with the pressed control was.
        """
        hook = AsyncWebhookClient(url, session=self._client.session, ssl=self._client.ssl, retry_handlers=[])
        hook.proxy = self._client.proxy
        try:
            response = await hook.send(
                text=message.text,
                blocks=message.blocks,
                response_type="ephemeral" if alone else "in_channel",
                replace_original=replace,
                unfurl_links=False,
                unfurl_media=False,
            )
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise translate(error) from error
        if response.status_code != 200:
            raise explain(NO_ANSWER, f"HTTP {response.status_code}")

    async def _alone(self, user: str, place: Thread, message: Message, url: str = "") -> None:
        """Show a message to one person: by their reply address, which works where Aegis is not, or in the channel."""
        if url:
            try:
                await self.answer(url, message)
            except SlackError as error:
                log.warning("no answer to %s by the reply address: %s (%s)", user, error.sentence, error.code)
            else:
                return
        try:
            await self._posts.ephemeral(user, place, message)
        except SlackError as error:
            log.warning("not shown to %s in %s: %s (%s)", user, place.channel, error.sentence, error.code)

    async def _upload(self, place: Thread, filename: str, content: str) -> None:
        await self._api.call(
            self._api.slack.files_upload_v2,
            filename=filename,
            content=content,
            title=filename,
            channel=place.channel,
            thread_ts=place.thread or None,
        )


def _created_at(note: OutboxMessage) -> datetime:
    """Return since when a message may stand: since that of its thread, which an earlier run may have answered."""
    try:
        return datetime.fromtimestamp(float(note.place.thread), UTC)
    except (ValueError, OverflowError, OSError):
        return note.at
