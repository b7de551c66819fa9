"""Opens or ends the incidents of an alert, without Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain import notices
from bot.domain.alerts.alert import Kind, find_targets
from bot.domain.incident import LIVE, Incident, State, Thread, is_expired
from bot.domain.target import KnownTarget, Target, local_container
from bot.errors import EngineError
from bot.incidents.closing import Closing
from bot.incidents.outage import OutageGrouping
from bot.incidents.transitions import Transitions
from bot.ports.database import IntakeResult, OpenResult, ReceivedAlert, Store
from bot.ports.engine import Engine
from bot.runtime import ResponseConfig, Runtime
from bot.telemetry import ALERTS, STAGES

log = logging.getLogger(__name__)

MOST_CARDS = 5
"""Targets of one alert that get an incident each; a thread of more cards is read by nobody."""

INVENTORY_CACHE_S = 0.5
"""Seconds for which an inventory is good: in a storm, alerts share one."""

FLAP_WINDOW = timedelta(minutes=10)
"""A target that fires again so soon after its sender took the alert back comes and goes; it keeps its card."""

MOST_TITLE_CHARACTERS = 80
"""Characters of an alert's title on the list of a host, where it names no target that is known."""


class Intake:
    """Takes alerts in, finds their targets, and opens one incident of each; what was done before is not done again."""

    def __init__(
        self,
        *,
        containers: Engine,
        store: Store,
        transitions: Transitions,
        closing: Closing,
        plan: ResponseConfig,
        world: Runtime,
    ) -> None:
        self._containers = containers
        self._store = store
        self._closing = closing
        self._plan = plan
        self._world = world
        self._host = OutageGrouping(store=store, transitions=transitions, world=world)
        self._asking = asyncio.Lock()
        self._known: tuple[KnownTarget, ...] = ()
        self._inventory: tuple[KnownTarget, ...] = ()
        self._good_until = 0.0
        self._away = False
        self._opening: dict[tuple[str, Target], str] = {}
        """The ids of what is being opened, by the alert's key and the target."""

    async def receive(self, received: ReceivedAlert) -> bool:
        """Take an alert in, on disk; ``False`` where it was taken in before."""
        with STAGES.labels("receive").time():
            new = await self._store.receive(received)
        if new:
            ALERTS.labels(received.alert.kind.value).inc()
        log.debug("alert %s %s", received.key, "received" if new else "was received before")
        return new

    async def begin(self, received: ReceivedAlert) -> IntakeResult:
        """Open an incident of each target that the alert labels; of an end, find the incidents that it ends."""
        inventory = await self.inventory()
        targets = find_targets(received.alert, inventory)
        log.debug("alert %s names %s", received.key, ", ".join(map(str, targets)) or "no known container")
        if received.alert.kind is Kind.RESOLVED:
            return IntakeResult(targets, tuple([one async for one in self._ended(received, targets)]))
        if not targets and self._away:
            titled = local_container(received.alert.title[:MOST_TITLE_CHARACTERS] or "?")
            listed = await self._host.joined(titled, notices.ENGINE_AWAY, received.at)
            return IntakeResult((local_container(received.alert.title),), (listed,)) if listed else IntakeResult((), ())
        begun = IntakeResult(
            targets, tuple([await self._begun(received, target, inventory) for target in targets[:MOST_CARDS]])
        )
        for target in targets:
            self._opening.pop((received.key, target), None)
        return begun

    async def _ended(self, received: ReceivedAlert, targets: tuple[Target, ...]) -> AsyncIterator[OpenResult]:
        """Find what an end ends: incidents, and places on the list of a host."""
        for one in await self._store.live():
            if one.grouped_targets:
                shorter = await self._host.over(one, targets)
                if shorter is not None:
                    yield OpenResult(shorter, new=False)
            elif _is_over(one, received, targets):
                yield OpenResult(one, new=False)

    async def standing(self, received: ReceivedAlert) -> IntakeResult:
        """Return what an alert that was taken in before led to; nothing is opened."""
        targets = find_targets(received.alert, await self.inventory())
        newest = [incident for target in targets[:MOST_CARDS] for incident in await self._store.recent(target, 1)]
        return IntakeResult(targets, tuple(OpenResult(incident, new=False) for incident in newest))

    async def open(self, incident: Incident) -> OpenResult:
        """Open an incident, or count one more alert to the live one; a card that is too old is closed before."""
        for live in await self._store.live(incident.target):
            if self._expired(live):
                await self._closing.expire(live)
        return await self._store.open(incident)

    def incident(self, received: ReceivedAlert, target: Target) -> Incident:
        """Make the incident of one target of an alert; its name is empty where it is not known yet."""
        alert = received.alert
        return Incident(
            id=self._world.name(),
            target=target,
            place=received.place,
            state=State.OPEN,
            opened_at=received.at,
            opened_by=received.asker,
            title=alert.title,
            severity=alert.severity,
            alert_text=alert.text,
            alert_logs=alert.logs,
            sender="" if received.message else alert.sender,
            sent_at=_sent_at(received),
        )

    async def inventory(self) -> tuple[KnownTarget, ...]:
        """Return what runs; with no answer from the engine, the names that the operator gave, so that a card comes."""
        async with self._asking:
            loop = asyncio.get_running_loop()
            if loop.time() < self._good_until:
                return self._inventory
            try:
                self._inventory = self._known = await self._containers.inventory()
                self._away = False
            except EngineError as error:
                log.warning("no inventory: %s", error.sentence)
                self._away = True
                past = () if self._known else {incident.target for incident in await self._store.recent(limit=100)}
                missing = {*self._plan.policy.allowlist, *past} - {known.target for known in self._known}
                named = (KnownTarget(one.name, host=one.host, kind=one.kind) for one in sorted(missing) if one)
                self._inventory = (*self._known, *named)
            self._good_until = loop.time() + INVENTORY_CACHE_S
            return self._inventory

    def _expired(self, incident: Incident) -> bool:
        return is_expired(incident, self._world.now(), self._plan.policy.expiry)

    async def _begun(self, received: ReceivedAlert, target: Target, inventory: Sequence[KnownTarget]) -> OpenResult:
        incident = self.incident(received, target)
        # What failed is begun again: perhaps it was opened, and only the database's answer was lost.
        incident = replace(incident, id=self._opening.setdefault((received.key, target), incident.id))
        async with self._host.turn:
            newest = next(iter(await self._store.recent(target, 1)), None)
            if newest is not None and newest.id != incident.id and _of_one_alert(newest, incident):
                # The last run opened it before it ended; it goes on as what that run left.
                return OpenResult(newest, new=False)
            common = self._host.common(target, inventory, away=self._away)
            if newest is None or newest.state not in LIVE:
                listed = await self._host.joined(target, common, received.at)
                if listed is not None:
                    return listed
            elif received.asker or not self._expired(newest):
                # One more alert of what has its card: in a storm most are. For a person, an expired card is renewed.
                return await self._store.open(incident)
            opened = await self.open(_again(incident, newest))
            if opened.new:
                self._host.opened(opened.incident, common)
            return opened


