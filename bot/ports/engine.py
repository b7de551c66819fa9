"""The engine: inventory, facts, evidence and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Facts
from bot.domain.target import KnownTarget, Target, TargetId


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that answers."""

    #: Name of its machine.
    host: str
    #: Version of the engine.
    version: str
    #: API version that client and engine agreed on.
    api: str


class Engine(Protocol):
    """The Docker Engine. All raise ``EngineError``; a time-out of ``act`` means unknown, not failed."""

    async def info(self) -> EngineInfo:
        """Return which engine answers."""

    async def inventory(self) -> tuple[KnownTarget, ...]:
        """Return every container, running or not."""

    async def facts(self, target: Target) -> Facts:
        """Return the facts of the target of exactly this name. Raise ``TargetNotFound`` for a prefix or an id."""

    async def facts_of(self, target_id: TargetId) -> Facts:
        """Return the facts of the container of exactly this full id."""

    async def evidence(self, target: Target) -> Evidence:
        """Return the evidence of all sources, gathered at once under one deadline. A failed source is marked as failed.

        Raise ``TargetNotFound`` if there is no such container.
        """

    async def whole_log(self, evidence: Evidence) -> Evidence:
        """Return the evidence with its whole log instead of a partial one. May take a minute.

        The log stays partial if reading it failed. Raise ``EngineError``.
        """

    async def newest_lines(self, target_id: TargetId, count: int) -> tuple[str, ...]:
        """Return the newest log lines, redacted and cut."""

    async def bundle(self, target: Target, target_id: TargetId, incident: str) -> str:
        """Write what a restart destroys (state, health log, processes, log tail) redacted to a file; return its path.

        Raise ``BundleFailed``.
        """

    async def act(self, action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        """Carry out ``action`` on the container of exactly this full id. Sends the call at most once.

        ``RESTART`` gives the program ``stop_timeout`` seconds to end. ``START`` does nothing if the container runs.
        Raise ``ValueError`` for an action that the engine does not have.
        """
