"""The proxy of the Compose files lets through every call that Aegis makes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from bot.adapters.docker.containers import DockerContainers
from bot.domain.diagnosis import Action
from bot.domain.target import TargetId, parse_target
from tests.support.docker_engine import Engine
from tests.support.fakes import START, bundle, restart
from tests.support.proxy_rules import FILES, allows


@pytest.mark.live
async def test_every_call_of_aegis_is_let_through(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: set[tuple[str, str]] = set()
    send = requests.Session.send

    def recorded(session, request, **options):
        calls.add((request.method, urlsplit(request.url).path))
        return send(session, request, **options)

    name = "buggy-app-v2"
    engine.app(name, health=False)
    containers = DockerContainers(docker_host=engine.url, bundles=tmp_path, now=lambda: START)
    monkeypatch.setattr(requests.Session, "send", recorded)
    await containers.info()
    await containers.inventory()
    await containers.evidence(parse_target(name))
    facts = await containers.facts(parse_target(name))
    await containers.newest_lines(TargetId("", facts.container_id), 5)
    await bundle(containers, facts, "incident")
    await restart(containers, facts)
    await containers.act(Action.START, TargetId("", facts.container_id))
    assert {method for method, _ in calls} == {"GET", "POST"}
    assert [(file, *call) for file in FILES for call in sorted(calls) if not allows(file, *call)] == []
