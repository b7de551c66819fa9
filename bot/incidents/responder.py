"""Runs an alert, a request or a press from start to end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial

from bot.domain import notices
from bot.domain.alerts.alert import Kind, similar_names
from bot.domain.guard import Refusal, RefusalReason
from bot.domain.incident import LIVE, Incident, Press, State, Thread, decided_by, presses_until
from bot.domain.target import Target, parse_target
from bot.errors import EngineError, SlackError, StoreError
from bot.incidents.approval import ApprovalCheck, Awaits, unknown_card
from bot.incidents.closing import Closing
from bot.incidents.execution import Execution
from bot.incidents.intake import MOST_CARDS, Intake
from bot.incidents.refused import CardChange, PressRefused
from bot.incidents.replies import Replies
from bot.incidents.resume import Resume, each
from bot.incidents.set_aside import Retrial
from bot.incidents.transitions import Transitions
from bot.incidents.triage import Triage
from bot.ports.database import IntakeResult, OpenResult, ReceivedAlert, Store
from bot.ports.engine import Engine
from bot.ports.slack import Asker, Messenger
from bot.runtime import Runtime
from bot.telemetry import INCIDENTS, incident_id

log = logging.getLogger(__name__)

MOST_NAMED_ASKERS = 1000
"""Askers that are remembered as named in a thread."""


class Responder:
    """Answers alerts, requests and presses. Nothing of an incident is kept in memory: the store is the truth."""

    def __init__(  # noqa: PLR0913 - every part of the path stands here once
        self,
        *,
        containers: Engine,
        store: Store,
        messenger: Messenger,
        transitions: Transitions,
        closing: Closing,
        replies: Replies,
        intake: Intake,
        triage: Triage,
        approval: ApprovalCheck,
        execution: Execution,
        retrial: Retrial,
        resume: Resume,
        world: Runtime,
    ) -> None:
        self._containers = containers
        self._store = store
        self._messenger = messenger
        self._transitions = transitions
        self._closing = closing
        self._replies = replies
        self._intake = intake
        self._triage = triage
        self._approval = approval
        self._execution = execution
        self._retrial = retrial
        self._resume = resume
        self._world = world
        self._named: dict[tuple[str, str], None] = {}
        """Who was named in the thread of which incident as having asked; nobody is named twice."""

    # An alert, from the message to the card with its buttons.

    async def receive(self, received: ReceivedAlert) -> bool:
        """Take an alert in, on disk; ``False`` where it was taken in before."""
        return await self._intake.receive(received)

    async def answer(self, received: ReceivedAlert, url: str = "") -> None:
        """Do all that an alert needs: open an incident of each target and diagnose, or close what resolved.

        ``url`` is the asker's own reply address. Raises ``SlackError`` where somebody asked and Slack took no card.
        """
        if received.alert.kind is not Kind.RESOLVED and received.message:
            await self._replies.best_effort(self._messenger.react(received.place, received.message))
        await self._retrial.guard(received, self._answer(received, url), self._answer)

    async def _answer(self, received: ReceivedAlert, url: str = "") -> None:
        await self._follow(received, await self._transitions.retry_until_stored(lambda: self.begin(received)), url)

    async def again(self, received: ReceivedAlert) -> None:
        """Try an alert again whose first try failed; after the last one it is set aside."""
        await self._retrial.again(received, self._answer)

    async def begin(self, received: ReceivedAlert) -> IntakeResult:
        """Open an incident of each target that the alert labels; of an end, find the incidents that it ends."""
        return await self._intake.begin(received)

    async def standing(self, received: ReceivedAlert) -> IntakeResult:
        """Return what an alert that was taken in before led to; nothing is opened."""
        return await self._intake.standing(received)

    async def follow(self, received: ReceivedAlert, begun: IntakeResult, url: str = "") -> None:
        """Do the rest of what an alert needs: a card for each new incident in its thread, a look at each target.

        Raises ``SlackError`` at its end where somebody asked and Slack took no card: only their own reply address can
        say so.
        """
        await self._retrial.guard(received, self._follow(received, begun, url), self._answer)

    async def _follow(self, received: ReceivedAlert, begun: IntakeResult, url: str) -> None:
        if received.alert.kind is Kind.RESOLVED:
            await self._over(received, begun)
            return
        delivery_error: SlackError | None = None
        if not begun.targets:
            try:
                await self._transitions.retry_until_stored(lambda: self._triage.ask_which(received))
            except SlackError as error:
                delivery_error = error
        await self._handled(received)
        posted = []
        asker = Asker(received.asker, received.place, url) if received.asker else None
        renewing: list[Awaitable[None]] = []
        for opened in begun.incidents:
            if asker is not None and not opened.new:
                renewing.append(self._renew(opened.incident, asker))
                continue
            try:
                posted += await self._posted(received, opened)
            except SlackError as error:
                delivery_error = error
        if len(begun.targets) > MOST_CARDS:
            await self._triage.name_the_rest(begun.targets, posted[0].place if posted else received.place)
        looking = (self._resume.through(incident, self._triage.look(incident)) for incident in posted)
        await each([*renewing, *looking])
        if delivery_error is not None:
            raise delivery_error

    async def _over(self, received: ReceivedAlert, begun: IntakeResult) -> None:
        """End what an end ends."""
        for opened in begun.incidents:
            if opened.incident.grouped_targets:
                await self._replies.update_card(opened.incident)
                continue
            close = partial(self._closing.close, opened.incident, State.RESOLVED, notices.RECOVERED_WITHOUT_ACTION)
            await self._transitions.retry_until_stored(close)
        await self._handled(received)

    async def _posted(self, received: ReceivedAlert, opened: OpenResult) -> list[Incident]:
        """Post the card of a new incident and return it, to be looked at; that of a live one is brought up to date."""
        incident_id.set(opened.incident.id)
        log.debug("incident of %s %s", opened.incident.target, "opened" if opened.new else "has one more alert")
        if not opened.new:
            await self._replies.update_card(opened.incident)
            return []
        INCIDENTS.labels(State.OPEN.value).inc()
        incident = await self._resume.through(opened.incident, self._triage.post(opened.incident))
        if opened.incident.flap_count and received.message:
            await self._replies.best_effort(
                self._messenger.say_at(
                    received.place, notices.fired_again(str(opened.incident.target), opened.incident.alerts)
                )
            )
        return [incident] if incident is not None else []

    async def _handled(self, received: ReceivedAlert) -> None:
        await self._transitions.retry_until_stored(lambda: self._store.mark_handled(received.key))

    # A request: `/aegis diagnose NAME`, a mention, a shortcut, or Diagnose again.

    async def diagnose(self, name: str, place: Thread, user: str, url: str = "") -> None:
        """Diagnose on request; where a card of the target stands, bring it up to date there, and link to it.

        An unknown name is answered to ``user`` alone, with the nearest names; ``url`` is their own reply address.
        Raises ``SlackError`` where the card cannot be posted: only that address can say so.
        """
        await self._diagnose(parse_target(name), Asker(user, place, url))

    async def _diagnose(self, target: Target, asker: Asker) -> None:
        try:
            known = {known.target for known in await self._containers.inventory()}
        except EngineError as error:
            await self._replies.best_effort(self._messenger.reply(asker, error.sentence))
            return
        if target not in known:
            names = sorted(str(one) for one in known)
            near = similar_names(str(target), names)
            sentence = notices.no_such_container(str(target), near)
            await self._replies.best_effort(
                self._messenger.choose(asker.place, sentence, near or names, user=asker.user, url=asker.url)
            )
            return
        for live in await self._store.live(target):
            await self._renew(live, asker)
            return
        incident = Incident(
            id=self._world.name(),
            target=target,
            place=asker.place,
            state=State.OPEN,
            opened_at=self._world.now(),
            opened_by=asker.user,
            title=f"Diagnosis of {target}",
        )
        await self._open(incident, asker)

    async def _renew(self, live: Incident, asker: Asker) -> None:
        """Bring the card that stands up to date where it is, and link the asker to it; its thread reads who asked."""
        incident_id.set(live.id)
        if live.state is State.PROPOSED and not live.card:
            live = await self._triage.post(live) or live
        sentence = notices.diagnosed_already(str(live.target), live.state)
        await self._replies.best_effort(self._messenger.reply(asker, sentence, about=live))
        if live.state is State.PROPOSED:
            named = partial(self._name, asker=asker.user)
            await self._resume.through(live, self._triage.look_again(live, named))

    async def _name(self, incident: Incident, asker: str) -> None:
        """Name in the thread who asked for a fresh look, once for each person."""
        key = incident.id, asker
        if key in self._named:
            return
        self._named[key] = None
        while len(self._named) > MOST_NAMED_ASKERS:
            del self._named[next(iter(self._named))]
        sentence = notices.DIAGNOSIS_REQUESTED
        await self._replies.best_effort(self._messenger.say(incident, sentence, mention=(asker,)))

    async def refuse(self, press: Press, refusal: Refusal) -> None:
        """Record that a press was refused, and tell the person who pressed why."""
        await self._refuse(press, PressRefused(refusal=refusal))

    async def rediagnose(self, press: Press) -> None:
        """Look again: the same card while it is proposed, else a new incident in the same thread."""
        incident = await self._store.get(press.incident)
        if incident is None:
            await self._refuse(press, unknown_card())
            return
        if incident.state is State.PROPOSED:
            await self._resume.through(incident, self._triage.look_again(incident))
        elif incident.state not in LIVE:
            thread = incident.place.thread or incident.card
            await self._diagnose(incident.target, Asker(press.user, Thread(incident.place.channel, thread)))
        else:
            await self._replies.whisper(press, notices.being_diagnosed(str(incident.target)))

    async def _open(self, incident: Incident, asker: Asker) -> None:
        try:
            opened = await self._intake.open(incident)
        except StoreError as error:
            if not await self._may_be_on_disk(incident, error):
                raise
            await self._transitions.retry_until_stored(lambda: self._resume.go_on(incident))
            return
        incident_id.set(opened.incident.id)
        if opened.new:
            INCIDENTS.labels(State.OPEN.value).inc()
            posted = await self._resume.through(opened.incident, self._triage.post(opened.incident))
            if posted is not None:
                await self._resume.through(posted, self._triage.look(posted))
        else:
            await self._renew(opened.incident, asker)

    async def _may_be_on_disk(self, incident: Incident, error: StoreError) -> bool:
        """Return True if a request was stored although the database failed. Tell the asker if that is unknown."""
        try:
            return await self._store.get(incident.id) is not None
        except StoreError:
            sentence = notices.may_not_be_saved(error.sentence)
            await self._replies.best_effort(self._messenger.whisper(incident.opened_by, incident.place, sentence))
            return True

    # A press of an action, from the approver to the runbook.

    async def act(self, press: Press) -> None:
        """Check the press, save the approval, then act, verify, announce and store; a refusal leaves from here."""
        incident_id.set(press.incident)
        checked = await self._approval.authorize(press)
        log.debug("press of Restart checked: %s", type(checked).__name__)
        if isinstance(checked, PressRefused):
            await self._refuse(press, checked)
            return
        if isinstance(checked, Awaits):
            await self._replies.update_card(checked.incident)
            await self._replies.whisper(
                press, notices.press_counts(notices.presses_missing(checked.more, presses_until(checked.presses)))
            )
            return
        approved = await self._approval.approve(press, checked)
        if isinstance(approved, PressRefused):
            await self._refuse(press, approved)
            return
        await self._resume.through(approved, self._execution.run(checked, approved))

    async def _refuse(self, press: Press, refused: PressRefused) -> None:
        """Answer the person who pressed with why nothing was done, and update the card accordingly."""
        await self._replies.refuse(press, refused)
        if refused.incident is None:
            return
        try:
            await self._change_card(refused.incident, refused.card, refused.refusal.reason)
        except StoreError as error:
            # The next press, or the periodic work, finds the card as it is and does this again.
            log.warning("card not changed after a refusal: %s", error.sentence)

    async def _change_card(self, incident: Incident, change: CardChange, reason: str) -> None:
        if change is CardChange.REFRESH:
            await self._replies.update_card(incident)
        elif change is CardChange.EXPIRE:
            await self._closing.expire(incident)
        elif change is CardChange.CLOSE:
            await self._closing.close(incident, State.EXPIRED, reason)
        elif change is CardChange.ABORT:
            await self._closing.abort_restart(incident, reason)

    # The other buttons.

    async def ignore(self, press: Press, reason: str) -> None:
        """Close the incident because somebody says so; anyone may. Whoever comes too late hears who decided."""
        incident = await self._store.get(press.incident)
        while incident is not None and incident.state in (State.OPEN, State.PROPOSED):
            ignored = replace(incident, reason=reason)
            if await self._closing.close(ignored, State.IGNORED, "Ignored.", by=press.user, was=incident):
                return
            incident = await self._store.get(press.incident)
        if incident is None:
            await self._refuse(press, unknown_card())
        else:
            refusal = Refusal(RefusalReason.STATE, notices.late_press(incident.state, incident.closed_at))
            await self._refuse(
                press,
                PressRefused(
                    refusal=refusal, incident=incident, mentions=decided_by(incident), card=CardChange.REFRESH
                ),
            )

    async def evidence(self, press: Press, view: str) -> None:
        """Fill the opened modal ``view`` with all the evidence."""
        incident = await self._store.get(press.incident)
        if incident is None:
            await self._refuse(press, unknown_card())
        else:
            await self._replies.best_effort(self._messenger.show_evidence(incident, view))
