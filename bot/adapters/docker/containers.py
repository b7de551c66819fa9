"""Docker Engine adapter: lists, inspects and restarts containers by id."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import docker

from bot.adapters.docker import crash_bundle, listing
from bot.adapters.docker.client import EngineClient
from bot.adapters.docker.inspection import FULL_ID, NAME, Inspection, facts, read, without_secrets
from bot.adapters.docker.sources import Look, Sources, every_container, failed, health, state
from bot.adapters.docker.text import safe
from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Facts, LogDigest, Neighbour, Status
from bot.domain.target import KnownTarget, Target, TargetId
from bot.errors import BundleFailed, EngineError, TargetNotFound
from bot.ports.engine import EngineInfo

BUNDLE_LINES = 2_000
WHOLE_LOG_TIMEOUT_S = 60.0
"""What reading a whole log behind a card may take: some ten million lines, then its beginning and end are kept."""
_NO_CONTAINER = "0" * 64
"""An id that no container has: ids are random."""
NEW_NEIGHBOUR_AGE = timedelta(hours=1)
"""How new a neighbour is that may have brought the trouble."""


class _Call(Protocol):
    def __call__(self, client: docker.APIClient, container_id: str, stop_timeout: int) -> None: ...


def _restart(client: docker.APIClient, container_id: str, stop_timeout: int) -> None:
    client.restart(container_id, timeout=stop_timeout)


def _start(client: docker.APIClient, container_id: str, stop_timeout: int) -> None:  # noqa: ARG001 - as every call
    client.start(container_id)


_CALLS: Mapping[Action, _Call] = {Action.RESTART: _restart, Action.START: _start}
"""The engine's call for each action that it can carry out."""


