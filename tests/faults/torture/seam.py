"""Every outside effect of a bot has a name and a number here, and one of them can be made to go wrong.

The seam is as low as it can be, under the libraries: where aiohttp, http.client (docker-py, the log stream, the
Gemini SDK) and httpx send a request, where a socket's frame goes out, where SQLAlchemy commits what was written, and
where a file is renamed into its place. So the real adapters meet what the outside really does to them, translate it
and keep their deadlines; a wrapper around the ports would leave all of that out. What Aegis reads is numbered too.

An effect goes by its name and its how-manieth of that name, since side by side the order is not the same every time.
"""

from __future__ import annotations

import asyncio
import errno
import http.client
import json
import os
import re
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial, partialmethod
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

import aiohttp
import httpx
from aiohttp.client_reqrep import ConnectionKey
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util.concurrency import await_only
from yarl import URL

T = TypeVar("T")
Error = Callable[[], BaseException]
Silence = Callable[[], Awaitable[object]]


class Kind(StrEnum):
    """What goes wrong at an effect. After: it has happened, but its answer never comes."""

    CRASH_BEFORE = "kill -9 before"
    CRASH_AFTER = "kill -9 after"
    ERROR_BEFORE = "error before"
    ERROR_AFTER = "error after"
    HANG_BEFORE = "hang before"
    HANG_AFTER = "hang after"


READS = (Kind.CRASH_BEFORE, Kind.ERROR_BEFORE, Kind.HANG_BEFORE)
"""What there is to try where nothing is changed: it makes no difference whether it was read."""


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """The ``nth`` effect of this ``name``."""

    name: str
    nth: int

    @property
    def reads(self) -> bool:
        """Say whether it changes nothing outside."""
        return self.name.startswith(_READING)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return what can go wrong with it."""
        return READS if self.reads else tuple(Kind)

    def __str__(self) -> str:
        return f"{self.name} #{self.nth}"


ANY = "effect"
"""The name of an effect that is counted among all."""


_READING = (
    *("engine GET", "probe", "model", "slack auth.test", "slack apps.connections.open", "slack socket"),
    *("slack users.info", "slack conversations.", "slack usergroups."),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to go wrong, and where."""

    kind: Kind
    effect: Effect

    def __str__(self) -> str:
        return f"{self.kind} {self.effect}"


class Seam:
    """Counts the effects of this process and writes them down, and lets ``fault`` happen."""

    def __init__(self, journal: Path, fault: Fault | None) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._fault = fault
        self._counts = Counter[str]()
        self._lock = threading.Lock()

    def before(self, name: str) -> Step:
        """Number an effect that is about to happen; this process may be killed in here."""
        with self._lock:
            self._counts[name] += 1
            effect, either = Effect(name, self._counts[name]), Effect(ANY, self._counts.total())
        meant = self._fault is not None and self._fault.effect in (effect, either)
        kind = self._fault.kind if self._fault is not None and meant else None
        self._write("before", effect, kind)
        if kind is Kind.CRASH_BEFORE:
            die()
        return Step(self, effect, kind)

    def done(self, step: Step) -> None:
        """Note that an effect has happened; this process may be killed in here."""
        self._write("done", step.effect, None)
        if step.kind is Kind.CRASH_AFTER:
            die()

    def _write(self, what: str, effect: Effect, kind: Kind | None) -> None:
        row = {
            "what": what,
            "name": effect.name,
            "nth": effect.nth,
            "at": time.time(),
            "by": os.getpid(),
            "fault": kind,
        }
        os.write(self._journal, json.dumps(row).encode() + b"\n")

    def install(self) -> None:
        """Put the seam under the libraries, for the life of this process."""
        _under_aiohttp(self)
        _under_http_client(self)
        _under_httpx(self)
        _under_sqlalchemy(self)
        _under_files(self)


