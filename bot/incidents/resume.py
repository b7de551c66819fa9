"""Resumes unfinished work after a start.

The work is that of the last run, or of a dead replica.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Protocol, TypeVar

from bot.domain import notices
from bot.domain.incident import LATE, LIVE, Incident, State, is_expired
from bot.errors import AegisError, StoreError
from bot.incidents.closing import Closing
from bot.incidents.execution import Execution
from bot.incidents.replies import Replies
from bot.incidents.set_aside import Retrial
from bot.incidents.transitions import Transitions
from bot.incidents.triage import Triage
from bot.ports.database import ReceivedAlert, Store, UnfinishedWork
from bot.ports.slack import Messenger
from bot.runtime import ResponseConfig, Runtime
from bot.telemetry import incident_id

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_AT_ONCE = 8
"""Cards and ends of the last run that are brought up to date side by side; they are many, and nobody waits for them."""


class AlertAnswers(Protocol):
    """Does what an alert needs."""

    async def answer(self, received: ReceivedAlert) -> None:
        """Open an incident of each target and diagnose, or close what resolved."""

    async def again(self, received: ReceivedAlert) -> None:
        """Try an alert again whose first try failed; after the last one it is set aside."""


class Resume:
    """Looks at what happened before it does anything. Nothing is lost and nothing is done twice."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        transitions: Transitions,
        closing: Closing,
        replies: Replies,
        triage: Triage,
        execution: Execution,
        retrial: Retrial,
        plan: ResponseConfig,
        world: Runtime,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._transitions = transitions
        self._closing = closing
        self._replies = replies
        self._triage = triage
        self._execution = execution
        self._retrial = retrial
        self._plan = plan
        self._world = world

    async def unfinished(self) -> UnfinishedWork:
        """Return what the last run did not finish; of several replicas, what dead ones did not. Call it first."""
        return await self._store.take_over(everything=not self._store.shared)

    async def recover(self, left: UnfinishedWork, alerts: AlertAnswers) -> None:
        """Go on with ``left``; ``alerts`` does what an alert needs."""
        if left:
            counts = len(left.alerts + left.suspects), len(left.live + left.doubted), len(left.ended)
            log.info("resuming: %d alerts, %d live incidents, %d ended ones", *counts)
        turns = asyncio.Semaphore(MOST_AT_ONCE)

        async def in_turn(work: Awaitable[None]) -> None:
            async with turns:
                await work

        work: list[Awaitable[None]] = [alerts.answer(received) for received in left.alerts]
        for incident in left.live:
            resumed = self.through(incident, self._resume(incident))
            work.append(in_turn(resumed) if incident.state is State.PROPOSED else resumed)
        work += [in_turn(self._closing.announce_and_store(incident)) for incident in left.ended]
        work.append(self._one_by_one(left, alerts))
        await each(work)

    async def _one_by_one(self, left: UnfinishedWork, alerts: AlertAnswers) -> None:
        """Try what more than one run ended in the middle of, one after the other, so that none counts for another."""
        for received in left.suspects:
            try:
                await alerts.again(received)
            except AegisError as error:
                log.warning("alert %s: %s", received.key, error.sentence)
        for incident in left.doubted:
            if await self._retrial.may_look(incident):
                await each([self.through(incident, self._resume(incident))])

    async def catch_up(self) -> None:
        """Do what is due: post missing cards, expire old ones, announce and store ends that are not stored yet."""
        for incident in await self._store.live():
            if incident.state is not State.PROPOSED:
                continue
            if not incident.card:
                posted = await self._triage.post(incident)
                if posted is not None:
                    await (self._look_again if self._expired(posted) else self._replies.update_card)(posted)
            elif self._expired(incident):
                await self._closing.expire(incident)
        for incident in await self._store.unfinalized():
            await self._closing.announce_and_store(incident, again=True)

    async def through(self, incident: Incident, work: Awaitable[T]) -> T | None:
        """Await a piece of an incident's work; where the database fails in its middle, go on from what is on disk."""
        try:
            return await work
        except StoreError as error:
            log.warning("stopped in the middle, going on from what is on disk: %s", error.sentence)
        await self._transitions.retry_until_stored(lambda: self.go_on(incident))
        return None

    async def go_on(self, incident: Incident) -> None:
        """Go on with an incident from what is on disk, unless another replica owns it."""
        current = await self._store.get(incident.id)
        if current is None or current.epoch != incident.epoch:
            return
        if current.state in LIVE:
            await self._resume(current)
        else:
            await self._closing.announce_and_store(current)

    async def _resume(self, incident: Incident) -> None:
        incident_id.set(incident.id)
        log.info("resuming in state %s", incident.state.value)
        had_no_card = not incident.card
        if incident.state in (State.OPEN, State.PROPOSED) and had_no_card:
            posted = await self._triage.post(incident)
            if posted is None:
                return
            incident = posted
        if incident.state is State.OPEN:
            await self._triage.look(incident)
            if self._world.now() - incident.opened_at >= LATE:
                sentence = notices.DIAGNOSIS_LATE
                await self._replies.best_effort(self._messenger.say(incident, sentence))
        elif incident.state is State.ACTING:
            await self._execution.go_on(incident)
        elif incident.state is State.VERIFYING:
            await self._execution.verify(incident)
        elif self._expired(incident):
            await (self._look_again if had_no_card else self._closing.expire)(incident)
        else:
            await self._replies.update_card(incident)

    async def _look_again(self, incident: Incident) -> None:
        await self.through(incident, self._triage.look_again(incident))

    def _expired(self, incident: Incident) -> bool:
        return is_expired(incident, self._world.now(), self._plan.policy.expiry)


async def each(work: Iterable[Awaitable[None]]) -> None:
    """Do pieces of work side by side; one that fails is logged and does not stop the others."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, AegisError):
            log.error("not done: %s", result.sentence)
        elif isinstance(result, BaseException):
            raise result
