"""One incident in the store and on its card, kept in step; and how it ends: told once, remembered once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from bot.domain.audit.trail import Act, Verdict
from bot.domain.guard import Refusal
from bot.domain.incident import LIVE, Approval, Incident, Press, State
from bot.domain.runbook import precedents
from bot.errors import EngineError, RunbookError, SlackError, StoreError
from bot.ports import Containers, Memory, Messenger, Store
from bot.runtime import Plan, World
from bot.telemetry import INCIDENTS, RECOVERY, REFUSALS, RESTARTS

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_WAITING = 500
"""Cards that wait for a decision at once; ten thousand would hold up every acknowledgement for seconds."""


class Record:
    """What is known of incidents: on disk first, then in Slack. A step that somebody took before is not taken again."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        memory: Memory,
        containers: Containers,
        plan: Plan,
        world: World,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._memory = memory
        self._containers = containers
        self._plan = plan
        self._world = world
        self._finishing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def claim(
        self, before: Incident, after: Incident, approval: Approval | None = None, *, token: str = ""
    ) -> Incident | None:
        """Save a step if nobody was faster; see ``Store.claim``."""
        saved = await self._store.claim(before, after, approval, token)
        if saved is not None and saved.state is not before.state:
            INCIDENTS.labels(saved.state.value).inc()
            if before.state in (State.RESTARTING, State.VERIFYING) and saved.state not in LIVE:
                RESTARTS.labels(saved.state.value.lower()).inc()
            log.info("%s -> %s", before.state.value, saved.state.value)
        return saved

    async def amend(self, incident: Incident, change: Callable[[Incident], Incident]) -> Incident | None:
        """Save a change on top of what others changed meanwhile; ``None`` where the incident left its state, or us.

        While the database is away it is tried again and again: what was seen of a target or put into Slack is there.
        """
        while True:
            saved = await self.insist(incident, change(incident))
            if saved is not None:
                return saved
            fresh = await self._store.get(incident.id)
            if fresh is None or (fresh.state, fresh.epoch) != (incident.state, incident.epoch):
                return None
            if fresh.revision == incident.revision:
                return None
            incident = fresh

    async def persist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what needs the database: while it is away, again and again. The work must stand being done twice."""
        pause = 1.0
        while True:
            try:
                return await work()
            except StoreError as error:
                log.warning("not done yet, it is tried again: %s", error.sentence)
                await self._world.sleep(pause)
                pause = min(pause * 2, 60.0)

    async def insist(self, before: Incident, after: Incident) -> Incident | None:
        """Save a step that has already happened: as ``claim``, but while the database is away, again and again."""
        token = uuid4().hex
        return await self.persist(lambda: self.claim(before, after, token=token))

    async def acting(self, incident: Incident, what: str) -> bool:
        """Note what the engine is about to be told; where this raises or is ``False``, it must not be told.

        Raises ``StoreError`` where it cannot be noted. ``False``: another replica took the incident over.
        """
        person = incident.approval.user if incident.approval else ""
        return await self._store.sending(
            incident,
            Act(
                "engine",
                self._world.now(),
                Verdict.ALLOWED,
                "approval",
                person,
                incident.id,
                incident.target,
                f"{what} {incident.container[:12]}",
            ),
        )

    async def ours(self, incident: Incident) -> bool:
        """Say whether to go on with an incident; not where another replica took it over. Raises ``StoreError``."""
        if not self._store.shared or await self._store.owns(incident):
            return True
        log.warning("another replica took this over; it goes on there")
        return False

    async def show(self, incident: Incident) -> None:
        """Bring the card up to date, if Slack takes it; also where another replica is ahead of what is known here."""
        await self.quietly(self._messenger.update(incident))
        while self._store.shared:
            newest = await self._store.get(incident.id)
            if newest is None or (newest.revision, newest.alerts) <= (incident.revision, incident.alerts):
                return
            incident = newest
            await self.quietly(self._messenger.update(incident))

    async def is_card(self, incident: Incident, ts: str) -> bool:
        """Say whether this message is the incident's card, by what Slack says; raises ``SlackError``."""
        return await self._messenger.is_card(incident, ts)

    async def end(self, incident: Incident, was: Incident) -> None:
        """RESTARTING or VERIFYING -> RESOLVED or UNRESOLVED, by what the verification saw."""
        good = incident.verification is not None and incident.verification.recovered is True
        state = State.RESOLVED if good else State.UNRESOLVED
        ended = await self.insist(was, replace(incident, state=state, closed_at=self._world.now()))
        if ended is None:
            return
        if good and ended.verification:
            RECOVERY.observe(ended.verification.seconds)
        await self.finish(ended)

    async def close(
        self,
        incident: Incident,
        state: State,
        told: str,
        *,
        by: str = "",
        was: Incident | None = None,
    ) -> bool:
        """End an incident without a verification, and say so; ``False`` for whoever comes too late: nothing is done.

        ``by`` is the person whose will it is; where it is nobody's, the thread is offered a fresh diagnosis.
        """
        ended = replace(incident, state=state, closing=told, closed_by=by, closed_at=self._world.now())
        before = was or incident
        # Once the engine may have been asked, the end has already happened: it is saved as soon as that can be.
        asked = before.state in (State.RESTARTING, State.VERIFYING)
        saved = await (self.insist if asked else self.claim)(before, ended)
        if saved is None:
            return False
        await self.finish(saved)
        return True

    async def not_restarted(self, incident: Incident, told: str) -> None:
        """End an approved incident of which the engine was told nothing, or did nothing, by what is on disk now."""
        current = await self.persist(lambda: self._store.get(incident.id))
        if current is not None and (current.state, current.approval) == (State.RESTARTING, incident.approval):
            undone = replace(current, restarted_at=None)
            await self.close(undone, State.INTERRUPTED, told, was=current)

    async def expire(self, incident: Incident) -> None:
        """Close an incident on which nobody decided in time."""
        await self.close(incident, State.EXPIRED, "Nobody decided in time.")

    async def make_room(self) -> None:
        """Close the oldest cards where too many wait for a decision."""
        for old in await self._store.surplus(MOST_WAITING):
            told = f"Closed to make room, since {MOST_WAITING:,} newer incidents wait for a decision."
            await self.close(old, State.EXPIRED, told)

    def expired(self, incident: Incident) -> bool:
        """Say whether the card is too old for its button to act, or of a time to come: the clock was put back."""
        if incident.state is not State.PROPOSED or incident.proposed_at is None:
            return False
        return abs((self._world.now() - incident.proposed_at).total_seconds()) > self._plan.policy.expiry

    async def finish(self, incident: Incident, *, again: bool = False) -> None:
        """Tell the thread how it ended, once, and remember it, once; ``again`` says no second time that it cannot."""
        async with self._finishing.setdefault(incident.id, asyncio.Lock()):
            newest = await self.persist(lambda: self._store.get(incident.id))
            if newest is not None and not newest.remembered:
                await self.persist(lambda: self._finish(newest, again=again))

    async def _finish(self, incident: Incident, *, again: bool) -> None:
        await self.show(incident)
        if not await self.ours(incident):
            return
        if not incident.told:
            try:
                await self._tell(incident)
            except SlackError as error:
                log.warning("not told: %s", error.sentence)
                if error.later:
                    return
            told = await self.insist(incident, replace(incident, told=True))
            if told is None:
                return
            incident = told
        entry = precedents.entry_from(incident)
        if entry is not None:
            try:
                await self._memory.append(entry)
            except RunbookError as error:
                log.warning("not remembered yet: %s", error.sentence)
                if not again:
                    sentence = f"The runbook was not written yet. {error.sentence}"
                    await self.quietly(self._messenger.say(incident, sentence))
                return
        await self.insist(incident, replace(incident, remembered=True))

    async def _tell(self, incident: Incident) -> None:
        if incident.state is State.INTERRUPTED or (incident.state is State.EXPIRED and not incident.closed_by):
            await self._messenger.say(incident, incident.closing, offer=not incident.closed_by)
        if incident.state not in (State.RESOLVED, State.UNRESOLVED) or incident.approval is None:
            return
        newest: tuple[str, ...] = ()
        if incident.state is State.UNRESOLVED:
            try:
                newest = await self._containers.newest_lines(incident.container, 10)
            except EngineError as error:
                log.warning("no newest lines: %s", error.sentence)
        await self._messenger.outcome(incident, newest)
        if incident.state is State.UNRESOLVED and self._plan.escalation:
            told = f"A restart did not help {incident.target}. Please take over."
            await self._messenger.say(incident, told, mention=self._plan.escalation)

    async def refuse(self, press: Press, refusal: Refusal, *, mention: Sequence[str] = ()) -> None:
        """Keep a refusal, and tell the person who pressed why."""
        REFUSALS.labels(refusal.rule).inc()
        try:
            await self._store.refused(press, refusal, self._world.now())
        except StoreError as error:
            log.warning("refusal not kept: %s", error.sentence)
        await self.whisper(press, refusal.reason, mention=mention)

    async def unknown(self, press: Press) -> None:
        """Tell the person who pressed that there is no such incident."""
        await self.whisper(press, "Aegis does not know this card; ask for a new one with /aegis diagnose NAME.")

    async def whisper(self, press: Press, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Tell something to the person who pressed, alone."""
        await self.quietly(self._messenger.whisper(press.user, press.place, sentence, mention=mention))

    async def quietly(self, saying: Awaitable[object]) -> None:
        """Say something to Slack; where Slack does not take it, the work goes on and the log says so."""
        try:
            await saying
        except SlackError as error:
            log.warning("not said: %s", error.sentence)
