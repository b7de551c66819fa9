"""Symptoms and the diagnosis by rules: right where the evidence is, and unsure where it is not."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.diagnosis import RULES, Action, Diagnosis, FailureClass
from bot.domain.evidence import (
    Evidence,
    Facts,
    HealthProbe,
    LogDigest,
    LogLine,
    Neighbour,
    Source,
    Status,
    Usage,
)
from bot.domain.logs.digest import digest_log
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.signatures.signature import Signature
from bot.domain.signatures.table import SIGNS
from bot.domain.symptoms import container_state, diagnose
from bot.domain.target import parse_target
from tests.domain import log_cases
from tests.support.fakes import facts

CORPUS = Path(__file__).parents[2] / "corpus" / "logs"
EXAMPLES = sorted(path.name.removesuffix(".json") for path in CORPUS.glob("*.json"))
POOL = "10:00:01 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"

RUNNING = Facts(
    name="shop", container_id="c" * 64, host="docker-7", image="shop:1", image_id="sha256:1", created_at="",
    started_at="2026-11-22T08:00:00.000000000Z", finished_at="0001-01-01T00:00:00Z", status="running", running=True,
    restarting=False, paused=False, exit_code=0, oom_killed=False, error="", restart_count=0, restart_policy="always",
    health="healthy", stop_timeout=10,
)  # fmt: skip
EXITED = replace(RUNNING, status="exited", running=False, exit_code=1, health=None)
LOOPING = replace(
    EXITED, status="restarting", restarting=True, restart_count=9, finished_at="2026-11-22T08:00:02.100000000Z"
)


def evidence(*lines: str, facts: Facts | None = None, **more: object) -> Evidence:
    log = digest_log(["\n".join(lines).encode() + b"\n"]) if lines else LogDigest()
    return replace(Evidence(parse_target("shop"), "", facts, log=log), **more)  # type: ignore[arg-type]  # replace checks the names


def diagnosed(*lines: str, facts: Facts | None = None, past: tuple[Precedent, ...] = (), **more: object) -> Diagnosis:
    given_ = evidence(*lines, facts=facts, **more)
    return diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_), past)


def precedent(outcome: str, trouble: FailureClass | str = "") -> Precedent:
    return Precedent(Entry("x", "restart", trouble=str(trouble), outcome=outcome), 1.0, "same target")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_class_of_an_example_is_right(name: str) -> None:
    expected = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
    log = digest_log([gzip.decompress((CORPUS / f"{name}.log.gz").read_bytes())])
    given_ = Evidence(parse_target("shop"), "", None, log=log)
    found = diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_))
    assert found.trouble == expected["class"]
    assert {(quote.number, quote.text) for quote in found.quotes} <= {(line.number, line.text) for line in log.lines}


def test_single_lines_of_many_programs_are_told() -> None:
    text = (CORPUS.parent / "symptoms" / "lines.tsv").read_text(encoding="utf-8")
    wrong = []
    for row in text.splitlines():
        trouble, _, line = row.partition("\t")
        given_ = Evidence(parse_target("shop"), "", None, log=LogDigest((LogLine(1, line),), 1, 0))
        found = diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_))
        wrong += [] if found.trouble == trouble else [(trouble, found.trouble.value, line)]
    assert wrong == []


@pytest.mark.slow
def test_logs_in_many_formats_get_their_class() -> None:
    classes = helps = total = 0
    for case in log_cases.cases(3, length=500):
        given_ = Evidence(parse_target("shop"), "", None, log=digest_log([case.log]))
        found = diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_))
        total += 1
        classes += found.trouble == case.trouble.kind
        helps += found.restart_helps == case.trouble.restart_helps
    assert classes >= 0.95 * total
    assert helps >= 0.95 * total


@pytest.mark.slow
def test_ordinary_lines_of_a_busy_program_prove_nothing() -> None:
    calm = replace(log_cases.troubles()[0], lines=(), keep=(), flood=())
    for style in log_cases.STYLES:
        given_ = Evidence(
            parse_target("shop"), "", None, log=digest_log([log_cases.make(calm, style, "buried", 2, length=800).log])
        )
        found = diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_))
        assert found.trouble is FailureClass.UNKNOWN, (style, found)
        assert found.confidence < 0.3


FACTS = [
    (replace(EXITED, exit_code=137, oom_killed=True), FailureClass.OOM, True),
    (replace(EXITED, exit_code=137), FailureClass.UNKNOWN, None),
    (replace(EXITED, exit_code=139), FailureClass.CRASHLOOP, None),
    (replace(EXITED, exit_code=127), FailureClass.BAD_RELEASE, False),
    (replace(EXITED, exit_code=126), FailureClass.PERMISSION, False),
    (replace(EXITED, exit_code=143), FailureClass.NONE, True),
    (replace(EXITED, exit_code=0), FailureClass.NONE, None),
    (replace(RUNNING, paused=True, status="paused"), FailureClass.NONE, False),
    (replace(EXITED, status="created", exit_code=0), FailureClass.NONE, True),
    (LOOPING, FailureClass.CRASHLOOP, False),
    (replace(LOOPING, exit_code=139), FailureClass.CRASHLOOP, False),
    (replace(LOOPING, exit_code=137, oom_killed=True), FailureClass.OOM, False),
    (replace(EXITED, error="Bind for 0.0.0.0:80 failed: port is already allocated"), FailureClass.PORT_CONFLICT, False),
    (replace(EXITED, error='exec: "shopd": executable file not found in $PATH'), FailureClass.BAD_RELEASE, False),
    (replace(EXITED, error="exec /shop: exec format error"), FailureClass.BAD_RELEASE, False),
    (replace(EXITED, error='exec: "/run.sh": permission denied: unknown'), FailureClass.PERMISSION, False),
    (replace(EXITED, error="write /var/lib/docker: no space left on device"), FailureClass.DISK_FULL, False),
    (replace(EXITED, error="error mounting /srv/a.conf to rootfs: not a directory"), FailureClass.CONFIG_ERROR, False),
    (replace(EXITED, error="network 4f1 not found"), FailureClass.CONFIG_ERROR, False),
    (replace(EXITED, error="something unheard of"), FailureClass.CONFIG_ERROR, False),
    (replace(RUNNING, health="unhealthy"), FailureClass.UNKNOWN, None),
    (
        replace(RUNNING, health="unhealthy", probes=(HealthProbe("", -1, "Health check exceeded timeout (5s)"),)),
        FailureClass.TIMEOUT,
        True,
    ),
    (
        replace(RUNNING, health="unhealthy", probes=(HealthProbe("", 1, "dial tcp db:5432: connection refused"),)),
        FailureClass.DEPENDENCY_DOWN,
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "trouble", "helps"), FACTS)
def test_facts_alone_give_a_diagnosis(facts: Facts, trouble: FailureClass, helps: bool | None) -> None:
    found = diagnosed("10:00:00 INFO served", facts=facts)
    assert (found.trouble, found.restart_helps) == (trouble, helps)
    assert found.action is Action.IGNORE or helps is not False


def test_a_healthy_container_with_a_calm_log_has_nothing_wrong() -> None:
    found = diagnosed("10:00:00 INFO served", facts=RUNNING)
    assert (found.trouble, found.action, found.headline) == (FailureClass.NONE, Action.IGNORE, "nothing wrong found")
    assert found.confidence < 0.5


def test_sigkill_is_no_proof_that_memory_ran_out() -> None:
    found = diagnosed("10:00:00 INFO served", facts=replace(EXITED, exit_code=137))
    assert "memory" not in found.headline
    assert found.confidence <= 0.4
    near = diagnosed(facts=replace(EXITED, exit_code=137), usage=Usage(memory=980, memory_limit=1_000))
    assert near.trouble is FailureClass.OOM
    assert near.confidence <= 0.7


@pytest.mark.parametrize(
    ("usage", "trouble"),
    [
        (Usage(memory=990, memory_limit=1_000), FailureClass.OOM),
        (Usage(pids=500, pids_limit=512), FailureClass.RESOURCE_EXHAUSTION),
        (Usage(memory=500, memory_limit=1_000, pids=5, pids_limit=512), FailureClass.NONE),
        (Usage(), FailureClass.NONE),
    ],
)
def test_use_near_a_limit_is_a_symptom(usage: Usage, trouble: FailureClass) -> None:
    assert diagnosed("10:00:00 INFO served", facts=RUNNING, usage=usage).trouble is trouble


def test_an_out_of_memory_event_is_a_hard_fact() -> None:
    found = diagnose.find_symptoms(evidence(facts=EXITED, events=("09:58:01 oom",)))
    assert [one.trouble for one in found if one.proven] == [FailureClass.OOM]
    assert not diagnose.find_symptoms(evidence(facts=EXITED, events=("09:58:01 start, room 7",)))


def test_starts_that_fail_within_seconds_make_a_restart_futile() -> None:
    found = diagnosed("10:00:00 ERROR cannot load module", "10:00:01 INFO bye", POOL, facts=LOOPING)
    assert found.restart_helps is False
    assert found.action is Action.IGNORE
    assert "9 times" in found.root_cause
    assert "after 2 s" in found.root_cause
    assert "so will the next" in found.justification


def test_a_service_that_runs_again_after_old_restarts_is_no_crash_loop() -> None:
    assert diagnose.find_symptoms(evidence(facts=replace(RUNNING, restart_count=7))) == ()


def test_only_the_engines_facts_are_hard() -> None:
    both = diagnose.find_symptoms(evidence(POOL, facts=replace(EXITED, exit_code=137, oom_killed=True)))
    assert {one.trouble for one in both if one.proven} == {FailureClass.OOM}
    assert both[0].trouble is FailureClass.OOM
    assert [one.confidence for one in both] == sorted((one.confidence for one in both), reverse=True)


def test_a_neighbour_that_is_down_and_named_in_the_log_is_to_blame() -> None:
    line = "10:00:01 ERROR dial tcp shop-db:5432: connect: connection refused"
    near = (Neighbour("worker", "exited"), Neighbour("shop-db", "exited", named_in_log=True))
    found = diagnosed(line, facts=replace(RUNNING, health="unhealthy"), neighbours=near)
    assert (found.trouble, found.restart_helps, found.headline) == (
        FailureClass.DEPENDENCY_DOWN,
        False,
        "shop-db is down",
    )
    assert [quote.text for quote in found.quotes] == [line]
    assert diagnose.find_symptoms(evidence(line, neighbours=near))[0].proven


def test_a_neighbour_that_is_down_and_not_named_is_not_blamed() -> None:
    found = diagnosed(POOL, facts=RUNNING, neighbours=(Neighbour("worker", "exited"),))
    assert found.trouble is FailureClass.RESOURCE_EXHAUSTION


def test_the_pool_is_told_with_its_line_and_a_restart_may_help() -> None:
    found = diagnosed("10:00:00 INFO served", POOL, facts=replace(RUNNING, health="unhealthy"))
    assert (found.headline, found.action, found.restart_helps) == ("connection pool exhausted", Action.RESTART, True)
    assert [(quote.number, quote.text) for quote in found.quotes] == [(2, POOL)]
    assert (found.by, found.why_rules) == (RULES, "")


def test_the_address_of_what_is_down_is_named() -> None:
    found = diagnosed("10:00:00 ERROR dial tcp 10.37.1.93:5432: connect: connection refused")
    assert found.headline == "database unreachable"
    assert "10.37.1.93:5432" in found.root_cause


def test_what_stands_right_before_is_the_cause() -> None:
    change = "10:00:00 INFO active profile changed from production to staging"
    refused = [f"10:00:0{n} ERROR password authentication failed for user app" for n in range(1, 9)]
    assert diagnosed("09:59:00 INFO served", change, *refused).trouble is FailureClass.CONFIG_ERROR
    assert diagnosed(change, *(f"10:{n}:00 INFO served" for n in range(10, 60)), *refused).trouble is FailureClass.AUTH


def test_a_past_restart_that_did_not_help_is_believed() -> None:
    found = diagnosed(POOL, facts=RUNNING, past=(precedent("not_resolved", FailureClass.RESOURCE_EXHAUSTION),))
    assert (found.restart_helps, found.action) == (False, Action.IGNORE)
    assert "held 0 of 1" in found.justification


def test_a_past_restart_that_held_makes_surer() -> None:
    plain = diagnosed(POOL)
    past = (precedent("resolved"), precedent("resolved"), precedent("ignored"))
    found = diagnosed(POOL, past=past)
    assert found.confidence > plain.confidence
    assert "held 2 of 3" in found.justification
    assert diagnosed("10:00:00 ERROR x took too long", past=past).restart_helps is True


def test_a_past_of_another_class_does_not_count() -> None:
    assert diagnosed(POOL, past=(precedent("not_resolved", FailureClass.DNS),)).restart_helps is True


def test_what_is_unknown_is_said() -> None:
    found = diagnosed()
    assert (found.trouble, found.action, found.restart_helps) == (FailureClass.UNKNOWN, Action.IGNORE, None)
    assert "container's state" in found.root_cause
    assert "log" in found.root_cause
    assert found.confidence <= 0.2


def test_why_the_model_did_not_speak_is_passed_on() -> None:
    given_ = evidence(POOL)
    assert diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_), why="no key").why_rules == "no key"
    assert diagnose.diagnose_by_rules(evidence(), (), why="no key").why_rules == "no key"


def test_two_causes_that_are_as_sure_make_unsure() -> None:
    other = "10:00:00 ERROR password authentication failed for user app"
    assert (
        diagnosed(POOL, *(f"10:01:{n} INFO served" for n in range(10, 60)), other).confidence
        < diagnosed(POOL).confidence
    )


def test_decisive_lines_are_those_that_tell_the_trouble() -> None:
    calm = [f"10:00:{n:02d} INFO served page {chr(97 + n)}" for n in range(20)]
    given_ = evidence(*calm[:10], POOL, *calm[10:], "10:01:00 ERROR checkout gave up")
    assert [line.text for line in diagnose.decisive(given_, 2)] == [POOL, "10:01:00 ERROR checkout gave up"]
    assert diagnose.decisive(given_, 1)[0].text == POOL
    assert diagnose.decisive(evidence()) == ()


def test_decisive_lines_of_a_log_that_tells_nothing_are_its_last() -> None:
    log = LogDigest(tuple(LogLine(n, f"INFO page {n}") for n in range(1, 30)), 29, 400)
    assert [line.number for line in diagnose.decisive(Evidence(parse_target("shop"), "", None, log=log), 3)] == [
        27,
        28,
        29,
    ]


@given(
    st.lists(st.text(max_size=200), max_size=8), st.sampled_from([None, RUNNING, EXITED, LOOPING]), st.integers(0, 255)
)
@settings(max_examples=120, deadline=None)
def test_any_evidence_gives_a_diagnosis_with_quotes_from_the_log(
    lines: list[str], facts: Facts | None, code: int
) -> None:
    log = LogDigest(tuple(LogLine(n, text) for n, text in enumerate(lines, 1)), len(lines), 0)
    given_ = Evidence(
        parse_target("shop"), "", replace(facts, exit_code=code, error="".join(lines[:1])) if facts else None, log=log
    )
    found = diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_))
    assert 0 < found.confidence <= 0.95
    assert len(found.quotes) <= 5
    assert all(log.lines[quote.number - 1].text == quote.text for quote in found.quotes)
    assert found.headline
    assert found.root_cause
    assert found.justification


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"{sign.trouble}-{sign.headline}")
def test_every_sign_is_whole(sign: Signature) -> None:
    assert 0 < sign.confidence < 1
    assert 0 < len(sign.headline) <= 45
    assert sign.cause.endswith(".")
    assert sign.remedy.endswith(".")
    assert not sign.matches("")
    letters = re.sub(r"\\[A-Z]|A-Z|\?P<", "", sign.pattern)
    assert letters == letters.lower()


@pytest.mark.parametrize(
    "line", ["a " * 300, "x" * 600, "error " * 100, "=" * 600, "/a.b" * 150, "1:" * 300, "('" * 300]
)
def test_lines_that_invite_backtracking_are_read(line: str) -> None:
    given_ = Evidence(
        parse_target("shop"), "", None, log=LogDigest(tuple(LogLine(n, line) for n in range(1, 100)), 99, 0)
    )
    assert diagnose.diagnose_by_rules(given_, diagnose.find_symptoms(given_)).by == RULES


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.EMPTY, "the log is empty"),
        (Status.DENIED, "its log could not be read"),
        (Status.TIMED_OUT, "not be read"),
    ],
)
def test_an_empty_log_is_not_called_one_that_could_not_be_read(status: Status, said: str) -> None:
    evidence = Evidence(parse_target("web"), "2026-11-22T10:00:00Z", facts("web"), sources=(Source("logs", status),))
    assert said in diagnose.diagnose_by_rules(evidence, ()).root_cause


REFUSED = "10:00:01 WARN postgres not ready: connection refused, retrying"


def test_what_came_back_was_got_over() -> None:
    back = "10:00:04 INFO connected to postgres"
    assert diagnosed(REFUSED, back).confidence < diagnosed(REFUSED).confidence / 2
    assert diagnosed(back, REFUSED.replace("10:00:01", "10:00:09")).trouble is FailureClass.DEPENDENCY_DOWN


def test_what_came_back_and_went_away_again_was_not_got_over() -> None:
    log = LogDigest(
        (LogLine(1, REFUSED, 9, until="10:30:00", last=12), LogLine(4, "10:00:04 INFO connected to postgres")), 12, 0
    )
    given_ = Evidence(parse_target("shop"), "", None, log=log)
    assert diagnose.find_symptoms(given_)[0].confidence > 0.7


def test_calm_words_of_trouble_do_not_outweigh_a_good_health_check() -> None:
    line = '10:00:00 INFO indexed article 881 "Out of memory: what it means"'
    assert diagnosed(line, facts=RUNNING).trouble is FailureClass.NONE
    assert (
        diagnosed("10:00:00 ERROR java.lang.OutOfMemoryError: Java heap space", facts=RUNNING).trouble
        is FailureClass.OOM
    )


def test_what_is_refused_to_a_visitor_is_not_the_services_trouble() -> None:
    visitors = [f'10:00:0{n} WARN POST /login 401 "wrong password"' for n in range(9)]
    assert diagnosed("10:01:00 INFO GET / 200", *visitors, facts=RUNNING).trouble is FailureClass.NONE


def test_debug_lines_alone_prove_nothing() -> None:
    assert diagnosed("10:00:00 DEBUG registered handler for OutOfMemoryError").trouble is FailureClass.UNKNOWN


def test_a_health_check_that_cannot_run_is_a_fact() -> None:
    probe = HealthProbe("", -1, 'OCI runtime exec failed: exec: "curl": executable file not found in $PATH: unknown')
    found = diagnosed("10:00:00 INFO served", facts=replace(RUNNING, health="unhealthy", probes=(probe,)))
    assert (found.trouble, found.restart_helps, found.headline) == (
        FailureClass.CONFIG_ERROR,
        False,
        "health check cannot run",
    )


def tried(minutes: int, outcome: str = "not_resolved", target: str = "shop") -> Precedent:
    at = f"2026-11-22T{9 - minutes // 60:02}:{59 - minutes % 60:02}:00Z"
    return Precedent(Entry("x", "restart", at=at, target=target, outcome=outcome), 1.0, "same target")


LOOKED = "2026-11-22T09:59:00+00:00"


def test_a_restart_that_just_did_not_help_is_told_with_its_time() -> None:
    given_ = evidence(POOL, facts=replace(RUNNING, health="unhealthy"), gathered_at=LOOKED)
    past = (tried(75), tried(12))
    found = diagnose.diagnose_by_rules(given_, diagnose.with_past(given_, diagnose.find_symptoms(given_), past), past)
    assert (found.action, found.restart_helps) == (Action.IGNORE, False)
    assert "It was restarted 12 min ago, and that did not help." in found.root_cause
    assert "The last restart did not help." in found.justification
    assert found.trouble is FailureClass.RESOURCE_EXHAUSTION


@pytest.mark.parametrize(
    "past",
    [
        (),
        (tried(12, "resolved"),),
        (tried(12), tried(5, "resolved")),
        (tried(12, target="other"),),
        (tried(9 * 60),),
        (replace(tried(12), entry=replace(tried(12).entry, action="ignore")),),
        (replace(tried(12), entry=replace(tried(12).entry, at="yesterday")),),
    ],
)
def test_no_other_past_makes_a_restart_futile(past: tuple[Precedent, ...]) -> None:
    given_ = evidence(POOL, gathered_at=LOOKED)
    assert diagnose.with_past(given_, (), past) == ()


NEAR = (Neighbour("shop-db", "exited", detail="Exited (1) 4 minutes ago"), Neighbour("cache", "running"))


def test_the_neighbour_at_fault_is_named_in_the_log_or_alone_down() -> None:
    given_ = evidence(POOL, neighbours=NEAR)
    only = container_state.neighbour_at_fault(given_, FailureClass.DEPENDENCY_DOWN)
    assert only is not None
    assert only.name == "shop-db"
    two = replace(given_, neighbours=(*NEAR, Neighbour("mail", "dead")))
    assert container_state.neighbour_at_fault(two, FailureClass.DEPENDENCY_DOWN) is None
    named = replace(two, neighbours=(*two.neighbours, Neighbour("queue", "restarting", named_in_log=True)))
    found = container_state.neighbour_at_fault(named, FailureClass.TIMEOUT)
    assert found is not None
    assert found.name == "queue"


@pytest.mark.parametrize(
    "trouble", [FailureClass.OOM, FailureClass.CONFIG_ERROR, FailureClass.NONE, FailureClass.UNKNOWN]
)
def test_no_neighbour_is_looked_for_where_the_trouble_is_its_own(trouble: FailureClass) -> None:
    assert container_state.neighbour_at_fault(evidence(POOL, neighbours=NEAR), trouble) is None


def test_a_loop_that_says_why_in_words_no_sign_knows_is_less_sure_than_one_that_is_silent() -> None:
    silent = diagnosed("warming up", "bye", facts=LOOPING)
    told = diagnosed("warming up", "FATAL the moon is in the wrong house", facts=LOOPING)
    assert (silent.trouble, told.trouble) == (FailureClass.CRASHLOOP, FailureClass.CRASHLOOP)
    assert told.confidence < 0.6 < silent.confidence
    assert told.restart_helps is False


@pytest.mark.parametrize(
    "line",
    [
        "10:00:00 WARN stats received=41 disk_full=0 oom_kills=0 dead_letter=0 connection_refused=0",
        '10:00:00 WARN {"deadlocks": 0, "rate_limited": 0, "connection reset": 0}',
        "10:00:00 WARN poison_messages 0, permission_denied 0, throttled: 0",
        'http_requests_rate_limited_total{code="429"} 0',
    ],
)
def test_a_count_at_nought_proves_nothing(line: str) -> None:
    assert diagnose.find_symptoms(evidence(line)) == ()
    assert diagnose.find_symptoms(evidence(re.sub(r"\b0\b", "7", line))) != ()


def test_workers_that_all_wait_for_another_are_not_the_cause() -> None:
    slow = [f"10:00:{n} ERROR POST https://pay.example/charge: operation timed out" for n in range(10, 14)]
    busy = [f"10:00:{n} WARN all workers are busy" for n in range(20, 24)]
    assert diagnosed(*slow, *busy).trouble is FailureClass.TIMEOUT
    assert diagnosed(*busy, *slow).trouble is FailureClass.RESOURCE_EXHAUSTION
    own = [f"10:00:{n} ERROR request {n} timed out" for n in range(10, 14)]
    assert diagnosed(*own, *busy).trouble is FailureClass.RESOURCE_EXHAUSTION


def test_a_worker_killed_for_taking_too_long_did_not_run_out_of_memory() -> None:
    killed = "10:00:31 ERROR Worker (pid:9) was sent SIGKILL! Perhaps out of memory?"
    assert diagnosed(killed).trouble is FailureClass.OOM
    assert diagnosed("10:00:30 CRITICAL WORKER TIMEOUT (pid:9)", killed).trouble is FailureClass.TIMEOUT
    pool = "10:05:00 ERROR Process 'ForkPoolWorker-1' pid:14 exited with 'signal 9 (SIGKILL)'"
    assert diagnosed(pool).trouble is FailureClass.OOM
    assert diagnosed("10:05:00 ERROR Hard time limit (300s) exceeded for fit", pool).trouble is FailureClass.TIMEOUT


def test_the_user_whose_password_is_refused_is_not_a_visitor() -> None:
    line = "10:00:01 ERROR Access denied for user 'tax'@'172.20.0.4' (using password: YES)"
    assert diagnosed(line, facts=LOOPING).trouble is FailureClass.AUTH


def test_a_visitor_without_a_name_is_no_trouble_with_names() -> None:
    line = "10:00:01 WARN IP address '172.20.0.9' could not be resolved: Name or service not known"
    assert diagnosed(line, "10:10:00 ERROR Too many connections").trouble is FailureClass.RESOURCE_EXHAUSTION


def test_a_retry_budget_that_is_used_up_is_the_effect_of_what_failed() -> None:
    used_up = "10:00:09 ERROR push failed: retry budget exhausted"
    assert diagnosed("10:00:01 ERROR certificate has expired", used_up).trouble is FailureClass.TLS_EXPIRED
    assert diagnosed(used_up).confidence < 0.65


def test_what_users_send_too_much_of_is_no_trouble() -> None:
    line = "2026/11/22 10:00:10 [error] 30#30: *5 client intended to send too large body: 52428801 bytes"
    assert diagnosed("10:00:00 INFO served", line, facts=RUNNING).trouble is FailureClass.NONE
