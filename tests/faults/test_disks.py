"""A disk that is full, takes no writes, or holds a damaged or locked file: what cannot be recorded is not restarted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.database import engine
from bot.adapters.docker import crash_bundle
from bot.adapters.runbook import index_rows
from bot.adapters.runbook.file import RunbookFile
from bot.domain.incident import State
from bot.domain.target import Target, TargetId
from bot.errors import StoreUnavailable
from tests.faults.mounts import mount, unmount
from tests.incidents.test_responder import Bench, press
from tests.support.fakes import POOL_LINE, facts


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of two megabytes."""
    point = tmp_path / "disk"
    point.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", point)
    yield point
    unmount(point)


def fill(disk: Path) -> None:
    """Leave no room at all on the disk."""
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


@pytest.fixture
async def on_disk(disk: Path) -> AsyncIterator[Bench]:
    """A bench whose database, runbook and index all lie on the small disk."""
    made = Bench(disk)
    await made.store.start()
    yield made
    await made.store.close()


@pytest.mark.fault(69)
async def test_69_a_press_on_a_full_disk_restarts_nothing_and_says_so_and_acts_once_there_is_room(
    on_disk: Bench, disk: Path
) -> None:
    incident = await on_disk.fire()
    fill(disk)
    await on_disk.responder.act(press(incident))
    assert on_disk.containers.writes == []
    (told,) = on_disk.messenger.whispers("U0ONCALL")
    assert "nothing was restarted" in told
    assert "full" in told
    (disk / "filler").unlink()
    assert (await on_disk.now(incident)).state is State.PROPOSED
    await on_disk.responder.act(press(incident))
    assert (await on_disk.now(incident)).state is State.RESOLVED
    assert on_disk.containers.restarts == 1


@pytest.mark.fault(69)
async def test_69_a_refusal_and_a_late_press_on_a_full_disk_are_told_too(on_disk: Bench, disk: Path) -> None:
    incident = await on_disk.fire()
    fill(disk)
    on_disk.containers.looks = [facts(paused=True)]
    await on_disk.responder.act(press(incident))
    on_disk.containers.looks = [facts(started_at="2026-11-22T02:59:59Z")]
    await on_disk.responder.act(press(incident))
    on_disk.clock.at += timedelta(hours=2)
    await on_disk.responder.act(press(incident))
    assert on_disk.containers.writes == []
    told = on_disk.messenger.whispers("U0ONCALL")
    reasons = ("nothing was restarted", "since the diagnosis", "has expired")
    assert all(reason in words for reason, words in zip(reasons, told, strict=True))


@pytest.mark.fault(69)
@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_69_a_database_that_goes_away_after_its_nth_step_of_a_press_leaves_nothing_half_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    incident = await bench.fire()
    steps, failures = 0, 2

    def stepping(name: str) -> Any:
        original = getattr(bench.store, name)

        async def step(*given: Any) -> Any:
            nonlocal steps, failures
            steps += 1
            if steps >= at and failures:
                failures -= 1
                raise StoreUnavailable("This cannot be recorded: the disk is full.")
            return await original(*given)

        return step

    for name in ("save_if_unchanged", "log_engine_call"):
        monkeypatch.setattr(bench.store, name, stepping(name))
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert bench.containers.restarts == (1 if at == 4 else 0)
    assert ended.state is {1: State.PROPOSED, 4: State.RESOLVED}.get(at, State.INTERRUPTED)
    assert (ended.restarted_at is None) == (at < 4)
    said = " ".join(words for _, _, words in bench.messenger.said)
    assert at == 4 or "nothing was restarted" in said


@pytest.mark.fault(76)
async def test_76_a_look_whose_saving_has_to_wait_is_saved_when_the_database_is_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, failures = bench.store.save_if_unchanged, 3

    async def sometimes(*given: Any) -> Any:
        nonlocal failures
        if failures and given[1].state is State.PROPOSED:
            failures -= 1
            raise StoreUnavailable("The database does not answer.")
        return await claim(*given)

    monkeypatch.setattr(bench.store, "save_if_unchanged", sometimes)
    assert (await bench.fire()).state is State.PROPOSED
    assert failures == 0
    assert len(bench.diagnoser.asked) == 1


