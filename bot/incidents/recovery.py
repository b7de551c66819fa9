"""Watches a restart: finds its outcome and verifies recovery."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.domain import notices, verification
from bot.domain.addresses.verify_url import verify_address
from bot.domain.evidence import Facts
from bot.domain.incident import Incident, RestartOutcome, restart_outcome
from bot.domain.verification import Probe, Verification
from bot.errors import EngineError, TargetNotFound, VerifyUrlRefused
from bot.ports.engine import Engine
from bot.ports.http_probe import Prober
from bot.runtime import ResponseConfig, Runtime

log = logging.getLogger(__name__)

PROBE_INTERVAL_S = 1.0
"""Seconds between two looks while a restart is watched."""

STEADY_RUN_S = 10.0
"""Seconds that a container must run before it is believed, where neither a URL nor a health check tells more."""

LONGEST_PROBE_INTERVAL_S = 30.0
"""Seconds between two looks at most, while the engine does not answer."""


class RecoveryMonitor:
    """Looks, and looks again. It never restarts anything."""

    def __init__(self, *, containers: Engine, prober: Prober, plan: ResponseConfig, world: Runtime) -> None:
        self._containers = containers
        self._prober = prober
        self._plan = plan
        self._world = world

    async def find_outcome(
        self, incident: Incident, silent: Callable[[EngineError], Awaitable[None]]
    ) -> RestartOutcome:
        """Find out by the engine's own times what became of a restart whose answer was not heard.

        Waits as long as the engine does not answer; ``silent`` is awaited once, the first time.
        """
        pause = PROBE_INTERVAL_S
        incident = self._dated(incident)
        while True:
            try:
                facts: Facts | None = await self._containers.facts_of(incident.target_id)
            except TargetNotFound:
                facts = None
            except EngineError as error:
                if pause == PROBE_INTERVAL_S:
                    await silent(error)
                pause = min(pause * 2, LONGEST_PROBE_INTERVAL_S)
                await self._world.sleep(pause)
                continue
            became = restart_outcome(incident.times_before, facts, self._since(incident))
            if became is not RestartOutcome.IN_FLIGHT:
                return became
            await self._world.sleep(PROBE_INTERVAL_S)

    async def describe_state(self, incident: Incident) -> str:
        """Describe the state in which a failed call left the container."""
        try:
            facts = await self._containers.facts_of(incident.target_id)
        except TargetNotFound:
            return notices.GONE_NOW
        except EngineError as error:
            log.warning("no look at it: %s", error.sentence)
            return notices.MAYBE_DOWN
        return notices.RUNNING_NOW if facts.running and not facts.restarting else notices.down_now(facts.status)

    async def verify(self, incident: Incident) -> Verification:
        """Probe until it is decided. The deadline counts from the restart; after a crash a few looks are added."""
        incident = self._dated(incident)
        late = self._since(incident)
        fewest = (self._plan.successes + 2) * PROBE_INTERVAL_S
        timeout = max(self._plan.timeout, late + fewest) if late > self._plan.delay else self._plan.timeout
        await self._world.sleep(max(0.0, self._plan.delay - late))
        seen = Verification()
        while True:
            facts, probe = None, None
            try:
                facts = await self._containers.facts_of(incident.target_id)
                probe = await self._probe(incident, facts)
            except TargetNotFound:
                return replace(
                    seen, recovered=False, seconds=self._since(incident), reason="the container was removed meanwhile"
                )
            except EngineError as error:
                log.warning("no look at it: %s", error.sentence)
            seen = verification.observe(
                seen,
                facts,
                probe,
                seconds=self._since(incident),
                successes=self._plan.successes,
                timeout=timeout,
                steady=STEADY_RUN_S,
            )
            if seen.recovered is not None:
                return seen
            await self._world.sleep(PROBE_INTERVAL_S)

    def _dated(self, incident: Incident) -> Incident:
        """Return the incident with a restart that lies not ahead: the clock may have been put back over a new start."""
        now = self._world.now()
        return replace(incident, restarted_at=min(incident.restarted_at or incident.opened_at, now))

    def _since(self, incident: Incident) -> float:
        return (self._world.now() - (incident.restarted_at or incident.opened_at)).total_seconds()

    async def _probe(self, incident: Incident, facts: Facts) -> Probe | None:
        before = incident.evidence.facts if incident.evidence else None
        proof = verify_address(self._plan.urls.get(incident.target, ""), facts, before)
        if proof.ignored:
            log.warning("no probe: %s", proof.ignored)
        if proof.ignored or not proof.url:
            return None
        try:
            return await self._prober.probe(proof.url, proof.only)
        except VerifyUrlRefused as error:
            return Probe(good=False, answer=f"not probed: {error.message}")
