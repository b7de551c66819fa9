"""The store on SQLite: the contract, files that cannot be used, races between processes, kill -9, full disks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import engine, errors, migrations, transactions
from bot.adapters.database.rows import as_stored, to_text
from bot.adapters.database.store import SqlStore
from bot.domain.audit.trail import AuditEvent
from bot.domain.diagnosis import Diagnosis
from bot.domain.evidence import Evidence
from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Approval, Incident, State
from bot.domain.runbook_entry import Precedent
from bot.domain.target import parse_target
from bot.domain.verification import Verification
from bot.errors import SchemaTooNew, StoreError, StoreUnavailable
from tests.adapters.store_contract import NOW, StoreContract, an_alert, an_incident, line, moved, store, worker
from tests.support.long_form import often

__all__ = ["store"]

VERSIONS = [(number,) for number in range(1, len(migrations.MIGRATIONS) + 1)]
FIRST_SCHEMA = Path(__file__).parents[2] / "corpus" / "store" / "schema_1.sql"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'aegis.db'}"


class TestSqlite(StoreContract):
    """The contract on SQLite."""


def rows(path: Path, asked: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(asked).fetchall()


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def refused(url: str) -> StoreError:
    store = SqlStore(url)
    with pytest.raises(StoreError) as caught:
        await store.start()
    return caught.value


aware = st.datetimes(timezones=st.just(UTC))
maybe_aware = st.none() | aware
approval = st.builds(Approval, user=st.text(), at=aware, digest=st.text())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Incident,
        opened_at=aware,
        proposed_at=maybe_aware,
        restarted_at=maybe_aware,
        closed_at=maybe_aware,
        approval=st.none() | approval,
        alert_text=st.text(st.characters(exclude_categories=[])),
        evidence=st.none() | st.from_type(Evidence),
        diagnosis=st.none() | st.from_type(Diagnosis),
        precedents=st.lists(st.from_type(Precedent), max_size=2).map(tuple),
        verdict=st.none() | st.from_type(Permit) | st.from_type(Refusal),
        times_before=st.tuples(st.text(), st.text()),
        verification=st.none() | st.from_type(Verification),
        finalized=st.booleans(),
    )
)
@pytest.mark.slow
def test_any_incident_comes_back_from_its_text(incident: Incident) -> None:
    back = as_stored(incident)
    assert to_text(back) == to_text(incident)
    assert type(back.verdict) is type(incident.verdict)
    assert back.state is incident.state
    assert back.opened_at == incident.opened_at
    assert "\x00" not in to_text(incident)
    to_text(incident).encode()


async def test_a_press_is_recorded_with_who_when_and_what_they_saw(store: SqlStore, tmp_path: Path) -> None:
    opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
    approval = Approval("U1", NOW, "ab12")
    await store.save_if_unchanged(opened, replace(opened, state=State.ACTING), approval)
    await store.save_if_unchanged(opened, replace(opened, state=State.ACTING), Approval("U2", NOW, "ab12"))
    kept = rows(tmp_path / "aegis.db", "SELECT incident, revision, person, at, digest FROM approvals")
    assert kept == [("inc-00001", 2, "U1", "2026-11-22T10:04:31.123456+00:00", "ab12")]


async def test_the_file_is_in_wal_and_every_commit_reaches_the_disk(store: SqlStore, tmp_path: Path) -> None:
    assert rows(tmp_path / "aegis.db", "PRAGMA journal_mode") == [("wal",)]

    async def look(connection: AsyncConnection) -> list[int]:
        return [await connection.scalar(text(f"PRAGMA {name}")) or 0 for name in ("synchronous", "foreign_keys")]

    assert await store._run(look) == [2, 1]


async def test_two_incidents_of_a_target_are_never_restarted_at_once(store: SqlStore, tmp_path: Path) -> None:
    opened = await moved(store, (await store.open(an_incident(1))).incident, State.PROPOSED)
    other = await moved(store, (await store.open(an_incident(2, "other"))).incident, State.PROPOSED, State.ACTING)
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.execute("DROP INDEX incidents_one_live")
        connection.execute("UPDATE incidents SET target = 'buggy-app-v2' WHERE id = ?", (other.id,))
        connection.commit()
    approval = Approval("U1", NOW, "ab12")
    assert await store.save_if_unchanged(opened, replace(opened, state=State.ACTING), approval) is None
    assert rows(tmp_path / "aegis.db", "SELECT count(*) FROM approvals") == [(0,)]


async def test_processes_that_start_at_once_make_the_tables_once(url: str, tmp_path: Path) -> None:
    stores = [SqlStore(url) for _ in range(6)]
    await asyncio.gather(*(store.start() for store in stores))
    await asyncio.gather(*(store.close() for store in stores))
    assert rows(tmp_path / "aegis.db", "SELECT version FROM schema_version") == VERSIONS


@pytest.mark.parametrize("lines", [1 + number * 7 % 20 for number in range(often(4, 200))])
@pytest.mark.slow
async def test_what_was_said_to_be_on_disk_is_there_after_kill_9(url: str, lines: int) -> None:
    process = worker("write", url, "w")
    assert process.stdin is not None
    assert await asyncio.to_thread(line, process) == "ready"
    process.stdin.write("go\n")
    process.stdin.flush()
    said = [await asyncio.to_thread(line, process) for _ in range(lines)]
    process.kill()
    rest, _ = process.communicate()
    store = SqlStore(url)
    await store.start()
    on_disk = {incident.id: incident.state for incident in await store.recent(limit=10_000)}
    for name, state in (words.split(" ") for words in [*said, *rest.splitlines()]):
        assert on_disk[name] in {State(state), State.PROPOSED}
    await store.close()


async def test_a_process_that_holds_the_lock_too_long_is_named_as_such(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_MS", 50)
    impatient = SqlStore(f"sqlite:///{tmp_path / 'aegis.db'}")
    await impatient.start()
    with closing(sqlite3.connect(tmp_path / "aegis.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="held"):
            await impatient.receive(an_alert())
        other.execute("ROLLBACK")
    assert await impatient.receive(an_alert())
    await impatient.close()


@pytest.mark.fault(68)
async def test_a_writer_waits_for_another_process(store: SqlStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "aegis.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.receive(an_alert()))
        assert await store.unhandled() == ()
        other.execute("ROLLBACK")
        assert await waiting


async def test_a_cancelled_write_leaves_the_store_usable(store: SqlStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "aegis.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.receive(an_alert("cancelled")))
        assert await store.unhandled() == ()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        other.execute("ROLLBACK")
    assert await store.receive(an_alert())


@pytest.fixture
def answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the next commits happen, and their answers be lost."""
    commit, left = DefaultDialect.do_commit, [0]

    def lost(dialect: DefaultDialect, connection: Any) -> None:
        commit(dialect, connection)
        if left[0]:
            left[0] -= 1
            raise TimeoutError

    def order(times: int) -> None:
        left[0] = times

    monkeypatch.setattr(DefaultDialect, "do_commit", lost)
    return order


