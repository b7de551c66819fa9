"""The log at DEBUG: Aegis's own steps, in a number of lines that a person can read."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import telemetry
from tests.incidents.test_responder import Bench

MOST_LINES = 40
"""Lines of one alert at DEBUG; each further target adds some twenty."""


@pytest.fixture
def debug_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    telemetry.start_log("DEBUG", str)
    yield out
    root.handlers, root.level = handlers, level


async def test_one_alert_at_debug_is_a_page_of_own_steps(tmp_path: Path, debug_log: io.StringIO) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    incident = await bench.fire()
    await bench.store.close()
    lines = debug_log.getvalue().splitlines()
    names = {line.split()[3] for line in lines}
    assert all(name.startswith("bot.") for name in names), names
    assert len(lines) <= MOST_LINES
    text = debug_log.getvalue()
    for step in (
        "alert C0ALERTS:1.1:firing received",
        "alert C0ALERTS:1.1:firing names buggy-app-v2",
        "incident of buggy-app-v2 opened",
        "card posted",
        "evidence of buggy-app-v2 read in ",
        "evidence source logs: ok 1 lines",
        "diagnosis by gemini-3.5-flash-lite: restart, ",
        "guard verdict: ",
        "OPEN -> PROPOSED",
        "card updated to PROPOSED",
    ):
        assert step in text, f"{step!r} is missing in\n{text}"
    assert sum(f"[{incident.id}]" in line for line in lines) >= 5
