"""``python -m bench.storm``: alerts by the thousand, over the local workspace; what they cost and what people see.

The bot runs as a process of its own: the real Bolt client, the real database, a local model that answers after half a
second, and the engine of processes. Slack asks it to slow down now and then.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import docker
import psutil
from rich.console import Console
from rich.table import Table

from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.lab.bot_process import BotProcess
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.state.workspace_state import Change
from bot.playground.slack.workspace import Workspace
from tests.support.gemini_endpoint import GeminiEndpoint, gemini_endpoint

RESULTS = Path("bench/results/storm.json")
IMAGE = "shop/any:1"
PATIENCE = 60.0
"""Seconds after the last alert, in which all has to be said."""

LIMITED_EVERY = 2.0
"""Seconds between two times that Slack asks to slow down."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a storm cost. ``counted`` are the alerts that the cards tell of; memory in MB, times in seconds."""

    alerts: int
    targets: int
    seconds: float
    cards: int
    counted: int
    model_calls: int
    model_at_once: int
    longest_acknowledgement: float
    quiet_after: float
    memory_before: float
    memory_most: float
    memory_after: float
    unhealthy: int


@dataclass(slots=True)
class Scene:
    """A bot as a process, with Slack, the model and the engine around it."""

    slack: Workspace
    model: GeminiEndpoint
    engine: ProcessEngine
    bot: BotProcess
    names: tuple[str, ...]
    port: int

    def memory(self) -> float:
        """Return the bot's resident memory in MB."""
        for child in psutil.Process().children(recursive=True):
            if child.cmdline()[1:4] == ["-m", "bot", "run"]:
                return float(child.memory_info().rss) / 1e6
        return 0.0

    def cards(self) -> list[Message]:
        """Return the cards that stand."""
        return [
            one
            for one in self.slack.messages("C0ALERTS")
            if (one.metadata or {}).get("event_payload", {}).get("part") == "card"
        ]

    async def health(self) -> int:
        """Return what /health answers."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/health") as answer:
            return answer.status

    async def containers(self, do: Callable[[docker.APIClient, str], object]) -> None:
        """Do something to every container."""

        def each() -> None:
            client = docker.APIClient(base_url=self.engine.host, timeout=60)
            for name in self.names:
                do(client, name)
            client.close()

        await asyncio.to_thread(each)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


def _make(client: docker.APIClient, name: str) -> None:
    command = ["sh", "-c", "echo ERROR QueuePool limit of size 20 overflow 0 reached; exec sleep 100000"]
    client.start(client.create_container(IMAGE, command=command, name=name)["Id"])


@asynccontextmanager
async def scene(folder: Path, targets: int) -> AsyncIterator[Scene]:
    """Make the scene; the bot is connected when it is entered."""
    names, port = tuple(f"storm-{number:02d}" for number in range(targets)), free_port()
    async with Workspace() as slack, gemini_endpoint() as model, ProcessEngine(folder / "engine") as engine:
        engine.images[IMAGE] = ProcessImage()
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path.cwd()),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "GEMINI_API_KEY": "no-real-key-for-this",
            "AEGIS_GEMINI_ENDPOINT": model.url,
            "DOCKER_HOST": engine.host,
            "AEGIS_APPROVERS": "U0ONCALL",
            "AEGIS_RESTART_ALLOWLIST": ",".join(names),
            "AEGIS_DATABASE_URL": f"sqlite:///{folder}/aegis.db",
            "AEGIS_RUNBOOK": str(folder / "runbook.json"),
            "AEGIS_BUNDLES": str(folder / "bundles"),
            "AEGIS_HTTP_PORT": str(port),
        }
        bot = BotProcess(environment, folder, folder / "bot.log", lambda: bool(slack.connections))
        made = Scene(slack, model, engine, bot, names, port)
        await made.containers(_make)
        await bot.start()
        try:
            model.pause = 0.5
            await slack.connected(timeout=30)
            yield made
        finally:
            await bot.stop()


class Watch:
    """Looks at the storm while it blows: how late the acknowledgements come, how much memory the bot takes."""

    def __init__(self, on: Scene) -> None:
        self._scene = on
        self._sent: dict[int, float] = {}
        self.late: list[float] = []
        self.memory: list[float] = [on.memory()]
        self.unhealthy = 0
        self.model_at_once = 0

    def note(self, change: Change) -> None:
        """Note when an event went out, and when it was acknowledged."""
        if change.kind == "delivery":
            self._sent[id(change.subject)] = time.perf_counter()
        elif change.kind == "acknowledged" and id(change.subject) in self._sent:
            self.late.append(time.perf_counter() - self._sent.pop(id(change.subject)))

    async def look(self, *, limited: bool) -> None:
        """Look again and again, and let Slack ask to slow down; ends when it is cancelled."""
        while True:
            await asyncio.sleep(LIMITED_EVERY / 2)
            self.memory.append(self._scene.memory())
            self.unhealthy += await self._scene.health() != 200
            if limited:
                for method in ("chat.update", "chat.postMessage", "reactions.add"):
                    self._scene.slack.rate_limit(method)


async def blow(on: Scene, *, alerts: int, seconds: float, limited: bool = True) -> Figures:
    """Send ``alerts`` over all targets within ``seconds``, wait until all is said, and return what it cost."""
    slack, watch = on.slack, Watch(on)
    calls, began = len(on.model.requests), time.perf_counter()
    unsubscribe = slack.subscribe(watch.note)
    looking = asyncio.create_task(watch.look(limited=limited))
    for number in range(alerts):
        await asyncio.sleep(max(0.0, began + number * seconds / alerts - time.perf_counter()))
        await slack.alert("C0ALERTS", attachments=[attachment(on.names[number % len(on.names)])], sender=MONITOR)
    sent = time.perf_counter()
    looking.cancel()
    await slack.settled(PATIENCE * 2)
    await _until_quiet(on, alerts)
    unsubscribe()
    memory = on.memory()
    return Figures(
        alerts=alerts,
        targets=len(on.names),
        seconds=round(sent - began, 1),
        cards=len(on.cards()),
        counted=counted(on.cards()),
        model_calls=len(on.model.requests) - calls,
        model_at_once=on.model.most_at_once,
        longest_acknowledgement=round(max(watch.late), 3),
        quiet_after=round(time.perf_counter() - sent, 1),
        memory_before=round(watch.memory[0], 1),
        memory_most=round(max([*watch.memory, memory]), 1),
        memory_after=round(memory, 1),
        unhealthy=watch.unhealthy,
    )


def attachment(name: str) -> dict[str, str]:
    """Return what Alertmanager posts for a container."""
    title = f"[FIRING:1] ServiceDown ({name} critical)"
    return {"color": "a30200", "title": title, "fallback": title, "text": f"*Details:*\n • *name:* `{name}`"}


def counted(cards: list[Message]) -> int:
    """Return how many alerts the cards tell of."""
    total = 0
    for card in cards:
        words = card.words.replace(",", "")
        before, found, _ = words.partition(" alerts since")
        total += int(before.split()[-1]) if found else 1
    return total


async def _until_quiet(on: Scene, alerts: int) -> None:
    """Wait until the cards tell of every alert, and are all done; give up after a while, and let the figures tell."""
    give_up = time.perf_counter() + PATIENCE
    while time.perf_counter() < give_up:
        cards = on.cards()
        if counted(cards) >= alerts and all(one.buttons for one in cards):
            return
        await asyncio.sleep(0.5)


def show(found: dict[str, Figures]) -> None:
    """Print the table."""
    table = Table("figure", *found, title="Storms, over the local workspace")
    for name in Figures.__dataclass_fields__:
        table.add_row(name.replace("_", " "), *(f"{getattr(one, name):,}" for one in found.values()))
    Console(width=120).print(table)


async def main() -> dict[str, Figures]:
    """Let both storms blow, each in a scene of its own."""
    found = {}
    for alerts, targets in ((1000, 50), (500, 3)):
        with tempfile.TemporaryDirectory() as folder:
            async with scene(Path(folder), targets) as on:
                found[f"{alerts:,} alerts, {targets} targets"] = await blow(on, alerts=alerts, seconds=60)
    return found


if __name__ == "__main__":
    figures = asyncio.run(main())
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": sys.platform}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine, **{name: asdict(one) for name, one in figures.items()}}, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    show(figures)
