"""The table of states, and what is concluded about a restart whose answer was never heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incident import LIVE, TRANSITIONS, RestartOutcome, State, restart_outcome
from tests.support.fakes import facts

BEFORE = ("2026-11-21T23:48:00.000000000Z", "")


def test_every_state_has_a_row_and_every_road_ends():
    assert set(TRANSITIONS) == set(State)
    ends = set(State) - LIVE
    assert ends == {State.RESOLVED, State.UNRESOLVED, State.IGNORED, State.EXPIRED, State.INTERRUPTED}


def test_a_restart_is_reached_from_proposed_only():
    assert [state for state, following in TRANSITIONS.items() if State.ACTING in following] == [State.PROPOSED]


def test_a_container_that_is_gone_needs_a_person():
    assert restart_outcome(BEFORE, None, 5) is RestartOutcome.GONE


def test_another_start_time_means_that_it_happened():
    assert restart_outcome(BEFORE, facts(started_at="2026-11-22T03:00:05Z"), 5) is RestartOutcome.HAPPENED


def test_a_container_that_ended_after_its_restart_is_not_started_again():
    ended = facts(started_at="2026-11-22T03:00:05Z", running=False, status="exited", finished_at="2026-11-22T03:00:06Z")
    assert restart_outcome(BEFORE, ended, 45) is RestartOutcome.HAPPENED


def test_unchanged_and_young_is_still_in_flight():
    assert restart_outcome(BEFORE, facts(), 39) is RestartOutcome.IN_FLIGHT


@pytest.mark.fault(6)
def test_unchanged_and_old_was_not_carried_out():
    assert restart_outcome(BEFORE, facts(), 40) is RestartOutcome.NOT_CARRIED_OUT


def test_a_long_stop_timeout_is_waited_for():
    assert restart_outcome(BEFORE, facts(stop_timeout=120), 140) is RestartOutcome.IN_FLIGHT


def test_stopped_since_but_not_started_is_told_apart_from_stopped_before():
    stopped = facts(running=False, status="exited", finished_at="2026-11-22T03:00:02Z", exit_code=137)
    assert restart_outcome(BEFORE, stopped, 45) is RestartOutcome.STOPPED
    before = (stopped.started_at, stopped.finished_at)
    assert restart_outcome(before, stopped, 45) is RestartOutcome.NOT_CARRIED_OUT


@given(st.floats(0, 10_000), st.booleans(), st.booleans())
def test_nothing_but_another_start_time_is_taken_for_a_restart(age, running, finished):
    look = facts(running=running, finished_at="2026-11-22T03:00:02Z" if finished else "")
    assert restart_outcome(BEFORE, look, age) is not RestartOutcome.HAPPENED
