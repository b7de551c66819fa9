"""Recovered means recovered: several good looks in a row, the same start, no loop, healthy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.verification import Probe, Verification, observe
from tests.support.fakes import facts

GOOD = Probe(True, "200")
BAD = Probe(False, "503")
WELL = facts(health="healthy")


def watch(looks, *, successes=3, timeout=60.0, steady=0.0):
    seen = Verification()
    for second, (look, probe) in enumerate(looks, 1):
        seen = observe(seen, look, probe, seconds=second, successes=successes, timeout=timeout, steady=steady)
        if seen.recovered is not None:
            break
    return seen


@pytest.mark.fault(59)
def test_one_lucky_answer_is_not_recovery():
    assert watch([(WELL, GOOD)]).recovered is None


def test_three_good_answers_in_a_row_are_recovery():
    seen = watch([(WELL, GOOD)] * 3)
    assert seen.recovered is True
    assert seen.summary == "200 ×3, healthy"
    assert seen.seconds == 3


def test_a_bad_answer_starts_the_row_anew():
    seen = watch([(WELL, GOOD), (WELL, GOOD), (WELL, BAD), (WELL, GOOD), (WELL, GOOD)])
    assert seen.recovered is None
    assert seen.good_in_row == 2


@pytest.mark.fault(58)
def test_refused_for_a_while_then_good_is_recovery():
    seen = watch([(WELL, Probe(False, "connection refused"))] * 20 + [(WELL, GOOD)] * 3)
    assert seen.recovered is True
    assert seen.seconds == 23


@pytest.mark.fault(61)
def test_good_answers_of_an_unhealthy_container_are_not_recovery():
    seen = watch([(facts(health="starting"), GOOD)] * 59 + [(facts(health="unhealthy"), GOOD)])
    assert seen.recovered is False
    assert "health check still says unhealthy" in seen.reason


def test_an_exit_ends_the_watch_at_once():
    seen = watch([(WELL, GOOD), (facts(running=False, status="exited", exit_code=1), BAD)])
    assert seen.recovered is False
    assert "exited with code 1" in seen.reason


@pytest.mark.fault(51)
def test_51_an_exit_right_after_the_start_is_told_with_how_long_it_ran():
    times = {"started_at": "2026-11-22T03:00:05.000000001Z", "finished_at": "2026-11-22T03:00:05.412345678Z"}
    seen = watch([(facts(running=False, status="exited", exit_code=1, **times), None)])
    assert seen.recovered is False
    assert seen.reason == "it exited with code 1 after 0.4 s"


@pytest.mark.fault(52)
def test_52_a_crash_loop_is_told_with_its_count_and_in_how_many_seconds():
    looping = facts(running=True, restarting=True, restart_count=4, exit_code=1, health="healthy")
    seen = watch([(WELL, GOOD), (looping, GOOD)])
    assert seen.recovered is False
    assert "started it 4 times within 2 s" in seen.reason
    assert seen.good_in_row == 0


def test_a_crash_loop_is_not_running_whatever_the_engine_calls_it():
    seen = watch([(facts(running=True, restarting=True, restart_count=4, exit_code=1, health=None), GOOD)])
    assert seen.recovered is False
    assert "crash-looping" in seen.reason
    assert "4 times" in seen.reason


@pytest.mark.fault(59)
def test_another_start_time_is_not_recovery():
    seen = watch([(WELL, GOOD), (WELL, GOOD), (facts(health="healthy", started_at="later"), GOOD)])
    assert seen.recovered is False
    assert "started again" in seen.reason


def test_a_url_that_never_answers_ends_at_the_deadline_with_what_it_said():
    seen = watch([(WELL, BAD)] * 60)
    assert seen.recovered is False
    assert "503" in seen.reason
    assert seen.summary == "503 ×60"


@pytest.mark.fault(61)
def test_without_url_and_health_check_a_steady_run_counts():
    look = (facts(health=None), None)
    assert watch([look] * 9, steady=10.0).recovered is None
    seen = watch([look] * 10, steady=10.0)
    assert seen.recovered is True
    assert "no health URL" in seen.summary


def test_no_answer_from_the_engine_is_never_good():
    seen = watch([(None, GOOD)] * 60)
    assert seen.recovered is False
    assert "engine did not answer" in seen.reason


@given(st.lists(st.tuples(st.sampled_from([WELL, None, facts(health="starting")]), st.booleans()), max_size=70))
def test_recovery_needs_good_looks_in_a_row_whatever_came_before(looks):
    seen = watch([(look, GOOD if good else BAD) for look, good in looks])
    if seen.recovered:
        last = looks[int(seen.seconds) - 3 : int(seen.seconds)]
        assert all(look is WELL and good for look, good in last)
        assert len(last) == 3
