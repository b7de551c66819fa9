"""Facts and memory in a few plain words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.evidence import Neighbour, Usage
from bot.domain.runbook_entry import Entry, Precedent
from bot.slack.views import phrases
from tests.slack.incidents import AT, EVIDENCE, FACTS, PROPOSED, STOPPED


@pytest.mark.parametrize(
    ("facts", "changes", "said"),
    [
        (FACTS, {}, "running 3 h 12 m · health unhealthy · exit – · memory 61 % · image 2.3.1 (4 d)"),
        (FACTS, {"health": None}, "no health check"),
        (FACTS, {"started_at": ""}, "running –"),
        (FACTS, {"restart_count": 2}, "running 3 h 12 m, restarted 2× by itself"),
        (FACTS, {"restarting": True, "restart_count": 9, "exit_code": 1}, "restarting by itself, 9× so far"),
        (FACTS, {"restarting": True, "restart_count": 9, "exit_code": 1}, "exit 1"),
        (FACTS, {"paused": True, "status": "paused"}, "paused"),
        (FACTS, {"running": False, "status": "created"}, "never started · health unhealthy · exit –"),
        (FACTS, {"running": False, "status": "dead"}, "dead –"),
        (STOPPED, {}, "stopped 4 min ago · no health check · exit 137 (out of memory)"),
        (FACTS, {"image": "shop/buggy", "image_created_at": ""}, "image shop/buggy"),
        (FACTS, {"image": "reg:5000/buggy", "image_created_at": ""}, "image reg:5000/buggy"),
        (FACTS, {"image": "buggy@sha256:0123456789abcdef", "image_created_at": ""}, "image sha256:0123456789ab"),
        (FACTS, {"image": "", "image_created_at": ""}, "image –"),
    ],
)
def test_the_facts_of_a_container(facts: Any, changes: dict[str, Any], said: str) -> None:
    assert said in phrases.facts(replace(EVIDENCE, facts=replace(facts, **changes)))


def test_unknown_facts_are_a_dash() -> None:
    assert phrases.facts(replace(EVIDENCE, facts=None)) == "– (the engine did not say)"


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (None, "–"),
        (Usage(), "–"),
        (Usage(memory=0), "0 B"),
        (Usage(memory=312_000_000), "312 MB"),
        (Usage(memory=1_500_000_000, memory_limit=0), "1.5 GB"),
        (Usage(memory=512, memory_limit=1024), "50 %"),
    ],
)
def test_missing_memory_is_not_zero(usage: Usage | None, said: str) -> None:
    assert phrases.memory(usage) == said


@pytest.mark.parametrize("stamp", ["", "never", "0001-01-01T00:00:00Z", "2026-02-31T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_what_is_no_time_is_none(stamp: str) -> None:
    assert phrases.moment(stamp) is None


def past(days: int | None, outcome: str, target: str = "buggy-app-v2", action: str = "restart") -> Precedent:
    at = (AT - timedelta(days=days)).isoformat() if days is not None else ""
    return Precedent(Entry("x", action, at=at, target=target, outcome=outcome), 1.0, "")


@pytest.mark.parametrize(
    ("precedents", "said"),
    [
        ([], ""),
        ([past(6, "resolved")], "once, 6 d ago; a restart held"),
        ([past(20, "resolved"), past(6, "resolved")], "2× in 20 d; a restart held both times"),
        ([past(9, "not_resolved")] * 3, "3× in 9 d; a restart did not help all 3 times"),
        (
            [past(9, "resolved"), past(4, "resolved"), past(2, "not_resolved")],
            "3× in 9 d; a restart held 2 of 3",
        ),
        ([past(9, "ignored", action="ignore")], "once, 9 d ago; it was ignored"),
        ([past(9, "resolved", action="ignore")], "once, 9 d ago; it recovered without a restart"),
        ([past(None, "")], "once; its end is not known"),
        ([past(9, "resolved", "other")], "once, 9 d ago, on other; a restart held"),
        (
            [past(9, "resolved"), past(3, "resolved", "other")],
            "2× in 9 d, also on other; a restart held both times",
        ),
    ],
)
def test_the_memory_in_one_line(precedents: list[Precedent], said: str) -> None:
    assert phrases.seen_before(replace(PROPOSED, precedents=tuple(precedents))) == said


def test_neighbours_that_are_not_well_are_named() -> None:
    near = [Neighbour("orders-db", "exited", named_in_log=True), Neighbour("redis", "running", "unhealthy")]
    assert phrases.near(near) == "orders-db exited (named in the log) · redis unhealthy"
    assert phrases.near([Neighbour("a", "exited")] * 5) == "a exited · a exited · a exited · 2 more"
