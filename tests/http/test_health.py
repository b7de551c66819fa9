"""How each part is, as a whole bot tells it: over /health and /metrics, with Slack and the engine of processes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.metrics import MetricWrapperBase

from bot import telemetry
from bot.errors import EngineUnreachable, RunbookBroken
from bot.http import health as vitals
from bot.http.health import HealthCheck, ages, asked
from bot.playground.engine.engine import ProcessEngine
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.wiring.application import running
from tests.http.test_webhook import free_port
from tests.support.fakes import START
from tests.test_wiring import environment

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"


@dataclass
class Seen:
    """A running bot, seen from outside."""

    workspace: Workspace
    engine: ProcessEngine
    port: int
    folder: Path

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.status, await answer.text()

    async def health(self) -> tuple[int, dict[str, object]]:
        status, text = await self.get("/health")
        return status, json.loads(text)


@pytest.fixture
async def seen(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Seen]:
    monkeypatch.setattr(vitals, "HEALTH_CACHE_S", 0.0)
    port = free_port()
    async with ProcessEngine(tmp_path / "engine") as engine:
        given = environment(workspace, tmp_path, AEGIS_HTTP_PORT=str(port), DOCKER_HOST=engine.host)
        async with running(load(given, env_file=None)):
            await workspace.connected()
            yield Seen(workspace, engine, port, tmp_path)


async def test_a_bot_that_is_well_says_so_of_each_part(seen: Seen) -> None:
    status, said = await seen.health()
    assert status == 200
    named = {name: value for name, value in said.items() if not name.endswith("_s")}
    parts = ("status", "slack", "database", "engine", "outbox", "model", "runbook", "clock", "alerts")
    assert named == dict.fromkeys(parts, "ok")
    age = said["socket_age_s"]
    assert isinstance(age, float)
    assert said["last_event_s"] is None


async def test_the_last_event_is_told(seen: Seen) -> None:
    await seen.workspace.alert("C0ALERTS", "[FIRING:1] ContainerDown (container nobody, severity critical)")
    await seen.workspace.settled()
    assert (await seen.health())[1]["last_event_s"] is not None


@pytest.mark.fault(49)
async def test_an_engine_that_ends_turns_health_red(seen: Seen) -> None:
    await seen.engine.stop()
    status, said = await seen.health()
    assert status == 503
    assert said["status"] == "degraded"
    assert "Docker socket" in str(said["engine"])


async def test_a_broken_runbook_is_told_and_the_bot_goes_on(seen: Seen) -> None:
    (seen.folder / "runbook.json").write_text("{")
    status, said = await seen.health()
    assert status == 200
    assert "runbook" in str(said["runbook"])


async def test_slack_without_a_socket_turns_health_red(seen: Seen) -> None:
    await seen.workspace.stop()
    await seen.workspace.wait_for(lambda: not seen.workspace.connections)
    for _ in range(100):
        status, said = await seen.health()
        if status == 503:
            break
    assert (said["slack"], said["socket_age_s"]) == ("not connected", None)


async def test_every_metric_that_the_dashboard_shows_is_served_and_every_one_that_is_served_is_shown(
    seen: Seen,
) -> None:
    shown = set(re.findall(r"aegis_\w+", DASHBOARD.read_text(encoding="utf-8")))
    _, text = await seen.get("/metrics")
    kinds = dict(re.findall(r"^# TYPE (aegis_\w+) (\w+)$", text, re.MULTILINE))
    served = {name for name in kinds if not name.endswith("_created")}
    # Of a histogram its buckets are shown.
    served = {f"{name}_bucket" if kinds[name] == "histogram" else name for name in served}
    assert shown == served


async def test_labels_of_the_dashboard_are_those_of_the_metrics() -> None:
    labels = {f"aegis_{one._name.removeprefix('aegis_')}": one._labelnames for one in _collectors()}
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            (metric,) = set(re.findall(r"aegis_\w+?(?=_total|_bucket|\[|$|\b)", target["expr"]))
            name = re.sub(r"_(?:total|bucket)$", "", metric)
            wanted = {one for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for one in by.split(", ")} - {"le"}
            wanted |= set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert wanted <= set(labels[name]), target["expr"]


def _collectors() -> list[MetricWrapperBase]:
    return [one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase)]


async def test_an_error_is_told_in_our_words_and_a_well_part_is_empty() -> None:
    async def broken() -> str:
        raise RunbookBroken("The runbook is broken.", detail="secret things")

    async def fine() -> str:
        return ""

    assert await asked(HealthCheck("runbook", broken)) == "The runbook is broken."
    assert await asked(HealthCheck("runbook", fine)) == ""


async def test_many_who_ask_ask_the_engine_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    async def away() -> str:
        nonlocal count
        count += 1
        raise EngineUnreachable("It is away.")

    ask = vitals._remembered(away)
    assert {await ask() for _ in range(5)} == {"It is away."}
    assert count == 1


def test_ages_of_what_never_was_are_none() -> None:
    class Down:
        up_since = None
        event_at = None

    assert ages(Down(), START) == {"socket_age_s": None, "last_event_s": None}
