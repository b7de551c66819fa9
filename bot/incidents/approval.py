"""Between a press of Restart and the restart: who pressed, has anything changed, may it happen now, who was first."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import guard, own_containers
from bot.domain.eligibility import EVERYBODY
from bot.domain.evidence import Facts
from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Approval, Incident, Press, State, awaited, counting, decided_by, standing
from bot.errors import EngineError, SlackError, StoreError, TargetNotFound
from bot.incidents.transitions import Record
from bot.ports import Approvers, Containers, Store
from bot.runtime import Plan, World

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=30)
"""How old the look before a restart may be; the engine and the database are asked in between."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A press that passed every check: the incident, the container as it is now, and whether it is a dry run.

    ``looked_at`` is when that was looked at. ``earlier`` are the presses of others that count too, where the container
    wants several people to agree.
    """

    incident: Incident
    facts: Facts
    dry_run: bool
    looked_at: datetime
    earlier: tuple[Approval, ...] = ()


class Gate:
    """Lets one press through and tells everybody else why not. It does nothing to a container."""

    def __init__(
        self,
        *,
        containers: Containers,
        store: Store,
        approvers: Approvers,
        record: Record,
        plan: Plan,
        world: World,
    ) -> None:
        self._containers = containers
        self._store = store
        self._approvers = approvers
        self._record = record
        self._plan = plan
        self._world = world

    async def admit(self, press: Press) -> Admitted | None:
        """Return the press as admitted, or ``None`` after the person was told why not. Checks now, not at post time."""
        try:
            return await self._admitted(press)
        except StoreError as error:
            await self._record.whisper(press, f"{error.what} So nothing was restarted.")
            return None

    async def _admitted(self, press: Press) -> Admitted | None:
        incident = await self._store.get(press.incident)
        if incident is None:
            await self._record.unknown(press)
            return None
        may = await self._approvers.may(press)
        if isinstance(may, Refusal):
            names = self._approvers.names()
            mention = self._plan.watched if EVERYBODY in names else names
            await self._record.refuse(press, may, mention=mention)
            return None
        if await self._stale(press, incident) or await self._elsewhere(press, incident):
            return None
        looked_at = self._world.now()
        facts = await self._look_again(press, incident)
        if facts is None:
            return None
        verdict = await self.verdict(incident.target, facts)
        if isinstance(verdict, Refusal):
            refused = await self._record.claim(incident, replace(incident, verdict=verdict))
            if refused is None:
                await self._overtaken(press, incident)
            else:
                await self._record.refuse(press, verdict)
                await self._record.show(refused)
            return None
        if verdict.people > 1:
            return await self._together(press, Admitted(incident, facts, verdict.dry_run, looked_at), verdict.people)
        return Admitted(incident, facts, verdict.dry_run, looked_at)

    async def claim(self, press: Press, admitted: Admitted) -> Incident | None:
        """PROPOSED -> RESTARTING, with the approval in the same commit; the loser is told who won."""
        now = self._world.now()
        if abs(now - admitted.looked_at) > FRESH:
            # This process was paused meanwhile, or what was asked took too long.
            told = "Looking at it took too long, so nothing was restarted. Press once more."
            await self._record.refuse(press, Refusal("late", told))
            return None
        approval = Approval(press.user, now, press.digest)
        claimed = replace(
            admitted.incident,
            state=State.RESTARTING,
            approval=approval,
            presses=admitted.earlier,
            before=(admitted.facts.started_at, admitted.facts.finished_at),
            restarted_at=None if admitted.dry_run else now,
        )
        try:
            won = await self._record.claim(admitted.incident, claimed, approval)
            if won is None:
                await self._overtaken(press, admitted.incident)
        except StoreError as error:
            told = f"The approval cannot be recorded, so nothing was restarted. {error.sentence}"
            await self._record.whisper(press, told)
            # It may be on disk all the same, where only the answer was lost.
            await self._record.not_restarted(claimed, told)
            return None
        return won

    async def _overtaken(self, press: Press, incident: Incident) -> None:
        """Tell the person who pressed who was faster."""
        winner = await self._store.get(incident.id) or incident
        await self._record.refuse(press, Refusal("claimed", standing(winner)), mention=decided_by(winner))

    async def verdict(self, target: str, facts: Facts | None) -> Permit | Refusal:
        """Ask the guard, with what the store and the engine know now."""
        now = self._world.now()
        try:
            history = await self._store.history(target, now)
            around = await self._world.surroundings()
            mine = own_containers.own(await self._containers.inventory(), self._plan.hosts, around)
        except (StoreError, EngineError) as error:
            log.warning("the guard refuses: %s", error.sentence)
            return Refusal("facts", f"{error.what} So nothing can be restarted.")
        policy = replace(self._plan.policy, own=mine.protected(target, self._plan.policy.own))
        return guard.check(target, facts, history, policy, now)

    async def _stale(self, press: Press, incident: Incident) -> bool:
        """Refuse a press on a card that is closed, expired or of an older look."""
        if incident.state is not State.PROPOSED:
            await self._record.refuse(press, Refusal("state", standing(incident)), mention=decided_by(incident))
        elif self._record.expired(incident):
            await self._record.refuse(press, Refusal("expired", "This card is too old to act on; look again first."))
            await self._record.expire(incident)
            return True
        elif not incident.digest or press.digest != incident.digest:
            told = "This button belongs to an older look; the card shows the newest."
            await self._record.refuse(press, Refusal("digest", told))
        else:
            return False
        await self._record.show(incident)
        return True

    async def _elsewhere(self, press: Press, incident: Incident) -> bool:
        """Refuse a press on any other message than the card: a copy may show something else than what is approved."""
        if press.place.channel == incident.place.channel and press.card:
            if press.card == incident.card:
                return False
            try:
                # Somebody may have deleted the card; then it was put up again.
                if await self._record.is_card(incident, press.card):
                    return False
            except SlackError as error:
                told = f"It cannot be checked whether this is the card, so nothing was restarted. {error.sentence}"
                await self._record.refuse(press, Refusal("unknown", told))
                return True
        told = "This is not the card of the incident, so nothing was restarted. Press on the card itself."
        await self._record.refuse(press, Refusal("card", told))
        return True

    async def _together(self, press: Press, admitted: Admitted, people: int) -> Admitted | None:
        """Let through the last of ``people`` who press; whoever presses before is noted, and told what is awaited."""
        incident, now = admitted.incident, self._world.now()
        earlier = tuple(
            [one for one in counting(incident.presses, press.digest, now) if await self._may_still(press, one.user)]
        )
        more = people - 1 - len(earlier)
        if press.user in {one.user for one in earlier}:
            told = f"You have pressed already. {awaited(earlier, more + 1)}"
            await self._record.refuse(press, Refusal("same person", told))
            return None
        if more <= 0:
            return replace(admitted, earlier=earlier)
        mine = Approval(press.user, now, press.digest)
        presses = (*earlier, mine)
        try:
            kept = await self._record.claim(incident, replace(incident, presses=presses), mine)
        except StoreError as error:
            await self._record.whisper(press, f"The press cannot be recorded, so it does not count. {error.sentence}")
            return None
        if kept is None:
            # Somebody was faster; perhaps with the press that was awaited before this one.
            return await self._admitted(press)
        await self._record.show(kept)
        await self._record.whisper(press, f"Your press counts. {awaited(presses, more)}")
        return None

    async def _may_still(self, press: Press, user: str) -> bool:
        """Say whether somebody who pressed before may still restart: who was taken off the list meanwhile may not."""
        return isinstance(await self._approvers.may(replace(press, user=user)), Permit)

    async def _look_again(self, press: Press, incident: Incident) -> Facts | None:
        """Return the facts, if the container is still what the card showed; else say what changed."""
        seen = incident.evidence.facts if incident.evidence else None
        try:
            facts = await self._containers.facts(incident.target)
        except TargetNotFound:
            differs = "the container is gone"
        except EngineError as error:
            await self._record.refuse(press, Refusal("facts", f"{error.sentence} Nothing was restarted."))
            return None
        else:
            differs = guard.changed(seen, facts) if seen else "there was no look at it before"
            if not differs and guard.digest(facts) == press.digest:
                return facts
        told = f"Nothing was restarted: {differs or 'something changed'} since the diagnosis."
        await self._record.refuse(press, Refusal("changed", told))
        await self._record.close(incident, State.EXPIRED, told)
        return None
