"""Checks a press of an action.

Every check returns what it found: an ``Authorized`` press, one that ``Awaits`` other approvers, or a ``PressRefused``.
Nothing here answers a person and nothing acts on a container.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain import guard, notices, own_containers, refusals
from bot.domain.diagnosis import Action
from bot.domain.eligibility import EVERYBODY
from bot.domain.evidence import Facts
from bot.domain.guard import Permit, Refusal, RefusalReason
from bot.domain.incident import (
    Approval,
    Incident,
    Press,
    State,
    counting,
    decided_by,
    is_expired,
    presses_until,
)
from bot.domain.target import Target
from bot.errors import EngineError, SlackError, StoreError, TargetNotFound
from bot.incidents.refused import CardChange, PressRefused
from bot.incidents.transitions import Transitions
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.slack import Approvers, Messenger
from bot.runtime import ResponseConfig, Runtime

log = logging.getLogger(__name__)

LONGEST_CHECK = timedelta(seconds=30)
"""Between the look at the container and the approval; later the look is too old to act on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """A press that passed every check."""

    incident: Incident
    #: What was pressed.
    action: Action
    #: The container as it is now.
    facts: Facts
    #: True if everything is done but the action itself.
    dry_run: bool
    #: When the container was looked at.
    checked_at: datetime
    #: Earlier presses of other approvers that count too.
    earlier: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaits:
    """A press that counts, while the container wants more approvers to press."""

    incident: Incident
    presses: tuple[Approval, ...]
    #: How many approvers have to press still.
    more: int


