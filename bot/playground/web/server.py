"""Serves the demo's page to this machine only.

A page of somebody else, open in the same browser, must not reach it: the ``Host`` has to be a loopback name (or a
rebound DNS name would do) and a live connection has to come from the page itself.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web
from yarl import URL

from bot.playground.slack.workspace import Workspace
from bot.playground.web.live import Viewer
from bot.playground.web.snapshot import PEOPLE, LabView, Person

FOLDER = Path(__file__).parents[1] / "page"

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(workspace: Workspace, lab: LabView, *, people: Sequence[Person] = PEOPLE) -> list[web.RouteDef]:
    """Return what the workspace's server answers besides Slack's own addresses.

    ``people`` are those whom somebody at the page can be, the first one at the start.
    """

    async def page(request: web.Request) -> web.StreamResponse:
        return _file(request, "index.html")

    async def part(request: web.Request) -> web.StreamResponse:
        return _file(request, request.match_info["name"])

    async def shared(request: web.Request) -> web.StreamResponse:
        file = workspace.state.files.get(request.match_info["file"])
        if file is None or not file.channel:
            raise web.HTTPNotFound(text="There is no such file.")
        return web.Response(text=file.text, content_type="text/plain", headers=_headers(request))

    async def live(request: web.Request) -> web.StreamResponse:
        user = request.query.get("as") or people[0].id
        if user not in {person.id for person in people}:
            raise web.HTTPForbidden(text="Nobody by this name is at this page.")
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=64 * 1024)
        await socket.prepare(request)
        await Viewer(workspace, lab, people, user, socket).run()
        return socket

    return [
        web.get("/", _only_here(page)),
        web.get(r"/page/{name:(?:[a-z_]+/)?[a-z_-]+\.[a-z]+}", _only_here(part)),
        web.get(r"/files/{file:\w+}", _only_here(shared)),
        web.get("/live", _only_here(live, origin_required=True)),
    ]


def _only_here(handler: Handler, *, origin_required: bool = False) -> Handler:
    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not _is_loopback(host):
            raise web.HTTPForbidden(text="This page is for this machine only: open it as http://127.0.0.1.")
        origin = request.headers.get("Origin")
        if origin_required and origin is None:
            raise web.HTTPForbidden(text="Only the page itself may connect here.")
        # A tunnel may give the page another port, so what counts is that both are the same.
        if origin is not None and origin.lower() != f"http://{host}".lower():
            raise web.HTTPForbidden(text="Another page may not connect here.")
        return await handler(request)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        name = URL(f"http://{host}").host or ""
        return name.lower() == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _file(request: web.Request, name: str) -> web.StreamResponse:
    path = FOLDER / name
    kind = TYPES.get(path.suffix)
    if kind is None or not path.is_file():
        raise web.HTTPNotFound(text="The page has no such part.")
    return web.Response(
        body=path.read_bytes(),
        content_type=kind,
        charset="utf-8",
        headers=_headers(request) | {"Cache-Control": "no-cache"},
    )


def _headers(request: web.Request) -> dict[str, str]:
    """Return headers that allow the page's own files only, and no other page around it."""
    policy = [
        "default-src 'self'",
        # Not every browser takes a socket for 'self'. The host was looked at before.
        f"connect-src 'self' ws://{request.headers['Host']}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
