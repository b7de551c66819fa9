"""Saves the steps of an incident, each once."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from bot.domain.audit.trail import AuditEvent, Verdict
from bot.domain.diagnosis import Action
from bot.domain.incident import LIVE, Approval, Incident, State
from bot.errors import StoreError
from bot.ports.database import Store
from bot.runtime import Runtime
from bot.telemetry import INCIDENTS, RESTARTS

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
"""Pauses between two tries while the database is away; each is twice as long as the one before."""


class Transitions:
    """Saves an incident from state to state. A step that another process took is not taken again."""

    def __init__(self, *, store: Store, world: Runtime) -> None:
        self._store = store
        self._world = world

    async def save_if_unchanged(
        self, before: Incident, after: Incident, approval: Approval | None = None, *, token: str = ""
    ) -> Incident | None:
        """Save ``after`` if the stored incident still is ``before``; see ``Store.save_if_unchanged``.

        Return what was saved, or ``None`` where somebody else was faster.
        """
        saved = await self._store.save_if_unchanged(before, after, approval, token)
        if saved is not None and saved.state is not before.state:
            INCIDENTS.labels(saved.state.value).inc()
            if before.state in (State.ACTING, State.VERIFYING) and saved.state not in LIVE:
                RESTARTS.labels(saved.state.value.lower()).inc()
            log.info("%s -> %s", before.state.value, saved.state.value)
        return saved

    async def save_with_retry(self, before: Incident, after: Incident) -> Incident | None:
        """Save a step that has already happened; while the database is away, try again and again."""
        token = uuid4().hex
        return await self.retry_until_stored(lambda: self.save_if_unchanged(before, after, token=token))

    async def reapply_and_save(self, incident: Incident, change: Callable[[Incident], Incident]) -> Incident | None:
        """Apply ``change`` to the newest version and save it; while the database is away, try again and again.

        Return ``None`` if the incident left its state or another replica owns it now.
        """
        while True:
            saved = await self.save_with_retry(incident, change(incident))
            if saved is not None:
                return saved
            fresh = await self._store.get(incident.id)
            if fresh is None or (fresh.state, fresh.epoch) != (incident.state, incident.epoch):
                return None
            if fresh.revision == incident.revision:
                return None
            incident = fresh

    async def retry_until_stored(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do ``work``, which needs the database; while it is away, again and again. ``work`` must be idempotent."""
        pause = FIRST_RETRY_S
        while True:
            try:
                return await work()
            except StoreError as error:
                log.warning("not stored yet, trying again: %s", error.sentence)
                await self._world.sleep(pause)
                pause = min(pause * 2, LONGEST_RETRY_S)

    async def log_engine_call(self, incident: Incident, action: Action) -> bool:
        """Add an engine call to the audit trail before it is made.

        Return ``False`` if another replica took the incident over. Then, and when this raises ``StoreError``, the call
        must not be made.
        """
        act = AuditEvent(
            kind="engine",
            at=self._world.now(),
            verdict=Verdict.ALLOWED,
            rule="approval",
            actor=incident.approval.user if incident.approval else "",
            incident=incident.id,
            target=str(incident.target),
            said=f"{action.value} {incident.target_id.id[:12]}",
        )
        return await self._store.log_engine_call(incident, act)

    async def still_owned(self, incident: Incident) -> bool:
        """Return True if no other replica took the incident over. Raise ``StoreError``."""
        if not self._store.shared or await self._store.owns(incident):
            return True
        log.warning("another replica took this incident over and goes on with it")
        return False
