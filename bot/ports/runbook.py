"""The runbook of past incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.runbook_entry import Entry


class Runbook(Protocol):
    """The runbook of past incidents."""

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, newest last. Raise ``RunbookBroken`` if the file cannot be read as one."""

    async def append(self, entry: Entry) -> None:
        """Add an entry unless its id is there. Raise ``RunbookError`` and leave the file whole."""