@dataclass(slots=True)
class Step:
    """An effect under way."""

    seam: Seam
    effect: Effect
    kind: Kind | None

    def done(self) -> None:
        """Note that it has happened."""
        self.seam.done(self)

    async def awaited(self, do: Callable[[], Awaitable[T]], before: Error, after: Error, silence: Silence) -> T:
        """Carry it out, or what goes wrong in its place or after it."""
        if self.kind is Kind.ERROR_BEFORE:
            raise before()
        if self.kind is Kind.HANG_BEFORE:
            await silence()
        answer = await do()
        self.done()
        if self.kind is Kind.ERROR_AFTER:
            raise after()
        if self.kind is Kind.HANG_AFTER:
            await silence()
        return answer

    def called(self, do: Callable[[], None], before: Error, after: Error, silence: Callable[[], object]) -> None:
        """Carry out one that is not awaited."""
        if self.kind is Kind.ERROR_BEFORE:
            raise before()
        if self.kind is Kind.HANG_BEFORE:
            silence()
        do()
        self.done()
        if self.kind is Kind.ERROR_AFTER:
            raise after()
        if self.kind is Kind.HANG_AFTER:
            silence()


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _put(owner: object, name: str, mine: object) -> None:
    setattr(owner, name, mine)


def die() -> NoReturn:
    """Kill this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    while True:
        time.sleep(1)


def read(journal: Path) -> list[dict[str, Any]]:
    """Return what the processes wrote down, in order; the last line may be cut off by a kill."""
    rows = []
    for line in journal.read_bytes().splitlines() if journal.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


# Slack: what aiohttp sends.


def _under_aiohttp(seam: Seam) -> None:
    request = aiohttp.ClientSession._request
    send = aiohttp.ClientWebSocketResponse.send_str

    async def numbered(session: aiohttp.ClientSession, method: str, url: Any, **more: Any) -> aiohttp.ClientResponse:
        return await seam.before(_slack(URL(url), more)).awaited(
            lambda: request(session, method, url, **more),
            lambda: _refused(URL(url)),
            aiohttp.ServerDisconnectedError,
            lambda: _silence(session, more),
        )

    async def acknowledge(socket: aiohttp.ClientWebSocketResponse, data: str, *words: Any, **more: Any) -> None:
        gone = partial(ConnectionResetError, "Cannot write to closing transport")
        step = seam.before("slack acknowledgement")
        await step.awaited(lambda: send(socket, data, *words, **more), gone, gone, _for_ever)

    _put(aiohttp.ClientSession, "_request", numbered)
    _put(aiohttp.ClientWebSocketResponse, "send_str", acknowledge)


def _refused(url: URL) -> aiohttp.ClientConnectorError:
    where = ConnectionKey(url.host or "", url.port, False, True, None, None, None)
    return aiohttp.ClientConnectorError(where, ConnectionRefusedError(errno.ECONNREFUSED, "refused"))


async def _silence(session: aiohttp.ClientSession, more: Mapping[str, Any]) -> None:
    """Wait as long as the caller does, then end as aiohttp lets it end."""
    limit = more.get("timeout") or session.timeout
    await asyncio.sleep(getattr(limit, "total", None) or 1e9)
    raise aiohttp.ServerTimeoutError


def _slack(url: URL, more: Mapping[str, Any]) -> str:
    if url.path == "/link/":
        return "slack socket"
    part = ""
    for given in (more.get("params"), more.get("data"), more.get("json")):
        metadata = given.get("metadata") if isinstance(given, Mapping) else None
        if metadata:
            said = json.loads(metadata) if isinstance(metadata, str) else metadata
            part = f" ({str(said['event_payload']['part']).split('-')[0]})"
    return f"slack {url.name or url.parent.name}{part}"


# The engine and the model: what http.client sends, for docker-py, the log stream and the Gemini SDK.


_CONNECTION = http.client.HTTPConnection
_put_request, _end_headers = _CONNECTION.putrequest, _CONNECTION.endheaders
_send, _get_response = _CONNECTION.send, _CONNECTION.getresponse


class _Requests:
    """The requests under way, by their connection."""

    def __init__(self, seam: Seam) -> None:
        self._seam = seam
        self._asked: dict[int, str] = {}
        self._steps: dict[int, Step] = {}

    def put_request(self, connection: http.client.HTTPConnection, method: str, url: str, **more: Any) -> None:
        self._asked[id(connection)] = _asked(method, url)
        _put_request(connection, method, url, **more)

    def end_headers(self, connection: http.client.HTTPConnection, *words: Any, **more: Any) -> None:
        step = self._steps[id(connection)] = self._seam.before(self._asked[id(connection)])
        if step.kind is Kind.ERROR_BEFORE:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if step.kind is Kind.HANG_BEFORE and connection.sock is None:
            connection.connect()
        _end_headers(connection, *words, **more)

    def send(self, connection: http.client.HTTPConnection, data: Any) -> None:
        step = self._steps.get(id(connection))
        if step is None or step.kind is not Kind.HANG_BEFORE:
            _send(connection, data)

    def get_response(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        step = self._steps.pop(id(connection))
        if step.kind is Kind.HANG_BEFORE:
            _wait(connection)
        heard = _get_response(connection)
        step.done()
        if step.kind is Kind.ERROR_AFTER:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if step.kind is Kind.HANG_AFTER:
            _wait(connection)
        return heard


def _under_http_client(seam: Seam) -> None:
    requests = _Requests(seam)
    for name, mine in {
        "putrequest": requests.put_request,
        "endheaders": requests.end_headers,
        "send": requests.send,
        "getresponse": requests.get_response,
    }.items():
        _put(_CONNECTION, name, partialmethod(_first, mine))


def _first(connection: http.client.HTTPConnection, do: Callable[..., T], *words: Any, **more: Any) -> T:
    return do(connection, *words, **more)


def _wait(connection: http.client.HTTPConnection) -> NoReturn:
    limit = connection.sock.gettimeout() if connection.sock is not None else connection.timeout
    threading.Event().wait(limit)
    raise TimeoutError("timed out")


_VERSION = re.compile(r"^/v1\.\d+")
_ID = re.compile(r"[0-9a-f]{64}|sha256:[0-9a-f]{64}")


def _asked(method: str, url: str) -> str:
    path, _, query = url.partition("?")
    if ":generateContent" in path:
        return "model generateContent"
    asked = dict(parse_qsl(query))
    more = " (tail)" if path.endswith("/logs") and asked.get("tail", "all") != "all" else ""
    return f"engine {method} {_ID.sub('{id}', _VERSION.sub('', path))}{more}"


# The probes: what httpx sends.


def _under_httpx(seam: Seam) -> None:
    handle = httpx.AsyncHTTPTransport.handle_async_request

    async def numbered(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        gone = partial(httpx.ConnectError, "All connection attempts failed")
        step = seam.before(f"probe {request.method} {request.url.path}")
        return await step.awaited(lambda: handle(transport, request), gone, gone, _for_ever)

    _put(httpx.AsyncHTTPTransport, "handle_async_request", numbered)


# The database: each commit that wrote something, named by what it wrote.


def _under_sqlalchemy(seam: Seam) -> None:
    commit = DefaultDialect.do_commit

    def note(connection: Any, _cursor: Any, statement: str, _words: Any, context: Any, _many: bool) -> None:
        if wrote := _WRITE.match(statement):
            given = (getattr(context, "compiled_parameters", None) or [{}])[0]
            more = given.get({"incidents": "state", "audit": "kind"}.get(wrote["table"], ""))
            what = f"{wrote['table']} ({more})" if more else wrote["table"]
            written: list[str] = connection.info.setdefault("aegis_wrote", [])
            what = "schema" if statement.upper().startswith(("CREATE", "ALTER")) else what
            written += [what] if what not in written else []

    def forget(connection: Any, *_: Any) -> None:
        connection.info.pop("aegis_wrote", None)

    def numbered(dialect: DefaultDialect, connection: Any) -> None:
        written = connection.info.pop("aegis_wrote", None)
        if not written:
            commit(dialect, connection)
            return
        # After: the disk took so long that the deadline was over, and nobody knows from this what became of it.
        step = seam.before(f"commit {', '.join(written)}")
        step.called(lambda: commit(dialect, connection), _no_disk, TimeoutError, lambda: await_only(_for_ever()))

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "rollback", forget)
    event.listen(Engine, "rollback_savepoint", forget)
    _put(DefaultDialect, "do_commit", numbered)


def _no_disk() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR"
    return error


_WRITE = re.compile(
    r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX)|ALTER\s+TABLE)\s+(?P<table>\w+)",
    re.IGNORECASE,
)


# Files: each that is renamed into its place.


def _under_files(seam: Seam) -> None:
    replace = os.replace

    def numbered(source: Any, target: Any, **more: Any) -> None:
        step = seam.before("rename runbook.json" if str(target).endswith("runbook.json") else "rename bundle")
        step.called(
            lambda: replace(source, target, **more),
            partial(OSError, errno.ENOSPC, "No space left on device"),
            partial(OSError, errno.EIO, "Input/output error"),
            threading.Event().wait,
        )

    _put(os, "replace", numbered)
