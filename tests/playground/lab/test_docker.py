"""Finding a Docker Engine for the demo, and the sentences where there is none that will do."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import docker
import pytest

from bot.errors import EngineError, EngineUnreachable
from bot.playground.engine.engine import ProcessEngine
from bot.playground.lab import docker as docker_engine
from bot.playground.lab.docker import addresses, find, ready
from bot.playground.lab.services import API, process_images


def listening(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(8)
    return server


@pytest.fixture(autouse=True)
def _no_context(monkeypatch):
    monkeypatch.setattr(docker_engine, "_of_context", list)


def test_docker_host_alone_counts_where_it_is_set(tmp_path):
    with listening(tmp_path / "docker.sock"):
        told = addresses({"DOCKER_HOST": "unix:///elsewhere.sock", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert told == ["unix:///elsewhere.sock"]


def test_a_rootless_socket_and_docker_desktops_are_looked_for(tmp_path):
    with listening(tmp_path / "run/docker.sock"), listening(tmp_path / ".docker/run/docker.sock"):
        told = addresses({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")})
    assert told[:2] == [f"unix://{tmp_path}/run/docker.sock", f"unix://{tmp_path}/.docker/run/docker.sock"]


def test_the_contexts_address_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(docker_engine, "_of_context", lambda: ["unix:///chosen.sock"])
    assert addresses({"HOME": str(tmp_path)})[0] == "unix:///chosen.sock"


@pytest.mark.parametrize(
    ("candidates", "sentence"),
    [
        ([], "There is no Docker Engine on this machine."),
        (
            ["unix:///nowhere/docker.sock"],
            "No Docker Engine answers at unix:///nowhere/docker.sock within two seconds.",
        ),
        (["tcp://10.1.2.3:2375"], "The engine at tcp://10.1.2.3:2375 is on another machine"),
        (["ssh://me@build-host"], "The engine at ssh://me@build-host is on another machine"),
        (["nonsense"], "The engine at nonsense is on another machine"),
    ],
)
def test_why_no_engine_will_do_is_said_with_what_to_do(candidates, sentence):
    with pytest.raises(EngineUnreachable) as refused:
        find(candidates)
    assert sentence in refused.value.sentence
    assert "--engine process" in refused.value.sentence


@pytest.mark.slow
def test_an_engine_that_hangs_is_given_up_and_the_next_one_tried(tmp_path):
    with listening(tmp_path / "docker.sock"), pytest.raises(EngineUnreachable) as refused:
        find([f"unix://{tmp_path}/docker.sock", "unix:///nowhere/docker.sock"])
    assert refused.value.message.count("No Docker Engine answers") == 2


async def test_an_engine_without_the_base_image_that_cannot_fetch_it_says_so(tmp_path):
    said: list[str] = []
    async with ProcessEngine(tmp_path / "engine") as engine:
        with pytest.raises(EngineError) as refused:
            await ready(tmp_path, said.append, {"DOCKER_HOST": engine.host})
    assert "python:3.12-alpine is not on this machine and could not be fetched" in refused.value.sentence
    assert "--engine process" in refused.value.sentence
    assert said == ["Fetching python:3.12-alpine …"]


async def test_a_taken_name_is_refused_before_anything_is_built(tmp_path):
    said: list[str] = []
    async with ProcessEngine(tmp_path / "engine") as engine:
        engine.images.update(process_images())
        client = await asyncio.to_thread(docker.APIClient, engine.host)
        await asyncio.to_thread(client.create_container, "aegis-demo/shop:2.3.1", "api", name=API)
        with pytest.raises(EngineError, match=f"There is a container named {API} already"):
            await ready(tmp_path, said.append, {"DOCKER_HOST": engine.host})
    assert said == []
