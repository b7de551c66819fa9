import asyncio
import os
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.runbook import index_rows
from bot.adapters.runbook.file import RunbookFile
from bot.adapters.runbook.index import RunbookIndex
from bot.domain.runbook import precedents, ranking
from bot.domain.runbook_entry import Entry
from tests.domain import retrieval_cases

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINE = "ERROR redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused."
OLD = Entry("redis was down", "restart", id="a", target="shop", evidence=(LINE,), outcome="resolved")
OTHER = Entry("the disk was full", "ignore", id="b", target="media", evidence=("ERROR No space left on device",))


@pytest.fixture
def index(tmp_path: Path) -> RunbookIndex:
    return RunbookIndex(tmp_path / "index.db")


def ids(entries: object) -> list[str]:
    assert isinstance(entries, RunbookIndex | list | tuple)
    return [entry.id for entry in entries]


def first(entries: RunbookIndex | tuple[Entry, ...], line: str, target: str = "") -> list[str]:
    return [one.entry.id for one in precedents.find_precedents(entries, target=target, lines=[line], now=NOW)]


def test_the_entries_come_back_as_they_went_in_and_in_their_order(index: RunbookIndex) -> None:
    told = Entry(
        'übel "x" \\ <&>', "restart", "j", "c", "2026", "t", "i", "s <n>", "oom", ("e", "é"), "g", "resolved", "U1",
        7.5, "200",
    )  # fmt: skip
    index.follow([OTHER, told, OLD], "1")
    assert list(index) == [OTHER, told, OLD]
    assert (index[0], index[-1], index[1:], len(index)) == (OTHER, OLD, [told, OLD], 3)
    assert index == (OTHER, told, OLD)
    assert isinstance(index, ranking.EntryIndex)
    with pytest.raises(IndexError):
        index[3]


def test_it_follows_what_is_changed_removed_moved_and_doubled(index: RunbookIndex) -> None:
    index.follow([OLD, OTHER], "1")
    index.follow([replace(OTHER, root_cause="the disk was full of exports"), OLD, OLD], "2")
    assert [entry.root_cause for entry in index] == ["the disk was full of exports", "redis was down", "redis was down"]
    index.follow([OLD], "3")
    assert ids(index) == ["a"]
    assert first(index, "ERROR No space left on device") == []
    assert index.held(["device", "redi"]) == {"redi": 1}


def test_only_what_is_new_is_taken_apart(index: RunbookIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.follow([OLD, OTHER], "1")
    seen: list[str] = []
    real = ranking.weigh_entry

    def noted(entry: Entry) -> dict[str, float]:
        seen.append(entry.id)
        return real(entry)

    monkeypatch.setattr(ranking, "weigh_entry", noted)
    index.follow([OLD, replace(OTHER, id="new"), OTHER], "2")
    assert seen == ["new"]


def test_an_entry_is_added_once_where_two_processes_share_the_index(tmp_path: Path) -> None:
    mine, theirs = RunbookIndex(tmp_path / "index.db"), RunbookIndex(tmp_path / "index.db")
    mine.follow([OLD], "1")
    theirs.follow([OLD, OTHER], "2")
    mine.append(OTHER, "2", before="1")
    assert ids(mine) == ["a", "b"]


def test_what_is_kept_is_there_at_the_next_start(tmp_path: Path) -> None:
    RunbookIndex(tmp_path / "index.db").follow([OLD], "1")
    again = RunbookIndex(tmp_path / "index.db")
    assert (again.stamp(), ids(again)) == ("1", ["a"])


def test_an_index_of_another_format_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunbookIndex(tmp_path / "index.db").follow([OLD], "1")
    monkeypatch.setattr(index_rows, "FORMAT", "0")
    again = RunbookIndex(tmp_path / "index.db")
    assert (again.stamp(), len(again), again.held(["redi"])) == ("", 0, {})


def test_what_is_no_index_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"no index at all " * 200)
    made = RunbookIndex(tmp_path / "index.db")
    made.follow([OLD], "1")
    assert ids(RunbookIndex(tmp_path / "index.db")) == ["a"]


