"""Talks to people in Slack and keeps the card up to date."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

from bot.domain.incident import LIVE, Incident, Press
from bot.errors import SlackError, StoreError
from bot.incidents.refused import PressRefused
from bot.ports.database import Store
from bot.ports.slack import Messenger
from bot.runtime import Runtime
from bot.telemetry import REFUSALS

log = logging.getLogger(__name__)


class Replies:
    """Posts cards, answers and refusals. A message that Slack does not take never stops the work."""

    def __init__(self, *, store: Store, messenger: Messenger, world: Runtime) -> None:
        self._store = store
        self._messenger = messenger
        self._world = world

    async def update_card(self, incident: Incident) -> None:
        """Bring the card up to date, also where another replica saved a newer version meanwhile.

        A card that is not posted yet is left to the replica that owns the incident: it posts the newest version.
        """
        if not await self._may_show(incident):
            log.debug("card left to the replica that owns the incident")
            return
        log.debug("card updated to %s", incident.state.value)
        await self.best_effort(self._messenger.update(incident))
        while self._store.shared:
            newest = await self._store.get(incident.id)
            if newest is None or (newest.revision, newest.alerts) <= (incident.revision, incident.alerts):
                return
            incident = newest
            await self.best_effort(self._messenger.update(incident))

    async def _may_show(self, incident: Incident) -> bool:
        if not self._store.shared or incident.card or incident.state not in LIVE:
            return True
        return await self._store.owns(incident)

    async def refuse(self, press: Press, refused: PressRefused) -> None:
        """Record a refused press, and tell the person who pressed why."""
        if refused.recorded:
            REFUSALS.labels(refused.refusal.rule.value.replace(" ", "_")).inc()
            try:
                await self._store.save_refusal(press, refused.refusal, self._world.now())
            except StoreError as error:
                log.warning("refusal not recorded: %s", error.sentence)
        await self.whisper(press, refused.refusal.reason, mention=refused.mentions)

    async def whisper(self, press: Press, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Post a sentence that only the person who pressed sees."""
        await self.best_effort(self._messenger.whisper(press.user, press.place, sentence, mention=mention))

    async def best_effort(self, post: Awaitable[object]) -> None:
        """Await a post to Slack; where Slack does not take it, log that and go on."""
        try:
            await post
        except SlackError as error:
            log.warning("not posted: %s", error.sentence)
