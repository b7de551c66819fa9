"""The model at its worst, over its real SDK: the card comes from the rules, says why, and its buttons work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.llm import gemini as adapter
from bot.adapters.llm.gemini import make_diagnoser
from bot.adapters.llm.rate_limit import RateLimitedDiagnoser
from bot.domain.diagnosis import RULES
from bot.domain.incident import Incident, State
from bot.slack.views import card
from tests.incidents.test_responder import Bench, press
from tests.support.fakes import CONTAINER, facts
from tests.support.gemini_endpoint import (
    SOUND,
    GeminiEndpoint,
    Scripted,
    blocks,
    drips,
    fails,
    gemini_endpoint,
    hangs,
    raw,
    response,
    says,
    stops,
)

KEY = "AIza-not-a-real-key-0123456789"
SILENT = 0.6
"""Seconds for the whole of asking where no answer comes; elsewhere there is time enough."""


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiEndpoint]:
    async with gemini_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(adapter, "GEMINI_RETRY_PAUSES_S", (0.01, 0.01, 0.01))
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def asks(bench: Bench, gemini: GeminiEndpoint, timeout: float = 20) -> None:
    """Let the bench ask the endpoint through the real SDK, as a running bot does."""
    model = make_diagnoser(
        sdk="google-generativeai", api_key=KEY, model="gemini-3.5-flash-lite", endpoint=gemini.url, timeout=timeout
    )
    bench.diagnoser = RateLimitedDiagnoser(model, bench.clock.now)  # type: ignore[assignment]
    bench.build()


def restart_button(incident: Incident) -> dict[str, Any]:
    (found,) = [
        element
        for block in card.card(incident).blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "restart"
    ]
    return dict(found)


FAULTS: list[tuple[str, Scripted, str]] = [
    ("37 rate limited", fails(429, "quota", retry_after=30), "rate limit or quota"),
    ("37 overloaded", fails(503), "overloaded or down"),
    ("37 broken", fails(500, retry_after=0), "overloaded or down"),
    ("38 hangs", hangs(), "No answer from"),
    ("38 drips", drips(), "No answer from"),
    ("39 wrong key", fails(400, f"API key not valid {KEY}", reason="API_KEY_INVALID"), "GEMINI_API_KEY"),
    ("39 forbidden", fails(403, f"https://x/?key={KEY}"), "GEMINI_API_KEY"),
    ("39 wrong model", fails(404, "models/x is not found"), "AEGIS_GEMINI_MODEL"),
    ("40 question blocked", blocks("SAFETY"), "SAFETY"),
    ("40 answer blocked", stops("SPII"), "SPII"),
    ("40 no candidates", response({"candidates": []}), ""),
    ("40 cut off without a text", stops("MAX_TOKENS"), "cut off"),
    ("41 truncated", says(json.dumps(SOUND)[:60]), ""),
    ("41 no JSON", says("I would restart it right away."), ""),
    ("41 a page", raw(b"<html>Sign in to the WiFi</html>"), ""),
    ("41 half of it hostile", says({"root_cause": "planted words", "action": "restart prod-db"}), ""),
    ("43 another container", says(SOUND | {"action": "docker restart prod-db"}), ""),
]


@pytest.mark.fault(37, 38, 39, 40, 41, 43)
@pytest.mark.parametrize(("answer", "why"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
async def test_37_to_43_whatever_is_wrong_with_the_model_the_rules_speak_say_why_and_the_button_works(
    bench: Bench, gemini: GeminiEndpoint, answer: Scripted, why: str
) -> None:
    asks(bench, gemini, SILENT if answer.manner != "whole" else 20)
    gemini.default = answer
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert incident.diagnosis is not None
    assert incident.diagnosis.by == RULES
    assert why in incident.diagnosis.why_rules
    shown = str(card.card(incident))
    assert incident.diagnosis.why_rules.rstrip(".")[:60] in shown
    assert "QueuePool limit" in shown
    assert "planted words" not in shown + repr(incident.diagnosis)
    assert "prod-db" not in repr(incident.diagnosis)
    assert KEY not in shown + repr(incident)
    assert len(gemini.requests) <= 4
    assert restart_button(incident)["value"] == f"{incident.id}:{incident.digest}"
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.RESOLVED
    assert [write for write in bench.containers.writes if write[0] == "restart"] == [("restart", CONTAINER)]


@pytest.mark.fault(42)
async def test_42_a_model_that_sees_nothing_in_a_real_outage_closes_nothing_and_hides_no_fact(
    bench: Bench, gemini: GeminiEndpoint
) -> None:
    asks(bench, gemini)
    gemini.default = says(
        SOUND | {"root_cause": "nothing is wrong", "headline": "all well", "action": "ignore", "class": "none"}
    )
    dead = replace(facts(), running=False, status="exited", exit_code=137, oom_killed=True, health=None)
    bench.containers.looks = [dead]
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    shown = str(card.card(incident))
    assert "137" in shown
    assert "out of memory" in shown
    assert restart_button(incident)["value"].endswith(incident.digest)
    assert bench.containers.writes == []
    assert not any(what in ("outcome", "say") for what, _, _ in bench.messenger.said)
