"""The bot as a process that is killed at a moment of the test's choosing: Slack, the model, the engine, the service
that is probed, the database and the runbook can each be held, so that the process stands still exactly there.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import pytest
from aiohttp import web

from bot.adapters.database.store import SqlStore
from bot.domain.incident import Incident
from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.slack.state.clock import Pace
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.wiring import application, components, diagnosis
from tests.support.gemini_endpoint import GeminiEndpoint, gemini_endpoint

NAME = "buggy-app-v2"
HERE = "127.0.0.1"
IMAGE = "shop/any:1"
ALERT = {
    "color": "a30200",
    "title": f"[FIRING:1] ServiceDown ({NAME} critical)",
    "fallback": f"[FIRING:1] ServiceDown ({NAME} critical)",
    "text": f"*Details:*\n • *name:* `{NAME}`\n • *severity:* `critical`",
}


class Door:
    """Between the bot and the engine: passes all on, and stands still at a restart, where it is told to.

    ``hold``: ``before`` the restart is passed on; once it is ``sent``; once it is ``answered``, which is not passed on.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine.removeprefix("unix://")
        self._server: asyncio.Server | None = None
        self.hold = ""
        self.reached = asyncio.Event()
        self.acts: list[str] = []
        """What the engine was asked to do, in order."""

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._pass, HERE, 0)

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    @property
    def address(self) -> str:
        """Return the engine's address, as the bot knows it."""
        assert self._server is not None
        return f"tcp://{HERE}:{self._server.sockets[0].getsockname()[1]}"

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(self._engine)
        restarting = asyncio.Event()
        back = asyncio.create_task(self._answer(answers, writer, restarting))
        with suppress(ConnectionError):
            while asked := await reader.read(65536):
                if asked.startswith(b"POST "):
                    self.acts.append(asked.split(b" ")[1].decode().rpartition("/")[2].partition("?")[0])
                    restarting.set()
                    if self.hold == "before":
                        self.reached.set()
                        continue
                asks.write(asked)
                await asks.drain()
                if restarting.is_set() and self.hold == "sent":
                    self.reached.set()
        back.cancel()
        asks.close()
        writer.close()

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, restarting: asyncio.Event
    ) -> None:
        with suppress(ConnectionError):
            while said := await answers.read(65536):
                if restarting.is_set() and self.hold == "answered":
                    self.reached.set()
                    return
                writer.write(said)
                await writer.drain()
            writer.close()


