"""The lab on an engine of processes: every break is real, shows in the monitor's alerts, and is mended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from docker.errors import NotFound

from bot.errors import AegisError, EngineError
from bot.playground.engine.engine import ProcessEngine
from bot.playground.lab import breaks
from bot.playground.lab.actions import ACTIONS
from bot.playground.lab.lab import Lab
from bot.playground.lab.services import API, DATABASE, LABEL, NEXT, REPOSITORY, WEB, LabEngine, process_images
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import Json
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import app_of, online, until, without_proxies

pytestmark = pytest.mark.slow

CARD = [
    {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "restart", "text": {"type": "plain_text", "text": "Restart"}}],
    }
]


class Bot:
    """A bot that only remembers what was done to it."""

    def __init__(self) -> None:
        self.status = "connected"
        self.done: list[str] = []

    async def kill(self) -> None:
        self.status = "stopped"
        self.done.append("kill")

    async def start(self) -> None:
        self.status = "starting"
        self.done.append("start")


class Scene:
    """A lab that runs, and what a test looks at."""

    def __init__(self, engine: ProcessEngine, workspace: Workspace, folder: Path) -> None:
        self.engine, self.workspace, self.folder = engine, workspace, folder
        self.bot = Bot()
        self.lab = self.another(folder)

    def another(self, folder: Path) -> Lab:
        return Lab(
            LabEngine(self.engine.host),
            self.workspace,
            self.bot,
            folder=folder,
            runbook=folder / "runbook.json",
            diagnoser="rules",
            interval=0.2,
        )

    def service(self, name: str = API) -> Json:
        return next(service for service in self.lab.state()["services"] if service["name"] == name)

    def enabled(self) -> set[str]:
        return {action["id"] for action in self.lab.state()["actions"] if action["enabled"]}

    async def until(self, true: Callable[[], object], seconds: float = 20) -> None:
        """Wait until something is so, looking again at each change of the lab."""
        await until(self.lab, true, seconds)

    async def said(self, words: str, count: int = 1) -> list[str]:
        """Wait until so many alerts hold the words; return all alerts so far, oldest first."""

        def titles() -> list[str]:
            return [message.words.splitlines()[0] for message in self.workspace.messages("C0ALERTS")]

        await self.workspace.wait_for(lambda: sum(words in title for title in titles()) >= count, 30)
        return titles()

    async def broken(self, action: str) -> str:
        """Break something and wait for the alert about the API, and no other."""
        said = await self.lab.do(action)
        assert all(f"ServiceDown {API}" in title for title in await self.said("FIRING"))
        return said

    async def mended(self) -> str:
        """Put all right and wait until it is, and told."""
        said = await self.lab.do("all_well")
        await self.said("RESOLVED", sum("FIRING" in title for title in await self.said("")))
        assert await self.health() == 200
        return said

    async def health(self) -> int:
        url = self.lab._services.url(API)
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                return (await client.get(url, timeout=2)).status_code
            except httpx.HTTPError:
                return 0

    async def restart(self) -> None:
        """Restart the API as Aegis does, and wait until it listens or has failed."""
        await self.ask(lambda client: client.restart(API, timeout=5))

    async def ask(self, question: Callable[[docker.APIClient], Any]) -> Any:
        client = await asyncio.to_thread(docker.APIClient, self.engine.host)
        return await asyncio.to_thread(question, client)

    async def wait_until_healthy(self, within: float = 10) -> bool:
        """Say whether the API answers well before the time is up."""
        try:
            async with asyncio.timeout(within):
                while await self.health() != 200:  # noqa: ASYNC110 - only asking tells
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def card(self) -> Message:
        """Let the bot post a card."""
        body = {**self.workspace.seed.bot.as_author("T0PLAY"), "text": "a card", "blocks": CARD}
        return self.workspace.state.post("C0ALERTS", body)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    without_proxies(monkeypatch)
    async with ProcessEngine(tmp_path / "engine") as engine, Workspace() as workspace:
        engine.images.update(process_images())
        scene = Scene(engine, workspace, tmp_path)
        async with scene.lab:
            yield scene


async def test_it_starts_well_and_shows_everything(scene):
    state = scene.lab.state()
    assert json.loads(json.dumps(state)) == state
    assert [service["name"] for service in state["services"]] == [DATABASE, API, WEB]
    assert {service["status"] for service in state["services"]} == {"running"}
    assert {(a["id"], a["group"]) for a in state["actions"]} == {(a.id, a.group) for a in ACTIONS.values()}
    assert (state["diagnoser"], state["engine"], state["notes"]) == ("rules", "processes on this machine", [])
    assert state["bot"] == {"status": "connected"}
    await scene.until(lambda: scene.service()["health"] == "healthy")
    await scene.until(lambda: any("/health" in line for line in scene.service()["log"]))
    assert scene.service()["memory"] > 1_000_000
    assert scene.service()["up_since"]
    assert scene.workspace.messages("C0ALERTS") == []


async def test_an_exhausted_pool_is_cured_by_a_restart(scene):
    await scene.broken("pool_exhausted")
    await scene.until(lambda: any("QueuePool limit" in line for line in scene.service()["log"]))
    await scene.restart()
    assert await scene.wait_until_healthy()
    await scene.said("RESOLVED")
    assert "nothing had to be done" in await scene.mended()


async def test_a_hanging_service_is_cured_by_a_restart_and_by_all_well(scene):
    await scene.broken("hang")
    await scene.until(lambda: scene.service()["health"] == "unhealthy")
    assert scene.service()["status"] == "running"
    await scene.restart()
    assert await scene.wait_until_healthy()
    await scene.lab.do("hang")
    assert "made anew" in await scene.mended()


async def test_a_leak_ends_with_the_engine_killing_it_and_a_restart_cures_for_a_while(scene):
    await scene.broken("memory_leak")
    await scene.until(lambda: scene.service()["exit_code"] == 137)
    told = await scene.ask(lambda client: client.inspect_container(API))
    assert told["State"]["OOMKilled"]
    await scene.restart()
    assert await scene.wait_until_healthy()
    await scene.said("RESOLVED")
    assert "made anew" in await scene.mended()


async def test_a_leaking_service_is_killed_again_after_a_restart(scene, monkeypatch):
    monkeypatch.setattr(breaks, "SLOW_LEAK_INTERVAL_S", 0.05)
    await scene.broken("memory_leak")
    await scene.restart()
    await scene.said("FIRING", 2)
    await scene.until(lambda: scene.service()["exit_code"] == 137)


async def test_a_bad_release_ends_at_each_start_and_is_rolled_back(scene):
    assert NEXT in await scene.broken("bad_config")
    await scene.until(lambda: scene.service()["restarts"] >= 2)
    assert scene.service()["image"] == f"{REPOSITORY}:{NEXT}"
    assert any("POOL_TIMEOUT must be a number" in line for line in scene.service()["log"])
    assert "bad_config" not in scene.enabled()
    await scene.restart()
    assert not await scene.wait_until_healthy(3)
    assert "rolled back" in await scene.mended()
    await scene.until(lambda: scene.service()["image"] == f"{REPOSITORY}:2.3.1")


async def test_a_dead_database_is_felt_by_the_api_alone_and_heals_by_itself_when_it_is_back(scene):
    await scene.broken("database_down")
    await scene.until(lambda: scene.service(DATABASE)["exit_code"] == 137)
    assert {"database_down", "pool_exhausted"} & scene.enabled() == set()
    await scene.restart()
    assert not await scene.wait_until_healthy(3)
    assert await scene.health() == 503
    assert await scene.mended() == f"All is well: {DATABASE} was started."


async def test_flapping_comes_and_goes_and_a_restart_does_not_end_it(scene, monkeypatch):
    monkeypatch.setattr(breaks, "WAVE_S", 2.5)
    await scene.broken("flapping")
    await scene.restart()
    await scene.said("RESOLVED")
    await scene.said("FIRING", 2)
    assert "All is well" in await scene.mended()


async def test_two_people_press_the_same_card(scene):
    app, pressed = app_of(scene.workspace), asyncio.Queue[str]()

    @app.action("restart")
    async def restart(ack, body):
        await ack()
        pressed.put_nowait(body["user"]["id"])

    with pytest.raises(AegisError, match="no open card"):
        await scene.lab.do("two_press")
    async with online(scene.workspace, app):
        await scene.until(lambda: "two_press" not in scene.enabled() and "cut_connection" in scene.enabled())
        await scene.card()
        await scene.until(lambda: "two_press" in scene.enabled())
        said = await scene.lab.do("two_press")
        assert {await pressed.get(), await pressed.get()} == {"U0ONCALL", "U0SECOND"}
        assert "Ona Call and Sasha Second" in said


async def test_a_press_that_nobody_hears_is_an_error(scene):
    await scene.card()
    with pytest.raises(AegisError, match="did not answer"):
        await scene.lab.do("two_press")


async def test_behind_the_back_it_is_restarted_and_broken_again(scene):
    await scene.broken("pool_exhausted")
    card = await scene.card()
    before = scene.service()["up_since"]
    await scene.lab.do("behind_back")
    await scene.until(lambda: scene.service()["up_since"] != before)
    assert await scene.health() == 503
    await scene.workspace.delete(card)
    await scene.until(lambda: "behind_back" not in scene.enabled())


async def test_the_connection_is_cut_and_the_bot_killed_and_started(scene):
    app = app_of(scene.workspace)
    async with online(scene.workspace, app):
        first = scene.workspace.connections[0]
        await scene.lab.do("cut_connection")
        await scene.workspace.wait_for(lambda: first not in scene.workspace.connections)
        await scene.workspace.connected()
    await scene.lab.do("kill_bot")
    assert scene.bot.done == ["kill", "start"]
    await scene.until(lambda: scene.lab.state()["bot"] == {"status": "starting"})


async def test_one_thing_at_a_time_each_with_a_note(scene):
    first = asyncio.create_task(scene.lab.do("pool_exhausted"))
    await scene.until(lambda: scene.enabled() == set())
    with pytest.raises(AegisError, match="still being done"):
        await scene.lab.do("hang")
    said = await first
    assert [note["text"] for note in scene.lab.state()["notes"]] == [said]
    assert scene.enabled() >= {"hang", "all_well"}
    with pytest.raises(AegisError, match="no such action"):
        await scene.lab.do("nonsense")


async def test_what_cannot_be_tried_says_so(scene):
    await scene.lab.do("hang")
    with pytest.raises(AegisError, match="does not answer well") as refused:
        await scene.lab.do("pool_exhausted")
    assert refused.value.hint == "Press All well first."
    assert "hang" in scene.enabled()


async def test_the_runbook_is_shown_as_it_is_written(scene):
    assert scene.lab.state()["runbook"] == {"path": str(scene.folder / "runbook.json"), "entries": [], "text": ""}
    (scene.folder / "runbook.json").write_text('[{"id": "1"}]')
    await scene.until(lambda: scene.lab.state()["runbook"]["entries"] == [{"id": "1"}])
    (scene.folder / "runbook.json").write_text('[{"id": "1"}')
    await scene.until(lambda: scene.lab.state()["runbook"]["text"] == '[{"id": "1"}')
    assert scene.lab.state()["runbook"]["entries"] == []


async def test_whoever_no_longer_listens_hears_nothing(scene):
    heard: list[int] = []
    stop = scene.lab.subscribe(lambda: heard.append(1))
    await scene.lab.do("all_well")
    count = len(heard)
    assert count
    stop()
    await scene.lab.do("all_well")
    assert len(heard) == count


async def test_an_engine_that_is_gone_is_shown(scene):
    await scene.engine.stop()
    await scene.until(lambda: scene.service()["status"] == "unknown")
    with pytest.raises(EngineError):
        await scene.lab.do("database_down")


async def test_what_a_killed_demo_left_is_removed_and_all_is_removed_at_the_end(scene):
    before = await scene.ask(lambda client: client.inspect_container(API)["Id"])
    again = scene.another(scene.folder)
    async with again:
        assert await scene.ask(lambda client: client.inspect_container(API)["Id"]) != before
        assert len(await scene.ask(lambda client: client.containers(all=True))) == 3
    assert await scene.ask(lambda client: client.containers(all=True)) == []
    assert not await scene.ask(lambda client: client.networks(filters={"label": LABEL}))


async def test_somebody_elses_containers_stay_untouched(tmp_path):
    async with ProcessEngine(tmp_path / "engine") as engine, Workspace() as workspace:
        engine.images.update(process_images())
        scene = Scene(engine, workspace, tmp_path)
        made = await scene.ask(
            lambda client: client.create_container(f"{REPOSITORY}:2.3.1", command=["db"], name=API, labels={"a": "b"})
        )
        with pytest.raises(EngineError, match="already"):
            await scene.lab.start()
        assert [one["Id"] for one in await scene.ask(lambda client: client.containers(all=True))] == [made["Id"]]


async def test_another_demos_containers_stay_untouched(scene, tmp_path_factory):
    other = scene.another(tmp_path_factory.mktemp("other"))
    with pytest.raises(EngineError, match="another demo"):
        await other.start()
    assert await scene.health() == 200


async def test_a_service_that_somebody_removed_is_missing_until_all_is_well(scene):
    await scene.ask(lambda client: client.remove_container(DATABASE, force=True))
    await scene.until(lambda: scene.service(DATABASE)["status"] == "missing")
    with pytest.raises(EngineError, match="not there"):
        await scene.lab._services.kill(DATABASE)
    await scene.lab.do("all_well")
    assert await scene.health() == 200
    with pytest.raises(NotFound):
        await scene.ask(lambda client: client.inspect_container("nobody"))
