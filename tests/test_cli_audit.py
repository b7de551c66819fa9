"""``aegis audit``: a trail is verified and exported; one that was tampered with is not called whole."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore
from bot.domain.guard import Refusal
from bot.domain.incident import Place, Press
from tests.adapters.store_contract import NOW, an_alert, an_incident
from tests.command_line import Aegis, command_line


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


async def written() -> None:
    store = SqlStore("sqlite:///aegis.db")
    await store.start()
    await store.receive(an_alert())
    await store.open(an_incident())
    press = Press("U0STRANGER", "T1", Place("C1", "1.1"), "inc-00001", "ab12", "1.2")
    await store.refused(press, Refusal("approvers", "Not on the list."), NOW)
    await store.close()


def tamper(statement: str) -> None:
    with closing(sqlite3.connect("aegis.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_whole_trail_is_said_to_be_whole_with_its_head(aegis: Aegis) -> None:
    asyncio.run(written())
    ended = aegis("audit", "verify")
    assert ended.code == 0
    assert "The trail is whole: 3 rows." in ended.out
    said = aegis("audit", "verify", "--json").json
    assert said["head"] in ended.out
    assert (said["well"], said["rows"]) == (True, 3)


def test_a_row_that_was_changed_is_named(aegis: Aegis) -> None:
    asyncio.run(written())
    tamper("UPDATE audit SET verdict = 'allowed' WHERE number = 3")
    ended = aegis("audit", "verify")
    assert (ended.code, ended.out) == (1, "")
    assert "Row 3 was changed after it was written." in ended.err
    said = aegis("audit", "verify", "--json")
    assert (said.code, said.json["well"]) == (1, False)


def test_rows_cut_off_are_missed_with_the_head_that_was_noted(aegis: Aegis) -> None:
    asyncio.run(written())
    head = aegis("audit", "verify", "--json").json["head"]
    tamper("DELETE FROM audit WHERE number = 3")
    assert aegis("audit", "verify").code == 0
    ended = aegis("audit", "verify", "--head", head)
    assert ended.code == 1
    assert "taken away" in ended.err


def test_the_trail_is_exported_one_row_a_line(aegis: Aegis) -> None:
    asyncio.run(written())
    rows = aegis("audit", "export").lines
    assert [(row["number"], row["kind"], row["verdict"], row["rule"]) for row in rows] == [
        (1, "alert", "no rule", ""),
        (2, "opened", "no rule", ""),
        (3, "press", "denied", "approvers"),
    ]
    assert rows[2]["actor"] == "U0STRANGER"
    assert rows[2]["previous"] == rows[1]["hash"]
    assert [row["number"] for row in aegis("audit", "export", "--after", "2").lines] == [3]


@pytest.mark.parametrize("command", ["verify", "export"])
def test_without_a_database_none_is_made(aegis: Aegis, command: str) -> None:
    ended = aegis("audit", command)
    assert ended.code == 1
    assert "There is no database" in ended.err
    assert not Path("aegis.db").exists()
