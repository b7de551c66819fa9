"""Whose files Aegis's are: stat after a real run, over an umask that would let everybody read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.adapters.private_files import create_private, create_private_database, make_private, make_private_folder
from bot.adapters.runbook.file import RunbookFile
from bot.domain.runbook_entry import Entry
from bot.playground.slack.state import saved_state
from bot.playground.slack.workspace import Workspace
from tests.http.test_flood import scene


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder: Path) -> dict[str, str]:
    """Return the files and folders that others than their owner may read or write."""
    found = {str(path.relative_to(folder)): mode(path) for path in folder.rglob("*") if not path.is_symlink()}
    return {name: oct(bits) for name, bits in found.items() if bits & 0o077}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def careless() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


async def test_after_a_run_with_a_restart_nobody_else_may_read_what_it_wrote(
    workspace: Workspace, tmp_path: Path
) -> None:
    async with scene(workspace, tmp_path, umask=0) as bot:
        await bot.restart(*await bot.alert())
        async with asyncio.timeout(10):
            while not {"aegis.db", "aegis.db-wal", "aegis.db-shm", "runbook.json", "bundles"} <= names(tmp_path):  # noqa: ASYNC110 - another process writes them
                await asyncio.sleep(0.05)
        assert [name for name in names(tmp_path) if "runbook.json." in name]
        assert len(list((tmp_path / "bundles").iterdir())) == 1
        others = {name for name in open_to_others(tmp_path) if not name.startswith(("engine", "bot.log"))}
        assert others == set()


async def test_files_of_an_earlier_version_are_made_private_at_the_start(careless: object, tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/aegis.db")
    await store.start()
    await RunbookFile(tmp_path / "runbook.json").append(Entry("cause", "restart", id="one"))
    for name in names(tmp_path):
        (tmp_path / name).chmod(0o666)
    assert len(open_to_others(tmp_path)) >= 6
    again = SqlStore(f"sqlite:///{tmp_path}/aegis.db")
    await again.start()
    await RunbookFile(tmp_path / "runbook.json").append(Entry("cause", "restart", id="two"))
    assert set(open_to_others(tmp_path)) <= {"runbook.json", ".runbook.json.lock"}
    for one in (store, again):
        await one.close()


async def test_a_runbook_that_is_created_is_private(careless: object, tmp_path: Path) -> None:
    await RunbookFile(tmp_path / "runbook.json").append(Entry("cause", "restart", id="one"))
    assert (tmp_path / "runbook.json").exists()
    assert open_to_others(tmp_path) == {}


@pytest.mark.parametrize("before", [0o640, 0o664, 0o666, 0o600])
async def test_a_runbook_that_people_edit_keeps_its_mode_owner_and_group(
    careless: object, tmp_path: Path, before: int
) -> None:
    file = tmp_path / "runbook.json"
    file.write_text("[]")
    file.chmod(before)
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    kept = file.stat()
    await RunbookFile(file).append(Entry("cause", "restart", id="one"))
    now = file.stat()
    assert now.st_ino != kept.st_ino
    assert (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) == (before, kept.st_uid, kept.st_gid)


def test_the_state_of_the_demo_is_private(careless: object, tmp_path: Path) -> None:
    saved_state.save(Workspace().state, tmp_path / "workspace.json")
    assert mode(tmp_path / "workspace.json") == 0o600


def test_missing_folders_are_created_and_existing_ones_stay(careless: object, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o775)
    make_private_folder(shared / "var" / "bundles")
    make_private_folder(shared / "var" / "bundles")
    assert [mode(path) for path in (shared, shared / "var", shared / "var" / "bundles")] == [0o775, 0o700, 0o700]


def test_what_is_another_users_or_no_file_stays_as_it_is(
    careless: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir(mode=0o777)
    file.write_text("theirs")
    os.mkfifo(tmp_path / "pipe", 0o666)
    for path in (folder, tmp_path / "pipe", tmp_path / "missing"):
        make_private(path)
    real = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: real + 1)
    make_private(file)
    assert [mode(path) for path in (folder, file, tmp_path / "pipe")] == [0o777, 0o666, 0o666]


async def test_making_a_database_private_keeps_the_locks_on_it(tmp_path: Path) -> None:
    file = tmp_path / "aegis.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as held:
        held.execute("CREATE TABLE one (a)")
        held.execute("BEGIN EXCLUSIVE")
        file.chmod(0o644)
        create_private_database(file)
        asked = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"import sqlite3; sqlite3.connect({str(file)!r}, timeout=0).execute('INSERT INTO one VALUES (1)')",
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asked.communicate()
    assert b"locked" in said
    assert mode(file) == 0o600


def test_where_the_disk_refuses_whoever_opens_the_file_says_so(tmp_path: Path) -> None:
    create_private(tmp_path / "missing" / "file")
    assert not (tmp_path / "missing").exists()
