"""A bot as it really starts, on a loopback Slack with Bolt's real client; the engine, the model and the prober are in
memory, so that a test sees what they were asked and says what they answer.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.database.store import SqlStore
from bot.domain.incident import Incident, State
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.runtime import Runtime
from bot.settings import load
from bot.slack.delivery import cards
from bot.wiring import application, components
from tests.support.fakes import Clock, FakeContainers, FakeDiagnoser, FakeProber

NAME = "buggy-app-v2"


class Prober(FakeProber):
    """The prober in memory, which can be closed."""

    async def aclose(self) -> None:
        """Close nothing."""


@dataclass
class Stage:
    """Slack, and what stands in for the rest."""

    slack: Workspace
    folder: Path
    patch: pytest.MonkeyPatch
    engine: FakeContainers = field(default_factory=FakeContainers)
    model: FakeDiagnoser = field(default_factory=FakeDiagnoser)
    prober: Prober = field(default_factory=Prober)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.clock.at = datetime.now(UTC)

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "GEMINI_API_KEY": "key-of-no-model",
            "AEGIS_APPROVERS": "S0ONCALL",
            "AEGIS_RESTART_COOLDOWN": "0",
            "AEGIS_DATABASE_URL": f"sqlite:///{self.folder}/aegis.db",
            "AEGIS_RUNBOOK": str(self.folder / "runbook.json"),
            "AEGIS_BUNDLES": str(self.folder / "bundles"),
            **changes,
        }

    def _stand_in(self) -> None:
        """Put what is in memory in the place of the engine, the model, the prober and the clock."""
        self.patch.setattr(components, "DockerContainers", lambda **_: self.engine)
        self.patch.setattr(components, "make_model", lambda _: self.model)
        self.patch.setattr(components, "HttpProber", lambda: self.prober)
        self.patch.setattr(components, "clock", self.clock.now)
        # A card is edited once a second, which none of this is about.
        self.patch.setattr(cards, "CARD_EDIT_INTERVAL_S", 0.01)
        world = Runtime(now=self.clock.now, sleep=self.clock.sleep, name=self.clock.name)
        self.patch.setattr(components, "make_runtime", lambda _: world)

    @asynccontextmanager
    async def bot(self, **changes: str) -> AsyncIterator[None]:
        """Run the bot while the block runs; with the same folder, a second one is the first after a restart."""
        self._stand_in()
        async with application.running(load(self.environment(**changes), env_file=None)):
            await self.slack.connected()
            yield

    async def alert(self, *, name: str = NAME, text: str = "is down", channel: str = "C0ALERTS") -> Message:
        """Let a monitor say something about a container."""
        said = {
            "color": "a30200",
            "title": f"[FIRING:1] ServiceDown ({name} critical)",
            "fallback": f"[FIRING:1] ServiceDown ({name} critical)",
            "text": f"*Details:*\n • *name:* `{name}`\n • *severity:* `critical`\n{text}",
        }
        return await self.slack.alert(channel, attachments=[said], sender=MONITOR)

    async def card(self, alert: Message, *, button: str = "restart") -> Message:
        """Wait until the alert's thread has a card with ``button``, and return it as it stands then."""
        found = await self.slack.wait_for(
            lambda: [one for one in self.slack.thread(alert) if button in one.buttons], 20
        )
        return found[0]

    async def incident(self) -> Incident:
        """Return the newest incident as it is stored."""
        return (await self.incidents())[0]

    async def incidents(self) -> tuple[Incident, ...]:
        store = SqlStore(f"sqlite:///{self.folder}/aegis.db")
        await store.start()
        try:
            return await store.recent()
        finally:
            await store.close()

    async def stands(self, *states: State) -> Incident:
        """Wait until the newest incident is in one of these states."""
        for _ in range(400):
            if (incident := await self.incident()).state in states:
                return incident
            await asyncio.sleep(0.02)
        raise AssertionError(f"it is {incident.state}")

    async def rows(self, asked: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with closing(sqlite3.connect(self.folder / "aegis.db")) as database:
            return list(database.execute(asked))

    async def whisper(self, user: str, words: str = "") -> str:
        """Wait for what one person alone is told, with ``words`` in it."""
        found = await self.slack.wait_for(
            lambda: [note.words for note in self.slack.ephemerals(user) if words in note.words]
        )
        return found[-1]

    def sent(self) -> list[Any]:
        """Return everything that Aegis told Slack to show, as it was passed."""
        return [call.arguments for call in self.slack.calls]


def changed(message: Message, change: Callable[[dict[str, Any]], None]) -> Message:
    """Return a copy of a message in which ``change`` was made to every button."""
    copy = message.snapshot()
    for block in copy.body["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id"):
                change(element)
    return copy


def decoded(value: Any) -> Any:
    """Return a call's argument as JSON, where it is some."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    return value
