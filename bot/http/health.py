"""Health checks of Aegis's parts, cached for /health."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.incident import LIVE
from bot.errors import AegisError
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.runbook import Runbook
from bot.runtime import Runtime
from bot.telemetry import OPEN_INCIDENTS

HEALTH_CHECK_TIMEOUT_S = 2.0
"""Seconds for the answer of one part; whoever asks /health gives up after four."""

HEALTH_CACHE_S = 10.0
"""Seconds for which an answer is good: many may ask, and the engine has other work."""

SET_ASIDE_SHOWN = timedelta(days=1)
"""For so long an alert that was set aside is named; its message stands in Slack."""

Asking = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One part: ``ask`` returns what is wrong, or ``""``. Where a part that is not ``vital`` ails, the work goes on."""

    name: str
    ask: Asking
    vital: bool = True


class Link(Protocol):
    """The connection to Slack, as it is looked at."""

    @property
    def up_since(self) -> datetime | None:
        """Return since when the socket is open."""

    @property
    def event_at(self) -> datetime | None:
        """Return when the last event came."""


class Model(Protocol):
    """The model, as it is looked at."""

    @property
    def trouble(self) -> str:
        """Return what is wrong, or ``""``."""


class OutboxStatus(Protocol):
    """What still waits for Slack, as it is looked at."""

    async def trouble(self) -> str:
        """Return what is wrong, or ``""``."""


def parts(
    containers: Engine, model: Model | None, memory: Runbook, outbox: OutboxStatus, clock: Callable[[], str]
) -> tuple[HealthCheck, ...]:
    """Return what /health asks beside Slack and the database; ``clock`` says what is wrong with our clock."""

    async def engine() -> str:
        await containers.info()
        return ""

    async def runbook() -> str:
        await memory.entries()
        return ""

    async def describe_model() -> str:
        return model.trouble if model is not None else ""

    async def time() -> str:
        return clock()

    return (
        HealthCheck("engine", _remembered(engine)),
        HealthCheck("outbox", outbox.trouble),
        HealthCheck("model", describe_model, vital=False),
        HealthCheck("runbook", _remembered(runbook), vital=False),
        HealthCheck("clock", time, vital=False),
    )


def alerts(store: Store, world: Runtime) -> HealthCheck:
    """Return the part that names alerts which were set aside within a day."""

    async def set_aside() -> str:
        given_up = await store.set_aside_since(world.now() - SET_ASIDE_SHOWN)
        count = f"{len(given_up)} alert{'s' if len(given_up) > 1 else ''}"
        return f"{count} could not be handled within a day; aegis audit export names them" if given_up else ""

    return HealthCheck("alerts", _remembered(set_aside), vital=False)


def ages(link: Link, now: datetime) -> dict[str, float | None]:
    """Return how old the socket and the last event are, in seconds; ``None`` where there is none. By Slack's clock."""
    moments = {"socket_age_s": link.up_since, "last_event_s": link.event_at}
    return {name: round((now - at).total_seconds(), 1) if at else None for name, at in moments.items()}


async def count(store: Store, outbox: OutboxStatus) -> None:
    """Bring the numbers up to date that say how things stand now. Raises ``StoreError``."""
    states = Counter(incident.state for incident in await store.live())
    for state in LIVE:
        OPEN_INCIDENTS.labels(state.value).set(states[state])
    await outbox.trouble()


async def asked(part: HealthCheck) -> str:
    """Return what is wrong with a part, or ``""``; never later than ``HEALTH_CHECK_TIMEOUT_S``."""
    try:
        async with asyncio.timeout(HEALTH_CHECK_TIMEOUT_S):
            return await part.ask()
    except AegisError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {HEALTH_CHECK_TIMEOUT_S:g} s"


def _remembered(ask: Asking) -> Asking:
    """Return what asks at most once in ``HEALTH_CACHE_S`` seconds."""
    answer, good_until = "", 0.0
    asking = asyncio.Lock()

    async def again() -> str:
        nonlocal answer, good_until
        loop = asyncio.get_running_loop()
        async with asking:
            if loop.time() >= good_until:
                try:
                    answer = await ask()
                except AegisError as error:
                    answer = error.message
                good_until = loop.time() + HEALTH_CACHE_S
            return answer

    return again
