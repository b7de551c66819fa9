"""Many connections that send half a request, against a whole bot with few descriptors, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import docker
import pytest

from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from tests.http.test_webhook import HERE, TOKEN, free_port
from tests.test_wiring import environment

FILES = 256
MANY = 361
TARGET = "buggy-app"

HEAD = b"POST /webhook/plain HTTP/1.1\r\nHost: aegis\r\n"
BODY = HEAD + f"Authorization: Bearer {TOKEN}\r\n".encode() + b"Content-Length: 500000\r\n\r\n{"


@dataclass
class Flood:
    """Peers that open ``MANY`` connections, send half a request on each, and open each again that is closed."""

    port: int
    half: bytes
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    opened: int = 0

    async def _peer(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(HERE, self.port)
                writer.write(self.half)
                self.opened += 1
                try:
                    await reader.read()
                finally:
                    writer.close()
            except OSError:
                pass
            await asyncio.sleep(0.5)

    async def start(self) -> None:
        self.tasks = [asyncio.create_task(self._peer()) for _ in range(MANY)]
        async with asyncio.timeout(20):
            while self.opened < FILES:  # noqa: ASYNC110 - peers do not tell
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@dataclass
class Scene:
    """The bot as a process, the workspace it is in, and what it logged."""

    slack: Workspace
    port: int
    log: Path
    process: asyncio.subprocess.Process

    async def health(self) -> tuple[int, float]:
        began = time.perf_counter()
        address = f"http://{HERE}:{self.port}/health"
        async with asyncio.timeout(30), aiohttp.ClientSession() as session, session.get(address) as answer:
            return answer.status, time.perf_counter() - began

    async def alert(self) -> tuple[Message, Message]:
        """Let monitoring raise an alert; return it and its card with the button."""
        title = f"[FIRING:1] ServiceDown ({TARGET} critical)"
        text = f"*Details:*\n • *alertname:* `ServiceDown`\n • *name:* `{TARGET}`\n • *severity:* `critical`"
        said = {"color": "a30200", "title": title, "fallback": title, "text": text}
        first = await self.slack.alert("C0ALERTS", attachments=[said], sender=MONITOR)
        return first, (await self.slack.wait_for(self.cards))[0]

    async def restart(self, alert: Message, card: Message) -> None:
        """Press Restart, and wait until the thread says that it recovered."""
        await self.slack.press("U0ONCALL", card, "restart")
        await self.slack.wait_for(lambda: self.slack.thread(alert, containing="recovered"), 30)
        assert self.slack.thread(alert, containing="not restarted") == []

    def cards(self) -> list[Message]:
        return [one for one in self.slack.messages("C0ALERTS") if "restart" in one.buttons]


def container(host: str) -> None:
    client = docker.APIClient(base_url=host, timeout=30)
    labels = {"aegis.stop-timeout": "1"}
    command = ["sh", "-c", "echo ERROR QueuePool limit reached; exec sleep 100000"]
    client.start(client.create_container("shop/any:1", command, name=TARGET, labels=labels)["Id"])
    client.close()


@asynccontextmanager
async def scene(slack: Workspace, folder: Path, *, files: int = FILES, umask: int = 0o022) -> AsyncIterator[Scene]:
    port, log = free_port(), folder / "bot.log"
    async with ProcessEngine(folder / "engine") as engine:
        engine.images["shop/any:1"] = ProcessImage()
        await asyncio.to_thread(container, engine.host)
        given = environment(
            slack,
            folder,
            DOCKER_HOST=engine.host,
            AEGIS_HTTP_PORT=str(port),
            AEGIS_WEBHOOK_TOKEN=TOKEN,
            AEGIS_ALERT_CHANNELS="C0ALERTS",
            AEGIS_RESTART_ALLOWLIST=TARGET,
            AEGIS_RESTART_COOLDOWN="0",
            AEGIS_VERIFY_DELAY="0",
            AEGIS_VERIFY_TIMEOUT="30",
            AEGIS_VERIFY_SUCCESSES="1",
            PATH=os.environ["PATH"],
            PYTHONPATH=str(Path(__file__).parents[2]),
        )
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                cwd=folder,
                env=given,
                stderr=stream,
                umask=umask,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
            )
        try:
            await slack.connected()
            yield Scene(slack, port, log, process)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()


@pytest.mark.parametrize("half", [HEAD, BODY], ids=["heads", "bodies"])
async def test_half_sent_requests_hold_up_neither_health_nor_a_restart(
    workspace: Workspace, tmp_path: Path, half: bytes
) -> None:
    async with scene(workspace, tmp_path) as bot:
        alert, card = await bot.alert()
        flood = Flood(bot.port, half)
        await flood.start()
        try:
            for _ in range(5):
                status, _ = await bot.health()
                assert status == 200
            await bot.restart(alert, card)
        finally:
            await flood.stop()
        said_by_bot = bot.log.read_text()
    assert "Traceback" not in said_by_bot
    assert len(said_by_bot) < 20_000