def _again(incident: Incident, newest: Incident | None) -> Incident:
    """Return the incident with the last one's card if the target flaps: its sender resolved it, then it fired again."""
    if newest is None or newest.state is not State.RESOLVED or newest.approval or not newest.card:
        return incident
    if newest.closed_at is None or incident.opened_at - newest.closed_at > FLAP_WINDOW:
        return incident
    return replace(
        incident, card=newest.card, place=newest.place, alerts=newest.alerts + 1, flap_count=newest.flap_count + 1
    )


def _sent_at(received: ReceivedAlert) -> datetime | None:
    """Return when Slack says that the alert was sent; ``None`` for one that a webhook brought or somebody wants now."""
    if received.asker or not received.message:
        return None
    try:
        return datetime.fromtimestamp(float(received.message), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_over(incident: Incident, received: ReceivedAlert, targets: tuple[Target, ...]) -> bool:
    """Return True if a resolved alert ends this waiting incident: by its own message or by its target."""
    own = received.message and incident.place == Thread(received.place.channel, received.message)
    return bool(own or incident.target in targets) and incident.state in (State.OPEN, State.PROPOSED)


def _of_one_alert(newest: Incident, incident: Incident) -> bool:
    """Return True if one alert opened both. An alert by webhook gets its thread later."""
    same_place = newest.place == incident.place or bool(incident.sender and newest.sender == incident.sender)
    return same_place and (newest.opened_at, newest.title) == (incident.opened_at, incident.title)
