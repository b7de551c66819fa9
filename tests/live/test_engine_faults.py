"""A real engine that freezes or dies amid an approved restart, under the whole bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.adapters.docker import client
from bot.playground.slack.workspace import Workspace
from tests.live.test_whole_loop import NAME, Scene, broken_and_heard
from tests.playground.conftest import without_proxies
from tests.support.docker_engine import Engine, running_engine, skip_or_fail, wait_until
from tests.support.gemini_endpoint import gemini_endpoint

pytestmark = pytest.mark.live


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Everything with an engine of its own, which may die; its app takes its time to stop."""
    skip_or_fail()
    without_proxies(monkeypatch)
    monkeypatch.setattr(client, "ACTION_TIMEOUT_S", 1)
    with running_engine() as own:
        # The app ignores this signal, so the engine waits for the whole stop time-out.
        own.app(NAME, health=False, stop_signal="SIGUSR2", labels={"aegis.stop-timeout": "3"})
        broken_and_heard(own)
        async with Workspace() as slack, gemini_endpoint() as gemini:
            yield Scene(slack, gemini, own, tmp_path)


async def acts(scene: Scene) -> list[str]:
    """Return what the engine was told to do, in order, by the trail."""
    store = SqlStore(f"sqlite:///{scene.folder}/aegis.db")
    await store.start()
    told = [row.act.said.split()[0] for row in await store.trail() if row.act.kind == "engine"]
    await store.close()
    return told


async def stopping(engine: Engine) -> None:
    container = engine.inspect(NAME)["Id"]
    await asyncio.to_thread(wait_until, lambda: "kill" in engine.events(container, 0), 20, "the engine's signal")


@pytest.mark.fault(47)
async def test_47_a_restart_in_an_engine_that_freezes_is_unknown_not_sent_again_and_found_after_the_thaw(scene):
    container = scene.engine.inspect(NAME)["Id"]
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url):
        alert = await scene.alert()
        card = await scene.card(alert)
        await scene.slack.press("U0ONCALL", card, "restart")
        await stopping(scene.engine)
        with scene.engine.frozen():
            await scene.said(alert, "unknown whether the restart happened")
        outcome = await scene.said(alert, "200 ×3")
        assert "ecovered" in outcome.words
        assert scene.slack.thread(alert, containing="unknown whether the restart happened") == [
            await scene.said(alert, "unknown whether the restart happened")
        ]
    assert await acts(scene) == ["restart"]
    assert scene.starts(container) == 2


@pytest.mark.fault(48)
async def test_48_an_engine_that_dies_between_stop_and_start_gets_the_container_started_once_and_the_thread_says_so(
    scene,
):
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url):
        alert = await scene.alert()
        await scene.slack.press("U0ONCALL", await scene.card(alert), "restart")
        await stopping(scene.engine)
        scene.engine.kill()
        await scene.said(alert, "unknown whether the restart happened")
        scene.engine.start()
        await scene.said(alert, "stopped but not started again; Aegis started it")
        outcome = await scene.said(alert, "200 ×3")
        assert "ecovered" in outcome.words
        assert scene.engine.inspect(NAME)["State"]["Running"]
    assert await acts(scene) == ["restart", "start"]