@pytest.mark.fault(69)
@pytest.mark.parametrize("how", ["full", "read-only", "a file in its place"])
async def test_69_without_a_place_for_the_bundle_nothing_is_restarted(
    bench: Bench, disk: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(target: Target, _: TargetId, incident: str) -> str:
        content = {"log": "x" * 100_000}
        now = bench.clock.now()
        return str(await asyncio.to_thread(crash_bundle.write, folder, target.name, incident, now, content))

    folder = disk / "bundles"
    if how == "full":
        fill(disk)
    elif how == "read-only":
        mount("-o", "remount,ro", disk)
    else:
        folder.write_text("")
    monkeypatch.setattr(bench.containers, "bundle", write)
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert bench.containers.restarts == 0
    assert (ended.state, ended.restarted_at) == (State.INTERRUPTED, None)
    assert "nothing was restarted" in ended.closing
    assert str(folder) in ended.closing
    assert not folder.is_dir() or list(folder.iterdir()) == []


@pytest.mark.fault(68)
async def test_68_a_database_that_another_process_holds_is_told_in_our_words_and_nothing_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_MS", 50)
    bench = Bench(tmp_path)
    await bench.store.start()
    incident = await bench.fire()
    with closing(sqlite3.connect(tmp_path / "aegis.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await bench.responder.act(press(incident))
        other.execute("ROLLBACK")
    assert bench.containers.writes == []
    (told,) = bench.messenger.whispers("U0ONCALL")
    assert "Another process held" in told
    assert "database is locked" not in told
    await bench.responder.act(press(incident))
    assert bench.containers.restarts == 1
    await bench.store.close()


@pytest.mark.fault(71)
async def test_71_a_database_that_is_damaged_while_aegis_runs_restarts_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    incident = await bench.fire()
    await bench.store.close()
    path = tmp_path / "aegis.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    damaged = path.read_bytes()
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    (told,) = bench.messenger.whispers("U0ONCALL")
    assert "nothing was restarted" in told
    assert path.read_bytes() == damaged
    await bench.store.close()


def broken(path: Path, how: str) -> None:
    """Put something in the runbook's place that nothing can be added to."""
    content = {
        "half": b'[{"root_cause": "pool", "action": ',
        "NaN": b'[{"root_cause": NaN, "action": "restart", "justification": "x"}]',
        "not text": b"\xff\xfe\x00\x01" * 100,
        "no list": b'{"root_cause": "x"}',
        "deep": b"[" * 200_000,
        "empty": b"",
    }
    if how == "folder":
        path.mkdir()
    else:
        path.write_bytes(content[how])


@pytest.mark.fault(77)
@pytest.mark.parametrize("how", ["half", "NaN", "not text", "no list", "deep", "empty", "folder"])
async def test_77_whatever_is_wrong_with_the_runbook_the_restart_is_done_and_its_entry_waits(
    bench: Bench, how: str
) -> None:
    broken(bench.runbook, how)
    before = b"" if how == "folder" else bench.runbook.read_bytes()
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.RESOLVED
    assert any("The runbook could not be written" in words for _, _, words in bench.messenger.said)
    assert bench.runbook.is_dir() if how == "folder" else bench.runbook.read_bytes() == before
    bench.runbook.rmdir() if how == "folder" else bench.runbook.write_text("[]")
    await bench.recover()
    assert [entry["id"] for entry in bench.entries()] == [incident.id]


@pytest.mark.fault(77)
async def test_77_a_byte_order_mark_does_not_keep_the_runbook_from_being_read_and_added_to(bench: Bench) -> None:
    old = {"root_cause": POOL_LINE, "action": "restart", "justification": "it helped", "target": "buggy-app-v2"}
    bench.runbook.write_bytes(b"\xef\xbb\xbf" + json.dumps([old]).encode())
    incident = await bench.fire()
    assert len(incident.precedents) == 1
    await bench.responder.act(press(incident))
    assert len(await RunbookFile(bench.runbook).entries()) == 2


@pytest.mark.fault(70, 78)
@pytest.mark.parametrize("how", ["full", "read-only", "mounted alone"])
async def test_78_a_runbook_that_cannot_be_written_does_not_keep_the_incident_open_and_is_written_later(
    bench: Bench, disk: Path, how: str
) -> None:
    bench.runbook = disk / "runbook.json"
    old = '[{"root_cause": "old", "action": "restart", "justification": "y"}]'
    bench.runbook.write_text(old)
    bench.memory = RunbookFile(bench.runbook)
    bench.build()
    if how == "full":
        fill(disk)
    elif how == "read-only":
        mount("-o", "remount,ro", disk)
    else:
        mount("--bind", bench.runbook, bench.runbook)
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert (ended.state, ended.finalized) == (State.RESOLVED, False)
    assert any("The runbook could not be written" in words for _, _, words in bench.messenger.said)
    assert bench.runbook.read_text() == old
    if how == "full":
        (disk / "filler").unlink()
    elif how == "read-only":
        mount("-o", "remount,rw", disk)
    else:
        unmount(bench.runbook)
    await bench.resume.catch_up()
    assert [entry.get("id") for entry in bench.entries()][1:] == [incident.id]
    assert (await bench.now(incident)).finalized


@pytest.mark.fault(70)
@pytest.mark.parametrize("how", ["locked", "damaged", "full"])
async def test_70_an_index_of_the_runbook_that_fails_costs_no_restart_and_no_entry(
    bench: Bench, disk: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_rows, "_BUSY_TIMEOUT_S", 0.1)
    bench.runbook = disk / "runbook.json"
    bench.runbook.write_text(json.dumps([{"root_cause": POOL_LINE, "action": "restart", "target": "buggy-app-v2"}]))
    bench.memory = RunbookFile(bench.runbook)
    bench.build()
    assert len(await bench.memory.entries()) == 1
    index = disk / ".runbook.json.db"
    bench.runbook.write_text(bench.runbook.read_text() + "\n")
    with closing(sqlite3.connect(index, isolation_level=None)) as other:
        if how == "locked":
            other.execute("BEGIN EXCLUSIVE")
        elif how == "damaged":
            index.write_bytes(b"\xff" * index.stat().st_size)
        else:
            fill(disk)
        incident = await bench.fire()
        assert len(incident.precedents) == 1
        await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.RESOLVED
    (disk / "filler").unlink(missing_ok=True)
    await bench.resume.catch_up()
    assert len(await RunbookFile(bench.runbook).entries()) == 2
    assert (await bench.now(incident)).finalized
