"""``aegis audit``: verifies and exports a trail, and reports every change to it."""

from __future__ import annotations

import asyncio
import gzip
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot import audit_head, telemetry
from bot.adapters.database.store import SqlStore
from bot.domain.guard import Refusal, RefusalReason
from bot.domain.incident import Approval, Press, State, Thread
from bot.domain.redaction.redact import redact
from bot.errors import StoreUnavailable
from tests.adapters.store_contract import NOW, an_alert, an_incident, moved
from tests.support.command_line import Aegis, command_line

FIRST_RULE = Path(__file__).parents[1] / "corpus" / "store" / "schema_3_trail_1.sql"
KEY = "correct horse battery staple"


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


async def written(incident: str = "inc-00001") -> None:
    store = SqlStore("sqlite:///aegis.db")
    await store.start()
    await store.receive(an_alert())
    await store.open(an_incident())
    press = Press("U0STRANGER", "T1", Thread("C1", "1.1"), incident, "ab12", "1.2")
    await store.save_refusal(press, Refusal(RefusalReason.APPROVERS, "Not on the list."), NOW)
    await store.close()


async def restarted() -> None:
    store = SqlStore("sqlite:///aegis.db")
    await store.start()
    (incident,) = (await store.take_over(everything=True)).live
    proposed = await moved(store, incident, State.PROPOSED)
    approval = Approval("U0ONCALL", NOW, "ab12")
    await store.save_if_unchanged(proposed, replace(proposed, state=State.ACTING, restarted_at=NOW), approval)
    await store.close()


def tamper(*statements: str) -> None:
    with closing(sqlite3.connect("aegis.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def first_rule() -> None:
    with closing(sqlite3.connect("aegis.db")) as connection:
        connection.executescript(FIRST_RULE.read_text())


def test_an_intact_trail_is_reported_with_its_head(aegis: Aegis) -> None:
    asyncio.run(written())
    ended = aegis("audit", "verify")
    assert ended.code == 0
    assert "The audit trail is intact: 3 rows." in ended.out
    said = aegis("audit", "verify", "--json").json
    assert said["head"] in ended.out
    assert (said["ok"], said["rows"]) == (True, 3)


def test_a_row_that_was_changed_is_named(aegis: Aegis) -> None:
    asyncio.run(written())
    tamper("UPDATE audit SET verdict = 'allowed' WHERE number = 3")
    ended = aegis("audit", "verify")
    assert (ended.code, ended.out) == (1, "")
    assert "Row 3 was changed after it was written." in ended.err
    said = aegis("audit", "verify", "--json")
    assert (said.code, said.json["ok"]) == (1, False)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("verdict", ["", "nonsense", "x'6e6f2072756c65'", "'no rule '"])
def test_a_verdict_written_over_where_nothing_was_decided_is_named(aegis: Aegis, verdict: str, old: bool) -> None:
    first_rule() if old else asyncio.run(written())
    tamper(f"UPDATE audit SET verdict = {verdict if verdict.endswith(chr(39)) else repr(verdict)} WHERE number = 1")
    ended = aegis("audit", "verify")
    assert ended.code == 1
    assert "Row 1 was changed after it was written." in ended.err


@pytest.mark.parametrize("old", [False, True])
def test_a_trail_that_was_emptied_is_not_reported_as_intact(aegis: Aegis, old: bool) -> None:
    first_rule() if old else asyncio.run(written())
    tamper("DELETE FROM audit")
    ended = aegis("audit", "verify")
    assert ended.code == 1
    assert "inc-00001" in ended.err


def test_rows_cut_off_are_missed_with_the_head_that_was_noted(aegis: Aegis) -> None:
    asyncio.run(written())
    head = aegis("audit", "verify", "--json").json["head"]
    tamper("DELETE FROM audit WHERE number = 3", "DELETE FROM refusals")
    assert aegis("audit", "verify").code == 0
    ended = aegis("audit", "verify", "--head", head)
    assert ended.code == 1
    assert "taken away" in ended.err


def test_a_refusal_cut_off_at_the_end_is_named(aegis: Aegis) -> None:
    asyncio.run(written())
    tamper("DELETE FROM audit WHERE number = 3")
    ended = aegis("audit", "verify")
    assert ended.code == 1
    assert "U0STRANGER" in ended.err


def test_a_restart_cut_off_at_the_end_is_named_with_its_approval(aegis: Aegis) -> None:
    asyncio.run(written())
    asyncio.run(restarted())
    assert aegis("audit", "verify").code == 0
    tamper("DELETE FROM audit WHERE number > 4")
    ended = aegis("audit", "verify")
    assert ended.code == 1
    assert "U0ONCALL" in ended.err
    assert "inc-00001 was restarted" in ended.err


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
    assert "The database of AEGIS_DATABASE_URL does not exist." in ended.err
    assert not Path("aegis.db").exists()


# The trail and the tables


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM approvals WHERE incident = 'inc-00006'", "An approval is in the trail and not in its table"),
        ("UPDATE approvals SET person = 'U9' WHERE incident = 'inc-00006'", "by U9"),
        ("UPDATE approvals SET digest = '' WHERE incident = 'inc-00006'", "inc-00006"),
        (
            "INSERT INTO approvals VALUES ('t', 'inc-00002', 2, 'U9', '2026-11-22T10:00:00+00:00', 'x', 'restart')",
            "by U9",
        ),
        ("DELETE FROM refusals WHERE incident = 'no-such'", "A refusal is in the trail and not in its table"),
        ("UPDATE refusals SET rule = 'cooldown' WHERE incident = 'inc-00003'", "A refusal is in its table"),
        ("UPDATE refusals SET reason = x'00' WHERE incident = 'inc-00003'", "A refusal is in its table"),
        ("DELETE FROM incidents WHERE id = 'inc-00001'", "Incident inc-00001 is in the trail and not in its table"),
        ("UPDATE incidents SET state = 'IGNORED' WHERE id = 'inc-00005'", "by the trail it is RESOLVED"),
        ("UPDATE incidents SET restarted_at = '2026' WHERE id = 'inc-00002'", "Incident inc-00002 was restarted"),
        ("UPDATE incidents SET id = 'inc-99' WHERE id = 'inc-00002'", "inc-99 is in its table and not in the trail"),
    ],
)
def test_what_stands_in_the_trail_or_in_a_table_only_is_named(aegis: Aegis, statement: str, said: str) -> None:
    first_rule()
    assert aegis("audit", "verify").code == 0
    tamper(statement)
    ended = aegis("audit", "verify")
    assert ended.code == 1
    assert said in ended.err


