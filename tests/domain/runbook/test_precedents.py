"""What is remembered of an incident, what is a precedent and why, and what of the memory may be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.diagnosis import Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, LogDigest, LogLine
from bot.domain.guard import Permit
from bot.domain.incident import Approval, Incident, State, Thread
from bot.domain.runbook import from_incident, precedents
from bot.domain.runbook_entry import Entry
from bot.domain.target import parse_target
from bot.domain.verification import Verification

NOW = datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)
POOL = "2026-11-22 10:02:11,043 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"
SYMPTOM = "QueuePool limit of size <n> overflow <n> reached, connection timed out"
NOISE = "2026-11-22 10:02:12,000 INFO fetched 20 rows from orders in 12 ms"


def an_incident(state: State = State.RESOLVED) -> Incident:
    lines = [
        LogLine(1, NOISE),
        LogLine(2, "2026-11-22 10:02:10,000 WARNING slow request 812 ms"),
        LogLine(3, POOL, 412),
    ]
    return Incident(
        "inc-1", parse_target("buggy-app-v2"), Thread("C1"), state, NOW,
        evidence=Evidence(parse_target("buggy-app-v2"), "", None, LogDigest(tuple(lines))),
        diagnosis=Diagnosis("pool exhausted", "held by hung requests", Action.RESTART, "released on restart", 0.86,
                            FailureClass.RESOURCE_EXHAUSTION, True, "gemini-3.5-flash-lite", (Quote(3, POOL, 412),)),
        verdict=Permit(), approval=Approval("U0ONCALL", NOW, "ab"), closed_at=NOW + timedelta(minutes=1),
        verification=Verification(True, 7.43, 3, ("200",) * 3, summary="200 ×3, healthy"),
    )  # fmt: skip


def remembered(incident: Incident) -> Entry:
    entry = from_incident.entry_from(incident)
    assert entry is not None
    return entry


def test_a_restart_that_helped_is_remembered_with_all_that_tells_it() -> None:
    assert remembered(an_incident()) == Entry(
        "held by hung requests", "restart", "released on restart", "inc-1", "2026-11-22T10:05:31Z", "buggy-app-v2", "",
        SYMPTOM, "resource_exhaustion", ("2026-11-22 10:02:10,000 WARNING slow request 812 ms", POOL),
        "gemini-3.5-flash-lite", "resolved", "U0ONCALL", 7.4, "200 ×3, healthy",
    )  # fmt: skip


def test_a_restart_that_did_not_help_is_remembered_as_such() -> None:
    seen = Verification(False, 60.0, reason="it exited with code 1")
    entry = remembered(replace(an_incident(State.UNRESOLVED), verification=seen))
    assert (entry.outcome, entry.action, entry.recovered_in_s) == ("not_resolved", "restart", None)
    assert entry.verification == "it exited with code 1"


def test_an_ignored_incident_keeps_the_reason_and_claims_no_restart() -> None:
    entry = remembered(replace(an_incident(State.IGNORED), approval=None, verification=None, reason="planned work"))
    assert (entry.outcome, entry.action, entry.justification) == ("ignored", "ignore", "Ignored: planned work")


@pytest.mark.parametrize("reason", ["", "planned work"])
def test_an_ignored_incident_names_who_ignored_it_and_no_approver(reason):
    ignored = replace(an_incident(State.IGNORED), approval=None, verification=None, reason=reason, closed_by="U0NIGHT")
    entry = remembered(ignored)
    assert (entry.ignored_by, entry.approved_by) == ("U0NIGHT", "")


@pytest.mark.parametrize("state", [State.RESOLVED, State.UNRESOLVED])
def test_whoever_ended_it_in_another_way_did_not_ignore_it(state):
    assert remembered(replace(an_incident(state), closed_by="U0NIGHT")).ignored_by == ""


def test_what_recovered_by_itself_claims_no_restart() -> None:
    entry = remembered(replace(an_incident(), approval=None, verification=None))
    assert (entry.outcome, entry.action, entry.recovered_in_s) == ("resolved", "ignore", None)


@pytest.mark.parametrize(
    "incident",
    [
        *(an_incident(state) for state in State if state not in (State.RESOLVED, State.UNRESOLVED, State.IGNORED)),
        replace(an_incident(), diagnosis=None),
        replace(an_incident(), verdict=Permit(dry_run=True)),
    ],
    ids=lambda incident: incident.state,
)
def test_only_ended_and_diagnosed_incidents_become_entries(incident: Incident) -> None:
    assert from_incident.entry_from(incident) is None


@pytest.mark.fault(79)
def test_no_secret_reaches_the_runbook() -> None:
    secret = "ghp_" + "a1B2" * 9
    entry = remembered(replace(an_incident(State.IGNORED), reason=f"used {secret} by hand", approval=None))
    assert secret not in repr(entry)
    assert secret not in repr(
        precedents.redact_entry(Entry(secret, "restart", secret, symptom=secret, evidence=(secret,)))
    )


@pytest.mark.fault(79)
def test_what_is_shown_is_cleaned_and_cut() -> None:
    entry = precedents.redact_entry(Entry("\u202e\x1b\x00" + "x" * 9000, "restart" * 100, evidence=("y" * 9000,) * 50))
    assert entry.root_cause == "x" * (precedents.SHOWN - 1) + "…"
    assert len(entry.action) == precedents.WORD
    assert [len(line) for line in entry.evidence] == [precedents.LINE] * precedents.EVIDENCE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (POOL, SYMPTOM),
        ("2026/11/22 12:00:00 dial tcp 10.1.2.3:5432: i/o timeout", "dial tcp <n>: i/o timeout"),
        ('{"level":50,"msg":"request 4ef34b02-6364-41aa-a1c5-9380c7d24163 failed"}', "request <n> failed"),
        ("buggy-app-v2 lost sqlite3", "buggy-app-v2 lost sqlite3"),
        ("", ""),
    ],
)
def test_a_symptom_is_the_same_every_time(line: str, expected: str) -> None:
    assert precedents.comparable_line(line) == expected


def past(name: str, **changes: object) -> Entry:
    return replace(remembered(an_incident()), id=name, **changes)  # type: ignore[arg-type]


def test_the_second_time_the_first_is_a_precedent_in_a_runbook_of_one() -> None:
    later = POOL.replace("10:02:11,043", "23:11:07,771").replace("20 overflow 0", "10 overflow 5")
    found = precedents.find_precedents(
        [past("one")], target="buggy-app-v2", lines=[NOISE, later], now=NOW + timedelta(days=3)
    )
    assert [precedent.entry.id for precedent in found] == ["one"]
    assert "same container; same symptom" in found[0].why
    assert found[0].score > 0.9


def test_the_same_symptom_of_the_same_target_comes_before_that_of_another() -> None:
    among = [past("mine"), *(past(f"other-{number}", target=f"app-{number}") for number in range(5))]
    found = precedents.find_precedents(among, target="buggy-app-v2", lines=[POOL], now=NOW)
    assert found[0].entry.id == "mine"
    assert len(found) == 3
    assert [precedent.score for precedent in found] == sorted((p.score for p in found), reverse=True)


def test_between_equals_the_newer_comes_first_whatever_its_place() -> None:
    among = [
        past("new", at="2026-11-20T00:00:00Z"),
        past("old", at="2026-05-01T00:00:00Z"),
        past("never", at="long ago"),
    ]
    found = precedents.find_precedents(among, target="buggy-app-v2", lines=[POOL], now=NOW)
    assert found[0].entry.id == "new"


def test_a_fix_that_did_not_help_is_a_precedent_too() -> None:
    (found,) = precedents.find_precedents(
        [past("one", outcome="not_resolved")], target="buggy-app-v2", lines=[POOL], now=NOW
    )
    assert found.entry.outcome == "not_resolved"


def test_nothing_fits_a_trouble_that_the_runbook_has_never_seen() -> None:
    strange = ["ERROR vault is sealed: cannot render template", "FATAL startup aborted"]
    assert precedents.find_precedents([past("one")], target="buggy-app-v2", lines=strange, now=NOW) == ()
    assert precedents.find_precedents([], target="buggy-app-v2", lines=[POOL], now=NOW) == ()


def test_without_a_log_the_same_class_of_the_same_target_is_a_precedent() -> None:
    among = [past("one", trouble="oom"), past("two", trouble="oom", target="other"), past("three")]
    found = precedents.find_precedents(among, target="buggy-app-v2", lines=[], trouble="oom", now=NOW)
    assert [precedent.entry.id for precedent in found] == ["one"]
    assert precedents.find_precedents(among, target="buggy-app-v2", lines=[], trouble="unknown", now=NOW) == ()


def test_a_short_entry_written_by_hand_is_found_by_its_cause() -> None:
    hand = Entry("Redis refused connections because it was out of memory", "restart", "restart redis first")
    line = "ERROR redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused."
    found = precedents.find_precedents([hand, past("one")], target="x", lines=[line], now=NOW)
    assert found[0].entry.root_cause == hand.root_cause
    assert "redis" in found[0].why


@pytest.mark.fault(79)
def test_why_holds_no_word_of_the_log() -> None:
    line = "ERROR <!channel> pwned http://evil.example connection refused"
    found = precedents.find_precedents([past("one", evidence=(line,))], target="x", lines=[line], now=NOW)
    assert "pwned" not in found[0].why
    assert "evil" not in found[0].why


def test_a_plain_search_finds_any_word_anywhere_and_rare_words_count_more() -> None:
    among = [past("one", target="billing"), past("two"), past("three", justification="call Ada about QueuePool")]
    assert precedents.search_entries(among, "queuepool ADA", NOW)[0].entry.id == "three"
    assert [p.entry.id for p in precedents.search_entries(among, "billing", NOW)] == ["one"]
    assert [p.entry.id for p in precedents.search_entries(among, "buggy-app-v2 nonsense", NOW, limit=1)] == ["three"]
    assert precedents.search_entries(among, "nonsense", NOW) == ()
    assert precedents.search_entries(among, "  ", NOW) == ()


def test_an_entry_written_by_hand_is_known_again_by_one_line_among_many() -> None:
    line = "2026-11-22T10:02:11Z ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"
    words = ("zebra", "quartz", "lantern", "mango", "violin", "glacier", "pepper", "saddle", "orchid")
    noise = [f"2026-11-22T10:01:00Z ERROR {word} rejected {word}stone beyond {word}field" for word in words]
    by_hand = Entry("The pool leaks.", "restart", target="buggy-app-v2", evidence=(line,))
    now = datetime(2026, 11, 23, tzinfo=UTC)
    later = line.replace("10:02:11", "23:59:59").replace("20", "50")
    found = precedents.find_precedents([by_hand], target="buggy-app-v2", lines=[*noise, later], now=now)
    assert [one.entry for one in found] == [by_hand]
    assert precedents.find_precedents([by_hand], target="buggy-app-v2", lines=noise, now=now) == ()
