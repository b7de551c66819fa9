"""The proxy of compose.yaml lets through every call that Aegis makes, and none that could do more."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests
import yaml

from bot.adapters.containers import DockerContainers
from tests.engine import Engine
from tests.fakes import START

COMPOSE = yaml.safe_load((Path(__file__).parent.parent.parent / "compose.yaml").read_text())
FLAGS = "\n".join(COMPOSE["services"]["socket-proxy"]["command"])
RULES = {method: re.compile(rule) for method, rule in re.findall(r"^-allow([A-Z]+)=(.*)$", FLAGS, re.MULTILINE)}


def allowed(method: str, path: str) -> bool:
    return method in RULES and RULES[method].fullmatch(path) is not None


@pytest.mark.live
async def test_every_call_of_aegis_is_let_through(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: set[tuple[str, str]] = set()
    send = requests.Session.send

    def recorded(session, request, **options):
        calls.add((request.method, unquote(urlsplit(request.url).path)))
        return send(session, request, **options)

    name = "buggy-app-v2"
    engine.app(name, health=False)
    containers = DockerContainers(docker_host=engine.url, bundles=tmp_path, now=lambda: START)
    monkeypatch.setattr(requests.Session, "send", recorded)
    await containers.info()
    await containers.inventory()
    await containers.evidence(name)
    facts = await containers.facts(name)
    await containers.newest_lines(facts.container_id, 5)
    await containers.bundle(facts, "incident")
    await containers.restart(facts)
    await containers.start(facts.container_id)
    assert {method for method, _ in calls} == {"GET", "POST"}
    assert [call for call in sorted(calls) if not allowed(*call)] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.41/containers/create"),
        ("POST", "/v1.41/containers/buggy-app-v2/restart"),
        ("POST", f"/v1.41/containers/{'a' * 64}/exec"),
        ("POST", f"/v1.41/containers/{'a' * 64}/kill"),
        ("POST", f"/v1.41/containers/{'a' * 64}/stop"),
        ("POST", f"/v1.41/containers/{'a' * 64}/restart/../kill"),
        ("DELETE", f"/v1.41/containers/{'a' * 64}"),
        ("PUT", f"/v1.41/containers/{'a' * 64}/archive"),
        ("GET", f"/v1.41/containers/{'a' * 64}/archive"),
        ("GET", f"/v1.41/containers/{'a' * 64}/export"),
        ("GET", f"/v1.41/containers/{'a' * 64}/attach/ws"),
        ("GET", "/v1.41/secrets"),
        ("GET", "/v1.41/images/json/../../secrets"),
        ("GET", "/version/../v1.41/secrets"),
    ],
)
def test_nothing_that_could_do_more_is_let_through(method, path):
    assert not allowed(method, path)
