"""Makes the card of an incident: posted, diagnosed, brought up to date."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.domain import guard, notices
from bot.domain.addresses.verify_url import LABEL, NOT_KNOWN, verify_address
from bot.domain.evidence import VERIFY_URL, Evidence, Source, Status
from bot.domain.incident import LIVE, Incident, State, Thread
from bot.domain.redaction.redact import redact
from bot.domain.target import Target, local_container
from bot.errors import SlackError
from bot.incidents.approval import ApprovalCheck
from bot.incidents.closing import Closing
from bot.incidents.intake import MOST_CARDS, Intake
from bot.incidents.investigation import Findings, Investigator
from bot.incidents.replies import Replies
from bot.incidents.transitions import Transitions
from bot.incidents.unknown_targets import Strays
from bot.ports.database import ReceivedAlert, Store
from bot.ports.slack import Messenger
from bot.runtime import ResponseConfig, Runtime
from bot.telemetry import incident_id

log = logging.getLogger(__name__)

MOST_NAMED_TARGETS = 20
"""Targets without a card that are listed by name."""


class Triage:
    """Makes cards, for the responder, which says when."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        transitions: Transitions,
        closing: Closing,
        replies: Replies,
        approval: ApprovalCheck,
        examination: Investigator,
        alerts: Intake,
        plan: ResponseConfig,
        world: Runtime,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._transitions = transitions
        self._closing = closing
        self._replies = replies
        self._approval = approval
        self._examination = examination
        self._alerts = alerts
        self._plan = plan
        self._world = world
        self._strays = Strays(self._count, world)

    async def _count(self, place: Thread, sentence: str) -> None:
        await self._replies.best_effort(self._messenger.say_at(place, sentence))

    async def ask_which(self, received: ReceivedAlert) -> None:
        """Offer a menu of what is there, under an alert that names none of it; in a storm of them, one for many.

        Raises ``SlackError`` where somebody asked and Slack did not take the menu.
        """
        if received.asker:
            await self._offer(received)
        else:
            await self._strays.ask(received.place.channel, received.alert.title, lambda: self._offer(received))

    async def _offer(self, received: ReceivedAlert) -> Thread:
        """Offer the menu, and return where it stands."""
        names = sorted(str(known.target) for known in await self._alerts.inventory())
        sentence = notices.WHICH_CONTAINER
        place = (await self._announced(self._alerts.incident(received, local_container("")))).place
        offered = self._messenger.choose(place, sentence, names)
        await (offered if received.asker else self._replies.best_effort(offered))
        return place

    async def name_the_rest(self, targets: Sequence[Target], place: Thread) -> None:
        """Name those of an alert's targets that get no card."""
        names = [str(target) for target in targets]
        rest = names[MOST_CARDS:]
        sentence = notices.more_targets(len(names), MOST_CARDS, rest, MOST_NAMED_TARGETS)
        await self._replies.best_effort(self._messenger.say_at(place, sentence))

    async def post(self, incident: Incident) -> Incident | None:
        """Post the card. Without Slack an alert is still diagnosed and its card comes later; an asker hears at once.

        ``None``: somebody decided already, or another replica goes on with it.
        """
        if not await self._transitions.still_owned(incident):
            return None
        placed = await self._announced(incident)
        if placed.place != incident.place:
            moved = await self._transitions.save_if_unchanged(incident, placed)
            if moved is None:
                return None
            incident = moved
        if incident.card:
            # A target that comes and goes: its card goes on.
            await self._replies.update_card(incident)
            return incident
        try:
            card = await self._messenger.card(incident)
            log.debug("card posted")
        except SlackError as error:
            log.warning("card not posted: %s", error.sentence)
            if not incident.opened_by:
                return incident
            sentence = notices.CARD_NOT_POSTED
            await self._closing.close(incident, State.EXPIRED, sentence, by=incident.opened_by)
            raise
        posted = await self._transitions.reapply_and_save(incident, lambda current: replace(current, card=card))
        if posted is None:
            # Ended while the card was on its way: it must not go on showing what waits.
            newest = await self._store.get(incident.id)
            if newest is not None and newest.state not in LIVE:
                await self._replies.update_card(newest)
        return posted

    async def _announced(self, incident: Incident) -> Incident:
        """Return the incident with its thread; of an alert that came by webhook, that of a message of our own."""
        if not incident.sender or incident.place.thread:
            return incident
        try:
            thread = await self._messenger.announce(incident)
        except SlackError as error:
            log.warning("alert not posted: %s", error.sentence)
            return incident
        return replace(incident, place=Thread(incident.place.channel, thread))

    async def look_again(
        self, incident: Incident, opened_again: Callable[[Incident], Awaitable[None]] | None = None
    ) -> None:
        """Diagnose a proposed incident again, on the same card. Its presses stay, and count if the look finds the same.

        ``opened_again`` is awaited once the incident is OPEN again.
        """
        opened = await self._transitions.save_with_retry(
            incident, replace(incident, state=State.OPEN, digest="", verdict=None)
        )
        if opened is not None:
            await self._replies.update_card(opened)
            if opened_again is not None:
                await opened_again(opened)
            await self.look(opened)

    async def look(self, incident: Incident) -> None:
        """OPEN -> PROPOSED: look at the target, and bring the card up to date."""
        incident_id.set(incident.id)
        found = await self._examination.examine(
            incident.target, title=incident.title, alert=incident.alert_text, logs=incident.alert_logs
        )
        facts = found.evidence.facts
        verdict = await self._approval.guard_verdict(incident.target, facts)
        log.debug(
            "guard verdict: %s", verdict.reason if isinstance(verdict, guard.Refusal) else "a restart may be offered"
        )
        proposed = await self._transitions.reapply_and_save(
            incident,
            lambda current: replace(
                current,
                state=State.PROPOSED,
                evidence=self._with_proof(found.evidence),
                diagnosis=found.diagnosis,
                precedents=found.precedents,
                verdict=verdict,
                digest=guard.digest(incident.target, facts) if facts else "",
                proposed_at=self._world.now(),
            ),
        )
        if proposed is not None:
            await self._replies.update_card(proposed)
            await self._closing.close_oldest()
            await self._look_closer(proposed, found)
        elif found.rest is not None:
            found.rest.cancel()

    def _with_proof(self, evidence: Evidence) -> Evidence:
        """Return the evidence with the address that is asked after a restart, or why there is none."""
        if evidence.facts is None:
            return evidence
        # The query of the label may hold what was redacted, and is not shown.
        labels = ((name, value.partition("?")[0] if name == LABEL else value) for name, value in evidence.facts.labels)
        facts = replace(evidence.facts, labels=tuple(labels))
        proof = verify_address(self._plan.urls.get(evidence.target, ""), facts)
        if proof.ignored == NOT_KNOWN:
            source = Source(VERIFY_URL, Status.EMPTY, f"{redact(proof.shown)}, if it leads to the container itself")
        elif proof.ignored:
            source = Source(VERIFY_URL, Status.DENIED, proof.ignored)
        elif proof.url:
            source = Source(VERIFY_URL, Status.OK, redact(proof.shown))
        else:
            return evidence
        others = tuple(one for one in evidence.sources if one.name != VERIFY_URL)
        return replace(evidence, sources=(*others, source))

    async def _look_closer(self, shown: Incident, found: Findings) -> None:
        """Refine the card once by what the whole of a long log says; not where somebody has pressed meanwhile."""
        closer = await self._examination.deepen(found, title=shown.title, alert=shown.alert_text, logs=shown.alert_logs)
        current = await self._store.get(shown.id) if closer is not None else None
        if closer is None or current is None or current.revision != shown.revision:
            return
        evidence = self._with_proof(closer.evidence)
        refined = replace(current, evidence=evidence, diagnosis=closer.diagnosis, precedents=closer.precedents)
        if await self._store.refine(current, refined):
            await self._replies.update_card(refined)
