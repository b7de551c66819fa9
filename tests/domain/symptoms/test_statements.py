"""Logs of programs that no signature knows are read by what their statements say."""

from dataclasses import replace

import pytest

from bot.domain.diagnosis import Diagnosis, FailureClass
from bot.domain.evidence import Evidence, Facts, LogDigest
from bot.domain.logs.digest import digest_log
from bot.domain.symptoms import diagnose
from bot.domain.target import parse_target
from tests.support.fakes import facts

KINDS = {
    "the trace under a headline": (
        "permission",
        "/srv/trail/today",
        "Settings were not taken: configuration error.\nTraceback (most recent call last):\n"
        '  File "/app/trail.py", line 12, in open\n    os.mkdir(path)\n'
        "PermissionError: [Errno 13] Permission denied: '/srv/trail/today'",
    ),
    "the exception under a headline": (
        "disk_full",
        "/srv/film/day.log",
        "Could not load the settings: configuration error.\n\nTraceback (most recent call last):\n"
        "  File \"/app/film.py\", line 9, in write\n    open(path, 'w')\n"
        "OSError: [Errno 28] No space left on device: '/srv/film/day.log'",
    ),
    "a harmless warning before it": (
        "bad_release",
        "9 and 7",
        "04:10:02 WARN tarn: no config file found at /etc/tarn.toml, going on with defaults\n"
        "04:10:02 ERROR tarn: snapshot kind 9, this tarn reads up to 7\n04:10:02 ERROR tarn: leaving",
    ),
    "an exception chain of Java": (
        "auth",
        "film",
        "2026-11-03 04:10:02,441 ERROR [main] film.Main - Start failed\n"
        "film.StartException: Error creating bean with name 'reels'\n\tat film.Main.start(Main.java:12)\n"
        "Caused by: film.PoolException: No connection\n\tat film.Pool.open(Pool.java:40)\n"
        "Caused by: java.sql.SQLException: Access denied for user 'film'@'10.0.0.3'\n\tat film.D.login(D.java:9)",
    ),
    "a demand in plain English": (
        "config_error",
        "",
        "This edition asks that these values are set:\n\n  - FILM_SALT\n  - FILM_MAIN_KEY\n",
    ),
    "a datagram that is never answered": (
        "network",
        "192.0.2.7:3478",
        "04:10:02 WARN relay: no answer from 192.0.2.7:3478/udp in 5 s, next try\n"
        "04:10:09 WARN relay: no answer from 192.0.2.7:3478/udp in 5 s, next try\n04:10:16 ERROR relay: giving up",
    ),
    "damage in its own words": (
        "data_error",
        "",
        "04:10:02 FATAL shelf: 31 of 40 pages do not match their sums, more than the 5 that are let pass",
    ),
    "a limit that is not set": (
        "config_error",
        "2147483647",
        "ERROR film: cannot allocate 2147483647 slots: out of memory (slots = open-files limit)",
    ),
}


def diagnosed(text: str, facts_: Facts | None = None) -> Diagnosis:
    log = digest_log([text.encode() + b"\n"]) if text else LogDigest()
    evidence = Evidence(parse_target("film"), "", facts_, log)
    return diagnose.diagnose_by_rules(evidence, diagnose.find_symptoms(evidence))


@pytest.mark.parametrize(("trouble", "name", "text"), KINDS.values(), ids=KINDS)
def test_kind_of_fault_gets_its_class_and_names_its_thing(trouble: str, name: str, text: str) -> None:
    found = diagnosed(text)
    assert found.trouble.value == trouble, found
    assert name in found.root_cause


def test_unknown_words_are_quoted_as_the_last_complaint() -> None:
    found = diagnosed("04:10:02 ERROR film: the reel is upside down and nobody turns it")
    assert found.trouble is FailureClass.UNKNOWN
    assert "Last complaint: “the reel is upside down and nobody turns it”" in found.root_cause


def test_last_words_of_an_ended_program_are_called_so() -> None:
    ended = replace(facts(), running=False, status="exited", exit_code=3, finished_at="2026-11-22T08:00:00Z")
    found = diagnosed("film: opening the curtain\nfilm: the reel is upside down", ended)
    assert "Last words before it ended: “the reel is upside down”" in found.root_cause


def test_log_without_complaint_says_nothing() -> None:
    found = diagnosed("04:10:02 INFO film: ready\n04:10:03 INFO film: served 3")
    assert "Last" not in found.root_cause
    assert not found.quotes


def test_signature_alone_is_never_sure() -> None:
    alone = diagnosed("10:00:00 ERROR krb5: clock skew too great")
    assert alone.confidence < 0.6


def test_quoted_lines_are_lines_of_the_log() -> None:
    for _, _, text in KINDS.values():
        assert all(quote.text in text for quote in diagnosed(text).quotes)
