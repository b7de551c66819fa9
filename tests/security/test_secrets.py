"""Known secrets in the settings, in a container's environment, arguments, labels, log and health check, and in alerts:
after a whole run with restarts, none of them is in anything that Aegis sent, asked, wrote or said.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import httpx
import pytest

from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR, Seed
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import without_proxies
from tests.support.gemini_endpoint import SOUND, GeminiEndpoint, fails, gemini_endpoint, says
from tests.support.hostile_workspace import NAME

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def token(length: int = 20) -> str:
    """Return letters and digits as people's generators make them: at least one of each kind."""
    return "Kq7" + secrets.token_hex(length // 2)


@dataclass
class Planted:
    """Every secret, by where it stands."""

    of: dict[str, str] = field(default_factory=dict)

    def new(self, where: str, text: str = "") -> str:
        self.of[where] = text or token()
        return self.of[where]

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Give each secret in the forms in which it could slip through."""
        for where, text in self.of.items():
            for form in {text, quote(text, safe=""), base64.b64encode(text.encode()).decode().rstrip("=")[:-2]}:
                yield where, form.encode()

    def found(self, content: bytes) -> list[str]:
        return sorted({where for where, form in self.forms() if form in content})


@dataclass
class Scene:
    """The engine with the leaky service, Slack, the model, and what a bot's process said."""

    slack: Workspace
    gemini: GeminiEndpoint
    engine: ProcessEngine
    folder: Path
    planted: Planted
    port: int
    http: int
    said: bytes = b""
    fetched: list[bytes] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "GEMINI_API_KEY": self.planted.of["setting: model"],
            "AEGIS_GEMINI_ENDPOINT": self.gemini.url,
            "DOCKER_HOST": self.engine.host,
            "AEGIS_APPROVERS": "S0ONCALL",
            "AEGIS_ALERT_CHANNELS": "C0ALERTS",
            "AEGIS_ESCALATION": "U0SECOND",
            "AEGIS_RESTART_COOLDOWN": "0",
            "AEGIS_RESTART_TIMEOUT": "1",
            "AEGIS_VERIFY_DELAY": "0.2",
            "AEGIS_VERIFY_TIMEOUT": "4",
            "AEGIS_HTTP_PORT": str(self.http),
            "AEGIS_WEBHOOK_TOKEN": self.planted.of["setting: webhook"],
            "AEGIS_LOG_LEVEL": "DEBUG",
            "AEGIS_DATABASE_URL": f"sqlite:///{self.folder}/aegis.db",
            "AEGIS_RUNBOOK": str(self.folder / "runbook.json"),
            "AEGIS_BUNDLES": str(self.folder / "bundles"),
        }

    @asynccontextmanager
    async def bot(self, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the bot as a process of its own; what it said is kept."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *(words or ("run",))),
            cwd=self.folder,
            env=self.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        reading = asyncio.create_task(process.communicate())
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            self.said += (await asyncio.wait_for(reading, 30))[0]

    async def alert(self, words: str) -> Message:
        title = f"[FIRING:1] ServiceDown ({NAME} critical)"
        said = {"color": "a30200", "title": title, "text": f"*Details:*\n • *name:* `{NAME}`\n{words}"}
        return await self.slack.alert("C0ALERTS", attachments=[said], sender=MONITOR)

    async def card(self, alert: Message) -> Message:
        found = await self.slack.wait_for(
            lambda: [one for one in self.slack.thread(alert) if "restart" in one.buttons], 30
        )
        return found[0]

    async def evidence(self, card: Message) -> str:
        """Press Evidence and return what it shows, as a window or as a file."""
        files = len(self.slack.files)
        await self.slack.press("U0STRANGER", card, "evidence")
        await self.slack.wait_for(
            lambda: len(self.slack.files) > files or "Sources" in self.slack.modal("U0STRANGER").words, 30
        )
        shown = self.slack.modal("U0STRANGER").words + "".join(file.text for file in self.slack.files)
        await self.slack.close("U0STRANGER", self.slack.modal("U0STRANGER"), everything=True)
        return shown

    async def fetch(self, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{self.http}{path}"
            answer = await (client.post(url, **more) if more else client.get(url))
        self.fetched.append(answer.content + str(answer.headers).encode())
        return answer

    def leaks(self) -> list[tuple[str, list[str]]]:
        """Return where a secret is, and which one."""
        places = [(f"Slack {call.method}", json.dumps(call.arguments).encode()) for call in self.slack.calls]
        places += [(f"file {file.name}", file.content or b"") for file in self.slack.files]
        places += [("prompt", json.dumps(dict(asked.body)).encode()) for asked in self.gemini.requests]
        places += [("HTTP", answer) for answer in self.fetched]
        places += [("log", self.said)]
        places += [(str(path), path.read_bytes()) for path in self.folder.rglob("*") if path.is_file()]
        return [(where, found) for where, content in places if (found := self.planted.found(content))]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def lines(planted: Planted, slack: Workspace) -> list[str]:
    """Return what the service says, each line with a secret."""
    stamp = "2026-11-22T02:58:11Z"
    pem = "\n".join(f"MIIEpA{planted.new(f'log: key {n}', token(56) + 'Aa9')}" for n in range(3))
    dsn = f"postgresql://app:{planted.new('log: address')}@orders-db:5432/orders"
    return [
        f"{stamp} ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out, {dsn}",
        f"{stamp} ERROR login failed: password={planted.new('log: pair')}",
        f'{stamp} DEBUG {{"authorization": "Bearer {planted.new("log: bearer")}"}}',
        f"{stamp} ERROR GET https://api.example.com/v1?api_key={planted.new('log: query')} 401",
        f"{stamp} ERROR S3: aws_secret_access_key = {planted.new('log: AWS', token(37))}",
        f"{stamp} WARN -----BEGIN RSA PRIVATE KEY-----\n{pem}\n-----END RSA PRIVATE KEY-----",
        f"{stamp} ERROR the token of the bot is {slack.bot_token}, of the app {slack.app_token}",
        f"{stamp} ERROR and in base64 {base64.b64encode(slack.bot_token.encode()).decode()}",
        f"{stamp} ERROR the model's {planted.of['setting: model']}, the webhook's {planted.of['setting: webhook']}",
        f"{stamp} ERROR quoted {quote(planted.of['setting: webhook'], safe='')}",
    ]


async def make(engine: ProcessEngine, planted: Planted, slack: Workspace, port: int) -> None:
    """Start the service with a secret in every place that a container has."""
    said = lines(planted, slack)
    health = f"echo 'client_secret={planted.new('health check')}'; [ $(wc -c < starts) -ge 2 ] && [ ! -e doomed ]"
    labels = {
        "aegis.verify-url": f"http://127.0.0.1:{port}/health?token={planted.new('label: verify URL')}",
        "aegis.api-key": planted.new("label: ours"),
        "aegis.note": f"password={planted.new('label: pair')}",
        "com.docker.compose.project": "shop",
        "com.docker.compose.secret": planted.new("label: Compose"),
        "traefik.basicauth.password": planted.new("label: of others"),
    }
    environment = {
        "SAID": json.dumps(said),
        "DB_PASSWORD": planted.new("environment"),
        "PLAIN": planted.new("environment: without a telling name"),
    }

    def run() -> None:
        client = docker.APIClient(base_url=engine.host, timeout=30)
        try:
            made = client.create_container(
                "shop/leaky:1",
                [str(port), f"--db-password={planted.new('argument')}", "--token", planted.new("argument: apart")],
                name=NAME,
                environment=environment,
                labels=labels,
                healthcheck={"test": ["CMD-SHELL", health], "interval": 10**9, "timeout": 10**9, "retries": 1},
                host_config=client.create_host_config(),
            )
            client.start(made["Id"])
        finally:
            client.close()

    await asyncio.to_thread(run)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    without_proxies(monkeypatch)
    planted = Planted()
    numbers = f"{secrets.randbelow(10**12):012}-{secrets.randbelow(10**12):012}"
    bot = planted.new("setting: bot", f"xoxb-{numbers}-{token(21)}")
    app = planted.new("setting: app", f"xapp-1-A0AEGIS-{numbers}-{secrets.token_hex(32)}")
    planted.new("setting: model")
    planted.new("setting: webhook", token(20) + "+/=" + token(8))
    folder = tmp_path / "aegis"
    folder.mkdir()
    seed = Seed(bot_token=bot, app_token=app)
    async with (
        Workspace(seed) as slack,
        gemini_endpoint() as gemini,
        ProcessEngine(tmp_path / "engine") as engine,
    ):
        program = (sys.executable, "-I", "-u", str(Path(__file__).with_name("leaky.py")))
        engine.images["shop/leaky:1"] = ProcessImage(argv=program)
        port = free_port()
        await make(engine, planted, slack, port)
        yield Scene(slack, gemini, engine, folder, planted, port, free_port())


async def recovers(scene: Scene) -> None:
    """An alert in Slack, all its evidence, a stranger, an approver, a restart that helps."""
    planted, slack = scene.planted, scene.slack
    root_cause = f"The pool is held; password={planted.new('model')} is in the log."
    scene.gemini.default = says(SOUND | {"root_cause": root_cause})
    words = f"db_password: {planted.new('alert')} https://x/?token={planted.new('alert: address')}"
    alert = await scene.alert(words)
    card = await scene.card(alert)
    shown = await scene.evidence(card)
    assert "QueuePool" in shown
    assert "[redacted" in shown
    assert "[redacted" in json.dumps([dict(asked.body) for asked in scene.gemini.requests])
    await slack.press("U0STRANGER", card, "restart")
    await slack.wait_for(lambda: slack.ephemerals("U0STRANGER"))
    await slack.press("U0ONCALL", card, "restart")
    await slack.wait_for(lambda: [one for one in slack.thread(alert) if "*: recovered" in one.words], 60)


async def does_not_recover(scene: Scene) -> None:
    """An alert by webhook, with a model that fails and a restart that does not help."""
    planted, slack = scene.planted, scene.slack
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"http://127.0.0.1:{scene.port}/doom")
    scene.gemini.script(fails(400, f"API key not valid: {planted.of['setting: model']}", reason="API_KEY_INVALID"))
    logs = "\n".join(f"ERROR secret_key: {planted.new(f'webhook: log {n}')}" for n in range(3))
    body = {"container": NAME, "message": f"auth token={planted.new('webhook: text')}", "logs": logs}
    wrong = {"Authorization": f"Bearer {planted.new('webhook: a wrong token')}"}
    assert (await scene.fetch("/webhook/plain", json=body, headers=wrong)).status_code in (401, 403)
    right = {"Authorization": f"Bearer {planted.of['setting: webhook']}"}
    taken = await scene.fetch("/webhook/plain", json=body, headers=right)
    assert taken.status_code < 300, taken.text
    (alert,) = await slack.wait_for(
        lambda: [one for one in slack.messages("C0ALERTS") if "by webhook" in one.words], 30
    )
    card = await scene.card(alert)
    await scene.evidence(card)
    await slack.press("U0ONCALL", card, "restart")
    await slack.wait_for(lambda: [one for one in slack.thread(alert) if "take over" in one.words], 60)


async def is_ignored(scene: Scene) -> None:
    """An alert that somebody ignores, with a reason that says too much."""
    slack = scene.slack
    card = await scene.card(await scene.alert("again"))
    await slack.press("U0ONCALL", card, "ignore")
    view = await slack.wait_for(lambda: slack.modal("U0ONCALL"))
    await slack.submit("U0ONCALL", view, {"reason": f"known: api_key={scene.planted.new('reason')}"})
    await slack.wait_for(lambda: not slack.message("C0ALERTS", card.ts).buttons)


async def is_asked(scene: Scene) -> None:
    """Everything that can be asked of a running bot."""
    for words in ("status", "history", f"history {NAME}", "runbook pool", f"diagnose {NAME}"):
        await scene.slack.slash("U0ONCALL", "C0OPS", "/aegis", words)
    await scene.slack.open_home("U0ONCALL")
    for path in ("/health", "/metrics"):
        await scene.fetch(path)
    await scene.slack.wait_for(lambda: scene.slack.home("U0ONCALL"))
    await scene.slack.settled()


@pytest.mark.fault(80, 81)
async def test_a_whole_run_says_no_secret_anywhere(scene):
    async with scene.bot():
        await scene.slack.connected(timeout=30)
        await recovers(scene)
    async with scene.bot():
        await scene.slack.connected(timeout=30)
        await does_not_recover(scene)
        await is_ignored(scene)
        await is_asked(scene)
    for words in (["audit", "export"], ["runbook", "list"], ["doctor"], ["diagnose", NAME, "--json"], ["nonsense"]):
        async with scene.bot(*words) as process:
            await asyncio.wait_for(process.wait(), 60)

    entries = json.loads((scene.folder / "runbook.json").read_text())
    assert [entry["outcome"] for entry in entries] == ["resolved", "not_resolved", "ignored"]
    assert len(list((scene.folder / "bundles").iterdir())) == 2
    assert len(scene.gemini.requests) >= 3
    assert b"DEBUG" in scene.said
    assert scene.leaks() == []


def test_a_planted_secret_is_found_in_every_form():
    planted = Planted()
    secret = planted.new("here", "a+secret/with=signs")
    coded = base64.b64encode(secret.encode())
    for content in (secret.encode(), coded, quote(secret, safe="").encode()):
        assert planted.found(b"before " + content + b" after") == ["here"]
    assert planted.found(b"nothing") == []
