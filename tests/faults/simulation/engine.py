"""An engine whose containers live: they are stopped, started, re-created and die, and a restart has two halves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Facts, LogDigest, LogLine, Source, Status
from bot.domain.target import KnownTarget, Target, TargetId
from bot.domain.verification import Probe
from bot.errors import (
    BundleFailed,
    EngineDenied,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    RestartFailed,
    TargetNotFound,
)
from bot.ports.engine import EngineInfo
from tests.faults.simulation.stage import Stage
from tests.support import fakes

LOOK = "look"
RESTART = "restart"
START = "start"
BUNDLE = "bundle"

UNANSWERED: dict[str, EngineError] = {
    "timeout": EngineTimeout("The engine did not answer in time."),
    "unreachable": EngineUnreachable("The engine does not answer."),
    "denied": EngineDenied("The proxy refuses this."),
    "gone": TargetNotFound("There is no such container any more."),
}
"""What goes wrong before anything happens."""

MIDWAY = {"timeout after": 0.0, "timeout, then done": 7.0, "stopped only": 0.0, "failed": 0.0}
"""What goes wrong in the midst of a restart, and after how many seconds the engine does it all the same."""

FAULTS = {
    LOOK: (*UNANSWERED,),
    RESTART: (*UNANSWERED, *MIDWAY),
    START: (*UNANSWERED, "timeout after", "failed"),
    BUNDLE: ("timeout", "full"),
}


@dataclass
class Container:
    """One container as the engine knows it."""

    name: str
    container_id: str
    labels: tuple[tuple[str, str], ...] = ()
    started_at: str = ""
    finished_at: str = ""
    status: str = "running"
    exit_code: int = 0
    restart_count: int = 0
    health: str = "unhealthy"

    def facts(self) -> Facts:
        """Return what a look at it tells."""
        return fakes.facts(
            self.name,
            container_id=self.container_id,
            started_at=self.started_at,
            finished_at=self.finished_at,
            status=self.status,
            running=self.status in ("running", "paused"),
            paused=self.status == "paused",
            exit_code=self.exit_code,
            health=self.health if self.status == "running" else None,
            labels=self.labels,
            restart_count=self.restart_count,
        )


@dataclass
class LivingContainers:
    """Implements ``ports.Containers``; ``written`` is told of each restart and start right before it happens."""

    stage: Stage
    words: str = fakes.POOL_LINE
    """The line in every log."""
    cures: bool = True
    """Whether a restart makes a container well."""
    long_log: bool = False
    containers: dict[str, Container] = field(default_factory=dict)
    written: Callable[[str, Container], None] = lambda *_: None
    restarts: int = 0
    starts: int = 0
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _labels: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    # What happens on the host.

    def create(self, name: str, *labels: tuple[str, str]) -> Container:
        """Create a container, or create it anew under another id and with its labels; it runs, and is not well."""
        kept = self._labels.setdefault(name, labels)
        made = Container(name, f"{next(self._count):064x}", kept, self._moment())
        self.containers[name] = made
        return made

    def started(self, container: Container) -> None:
        """Start it, for whatever reason."""
        container.status, container.started_at = "running", self._moment()
        container.restart_count = 0
        container.health = "healthy" if self.cures else "unhealthy"

    def stopped(self, container: Container, exit_code: int = 0) -> None:
        """Let it end."""
        if container.status in ("running", "paused"):
            container.status, container.exit_code, container.finished_at = "exited", exit_code, self._moment()

    def _moment(self) -> str:
        # The engine tells nanoseconds: no two moments are alike.
        return f"{self.stage.true_time():%Y-%m-%dT%H:%M:%S}.{next(self._count):09d}Z"

    # What the bot asks.

    async def info(self) -> EngineInfo:
        return EngineInfo("docker-7", "20.10.24", "1.41")

    async def inventory(self) -> tuple[KnownTarget, ...]:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            return tuple(KnownTarget(one.name, one.container_id) for one in self.containers.values())

    async def facts(self, target: Target) -> Facts:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            return self._named(target.name).facts()

    async def facts_of(self, target_id: TargetId) -> Facts:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            return self._of(target_id.id).facts()

    async def evidence(self, target: Target) -> Evidence:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            log = LogDigest((LogLine(7, self.words, 412),), 7, partial=self.long_log)
            seen = self._named(target.name).facts()
            return Evidence(target, self.stage.now().isoformat(), seen, log, sources=(Source("logs", Status.OK),))

    async def whole_log(self, evidence: Evidence) -> Evidence:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            first = LogLine(1, "2026-11-22T02:00:00Z FATAL no space left on device", 1)
            return replace(evidence, log=LogDigest((first, *evidence.log.lines), 7))

    async def newest_lines(self, target_id: TargetId, count: int) -> tuple[str, ...]:
        async with self.stage.effect(LOOK) as fault:
            _meet(fault)
            return (self.words,)

    async def bundle(self, target: Target, target_id: TargetId, incident: str) -> str:
        async with self.stage.effect(BUNDLE) as fault:
            if fault == "full":
                raise BundleFailed("The crash bundle could not be written: the disk is full.")
            _meet(fault)
            return f"bundles/{incident}.json"

    async def act(self, action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        await (self._start(target_id.id) if action is Action.START else self._restart(target_id.id))

    async def _restart(self, container_id: str) -> None:
        async with self.stage.effect(RESTART) as fault:
            if fault in UNANSWERED:
                raise UNANSWERED[fault]
            container = self._of(container_id)
            self.written(RESTART, container)
            self.restarts += 1
            if fault == "timeout, then done":
                self.stage.loop.call_later(MIDWAY[fault], self._restarted, container)
            elif fault in ("stopped only", "failed"):
                self.stopped(container, 137)
            else:
                self._restarted(container)
            _meet(fault, "The engine could not start it again.")

    async def _start(self, container_id: str) -> None:
        async with self.stage.effect(START) as fault:
            if fault in UNANSWERED:
                raise UNANSWERED[fault]
            container = self._of(container_id)
            if container.status != "running":
                self.written(START, container)
                self.starts += 1
            if fault != "failed" and container.status != "running":
                self.started(container)
            _meet(fault, "The engine could not start it.")

    def _restarted(self, container: Container) -> None:
        self.stopped(container)
        self.started(container)

    def _named(self, name: str) -> Container:
        if name not in self.containers:
            raise TargetNotFound(f"There is no container {name}.")
        return self.containers[name]

    def _of(self, container_id: str) -> Container:
        for container in self.containers.values():
            if container.container_id == container_id:
                return container
        raise TargetNotFound("There is no such container any more.")


@dataclass
class LivingProber:
    """Implements ``ports.Prober``: an address is a container's name, and answers well where the container is well."""

    engine: LivingContainers

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        async with self.engine.stage.effect(LOOK):
            container = self.engine.containers.get(urlsplit(url).hostname or "")
            good = container is not None and container.status == "running" and container.health == "healthy"
            return Probe(good, "200" if good else "503")


def _meet(fault: str, failed: str = "") -> None:
    """Raise what the bot hears of a fault."""
    if fault in UNANSWERED:
        raise UNANSWERED[fault]
    if fault == "failed":
        raise RestartFailed(failed, detail="port is already allocated <!channel>")
    if fault == "stopped only":
        raise EngineUnreachable("The connection to the engine was cut.")
    if fault:
        raise EngineTimeout("The engine did not answer in time.")
