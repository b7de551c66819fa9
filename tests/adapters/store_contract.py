"""What every database must do; ``TestSqlite`` and ``TestPostgres`` run it on theirs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.adapters.database.migrations import MIGRATIONS
from bot.adapters.database.store import SqlStore
from bot.adapters.database.tables import replicas
from bot.domain.alerts.alert import Alert, Kind
from bot.domain.audit.tables import TableComparison
from bot.domain.audit.trail import AuditEvent, TrailCheck, Verdict
from bot.domain.diagnosis import Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, LogDigest, LogLine, Source, Status
from bot.domain.guard import Permit, Refusal, RefusalReason
from bot.domain.incident import Approval, Incident, Press, State, Thread
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.target import TargetKind, parse_target
from bot.domain.verification import Verification
from bot.errors import StoreUnavailable
from bot.ports.database import ReceivedAlert
from tests.support.long_form import often

RACES = often(60, 3_000)
"""Incidents for which three processes race."""

NOW = datetime(2026, 11, 22, 10, 4, 31, 123456, tzinfo=UTC)


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url)
    await opened.start()
    yield opened
    await opened.close()


def an_incident(number: int = 1, target: str = "buggy-app-v2", state: State = State.OPEN) -> Incident:
    return Incident(
        f"inc-{number:05}",
        parse_target(target),
        Thread("C1", "1.1"),
        state,
        NOW + timedelta(seconds=number),
        title="Pool exhausted",
    )


def a_full_incident() -> Incident:
    return replace(
        an_incident(),
        opened_by="U1",
        evidence=Evidence(
            parse_target("buggy-app-v2"),
            "2026-11-22T10:04:31Z",
            None,
            LogDigest((LogLine(3, "ERROR täglich \x00 \ud800 \u202e", 412),), 1204, 99),
            sources=(Source("logs", Status.OK, "1,204 lines"),),
        ),
        diagnosis=Diagnosis(
            "pool exhausted", "held", Action.RESTART, "released", 0.86,
            FailureClass.RESOURCE_EXHAUSTION, True, "gemini",
            (Quote(3, "ERROR"),),
        ),
        precedents=(Precedent(Entry("a", "restart", evidence=("x",), recovered_in_s=7.4), 0.5, "same symptom"),),
        verdict=Refusal(RefusalReason.COOLDOWN, "Too soon."),
        approval=Approval("U2", NOW, "ab12"),
        times_before=("2026-11-22T09:00:00.123456789Z", ""),
        restarted_at=NOW,
        verification=Verification(True, 7.4, 3, ("200",), "x", True, summary="200 ×3, healthy"),
    )  # fmt: skip


def an_alert(key: str = "C1:1.1", at: datetime = NOW) -> ReceivedAlert:
    return ReceivedAlert(
        key, Thread("C1"), "1.1", Alert(Kind.FIRING, "down", labels=(("container", "buggy-app-v2"),)), at
    )


async def moved(store: SqlStore, incident: Incident, *states: State) -> Incident:
    """Take an incident through states; every step must win."""
    for state in states:
        following = await store.save_if_unchanged(incident, replace(incident, state=state))
        assert following is not None
        incident = following
    return incident


def worker(what: str, url: str, name: str) -> subprocess.Popen[str]:
    """Start a process of its own that works on the database once it is told ``go``."""
    command = [sys.executable, "-m", "tests.adapters.store_worker", what, url, name]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


async def dead(store: SqlStore, ago: float = 3600) -> None:
    """Let the store's process have shown its last sign of life ``ago`` seconds ago."""
    shift = update(replicas).where(replicas.c.owner == store._owner).values(seen_at=replicas.c.seen_at - ago)
    await store._run(lambda connection: connection.execute(shift))


class SecondStore(AbstractAsyncContextManager[SqlStore]):
    """Another process's store over the same database."""

    def __init__(self, url: str) -> None:
        self._store = SqlStore(url)

    async def __aenter__(self) -> SqlStore:
        await self._store.start()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()


