"""Slack's Web API over HTTP, with a record of every call.

Tokens and scopes are checked, and ordered faults happen here.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field

from aiohttp import web

from bot.playground.slack.checks import Method, require_scope
from bot.playground.slack.faults import Fault, Faults
from bot.playground.slack.methods import chat, directory, files, modals
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.state.arguments import Arguments, MethodError, read_arguments
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.workspace_state import WorkspaceState

METHODS: dict[str, Method] = {**chat.METHODS, **directory.METHODS, **modals.METHODS, **files.METHODS}
CONNECT = "apps.connections.open"


@dataclass(slots=True, eq=False)
class Call:
    """One call of the bot: what it passed, when, and what it got. ``method`` is ``upload`` or ``response_url`` too."""

    method: str
    arguments: Json
    at: float
    status: int = 200
    answer: Json = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Return True if the workspace did it and answered so."""
        return self.status == 200 and bool(self.answer.get("ok"))

    @property
    def error(self) -> str:
        """The error code of the answer, if any."""
        return str(self.answer.get("error", ""))


class WebApi:
    """Answers ``/api/METHOD``. ``calls`` keeps every call in order."""

    def __init__(self, state: WorkspaceState, socket_mode: SocketMode, faults: Faults) -> None:
        self._state = state
        self._socket_mode = socket_mode
        self._faults = faults
        self.calls: list[Call] = []
        self._released = asyncio.Event()

    def release(self) -> None:
        """End the calls that hang now, with HTTP 503."""
        self._released.set()
        self._released = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call of a method."""
        method = request.match_info["method"]
        call = Call(method, {}, self._state.clock.now())
        self.calls.append(call)
        fault = self._faults.take(method)
        try:
            args = await read_arguments(request)
            call.arguments = copy.deepcopy({name: args.values[name] for name in args.values if name != "token"})
            if fault is None or fault.after_effect:
                call.answer = {"ok": True, **self._run(method, self._token(request, args, method), args)}
        except MethodError as refused:
            call.answer = {"ok": False, "error": refused.code, **refused.fields}
        response = await self.spoil(request, call, fault)
        self._state.notify("call", call)
        return response

    async def spoil(self, request: web.Request, call: Call, fault: Fault | None) -> web.StreamResponse:
        """Turn a call into its response, as the fault (if any) wants it."""
        headers = {"x-oauth-scopes": ",".join(sorted(self._scopes(call.method)))}
        if fault is not None:
            call.status = fault.status
            if fault.reset:
                call.status, call.answer = 0, {}
                if request.transport is not None:
                    request.transport.abort()
            elif fault.hang:
                call.status, call.answer = 0, {}
                self._state.notify("call", call)
                await self._released.wait()
                call.status = 503
            elif fault.retry_after is not None:
                call.status, call.answer = 429, {"ok": False, "error": "ratelimited"}
                headers["Retry-After"] = str(fault.retry_after)
            elif fault.status != 200:
                call.answer = {}
                return web.Response(status=fault.status, text="<html>upstream trouble</html>", content_type="text/html")
            else:
                call.answer = {"ok": False, "error": fault.error, **fault.fields}
        return web.json_response(call.answer, status=call.status or 503, headers=headers)

    def _scopes(self, method: str) -> set[str]:
        return self._state.seed.app_scopes if method == CONNECT else self._state.seed.scopes

    def _token(self, request: web.Request, args: Arguments, method: str) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return token.strip()
        if method == CONNECT:
            raise MethodError("not_authed")
        return args.text("token")

    def _run(self, method: str, token: str, args: Arguments) -> Json:
        known = METHODS.get(method)
        if known is None and method != CONNECT:
            raise MethodError("unknown_method", req_method=method)
        self._check_token(method, token)
        if known is None:
            if "connections:write" not in self._state.seed.app_scopes:
                raise MethodError("missing_scope", needed="connections:write", provided=",".join(self._scopes(method)))
            return {"url": self._socket_mode.ticket_url()}
        require_scope(self._state, known.scope)
        return known.run(self._state, args)

    def _check_token(self, method: str, token: str) -> None:
        seed = self._state.seed
        if not token:
            raise MethodError("not_authed")
        if token in self._state.revoked:
            raise MethodError("token_revoked")
        if token not in {seed.bot_token, seed.app_token}:
            raise MethodError("invalid_auth")
        if token != (seed.app_token if method == CONNECT else seed.bot_token):
            raise MethodError("not_allowed_token_type")

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of a file; no token is needed."""
        content = await request.read()
        file = self._state.files.get(request.match_info["file"])
        call = Call("upload", {"file": request.match_info["file"], "length": len(content)}, self._state.clock.now())
        self.calls.append(call)
        fault = self._faults.take("upload")
        call.answer = {"ok": file is not None and len(content) == file.length}
        if file is not None and call.ok and (fault is None or fault.after_effect):
            file.content = content
        if fault is not None:
            response = await self.spoil(request, call, fault)
        elif call.ok:
            response = web.Response(text=f"OK - {len(content)}")
        else:
            call.status = 400
            response = web.Response(status=400, text="the length is not what was announced")
        self._state.notify("call", call)
        return response
