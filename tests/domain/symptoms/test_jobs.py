"""A failed job counts for little where later ones of its kind went well, and in full where they do not."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.diagnosis import FailureClass
from tests.domain.symptoms.test_diagnose import RUNNING
from tests.domain.symptoms.test_timeline import UNHEALTHY, diagnosed, log

FAILED = [
    "10:20:09 ERROR worker: task reports.build[0a1] raised ConnectionResetError(104, 'Connection reset by peer')",
    "Traceback (most recent call last):",
    '  File "/app/tasks.py", line 61, in build',
    "    rows = warehouse.fetch(query)",
    "ConnectionResetError: [Errno 104] Connection reset by peer",
]
WELL = [f"10:2{n}:08 INFO worker: task reports.build[0a{n}] succeeded in 8.1s" for n in range(2, 6)]


def test_one_failed_job_among_good_ones_is_no_trouble() -> None:
    found = diagnosed(RUNNING, log([*FAILED, *WELL]))
    assert (found.trouble, found.restart_helps) == (FailureClass.NONE, False)


def test_a_job_that_fails_last_or_often_is_the_trouble() -> None:
    assert diagnosed(RUNNING, log([*WELL, *FAILED])).trouble is FailureClass.NETWORK
    assert diagnosed(RUNNING, log([*FAILED * 3, *WELL])).trouble is FailureClass.NETWORK


def test_jobs_of_another_kind_that_go_well_say_nothing() -> None:
    others = [line.replace("reports.build", "mails.send") for line in WELL]
    assert diagnosed(RUNNING, log([*FAILED, *others])).trouble is FailureClass.NETWORK


def test_what_fails_beside_a_job_is_told_still() -> None:
    beside = "10:21:00 ERROR java.lang.OutOfMemoryError: Java heap space"
    assert diagnosed(UNHEALTHY, log([*FAILED, beside, *WELL])).trouble is FailureClass.OOM


def test_an_attempt_that_is_made_again_with_success_is_no_trouble() -> None:
    tries = [
        f"10:{minute}:0{second} {word}"
        for minute in (20, 35, 50)
        for second, word in (
            (0, "ERROR sync: attempt 1 of 5 failed: read timed out"),
            (2, "INFO sync: attempt 2 of 5 ok"),
        )
    ]
    good = [f"10:{minute}:00 INFO sync: attempt 1 of 5 ok" for minute in (51, 52, 53, 54)]
    assert diagnosed(RUNNING, log([*tries, *good])).trouble is FailureClass.NONE
    assert diagnosed(replace(RUNNING, health=None), log(tries)).trouble is FailureClass.TIMEOUT


def test_what_is_told_in_the_second_of_a_failure_belongs_to_it() -> None:
    failed = [
        "10:20:09 class=MailJob jid=f1 INFO: fail",
        "10:20:09 WARN: Net::ReadTimeout: Net::ReadTimeout with #<TCPSocket:(closed)>",
    ]
    done = [f"10:2{n}:01 class=MailJob jid=f{n} INFO: done" for n in range(1, 5)]
    assert diagnosed(RUNNING, log([*failed, *done])).trouble is FailureClass.NONE
    later = failed[1].replace("10:20:09", "10:20:30")
    assert diagnosed(RUNNING, log([failed[0], later, *done])).trouble is FailureClass.TIMEOUT


def test_a_job_made_good_is_no_trouble_where_there_is_no_health_check() -> None:
    backup = [
        "01:02:00 ERROR backup of shop failed: connection to server at shop-db, port 5432 failed: Connection refused",
        "02:04:00 INFO backup of shop finished, 1.2 GB",
        "03:04:10 INFO backup of shop finished, 1.2 GB",
    ]
    unprobed = replace(RUNNING, health=None)
    assert diagnosed(unprobed, log(backup)).trouble is FailureClass.NONE
    assert diagnosed(unprobed, log(backup[:1])).trouble is FailureClass.DEPENDENCY_DOWN