def test_records_from_before_there_was_a_trail_are_counted_and_not_called_missing(aegis: Aegis) -> None:
    with closing(sqlite3.connect("aegis.db")) as connection:
        connection.executescript((FIRST_RULE.parent / "schema_1.sql").read_text())
    ended = aegis("audit", "verify")
    assert ended.code == 0
    assert "1 record is older than the trail" in ended.out


# The trail of the first rule


def test_a_trail_of_the_first_rule_verifies_goes_on_and_records_the_change(aegis: Aegis) -> None:
    first_rule()
    before = aegis("audit", "verify")
    assert (before.code, "The audit trail is intact: 49 rows." in before.out) == (0, True)
    asyncio.run(restart_of("inc-00002"))
    rows = aegis("audit", "export").lines
    assert [row["kind"] for row in rows[49:]] == ["trail", "press", "state"]
    assert aegis("audit", "verify").code == 0
    tamper("UPDATE audit SET said = 'x' WHERE number = 7")
    assert "Row 7 was changed" in aegis("audit", "verify").err


async def restart_of(name: str, key: str = "") -> None:
    store = SqlStore("sqlite:///aegis.db", key)
    await store.start()
    incident = next(one for one in (await store.take_over(everything=True)).live if one.id == name)
    after = replace(incident, state=State.ACTING, restarted_at=NOW)
    assert await store.save_if_unchanged(incident, after, Approval("U0ONCALL", NOW, "ab12"))
    await store.close()


# The key


def test_a_trail_goes_on_with_the_key_from_the_start_on(aegis: Aegis) -> None:
    first_rule()
    asyncio.run(begun(KEY))
    ended = aegis("audit", "verify", AEGIS_AUDIT_KEY=KEY)
    assert (ended.code, "The audit trail is intact: 50 rows." in ended.out) == (0, True)
    asyncio.run(begun(KEY))
    assert aegis("audit", "verify", "--json", AEGIS_AUDIT_KEY=KEY).json["rows"] == 50


def test_without_the_key_it_is_said_that_the_key_is_missing(aegis: Aegis) -> None:
    first_rule()
    asyncio.run(begun(KEY))
    ended = aegis("audit", "verify")
    assert (ended.code, ended.out) == (2, "")
    assert "Not verified: a key seals 1 row of 50, and AEGIS_AUDIT_KEY is not set." in ended.err
    assert "changed" not in ended.err
    said = aegis("audit", "verify", "--json")
    assert (said.code, said.json["ok"]) == (2, False)
    assert "AEGIS_AUDIT_KEY is not set" in said.json["detail"]
    tamper("DELETE FROM audit WHERE number = 9")
    assert aegis("audit", "verify").code == 1


