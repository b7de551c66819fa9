"""The demo's services as real containers: built, broken and mended on a Docker Engine."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.errors import EngineError
from bot.playground.lab.docker import ready
from bot.playground.lab.lab import Lab
from bot.playground.lab.services import API, DATABASE, GOOD, LABEL, NEXT, REPOSITORY, LabEngine
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import until
from tests.support.docker_engine import Engine

pytestmark = [pytest.mark.live, pytest.mark.slow]


def base_image() -> bytes:
    """A stand-in for the image that a registry would give: this machine's Python with the libraries that it loads."""
    program, stdlib = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", dereference=True) as tar:
        tar.add(program, "usr/local/bin/python")
        tar.add(stdlib, f"usr/local/lib/{stdlib.name}", filter=_needed)
        for library in _libraries(program, *stdlib.glob("lib-dynload/*.so")):
            tar.add(library, library.lstrip("/"))
    return packed.getvalue()


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    unneeded = r"/(__pycache__|test|tests|site-packages|dist-packages|idlelib|ensurepip|lib2to3|tkinter|config-[^/]*)$"
    return None if re.search(unneeded, entry.name) else entry


def _libraries(*programs: Path) -> list[str]:
    told = subprocess.run(["ldd", *map(str, programs)], check=False, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", told)))


class Bot:
    """No bot takes part here."""

    status = "stopped"

    async def kill(self) -> None:
        raise AssertionError

    async def start(self) -> None:
        raise AssertionError


class Scene:
    """The lab on a real engine."""

    def __init__(self, engine: Engine, lab_engine: LabEngine, workspace: Workspace, folder: Path) -> None:
        self.engine, self.workspace = engine, workspace
        self.lab = Lab(
            lab_engine,
            workspace,
            Bot(),
            folder=folder,
            runbook=folder / "runbook.json",
            diagnoser="rules",
            interval=0.5,
        )

    def service(self, name: str = API) -> dict[str, Any]:
        return next(service for service in self.lab.state()["services"] if service["name"] == name)

    async def until(self, true: Callable[[], object], seconds: float = 40) -> None:
        await until(self.lab, true, seconds)

    async def told(self, firing: int, resolved: int) -> None:
        """Wait until so many alerts about the API were posted."""

        def count(word: str) -> int:
            return len(self.workspace.messages("C0ALERTS", containing=f"[{word}] ServiceDown {API}"))

        await self.workspace.wait_for(lambda: (count("FIRING:1"), count("RESOLVED")) == (firing, resolved), 60)

    async def restart(self) -> None:
        await asyncio.to_thread(self.engine.client.api.restart, API, timeout=5)


@pytest.fixture(scope="module")
def base(running_engine: Engine) -> Engine:
    running_engine.client.api.import_image_from_data(base_image(), repository="python", tag="3.12-alpine")
    return running_engine


@pytest.fixture
async def lab_engine(base: Engine, engine: Engine, tmp_path: Path) -> LabEngine:
    return await ready(tmp_path, lambda _: None, {"DOCKER_HOST": engine.url})


@pytest.fixture
async def scene(lab_engine: LabEngine, engine: Engine, tmp_path: Path) -> AsyncIterator[Scene]:
    async with Workspace() as workspace:
        scene = Scene(engine, lab_engine, workspace, tmp_path)
        async with scene.lab:
            yield scene
        assert engine.client.api.containers(all=True) == []
        assert engine.client.networks.list(filters={"label": LABEL}) == []


async def test_the_image_is_built_once_and_anew_when_its_source_has_changed(lab_engine, engine, tmp_path, monkeypatch):
    assert lab_engine.engine.startswith("Docker ")
    said: list[str] = []
    await ready(tmp_path, said.append, {"DOCKER_HOST": engine.url})
    assert said == []
    images = {engine.client.images.get(f"{REPOSITORY}:{version}").id for version in (GOOD, NEXT)}
    assert len(images) == 2
    monkeypatch.setattr("bot.playground.lab.docker._source", lambda: "another")
    await ready(tmp_path, said.append, {"DOCKER_HOST": engine.url})
    assert len(said) == 2


async def test_an_exhausted_pool_is_cured_by_a_restart(scene):
    await scene.until(lambda: scene.service()["health"] == "healthy")
    await scene.lab.do("pool_exhausted")
    await scene.told(1, 0)
    await scene.until(lambda: any("QueuePool limit" in line for line in scene.service()["log"]))
    await scene.until(lambda: scene.service()["health"] == "unhealthy")
    await scene.restart()
    await scene.told(1, 1)


async def test_a_leak_is_ended_by_the_kernel_at_the_memory_limit(scene):
    await scene.lab.do("memory_leak")
    await scene.told(1, 0)
    # Nobody else kills it. Whether the engine hears the kernel's notice before the exit is left to chance by dockerd.
    await scene.until(lambda: scene.service()["exit_code"] == 137)
    await scene.restart()
    await scene.told(1, 1)


async def test_a_bad_release_is_a_restart_loop_that_no_restart_ends(scene):
    await scene.lab.do("bad_config")
    await scene.told(1, 0)
    await scene.until(lambda: scene.service()["restarts"] >= 2)
    assert scene.service()["image"].endswith(NEXT)
    await scene.restart()
    await scene.until(lambda: scene.service()["restarts"] >= 2)
    assert "rolled back" in await scene.lab.do("all_well")
    await scene.told(1, 1)


async def test_a_hang_and_a_dead_database_are_mended(scene):
    await scene.lab.do("hang")
    await scene.told(1, 0)
    await scene.until(lambda: scene.service()["health"] == "unhealthy")
    assert "made anew" in await scene.lab.do("all_well")
    await scene.told(1, 1)
    await scene.lab.do("database_down")
    await scene.told(2, 1)
    await scene.until(lambda: scene.service(DATABASE)["exit_code"] == 137)
    assert f"{DATABASE} was started" in await scene.lab.do("all_well")
    await scene.told(2, 2)


async def test_what_a_killed_demo_left_is_removed_and_what_is_not_ours_stays(lab_engine, engine, tmp_path):
    left = engine.run("left-behind", labels={LABEL: str(tmp_path.resolve())})
    other = engine.run("orders", labels={LABEL: "/another/folder"})
    async with Workspace() as workspace, Scene(engine, lab_engine, workspace, tmp_path).lab:
        ids = {container["Id"] for container in engine.client.api.containers(all=True)}
        assert left not in ids
        assert len(ids) == 4
    assert [container["Id"] for container in engine.client.api.containers(all=True)] == [other]


async def test_a_name_that_is_taken_is_refused(engine, tmp_path):
    theirs = engine.run("web")
    with pytest.raises(EngineError, match="There is a container named web already"):
        await ready(tmp_path, lambda _: None, {"DOCKER_HOST": engine.url})
    assert [container["Id"] for container in engine.client.api.containers(all=True)] == [theirs]
