"""Aegis finds itself and what it needs among the containers of a real engine, whatever they are called."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.docker.containers import DockerContainers
from bot.domain.own_containers import NeededAddress, Surroundings, find_own_containers, own_ids
from bot.domain.target import KnownTarget
from tests.support.docker_engine import Engine

pytestmark = pytest.mark.live


def inventory(engine: Engine, folder: Path) -> tuple[KnownTarget, ...]:
    containers = DockerContainers(docker_host=engine.url, bundles=folder, now=lambda: datetime.now(UTC))
    return asyncio.run(containers.inventory())


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="as usual"),
        pytest.param({"hostname": "aegis-prod"}, id="a host name of its own"),
        pytest.param({"network_mode": "host"}, id="the host's network"),
        pytest.param({"network_mode": "none"}, id="no network"),
        pytest.param({"read_only": True, "cap_drop": ["ALL"]}, id="locked up"),
    ],
)
def test_a_container_knows_its_id_by_the_kernel(options: dict[str, Any], engine: Engine, tmp_path: Path) -> None:
    engine.run("a-neighbour")
    container = engine.run("renamed", **options)
    texts = [engine.shell(container, f"cat /proc/self/{name}")[1].decode() for name in ("mountinfo", "cgroup")]
    assert container in own_ids(*texts)
    # The mounts alone are enough: a namespace of its own hides the cgroup.
    assert own_ids(texts[0], "0::/") == {container}
    mine = find_own_containers(inventory(engine, tmp_path), (), Surroundings(own_ids(*texts), contained=True))
    assert mine.words == {"renamed", container}
    assert mine.unknown == ()


def test_a_process_on_the_engines_machine_is_in_none_of_its_containers(engine: Engine, tmp_path: Path) -> None:
    engine.run("a-neighbour")
    texts = [Path(f"/proc/{engine.pid}/{name}").read_text() for name in ("mountinfo", "cgroup")]
    assert find_own_containers(inventory(engine, tmp_path), (), Surroundings(own_ids(*texts))).words == set()


def test_what_is_needed_is_found_by_its_address_and_by_its_published_port(engine: Engine, tmp_path: Path) -> None:
    engine.run("other")
    container = engine.app("data")
    port = engine.port("data")
    address = engine.client.api.inspect_container(container)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    listed = inventory(engine, tmp_path)
    for need in (NeededAddress("db", 5432, (address,)), NeededAddress("localhost", port, ("127.0.0.1",))):
        assert find_own_containers(listed, (), Surroundings(needs=(need,))).words == {"data", container}
    assert (
        find_own_containers(
            listed, (), Surroundings(needs=(NeededAddress("localhost", port + 1, ("127.0.0.1",)),))
        ).words
        == set()
    )
