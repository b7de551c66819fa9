"""Edits cards in place at Slack's pace; the newest state wins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.incident import Incident, State, Thread
from bot.errors import SlackError
from bot.slack.connection.rate_limit import EDIT
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import NO_ANSWER, RATE_LIMITED, UNREACHABLE, WebApi
from bot.slack.delivery.posts import BAD_BLOCKS, Posts
from bot.slack.views import card as views

log = logging.getLogger(__name__)

CARD_EDIT_INTERVAL_S = 1.0
"""Seconds between two edits of a card at least. Slack: about one edit a second (rate limits, chat.update)."""

CARD_EDIT_WAIT_S = 3.0
"""Seconds that a caller waits for an edit; then the edit goes on by itself."""

CARD_EDIT_TTL_S = 86_400.0
"""Seconds for which an edit waits where Slack asks to slow down or does not answer; after that it is no news."""

MOST_TRACKED_CARDS = 256
"""Cards that are remembered; the oldest is forgotten first, and found again in Slack where it matters."""

UNEDITABLE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


@dataclass(slots=True)
class _Card:
    """One card on the wall: what it shall show, what it shows, where it stands, and when the next edit may come."""

    wanted: Incident
    ts: str
    shown: Incident | None = None
    put_up_again: bool = False
    posting: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_at: float = 0.0
    editor: asyncio.Task[None] | None = None


class Cards:
    """Keeps cards up to date, one editor for each."""

    def __init__(self, api: WebApi, posts: Posts, work: BackgroundTasks) -> None:
        self._api = api
        self._posts = posts
        self._work = work
        self._cards: dict[str, _Card] = {}

    def thread(self, incident: Incident) -> Thread:
        """Return where replies about this incident go."""
        card = self._cards.get(incident.id)
        return Thread(incident.place.channel, incident.place.thread or (card.ts if card else "") or incident.card)

    def ts(self, incident: Incident) -> str:
        """Return the ts of the incident's card, ``""`` where none stands."""
        card = self._cards.get(incident.id)
        return (card.ts if card else "") or incident.card

    def known(self, incident: str) -> Incident | None:
        """Return an incident as its card shows it, without asking anybody; the oldest are forgotten."""
        card = self._cards.get(incident)
        return card.wanted if card else None

    def shows(self, incident: Incident) -> bool:
        """Return True if the card shows this state or a newer one."""
        card = self._cards.get(incident.id)
        return card is not None and card.shown is not None and _age(card.shown) >= _age(incident)

    async def put_up(self, incident: Incident) -> str:
        """Post the card unless it stands already, and return its ts. Raises ``SlackError``.

        An alert that is counted to the incident may bring up its card at the same moment: one of both posts it.
        """
        known = incident.id in self._cards
        card = self._cards.get(incident.id) or self._hang(incident, incident.card)
        async with card.posting:
            if not card.ts:
                look = known or incident.state is not State.OPEN
                card.ts = await self._posts.once(incident, "card", views.card(incident), incident.place, look=look)
                card.shown = incident
        return card.ts

    async def show(self, incident: Incident) -> None:
        """Make the card show this state, or a newer one. Raises ``SlackError`` where Slack refuses it in time."""
        card = self._cards.get(incident.id) or self._hang(incident, incident.card)
        card.ts = card.ts or incident.card
        if _age(incident) >= _age(card.wanted):
            card.wanted = incident
        if card.editor is None or card.editor.done():
            card.editor = self._work.start(self._edit(card), f"card of {incident.id}")
        done, _ = await asyncio.wait({card.editor}, timeout=CARD_EDIT_WAIT_S)
        for editor in done:
            editor.result()

    def _hang(self, incident: Incident, ts: str) -> _Card:
        card = self._cards[incident.id] = _Card(incident, ts)
        while len(self._cards) > MOST_TRACKED_CARDS:
            self._cards.pop(next(iter(self._cards)))
        return card

    async def _edit(self, card: _Card) -> None:
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + CARD_EDIT_TTL_S, CARD_EDIT_INTERVAL_S
        while card.shown is not card.wanted:
            await asyncio.sleep(max(0.0, card.next_at - loop.time()))
            card.next_at = loop.time() + CARD_EDIT_INTERVAL_S
            wanted = card.wanted
            try:
                await self._put(card, wanted)
            except SlackError as error:
                if error.code not in (NO_ANSWER, UNREACHABLE, RATE_LIMITED) or loop.time() > give_up:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, 60.0)
            else:
                card.shown = wanted

    async def _put(self, card: _Card, incident: Incident) -> None:
        message = views.card(incident)
        try:
            if card.ts:
                await self._update(incident.place.channel, card.ts, message)
                return
        except SlackError as error:
            if error.code not in UNEDITABLE:
                raise
            if card.put_up_again:
                log.warning("the card of %s was deleted twice; it stays so", incident.id)
                return
            card.put_up_again = True
            card.ts = ""
        async with card.posting:
            if not card.ts:
                # An earlier run may have put it up again; what stands there then shows an older state.
                card.ts = await self._posts.find(incident, "card", incident.place)
            if not card.ts and incident.state is State.EXPIRED:
                # None stands, and nothing was done: a card would only say that there is none.
                return
            if not card.ts:
                card.ts = await self._posts.once(incident, "card", message, incident.place)
                return
        await self._update(incident.place.channel, card.ts, message)

    async def _update(self, channel: str, ts: str, message: views.Message) -> None:
        try:
            await self._send(channel, ts, message.text, message.blocks)
        except SlackError as error:
            if error.code not in BAD_BLOCKS:
                raise
            log.warning("Slack refused the blocks, so the text goes alone: %s", error.detail)
            await self._send(channel, ts, message.text, [])

    async def _send(self, channel: str, ts: str, text: str, blocks: Sequence[dict[str, Any]]) -> None:
        # Without parse="none" Slack looks for names and links in the text; without blocks it drops those that stand.
        await self._api.call(
            self._api.slack.chat_update,
            again=True,
            patience=CARD_EDIT_TTL_S,
            urgency=EDIT,
            channel=channel,
            ts=ts,
            text=text,
            blocks=blocks,
            parse="none",
        )


def _age(incident: Incident) -> tuple[int, int]:
    """Return by what a newer picture of an incident is told from an older one: counted alerts are no new revision."""
    return incident.revision, incident.alerts