class DockerContainers:
    """Implements ``Engine``. Names are compared exactly; everything after the first look goes by the full id.

    ``deadline`` in seconds is for one question, and for all sources of evidence together. ``restart_timeout`` in
    seconds is for containers without a stop time-out of their own. ``secrets`` are literal ones that must never come
    out.
    """

    def __init__(
        self,
        *,
        docker_host: str = "",
        tls_verify: bool = False,
        cert_path: str = "",
        bundles: Path,
        secrets: Sequence[str] = (),
        deadline: float = 8.0,
        restart_timeout: int = 10,
        now: Callable[[], datetime],
    ) -> None:
        self._client = EngineClient(
            docker_host=docker_host, tls_verify=tls_verify, cert_path=cert_path, deadline=deadline
        )
        self._bundles = bundles
        self._secrets = tuple(secrets)
        self._deadline = deadline
        self._restart_timeout = restart_timeout
        self._now = now
        self._sources = Sources(self._client, deadline=deadline, secrets=self._secrets, now=now)
        self._engine: EngineInfo | None = None
        self._listing: asyncio.Future[tuple[KnownTarget, ...]] | None = None

    async def info(self) -> EngineInfo:
        """Return which engine answers."""
        return await self._known_engine(self._deadline)

    async def inventory(self) -> tuple[KnownTarget, ...]:
        """Return every container, running or not. Many who ask at once share one answer."""
        if self._listing is None or self._listing.done():
            self._listing = asyncio.ensure_future(self._list())
        return await asyncio.shield(self._listing)

    async def _list(self) -> tuple[KnownTarget, ...]:
        return listing.targets(await self._client.ask(every_container))

    async def facts(self, target: Target) -> Facts:
        """Look at the container of exactly this name."""
        return (await self._look_by_name(target.name)).facts

    async def facts_of(self, target_id: TargetId) -> Facts:
        """Return the facts of the container of exactly this full id."""
        return (await self._look_by_id(target_id.id)).facts

    async def evidence(self, target: Target) -> Evidence:
        """Gather all sources side by side under one deadline."""
        ends = time.monotonic() + self._deadline
        gathered_at = self._now().isoformat(timespec="seconds")
        try:
            look = await self._look_by_name(target.name)
        except TargetNotFound:
            raise
        except EngineError as error:
            return Evidence(target, gathered_at, None, sources=(failed("state", error),))
        facts = look.facts
        log, image, used, events, rows, disk = await asyncio.gather(
            self._sources.log(look, ends),
            self._sources.image_created(facts, ends),
            self._sources.usage(facts, ends),
            self._sources.events(facts, ends),
            self._sources.rows(ends),
            self._sources.disk(ends),
        )
        return Evidence(
            target=target,
            gathered_at=gathered_at,
            facts=replace(without_secrets(facts, self._secrets), image_created_at=image.value),
            log=log.value,
            usage=used.value,
            neighbours=self._neighbours(rows.value, facts, log.value),
            events=events.value,
            sources=(
                *(state(facts), health(facts)),
                *(answer.source for answer in (image, used, log, events, rows, disk)),
            ),
        )

    async def whole_log(self, evidence: Evidence) -> Evidence:
        """Read all of the log behind evidence that holds its newest lines; the rest of the evidence stays as it is."""
        if evidence.facts is None:
            return evidence
        ends = time.monotonic() + WHOLE_LOG_TIMEOUT_S
        look = await self._look_by_id(evidence.facts.container_id)
        if look.facts.started_at != evidence.facts.started_at:
            raise TargetNotFound("It was started again meanwhile.", hint="Ask for a fresh diagnosis.")
        log = await self._sources.whole_log(look, ends)
        if log.source.status is not Status.OK:
            return evidence
        rows = await self._sources.rows(time.monotonic() + self._deadline)
        near = self._neighbours(rows.value, evidence.facts, log.value) if rows.value else evidence.neighbours
        sources = tuple(log.source if one.name == log.source.name else one for one in evidence.sources)
        return replace(evidence, log=log.value, neighbours=near, sources=sources)

    def _neighbours(self, rows: Sequence[Mapping[str, Any]], facts: Facts, log: LogDigest) -> tuple[Neighbour, ...]:
        lately = (self._now() - NEW_NEIGHBOUR_AGE).timestamp()
        words = [line.text for line in log.lines]
        return listing.neighbours(rows, facts, words, self._secrets, new_since=lately)

    async def newest_lines(self, target_id: TargetId, count: int) -> tuple[str, ...]:
        """Return the newest log lines, redacted and cut."""
        look = await self._look_by_id(target_id.id)
        return await self._sources.newest_lines(look, count, time.monotonic() + self._deadline)

    async def bundle(self, target: Target, target_id: TargetId, incident: str) -> str:
        """Write what a restart destroys to a file; return its path. Raises ``BundleFailed``."""
        try:
            look = await self._look_by_id(target_id.id)
        except EngineError as error:
            raise BundleFailed(
                f"What a restart of {target} would destroy could not be read: {error.message}",
                hint=error.hint,
                detail=error.detail,
            ) from error
        ends = time.monotonic() + self._deadline
        log, events, processes = await asyncio.gather(
            self._sources.newest(look, BUNDLE_LINES, ends),
            self._sources.events(look.facts, ends),
            self._sources.processes(look.facts, ends),
        )
        at = self._now()
        content = {
            "incident": incident,
            "target": target.name,
            "written_at": at.isoformat(timespec="seconds"),
            "state": asdict(without_secrets(look.facts, self._secrets)),
            "processes": processes.value,
            "events": events.value,
            "log": log.value,
            "sources": [asdict(answer.source) for answer in (processes, events, log)],
        }
        writing = asyncio.to_thread(crash_bundle.write, self._bundles, target.name, incident, at, content)
        try:
            return str(await asyncio.wait_for(writing, self._deadline))
        except TimeoutError as late:
            raise BundleFailed(
                f"The disk did not take the crash bundle within {self._deadline:g} s.",
                hint=f"Look at the disk that holds {self._bundles}.",
            ) from late

    async def act(self, action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        """Carry out ``action`` on the container of exactly this full id. Sends the call at most once."""
        if action not in _CALLS:
            raise ValueError(f"the engine has no call for {action.value}")
        call, checked = _CALLS[action], _full_id(target_id.id)
        try:
            await self._client.act(lambda client: call(client, checked, stop_timeout), stop_timeout)
        except EngineError as error:
            error.detail = safe(error.detail, 500, self._secrets)
            raise

    async def check_restart_calls(self) -> None:
        """Raise ``EngineDenied`` if the engine, or a proxy before it, refuses the calls that a press of Restart makes.

        They are made for a container that cannot exist, so that nothing happens where they get through.
        """
        for call in _CALLS.values():
            with contextlib.suppress(TargetNotFound):
                await self._client.ask(partial(call, container_id=_NO_CONTAINER, stop_timeout=0))

    async def _look_by_name(self, name: str) -> Look:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise TargetNotFound(
                "That is not a container's name.",
                hint="A name has two or more letters, digits, '.', '_' and '-', and begins with a letter or digit.",
            )
        look = await self._look(name)
        if look.facts.name != name:
            # The engine also takes an id, or the beginning of one, for a name.
            raise _no_such(name)
        return look

    async def _look_by_id(self, container_id: str) -> Look:
        look = await self._look(_full_id(container_id))
        if look.facts.container_id != container_id:
            raise _no_such(container_id[:12])
        return look

    async def _look(self, key: str) -> Look:
        def inspect(client: docker.APIClient) -> Inspection:
            return read(client.inspect_container(key))

        try:
            inspection = await self._client.ask(inspect)
        except TargetNotFound as error:
            raise _no_such(key[:12] if FULL_ID.fullmatch(key) else key) from error
        return Look(
            facts(
                inspection,
                host=await self._host(),
                restart_timeout=self._restart_timeout,
                secrets=self._secrets,
            ),
            inspection.config.tty,
        )

    async def _host(self) -> str:
        try:
            return (self._engine or await self._known_engine(self._deadline / 4)).host
        except EngineError:
            # A socket proxy may keep /info to itself, and a busy engine takes long for it; the facts stand without.
            return ""

    async def _known_engine(self, seconds: float) -> EngineInfo:
        def ask(client: docker.APIClient) -> tuple[dict[str, Any], str]:
            return client.info(), str(client.api_version)

        info, api = await self._client.ask(ask, seconds)
        self._sources.set_clock(info.get("SystemTime"))
        self._engine = EngineInfo(
            safe(str(info.get("Name", "")), 200), safe(str(info.get("ServerVersion", "")), 50), api
        )
        return self._engine


def _full_id(container_id: str) -> str:
    if not isinstance(container_id, str) or not FULL_ID.fullmatch(container_id):
        raise TargetNotFound("That is not a full container id.", hint="Ask for a fresh diagnosis.")
    return container_id


def _no_such(name: str) -> TargetNotFound:
    return TargetNotFound(
        f"The engine has no container of exactly the name or id {name}.",
        hint="It may have been removed or made anew; /aegis status lists the names that the engine knows.",
    )
