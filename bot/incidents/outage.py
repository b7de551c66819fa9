"""Groups targets that go down together into one incident."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import notices
from bot.domain.incident import Incident, State
from bot.domain.target import KnownTarget, Target
from bot.incidents.transitions import Transitions
from bot.ports.database import OpenResult, Store
from bot.runtime import Runtime

FEWEST_GROUPED_TARGETS = 5
"""Containers that go down within a minute or so: fewer may hang on each other, so many hang on their host."""

MOST_NEW_CARDS_A_MINUTE = 60
"""Incidents that get a card within a minute; nobody reads more."""

REGROUP_WINDOW = timedelta(minutes=2)
"""After so long a target that alerts again, on a host that is well again, gets a look of its own."""


WAITING = (State.OPEN, State.PROPOSED)


class OutageGrouping:
    """Finds the incident with which a target goes along, and keeps its list.

    The list is on disk with the incident; which incident leads is kept here, and found again after a start.
    """

    def __init__(self, *, store: Store, transitions: Transitions, world: Runtime) -> None:
        self._store = store
        self._transitions = transitions
        self._world = world
        self._leads: dict[Target, str] = {}
        self._lead = ""
        self._new: deque[datetime] = deque()
        self._found = False
        self.turn = asyncio.Lock()
        """To be held from the question to the opening: of two that come at once, one leads."""

    def common(self, target: Target, inventory: Sequence[KnownTarget], *, away: bool) -> str:
        """Return what a target has in common with others, as a sentence; ``""`` where it stands alone."""
        now = self._world.now()
        while self._new and now - self._new[0] >= timedelta(minutes=1):
            self._new.popleft()
        if away:
            return notices.ENGINE_AWAY
        if sum(known.fell for known in inventory) >= FEWEST_GROUPED_TARGETS and any(
            known.fell for known in inventory if known.target == target
        ):
            return notices.FELL_TOGETHER
        return notices.too_many(MOST_NEW_CARDS_A_MINUTE) if len(self._new) >= MOST_NEW_CARDS_A_MINUTE else ""

    async def joined(self, target: Target, common: str, at: datetime) -> OpenResult | None:
        """Count an alert, taken in ``at``, to the incident that its target goes along with; ``None``: it gets its own.

        The targets of one alert do not go along with each other: they stand in one thread already.
        """
        await self._find()
        lead = await self._live(self._leads.get(target, ""))
        if lead is not None and target != lead.target and target in lead.grouped_targets:
            if common or self._world.now() - lead.opened_at < REGROUP_WINDOW:
                return await self._counted(lead)
            await self._transitions.reapply_and_save(
                lead, lambda one: replace(one, grouped_targets=_without(one.grouped_targets, target))
            )
            del self._leads[target]
            return None
        lead = await self._live(self._lead) if common else None
        if lead is None or lead.target == target or lead.opened_at == at:
            return None

        def longer(one: Incident) -> Incident:
            along = tuple(dict.fromkeys((*(one.grouped_targets or (one.target,)), target)))
            return replace(one, grouped_targets=along, group_reason=one.group_reason or common)

        listed = await self._transitions.reapply_and_save(lead, longer) or await self._transitions.reapply_and_save(
            await self._live(lead.id) or lead, longer
        )
        if listed is None:
            return None
        self._leads[target] = listed.id
        return await self._counted(listed)

    def opened(self, incident: Incident, common: str) -> None:
        """Note a new incident; where it has something in common with others, they will go along with it."""
        self._new.append(self._world.now())
        if common:
            self._lead = incident.id

    async def over(self, incident: Incident, targets: Sequence[Target]) -> Incident | None:
        """Take what recovered off the list; ``None`` where nothing changed. An empty list is the end."""
        left = _without(incident.grouped_targets, *targets)
        if left == incident.grouped_targets:
            return None
        for target in targets:
            self._leads.pop(target, None)
        return await self._transitions.reapply_and_save(
            incident, lambda one: replace(one, grouped_targets=_without(one.grouped_targets, *targets))
        )

    async def _counted(self, lead: Incident) -> OpenResult:
        return await self._store.open(replace(lead, id=self._world.name()))

    async def _live(self, incident: str) -> Incident | None:
        found = await self._store.get(incident) if incident else None
        return found if found is not None and found.state in WAITING else None

    async def _find(self) -> None:
        """Find the lists that the last run left."""
        if self._found:
            return
        self._found = True
        for incident in await self._store.live():
            if incident.grouped_targets:
                self._lead = incident.id
                self._leads |= dict.fromkeys(incident.grouped_targets, incident.id)


def _without(along: tuple[Target, ...], *targets: Target) -> tuple[Target, ...]:
    return tuple(target for target in along if target not in targets)
