"""HTTP server of the bot.

It serves /health for the orchestrator, /metrics for Prometheus, and the webhook.

Off unless a port is set.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.errors import AegisError, StoreError
from bot.http.connections import HEAD_S, Listener
from bot.http.health import HealthCheck, asked
from bot.http.open_files import most_connections
from bot.telemetry import HTTP_MALFORMED, once_a_minute, registry

log = logging.getLogger(__name__)

LINGERING_S = 2.0
"""Seconds for which the rest of a body that nobody reads is thrown away, so that the peer can read its answer."""

LEAVING_S = 5.0
"""Seconds at the end for requests under way."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Checked(Protocol):
    """Something that can be asked whether it works; raises ``StoreError`` where it does not."""

    async def check(self) -> str:
        """Raise where it does not work."""


async def _nothing() -> None:
    """Do nothing before the numbers are read."""


@dataclass(frozen=True, slots=True)
class Health:
    """What /health asks: whether the Slack connection stands, whether the database can be written, and ``parts``.

    ``link`` says how old the socket and the last event are; ``count`` brings the numbers of /metrics up to date that
    nobody counts along the way.
    """

    connected: Callable[[], bool]
    store: Checked
    parts: Sequence[HealthCheck] = ()
    link: Callable[[], Mapping[str, float | None]] = dict
    count: Callable[[], Awaitable[None]] = _nothing

    async def report(self) -> tuple[bool, dict[str, str]]:
        """Return whether all that is vital is well, and each part with ``ok`` or what is wrong, in our words."""
        results = await asyncio.gather(*(asked(part) for part in self._all()))
        statuses = {part.name: wrong or "ok" for part, wrong in zip(self._all(), results, strict=True)}
        return not any(wrong and part.vital for part, wrong in zip(self._all(), results, strict=True)), statuses

    def _all(self) -> tuple[HealthCheck, ...]:
        return (HealthCheck("slack", self._slack), HealthCheck("database", self._database), *self.parts)

    async def _slack(self) -> str:
        return "" if self.connected() else "not connected"

    async def _database(self) -> str:
        await self.store.check()
        return ""


class _Faults(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log: what a peer did wrong is counted and no error of ours, and all else comes once a minute."""

    def exception(self, msg: object, *args: object, exc_info: object = True, **_: object) -> None:
        """Log an exception that came up while a request was read or answered."""
        if isinstance(exc_info, HttpProcessingError | web.RequestPayloadError | ConnectionError):
            self.debug(msg, *args, exc_info=exc_info)
        else:
            error = exc_info if isinstance(exc_info, BaseException) else True
            self.logger.error(msg, *args, exc_info=error, extra=once_a_minute())

    def debug(self, msg: object, *args: object, exc_info: object = None, **_: object) -> None:
        """Count what is no HTTP, and log it in one line."""
        if exc_info is not None:
            HTTP_MALFORMED.inc()
        self.logger.debug(f"{msg}: %s", *args, type(exc_info).__name__)


class HttpServer:
    """Serves while inside ``async with``, with ``port`` 0 nothing. Raises ``AegisError`` where the port is not free."""

    def __init__(self, host: str, port: int, health: Health, more: Sequence[web.RouteDef] = ()) -> None:
        self._host = host
        self._port = port
        self._health = health
        self._more = more
        self._runner: web.AppRunner | None = None
        self._listener = Listener(asyncio.Protocol, 1)

    async def __aenter__(self) -> Self:
        if not self._port:
            return self
        app = web.Application(middlewares=[self._in_time])
        app.add_routes([web.get("/health", self._on_health), web.get("/metrics", self._on_metrics), *self._more])
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_Faults(logging.getLogger("aiohttp.server")),
            keepalive_timeout=HEAD_S,
            lingering_time=LINGERING_S,
            shutdown_timeout=LEAVING_S,
        )
        await self._runner.setup()
        if self._runner.server is not None:
            self._listener = Listener(self._runner.server, most_connections())
        try:
            await self._listener.open(self._host, self._port)
        except OSError as error:
            await self._runner.cleanup()
            raise closed(self._host, self._port, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            self._listener.close()
            await self._runner.cleanup()

    @web.middleware
    async def _in_time(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Bound the time from a request's head to its answer."""
        connection = self._listener.of(request.transport)
        if connection is None:
            return await handler(request)
        connection.begin()
        request.content.on_eof(connection.whole)
        try:
            return await handler(request)
        finally:
            connection.end()

    async def _on_health(self, _request: web.Request) -> web.Response:
        ok, report = await self._health.report()
        body = {"status": "ok" if ok else "degraded", **report, **self._health.link()}
        return web.json_response(body, status=200 if ok else 503)

    async def _on_metrics(self, _request: web.Request) -> web.Response:
        try:
            await self._health.count()
        except StoreError as error:
            log.warning("some numbers are old: %s", error.sentence)
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def closed(host: str, port: int, error: OSError) -> AegisError:
    """Return why the server cannot listen at ``host`` and ``port``."""
    if error.errno == errno.EADDRINUSE:
        what, hint = f"Port {port} on {host} is taken.", "Set AEGIS_HTTP_PORT to another one, or to 0 for none."
    elif error.errno in (errno.EACCES, errno.EPERM):
        what, hint = f"Aegis may not open port {port} on {host}.", "Set AEGIS_HTTP_PORT to one from 1024 on."
    else:
        what, hint = f"Port {port} on {host} cannot be opened.", "Is AEGIS_HTTP_HOST an address of this machine?"
    return AegisError(what, hint=hint, detail=str(error))
