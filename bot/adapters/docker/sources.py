"""Gathers the sources of evidence about one container.

None of them raises for what the engine does, and none holds up another: what did not come in time says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import docker

from bot.adapters.docker import events as container_events
from bot.adapters.docker import logs, stats
from bot.adapters.docker.client import EngineClient
from bot.adapters.docker.logs import LogReading
from bot.adapters.docker.stream import read_ahead
from bot.adapters.docker.text import safe
from bot.domain.evidence import Facts, LogDigest, Source, Status, Usage
from bot.errors import EngineDenied, EngineError, EngineTimeout, EngineUnreachable, TargetNotFound

T = TypeVar("T")
Opened = Callable[[int | str], Iterator[bytes]]

EVENTS_SPAN = timedelta(hours=1)
USAGE_S = 0.25
"""What one sample may take: it comes at once, unless another was taken within the same second."""
_FREE = ("data space available", "space available", "free space")
"""What storage drivers call their free room (devicemapper, zfs and others); overlay2 says nothing."""
_PS = "-eo pid,ppid,user,stat,etime,rss,comm"
"""Columns asked of ps: the program's name without its arguments, which may hold secrets."""


@dataclass(frozen=True, slots=True)
class Look:
    """A container as it was just looked at, and whether it has a terminal."""

    facts: Facts
    terminal: bool


@dataclass(frozen=True, slots=True)
class SourceAnswer(Generic[T]):
    """What a source gave (or its empty value), and how it answered."""

    value: T
    source: Source