def test_with_another_key_or_a_trail_without_it_nothing_is_reported_as_intact(aegis: Aegis) -> None:
    asyncio.run(written())
    assert "not sealed with the key" in aegis("audit", "verify", AEGIS_AUDIT_KEY=KEY).err
    asyncio.run(begun(KEY))
    ended = aegis("audit", "verify", AEGIS_AUDIT_KEY="another key of sixteen")
    assert ended.code == 1
    assert "it is another key" in ended.err


def test_a_trail_with_a_key_does_not_go_on_without_it(aegis: Aegis) -> None:
    asyncio.run(written())
    asyncio.run(begun(KEY))
    with pytest.raises(StoreUnavailable, match="AEGIS_AUDIT_KEY is not set"):
        asyncio.run(begun(""))
    with pytest.raises(StoreUnavailable, match="AEGIS_AUDIT_KEY is not set"):
        asyncio.run(written("another"))


async def begun(key: str) -> None:
    store = SqlStore("sqlite:///aegis.db", key)
    try:
        await store.start()
        await store.begin_trail()
    finally:
        await store.close()


# The log


def log_of(caplog: pytest.LogCaptureFixture, form: str) -> str:
    """Return the head as Aegis's log has it."""
    formatter = telemetry._Objects(redact) if form == "json" else telemetry._Lines(redact)
    store = SqlStore("sqlite:///aegis.db")

    async def wrote() -> None:
        await store.start()
        await audit_head.write(store)
        await store.close()

    caplog.clear()
    logging.getLogger().setLevel("ERROR")
    asyncio.run(wrote())
    return "".join(formatter.format(record) + "\n" for record in caplog.records)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_has_seen_the_head_shows_that_rows_and_records_were_cut_off(
    aegis: Aegis, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    asyncio.run(written())
    Path("aegis.log").write_text(log_of(caplog, form))
    ended = aegis("audit", "verify", "--log", "aegis.log")
    assert (ended.code, "It contains the row of the log." in ended.out) == (0, True)
    tamper("DELETE FROM audit WHERE number = 3", "DELETE FROM refusals")
    assert aegis("audit", "verify").code == 0
    ended = aegis("audit", "verify", "--log", "aegis.log")
    assert ended.code == 1
    assert "The log has seen row 3, the trail ends with row 2" in ended.err
    assert aegis("audit", "verify", "--log", "-", stdin=Path("aegis.log").read_bytes()).code == 1
    tamper("DELETE FROM audit", "DELETE FROM incidents", "DELETE FROM alerts")
    asyncio.run(written("another"))
    assert "Row 3 is not the one that the log has seen" in aegis("audit", "verify", "--log", "aegis.log").err


@pytest.mark.parametrize("name", ["aegis.log.1", "aegis.log-20261122", "aegis.log.2.gz", "aegis.log-20261122.gz"])
def test_the_files_that_were_laid_aside_are_read_too(aegis: Aegis, caplog: pytest.LogCaptureFixture, name: str) -> None:
    asyncio.run(written())
    seen = log_of(caplog, "text").encode()
    packed = gzip.compress(b"one line\n" * 99_999) + gzip.compress(seen)
    Path(name).write_bytes(packed if name.endswith(".gz") else seen)
    Path("aegis.log").write_text("nothing yet\n")
    Path("aegis.log.sql").write_text("audit trail head")
    tamper("DELETE FROM audit WHERE number = 3", "DELETE FROM refusals")
    assert aegis("audit", "verify", "--log", "aegis.log").code == 1


def test_a_log_that_cannot_prove_anything_is_no_proof(aegis: Aegis) -> None:
    asyncio.run(written())
    Path("aegis.log").write_text(
        "2026-11-22 10:04:31,123 INFO    bot.wiring.application [-] running, connected to Slack\n"
    )
    for name in ("aegis.log", "no.log", "."):
        ended = aegis("audit", "verify", "--log", name)
        assert (ended.code, ended.out) == (1, "")
    Path("aegis.log.gz").write_bytes(b"\x1f\x8b\x08nonsense")
    assert "damaged" in aegis("audit", "verify", "--log", "aegis.log.gz").err
