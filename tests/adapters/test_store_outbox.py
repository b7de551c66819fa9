"""The outbox on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore
from tests.adapters.outbox_contract import OutboxContract


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = SqlStore(f"sqlite:///{tmp_path}/aegis.db")
    await made.start()
    yield made
    await made.close()


class TestSqlite(OutboxContract):
    """The contract on SQLite."""
