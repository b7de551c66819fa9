"""The outbox on a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.adapters.store import SqlStore
from tests.adapters.outbox_contract import OutboxContract
from tests.live.postgres import cluster, url

__all__ = ["cluster", "url"]

pytestmark = pytest.mark.live


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url)
    await opened.start()
    yield opened
    await opened.close()


class TestPostgres(OutboxContract):
    """The contract on PostgreSQL."""
