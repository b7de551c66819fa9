"""Ends an incident: announces the outcome once and stores it once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.domain import notices
from bot.domain.incident import Incident, State
from bot.domain.runbook import from_incident
from bot.errors import EngineError, RunbookError, SlackError
from bot.incidents.replies import Replies
from bot.incidents.transitions import Transitions
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.escalator import Escalator
from bot.ports.runbook import Runbook
from bot.ports.slack import Messenger
from bot.runtime import Runtime
from bot.telemetry import RECOVERY

log = logging.getLogger(__name__)

MOST_OPEN_CARDS = 500
"""Cards that wait for a decision at once; ten thousand would delay every acknowledgement by seconds."""

NEWEST_LINES = 10
"""Log lines below the outcome of an action that did not help."""


class Closing:
    """Ends incidents. Each end is saved first, then announced in the thread, then added to the runbook."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        memory: Runbook,
        containers: Engine,
        transitions: Transitions,
        replies: Replies,
        escalator: Escalator,
        world: Runtime,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._memory = memory
        self._containers = containers
        self._transitions = transitions
        self._replies = replies
        self._escalator = escalator
        self._world = world
        self._finishing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def end(self, incident: Incident, was: Incident) -> None:
        """End an acted-on incident as RESOLVED or UNRESOLVED, by its verification."""
        recovered = incident.verification is not None and incident.verification.recovered is True
        state = State.RESOLVED if recovered else State.UNRESOLVED
        ended = await self._transitions.save_with_retry(
            was, replace(incident, state=state, closed_at=self._world.now())
        )
        if ended is None:
            return
        if recovered and ended.verification:
            RECOVERY.observe(ended.verification.seconds)
        await self.announce_and_store(ended)

    async def close(
        self, incident: Incident, state: State, sentence: str, *, by: str = "", was: Incident | None = None
    ) -> bool:
        """End an incident without a verification, and announce it. Return ``False`` if somebody else ended it before.

        ``by`` is the user id of whoever ended it. Where nobody did, the thread gets a button for a fresh diagnosis.
        """
        ended = replace(incident, state=state, closing=sentence, closed_by=by, closed_at=self._world.now())
        before = was or incident
        # After an engine call the end has already happened: save it as soon as the database can.
        acted = before.state in (State.ACTING, State.VERIFYING)
        save = self._transitions.save_with_retry if acted else self._transitions.save_if_unchanged
        saved = await save(before, ended)
        if saved is None:
            return False
        await self.announce_and_store(saved)
        return True

    async def abort_restart(self, incident: Incident, sentence: str) -> None:
        """End an approved incident on which the engine did nothing, by what is on disk now."""
        current = await self._transitions.retry_until_stored(lambda: self._store.get(incident.id))
        if current is not None and (current.state, current.approval) == (State.ACTING, incident.approval):
            undone = replace(current, restarted_at=None)
            await self.close(undone, State.INTERRUPTED, sentence, was=current)

    async def expire(self, incident: Incident) -> None:
        """Close an incident on which nobody decided in time."""
        await self.close(incident, State.EXPIRED, notices.NOBODY_DECIDED)

    async def close_oldest(self) -> None:
        """Close the oldest cards if too many wait for a decision."""
        for old in await self._store.oldest_beyond(MOST_OPEN_CARDS):
            sentence = notices.closed_to_make_room(MOST_OPEN_CARDS)
            await self.close(old, State.EXPIRED, sentence)

    async def announce_and_store(self, incident: Incident, *, again: bool = False) -> None:
        """Announce the outcome in the thread and add it to the runbook, each once.

        ``again`` marks a later try, which does not report a second time that the runbook cannot be written.
        """
        async with self._finishing.setdefault(incident.id, asyncio.Lock()):
            newest = await self._transitions.retry_until_stored(lambda: self._store.get(incident.id))
            if newest is not None and not newest.finalized:
                await self._transitions.retry_until_stored(lambda: self._finish(newest, again=again))

    async def _finish(self, incident: Incident, *, again: bool) -> None:
        await self._replies.update_card(incident)
        if not await self._transitions.still_owned(incident):
            return
        if not incident.announced:
            try:
                await self._announce(incident)
            except SlackError as error:
                log.warning("outcome not announced: %s", error.sentence)
                if error.later:
                    return
            announced = await self._transitions.save_with_retry(incident, replace(incident, announced=True))
            if announced is None:
                return
            incident = announced
        entry = from_incident.entry_from(incident)
        if entry is not None:
            try:
                await self._memory.append(entry)
            except RunbookError as error:
                log.warning("not in the runbook yet: %s", error.sentence)
                if not again:
                    sentence = notices.not_in_runbook(error.sentence)
                    await self._replies.best_effort(self._messenger.say(incident, sentence))
                return
        await self._transitions.save_with_retry(incident, replace(incident, finalized=True))

    async def _announce(self, incident: Incident) -> None:
        if incident.state is State.INTERRUPTED or (incident.state is State.EXPIRED and not incident.closed_by):
            await self._messenger.say(incident, incident.closing, offer=not incident.closed_by)
        if incident.state not in (State.RESOLVED, State.UNRESOLVED) or incident.approval is None:
            return
        newest: tuple[str, ...] = ()
        if incident.state is State.UNRESOLVED:
            try:
                newest = await self._containers.newest_lines(incident.target_id, NEWEST_LINES)
            except EngineError as error:
                log.warning("no newest log lines: %s", error.sentence)
        await self._messenger.outcome(incident, newest)
        if incident.state is State.UNRESOLVED:
            await self._escalator.call(incident)
