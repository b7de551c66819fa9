"""Carries out an approved restart: evidence saved, sent once, verified."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.domain import notices
from bot.domain.diagnosis import Action
from bot.domain.incident import Incident, RestartOutcome, State
from bot.domain.verification import Verification
from bot.errors import (
    AegisError,
    BundleFailed,
    EngineDenied,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    StoreError,
    TargetNotFound,
)
from bot.incidents.approval import Authorized
from bot.incidents.closing import Closing
from bot.incidents.recovery import RecoveryMonitor
from bot.incidents.replies import Replies
from bot.incidents.transitions import Transitions
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.slack import Messenger
from bot.telemetry import STAGES

log = logging.getLogger(__name__)


class Execution:
    """Acts on a container after an approval, and goes on with an action in whose middle the last run ended.

    1. Save the crash bundle.
    2. Add the engine call to the audit trail, then send it, once.
    3. Where the answer is missing, look what happened; never send it again.
    4. Verify the recovery and end the incident.
    """

    def __init__(
        self,
        *,
        containers: Engine,
        store: Store,
        messenger: Messenger,
        transitions: Transitions,
        closing: Closing,
        replies: Replies,
        watch: RecoveryMonitor,
    ) -> None:
        self._containers = containers
        self._store = store
        self._messenger = messenger
        self._transitions = transitions
        self._closing = closing
        self._replies = replies
        self._watch = watch

    async def run(self, authorized: Authorized, approved: Incident) -> None:
        """Carry out what was approved, to the end of the incident."""
        await self._replies.update_card(approved)
        if authorized.dry_run:
            sentence = notices.dry_run(str(approved.target))
            await self._closing.close(
                approved, State.INTERRUPTED, sentence, by=approved.approval.user if approved.approval else ""
            )
            return
        try:
            bundle = await self._containers.bundle(approved.target, approved.target_id, approved.id)
            saved = await self._transitions.save_if_unchanged(approved, replace(approved, bundle=bundle))
        except (BundleFailed, EngineError, StoreError) as error:
            sentence = notices.evidence_not_saved(error.sentence)
            await self._closing.abort_restart(approved, sentence)
            return
        if saved is not None:
            await self._act(saved, authorized.action, authorized.facts.stop_timeout)

    async def _act(self, incident: Incident, action: Action, stop_timeout: int) -> None:
        """Send the action once. Where the answer is missing, look what happened."""
        try:
            if not await self._transitions.log_engine_call(incident, action):
                return
            with STAGES.labels(action.value).time():
                await self._containers.act(action, incident.target_id, stop_timeout=stop_timeout)
        except StoreError as error:
            sentence = notices.restart_not_recorded(error.sentence)
            await self._closing.abort_restart(incident, sentence)
        except (EngineTimeout, EngineUnreachable) as error:
            log.warning("no answer to the %s, looking what happened: %s", action.value, error.sentence)
            await self._find_outcome(incident)
        except (EngineDenied, TargetNotFound) as error:
            await self._closing.abort_restart(incident, notices.restart_refused(error.sentence))
        except EngineError as error:
            await self._fail(incident, notices.RESTART_FAILED, error)
        else:
            await self.verify(incident)

    async def go_on(self, incident: Incident) -> None:
        """Go on with an action in whose middle the last run ended.

        What happened to the container before an engine call was recorded is not ours.
        """
        if await self._store.engine_call_logged(incident.id):
            await self._find_outcome(incident)
        else:
            sentence = notices.NOT_SENT
            await self._closing.abort_restart(incident, sentence)

    async def _find_outcome(self, incident: Incident) -> None:
        """Go on by what became of a restart whose answer is missing."""

        async def silent(error: EngineError) -> None:
            sentence = notices.restart_unknown(error.sentence)
            await self._replies.best_effort(self._messenger.say(incident, sentence))

        outcome = await self._watch.find_outcome(incident, silent)
        if outcome is RestartOutcome.GONE:
            sentence = notices.CONTAINER_GONE
            await self._closing.close(incident, State.INTERRUPTED, sentence)
        elif outcome is RestartOutcome.NOT_CARRIED_OUT:
            sentence = notices.NOT_CARRIED_OUT
            await self._closing.abort_restart(incident, sentence)
        elif outcome is RestartOutcome.STOPPED:
            await self._start_again(incident)
        else:
            await self.verify(incident)

    async def _start_again(self, incident: Incident) -> None:
        """Start what the engine stopped for our restart and did not start: the second half of the approved restart."""
        try:
            if not await self._transitions.log_engine_call(incident, Action.START):
                return
            await self._containers.act(Action.START, incident.target_id)
        except (EngineTimeout, EngineUnreachable) as error:
            log.warning("no answer to the start, looking what happened: %s", error.sentence)
            await self.verify(incident)
        except (EngineError, StoreError) as error:
            await self._fail(incident, notices.START_FAILED, error)
        else:
            sentence = notices.STARTED_AGAIN
            await self._replies.best_effort(self._messenger.say(incident, sentence))
            await self.verify(incident)

    async def _fail(self, incident: Incident, how: str, error: AegisError) -> None:
        """End as UNRESOLVED with why it could not be done and how the container is now, which may be down."""
        engine_says = error.detail if isinstance(error, EngineError) else ""
        state = await self._watch.describe_state(incident)
        reason = notices.action_failed(how, state, error.message, engine_says)
        failed = Verification(recovered=False, reason=reason)
        await self._closing.end(replace(incident, verification=failed), incident)

    async def verify(self, incident: Incident) -> None:
        """Verify the recovery, and end as RESOLVED or UNRESOLVED."""
        if incident.state is State.ACTING:
            verifying = await self._transitions.save_with_retry(incident, replace(incident, state=State.VERIFYING))
            if verifying is None:
                return
            incident = verifying
            await self._replies.update_card(incident)
        with STAGES.labels("verify").time():
            verification = await self._watch.verify(incident)
        await self._closing.end(replace(incident, verification=verification), incident)