class Service:
    """What is probed: answers with ``status``, or, after ``answers`` more, never."""

    def __init__(self) -> None:
        self.status = 200
        self.answers = 1_000_000
        self.asked = 0
        self.held = asyncio.Event()
        self.port = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Answer while inside the block."""
        app = web.Application()
        app.add_routes([web.get("/health", self._probed)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, HERE, 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    async def _probed(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.answers <= 0:
            self.held.set()
            await asyncio.Event().wait()
        self.answers -= 1
        return web.Response(status=self.status)


@dataclass
class Scene:
    """All that is around the bot, and the bot, as a process or here."""

    slack: Workspace
    model: GeminiEndpoint
    engine: ProcessEngine
    door: Door
    service: Service
    folder: Path
    patch: pytest.MonkeyPatch
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "GEMINI_API_KEY": "no-real-key-for-this",
            "AEGIS_GEMINI_ENDPOINT": self.model.url,
            "DOCKER_HOST": self.door.address,
            "AEGIS_APPROVERS": "U0ONCALL",
            "AEGIS_VERIFY_URLS": f"{NAME}=http://{HERE}:{self.service.port}/health",
            "AEGIS_VERIFY_DELAY": "0.1",
            "AEGIS_VERIFY_SUCCESSES": "2",
            "AEGIS_DATABASE_URL": f"sqlite:///{self.folder}/aegis.db",
            "AEGIS_RUNBOOK": str(self.folder / "runbook.json"),
            "AEGIS_BUNDLES": str(self.folder / "bundles"),
        }

    async def container(self, *, stop_timeout: int = 1) -> None:
        """Run the container. Its first process does not hear the engine's signal, so a stop takes its whole time."""

        def make() -> None:
            client = docker.APIClient(base_url=self.engine.host, timeout=60)
            command = ["sh", "-c", "echo ERROR QueuePool limit of size 20 overflow 0 reached; exec sleep 100000"]
            labels = {"aegis.stop-timeout": str(stop_timeout)}
            client.start(client.create_container(IMAGE, command=command, name=NAME, labels=labels)["Id"])
            client.close()

        await asyncio.to_thread(make)

    async def started_at(self) -> str:
        def look() -> str:
            client = docker.APIClient(base_url=self.engine.host, timeout=60)
            found = str(client.inspect_container(NAME)["State"]["StartedAt"])
            client.close()
            return found

        return await asyncio.to_thread(look)

    async def process(self) -> asyncio.subprocess.Process:
        """Run the bot as a process of its own, to be killed."""
        with (self.folder / "bot.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), **self.environment()},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        await self.slack.connected(timeout=30)
        return process

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        """Kill it as ``kill -9`` does, and let everything that was held go on."""
        process.kill()
        await process.wait()
        await self.slack.wait_for(lambda: not self.slack.connections)
        self.slack.release()
        self.slack.faults.clear()
        self.model.release()
        self.door.hold = ""
        self.service.answers = 1_000_000

    @asynccontextmanager
    async def bot(self, *, later: timedelta = timedelta(0)) -> AsyncIterator[None]:
        """Start the bot again, here, while inside the block; ``later``, by its own clock."""
        for module in (components, diagnosis):
            self.patch.setattr(module, "clock", lambda: datetime.now(UTC) + later)
        async with application.running(load(self.environment(), env_file=None)):
            await self.slack.connected()
            yield

    async def alert(self) -> Message:
        return await self.slack.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)

    def cards(self, alert: Message) -> list[Message]:
        """Return the cards in the alert's thread."""
        return [one for one in self.slack.thread(alert) if _part(one) == "card"]

    async def card(self, alert: Message) -> Message:
        """Wait until the alert's card can be pressed."""
        found = await self.slack.wait_for(lambda: [one for one in self.cards(alert) if "restart" in one.buttons], 30)
        return found[0]

    async def pressed(self, alert: Message) -> Message:
        """Press Restart on the alert's card."""
        card = await self.card(alert)
        assert (await self.slack.press("U0ONCALL", card.snapshot(), "restart")).ok
        return card

    def outcomes(self, alert: Message) -> list[Message]:
        """Return what the alert's thread was told about how it ended."""
        return [one for one in self.slack.thread(alert) if _part(one) == "outcome"]

    async def said(self, alert: Message, words: str) -> Message:
        """Wait for a reply in the alert's thread, which is not the card."""
        found = await self.slack.wait_for(
            lambda: [one for one in self.slack.thread(alert, containing=words) if _part(one) != "card"], 30
        )
        return found[0]

    async def incidents(self) -> tuple[Incident, ...]:
        """Return what is stored."""
        store = SqlStore(f"sqlite:///{self.folder}/aegis.db")
        await store.start()
        try:
            return await store.recent()
        finally:
            await store.close()

    async def until(self, **stored: object) -> Incident:
        """Wait until the one incident is stored like this."""
        for _ in range(600):
            with suppress(ValueError):
                (found,) = await self.incidents()
                if all(getattr(found, name) == value for name, value in stored.items()):
                    return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"it is not {stored}")

    def rows(self, asked: str) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with closing(sqlite3.connect(self.folder / "aegis.db")) as database:
            return list(database.execute(asked))

    @contextmanager
    def database_held(self) -> Iterator[None]:
        """Let nobody else write into the database."""
        with closing(sqlite3.connect(self.folder / "aegis.db", isolation_level=None, timeout=30)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def runbook_held(self) -> Iterator[None]:
        """Let nobody else write into the runbook."""
        lock = os.open(self.folder / ".runbook.json.lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(lock)

    async def written(self) -> None:
        """Wait until the runbook holds an entry."""
        for _ in range(500):
            if self.entries():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("nothing was written into the runbook")

    def entries(self) -> list[dict[str, Any]]:
        file = self.folder / "runbook.json"
        return json.loads(file.read_text()) if file.exists() else []


def _part(message: Message) -> str:
    payload = (message.metadata or {}).get("event_payload") or {}
    return str(payload.get("part", ""))


@asynccontextmanager
async def scene(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Make all that is around the bot."""
    service = Service()
    pace = Pace(retries=(0.0, 1.0, 2.0, 4.0, 8.0))
    async with (
        Workspace(pace=pace) as slack,
        gemini_endpoint() as model,
        ProcessEngine(folder / "engine") as engine,
        service.serve(),
    ):
        engine.images[IMAGE] = ProcessImage()
        door = Door(engine.host)
        await door.start()
        made = Scene(slack, model, engine, door, service, folder, patch)
        try:
            yield made
        finally:
            for process in made.processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            await door.stop()
