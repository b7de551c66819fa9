"""Windows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from bot.domain.evidence import LogDigest, LogLine
from bot.domain.incident import Incident, State
from bot.slack.views import modals
from tests.slack.blockkit import check_view, interactive, parts
from tests.slack.hostile import NASTY, anything, incidents
from tests.slack.incidents import BY_RULES, BY_STATE, EVIDENCE, POOL, PROPOSED

LOUD = replace(
    PROPOSED,
    evidence=replace(
        EVIDENCE, log=LogDigest(tuple(LogLine(n, f"{n} " + "x" * 4096) for n in range(300)), 300, 1_230_000)
    ),
)


def test_ignoring_asks_for_a_reason_that_may_stay_away() -> None:
    view = modals.ignore(PROPOSED)
    check_view(view)
    (asked,) = [block for block in view["blocks"] if block["type"] == "input"]
    assert asked["optional"] is True
    assert view["callback_id"] == "ignore"
    assert json.loads(view["private_metadata"]) == {
        "incident": "i7Kq2",
        "digest": "9f3c2a7b1d4e5f60",
        "channel": "C0ALERTS",
        "thread": "1763805855.000100",
        "card": "1763805856.000200",
    }


def test_the_evidence_is_all_there() -> None:
    view = modals.evidence(replace(BY_STATE[State.UNRESOLVED], alert_text="[FIRING] disk <!here>"))
    assert view is not None
    check_view(view)
    assert not interactive(view["blocks"])
    shown = "\n".join(str(part["text"]) for part in parts(view["blocks"]) if isinstance(part.get("text"), str))
    for said in (POOL, "×412", "HTTP 503 after 5 s", "connection refused", "stats timed out", "docker-7", "18080"):
        assert said in shown
    for said in ("Twenty of twenty", "Pool exhausted by hung requests.", "[FIRING] disk <!here>", "320 MB of 524 MB"):
        assert said in shown


def test_neighbours_and_missing_sources_are_evidence_too() -> None:
    told = modals.evidence_text(BY_RULES)
    assert "orders-db: exited, health –  exit 1 (named in the log)" in told
    assert "stats denied (the proxy refuses)" in told


def test_evidence_that_is_too_long_for_a_window_is_a_file() -> None:
    assert modals.evidence(LOUD) is None
    told = modals.evidence_text(LOUD)
    assert told.count("x" * 4096) == 300
    assert "Root cause: Twenty of twenty" in told


def test_before_anything_was_read_the_evidence_says_so() -> None:
    bare = replace(BY_STATE[State.OPEN], alert_text="")
    assert "Nothing was read yet." in str(modals.evidence(bare))
    assert "Nothing was read yet." in modals.evidence_text(bare)


def test_a_long_line_is_shown_whole() -> None:
    line = "y" * 8000
    incident = replace(PROPOSED, evidence=replace(EVIDENCE, log=LogDigest((LogLine(1, line),), 1, 8000)))
    view = modals.evidence(incident)
    assert view is not None
    check_view(view)
    assert str(view).count("y") >= 8000


def test_no_line_is_lost_between_the_pieces() -> None:
    lines = tuple(LogLine(number, "👍" * (number % 40)) for number in range(400))
    view = modals.evidence(replace(PROPOSED, evidence=replace(EVIDENCE, log=LogDigest(lines, 400, 9000))))
    assert view is not None
    check_view(view)
    shown = [row for part in parts(view["blocks"]) if part.get("type") == "text" for row in part["text"].splitlines()]
    for line in lines:
        assert f"{line.number:>6}  {line.text}".rstrip() in shown


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(incidents)
@pytest.mark.slow
def test_every_window_keeps_to_slacks_limits(incident: Incident) -> None:
    check_view(modals.ignore(incident))
    view = modals.evidence(incident)
    if view is not None:
        check_view(view)
        assert len(json.dumps(view)) < 250_000
    told = modals.evidence_text(incident)
    assert told.encode().strip()
    assert "\x1b" not in told
    assert "\x00" not in told


@given(anything)
def test_a_sentence_fits_its_window(text: str) -> None:
    check_view(modals.message(text, text))
    check_view(modals.loading(text))


def test_hostile_text_is_harmless_in_every_window() -> None:
    for text in NASTY:
        check_view(modals.message(text, text))
