"""The store on a PostgreSQL of its own: the contract, lost connections, a server that is down, logins that fail."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from dataclasses import replace
from random import Random

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import transactions
from bot.adapters.database.store import SqlStore
from bot.domain.audit.trail import TrailCheck
from bot.domain.incident import Approval, State
from bot.errors import SchemaTooNew, StoreError, StoreUnavailable
from bot.settings import load
from tests.adapters.store_contract import (
    NOW,
    SecondStore,
    StoreContract,
    an_alert,
    an_incident,
    line,
    moved,
    store,
    worker,
)
from tests.live.postgres import Cluster, cluster, statement, url
from tests.support.long_form import LONG

__all__ = ["cluster", "store", "url"]

pytestmark = pytest.mark.live


class TestPostgres(StoreContract):
    """The contract on PostgreSQL."""


async def ready(store: SqlStore, count: int) -> None:
    """Put up ``count`` cards to be pressed."""

    async def one(number: int) -> None:
        opened = await store.open(an_incident(number, f"app-{number}"))
        await moved(store, opened.incident, State.PROPOSED)

    for first in range(0, count, 10):
        await asyncio.gather(*(one(number) for number in range(first, min(first + 10, count))))


async def approvals(store: SqlStore) -> dict[str, int]:
    """Count the approvals of each incident."""
    asked = text("SELECT incident, count(*) FROM approvals GROUP BY incident")

    async def work(connection: AsyncConnection) -> dict[str, int]:
        return {row[0]: row[1] for row in await connection.execute(asked)}

    return await store._run(work)


async def refused(url: str) -> StoreError:
    store = SqlStore(url)
    with pytest.raises(StoreError) as caught:
        await store.start()
    assert "hunter2" not in f"{caught.value.sentence}{caught.value.detail}{caught.value.__cause__}"
    return caught.value


async def test_replicas_that_start_at_once_make_the_tables_once(url: str) -> None:
    stores = [SqlStore(url) for _ in range(6)]
    await asyncio.gather(*(store.start() for store in stores))
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.fault(75)
async def test_75_two_replicas_take_the_same_event_and_one_answers_it(store: SqlStore, url: str) -> None:
    async with SecondStore(url) as other:
        for number in range(30):
            taken = await asyncio.gather(*(each.receive(an_alert(f"C1:{number}")) for each in (store, other, other)))
            assert sum(taken) == 1
        assert len(await store.unhandled()) == 30


@pytest.mark.parametrize("count", (200, 3000) if LONG else (200,))
async def test_three_processes_race_for_many_incidents_and_none_is_won_twice(
    store: SqlStore, url: str, count: int
) -> None:
    await ready(store, count)
    workers = [worker("race", url, f"U{number}") for number in range(3)]
    for each in workers:
        assert await asyncio.to_thread(line, each) == "ready"
    said = await asyncio.gather(*(asyncio.to_thread(each.communicate, "go\n") for each in workers))
    assert [each.returncode for each in workers] == [0, 0, 0]
    won = [name for out, _ in said for name in out.split()]
    assert sorted(won) == [f"inc-{number:05}" for number in range(count)]
    assert await approvals(store) == dict.fromkeys(won, 1)


@pytest.mark.fault(74)
async def test_replicas_killed_and_paused_in_the_middle_of_a_race_win_nothing_twice(store: SqlStore, url: str) -> None:
    count, ended = 150, asyncio.Event()
    await ready(store, count)
    workers: list[subprocess.Popen[str]] = []
    said: list[str] = []

    async def racing(number: int) -> None:
        while not ended.is_set():
            each = await asyncio.to_thread(worker, "race", url, f"U{number}")
            workers.append(each)
            started = await asyncio.to_thread(line, each) == "ready"  # else it was killed before that
            said.append((await asyncio.to_thread(each.communicate, "go\n" if started else None))[0])
            if each.returncode == 0:
                return

    async def trouble() -> None:
        chance = Random(74)
        while not ended.is_set():
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            running = [each for each in workers if each.poll() is None]
            if len(running) < 3:
                continue
            victim = chance.choice(running)
            victim.send_signal(signal.SIGSTOP)
            await asyncio.sleep(chance.choice((0.2, 4)))  # the longer one outlasts the database's patience
            victim.send_signal(chance.choice((signal.SIGCONT, signal.SIGKILL)))

    troubling = asyncio.create_task(trouble())
    await asyncio.gather(*(racing(number) for number in range(3)))
    ended.set()
    await troubling
    kept = await approvals(store)
    assert kept == {f"inc-{number:05}": 1 for number in range(count)}
    won = [name for out in said for name in out.split()]
    assert len(won) == len(set(won))
    assert TrailCheck().read(await store.trail(limit=10 * count)) == ""


async def test_a_replica_paused_in_the_middle_of_a_transaction_keeps_the_others_waiting_for_seconds_only(
    store: SqlStore, url: str
) -> None:
    incident = (await store.open(an_incident())).incident
    other = await asyncio.to_thread(worker, "hold", url, incident.id)
    assert await asyncio.to_thread(line, other) == "ready"
    assert other.stdin is not None
    other.stdin.write("go\n")
    other.stdin.flush()
    assert await asyncio.to_thread(line, other) == "holding"
    other.send_signal(signal.SIGSTOP)
    try:
        assert await store.save_if_unchanged(incident, replace(incident, state=State.PROPOSED)) is not None
    finally:
        other.send_signal(signal.SIGCONT)
    out, _ = await asyncio.to_thread(other.communicate)
    assert out.split() == ["refused"]


async def test_two_replicas_press_at_once_and_one_wins(store: SqlStore, url: str) -> None:
    other = SqlStore(url)
    await other.start()
    for number in range(50):
        opened = await moved(store, (await store.open(an_incident(number, f"a{number}"))).incident, State.PROPOSED)
        after = replace(opened, state=State.ACTING)
        won = await asyncio.gather(
            *(
                each.save_if_unchanged(opened, after, Approval(f"U{n}", NOW, "ab"))
                for n, each in enumerate((store, other, store, other))
            )
        )
        assert sum(saved is not None for saved in won) == 1
    await other.close()


@pytest.mark.fault(73)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_73_a_connection_that_dies_at_commit_is_looked_up_before_anything_is_said(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
    monkeypatch.setattr(transactions, "RETRY_PAUSES_S", (0, 0))
    assert store._engine is not None
    dialect = store._engine.sync_engine.dialect
    commit = dialect.do_commit
    broken: list[str] = []

    def dies(connection: object) -> None:
        if not broken:
            broken.append(when)
            if when == "after":
                commit(connection)  # type: ignore[arg-type]
            connection.driver_connection.pgconn.finish()  # type: ignore[attr-defined]
        commit(connection)  # type: ignore[arg-type]

    monkeypatch.setattr(dialect, "do_commit", dies)
    approval = Approval("U1", NOW, "ab12")
    won = await store.save_if_unchanged(opened, replace(opened, state=State.ACTING, approval=approval), approval)
    assert broken == [when]
    assert won is not None
    assert await store.get(opened.id) == won
    assert won.revision == opened.revision + 1
    async with store._engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM approvals")) == 1


async def test_a_server_that_restarts_is_found_again(cluster: Cluster, store: SqlStore) -> None:
    opened = (await store.open(an_incident())).incident
    await asyncio.to_thread(cluster.stop)
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{cluster.port}") as caught:
        await store.save_if_unchanged(opened, replace(opened, state=State.PROPOSED))
    assert "hunter2" not in f"{caught.value.sentence}{caught.value.detail}"
    await asyncio.to_thread(cluster.start)
    assert await store.get(opened.id) == opened
    assert await store.receive(an_alert())


async def test_a_row_that_somebody_locks_too_long_is_no_win(
    store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
    impatient = SqlStore(f"{url}?options=-c%20lock_timeout%3D100")
    await impatient.start()
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("SELECT * FROM incidents FOR UPDATE")
        with pytest.raises(StoreUnavailable):
            await impatient.save_if_unchanged(opened, replace(opened, state=State.ACTING))
    assert await store.get(opened.id) == opened
    await impatient.close()


async def test_wrong_logins_and_databases_are_named_without_the_password(cluster: Cluster, url: str) -> None:
    assert "127.0.0.1" in (await refused(url.replace("hunter2", "hunter22"))).message
    assert "127.0.0.1" in (await refused(cluster.url("nowhere"))).message
    assert "127.0.0.1" in (await refused(url.replace(f":{cluster.port}", ":1"))).message


@pytest.mark.fault(72)
async def test_a_server_that_takes_no_writes_is_found_at_start(store: SqlStore, url: str, cluster: Cluster) -> None:
    await statement(cluster.url(), f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET default_transaction_read_only = on")
    assert "takes no writes" in (await refused(url)).message


async def test_a_newer_schema_and_somebody_elses_tables_are_refused(
    store: SqlStore, url: str, cluster: Cluster
) -> None:
    await statement(url, "INSERT INTO schema_version VALUES (99, '2030-01-01T00:00:00.000000+00:00')")
    assert isinstance(await refused(url), SchemaTooNew)
    await statement(cluster.url(), "CREATE TABLE songs (name TEXT)")
    assert "something else" in (await refused(cluster.url())).message


async def test_a_password_of_any_signs_logs_in_as_a_setting_of_its_own(cluster: Cluster, url: str) -> None:
    password = "p@ss/w:rd%41?#'"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE guest LOGIN PASSWORD 'p@ss/w:rd%41?#''' SUPERUSER")
    try:
        plain = url.replace("aegis:hunter2@", "guest@")
        environment = {"AEGIS_DATABASE_URL": plain, "AEGIS_DATABASE_PASSWORD": password}
        settings = load(environment, env_file=None)
        store = SqlStore(settings.database_url)
        await store.start()
        assert "127.0.0.1" in await store.check()
        await store.close()
        wrong = load({**environment, "AEGIS_DATABASE_PASSWORD": "other/w0rd"}, env_file=None)
        with pytest.raises(StoreUnavailable, match="refuses") as caught:
            await SqlStore(wrong.database_url).start()
        assert "w0rd" not in f"{caught.value.sentence}{caught.value.detail}"
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("REASSIGN OWNED BY guest TO aegis")
            admin.execute("DROP OWNED BY guest")
            admin.execute("DROP ROLE guest")
