"""The outbox on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.outbox_contract import OutboxContract
from tests.adapters.store_contract import store

__all__ = ["store"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/aegis.db"


class TestSqlite(OutboxContract):
    """The contract on SQLite."""
