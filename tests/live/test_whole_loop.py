"""From an alert in Slack to an entry in the runbook, on real parts: the real Bolt client over a real WebSocket, a real
Docker Engine, the real Gemini SDK; only Slack and Google are on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.wiring.application import running
from tests.playground.conftest import without_proxies
from tests.support.docker_engine import Engine, wait_until
from tests.support.gemini_endpoint import GeminiEndpoint, fails, gemini_endpoint

pytestmark = pytest.mark.live

NAME = "buggy-app-v2"
ALERT = [
    {
        "color": "a30200",
        "title": f"[FIRING:1] ServiceDown ({NAME} critical)",
        "fallback": f"[FIRING:1] ServiceDown ({NAME} critical)",
        "text": f"*Details:*\n • *alertname:* `ServiceDown`\n • *name:* `{NAME}`\n • *severity:* `critical`",
    }
]
RESOLVED = [{**ALERT[0], "color": "2eb886", "title": f"[RESOLVED] ServiceDown ({NAME} critical)"}]


@dataclass
class Scene:
    """Slack, Gemini, the engine, and a bot that runs on them."""

    slack: Workspace
    gemini: GeminiEndpoint
    engine: Engine
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "GEMINI_API_KEY": "test-key-not-a-real-one",
            "AEGIS_GEMINI_ENDPOINT": self.gemini.url,
            "DOCKER_HOST": self.engine.url,
            "AEGIS_APPROVERS": "S0ONCALL",
            "AEGIS_ESCALATION": "U0SECOND",
            "AEGIS_RESTART_COOLDOWN": "0",
            "AEGIS_VERIFY_DELAY": "0.2",
            "AEGIS_VERIFY_TIMEOUT": "8",
            "AEGIS_DATABASE_URL": f"sqlite:///{self.folder}/aegis.db",
            "AEGIS_RUNBOOK": str(self.folder / "runbook.json"),
            "AEGIS_BUNDLES": str(self.folder / "bundles"),
            **extra,
        }

    @asynccontextmanager
    async def bot(self, **extra: str) -> AsyncIterator[None]:
        async with running(load(self.environment(**extra), env_file=None)):
            await self.slack.connected()
            yield

    async def process(self, **extra: str) -> asyncio.subprocess.Process:
        """Run the bot as a process of its own, to be killed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), **self.environment(**extra)},
        )
        await self.slack.connected()
        return process

    @property
    def url(self) -> str:
        return f"{NAME}=http://127.0.0.1:{self.engine.port(NAME)}/health"

    async def alert(self) -> Message:
        return await self.slack.alert("C0ALERTS", attachments=ALERT, sender=MONITOR)

    async def card(self, alert: Message, *, button: str = "restart") -> Message:
        """Wait until the alert's thread has a card with ``button``."""
        cards = await self.slack.wait_for(
            lambda: [one for one in self.slack.thread(alert) if button in one.buttons], 20
        )
        return cards[0]

    async def said(self, alert: Message, words: str) -> Message:
        """Wait for a reply in the alert's thread that holds ``words``; the card itself does not count."""
        replies = await self.slack.wait_for(
            lambda: [
                one for one in self.slack.thread(alert, containing=words) if "card" not in json.dumps(one.metadata)
            ],
            30,
        )
        return replies[0]

    def entries(self) -> list[dict[str, Any]]:
        file = self.folder / "runbook.json"
        return json.loads(file.read_text()) if file.exists() else []

    async def remembered(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the runbook holds ``count`` entries: it is written right after the thread was told."""
        for _ in range(200):
            if len(self.entries()) >= count:
                return self.entries()
            await asyncio.sleep(0.05)
        raise AssertionError(f"the runbook holds {self.entries()}")

    def starts(self, container: str) -> int:
        return self.engine.events(container, since=0).count("start")


def broken_and_heard(engine: Engine, *, for_good: bool = False) -> None:
    """Break the app, and wait until its log tells of it: it does once a second."""
    engine.break_app(NAME, for_good=for_good)
    wait_until(lambda: b"QueuePool" in engine.client.containers.get(NAME).logs(), 10, "a line about the pool")


@pytest.fixture
def broken(engine: Engine) -> str:
    """The app, running and answering 503, so that a restart cures it; its full id."""
    container = engine.app(NAME, health=False)
    broken_and_heard(engine)
    return container


@pytest.fixture
async def scene(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    without_proxies(monkeypatch)
    async with Workspace() as slack, gemini_endpoint() as gemini:
        yield Scene(slack, gemini, engine, tmp_path)


async def test_from_alert_to_runbook_and_the_next_prompt_holds_the_first_incident(scene, broken):
    before = scene.engine.inspect(NAME)["State"]["StartedAt"]
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url):
        alert = await scene.alert()
        card = await scene.card(alert)
        assert "eyes" in scene.slack.reactions(alert)
        assert NAME in card.words
        assert "gemini" in card.words.lower()
        pressed = await scene.slack.press("U0ONCALL", card, "restart")
        assert pressed.ok
        assert NAME in json.dumps(pressed.dialog)
        outcome = await scene.said(alert, "200 ×3")
        assert "ecovered" in outcome.words
        entries = await scene.remembered()
        assert [(entry["target"], entry["outcome"], entry["approved_by"]) for entry in entries] == [
            (NAME, "resolved", "U0ONCALL")
        ]
        assert scene.engine.inspect(NAME)["State"]["StartedAt"] != before
        assert scene.starts(broken) == 2
        assert list((scene.folder / "bundles").iterdir())
        final = scene.slack.message("C0ALERTS", card.ts)
        assert final.buttons == []
        assert "U0ONCALL" in json.dumps(final.body)

        scene.engine.break_app(NAME)
        second = await scene.alert()
        again = await scene.card(second)
        assert "Seen " in again.words
        assert entries[0]["root_cause"] in scene.gemini.requests[-1].text


async def test_a_restart_that_does_not_help_says_so_with_the_newest_lines_and_is_remembered(scene, engine):
    container = engine.app(NAME, health=False)
    broken_and_heard(engine, for_good=True)
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url, AEGIS_VERIFY_TIMEOUT="4"):
        alert = await scene.alert()
        card = await scene.card(alert)
        await scene.slack.press("U0ONCALL", card, "restart")
        outcome = await scene.said(alert, "503")
        assert "rediagnose" in outcome.buttons
        assert "QueuePool" in outcome.words
        escalation = await scene.said(alert, "take over")
        assert "U0SECOND" in json.dumps(escalation.body)
        assert (await scene.remembered())[0]["outcome"] == "not_resolved"
        assert scene.starts(container) == 2


@pytest.mark.fault(51)
async def test_a_container_that_dies_at_its_start_is_not_called_recovered(scene, engine):
    engine.app(NAME, health=False)
    engine.break_app(NAME)
    engine.doom_app(NAME)
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url):
        alert = await scene.alert()
        await scene.slack.press("U0ONCALL", await scene.card(alert), "restart")
        outcome = await scene.said(alert, "exited with code 3")
        assert "FATAL settings.yml" in outcome.words


@pytest.mark.fault(15)
async def test_two_approvers_at_once_make_one_restart(scene, broken):
    async with scene.bot(AEGIS_VERIFY_URLS=scene.url):
        alert = await scene.alert()
        card = await scene.card(alert)
        await asyncio.gather(
            scene.slack.press("U0ONCALL", card.snapshot(), "restart"),
            scene.slack.press("U0SECOND", card.snapshot(), "restart"),
        )
        await scene.said(alert, "200 ×3")
        assert scene.starts(broken) == 2
        told = [*scene.slack.ephemerals("U0ONCALL"), *scene.slack.ephemerals("U0SECOND")]
        assert len(told) == 1


async def test_a_stranger_is_refused_in_private_and_nothing_is_restarted(scene, broken):
    async with scene.bot():
        alert = await scene.alert()
        card = await scene.card(alert)
        await scene.slack.press("U0STRANGER", card, "restart")
        whisper = await scene.slack.wait_for(lambda: scene.slack.ephemerals("U0STRANGER")[0])
        assert "S0ONCALL" in json.dumps(whisper.blocks) + whisper.text
        assert scene.starts(broken) == 1


@pytest.mark.fault(19)
async def test_a_container_recreated_between_card_and_press_is_left_alone(scene, broken):
    async with scene.bot():
        alert = await scene.alert()
        card = await scene.card(alert)
        scene.engine.client.containers.get(broken).remove(force=True)
        fresh = scene.engine.app(NAME, health=False)
        await scene.slack.press("U0ONCALL", card, "restart")
        await scene.said(alert, "re-created")
        assert scene.starts(fresh) == 1


async def test_the_asked_diagnosis_comes_in_the_channel_where_it_was_typed(scene, broken):
    async with scene.bot():
        await scene.slack.slash("U0ONCALL", "C0OPS", "/aegis", f"diagnose {NAME}")
        card = await scene.slack.wait_for(
            lambda: next((one for one in scene.slack.messages("C0OPS") if "restart" in one.buttons), None), 20
        )
        assert NAME in card.words


async def test_a_sender_that_edits_firing_into_resolved_closes_the_card(scene, broken):
    async with scene.bot():
        alert = await scene.alert()
        card = await scene.card(alert)
        await scene.slack.edit(alert, attachments=RESOLVED)
        await scene.slack.wait_for(lambda: not scene.slack.message("C0ALERTS", card.ts).buttons)
        assert "without action" in scene.slack.message("C0ALERTS", card.ts).words
        assert scene.starts(broken) == 1


async def test_without_gemini_the_rules_speak_on_the_same_card(scene, broken):
    scene.gemini.default = fails(404, "no such model")
    async with scene.bot():
        card = await scene.card(await scene.alert())
        assert "rule-based" in card.words
        assert "QueuePool" in card.words


async def test_ignore_asks_why_and_closes(scene, broken):
    async with scene.bot():
        alert = await scene.alert()
        card = await scene.card(alert)
        await scene.slack.press("U0STRANGER", card, "ignore")
        view = await scene.slack.wait_for(lambda: scene.slack.modal("U0STRANGER"))
        await scene.slack.submit("U0STRANGER", view, {"reason": "load test until four"})
        await scene.slack.wait_for(lambda: not scene.slack.message("C0ALERTS", card.ts).buttons)
        assert "load test until four" in scene.slack.message("C0ALERTS", card.ts).words


async def test_evidence_shows_all_that_was_read(scene, broken):
    async with scene.bot():
        card = await scene.card(await scene.alert())
        await scene.slack.press("U0STRANGER", card, "evidence")
        await scene.slack.wait_for(lambda: scene.slack.files or ("QueuePool" in scene.slack.modal("U0STRANGER").words))


async def test_engine_down_while_it_runs_gives_a_card_that_says_so(scene, broken):
    async with scene.bot(DOCKER_HOST="unix:///nowhere/docker.sock"):
        alert = await scene.alert()
        card = await scene.card(alert, button="rediagnose")
        assert "restart" not in card.buttons
        assert "engine" in card.words.lower()


@pytest.mark.fault(7)
async def test_killed_while_the_engine_stops_the_container_the_next_start_verifies_and_restarts_nothing(scene, engine):
    # The first process of a container ignores this signal, so the engine waits for the whole stop time-out.
    container = engine.app(NAME, health=False, stop_signal="SIGUSR2", labels={"aegis.stop-timeout": "3"})
    broken_and_heard(engine)
    first = await scene.process(AEGIS_VERIFY_URLS=scene.url)
    alert = await scene.alert()
    await scene.slack.press("U0ONCALL", await scene.card(alert), "restart")
    await asyncio.to_thread(wait_until, lambda: "kill" in engine.events(container, since=0), 10, "the engine's signal")
    first.kill()
    await first.wait()
    assert scene.starts(container) == 1
    async with scene.bot(AEGIS_VERIFY_URLS=f"{NAME}=http://127.0.0.1:{engine.port(NAME)}/health"):
        await scene.said(alert, "200 ×3")
        assert (await scene.remembered())[0]["outcome"] == "resolved"
        assert scene.starts(container) == 2
