"""What a log line tells, and whether it is still so: earlier runs, what was got over, what stopped before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.diagnosis import Diagnosis, FailureClass
from bot.domain.evidence import Evidence, Facts, LogDigest, Neighbour
from bot.domain.logs.digest import digest_log, join_digests
from bot.domain.symptoms import diagnose
from bot.domain.target import parse_target
from tests.domain.symptoms.test_diagnose import EXITED, LOOPING, POOL, RUNNING

NOW = "2026-11-22T10:30:00+00:00"
UNHEALTHY = replace(RUNNING, health="unhealthy", started_at="2026-11-22T10:20:00Z")
CALM = [
    "10:20:00 INFO shop 2.3.1 starting",
    "10:20:01 INFO ready",
    *(f"10:20:{n} INFO GET / 200" for n in range(10, 30)),
]
REFUSED = [
    line
    for n in range(0, 10, 2)
    for line in (
        f'10:21:0{n} ERROR [db] connection to server at "shop-db", port 5432 failed: Connection refused',
        f'10:21:0{n} INFO [http] 10.0.0.4 "GET /health HTTP/1.1" 503 1.1ms',
    )
]
SERVED = [f'10:21:{n} INFO [http] 10.0.0.4 "GET /health HTTP/1.1" 200 1.1ms' for n in range(12, 40)]
EMPTY = [f"10:21:{n} ERROR [pool] {POOL[15:]}" for n in range(45, 50)]


def log(*runs: list[str]) -> LogDigest:
    parts = [digest_log(["\n".join(run).encode() + b"\n"]) if run else LogDigest() for run in runs]
    return join_digests(parts) if len(parts) > 1 else parts[0]


def diagnosed(facts: Facts, read: LogDigest, alert: str = "", **more: object) -> Diagnosis:
    evidence = replace(Evidence(parse_target("shop"), NOW, facts, read), **more)  # type: ignore[arg-type]  # replace checks the names
    return diagnose.diagnose_by_rules(evidence, diagnose.find_symptoms(evidence, alert))


@pytest.mark.fault(64)
def test_lines_of_an_earlier_run_are_not_blamed_for_the_present_one() -> None:
    found = diagnosed(UNHEALTHY, log([POOL] * 5, CALM))
    assert found.trouble is FailureClass.UNKNOWN
    assert found.quotes == ()
    assert diagnosed(replace(UNHEALTHY, health="healthy"), log([POOL] * 5, CALM)).trouble is FailureClass.NONE


def test_lines_of_an_earlier_run_count_where_starts_end_alike() -> None:
    found = diagnosed(LOOPING, log(["10:19:00 FATAL SHOP_KEY is not set"], ["10:20:00 INFO shop 2.3.1 starting"]))
    assert found.trouble is FailureClass.CONFIG_ERROR


def test_of_a_container_that_is_down_the_last_run_counts() -> None:
    ended = replace(EXITED, finished_at="2026-11-22T11:00:00Z")
    assert diagnosed(ended, log([POOL], ["10:20:00 FATAL SHOP_KEY is not set"])).trouble is FailureClass.CONFIG_ERROR
    assert diagnosed(ended, log([POOL], CALM)).trouble is not FailureClass.RESOURCE_EXHAUSTION


def test_the_previous_run_counts_right_after_a_start() -> None:
    again = replace(UNHEALTHY, health=None, restart_count=1, started_at="2026-11-22T10:29:00Z")
    heap = log(["10:28:59 FATAL java.lang.OutOfMemoryError: Java heap space"], CALM)
    assert diagnosed(again, heap).trouble is FailureClass.OOM
    assert diagnosed(replace(again, started_at="2026-11-22T03:00:00Z"), heap).trouble is not FailureClass.OOM
    assert diagnosed(replace(again, restart_count=0), heap).trouble is not FailureClass.OOM


def test_a_start_in_the_same_log_ends_what_was_before() -> None:
    column = ["09:00:10 ERROR column o.gift_note does not exist"] * 3
    found = diagnosed(UNHEALTHY, log([POOL] * 3 + ["09:00:00 INFO shop 7.4.0 starting"] + column))
    assert found.trouble is FailureClass.BAD_RELEASE


def test_the_start_of_a_worker_is_no_start_of_the_program() -> None:
    killed = "09:00:00 ERROR Worker (pid:9) was sent SIGKILL! Perhaps out of memory?"
    found = diagnosed(UNHEALTHY, log([*CALM, killed, "09:00:01 INFO Booting worker with pid: 12, started"]))
    assert found.trouble is FailureClass.OOM


def test_what_stopped_before_the_trouble_began_is_not_blamed() -> None:
    near = (Neighbour("shop-db", "running", health="healthy", named_in_log=True),)
    found = diagnosed(UNHEALTHY, log(CALM + REFUSED + SERVED + EMPTY), neighbours=near)
    assert (found.trouble, found.headline) == (FailureClass.RESOURCE_EXHAUSTION, "connection pool exhausted")


def test_what_goes_on_is_blamed_though_something_else_begins() -> None:
    down = (Neighbour("shop-db", "exited", named_in_log=True),)
    found = diagnosed(UNHEALTHY, log(CALM + REFUSED + EMPTY), neighbours=down)
    assert (found.trouble, found.headline) == (FailureClass.DEPENDENCY_DOWN, "shop-db is down")


def test_one_complaint_long_ago_of_a_program_that_runs_well_proves_nothing() -> None:
    served = [f"10:{n}:00 INFO GET /page/{n} 200" for n in range(10, 59)]
    refused = "09:00:01 ERROR db: connection refused (shop-db:3306)"
    found = diagnosed(RUNNING, log(["09:00:00 INFO up", refused, *served]))
    assert (found.trouble, found.headline) == (FailureClass.NONE, "nothing wrong found")
    assert diagnosed(RUNNING, log(["09:00:00 INFO up", *served, refused])).trouble is FailureClass.DEPENDENCY_DOWN


def test_the_setting_that_the_decisive_line_names_is_told() -> None:
    trace = [
        "10:20:00 CRITICAL [main] invalid configuration: POOL_TIMEOUT must be a number, not '30s'",
        "Traceback (most recent call last):",
        '  File "/app/shop.py", line 320, in _number',
        "    return float(value)",
        "ValueError: could not convert string to float: '30s'",
        "",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        '  File "/app/shop.py", line 401, in main',
        '    raise ValueError(f"invalid configuration: {name} must be a number, not {value!r}") from error',
        "ValueError: invalid configuration: POOL_TIMEOUT must be a number, not '30s'",
    ]
    found = diagnosed(LOOPING, log(["10:20:00 INFO shop 2.4.0 starting", *trace]))
    assert found.trouble is FailureClass.CONFIG_ERROR
    assert "POOL_TIMEOUT" in found.root_cause
    assert not any("raise ValueError" in quote.text or "return float" in quote.text for quote in found.quotes)


def test_what_fails_after_a_program_was_told_to_stop_is_not_its_trouble() -> None:
    told = "10:25:00 INFO received SIGTERM, shutting down"
    refused = "10:25:01 ERROR queue: connection refused, consumer closed"
    ended = replace(EXITED, exit_code=143)
    assert diagnosed(ended, log([*CALM, told, refused])).headline == "stopped on request"
    assert diagnosed(ended, log([*CALM, refused, told])).trouble is FailureClass.DEPENDENCY_DOWN


BUSY = replace(log(CALM), last_at="2026-11-22T10:29:46.100000000Z")
HUNG = replace(UNHEALTHY, health="healthy", started_at="2026-11-22T10:29:20Z")


def test_no_answer_and_a_log_that_fell_silent_is_a_hang_before_the_health_check_says_so() -> None:
    found = diagnosed(HUNG, BUSY, "[FIRING:1] ServiceDown shop (shop:8080 blackbox critical)")
    assert (found.trouble, found.restart_helps) == (FailureClass.TIMEOUT, True)
    assert "14 seconds" in found.root_cause
    assert found.confidence >= 0.6


def test_silence_alone_and_no_answer_alone_are_no_hang() -> None:
    assert diagnosed(HUNG, BUSY, "HighMemory shop").trouble is FailureClass.NONE
    fresh = replace(BUSY, last_at="2026-11-22T10:29:59Z")
    assert diagnosed(HUNG, fresh, "ServiceDown shop").trouble is FailureClass.NONE
    seldom = replace(HUNG, started_at="2026-11-22T08:29:20Z")
    assert diagnosed(seldom, BUSY, "ServiceDown shop").trouble is FailureClass.NONE
    assert diagnosed(EXITED, BUSY, "ServiceDown shop").trouble is not FailureClass.TIMEOUT


OLD_DISK = ["07:00:00 ERROR write /spool/7: no space left on device", "07:10:00 INFO spool cleaned"]
KEY = [f"10:2{n}:00 ERROR upload: Permission denied (publickey)" for n in range(3)]


def test_what_ended_long_before_the_trouble_is_another_trouble() -> None:
    assert diagnosed(UNHEALTHY, log([*OLD_DISK, *KEY])).trouble is FailureClass.AUTH
    lately = [line.replace("07:", "10:") for line in OLD_DISK]
    assert diagnosed(UNHEALTHY, log([*lately, *KEY])).trouble is FailureClass.DISK_FULL


def test_what_goes_on_is_not_long_before() -> None:
    again = "10:15:00 ERROR write /spool/9: no space left on device"
    assert diagnosed(UNHEALTHY, log([*OLD_DISK, again, *KEY])).trouble is FailureClass.DISK_FULL


def test_midnight_is_no_long_time() -> None:
    full = OLD_DISK[0].replace("07:00:00", "23:59:50")
    late = [line.replace("10:2", "00:0") for line in KEY]
    assert diagnosed(UNHEALTHY, log([full, *late])).trouble is FailureClass.DISK_FULL
    assert diagnosed(UNHEALTHY, log([full.replace("23:59", "22:00"), *late])).trouble is FailureClass.AUTH


def test_clocks_of_different_zones_are_not_compared() -> None:
    noise = ["10:00:00 INFO a", "08:00:01 INFO b", "10:00:02 INFO a", "08:00:03 INFO b"]
    local = [line.replace("07:", "08:") for line in OLD_DISK]
    assert diagnosed(UNHEALTHY, log([*noise, *local, *KEY])).trouble is FailureClass.DISK_FULL


def test_what_went_on_for_long_without_harm_did_not_begin_the_trouble() -> None:
    noise = [f"{clock} ERROR write: broken pipe" for clock in ("08:00:00", "08:30:00", "09:00:00", "10:20:02")]
    panic = [f"10:2{n}:00 ERROR panic: nil pointer dereference" for n in range(6)]
    assert diagnosed(UNHEALTHY, log([*noise[:3], *panic, noise[3]])).trouble is FailureClass.BAD_RELEASE


def test_a_process_id_does_not_make_a_start_partial() -> None:
    refused = "03:00:00 pid=1 tid=a WARN: Error connecting to Redis on shop-redis:6379 (Errno::ECONNREFUSED)"
    booted = "03:00:02 pid=1 tid=a INFO: Booted Rails 7.1 application in production environment"
    assert diagnosed(RUNNING, log([refused, booted])).trouble is FailureClass.NONE
    assert diagnosed(RUNNING, log([booted, refused])).trouble is FailureClass.DEPENDENCY_DOWN
