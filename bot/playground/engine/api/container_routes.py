"""HTTP routes of the demo engine for containers."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.playground.engine.api import inspection, stats
from bot.playground.engine.api.routes import Handler, body, both, done, send
from bot.playground.engine.containers.container import Container
from bot.playground.engine.containers.registry import Containers, read_filters
from bot.playground.engine.errors import EngineRefusal, parse_integer, parse_switch

Json = dict[str, Any]


class ContainerApi:
    """The routes about containers."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    def routes(self) -> list[web.RouteDef]:
        """Return all of them."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/containers/json", self._list),
            ("POST", "/containers/create", self._create),
            ("GET", "/containers/{name:.+}/json", self._inspect),
            ("GET", "/containers/{name:.+}/logs", self._logs),
            ("GET", "/containers/{name:.+}/stats", self._stats),
            ("GET", "/containers/{name:.+}/top", self._top),
            ("POST", "/containers/{name:.+}/start", self._start),
            ("POST", "/containers/{name:.+}/restart", self._restart),
            ("POST", "/containers/{name:.+}/kill", self._kill),
            ("DELETE", "/containers/{name:.+}", self._remove),
        ]
        return [route for entry in table for route in both(*entry)]

    def _named(self, request: web.Request) -> Container:
        return self._containers.find(request.match_info["name"])

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        filters = read_filters(query.get("filters", ""))
        containers = self._containers.listed(filters, everything=parse_switch(query.get("all", "")))
        return done([inspection.row(container) for container in containers])

    async def _create(self, request: web.Request) -> web.Response:
        container = self._containers.create(request.query.get("name", ""), await body(request))
        return done({"Id": container.id, "Warnings": []}, 201)

    async def _inspect(self, request: web.Request) -> web.Response:
        return done(inspection.inspection(self._named(request)))

    async def _start(self, request: web.Request) -> web.Response:
        await self._named(request).start()
        return done()

    async def _restart(self, request: web.Request) -> web.Response:
        seconds, name = _seconds(request), request.match_info["name"]
        container = self._containers.find(name)
        try:
            await container.restart(seconds)
        except EngineRefusal as refused:
            raise EngineRefusal(500, f"Cannot restart container {name}: {refused.message}") from refused
        return done()

    async def _kill(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            await self._containers.find(name).kill()
        except EngineRefusal as refused:
            raise EngineRefusal(refused.status, f"Cannot kill container: {name}: {refused.message}") from refused
        return done()

    async def _remove(self, request: web.Request) -> web.Response:
        await self._named(request).remove(force=parse_switch(request.query.get("force", "")))
        return done()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        streams = {number for name, number in (("stdout", 1), ("stderr", 2)) if parse_switch(query.get(name, ""))}
        if not streams:
            raise EngineRefusal(400, "Bad parameters: you must choose at least one stream")
        container = self._named(request)
        timestamps = parse_switch(query.get("timestamps", ""))
        pieces = (
            b"".join(line.framed(timestamps=timestamps) for line in lines)
            async for lines in container.log.read(streams, _tail(query.get("tail", "")))
        )
        return await send(request, pieces, "application/octet-stream")

    async def _stats(self, request: web.Request) -> web.Response:
        return done(await stats.sample(self._named(request)))

    async def _top(self, request: web.Request) -> web.Response:
        return done(await stats.processes(self._named(request), request.query.get("ps_args") or "-ef"))


def _seconds(request: web.Request) -> int | None:
    asked = request.query.get("t", "")
    return parse_integer(asked) if asked else None


def _tail(text: str) -> int | None:
    # What is no number, or below zero, is everything (moby: daemon/logs.go).
    try:
        return None if int(text) < 0 else int(text)
    except ValueError:
        return None