class StoreContract:
    """The tests; a subclass gives the fixture ``store`` and ``url``."""

    async def test_an_incident_comes_back_as_it_was_saved(self, store: SqlStore) -> None:
        opened = await store.open(a_full_incident())
        assert opened.new
        assert await store.get("inc-00001") == opened.incident
        line = "ERROR täglich \ufffd \ufffd \u202e"
        evidence = a_full_incident().evidence
        assert evidence is not None
        expected = replace(evidence, log=LogDigest((LogLine(3, line, 412),), 1204, 99))
        assert opened.incident == replace(a_full_incident(), evidence=expected)

    @pytest.mark.parametrize(
        "verdict",
        [Permit(), Permit(dry_run=True), Refusal(RefusalReason.UNKNOWN, ""), Refusal(RefusalReason.OWN, "No."), None],
    )
    async def test_a_permit_never_comes_back_as_a_refusal_nor_the_reverse(
        self, store: SqlStore, verdict: Permit | Refusal | None
    ) -> None:
        await store.open(replace(an_incident(), verdict=verdict))
        found = await store.get("inc-00001")
        assert found is not None
        assert found.verdict == verdict
        assert type(found.verdict) is type(verdict)

    async def test_what_is_unknown_is_none(self, store: SqlStore) -> None:
        assert await store.get("never \x00 seen") is None
        assert await store.recent() == ()

    async def test_a_second_alert_is_counted_to_the_live_incident_and_leaves_its_revision(
        self, store: SqlStore
    ) -> None:
        first = await store.open(an_incident(1))
        second = await store.open(an_incident(2))
        assert not second.new
        assert second.incident == replace(first.incident, alerts=2)
        assert await store.save_if_unchanged(first.incident, replace(first.incident, title="still mine")) is not None

    async def test_targets_of_one_name_on_two_hosts_or_of_two_kinds_are_not_one(self, store: SqlStore) -> None:
        same = parse_target("web")
        targets = same, replace(same, host="east"), replace(same, kind=TargetKind.SERVICE)
        for number, target in enumerate(targets, 1):
            opened = await store.open(replace(an_incident(number), target=target))
            assert (opened.new, opened.incident.target) == (True, target)
        for target in targets:
            (live,) = await store.live(target)
            assert (live.target, [live]) == (target, list(await store.recent(target)))
        assert await moved(store, live, State.PROPOSED, State.ACTING)
        now = NOW + timedelta(minutes=1)
        assert [bool((await store.history(target, now)).restarting) for target in targets] == [False, False, True]

    async def test_an_ended_incident_makes_room_for_a_new_one(self, store: SqlStore) -> None:
        first = (await store.open(an_incident(1))).incident
        await moved(store, first, State.RESOLVED)
        assert (await store.open(an_incident(2))).new
        assert [incident.id for incident in await store.recent(parse_target("buggy-app-v2"))] == [
            "inc-00002",
            "inc-00001",
        ]
        assert [incident.id for incident in await store.live()] == ["inc-00002"]

    async def test_recent_is_newest_first_and_limited_and_live_oldest_first(self, store: SqlStore) -> None:
        for number in (2, 1, 3):
            await store.open(an_incident(number, f"app-{number}"))
        assert [incident.id for incident in await store.recent(limit=2)] == ["inc-00003", "inc-00002"]
        assert [incident.id for incident in await store.live()] == ["inc-00001", "inc-00002", "inc-00003"]
        assert [incident.id for incident in await store.live(parse_target("app-3"))] == ["inc-00003"]

    async def test_what_waits_for_a_decision_beyond_the_newest_is_found(self, store: SqlStore) -> None:
        for number in (2, 1, 4, 3, 5):
            opened = (await store.open(an_incident(number, f"app-{number}"))).incident
            await moved(store, opened, *([State.PROPOSED] if number < 5 else []))
        assert {incident.id for incident in await store.oldest_beyond(2)} == {"inc-00001", "inc-00002"}
        assert await store.oldest_beyond(4) == ()

    async def test_a_claim_returns_what_was_saved_with_its_new_revision_and_all_alerts(self, store: SqlStore) -> None:
        opened = (await store.open(an_incident(1))).incident
        await store.open(an_incident(2))
        saved = await store.save_if_unchanged(opened, replace(opened, state=State.PROPOSED, digest="ab"))
        assert saved == replace(opened, state=State.PROPOSED, digest="ab", revision=1, alerts=2)
        assert await store.get(opened.id) == saved

    async def test_a_claim_on_what_has_changed_since_is_lost_and_changes_nothing(self, store: SqlStore) -> None:
        opened = (await store.open(an_incident())).incident
        saved = await moved(store, opened, State.PROPOSED)
        approval = Approval("U9", NOW, "x")
        assert await store.save_if_unchanged(opened, replace(opened, state=State.IGNORED)) is None
        assert (
            await store.save_if_unchanged(replace(saved, revision=0), replace(saved, state=State.ACTING), approval)
            is None
        )
        assert await store.save_if_unchanged(replace(opened, revision=1), replace(opened, state=State.IGNORED)) is None
        assert await store.get(opened.id) == saved

    async def test_what_the_table_does_not_hold_is_a_mistake_of_ours(self, store: SqlStore) -> None:
        opened = (await store.open(an_incident())).incident
        with pytest.raises(ValueError, match="ACTING does not follow OPEN"):
            await store.save_if_unchanged(opened, replace(opened, state=State.ACTING))
        with pytest.raises(ValueError, match="is not"):
            await store.save_if_unchanged(opened, an_incident(2))

    async def test_nobody_approves_what_is_approved_already(self, store: SqlStore) -> None:
        opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
        approval = Approval("U1", NOW, "ab")
        first = await store.save_if_unchanged(opened, replace(opened, state=State.ACTING, approval=approval), approval)
        assert first is not None
        with pytest.raises(ValueError, match="approval"):
            await store.save_if_unchanged(first, first, Approval("U2", NOW, "ab"))

    async def test_one_of_many_presses_wins(self, store: SqlStore) -> None:
        opened = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
        presses = [
            store.save_if_unchanged(opened, replace(opened, state=State.ACTING, approval=approval), approval)
            for approval in (Approval(f"U{number}", NOW, "ab") for number in range(30))
        ]
        ignores = [
            store.save_if_unchanged(opened, replace(opened, state=State.IGNORED, closed_by=f"U{n}")) for n in range(10)
        ]
        won = [saved for saved in await asyncio.gather(*presses, *ignores) if saved is not None]
        assert len(won) == 1
        assert await store.get(opened.id) == won[0]

    @pytest.mark.fault(68)
    async def test_three_processes_race_and_each_incident_has_one_winner(self, store: SqlStore, url: str) -> None:
        for number in range(RACES):
            opened = await store.open(an_incident(number, f"app-{number}"))
            await moved(store, opened.incident, State.PROPOSED)
        workers = [worker("race", url, f"U{number}") for number in range(3)]
        for each in workers:
            assert await asyncio.to_thread(line, each) == "ready"
        said = await asyncio.gather(*(asyncio.to_thread(each.communicate, "go\n") for each in workers))
        assert [each.returncode for each in workers] == [0, 0, 0]
        won = sorted(name for out, _ in said for name in out.split())
        assert won == [f"inc-{number:05}" for number in range(RACES)]

    async def test_one_of_many_alerts_opens_and_all_others_are_counted(self, store: SqlStore) -> None:
        opened = await asyncio.gather(*(store.open(an_incident(number)) for number in range(40)))
        assert sum(each.new for each in opened) == 1
        assert [incident.alerts for incident in await store.live()] == [40]

    async def test_an_alert_is_taken_in_once_and_stays_until_it_is_handled(self, store: SqlStore) -> None:
        taken = await asyncio.gather(*(store.receive(an_alert()) for _ in range(20)))
        assert sum(taken) == 1
        assert await store.receive(an_alert("C1:0.9", NOW - timedelta(seconds=5)))
        assert await store.unhandled() == (an_alert("C1:0.9", NOW - timedelta(seconds=5)), an_alert())
        await store.mark_handled("C1:1.1")
        await store.mark_handled("C1:1.1")
        assert [received.key for received in await store.unhandled()] == ["C1:0.9"]
        assert not await store.receive(an_alert())

    async def test_old_alerts_are_forgotten_once_they_are_handled(self, store: SqlStore) -> None:
        old = datetime.now(UTC) - timedelta(days=31)
        for key in ("done", "open"):
            assert await store.receive(an_alert(key, old))
        await store.mark_handled("done")
        await store.receive(an_alert("new", datetime.now(UTC)))
        assert await store.receive(an_alert("done", old))
        assert not await store.receive(an_alert("open", old))

    async def test_history_counts_the_restarts_of_the_last_hour_of_this_target(self, store: SqlStore) -> None:
        for number, minutes in enumerate((5, 20, 59, 61)):
            opened = (await store.open(an_incident(number))).incident
            then = replace(opened, restarted_at=NOW - timedelta(minutes=minutes))
            await moved(store, then, State.PROPOSED, State.ACTING, State.VERIFYING, State.RESOLVED)
        await store.open(an_incident(9, "another"))
        history = await store.history(parse_target("buggy-app-v2"), NOW)
        assert history.last_restart == NOW - timedelta(minutes=5)
        assert history.restarts_within_hour == 3
        assert history.restarting == ""
        assert (await store.history(parse_target("another"), NOW)).last_restart is None

    async def test_history_names_the_incident_in_the_midst_of_a_restart(self, store: SqlStore) -> None:
        opened = (await store.open(an_incident())).incident
        restarting = await moved(store, opened, State.PROPOSED, State.ACTING)
        assert (await store.history(parse_target("buggy-app-v2"), NOW)).restarting == opened.id
        await moved(store, restarting, State.VERIFYING)
        assert (await store.history(parse_target("buggy-app-v2"), NOW)).restarting == ""

    async def test_ended_incidents_are_unremembered_until_that_is_saved(self, store: SqlStore) -> None:
        for number, ways in enumerate(
            [
                (State.RESOLVED,),
                (State.IGNORED,),
                (State.EXPIRED,),
                (State.PROPOSED, State.ACTING, State.UNRESOLVED),
            ]
        ):
            await moved(store, (await store.open(an_incident(number, f"app-{number}"))).incident, *ways)
        waiting = await store.unfinalized()
        assert [incident.target.name for incident in waiting] == ["app-0", "app-1", "app-2", "app-3"]
        assert await store.save_if_unchanged(waiting[0], replace(waiting[0], finalized=True)) is not None
        assert [incident.target.name for incident in await store.unfinalized()] == ["app-1", "app-2", "app-3"]

    async def test_a_refused_press_is_kept_whatever_it_carries(self, store: SqlStore) -> None:
        press = Press("U\x00", "T1", Thread("C1"), "no such incident", "\ud800" * 5000)
        await store.save_refusal(press, Refusal(RefusalReason.APPROVERS, "Not on the list."), NOW)

    async def test_the_trail_tells_alert_incident_refusal_approval_and_steps_in_one_chain(
        self, store: SqlStore
    ) -> None:
        await store.receive(an_alert())
        await store.receive(an_alert())
        first = (await store.open(an_incident())).incident
        await store.open(an_incident(2))
        press = Press("U9\x00", "T1", Thread("C1", "1.1"), first.id, "ab12", "1.2")
        await store.save_refusal(press, Refusal(RefusalReason.APPROVERS, "Not on the list."), NOW)
        proposed = await moved(store, first, State.PROPOSED)
        await store.save_if_unchanged(proposed, replace(proposed, title="only words"))
        proposed = await store.get(first.id) or proposed
        approval = Approval("U2", NOW, "ab12")
        assert await store.save_if_unchanged(
            proposed, replace(proposed, state=State.ACTING, approval=approval), approval
        )
        assert await store.save_if_unchanged(proposed, replace(proposed, state=State.IGNORED)) is None
        await store.add_audit_event(AuditEvent("engine", NOW, incident=first.id, said="restart sent"))
        trail = await store.trail()
        assert [(row.number, row.act.kind, row.act.verdict.value, row.act.rule, row.act.actor) for row in trail] == [
            (1, "alert", "no rule", "", ""),
            (2, "opened", "no rule", "", ""),
            (3, "press", "denied", "approvers", "U9\ufffd"),
            (4, "state", "no rule", "", ""),
            (5, "press", "allowed", "approver", "U2"),
            (6, "state", "no rule", "", ""),
            (7, "engine", "no rule", "", ""),
        ]
        assert trail[5].act.said == "PROPOSED -> ACTING"
        assert TrailCheck().read(trail) == ""
        assert await store.trail(after=5, limit=1) == trail[5:6]

    async def test_until_when_slack_was_heard_never_goes_back(self, store: SqlStore) -> None:
        assert await store.last_contact() is None
        for minutes in (2, 5, 3):
            await store.save_last_contact(NOW + timedelta(minutes=minutes))
        assert await store.last_contact() == NOW + timedelta(minutes=5)

    async def test_acts_of_many_at_once_make_one_chain(self, store: SqlStore) -> None:
        await asyncio.gather(
            *(store.add_audit_event(AuditEvent("engine", NOW, said=str(number))) for number in range(40))
        )
        trail = await store.trail()
        assert (len(trail), TrailCheck().read(trail)) == (40, "")
        assert {row.act.verdict for row in trail} == {Verdict.NO_RULE}

    async def test_the_trail_agrees_with_the_tables(self, store: SqlStore) -> None:
        await store.receive(an_alert())
        proposed = await moved(store, (await store.open(a_full_incident())).incident, State.PROPOSED)
        press = Press("U9\x00", "T1", Thread("C1", "1.1"), proposed.id, "ab12", "1.2")
        await asyncio.gather(
            *(store.save_refusal(press, Refusal(RefusalReason.APPROVERS, "No\ud800."), NOW) for _ in range(3))
        )
        approval = Approval("U2", NOW, "ab12")
        waiting = await store.save_if_unchanged(proposed, replace(proposed, presses=(approval,)), approval)
        assert waiting is not None
        second = Approval("U3", NOW, "ab12")
        restarting = replace(waiting, state=State.ACTING, restarted_at=NOW, approval=second)
        saved = await store.save_if_unchanged(waiting, restarting, second)
        assert saved is not None
        await moved(store, saved, State.VERIFYING, State.RESOLVED)
        trail, tables = await store.trail(), await store.audit_tables()
        compared = TableComparison(tables)
        compared.read(trail)
        assert (compared.differences(), TrailCheck().read(trail)) == ("", "")
        assert (tables.rows, len(tables.approvals), len(tables.refusals)) == (len(trail), 2, 3)
        assert await store.head() == (trail[-1].number, trail[-1].hash)

    async def test_replicas_that_go_over_to_a_key_while_others_write_make_one_chain(
        self, store: SqlStore, url: str
    ) -> None:
        key = "correct horse battery staple"
        await store.add_audit_event(AuditEvent("engine", NOW))
        replicas_with_key = [SqlStore(url, key) for _ in range(3)]
        await asyncio.gather(*(each.start() for each in replicas_with_key))
        await asyncio.gather(*(each.begin_trail() for each in replicas_with_key))
        acts = [AuditEvent("engine", NOW, said=str(number)) for number in range(10)]
        await asyncio.gather(*(each.add_audit_event(act) for each in replicas_with_key for act in acts))
        trail = await store.trail()
        examined = TrailCheck(key=key)
        assert (examined.read(trail), examined.end(), examined.unchecked) == ("", "", 0)
        assert [row.kind for row in trail].count("trail") == 1
        assert len(trail) == 32
        with pytest.raises(StoreUnavailable, match="AEGIS_AUDIT_KEY"):
            await store.add_audit_event(acts[0])
        await asyncio.gather(*(each.close() for each in replicas_with_key))

    async def test_the_third_try_of_an_alert_is_counted_before_it_begins(self, store: SqlStore, url: str) -> None:
        await store.take_over()
        await store.receive(an_alert())
        await store.receive(an_alert("C1:2.2"))
        await store.mark_handled("C1:2.2")
        await dead(store)
        async with SecondStore(url) as second:
            left = await second.take_over()
            assert (left.alerts, left.suspects) == ((an_alert(),), ())
            await dead(second)
            async with SecondStore(url) as third:
                left = await third.take_over()
                assert (left.alerts, left.suspects) == ((), (an_alert(),))
                assert [await third.count_attempt("C1:1.1") for _ in range(2)] == [3, 4]
                assert await third.count_attempt("C1:2.2") == 0
                assert await third.count_attempt("C1:9.9") == 0

    async def test_an_alert_that_is_set_aside_is_so_once_and_stands_in_the_trail(self, store: SqlStore) -> None:
        await store.receive(an_alert())
        act = AuditEvent("alert", NOW, Verdict.DENIED, "tries", said="given up")
        assert [await store.set_aside("C1:1.1", act) for _ in range(2)] == [True, False]
        assert await store.unhandled() == ()
        assert await store.set_aside_since(NOW - timedelta(days=1)) == (an_alert(),)
        assert await store.set_aside_since(NOW + timedelta(seconds=1)) == ()
        assert await store.count_attempt("C1:1.1") == 0
        trail = await store.trail()
        assert ([row.rule for row in trail], TrailCheck().read(trail)) == (["", "tries"], "")

    async def test_what_a_process_stops_in_good_order_is_no_failure(self, store: SqlStore, url: str) -> None:
        for _ in range(5):
            async with SecondStore(url) as one:
                await one.receive(an_alert())
                left = await one.take_over(everything=True)
                assert (left.alerts, left.suspects) == ((an_alert(),), ())
                await one.cancel_attempts()

    async def test_looks_at_an_open_incident_are_counted_until_it_goes_on(self, store: SqlStore, url: str) -> None:
        await store.take_over()
        opened = (await store.open(an_incident(1))).incident
        other = await moved(store, (await store.open(an_incident(2, "app-2"))).incident, State.PROPOSED)
        for _ in range(2):
            left = await store.take_over(everything=True)
        assert [one.id for one in left.live] == [other.id]
        assert [one.id for one in left.doubted] == [opened.id]
        assert [await store.count_investigation(opened.id) for _ in range(2)] == [3, 4]
        fresh = await store.get(opened.id)
        assert fresh is not None
        proposed = await moved(store, fresh, State.PROPOSED)
        await moved(store, proposed, State.OPEN)
        assert [one.id for one in (await store.take_over(everything=True)).doubted] == []

    async def test_what_a_dead_process_left_goes_to_one_other_and_what_a_living_one_has_to_none(
        self, store: SqlStore, url: str
    ) -> None:
        await store.take_over()
        await store.receive(an_alert())
        live = await moved(store, (await store.open(an_incident(1))).incident, State.PROPOSED, State.ACTING)
        ended = await moved(store, (await store.open(an_incident(2, "app-2"))).incident, State.RESOLVED)
        done = await moved(store, (await store.open(an_incident(3, "app-3"))).incident, State.RESOLVED)
        await store.save_if_unchanged(done, replace(done, finalized=True))
        async with SecondStore(url) as other, SecondStore(url) as third:
            assert not await other.take_over()
            await dead(store)
            took = [left for left in await asyncio.gather(other.take_over(), third.take_over()) if left]
            assert len(took) == 1
            assert took[0].alerts == (an_alert(),)
            assert took[0].live == (replace(live, epoch=live.epoch + 1),)
            assert took[0].ended == (replace(ended, epoch=ended.epoch + 1),)
            assert not await other.take_over()

    async def test_a_process_that_was_taken_over_is_refused_every_step_of_its_work(
        self, store: SqlStore, url: str
    ) -> None:
        await store.take_over()
        incidents = [(await store.open(an_incident(number, f"app-{number}"))).incident for number in range(4)]
        incidents[1] = await moved(store, incidents[1], State.PROPOSED, State.ACTING)
        incidents[2] = await moved(store, incidents[2], State.PROPOSED, State.ACTING, State.VERIFYING)
        incidents[3] = await moved(store, incidents[3], State.RESOLVED)
        following = [State.PROPOSED, State.VERIFYING, State.RESOLVED, State.RESOLVED]
        await dead(store)
        async with SecondStore(url) as other:
            left = await other.take_over()
            assert {incident.id for incident in (*left.live, *left.ended)} == {incident.id for incident in incidents}
            await store.take_over()  # it wakes and shows that it lives
            for before, state in zip(incidents, following, strict=True):
                fresh = await store.get(before.id)
                assert fresh is not None
                for known in (before, fresh):
                    assert not await store.owns(known)
                    assert await store.save_if_unchanged(known, replace(known, state=state, finalized=True)) is None
                    assert not await store.log_engine_call(
                        known, AuditEvent("engine", NOW, incident=known.id, said="restart")
                    )
                assert await store.get(before.id) == fresh
                assert await other.owns(fresh)
                assert not await other.engine_call_logged(fresh.id)
                assert await other.log_engine_call(fresh, AuditEvent("engine", NOW, incident=fresh.id, said="restart"))
                assert await other.engine_call_logged(fresh.id)
                assert await other.save_if_unchanged(fresh, replace(fresh, state=state, finalized=True)) is not None
            assert await store.unfinalized() == ()
            assert sum(row.act.kind == "engine" for row in await store.trail()) == 4

    async def test_a_press_may_come_to_any_process_which_owns_the_incident_from_then_on(
        self, store: SqlStore, url: str
    ) -> None:
        async with SecondStore(url) as other:
            proposed = await moved(store, (await store.open(an_incident())).incident, State.PROPOSED)
            won = await other.save_if_unchanged(
                proposed, replace(proposed, state=State.ACTING), Approval("U1", NOW, "ab")
            )
            assert won is not None
            assert won.epoch == proposed.epoch + 1
            assert await store.save_if_unchanged(won, replace(won, state=State.VERIFYING)) is None
            assert await other.save_if_unchanged(won, replace(won, state=State.VERIFYING)) is not None

    async def test_people_and_senders_end_what_another_process_still_looks_at(self, store: SqlStore, url: str) -> None:
        async with SecondStore(url) as other:
            for number, state in enumerate((State.IGNORED, State.RESOLVED, State.EXPIRED)):
                opened = (await store.open(an_incident(number, f"app-{number}"))).incident
                assert await other.save_if_unchanged(opened, replace(opened, state=State.PROPOSED)) is None
                ended = await other.save_if_unchanged(opened, replace(opened, state=state))
                assert ended is not None
                assert await store.save_if_unchanged(opened, replace(opened, state=State.PROPOSED)) is None
                assert await other.save_if_unchanged(ended, replace(ended, announced=True)) is not None

    async def test_a_process_whose_lease_ran_out_unseen_begins_its_own_work_anew(self, store: SqlStore) -> None:
        await store.take_over()
        opened = (await store.open(an_incident())).incident
        await dead(store)
        left = await store.take_over()
        assert left.live == (replace(opened, epoch=1),)
        assert await store.save_if_unchanged(opened, replace(opened, state=State.PROPOSED)) is None
        assert await store.save_if_unchanged(left.live[0], replace(left.live[0], state=State.PROPOSED)) is not None
        assert not await store.take_over()

    async def test_a_process_that_resigns_leaves_its_work_to_others_at_once(self, store: SqlStore, url: str) -> None:
        await store.take_over()
        await store.open(an_incident())
        await store.release()
        async with SecondStore(url) as other:
            assert len((await other.take_over()).live) == 1

    async def test_a_lease_from_a_clock_that_was_put_back_does_not_last_for_ever(
        self, store: SqlStore, url: str
    ) -> None:
        await store.take_over()
        await store.open(an_incident())
        await dead(store, ago=-3600)
        async with SecondStore(url) as other:
            assert len((await other.take_over()).live) == 1

    async def test_everything_that_is_not_finished_is_taken_where_one_process_works_alone(
        self, store: SqlStore, url: str
    ) -> None:
        await store.take_over()
        opened = (await store.open(an_incident())).incident
        async with SecondStore(url) as other:
            assert (await other.take_over(everything=True)).live == (replace(opened, epoch=1),)
        left = await store.take_over(everything=True)
        assert (left.live, left.doubted) == ((), (replace(opened, epoch=2),))

    async def test_the_check_writes_and_leaves_nothing(self, store: SqlStore) -> None:
        assert f"schema {len(MIGRATIONS)}" in await store.check()
        assert await store.unhandled() == ()

    async def test_everything_is_there_after_a_new_start(self, store: SqlStore, url: str) -> None:
        opened = (await store.open(a_full_incident())).incident
        await store.close()
        again = SqlStore(url)
        await again.start()
        assert await again.get(opened.id) == opened
        await again.close()

    async def test_what_was_taken_over_is_gone_on_with_though_the_answer_to_the_commit_was_lost(
        self, store: SqlStore, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.take_over()
        await store.receive(an_alert())
        opened = (await store.open(an_incident())).incident
        await dead(store)
        async with SecondStore(url) as other:
            assert other._engine is not None
            dialect, answers = other._engine.sync_engine.dialect, [TimeoutError()]
            commit = dialect.do_commit

            def lost(connection: Any) -> None:
                commit(connection)
                if answers:
                    raise answers.pop()

            monkeypatch.setattr(dialect, "do_commit", lost)
            left = await other.take_over()
            assert not answers
            assert ([one.id for one in left.live], left.alerts) == ([opened.id], (an_alert(),))
            assert await other.save_if_unchanged(left.live[0], replace(left.live[0], state=State.PROPOSED)) is not None
            assert not await other.take_over()
