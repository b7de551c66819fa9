"""A Docker Engine of paper: a socket that answers as it is told, and writes down every call."""

from __future__ import annotations

import json
import re
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.docker.containers import DockerContainers

ID = "d179645ee618be8e4a8b5eb443a515c24049bb6f5dd197ec1e9b1857b8f2bc71"
Reply = Callable[["Handler"], None]

INSPECT: dict[str, Any] = {
    "Id": ID,
    "Name": "/buggy-app-v2",
    "Created": "2026-11-22T08:00:00.5Z",
    "Image": "sha256:" + "ab" * 32,
    "RestartCount": 2,
    "Path": "sh",
    "Args": ["--token", "planted-args-secret"],
    "State": {
        "Status": "running",
        "Running": True,
        "StartedAt": "2026-11-22T10:00:00.000000009Z",
        "FinishedAt": "2026-11-22T09:59:58Z",
    },
    "Config": {
        "Image": "shop/buggy:2.3.1",
        "Env": ["DB_PASSWORD=planted-env-secret"],
        "Cmd": ["serve", "planted-cmd-secret"],
        "Entrypoint": ["planted-entry-secret"],
        "Tty": False,
        "Labels": {"com.docker.compose.project": "shop", "team": "checkout"},
    },
    "HostConfig": {"LogConfig": {"Type": "json-file"}, "RestartPolicy": {"Name": "always"}, "PortBindings": {}},
    "NetworkSettings": {"Ports": {}, "Networks": {"shop_default": {}}},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        engine = self.server.engine
        engine.journal.append((self.command, self.path))
        for pattern, reply in reversed(engine.replies):
            if re.search(pattern, f"{self.command} {self.path}"):
                reply(self)
                return
        self.send(404, {"message": "page not found"})

    def send(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    engine: FakeEngine

    def handle_error(self, *_: object) -> None:
        """Clients go away in the middle on purpose here."""


class FakeEngine:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "engine.sock"
        self.url = f"unix://{self.path}"
        self.journal: list[tuple[str, str]] = []
        self.replies: list[tuple[str, Reply]] = []
        self.released = threading.Event()
        self.inspect = deepcopy(INSPECT)
        self.say("GET /version", 200, {"ApiVersion": "1.41"})
        self.say("/info$", 200, {"Name": "shop-host-1", "ServerVersion": "20.10.24"})
        self.on("/containers/.+/json$", lambda handler: handler.send(200, self.inspect))
        self.say("/containers/json", 200, [])
        self.say("/events", 200, [])
        self.say("/images/", 200, {"Created": "2026-11-20T00:00:00Z"})
        self.say("/stats", 200, {})
        self.say("/top", 200, {"Titles": ["PID", "COMMAND"], "Processes": [["1", "serve"]]})
        self.log(b"")

    def say(self, pattern: str, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        self.on(pattern, lambda handler: handler.send(status, body, headers))

    def on(self, pattern: str, reply: Reply) -> None:
        self.replies.append((pattern, reply))

    def log(self, *lines: bytes) -> None:
        """Let the log be these frames, each with its time before it."""
        body = b"".join(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line for line in lines if line)

        def reply(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.on("/logs", reply)

    def hang(self, pattern: str) -> None:
        """Take the call and say nothing until the test is over."""

        def reply(handler: Handler) -> None:
            self.released.wait(30)
            handler.send(500, {"message": "too late"})

        self.on(pattern, reply)

    def calls(self, pattern: str) -> int:
        return sum(bool(re.search(pattern, f"{method} {path}")) for method, path in self.journal)


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    # Not tmp_path: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="ae") as folder:
        engine = FakeEngine(Path(folder))
        with Server(str(engine.path), Handler) as server:
            server.engine = engine
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            yield engine
            engine.released.set()
            server.shutdown()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)


@pytest.fixture
def containers(fake_engine: FakeEngine, tmp_path: Path, now: datetime) -> DockerContainers:
    return DockerContainers(
        docker_host=fake_engine.url,
        bundles=tmp_path / "bundles",
        secrets=("xoxb-the-bots-own-token",),
        deadline=1.0,
        now=lambda: now,
    )