class Sources:
    """Asks the engine about a container. ``ends`` is always the moment of ``time.monotonic()`` when time is up."""

    def __init__(
        self, client: EngineClient, *, deadline: float, secrets: Sequence[str], now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._deadline = deadline
        self._secrets = secrets
        self._now = now
        self._ahead = timedelta()

    def set_clock(self, engine_time: object) -> None:
        """Note the engine's own time, by which it looks up its events."""
        try:
            self._ahead = datetime.fromisoformat(str(engine_time)) - self._now()
        except (ValueError, TypeError):
            self._ahead = timedelta()

    async def log(self, look: Look, ends: float) -> SourceAnswer[LogDigest]:
        """Read the newest lines of the log of this run and those before, digested and redacted."""

        def read(open_log: Opened) -> tuple[LogDigest, LogReading]:
            return logs.read_tail(open_log, look.facts, terminal=look.terminal, secrets=self._secrets)

        return await self._read_log(look, read, ends)

    async def whole_log(self, look: Look, ends: float) -> SourceAnswer[LogDigest]:
        """Read all of the log, as far as that is possible until ``ends``, digested and redacted."""
        # Digesting what was read takes its time too.
        stop = ends - self._deadline / 5

        def read(open_log: Opened) -> tuple[LogDigest, LogReading]:
            return logs.read_whole(
                open_log,
                look.facts,
                terminal=look.terminal,
                enough=lambda: time.monotonic() > stop,
                secrets=self._secrets,
            )

        return await self._read_log(look, read, ends)

    async def _read_log(
        self,
        look: Look,
        read: Callable[[Opened], tuple[LogDigest, LogReading]],
        ends: float,
    ) -> SourceAnswer[LogDigest]:
        if look.facts.log_driver == "none":
            return SourceAnswer(LogDigest(), Source("logs", Status.DENIED, "driver none"))

        def ask(client: docker.APIClient) -> tuple[LogDigest, LogReading]:
            return read(lambda tail: self._open_log(client, look.facts.container_id, tail, ends))

        async def answer() -> SourceAnswer[LogDigest]:
            log, reading = await self._client.ask(ask, _left(ends))
            return SourceAnswer(log, Source("logs", Status.OK if reading.lines else Status.EMPTY, _lines(log, reading)))

        return await _or_empty("logs", answer, LogDigest())

    async def newest(self, look: Look, count: int, ends: float) -> SourceAnswer[tuple[str, ...]]:
        """Return the newest log lines, or why there are none."""

        async def answer() -> SourceAnswer[tuple[str, ...]]:
            lines = await self.newest_lines(look, count, ends)
            return SourceAnswer(
                lines, Source("logs", Status.OK if lines else Status.EMPTY, f"{len(lines):,} newest lines")
            )

        return await _or_empty("logs", answer, ())

    async def newest_lines(self, look: Look, count: int, ends: float) -> tuple[str, ...]:
        """Return the newest log lines, redacted and cut. Raises ``EngineError``."""
        if look.facts.log_driver == "none":
            return ()

        def ask(client: docker.APIClient) -> tuple[str, ...]:
            chunks = self._open_log(client, look.facts.container_id, max(1, int(count)), ends)
            return logs.newest(chunks, max(1, int(count)), terminal=look.terminal, secrets=self._secrets)

        return await self._client.ask(ask, _left(ends))

    async def image_created(self, facts: Facts, ends: float) -> SourceAnswer[str]:
        """Return when the image was built."""

        def ask(client: docker.APIClient) -> str:
            image: dict[str, Any] = client.inspect_image(facts.image_id)  # type: ignore[no-untyped-call]
            return str(image.get("Created") or "")[:40]

        async def answer() -> SourceAnswer[str]:
            created = await self._client.ask(ask, _left(ends))
            return SourceAnswer(
                created, Source("image", Status.OK if created else Status.EMPTY, f"built {created[:10]}")
            )

        return await _or_empty("image", answer, "")

    async def usage(self, facts: Facts, ends: float) -> SourceAnswer[Usage | None]:
        """Take one sample of use; the engine's own second sample would take a second or two."""
        if not facts.running or facts.restarting:
            return SourceAnswer(None, Source("stats", Status.EMPTY, "not running"))

        def ask(client: docker.APIClient) -> Usage:
            return stats.usage(client.stats(facts.container_id, stream=False, one_shot=True), facts)

        async def answer() -> SourceAnswer[Usage | None]:
            used = await self._client.ask(ask, min(USAGE_S, _left(ends)))
            known = used.memory is not None or used.pids is not None
            return SourceAnswer(
                used,
                Source(
                    "stats", Status.OK if known else Status.EMPTY, stats.describe_usage(used, facts) if known else ""
                ),
            )

        return await _or_empty("stats", answer, None)

    async def events(self, facts: Facts, ends: float) -> SourceAnswer[tuple[str, ...]]:
        """Return what happened to the container within the last hour, as far as the engine's events reach."""
        now = self._now() + self._ahead
        filters = f'{{"container":["{facts.container_id}"],"type":["container"]}}'
        params: dict[str, str | int] = {
            "since": f"{(now - EVENTS_SPAN).timestamp():.9f}",
            "until": f"{now.timestamp():.9f}",
            "filters": filters,
        }

        def ask(client: docker.APIClient) -> tuple[str, ...]:
            chunks = self._client.stream(client, "/events", params, silence=self._deadline / 4, ends=ends)
            return container_events.lines(container_events.decode(_until_silent(chunks)), self._secrets)

        async def answer() -> SourceAnswer[tuple[str, ...]]:
            lines = await self._client.ask(ask, _left(ends))
            return SourceAnswer(lines, Source("events", Status.OK if lines else Status.EMPTY, "the last hour"))

        return await _or_empty("events", answer, ())

    async def rows(self, ends: float) -> SourceAnswer[Sequence[Mapping[str, Any]]]:
        """List all containers, for the neighbours among them."""

        async def answer() -> SourceAnswer[Sequence[Mapping[str, Any]]]:
            rows = await self._client.ask(every_container, _left(ends))
            return SourceAnswer(rows, Source("neighbours", Status.OK, f"{len(rows)} on this engine looked at"))

        return await _or_empty("neighbours", answer, ())

    async def disk(self, ends: float) -> SourceAnswer[str]:
        """Return the free space of the engine's storage, if its driver reports it."""

        def ask(client: docker.APIClient) -> str:
            rows: list[list[str]] = client.info().get("DriverStatus") or []
            status = {str(row[0]).lower(): safe(str(row[1]), 40) for row in rows if len(row) == 2}
            free = next((status[name] for name in _FREE if name in status), "")
            return f"{free} free" if free else ""

        async def answer() -> SourceAnswer[str]:
            free = await self._client.ask(ask, _left(ends))
            return SourceAnswer(
                free, Source("disk", Status.OK if free else Status.EMPTY, free or "the engine does not tell")
            )

        return await _or_empty("disk", answer, "")

    async def processes(self, facts: Facts, ends: float) -> SourceAnswer[tuple[str, ...]]:
        """List the processes by program name, where it runs."""
        if not facts.running or facts.restarting:
            return SourceAnswer((), Source("processes", Status.EMPTY, "not running"))

        def ask(client: docker.APIClient) -> tuple[str, ...]:
            listing = client.top(facts.container_id, ps_args=_PS)
            rows = [listing.get("Titles") or [], *(listing.get("Processes") or [])]
            return tuple(safe(" ".join(map(str, row)), 300, self._secrets) for row in rows[:500])

        async def answer() -> SourceAnswer[tuple[str, ...]]:
            rows = await self._client.ask(ask, _left(ends))
            return SourceAnswer(rows, Source("processes", Status.OK, f"{max(0, len(rows) - 1)} processes"))

        return await _or_empty("processes", answer, ())

    def _open_log(self, client: docker.APIClient, container_id: str, tail: int | str, ends: float) -> Iterator[bytes]:
        params: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 0, "tail": tail}
        path = f"/containers/{container_id}/logs"
        blocks = self._client.stream(client, path, params, silence=self._deadline / 2, ends=ends)
        return read_ahead(blocks) if tail == "all" else blocks


