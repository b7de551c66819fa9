"""The path of one alert, top to bottom. The order of the steps is written here and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bot.domain.alerts.alert import Kind, nearest
from bot.domain.evidence import Facts
from bot.domain.guard import Refusal
from bot.domain.incident import (
    LATE,
    LIVE,
    Aftermath,
    Incident,
    Place,
    Press,
    State,
    decided_by,
    standing,
)
from bot.domain.verification import Verification
from bot.errors import (
    AegisError,
    BundleFailed,
    EngineDenied,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    SlackError,
    StoreError,
    TargetNotFound,
)
from bot.incidents.approval import Admitted, Gate
from bot.incidents.intake import MOST_CARDS, Alerts
from bot.incidents.investigation import Examination
from bot.incidents.recovery import Watch
from bot.incidents.set_aside import Retrial
from bot.incidents.transitions import Record
from bot.incidents.triage import Proposal
from bot.ports import Asker, Begun, Containers, LeftOver, Messenger, Opened, Received, Store
from bot.runtime import Plan, World
from bot.telemetry import INCIDENTS, STAGES, incident_id

T = TypeVar("T")

log = logging.getLogger(__name__)

_OVER = "Recovered without action: the sender says that it is over."

AT_ONCE = 8
"""Cards and ends of the last run that are brought up to date side by side; they are many, and nobody waits for them."""


MOST_NAMED = 1000
"""Askers that are remembered as named in a thread."""


class Responder:
    """Answers alerts, requests and presses. Nothing of an incident is kept in memory: the store is the truth."""

    def __init__(
        self,
        *,
        containers: Containers,
        store: Store,
        messenger: Messenger,
        record: Record,
        gate: Gate,
        examination: Examination,
        watch: Watch,
        plan: Plan,
        world: World,
    ) -> None:
        self._containers = containers
        self._store = store
        self._messenger = messenger
        self._record = record
        self._gate = gate
        self._watch = watch
        self._world = world
        self._named: dict[tuple[str, str], None] = {}
        """Who was named in the thread of which incident as having asked; only to name nobody twice."""
        self._alerts = Alerts(containers=containers, store=store, record=record, plan=plan, world=world)
        self._retrial = Retrial(store=store, record=record, messenger=messenger, world=world, answer=self._answer)
        self._proposal = Proposal(
            store=store,
            messenger=messenger,
            record=record,
            gate=gate,
            examination=examination,
            alerts=self._alerts,
            plan=plan,
            world=world,
        )

    # An alert, from the message to the card with its buttons.

    async def receive(self, received: Received) -> bool:
        """Take an alert in, on disk; ``False`` where it was taken in before."""
        return await self._alerts.receive(received)

    async def answer(self, received: Received, url: str = "") -> None:
        """Do all that an alert needs: open an incident of each target and diagnose, or close what resolved.

        ``url`` is the asker's own reply address. Raises ``SlackError`` where somebody asked and Slack took no card.
        """
        if received.alert.kind is not Kind.RESOLVED and received.message:
            await self._record.quietly(self._messenger.seen(received.place, received.message))
        await self._retrial.guard(received, self._answer(received, url))

    async def _answer(self, received: Received, url: str = "") -> None:
        await self._follow(received, await self._record.persist(lambda: self.begin(received)), url)

    async def again(self, received: Received) -> None:
        """Try an alert again whose first try failed; after the last one it is set aside."""
        await self._retrial.again(received)

    async def begin(self, received: Received) -> Begun:
        """Open an incident of each target that the alert labels; of an end, find the incidents that it ends."""
        return await self._alerts.begin(received)

    async def standing(self, received: Received) -> Begun:
        """Return what an alert that was taken in before led to; nothing is opened."""
        return await self._alerts.standing(received)

    async def follow(self, received: Received, begun: Begun, url: str = "") -> None:
        """Do the rest of what an alert needs: a card for each new incident in its thread, a look at each target.

        Raises ``SlackError`` at its end where somebody asked and Slack took no card: only their own reply address can
        say so.
        """
        await self._retrial.guard(received, self._follow(received, begun, url))

    async def _follow(self, received: Received, begun: Begun, url: str) -> None:
        if received.alert.kind is Kind.RESOLVED:
            await self._over(received, begun)
            return
        untold: SlackError | None = None
        if not begun.names:
            try:
                await self._record.persist(lambda: self._proposal.ask_which(received))
            except SlackError as error:
                untold = error
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
                untold = error
        if len(begun.names) > MOST_CARDS:
            await self._proposal.name_the_rest(begun.names, posted[0].place if posted else received.place)
        looking = (self._through(incident, self._proposal.look(incident)) for incident in posted)
        await _each([*renewing, *looking])
        if untold is not None:
            raise untold

    async def _over(self, received: Received, begun: Begun) -> None:
        """End what an end ends."""
        for opened in begun.incidents:
            if opened.incident.along:
                await self._record.show(opened.incident)
                continue
            await self._record.persist(partial(self._record.close, opened.incident, State.RESOLVED, _OVER))
        await self._handled(received)

    async def _posted(self, received: Received, opened: Opened) -> list[Incident]:
        """Post the card of a new incident and return it, to be looked at; that of a live one is brought up to date."""
        incident_id.set(opened.incident.id)
        if not opened.new:
            await self._record.show(opened.incident)
            return []
        INCIDENTS.labels(State.OPEN.value).inc()
        incident = await self._through(opened.incident, self._proposal.post(opened.incident))
        if opened.incident.flaps and received.message:
            await self._record.quietly(self._messenger.say_at(received.place, _again(opened.incident)))
        return [incident] if incident is not None else []

    async def _handled(self, received: Received) -> None:
        await self._record.persist(lambda: self._store.handled(received.key))

    async def _through(self, incident: Incident, work: Awaitable[T]) -> T | None:
        """Await a piece of an incident's work; where the database fails in its middle, go on from what is on disk."""
        try:
            return await work
        except StoreError as error:
            log.warning("stopped in the middle, going on from what is on disk: %s", error.sentence)
        await self._record.persist(lambda: self._go_on(incident))
        return None

    async def _go_on(self, incident: Incident) -> None:
        current = await self._store.get(incident.id)
        if current is None or current.epoch != incident.epoch:
            return
        if current.state in LIVE:
            await self._resume(current)
        else:
            await self._record.finish(current)

    async def diagnose(self, name: str, place: Place, user: str, url: str = "") -> None:
        """Diagnose on request; where a card of the target stands, bring it up to date there, and link to it.

        An unknown name is answered to ``user`` alone, with the nearest names; ``url`` is their own reply address.
        Raises ``SlackError`` where the card cannot be posted: only that address can say so.
        """
        asker = Asker(user, place, url)
        try:
            names = sorted(target.name for target in await self._containers.inventory())
        except EngineError as error:
            await self._record.quietly(self._messenger.reply(asker, error.sentence))
            return
        if name not in names:
            near = nearest(name, names)
            told = (
                f"There is no container of exactly that name{', but there is ' + ' and '.join(near) if near else ''}."
            )
            await self._record.quietly(
                self._messenger.choose(place, f"{told} Which one is meant?", near or names, user=user, url=url)
            )
            return
        for live in await self._store.live(name):
            await self._renew(live, asker)
            return
        incident = Incident(
            id=self._world.name(),
            target=name,
            place=place,
            state=State.OPEN,
            opened_at=self._world.now(),
            opened_by=user,
            title=f"Diagnosis of {name}",
        )
        await self._open(incident, asker)

    async def _renew(self, live: Incident, asker: Asker) -> None:
        """Bring the card that stands up to date where it is, and link the asker to it; its thread reads who asked."""
        incident_id.set(live.id)
        if live.state is State.PROPOSED and not live.card:
            live = await self._proposal.post(live) or live
        told = {
            State.OPEN: "is being looked at right now.",
            State.PROPOSED: "has a card already; it is brought up to date.",
        }.get(live.state, "is being restarted right now; its thread gets the result.")
        await self._record.quietly(self._messenger.reply(asker, f"{live.target} {told}", about=live))
        if live.state is State.PROPOSED:
            await self._look_anew(live, asker.user)

    async def _name(self, incident: Incident, asker: str) -> None:
        """Name in the thread who asked for a fresh look, once for each person."""
        key = incident.id, asker
        if key in self._named:
            return
        self._named[key] = None
        while len(self._named) > MOST_NAMED:
            del self._named[next(iter(self._named))]
        told = "A fresh look was asked for by"
        await self._record.quietly(self._messenger.say(incident, told, mention=(asker,)))

    async def refuse(self, press: Press, refusal: Refusal) -> None:
        """Keep that a press was refused, and tell the person who pressed why."""
        await self._record.refuse(press, refusal)

    async def rediagnose(self, press: Press) -> None:
        """Look again: the same card while it is proposed, else a new incident in the same thread."""
        incident = await self._store.get(press.incident)
        if incident is None:
            await self._record.unknown(press)
            return
        if incident.state is State.PROPOSED:
            await self._look_anew(incident)
        elif incident.state not in LIVE:
            thread = incident.place.thread or incident.card
            await self.diagnose(incident.target, Place(incident.place.channel, thread), press.user)
        else:
            await self._record.whisper(press, f"{incident.target} is being looked at right now.")

    async def _open(self, incident: Incident, asker: Asker) -> None:
        try:
            opened = await self._alerts.open(incident)
        except StoreError as error:
            if not await self._may_be_on_disk(incident, error):
                raise
            await self._record.persist(lambda: self._go_on(incident))
            return
        incident_id.set(opened.incident.id)
        if opened.new:
            INCIDENTS.labels(State.OPEN.value).inc()
            posted = await self._through(opened.incident, self._proposal.post(opened.incident))
            if posted is not None:
                await self._through(posted, self._proposal.look(posted))
        else:
            await self._renew(opened.incident, asker)

    async def _may_be_on_disk(self, incident: Incident, error: StoreError) -> bool:
        """Say whether a request was kept though the database failed; where nobody knows yet, its asker hears so."""
        try:
            return await self._store.get(incident.id) is not None
        except StoreError:
            told = f"{error.sentence} The card comes when the database answers again. If none comes, ask once more."
            await self._record.quietly(self._messenger.whisper(incident.opened_by, incident.place, told))
            return True

    async def _look_anew(self, incident: Incident, asker: str = "") -> None:
        """PROPOSED -> OPEN -> PROPOSED, on the same card; its presses stay, and count if the look finds the same."""
        again = await self._record.insist(incident, replace(incident, state=State.OPEN, digest="", verdict=None))
        if again is not None:
            await self._record.show(again)
            if asker:
                await self._name(again, asker)
            await self._through(again, self._proposal.look(again))

    # A press of Restart, from the approver to the runbook.

    async def restart(self, press: Press) -> None:
        """Check who pressed and what changed, claim, save the evidence, restart, verify, tell, remember."""
        incident_id.set(press.incident)
        admitted = await self._gate.admit(press)
        claimed = await self._gate.claim(press, admitted) if admitted else None
        if admitted is not None and claimed is not None:
            await self._through(claimed, self._approved(press, admitted, claimed))

    async def _approved(self, press: Press, admitted: Admitted, claimed: Incident) -> None:
        await self._record.show(claimed)
        if admitted.dry_run:
            told = f"Dry run: here {claimed.target} would have been restarted. Nothing was."
            await self._record.close(claimed, State.INTERRUPTED, told, by=press.user)
            return
        try:
            bundle = await self._containers.bundle(admitted.facts, claimed.id)
            kept = await self._record.claim(claimed, replace(claimed, bundle=bundle))
        except (BundleFailed, EngineError, StoreError) as error:
            told = f"{error.sentence} Evidence is saved before it is destroyed, so nothing was restarted."
            await self._record.not_restarted(claimed, told)
            return
        if kept is not None:
            await self._restart(kept, admitted.facts)

    async def _restart(self, incident: Incident, facts: Facts) -> None:
        """RESTARTING -> VERIFYING. A restart is sent once and never again; where the answer is missing, we look."""
        try:
            if not await self._record.acting(incident, "restart"):
                return
            with STAGES.labels("restart").time():
                await self._containers.restart(facts)
        except StoreError as error:
            told = f"The restart cannot be recorded, so nothing was restarted. {error.sentence}"
            await self._record.not_restarted(incident, told)
        except (EngineTimeout, EngineUnreachable) as error:
            log.warning("unknown whether it was restarted, looking: %s", error.sentence)
            await self._settle(incident)
        except (EngineDenied, TargetNotFound) as error:
            await self._record.not_restarted(incident, f"{error.sentence} Nothing was restarted.")
        except EngineError as error:
            await self._failed(incident, "the engine could not restart it", error)
        else:
            await self._verify(incident)

    async def _failed(self, incident: Incident, how: str, error: AegisError) -> None:
        """RESTARTING -> UNRESOLVED: say why it could not be done, and how the container is left, which may be down."""
        why = f" The engine says: {error.detail}" if isinstance(error, EngineError) and error.detail else ""
        reason = f"{how}, {await self._watch.left(incident)}. {error.what}{why}"
        seen = Verification(recovered=False, reason=reason)
        await self._record.end(replace(incident, verification=seen), incident)

    async def _sent_or_not(self, incident: Incident) -> None:
        """Go on with a restart in whose midst the last run ended; what happened to a target by itself is not ours."""
        if await self._store.was_sent(incident.id):
            await self._settle(incident)
        else:
            told = "The restart was not carried out, since Aegis was interrupted before it asked the engine."
            await self._record.not_restarted(incident, told)

    async def _settle(self, incident: Incident) -> None:
        """Go on by what became of a restart whose answer was not heard."""

        async def silent(error: EngineError) -> None:
            told = f"{error.sentence} It is unknown whether the restart happened; nothing is sent again."
            await self._record.quietly(self._messenger.say(incident, told))

        became = await self._watch.settle(incident, silent)
        if became is Aftermath.GONE:
            told = "The container is gone or was re-created, so nothing more is done. A person has to look."
            await self._record.close(incident, State.INTERRUPTED, told)
        elif became is Aftermath.NOT_CARRIED_OUT:
            told = "The restart was not carried out, and is not sent again by itself."
            await self._record.not_restarted(incident, told)
        elif became is Aftermath.STOPPED:
            await self._start_again(incident)
        else:
            await self._verify(incident)

    async def _start_again(self, incident: Incident) -> None:
        """Start what the engine stopped for our restart and did not start: the approved restart's second half."""
        try:
            if not await self._record.acting(incident, "start"):
                return
            await self._containers.start(incident.container)
        except (EngineTimeout, EngineUnreachable) as error:
            log.warning("unknown whether it was started, looking: %s", error.sentence)
            await self._verify(incident)
        except (EngineError, StoreError) as error:
            await self._failed(incident, "it was stopped and could not be started", error)
        else:
            told = "It was stopped but not started again; it is started now."
            await self._record.quietly(self._messenger.say(incident, told))
            await self._verify(incident)

    async def _verify(self, incident: Incident) -> None:
        """RESTARTING -> VERIFYING -> RESOLVED or UNRESOLVED."""
        if incident.state is State.RESTARTING:
            moved = await self._record.insist(incident, replace(incident, state=State.VERIFYING))
            if moved is None:
                return
            incident = moved
            await self._record.show(incident)
        with STAGES.labels("verify").time():
            seen = await self._watch.verify(incident)
        await self._record.end(replace(incident, verification=seen), incident)

    # The other ways in which an incident ends.

    async def ignore(self, press: Press, reason: str) -> None:
        """Close the incident because somebody says so; anyone may. Whoever comes too late hears who decided."""
        incident = await self._store.get(press.incident)
        while incident is not None and incident.state in (State.OPEN, State.PROPOSED):
            ignored = replace(incident, reason=reason)
            if await self._record.close(ignored, State.IGNORED, "Ignored.", by=press.user, was=incident):
                return
            incident = await self._store.get(press.incident)
        if incident is None:
            await self._record.unknown(press)
        else:
            await self._record.refuse(press, Refusal("state", standing(incident)), mention=decided_by(incident))
            await self._record.show(incident)

    # After a start: nothing is lost, nothing is done twice.

    async def left_over(self) -> LeftOver:
        """Return what the last run did not finish; of several, what dead ones did not. Ask before all else."""
        return await self._store.take_over(everything=not self._store.shared)

    async def recover(self, left: LeftOver) -> None:
        """Go on where the last run ended: look at what happened before doing anything."""
        if left:
            counts = len(left.alerts + left.suspects), len(left.live + left.doubted), len(left.ended)
            log.info("going on with what was left: alerts %d, incidents under way %d, ended ones %d", *counts)
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(work: Awaitable[None]) -> None:
            async with turns:
                await work

        work: list[Awaitable[None]] = [self.answer(received) for received in left.alerts]
        for incident in left.live:
            resumed = self._through(incident, self._resume(incident))
            work.append(in_turn(resumed) if incident.state is State.PROPOSED else resumed)
        work += [in_turn(self._record.finish(incident)) for incident in left.ended]
        work.append(self._doubtful(left))
        await _each(work)

    async def _doubtful(self, left: LeftOver) -> None:
        """Try what more than one run ended in the midst of: one after the other."""
        await self._retrial.one_by_one(left.suspects)
        for incident in left.doubted:
            if await self._retrial.may_look(incident):
                await _each([self._through(incident, self._resume(incident))])

    async def catch_up(self) -> None:
        """Do what is due: cards that Slack did not take, cards whose time is over, ends that are not remembered."""
        for incident in await self._store.live():
            if incident.state is not State.PROPOSED:
                continue
            if not incident.card:
                posted = await self._proposal.post(incident)
                if posted is not None:
                    await (self._look_anew if self._record.expired(posted) else self._record.show)(posted)
            elif self._record.expired(incident):
                await self._record.expire(incident)
        for incident in await self._store.unremembered():
            await self._record.finish(incident, again=True)

    async def _resume(self, incident: Incident) -> None:
        incident_id.set(incident.id)
        log.info("resuming in state %s", incident.state.value)
        unseen = not incident.card
        if incident.state in (State.OPEN, State.PROPOSED) and unseen:
            posted = await self._proposal.post(incident)
            if posted is None:
                return
            incident = posted
        if incident.state is State.OPEN:
            await self._proposal.look(incident)
            if self._world.now() - incident.opened_at >= LATE:
                told = "This comes late: Aegis was interrupted while it looked at this."
                await self._record.quietly(self._messenger.say(incident, told))
        elif incident.state is State.RESTARTING:
            await self._sent_or_not(incident)
        elif incident.state is State.VERIFYING:
            await self._verify(incident)
        elif self._record.expired(incident):
            await (self._look_anew if unseen else self._record.expire)(incident)
        else:
            await self._record.show(incident)

    # Questions.

    async def evidence(self, press: Press, view: str) -> None:
        """Fill the opened modal ``view`` with all the evidence."""
        incident = await self._store.get(press.incident)
        if incident is None:
            await self._record.unknown(press)
        else:
            await self._record.quietly(self._messenger.show_evidence(incident, view))


async def _each(work: Iterable[Awaitable[None]]) -> None:
    """Do pieces of work side by side; one that fails is logged and does not keep the others from their end."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, AegisError):
            log.error("left undone: %s", result.sentence)
        elif isinstance(result, BaseException):
            raise result


def _again(incident: Incident) -> str:
    """Say under a new alert of a target that comes and goes where its card is."""
    return (
        f"{incident.target} came back and fires again: {incident.alerts} alerts by now. "
        "Its card is under the first of them, and is brought up to date."
    )
