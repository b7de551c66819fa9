"""Answers questions about status, history and the runbook; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.incident import Incident
from bot.domain.runbook import precedents
from bot.domain.runbook_entry import Precedent
from bot.domain.target import parse_target
from bot.errors import EngineError, RunbookError
from bot.ports.database import Store
from bot.ports.engine import Engine
from bot.ports.runbook import Runbook
from bot.ports.slack import Approvers
from bot.runtime import ResponseConfig, Runtime


class StatusQueries:
    """Answers questions from the engine, the store and the runbook; what does not answer is said in a sentence."""

    def __init__(
        self,
        *,
        containers: Engine,
        store: Store,
        memory: Runbook,
        approvers: Approvers,
        model: str,
        plan: ResponseConfig,
        world: Runtime,
    ) -> None:
        self._containers = containers
        self._store = store
        self._memory = memory
        self._approvers = approvers
        self._model = model
        self._plan = plan
        self._world = world

    async def overview(self) -> Overview:
        """Return the current overview."""
        try:
            info = await self._containers.info()
            engine = f"Docker {info.version} on {info.host}"
        except EngineError as error:
            engine = error.sentence
        try:
            entries = await self._memory.entries()
            memory = f"{len(entries)} past incident{'' if len(entries) == 1 else 's'}"
        except RunbookError as error:
            memory = error.sentence
        return Overview(
            live=await self._store.live(),
            watched=self._plan.watched,
            engine=engine,
            model=self._model,
            memory=memory,
            allowlist=tuple(sorted(map(str, self._plan.policy.allowlist))),
            approvers=self._approvers.names(),
            dry_run=self._plan.policy.dry_run,
        )

    async def history(self, target: str) -> tuple[Incident, ...]:
        """Return the newest incidents of a target, or of all."""
        return await self._store.recent(parse_target(target) if target else None)

    async def search_runbook(self, words: str) -> tuple[Precedent, ...]:
        """Search the runbook; raises ``RunbookError``."""
        return precedents.search_entries(await self._memory.entries(), words, now=self._world.now(), limit=5)

    async def watched_names(self) -> tuple[str, ...]:
        """Return the names in the inventory; raises ``EngineError``."""
        return tuple(sorted(str(known.target) for known in await self._containers.inventory()))


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand, for ``/aegis status``; the strings are sentences of ours."""

    live: tuple[Incident, ...]
    watched: tuple[str, ...]
    engine: str
    model: str
    memory: str
    allowlist: tuple[str, ...]
    approvers: tuple[str, ...]
    dry_run: bool


class Queries(Protocol):
    """What the listeners ask and show to the asker alone. Nothing changes by asking."""

    async def overview(self) -> Overview:
        """Return the current overview."""

    async def history(self, target: str) -> tuple[Incident, ...]:
        """Return the newest incidents of a target, or of all."""

    async def search_runbook(self, words: str) -> tuple[Precedent, ...]:
        """Search the runbook; raises ``RunbookError``."""

    async def watched_names(self) -> tuple[str, ...]:
        """Return the names in the inventory; raises ``EngineError``."""