def every_container(client: docker.APIClient) -> list[dict[str, Any]]:
    """Ask for the engine's list of containers, stopped ones included."""
    rows: object = client.containers(all=True)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise EngineError(
            "The engine's list of containers makes no sense.",
            hint="Look at DOCKER_HOST: something else than a Docker Engine may answer there.",
        )
    return rows


def state(facts: Facts) -> Source:
    """Describe the container's state in a few words."""
    ended = facts.status in ("exited", "dead") or facts.restarting
    return Source("state", Status.OK, f"{facts.status}, exit code {facts.exit_code}" if ended else facts.status)


def health(facts: Facts) -> Source:
    """Describe the result of the health check in a few words."""
    if facts.health is None:
        return Source("health", Status.EMPTY, "no health check")
    return Source("health", Status.OK, facts.health)


def failed(name: str, error: EngineError) -> Source:
    """Describe in our words why a source gave nothing."""
    match error:
        case EngineTimeout():
            return Source(name, Status.TIMED_OUT, "no answer in time")
        case EngineUnreachable():
            return Source(name, Status.DENIED, "engine not reachable")
        case EngineDenied():
            return Source(name, Status.DENIED, "not readable with this engine" if name == "logs" else "not permitted")
        case TargetNotFound():
            return Source(name, Status.DENIED, "it was removed meanwhile")
    return Source(name, Status.DENIED, "the engine failed at this")


async def _or_empty(name: str, answer: Callable[[], Any], empty: T) -> SourceAnswer[T]:
    """Await an answer; where the engine gives none, keep the empty value and say why."""
    try:
        result: SourceAnswer[T] = await answer()
    except EngineError as error:
        return SourceAnswer(empty, failed(name, error))
    return result


def _left(ends: float) -> float:
    return max(0.05, ends - time.monotonic())


def _lines(log: LogDigest, reading: LogReading) -> str:
    if not reading.lines:
        return "no lines"
    words = f"{'newest ' if log.partial else ''}{reading.lines:,} line{'s' if reading.lines > 1 else ''}"
    if not reading.this_run:
        words += ", none since the last start"
    if log.partial:
        return f"{words} of more"
    return words if reading.whole else f"{words}; its middle was not read in time"


def _until_silent(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass on a stream; where the engine's clock is behind ours it stays open, and silence is its end."""
    seen = False
    try:
        for chunk in chunks:
            seen = True
            yield chunk
    except EngineTimeout:
        if not seen:
            raise
