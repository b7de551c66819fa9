"""Sets an alert aside that failed three times.

Each attempt is counted on disk before it begins.

A process that freezes or is killed in the middle of an alert has counted its try too, so that no alert can hold up
every start and every replica for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from bot.domain import notices
from bot.domain.audit.trail import AuditEvent, Verdict
from bot.domain.incident import Incident, State
from bot.errors import AegisError
from bot.incidents.closing import Closing
from bot.incidents.replies import Replies
from bot.incidents.transitions import Transitions
from bot.ports.database import MOST_TRIES, ReceivedAlert, Store
from bot.ports.slack import Messenger
from bot.runtime import Runtime
from bot.telemetry import SET_ASIDE

log = logging.getLogger(__name__)

PAUSE_S = 2.0
"""Seconds before an alert is tried again; what failed may pass."""

MOST_TITLE_CHARACTERS = 80
"""Characters of the alert's title in what is said of it."""

Answering = Callable[[ReceivedAlert], Awaitable[None]]


class Retrial:
    """Tries an alert again, and sets it aside after its last failure."""

    def __init__(
        self,
        *,
        store: Store,
        messenger: Messenger,
        transitions: Transitions,
        closing: Closing,
        replies: Replies,
        world: Runtime,
    ) -> None:
        self._store = store
        self._transitions = transitions
        self._closing = closing
        self._replies = replies
        self._messenger = messenger
        self._world = world

    async def guard(self, received: ReceivedAlert, work: Awaitable[None], answer: Answering) -> None:
        """Await the work for an alert, and try again where it fails unforeseen. Raises ``AegisError``."""
        try:
            await work
        except AegisError:
            raise
        except Exception:
            log.exception("the alert %s was not handled", received.key)
            await self.again(received, answer, pause=PAUSE_S)

    async def again(self, received: ReceivedAlert, answer: Answering, *, pause: float = 0.0) -> None:
        """Try an alert until it is handled or set aside. Raises ``AegisError``."""
        while True:
            number = await self._transitions.retry_until_stored(lambda: self._store.count_attempt(received.key))
            if number == 0:
                return
            if number > MOST_TRIES:
                await self.set_aside(received)
                return
            if pause:
                await self._world.sleep(pause)
            try:
                await answer(received)
            except AegisError:
                raise
            except Exception:
                log.exception("the alert %s was not handled, try %d", received.key, number)
                pause = PAUSE_S
            else:
                return

    async def set_aside(self, received: ReceivedAlert) -> None:
        """Give an alert up, on disk and in the trail, and say so where people read alerts."""
        alert, at = received.alert, received.at.astimezone(UTC)
        title = alert.title[:MOST_TITLE_CHARACTERS]
        sentence = notices.set_aside(alert.sender, at, MOST_TRIES, title)
        act = AuditEvent("alert", self._world.now(), Verdict.DENIED, "tries", said=sentence)
        if await self._transitions.retry_until_stored(lambda: self._store.set_aside(received.key, act)):
            SET_ASIDE.inc()
            log.error("set aside after %d failures: the alert %s", MOST_TRIES, received.key)
            await self._replies.best_effort(self._messenger.say_at(received.place, sentence))

    async def may_look(self, incident: Incident) -> bool:
        """Count one more look at an incident that may have ended a process before; give it up after the last."""
        if (
            await self._transitions.retry_until_stored(lambda: self._store.count_investigation(incident.id))
            <= MOST_TRIES
        ):
            return True
        SET_ASIDE.inc()
        log.error("set aside after %d failures: the incident %s", MOST_TRIES, incident.id)
        await self._transitions.retry_until_stored(
            lambda: self._closing.close(incident, State.EXPIRED, notices.given_up(MOST_TRIES))
        )
        return False