async def test_where_it_cannot_be_kept_it_works_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "runbook.json"
    path.write_text('[{"root_cause": "redis was down", "action": "restart", "evidence": ["' + LINE + '"], "id": "a"}]')
    (tmp_path / ".runbook.json.db").mkdir()  # as good as a disk that takes no writes, also for root
    entries = await RunbookFile(path).entries()
    assert [one.entry.id for one in precedents.find_precedents(entries, target="", lines=[LINE], now=NOW)] == ["a"]
    assert "cannot be kept" in caplog.text


async def test_an_index_whose_disk_runs_full_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "runbook.json"
    path.write_text('[{"root_cause": "redis was down", "action": "restart", "id": "a"}]')
    memory = RunbookFile(path)
    assert len(await memory.entries()) == 1
    path.write_text('[{"root_cause": "redis was down again", "action": "restart", "id": "a"}]')
    real, calls = index_rows.insert, []

    def fails_once(base: sqlite3.Connection, entry: Entry, place: int) -> list[str]:
        calls.append(place)
        if len(calls) == 1:
            raise sqlite3.OperationalError("database or disk is full")
        return real(base, entry, place)

    monkeypatch.setattr(index_rows, "insert", fails_once)
    assert [entry.root_cause for entry in await memory.entries()] == ["redis was down again"]
    assert "takes no more" in caplog.text


async def test_the_index_follows_an_edit_of_the_file_and_an_append(tmp_path: Path) -> None:
    path = tmp_path / "runbook.json"
    memory = RunbookFile(path)
    await memory.append(OLD)
    path.write_text(path.read_text().replace("redis was down", "redis was stopped"))
    await memory.append(OTHER)
    entries = await memory.entries()
    assert [entry.root_cause for entry in entries] == ["redis was stopped", "the disk was full"]
    found = precedents.find_precedents(entries, target="shop", lines=[LINE], now=NOW)
    assert found[0].entry.root_cause == "redis was stopped"


def test_it_ranks_as_the_entries_in_memory_do(index: RunbookIndex) -> None:
    entries = tuple(retrieval_cases.runbook(80))
    index.follow(entries, "1")
    for query in list(retrieval_cases.queries())[::7]:
        one, other = (
            precedents.find_precedents(among, target=query.target, lines=query.log, now=NOW)
            for among in (entries, index)
        )
        assert [(p.entry.id, p.score, p.why) for p in one] == [(p.entry.id, p.score, p.why) for p in other]


def test_words_are_searched_as_in_memory_also_within_words_and_with_signs(index: RunbookIndex) -> None:
    entries = (OLD, OTHER, Entry('100% "quoted" \\ path', "ignore", id="c"))
    index.follow(entries, "1")
    for words in ("redi", "DISK full", '"quoted"', "100%", "\\", "_", "nothing"):
        found = [[one.entry.id for one in precedents.search_entries(among, words, NOW)] for among in (entries, index)]
        assert found[0] == found[1]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=7), min_size=1, max_size=5))
def test_after_any_edits_it_is_as_if_made_anew(tmp_path: Path, edits: list[list[str]]) -> None:
    followed, made = RunbookIndex(None), RunbookIndex(None)
    for number, names in enumerate(edits):
        entries = [Entry(f"cause {name}", "restart", id=name, evidence=(f"ERROR {name * 4} broke",)) for name in names]
        followed.follow(entries, str(number))
    made.follow(entries, "x")
    words = [name * 4 for name in "abcdefg"] + ["cause", "broke"]
    assert list(followed) == list(made)
    assert followed.held(words) == made.held(words)
    assert [len(followed.marked([word], 9)) for word in words] == [len(made.marked([word], 9)) for word in words]


@pytest.mark.fault(70)
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_in_a_folder_that_takes_no_writes_it_still_finds(tmp_path: Path) -> None:
    path = tmp_path / "runbook.json"
    path.write_text('[{"root_cause": "redis was down", "action": "restart", "id": "a"}]')
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert len(asyncio.run(RunbookFile(path).entries())) == 1
    tmp_path.chmod(stat.S_IRWXU)
