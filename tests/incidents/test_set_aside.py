"""An alert that cannot be handled: by an exception, and by one that kills the process at each start."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.doctor import doctor
from bot.domain.alerts.alert import find_targets as find
from bot.domain.incident import State
from bot.http.health import alerts as alerts_part
from bot.http.health import asked
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.telemetry import SET_ASIDE
from bot.wiring.components import parts
from tests.incidents.test_responder import Bench
from tests.support.fakes import alert
from tests.test_wiring import environment

POISON = "poison"

FATAL = f"""
import os, signal
import bot.incidents.intake
real = bot.incidents.intake.find_targets
def targets(alert, inventory):
    if {POISON!r} in alert.title:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(alert, inventory)
bot.incidents.intake.find_targets = targets
from bot.cli.main import main
"""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def fails(monkeypatch: pytest.MonkeyPatch, times: int) -> list[str]:
    """Let the search for targets fail so often; return the titles for which it was begun."""
    real, begun = find, list[str]()

    def targets(one: object, inventory: object) -> object:
        begun.append(str(one))
        if len(begun) <= times:
            raise RecursionError("too deep")
        return real(one, inventory)  # type: ignore[arg-type]

    monkeypatch.setattr("bot.incidents.intake.find_targets", targets)
    return begun


async def test_after_three_failures_an_alert_is_set_aside_and_people_are_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, before = fails(monkeypatch, 99), SET_ASIDE._value.get()
    received = alert()
    assert await bench.responder.receive(received)
    await bench.responder.answer(received)
    assert len(begun) == 3
    assert await bench.store.unhandled() == ()
    assert SET_ASIDE._value.get() == before + 1
    told = [one for one in bench.messenger.said if "set aside" in str(one)]
    assert len(told) == 1
    assert "too deep" not in str(told)
    last = (await bench.store.trail())[-1]
    assert "set aside" in str(last)
    assert "set aside" in caplog.text
    bench.build()
    await bench.recover()
    assert len(begun) == 3


async def test_a_failure_that_passes_costs_no_alert(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, 2)
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert await bench.store.set_aside_since(incident.opened_at - timedelta(days=1)) == ()


async def test_health_and_the_doctor_name_what_was_set_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, workspace: Workspace, tmp_path: Path
) -> None:
    part = alerts_part(bench.store, bench.responder._world)
    assert await asked(part) == ""
    fails(monkeypatch, 99)
    received = alert()
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    assert "1 alert could not be handled" in await asked(alerts_part(bench.store, bench.responder._world))
    edges = replace(parts(load(environment(workspace, tmp_path), env_file=None)), store=bench.store)
    monkeypatch.setattr(doctor, "SET_ASIDE_PERIOD", timedelta(days=365_000 // 2))
    check = await doctor._set_aside(edges)
    assert check.ok is None
    assert "Aegis could not handle 1 and set it aside" in check.detail


async def test_an_open_incident_whose_look_ended_three_runs_is_closed_and_says_so(bench: Bench) -> None:
    received = alert()
    await bench.responder.receive(received)
    begun = await bench.responder.begin(received)
    await bench.store.mark_handled(received.key)
    incident = begun.incidents[0].incident
    for _ in range(2):
        await bench.store.take_over(everything=True)
    assert await bench.store.count_investigation(incident.id) == 3
    bench.build()
    await bench.recover()
    closed = await bench.now(incident)
    assert closed.state is State.EXPIRED
    assert "3 times" in closed.closing


@pytest.mark.slow
async def test_an_alert_that_kills_each_start_is_set_aside_by_the_fourth_and_costs_no_other(
    workspace: Workspace, tmp_path: Path
) -> None:
    given = environment(workspace, tmp_path, AEGIS_ALERT_CHANNELS="C0ALERTS", AEGIS_RESTART_ALLOWLIST="buggy-app")
    given |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}

    async def start() -> asyncio.subprocess.Process:
        code = FATAL + "import sys; sys.argv = ['aegis', 'run']; main()"
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=tmp_path, env=given, stderr=asyncio.subprocess.DEVNULL
        )

    def attachment(title: str) -> dict[str, str]:
        return {"color": "a30200", "title": title, "fallback": title, "text": "*name:* `buggy-app`"}

    process = await start()
    await workspace.connected()
    await workspace.alert("C0ALERTS", attachments=[attachment(f"[FIRING:1] {POISON}")], sender=MONITOR)
    for _ in range(3):
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
        process = await start()
    try:
        await workspace.wait_for(lambda: workspace.messages("C0ALERTS", containing="set aside"), 30)
        good = await workspace.alert("C0ALERTS", attachments=[attachment("[FIRING:1] down")], sender=MONITOR)
        await workspace.wait_for(lambda: workspace.thread(good), 30)
        assert process.returncode is None
        assert len(workspace.messages("C0ALERTS", containing="set aside")) == 1
    finally:
        process.kill()
        await process.wait()
