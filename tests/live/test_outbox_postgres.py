"""The outbox on a PostgreSQL of its own."""

from __future__ import annotations

import pytest

from tests.adapters.outbox_contract import OutboxContract
from tests.adapters.store_contract import store
from tests.live.postgres import cluster, url

__all__ = ["cluster", "store", "url"]

pytestmark = pytest.mark.live


class TestPostgres(OutboxContract):
    """The contract on PostgreSQL."""
