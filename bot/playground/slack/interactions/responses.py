"""Answers by response_url or in a command's acknowledgement.

They are ephemeral, posted in the channel, or put in place of a message.
"""

from __future__ import annotations

from aiohttp import web

from bot.playground.slack.faults import Faults
from bot.playground.slack.methods.chat import content, says_something
from bot.playground.slack.state.arguments import Arguments, MethodError, read_arguments
from bot.playground.slack.state.grants import ResponseUrl
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.workspace_state import WorkspaceState
from bot.playground.slack.web_api import Call, WebApi


class Responses:
    """Carries out what the bot answers to a person's action."""

    def __init__(self, state: WorkspaceState, web_api: WebApi, faults: Faults) -> None:
        self._state = state
        self._web_api = web_api
        self._faults = faults

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a POST to a response_url; 404 when it is used up or too old."""
        call = Call("response_url", {}, self._state.clock.now())
        self._web_api.calls.append(call)
        fault = self._faults.take("response_url")
        response: web.StreamResponse = web.Response(text="ok")
        try:
            args = await read_arguments(request)
            call.arguments = dict(args.values)
            if fault is None or fault.after_effect:
                self.answer(self._state.grants.respond(request.match_info["grant"]), args)
            call.answer = {"ok": True}
        except MethodError as refused:
            call.status = 404 if refused.code in {"used_url", "expired_url"} else 400
            call.answer = {"ok": False, "error": refused.code, **refused.fields}
            response = web.json_response(call.answer, status=call.status)
        if fault is not None:
            response = await self._web_api.spoil(request, call, fault)
        self._state.notify("call", call)
        return response

    def answer(self, grant: ResponseUrl, args: Arguments) -> None:
        """Carry one answer out; raises ``MethodError`` for one of a wrong form."""
        if args.flag("delete_original"):
            self._remove(grant.source)
            return
        body = says_something(content(args)) | self._state.seed.bot.as_author(self._state.seed.team)
        if args.flag("replace_original") and grant.source is not None:
            self._replace(grant.source, body)
            return
        if args.text("thread_ts"):
            body["thread_ts"] = args.text("thread_ts")
        if args.text("response_type", "ephemeral") == "in_channel":
            self._state.post(grant.channel, body)
            return
        note = self._state.whisper(grant.user, grant.channel, body)
        if grant.source is None:
            grant.source = note

    def _remove(self, source: Message | Ephemeral | None) -> None:
        if isinstance(source, Ephemeral):
            self._state.rewrite(source, None)
        elif source is not None:
            self._state.delete(source)

    def _replace(self, source: Message | Ephemeral, body: Json) -> None:
        if isinstance(source, Ephemeral):
            self._state.rewrite(source, body)
            return
        rest = {name: value for name, value in source.body.items() if name not in {"text", "blocks", "attachments"}}
        self._state.edit(source, rest | body)
