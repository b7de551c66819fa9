"""The bot's own small HTTP server: /health for the orchestrator, /metrics for Prometheus, and what else it is given.

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
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.errors import AegisError, StoreError
from bot.telemetry import registry
from bot.vitals import Part, asked

log = logging.getLogger(__name__)


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
    parts: Sequence[Part] = ()
    link: Callable[[], Mapping[str, float | None]] = dict
    count: Callable[[], Awaitable[None]] = _nothing

    async def report(self) -> tuple[bool, dict[str, str]]:
        """Return whether all that is vital is well, and each part with ``ok`` or what is wrong, in our words."""
        said = await asyncio.gather(*(asked(part) for part in self._all()))
        told = {part.name: wrong or "ok" for part, wrong in zip(self._all(), said, strict=True)}
        return not any(wrong and part.vital for part, wrong in zip(self._all(), said, strict=True)), told

    def _all(self) -> tuple[Part, ...]:
        return (Part("slack", self._slack), Part("database", self._database), *self.parts)

    async def _slack(self) -> str:
        return "" if self.connected() else "not connected"

    async def _database(self) -> str:
        await self.store.check()
        return ""


class HttpServer:
    """Serves while inside ``async with``, with ``port`` 0 nothing. Raises ``AegisError`` where the port is not free."""

    def __init__(self, host: str, port: int, health: Health, more: Sequence[web.RouteDef] = ()) -> None:
        self._host = host
        self._port = port
        self._health = health
        self._more = more
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        if not self._port:
            return self
        app = web.Application()
        app.add_routes([web.get("/health", self._on_health), web.get("/metrics", self._on_metrics), *self._more])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise closed(self._host, self._port, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _on_health(self, _request: web.Request) -> web.Response:
        well, report = await self._health.report()
        said = {"status": "ok" if well else "ailing", **report, **self._health.link()}
        return web.json_response(said, status=200 if well else 503)

    async def _on_metrics(self, _request: web.Request) -> web.Response:
        try:
            await self._health.count()
        except StoreError as error:
            log.warning("some numbers are old: %s", error.sentence)
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def closed(host: str, port: int, error: OSError) -> AegisError:
    """Say why nobody can be served at ``host`` and ``port``."""
    if error.errno == errno.EADDRINUSE:
        what, mend = f"Port {port} on {host} is taken.", "Set AEGIS_HTTP_PORT to another one, or to 0 for none."
    elif error.errno in (errno.EACCES, errno.EPERM):
        what, mend = f"Aegis may not open port {port} on {host}.", "Set AEGIS_HTTP_PORT to one from 1024 on."
    else:
        what, mend = f"Port {port} on {host} cannot be opened.", "Is AEGIS_HTTP_HOST an address of this machine?"
    return AegisError(what, mend=mend, detail=str(error))
