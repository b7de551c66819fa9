"""An alert that was read late: the incident knows when it was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.incidents.test_responder import Bench
from tests.support.fakes import START, alert


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


@pytest.mark.parametrize(("late", "told"), [(14, True), (0, False)])
async def test_an_alert_that_was_sent_long_before_it_was_read_is_late(bench: Bench, late: int, told: bool) -> None:
    sent = START - timedelta(minutes=late)
    received = alert(ts=f"{sent.timestamp():.6f}")
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    (incident,) = await bench.store.live()
    assert incident.sent_at == sent
    assert bool(incident.late) is told


@pytest.mark.parametrize("message", ["", "no time", "1e400", "nan"])
async def test_a_message_without_a_time_is_not_late(bench: Bench, message: str) -> None:
    received = replace(alert(), message=message)
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    (incident,) = await bench.store.live()
    assert (incident.sent_at, incident.late) == (None, timedelta(0))