class ApprovalCheck:
    """Decides whether a press may act. All is checked at the press, not when the card was posted."""

    def __init__(
        self,
        *,
        containers: Engine,
        store: Store,
        messenger: Messenger,
        approvers: Approvers,
        transitions: Transitions,
        plan: ResponseConfig,
        world: Runtime,
    ) -> None:
        self._containers = containers
        self._store = store
        self._messenger = messenger
        self._approvers = approvers
        self._transitions = transitions
        self._plan = plan
        self._world = world

    async def authorize(self, press: Press) -> Authorized | Awaits | PressRefused:
        """Check who pressed, whether it is the card and current, what changed, and whether the guard permits it."""
        try:
            return await self._authorize(press)
        except StoreError as error:
            refusal = Refusal(RefusalReason.STORE, refusals.database(error.message))
            return PressRefused(refusal=refusal, recorded=False)

    async def _authorize(self, press: Press) -> Authorized | Awaits | PressRefused:
        incident = await self._store.get(press.incident)
        if incident is None:
            return unknown_card()
        refused = (
            await self._check_approver(press)
            or self._check_current(press, incident)
            or await self._check_is_card(press, incident)
        )
        if refused is not None:
            return refused
        checked_at = self._world.now()
        facts = await self._check_unchanged(press, incident)
        if isinstance(facts, PressRefused):
            return facts
        permit = await self._check_guard(press, incident, facts)
        if isinstance(permit, PressRefused):
            return permit
        authorized = Authorized(
            incident=incident, action=press.action, facts=facts, dry_run=permit.dry_run, checked_at=checked_at
        )
        return authorized if permit.people == 1 else await self._check_others(press, authorized, permit.people)

    async def _check_approver(self, press: Press) -> PressRefused | None:
        """Refuse whoever is not on the list of approvers."""
        may = await self._approvers.check(press)
        if isinstance(may, Permit):
            return None
        names = self._approvers.names()
        return PressRefused(refusal=may, mentions=self._plan.watched if EVERYBODY in names else names)

    def _check_current(self, press: Press, incident: Incident) -> PressRefused | None:
        """Refuse a press on a card that is closed, expired or of an older look."""
        if incident.state is not State.PROPOSED:
            refusal = Refusal(RefusalReason.STATE, notices.late_press(incident.state, incident.closed_at))
            return PressRefused(
                refusal=refusal, incident=incident, mentions=decided_by(incident), card=CardChange.REFRESH
            )
        if is_expired(incident, self._world.now(), self._plan.policy.expiry):
            refusal = Refusal(RefusalReason.EXPIRED, refusals.EXPIRED)
            return PressRefused(refusal=refusal, incident=incident, card=CardChange.EXPIRE)
        if not incident.digest or press.digest != incident.digest:
            refusal = Refusal(RefusalReason.DIGEST, refusals.OLDER_DIAGNOSIS)
            return PressRefused(refusal=refusal, incident=incident, card=CardChange.REFRESH)
        return None

    async def _check_is_card(self, press: Press, incident: Incident) -> PressRefused | None:
        """Refuse a press on any message but the card: a copy may show something else than what is approved."""
        if press.place.channel == incident.place.channel and press.card:
            if press.card == incident.card:
                return None
            try:
                # Somebody may have deleted the card, and it was posted again.
                if await self._messenger.is_card(incident, press.card):
                    return None
            except SlackError as error:
                refusal = Refusal(RefusalReason.UNKNOWN, refusals.card_unchecked(error.sentence))
                return PressRefused(refusal=refusal, incident=incident)
        return PressRefused(refusal=Refusal(RefusalReason.CARD, refusals.NOT_THE_CARD), incident=incident)

    async def _check_unchanged(self, press: Press, incident: Incident) -> Facts | PressRefused:
        """Return the facts if the container still is what the card showed; else refuse with what changed."""
        seen = incident.evidence.facts if incident.evidence else None
        try:
            facts = await self._containers.facts(incident.target)
        except TargetNotFound:
            change = "the container is gone"
        except EngineError as error:
            refusal = Refusal(RefusalReason.FACTS, refusals.engine(error.sentence))
            return PressRefused(refusal=refusal, incident=incident)
        else:
            change = guard.changed(seen, facts) if seen else "there was no look at it before"
            if not change and guard.digest(incident.target, facts, press.action) == press.digest:
                return facts
        refusal = Refusal(RefusalReason.CHANGED, refusals.changed(change))
        return PressRefused(refusal=refusal, incident=incident, card=CardChange.CLOSE)

    async def _check_guard(self, press: Press, incident: Incident, facts: Facts) -> Permit | PressRefused:
        """Return the guard's permit; else save its refusal for the card."""
        verdict = await self.guard_verdict(incident.target, facts, press.action)
        if isinstance(verdict, Permit):
            return verdict
        saved = await self._transitions.save_if_unchanged(incident, replace(incident, verdict=verdict))
        if saved is None:
            return await self._lost_race(incident)
        return PressRefused(refusal=verdict, incident=saved, card=CardChange.REFRESH)

    async def guard_verdict(
        self, target: Target, facts: Facts | None, action: Action = Action.RESTART
    ) -> Permit | Refusal:
        """Ask the guard, with what the store and the engine know now."""
        now = self._world.now()
        try:
            history = await self._store.history(target, now)
            around = await self._world.surroundings()
            mine = own_containers.find_own_containers(await self._containers.inventory(), self._plan.hosts, around)
        except (StoreError, EngineError) as error:
            log.warning("the guard refuses: %s", error.sentence)
            return Refusal(RefusalReason.FACTS, refusals.check_failed(error.message))
        policy = replace(self._plan.policy, own=mine.protected(target.name, self._plan.policy.own))
        return guard.check(target, facts, history, policy, now, action)

    async def _check_others(
        self, press: Press, authorized: Authorized, people: int
    ) -> Authorized | Awaits | PressRefused:
        """Authorize the last of ``people`` approvers; save the press of every one before."""
        incident, now = authorized.incident, self._world.now()
        earlier = tuple(
            [one for one in counting(incident.presses, press.digest, now) if await self._still_approver(press, one)]
        )
        more = people - 1 - len(earlier)
        if press.user in {one.user for one in earlier}:
            sentence = refusals.pressed_already(notices.presses_missing(more + 1, presses_until(earlier)))
            return PressRefused(refusal=Refusal(RefusalReason.SAME_PERSON, sentence), incident=incident)
        if more <= 0:
            return replace(authorized, earlier=earlier)
        mine = Approval(press.user, now, press.digest, press.action)
        presses = (*earlier, mine)
        try:
            saved = await self._transitions.save_if_unchanged(incident, replace(incident, presses=presses), mine)
        except StoreError as error:
            refusal = Refusal(RefusalReason.STORE, refusals.press_not_recorded(error.sentence))
            return PressRefused(refusal=refusal, incident=incident, recorded=False)
        if saved is None:
            # Somebody was faster, perhaps with the press before this one.
            return await self._authorize(press)
        return Awaits(incident=saved, presses=presses, more=more)

    async def _still_approver(self, press: Press, earlier: Approval) -> bool:
        """Return True if whoever pressed earlier still is an approver."""
        return isinstance(await self._approvers.check(replace(press, user=earlier.user)), Permit)

    async def approve(self, press: Press, authorized: Authorized) -> Incident | PressRefused:
        """Save PROPOSED -> ACTING with the approval, in one commit."""
        now = self._world.now()
        if abs(now - authorized.checked_at) > LONGEST_CHECK:
            # This process was paused meanwhile, or an answer took too long.
            refusal = Refusal(RefusalReason.LATE, refusals.TOO_SLOW)
            return PressRefused(refusal=refusal, incident=authorized.incident)
        approval = Approval(press.user, now, press.digest, press.action)
        approved = replace(
            authorized.incident,
            state=State.ACTING,
            approval=approval,
            presses=authorized.earlier,
            times_before=(authorized.facts.started_at, authorized.facts.finished_at),
            restarted_at=None if authorized.dry_run else now,
        )
        try:
            saved = await self._transitions.save_if_unchanged(authorized.incident, approved, approval)
            return saved if saved is not None else await self._lost_race(authorized.incident)
        except StoreError as error:
            # The approval may be on disk all the same, where only the database's answer was lost.
            sentence = refusals.approval_not_recorded(error.sentence)
            return PressRefused(
                refusal=Refusal(RefusalReason.STORE, sentence), incident=approved, card=CardChange.ABORT, recorded=False
            )

    async def _lost_race(self, incident: Incident) -> PressRefused:
        """Refuse with the name of whoever was faster."""
        winner = await self._store.get(incident.id) or incident
        refusal = Refusal(RefusalReason.CLAIMED, notices.late_press(winner.state, winner.closed_at))
        return PressRefused(refusal=refusal, incident=winner, mentions=decided_by(winner))


def unknown_card() -> PressRefused:
    """Return the refusal of a press on a card that the database does not know."""
    return PressRefused(refusal=Refusal(RefusalReason.UNKNOWN, refusals.UNKNOWN_CARD), recorded=False)
