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
        (FACTS, {}, "running 3 h 12 min · unhealthy · memory 61% · image 2.3.1 (4 days old)"),
        (FACTS, {"health": None}, "running 3 h 12 min · memory 61%"),
        (FACTS, {"health": "starting"}, "health check starting"),
        (FACTS, {"started_at": ""}, "running · unhealthy"),
        (FACTS, {"restart_count": 2}, "running 3 h 12 min, restarted 2 times by itself"),
        (FACTS, {"restarting": True, "restart_count": 9, "exit_code": 1}, "keeps restarting, 9 times so far"),
        (FACTS, {"restarting": True, "restart_count": 9, "exit_code": 1}, "exit code 1"),
        (FACTS, {"paused": True, "status": "paused"}, "paused"),
        (FACTS, {"running": False, "status": "created"}, "never started · unhealthy · memory"),
        (FACTS, {"running": False, "status": "dead"}, "dead · unhealthy · exit code 0"),
        (STOPPED, {}, "stopped 4 min ago · exit code 137 (out of memory)"),
        (FACTS, {"image": "shop/buggy", "image_created_at": ""}, "image shop/buggy"),
        (FACTS, {"image": "reg:5000/buggy", "image_created_at": ""}, "image reg:5000/buggy"),
        (FACTS, {"image": "buggy@sha256:0123456789abcdef", "image_created_at": ""}, "image sha256:0123456789ab"),
    ],
)
def test_the_state_of_a_container(facts: Any, changes: dict[str, Any], said: str) -> None:
    assert said in phrases.state(replace(EVIDENCE, facts=replace(facts, **changes)))


def test_what_is_unknown_is_left_out() -> None:
    assert phrases.state(replace(EVIDENCE, facts=None)) == "unknown (the engine did not answer)"
    bare = replace(FACTS, started_at="", health=None, image="", image_created_at="")
    assert phrases.state(replace(EVIDENCE, facts=bare, usage=None)) == "running"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("", ""),
        ("No model configured.", "No model configured; this diagnosis is rule-based."),
        ("Refused. Check the key.", "Refused. Check the key. This diagnosis is rule-based."),
    ],
)
def test_a_rule_based_diagnosis_says_why(why: str, said: str) -> None:
    assert phrases.rule_based(why) == said


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (None, ""),
        (Usage(), ""),
        (Usage(memory=0), "0 B"),
        (Usage(memory=312_000_000), "312 MB"),
        (Usage(memory=1_500_000_000, memory_limit=0), "1.5 GB"),
        (Usage(memory=512, memory_limit=1024), "50%"),
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
        ([past(6, "resolved")], "Seen once, 6 days ago; a restart fixed it"),
        ([past(20, "resolved"), past(6, "resolved")], "Seen 2 times in 20 days; a restart fixed it both times"),
        ([past(9, "not_resolved")] * 3, "Seen 3 times in 9 days; a restart did not help all 3 times"),
        (
            [past(9, "resolved"), past(4, "resolved"), past(2, "not_resolved")],
            "Seen 3 times in 9 days; a restart fixed it 2 of 3 times",
        ),
        ([past(9, "ignored", action="ignore")], "Seen once, 9 days ago; it was ignored"),
        ([past(9, "resolved", action="ignore")], "Seen once, 9 days ago; it recovered without a restart"),
        ([past(None, "")], "Seen once; the outcome is unknown"),
        ([past(9, "resolved", "other")], "Seen once, 9 days ago, on other; a restart fixed it"),
        (
            [past(9, "resolved"), past(3, "resolved", "other")],
            "Seen 2 times in 9 days, also on other; a restart fixed it both times",
        ),
    ],
)
def test_the_memory_in_one_line(precedents: list[Precedent], said: str) -> None:
    assert phrases.seen_before(replace(PROPOSED, precedents=tuple(precedents))) == said


def test_related_containers_in_trouble_are_named() -> None:
    near = [
        Neighbour("redis", "running", "unhealthy"),
        Neighbour("calm", "running", "healthy", named_in_log=True),
        Neighbour("orders-db", "exited", named_in_log=True),
    ]
    assert phrases.related(near) == "orders-db exited (named in the log) · redis unhealthy"
    assert phrases.related([Neighbour("a", "exited")] * 5) == "a exited · a exited · a exited · 2 more"
