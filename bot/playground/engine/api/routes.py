"""HTTP routes of the demo engine for everything but containers.

The versions, headers and errors of all answers are here too. The engine answers what Aegis and the lab ask of Docker,
and nothing else.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from aiohttp import web

from bot.playground.engine.containers.events import EngineEvents
from bot.playground.engine.containers.image import ProcessImage, architecture, inspection
from bot.playground.engine.containers.network import Networks
from bot.playground.engine.containers.registry import Containers, read_filters
from bot.playground.engine.errors import EngineRefusal, format_time, parse_nanoseconds
from bot.playground.engine.processes.usage import memory_of_machine

Json = dict[str, Any]
VERSION, API, LEAST_API = "20.10.24+processes", "1.41", "1.12"
"""The engine whose answers were measured; what follows the plus says that containers are processes here."""
_HEADERS = {
    "Api-Version": API,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"Docker/{VERSION} ({sys.platform})",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check the version in the path, and turn every refusal into Docker's form of it."""
    try:
        _check_version(request.match_info.get("version", API))
        return await handler(request)
    except EngineRefusal as refused:
        if refused.status == 304:
            return web.Response(status=304, headers=_HEADERS)
        return done({"message": refused.message}, refused.status)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return done({"message": "page not found"}, 404)
    except ConnectionResetError:
        # Whoever asked has gone in the middle of a stream, which is how streams end; nobody reads this.
        return web.Response()


def done(answer: object = None, status: int = 200) -> web.Response:
    """Answer with JSON, or with nothing (204)."""
    if answer is None:
        return web.Response(status=204, headers=_HEADERS)
    # Without a charset behind it, by which the docker command tells a sentence of the engine's.
    text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False) + "\n"
    return web.Response(body=text.encode(), status=status, headers=_HEADERS | {"Content-Type": "application/json"})


async def body(request: web.Request) -> Json:
    """Read the JSON object that was sent. Raises ``EngineRefusal``."""
    if request.content_type != "application/json":
        kind = request.headers.get("Content-Type", "")
        raise EngineRefusal(400, f"Content-Type specified ({kind}) must be 'application/json'")
    try:
        content = json.loads(await request.read() or b"null")
    except ValueError as error:
        raise EngineRefusal(500, f"invalid JSON: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise EngineRefusal(400, "invalid JSON: an object is expected")
    return content or {}


def both(method: str, path: str, handler: Handler) -> list[web.RouteDef]:
    """Route a path with and without a version before it."""
    return [web.route(method, prefix + path, handler) for prefix in ("", r"/v{version:[0-9.]+}")]


class Api:
    """The routes of the engine, its images, networks and events."""

    def __init__(
        self, images: Mapping[str, ProcessImage], containers: Containers, networks: Networks, events: EngineEvents
    ) -> None:
        self._images = images
        self._containers = containers
        self._networks = networks
        self._events = events
        self._id = ":".join(secrets.token_hex(2).upper() for _ in range(12))

    def routes(self) -> list[web.RouteDef]:
        """Return all of them."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/version", self._version),
            ("GET", "/info", self._info),
            ("GET", "/events", self._stream_events),
            ("GET", "/images/{name:.+}/json", self._inspect_image),
            ("GET", "/networks", self._list_networks),
            ("POST", "/networks/create", self._create_network),
            ("DELETE", "/networks/{name:.+}", self._remove_network),
        ]
        return [route for entry in table for route in both(*entry)]

    async def _version(self, _request: web.Request) -> web.Response:
        here = {
            "ApiVersion": API,
            "MinAPIVersion": LEAST_API,
            "Os": "linux",
            "Arch": architecture(),
            "KernelVersion": platform.release(),
            "GitCommit": "",
            "GoVersion": "",
            "BuildTime": "",
        }
        component = {"Name": "Engine", "Version": VERSION, "Details": here | {"Experimental": "false"}}
        name = "processes of this machine behind the Docker Engine API"
        return done({"Platform": {"Name": name}, "Components": [component], "Version": VERSION, **here})

    async def _info(self, _request: web.Request) -> web.Response:
        states = [container.state.status for container in self._containers.all]
        running = states.count("running") + states.count("restarting")
        return done(
            {
                "ID": self._id,
                "Containers": len(states),
                "ContainersRunning": running,
                "ContainersStopped": len(states) - running,
                "Images": len({image.id for image in self._images.values()}),
                "Driver": "none",
                "MemoryLimit": True,
                "NEventsListener": self._events.listeners,
                "SystemTime": format_time(time.time_ns()),
                "LoggingDriver": "json-file",
                "CgroupDriver": "none",
                "KernelVersion": platform.release(),
                "OperatingSystem": "processes of this machine",
                "OSType": "linux",
                "Architecture": platform.machine(),
                "NCPU": os.cpu_count() or 1,
                "MemTotal": memory_of_machine(),
                "Name": socket.gethostname(),
                "Labels": [],
                "ServerVersion": VERSION,
                "Swarm": {"LocalNodeState": "inactive", "ControlAvailable": False, "RemoteManagers": None},
                "LiveRestoreEnabled": False,
                "SecurityOptions": [],
                "Warnings": None,
            }
        )

    async def _stream_events(self, request: web.Request) -> web.StreamResponse:
        since, until = (parse_nanoseconds(request.query.get(name, "")) for name in ("since", "until"))
        if since is not None and until is not None and since > until:
            message = f"`since` time ({since // 10**9}) cannot be after `until` time ({until // 10**9})"
            raise EngineRefusal(400, message)
        events = self._events.read(since, until, read_filters(request.query.get("filters", "")))
        return await send(request, (json.dumps(event).encode() + b"\n" async for event in events))

    async def _inspect_image(self, request: web.Request) -> web.Response:
        return done(inspection(self._images, request.match_info["name"]))

    async def _list_networks(self, request: web.Request) -> web.Response:
        filters = read_filters(request.query.get("filters", ""))
        return done([network.shown() for network in self._networks.listed(filters)])

    async def _create_network(self, request: web.Request) -> web.Response:
        return done(self._networks.create(await body(request)), 201)

    async def _remove_network(self, request: web.Request) -> web.Response:
        self._networks.remove(request.match_info["name"])
        return done()


async def send(
    request: web.Request, pieces: AsyncGenerator[bytes], kind: str = "application/json"
) -> web.StreamResponse:
    """Answer with what comes, as it comes, until its end or until nobody listens any more."""
    response = web.StreamResponse(headers=_HEADERS | {"Content-Type": kind})
    await response.prepare(request)
    async with aclosing(pieces):
        async for piece in pieces:
            try:
                await response.write(piece)
            except ConnectionResetError:
                break
    return response


def _check_version(wanted: str) -> None:
    numbers = tuple(int(part) for part in re.findall(r"\d+", wanted)[:2])
    if numbers > tuple(map(int, API.split("."))):
        raise EngineRefusal(400, f"client version {wanted} is too new. Maximum supported API version is {API}")
    if numbers < tuple(map(int, LEAST_API.split("."))):
        why = f"Minimum supported API version is {LEAST_API}, please upgrade your client to a newer version"
        raise EngineRefusal(400, f"client version {wanted} is too old. {why}")
