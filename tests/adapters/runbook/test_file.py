"""runbook.json on a real disk: appends, locks, crashes, people who edit, and files that cannot be used."""

# ruff: noqa: ASYNC221, ASYNC240 - a test's own files and mounts are small and local

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.runbook import file
from bot.adapters.runbook.file import RunbookFile
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookBroken, RunbookError, RunbookUnwritable
from tests.support.long_form import often

CORPUS = Path(__file__).parents[2] / "corpus" / "runbooks"
CASES = json.loads((CORPUS / "expected.json").read_text())["files"]
ROOT = Path(__file__).parents[3]

WRITER = """
import asyncio, sys
from pathlib import Path
from bot.adapters.runbook.file import RunbookFile
from bot.domain.runbook_entry import Entry

async def main(path, name, count):
    memory = RunbookFile(Path(path))
    for number in range(int(count)):
        await memory.append(Entry("cause", "restart", "x" * 2000, id=f"{name}-{number}"))
        print(f"{name}-{number}", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runbook.json"


def an_entry(name: str = "inc-1") -> Entry:
    return Entry("Pool exhausted", "restart", "täglich <b> 🔴", id=name, evidence=("ERROR one", "ERROR two"))


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def left_behind(path: Path) -> set[str]:
    index = {f".{path.name}.db{more}" for more in ("", "-wal", "-shm")}
    return {each.name for each in path.parent.iterdir()} - {path.name, f".{path.name}.lock"} - index


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.fault(77)
@pytest.mark.parametrize("case", CASES, ids=[case["file"] for case in CASES])
async def test_each_file_of_the_corpus_does_as_expected(case: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / str(case["file"])
    path.write_bytes((CORPUS / path.name).read_bytes())
    before = sha(path)
    memory = RunbookFile(path)
    if case["expect"] == "error":
        with pytest.raises(RunbookBroken) as read:
            await memory.entries()
        with pytest.raises(RunbookBroken):
            await memory.append(an_entry())
        for wanted in case.get("error_must_contain", [path.name]):  # type: ignore[attr-defined]
            assert wanted in read.value.message
        assert read.value.hint
        assert sha(path) == before
        assert left_behind(path) == set()
        return
    assert len(await memory.entries()) == case["entries"]
    said = " ".join(await memory.check())
    if case["file"] == "16_missing_fields.json":
        assert "entry 0 " in said
        assert "entry 1 " in said
    if case["file"] == "17_duplicate_ids.json":
        assert "INC-0001" in said
    old = json.loads(path.read_bytes())
    await memory.append(an_entry())
    new = json.loads(path.read_bytes())
    assert new[:-1] == old
    assert new[-1]["id"] == "inc-1"


async def test_a_missing_file_is_empty_and_made_at_the_first_append(path: Path) -> None:
    memory = RunbookFile(path)
    assert await memory.entries() == ()
    assert not path.exists()
    await memory.append(an_entry())
    assert await memory.entries() == (an_entry(),)
    assert path.read_text().startswith('[\n  {\n    "id": "inc-1",\n')
    assert "täglich <b> 🔴" in path.read_text()
    assert left_behind(path) == set()


async def test_an_append_leaves_every_byte_of_what_people_wrote(path: Path) -> None:
    theirs = (
        '[\n {"action" : "restart",\t"root_cause":"caf\\u00e9", "at": 1.50e3, "mine": {"b": 1, "a": [NOT]}}'.replace(
            "NOT", "12345678901234567890.000"
        )
    )
    path.write_text(theirs + "\n\n]\n\n")
    await RunbookFile(path).append(an_entry())
    assert path.read_text().startswith(theirs + ",\n  {\n")
    assert path.read_text().endswith("  }\n]\n")
    assert len(json.loads(path.read_text())) == 2


async def test_an_entry_whose_id_is_there_is_not_added_again(path: Path) -> None:
    memory = RunbookFile(path)
    await memory.append(an_entry())
    before = sha(path)
    await memory.append(Entry("other", "ignore", id="inc-1"))
    assert sha(path) == before


async def test_an_entry_without_an_id_is_given_one_of_its_own(path: Path) -> None:
    memory = RunbookFile(path)
    for _ in range(2):
        await memory.append(Entry("cause", "restart"))
    ids = [entry.id for entry in await memory.entries()]
    assert len(set(ids)) == 2
    assert all(ids)


@pytest.mark.fault(77)
async def test_the_file_is_read_again_when_somebody_changes_it(path: Path) -> None:
    memory = RunbookFile(path)
    path.write_text('[{"root_cause": "one", "action": "restart"}]')
    assert [entry.root_cause for entry in await memory.entries()] == ["one"]
    path.write_text('[{"root_cause": "two!", "action": "restart"}]')
    assert [entry.root_cause for entry in await memory.entries()] == ["two!"]
    path.write_text("[{")
    with pytest.raises(RunbookBroken):
        await memory.entries()
    path.write_text("[]")
    assert await memory.entries() == ()
    path.unlink()
    assert await memory.entries() == ()


async def test_an_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = RunbookFile(path)
    await memory.append(an_entry())
    first = await memory.entries()
    monkeypatch.setattr(file, "parse_runbook", None)
    assert await memory.entries() is first


async def test_many_appends_at_once_lose_nothing(path: Path) -> None:
    memories = [RunbookFile(path) for _ in range(4)]
    names = [f"inc-{number}" for number in range(40)]
    await asyncio.gather(*(memories[number % 4].append(an_entry(name)) for number, name in enumerate(names)))
    assert sorted(entry.id for entry in await memories[0].entries()) == sorted(names)


@pytest.mark.slow
async def test_three_processes_lose_nothing_and_a_reader_never_sees_half_a_file(path: Path) -> None:
    workers = [writer(path, name, 15) for name in "abc"]
    memory = RunbookFile(path)
    counts = []
    while any(worker.poll() is None for worker in workers):
        counts.append(len(await memory.entries()))
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert counts == sorted(counts)
    assert len(await memory.entries()) == 45


@pytest.mark.fault(11)
@pytest.mark.parametrize("kept", [number * 5 % 32 for number in range(often(6, 300))])
async def test_after_kill_9_the_file_is_whole_and_holds_what_was_said(path: Path, kept: int) -> None:
    worker = writer(path, "w", 1000)
    assert worker.stdout is not None
    said = [worker.stdout.readline().strip() for _ in range(kept + 1)]
    worker.kill()
    rest = worker.communicate()[0].split()
    memory = RunbookFile(path)
    found = [entry.id for entry in await memory.entries()]
    assert {*said, *rest} <= set(found)
    await memory.append(an_entry())
    assert len(await memory.entries()) == len(found) + 1
    assert left_behind(path) == set()


async def test_what_an_editor_saves_in_the_middle_of_an_append_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("[]")
    edits = ['[{"root_cause": "edited", "action": "ignore"}]']
    real = os.fsync

    def edited(handle: int) -> None:
        real(handle)
        if edits:
            path.write_text(edits.pop())

    monkeypatch.setattr(os, "fsync", edited)
    memory = RunbookFile(path)
    await memory.append(an_entry())
    assert [entry.root_cause for entry in await memory.entries()] == ["edited", "Pool exhausted"]


async def test_a_lock_that_is_never_given_back_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "LOCK_TIMEOUT_S", 0.05)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunbookUnwritable, match="holds"):
            await RunbookFile(path).append(an_entry())
    await RunbookFile(path).append(an_entry())


async def test_mode_and_symbolic_link_stay(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "memory.json").write_text("[]")
    (real / "memory.json").chmod(0o660)
    path.symlink_to(real / "memory.json")
    await RunbookFile(path).append(an_entry())
    assert path.is_symlink()
    assert (real / "memory.json").stat().st_mode & 0o777 == 0o660
    assert len(json.loads((real / "memory.json").read_text())) == 1


async def test_a_folder_in_its_place_is_named(path: Path) -> None:
    path.mkdir()
    for call in (RunbookFile(path).entries(), RunbookFile(path).append(an_entry())):
        with pytest.raises(RunbookError, match="is a folder") as caught:
            await call
        assert "mount" in caught.value.hint


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    memory = RunbookFile(tmp_path / "no" / "runbook.json")
    assert await memory.entries() == ()
    with pytest.raises(RunbookUnwritable, match="no folder"):
        await memory.append(an_entry())
    with pytest.raises(RunbookUnwritable, match="no folder"):
        await memory.check_writable()


async def test_the_check_for_writing_leaves_nothing(path: Path) -> None:
    path.write_text("[]")
    before = path.stat()
    await RunbookFile(path).check_writable()
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert left_behind(path) == set()


async def test_without_room_or_rights_the_old_file_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text('[{"root_cause": "old", "action": "ignore"}]')
    before = sha(path)
    for number, words in ((28, "full"), (13, "cannot be written"), (16, "mounted by itself"), (30, "takes no writes")):

        def fails(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", fails)
            with pytest.raises(RunbookUnwritable, match=words):
                await RunbookFile(path).append(an_entry())
        assert sha(path) == before
        assert left_behind(path) == set()


def mount(*words: object) -> None:
    done = subprocess.run(["mount", *map(str, words)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    point = tmp_path / "disk"
    point.mkdir()
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", point)
    yield point
    subprocess.run(["umount", "-l", point], check=True)


@pytest.mark.fault(70)
async def test_a_disk_that_runs_full_leaves_the_last_whole_file(small_disk: Path) -> None:
    memory = RunbookFile(small_disk / "runbook.json")
    added = []

    async def fill() -> None:
        for number in range(100):
            await memory.append(Entry("cause", "restart", "x" * 3000, id=str(number)))
            added.append(str(number))

    with pytest.raises(RunbookUnwritable, match="full"):
        await fill()
    assert added
    assert [entry.id for entry in await memory.entries()] == added


async def test_a_disk_that_takes_no_writes_is_named(small_disk: Path) -> None:
    (small_disk / "runbook.json").write_text("[]")
    mount("-o", "remount,ro", small_disk)
    memory = RunbookFile(small_disk / "runbook.json")
    assert await memory.entries() == ()
    for call in (memory.append(an_entry()), memory.check_writable()):
        with pytest.raises(RunbookUnwritable, match="takes no writes"):
            await call


@pytest.mark.fault(78)
async def test_a_runbook_mounted_as_a_file_is_reported(tmp_path: Path, path: Path) -> None:
    theirs = tmp_path / "theirs.json"
    theirs.write_text("[]")
    path.touch()
    mount("--bind", theirs, path)
    try:
        for call in (RunbookFile(path).check_writable(), RunbookFile(path).append(an_entry())):
            with pytest.raises(RunbookUnwritable, match="mounted by itself") as caught:
                await call
            assert "folder" in caught.value.hint
        assert theirs.read_text() == "[]"
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.fault(77)
@pytest.mark.slow
async def test_fifty_megabytes_are_read_and_added_to(path: Path) -> None:
    one = json.dumps({"root_cause": "x" * 4_900, "action": "restart", "evidence": ["y" * 90] * 50})
    path.write_text(f"[{','.join([one] * 5_200)}]")
    assert path.stat().st_size > 50_000_000
    memory = RunbookFile(path)
    assert len(await memory.entries()) == 5_200
    await memory.append(an_entry())
    assert (await memory.entries())[-1].id == "inc-1"


def test_reading_takes_no_lock(path: Path) -> None:
    path.write_text("[]")
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert asyncio.run(RunbookFile(path).entries()) == ()


async def test_a_disk_that_hangs_holds_up_nobody_for_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thawed = threading.Event()
    monkeypatch.setattr(file, "APPEND_TIMEOUT_S", 0.2)
    monkeypatch.setattr(os, "replace", lambda *_: thawed.wait())
    with pytest.raises(RunbookUnwritable, match="did not take it"):
        await RunbookFile(path).append(an_entry())
    thawed.set()
