"""Databases of earlier versions open, and their incidents go on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.domain.incident import State

DUMP = Path(__file__).parents[2] / "corpus" / "store" / "schema_3_trail_1.sql"


@pytest.fixture
def url(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.executescript(DUMP.read_text())
    return f"sqlite:///{tmp_path / 'aegis.db'}"


async def test_incidents_in_every_state_open(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    assert {incident.state for incident in await store.recent(limit=100)} == set(State)
    await store.close()


async def test_an_incident_in_the_middle_of_a_restart_goes_on(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    (acting,) = [one for one in (await store.take_over(everything=True)).live if one.state is State.ACTING]
    assert acting.approval is not None
    assert acting.approval.action.value == "restart"
    verifying = await store.save_if_unchanged(acting, replace(acting, state=State.VERIFYING))
    assert verifying is not None
    assert verifying.state is State.VERIFYING
    await store.close()