async def test_what_the_engine_is_told_stands_once_in_the_trail_though_the_answer_was_lost(
    store: SqlStore, answer_is_lost: Callable[[int], None]
) -> None:
    known = (await store.open(an_incident())).incident
    answer_is_lost(1)
    assert await store.log_engine_call(known, AuditEvent("engine", NOW, incident=known.id, said="restart"))
    assert [row.act.kind for row in await store.trail()].count("engine") == 1


async def test_whoever_asks_again_with_the_token_of_a_step_has_won_it(
    store: SqlStore, answer_is_lost: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (await store.open(an_incident())).incident
    monkeypatch.setattr(transactions, "RETRY_PAUSES_S", ())
    answer_is_lost(1)
    with pytest.raises(StoreUnavailable):
        await store.save_if_unchanged(known, replace(known, state=State.PROPOSED), token="mine")
    won = await store.save_if_unchanged(known, replace(known, state=State.PROPOSED), token="mine")
    assert won is not None
    assert won.state is State.PROPOSED
    assert await store.save_if_unchanged(known, replace(known, state=State.PROPOSED), token="another") is None


async def test_a_full_disk_refuses_the_press_and_nothing_is_half_written(store: SqlStore, tmp_path: Path) -> None:
    opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
    pages = rows(tmp_path / "aegis.db", "PRAGMA page_count")[0][0]

    async def shrink(connection: AsyncConnection) -> None:
        await connection.scalar(text(f"PRAGMA max_page_count={pages}"))

    await asyncio.gather(*(store._run(shrink, begin="") for _ in range(5)))
    big = replace(opened, state=State.ACTING, alert_text="x" * 200_000)
    with pytest.raises(StoreUnavailable, match=r"cannot be recorded.*full"):
        await store.save_if_unchanged(opened, big, Approval("U1", NOW, "ab12"))
    assert await store.get(opened.id) == opened
    assert rows(tmp_path / "aegis.db", "SELECT count(*) FROM approvals") == [(0,)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    point = tmp_path / "disk"
    point.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", point], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield point
    subprocess.run(["umount", "-l", point], check=True)


async def test_on_a_disk_that_runs_full_what_was_recorded_stays(small_disk: Path) -> None:
    store = SqlStore(f"sqlite:///{small_disk / 'aegis.db'}")
    await store.start()
    recorded: list[str] = []

    async def fill() -> None:
        for number in range(100):
            await store.open(replace(an_incident(number, f"app-{number}"), alert_text="x" * 20_000))
            recorded.append(f"inc-{number:05}")

    with pytest.raises(StoreUnavailable, match="cannot be recorded"):
        await fill()
    assert recorded
    assert [incident.id for incident in await store.live()] == recorded
    await store.close()


@pytest.mark.fault(72)
async def test_a_disk_that_takes_no_writes_is_found_at_start(small_disk: Path) -> None:
    path = small_disk / "aegis.db"
    store = SqlStore(f"sqlite:///{path}")
    await store.start()
    await store.close()
    await asyncio.to_thread(subprocess.check_call, ["mount", "-o", "remount,ro", small_disk])
    assert str(path) in (await refused(f"sqlite:///{path}")).message


@pytest.mark.fault(71)
@pytest.mark.parametrize("content", [b"not a database at all\n" * 50, b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_what_is_no_database_is_refused_and_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aegis.db"
    path.write_bytes(content)
    error = await refused(f"sqlite:///{path}")
    assert isinstance(error, StoreUnavailable)
    assert str(path) in error.message
    assert error.hint
    assert path.read_bytes() == content


@pytest.mark.fault(71)
async def test_a_damaged_file_is_refused_and_left_untouched(store: SqlStore, url: str, tmp_path: Path) -> None:
    for number in range(30):
        await store.open(replace(an_incident(number, f"app-{number}"), alert_text="x" * 3000))
    await store.close()
    path = tmp_path / "aegis.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 3))
    before = sha(path)
    error = await refused(url)
    assert "damaged" in error.message
    assert str(path) in error.message
    assert ".recover" in error.hint
    assert sha(path) == before


async def test_a_newer_schema_is_refused_and_left_untouched(store: SqlStore, url: str, tmp_path: Path) -> None:
    await store.close()
    path = tmp_path / "aegis.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, '2030-01-01T00:00:00.000000+00:00')")
        connection.commit()
    before = sha(path)
    error = await refused(url)
    assert isinstance(error, SchemaTooNew)
    assert "99" in error.message
    assert sha(path) == before


async def test_somebody_elses_database_is_refused_and_left_untouched(url: str, tmp_path: Path) -> None:
    path = tmp_path / "aegis.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    before = sha(path)
    assert "something else" in (await refused(url)).message
    assert sha(path) == before


async def test_a_folder_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    error = await refused(f"sqlite:///{tmp_path}")
    assert "is a folder" in error.message
    error = await refused(f"sqlite:///{tmp_path / 'no' / 'aegis.db'}")
    assert f"no folder {tmp_path / 'no'}" in error.message


@pytest.mark.fault(72)
async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_file_system", lambda folder: "nfs4")
    assert "network file system (nfs4)" in (await refused(f"sqlite:///{tmp_path / 'aegis.db'}")).message
    assert not (tmp_path / "aegis.db").exists()


@pytest.mark.parametrize(
    "url",
    ["", "sqlite://", "sqlite:///:memory:", "mysql://u:hunter2@h/db", "postgresql://u:hunter2@h:port/db", "aegis.db"],
)
async def test_a_url_that_names_no_database_is_refused_without_its_password(url: str) -> None:
    error = await refused(url)
    assert "AEGIS_DATABASE_URL" in error.message
    assert "hunter2" not in f"{error.message}{error.hint}{error.detail}{error.__cause__}"


async def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = await refused("postgresql://u:hunter2@localhost/aegis")
    assert "postgres" in error.hint
    assert "hunter2" not in str(error)


async def test_a_store_that_was_not_started_says_so(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="not open"):
        await SqlStore(url).live()


async def test_a_record_that_cannot_be_understood_is_named(store: SqlStore, tmp_path: Path) -> None:
    await store.open(an_incident())
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.execute("UPDATE incidents SET body = '{}'")
        connection.commit()
    with pytest.raises(StoreUnavailable, match="incident inc-00001"):
        await store.live()


async def test_the_database_of_the_first_version_opens_with_all_that_is_in_it(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.executescript(FIRST_SCHEMA.read_text())
    store = SqlStore(url)
    await store.start()
    (incident,) = await store.live()
    assert (incident.id, incident.state, incident.revision, incident.alerts) == ("inc-00001", State.PROPOSED, 1, 3)
    assert [received.key for received in await store.unhandled()] == ["C1:1.1"]
    assert (await store.history(parse_target("buggy-app-v2"), NOW)).restarts_within_hour == 1
    await store.close()


async def test_a_later_version_takes_over_what_an_earlier_one_wrote(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = (await store.open(an_incident())).incident
    await store.close()
    second = ("ALTER TABLE incidents ADD COLUMN team TEXT NOT NULL DEFAULT ''", "CREATE TABLE notes (id TEXT)")
    later = (*migrations.MIGRATIONS, second)
    monkeypatch.setattr(migrations.migrate, "__defaults__", (later,))
    monkeypatch.setattr(migrations.version, "__defaults__", (later,))
    again = SqlStore(url)
    await again.start()
    assert await again.get(opened.id) == opened
    await again.close()
    assert rows(tmp_path / "aegis.db", "SELECT version FROM schema_version") == [*VERSIONS, (len(VERSIONS) + 1,)]


async def test_a_migration_that_fails_leaves_the_version_before(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await store.close()
    later = (*migrations.MIGRATIONS, ("CREATE TABLE notes (id TEXT)", "ALTER TABLE nowhere ADD COLUMN x TEXT"))
    monkeypatch.setattr(migrations.migrate, "__defaults__", (later,))
    assert isinstance(await refused(url), StoreUnavailable)
    assert rows(tmp_path / "aegis.db", "SELECT version FROM schema_version") == VERSIONS
    assert rows(tmp_path / "aegis.db", "SELECT name FROM sqlite_master WHERE name = 'notes'") == []


async def test_a_step_that_is_cancelled_in_the_middle_ends_before_the_store_is_closed(url: str) -> None:
    for pause in (0.0, 0.001, 0.002, 0.004, 0.008):
        store = SqlStore(url)
        await store.start()
        writing = asyncio.create_task(store.save_last_contact(NOW))
        await asyncio.sleep(pause)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await store.close()
        # What the driver still had to do would go on in a task of its own, and could wait for ever.
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("password", ["p@ss/w:rd", "w:rd@x", "a/w:rd", "a?w:rd", "a#w:rd"])
async def test_no_piece_of_a_password_that_was_not_encoded_is_shown(password: str) -> None:
    error = await refused(f"postgresql://aegis:{password}@127.0.0.1:9/aegis")
    assert "percent-encoded" in error.message
    assert "w:rd" not in f"{error.sentence}{error.detail}{error.__cause__}"


async def test_a_host_that_is_none_is_not_shown() -> None:
    url = URL.create("postgresql+psycopg", "aegis", "p", "ss/w:rd@postgres", database="w:rd@x")
    assert "w:rd" not in errors.place(url)
