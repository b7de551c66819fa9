"""What the engine's events prove: a stop that was asked for, and memory that ran out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Usage
from tests.domain.symptoms.test_diagnose import EXITED, POOL, RUNNING, diagnosed

KILLED = replace(EXITED, exit_code=137)
STOPPED = ("09:44:00 kill, signal 15", "09:44:10 kill, signal 9", "09:44:10 die, exit code 137", "09:44:10 stop")


@pytest.mark.parametrize("code", [0, 1, 137, 143])
def test_what_the_engine_was_asked_to_stop_did_not_break(code: int) -> None:
    events = tuple(event.replace("137", str(code)) for event in STOPPED)
    found = diagnosed("10:00:00 INFO served", facts=replace(EXITED, exit_code=code), events=events)
    assert (found.trouble, found.headline, found.restart_helps) == (FailureClass.NONE, "stopped on request", True)
    assert found.confidence >= 0.75
    assert "memory" not in found.root_cause


def test_a_kill_that_ends_a_stop_is_not_for_memory_though_much_was_in_use() -> None:
    assert (
        diagnosed(facts=KILLED, events=STOPPED, usage=Usage(memory=99, memory_limit=100)).trouble is FailureClass.NONE
    )


def test_memory_that_ran_out_is_told_though_somebody_stopped_it_then() -> None:
    assert diagnosed(facts=replace(KILLED, oom_killed=True), events=STOPPED).trouble is FailureClass.OOM
    assert diagnosed(facts=KILLED, events=("09:43:59 oom", *STOPPED)).trouble is FailureClass.OOM


@pytest.mark.parametrize(
    "events",
    [
        STOPPED[:3],
        (*STOPPED, "09:45:00 start", "09:46:00 die, exit code 137"),
        ("before: kill ×2, stop ×2", "09:46:00 die, exit code 137"),
        ("09:44:00 die, exit code 137", "09:44:30 stop"),
    ],
)
def test_a_kill_without_a_stop_of_the_same_run_stays_unknown(events: tuple[str, ...]) -> None:
    assert diagnosed("10:00:00 INFO served", facts=KILLED, events=events).trouble is FailureClass.UNKNOWN


def test_a_container_that_runs_again_was_not_stopped() -> None:
    assert diagnosed(POOL, facts=RUNNING, events=STOPPED).trouble is FailureClass.RESOURCE_EXHAUSTION
