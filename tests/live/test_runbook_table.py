"""The runbook as a table of PostgreSQL: what people wrote stays, several write at once, to a file and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.adapters.runbook.table import RunbookTable, TakenIn
from bot.domain.runbook import precedents
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookBroken, RunbookUnwritable
from tests.live.postgres import Cluster, cluster, statement, url
from tests.support.command_line import Aegis, command_line
from tests.support.fakes import START

__all__ = ["cluster", "url"]

pytestmark = pytest.mark.live

WRITTEN = """[
  {"id": "pool", "root_cause": "hung requests held every connection", "action": "restart",
   "symptom": "QueuePool limit of size <n> reached", "reviewed_by": {"who": "Ana", "mood": "\\u2603 1.50"}},
  {"root_cause": "an old, short entry", "action": "restart", "größe": 12345678901234567890}
]"""


@pytest.fixture
async def memory(url: str) -> RunbookTable:
    store = SqlStore(url)
    await store.start()
    await store.close()
    return RunbookTable(url)


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


def an_entry(name: str = "e1", cause: str = "the pool was exhausted") -> Entry:
    return Entry(root_cause=cause, action="restart", id=name, evidence=("ERROR täglich",), recovered_in_s=7.4)


async def test_an_entry_is_added_once_and_comes_back_as_it_was(memory: RunbookTable, url: str) -> None:
    assert list(await memory.entries()) == []
    await asyncio.gather(*(RunbookTable(url).append(an_entry()) for _ in range(4)))
    await memory.append(an_entry())
    assert list(await memory.entries()) == [an_entry()]
    await memory.append(replace(an_entry(), id=""))
    assert [bool(entry.id) for entry in await memory.entries()] == [True, True]


async def test_replicas_append_at_once_and_each_sees_all(memory: RunbookTable, url: str) -> None:
    tables = [RunbookTable(url) for _ in range(4)]
    for table in tables:
        await table.entries()
    await asyncio.gather(*(tables[number % 4].append(an_entry(f"e{number}")) for number in range(40)))
    for table in tables:
        assert {entry.id for entry in await table.entries()} == {f"e{number}" for number in range(40)}


async def test_it_is_searched_as_the_file_is(memory: RunbookTable) -> None:
    await memory.take_in(WRITTEN.encode(), "runbook.json")
    found = precedents.search_entries(await memory.entries(), "hung requests", now=START, limit=1)
    assert [precedent.entry.id for precedent in found] == ["pool"]


async def test_what_people_wrote_stays_byte_for_byte_and_their_edits_take_its_place(memory: RunbookTable) -> None:
    assert await memory.take_in(WRITTEN.encode(), "runbook.json") == TakenIn(2, 0, 0)
    exported = await memory.export()
    for part in ('"reviewed_by": {"who": "Ana", "mood": "\\u2603 1.50"}', '"größe": 12345678901234567890'):
        assert part in exported
    assert await memory.take_in(exported.encode(), "runbook.json") == TakenIn(0, 0, 2)
    edited = exported.replace("hung requests", "slow requests")
    assert await memory.take_in(edited.encode(), "runbook.json") == TakenIn(0, 1, 1)
    assert await memory.export() == edited
    assert next(entry.root_cause for entry in await memory.entries()).startswith("slow requests")


async def test_a_broken_file_changes_nothing(memory: RunbookTable) -> None:
    with pytest.raises(RunbookBroken, match="line 5, column 1"):
        await memory.take_in(WRITTEN.removesuffix("]").encode(), "runbook.json")
    assert await memory.export() == "[]\n"


async def test_the_check_names_what_is_doubled_and_writes_nothing(memory: RunbookTable) -> None:
    await memory.take_in(b'[{"id": "a", "root_cause": "x", "action": "restart", "k": 1, "k": 2}]', "runbook.json")
    assert "holds a key twice" in (await memory.check())[0]
    await memory.check_writable()
    assert [entry.id for entry in await memory.entries()] == ["a"]


async def test_a_database_in_which_aegis_never_ran_is_named(url: str) -> None:
    with pytest.raises(RunbookBroken, match="no tables of Aegis yet"):
        await RunbookTable(url).entries()


async def test_a_database_that_is_away_or_takes_no_writes_is_named_without_the_password(
    memory: RunbookTable, url: str, cluster: Cluster
) -> None:
    with pytest.raises(RunbookBroken, match="does not answer") as away:
        await RunbookTable(url.replace(f":{cluster.port}", ":1")).entries()
    await statement(cluster.url(), f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET default_transaction_read_only = on")
    with pytest.raises(RunbookUnwritable, match="takes no writes") as denied:
        await RunbookTable(url).append(an_entry())
    for caught in (away.value, denied.value):
        assert "hunter2" not in f"{caught.sentence}{caught.detail}"


def test_the_command_line_takes_it_from_a_file_and_to_one(aegis: Aegis, url: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(WRITTEN)
    taken = aegis("runbook", "import", "old.json", AEGIS_DATABASE_URL=url)
    assert (taken.code, taken.out) == (0, "2 added, 0 changed, 0 already present.\n")
    assert aegis("runbook", "add", "--root-cause", "täglich", AEGIS_DATABASE_URL=url).code == 0
    exported = aegis("runbook", "export", AEGIS_DATABASE_URL=url)
    assert [entry.get("reviewed_by", {}).get("who") for entry in json.loads(exported.out)] == ["Ana", None, None]
    (tmp_path / "new.json").write_text(exported.out.replace("Ana", "Bea"))
    assert aegis("runbook", "import", "new.json", AEGIS_DATABASE_URL=url).out == (
        "0 added, 1 changed, 2 already present.\n"
    )
    listed = aegis("runbook", "list", "--json", AEGIS_DATABASE_URL=url)
    assert len(listed.json) == 3
    assert aegis("runbook", "check", AEGIS_DATABASE_URL=url).code == 0
    assert aegis("runbook", "search", "slow", "hung", "--json", AEGIS_DATABASE_URL=url).code == 0
