"""A Slack workspace on this machine, for one bot.

It is an HTTP server that speaks Slack's Web API and Socket Mode. The bot needs to know only its address
(``SLACK_API_URL``) and the two tokens. Whoever holds the ``Workspace``, a test or the web page, acts as the people and
senders and orders the faults.

Imitated: tokens and scopes (also in ``x-oauth-scopes``); arguments in query, form, multipart and JSON; membership and
archive rules; ``chat.update``'s ways with blocks, metadata and parse; threads, history, replies, ephemeral messages,
reactions, files in three steps; Block Kit's limits in Slack's error form; one-time tickets, hello, ping and pong, one
envelope to one of several connections, the acknowledgement clock, redelivery of events, none of presses and commands;
``disconnect`` frames; the rules of ``trigger_id`` and ``response_url``; modals three deep with what an acknowledgement
does to them; the bot's own messages echoed back; edits, deletions, mentions and the home tab as events; whom a message
would notify.

Not imitated: rate limits by themselves (order them with ``rate_limit``), the size limit of all blocks together, turning
plain text into links, emoji names, reaction and membership events, workflows, streaming, canvases, more than one app or
workspace, OAuth, and enterprise grids. The words ``hash_conflict``, ``used_url``, ``expired_url`` and
``thread_not_found`` (for posting) are guesses, since Slack does not publish its own. A late acknowledgement does not
stop a redelivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, TypeVar

from aiohttp import web

from bot.playground.slack.events import Events
from bot.playground.slack.faults import Fault, Faults
from bot.playground.slack.interactions.payloads import Payloads
from bot.playground.slack.interactions.press import Press
from bot.playground.slack.interactions.responses import Responses
from bot.playground.slack.interactions.talk import Talk
from bot.playground.slack.socket_mode import Connection, Delivery, SocketMode
from bot.playground.slack.state.clock import Clock, Pace, SystemClock
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Seed
from bot.playground.slack.state.views import View
from bot.playground.slack.state.workspace_state import Change, File, WorkspaceState
from bot.playground.slack.web_api import Call, WebApi

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Workspace(Talk, Press):
    """The workspace, for ``async with Workspace() as ws``; what people do are the methods of ``Talk`` and ``Press``.

    ``seed`` says who and what there is, ``pace`` and ``clock`` how time goes, ``routes`` what else the server answers.
    """

    def __init__(
        self,
        seed: Seed | None = None,
        *,
        pace: Pace | None = None,
        clock: Clock | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
        routes: Iterable[web.AbstractRouteDef] = (),
    ) -> None:
        self.seed = seed or Seed()
        self.clock: Clock = clock or SystemClock()
        self.state = WorkspaceState(self.seed, self.clock, pace or Pace())
        self.faults = Faults()
        self.socket_mode = SocketMode(self.state, self.faults)
        self.web_api = WebApi(self.state, self.socket_mode, self.faults)
        self.responses = Responses(self.state, self.web_api, self.faults)
        self.payloads = Payloads(self.state)
        self.events = Events(self.state, self.socket_mode)
        self._address = address
        self._routes = list(routes)
        self._runner: web.AppRunner | None = None

    def serve(self, routes: Iterable[web.AbstractRouteDef]) -> None:
        """Answer these too, from the next ``start`` on: for routes that themselves need the workspace."""
        self._routes.extend(routes)

    # -- being there ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a ``stop`` on the same port as before, with everything still there."""
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[_no_other_page])
        app.add_routes(
            [
                web.route("*", "/api/{method}", self.web_api.handle),
                web.get("/link/", self.socket_mode.link),
                web.post("/upload/{file}", self.web_api.upload),
                web.post(r"/{kind:commands|actions|app-actions}/{team}/{grant}", self.responses.handle),
                *self._routes,
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        host, port = self._address
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        self._address = (host, self._runner.addresses[0][1])
        self.state.url = self.url

    async def stop(self) -> None:
        """Stop listening and cut every connection: Slack is down."""
        self.release()
        await self.socket_mode.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def api_url(self) -> str:
        """The base address of the Web API, for ``SLACK_API_URL``."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's token."""
        return self.seed.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token."""
        return self.seed.app_token

    @property
    def bot_user(self) -> str:
        """The bot's user id."""
        return self.seed.bot.user

    # -- looking ----------------------------------------------------------------------------------------------------

    def messages(self, channel: str, *, containing: str = "") -> list[Message]:
        """Return the messages of a channel, replies too, oldest first; deleted ones are not among them."""
        standing = self.state.standing(channel)
        return (
            [message for message in standing if containing in message.words + message.text] if containing else standing
        )

    def message(self, channel: str, ts: str) -> Message:
        """Return one message, deleted or not."""
        return self.state.messages[channel][ts]

    def thread(self, first: Message, *, containing: str = "") -> list[Message]:
        """Return the replies to a message, oldest first."""
        return [
            reply for reply in self.state.replies(first.channel, first.ts) if containing in reply.words + reply.text
        ]

    def ephemerals(self, user: str, channel: str = "") -> list[Ephemeral]:
        """Return what one person alone sees now, oldest first."""
        notes = [note for note in self.state.ephemerals if note.user == user and not note.gone]
        return [note for note in notes if channel in {"", note.channel}]

    def reactions(self, message: Message) -> set[str]:
        """Return the names of the reactions on a message."""
        return {name for name, users in message.reactions.items() if users}

    def modals(self, user: str) -> list[View]:
        """Return the modals that a person has open, the top one last."""
        return self.state.views.opened(user)

    def modal(self, user: str) -> View:
        """Return the modal on top; raises ``IndexError`` if none is open."""
        return self.modals(user)[-1]

    def home(self, user: str) -> View:
        """Return a person's home tab; raises ``KeyError`` if none was published."""
        return self.state.views.homes[user]

    def direct(self, user: str) -> str:
        """Return the id of a person's direct conversation with the bot."""
        return self.state.direct(user).id

    @property
    def files(self) -> list[File]:
        """The files that were shared, oldest first."""
        return [file for file in self.state.files.values() if file.channel]

    @property
    def calls(self) -> list[Call]:
        """Every call of the bot, in order."""
        return self.web_api.calls

    def called(self, method: str) -> list[Call]:
        """Return the calls of one method, in order."""
        return [call for call in self.web_api.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to bring something to the bot, in order."""
        return self.socket_mode.deliveries

    @property
    def connections(self) -> list[Connection]:
        """The bot's open sockets."""
        return self.socket_mode.connections

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback`` at every change, from now until the returned function is called."""
        return self.state.subscribe(callback)

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109 - it is told in the failure
        """Return what ``predicate`` gives as soon as it is true, looking again at each change of the workspace.

        A ``LookupError`` in it counts as not yet, so ``lambda: ws.thread(alert)[0]`` waits for the first reply. Raises
        ``TimeoutError`` that tells what the bot did meanwhile. What is so only inside the bot it does not notice.
        """
        changed = asyncio.Event()
        unsubscribe = self.subscribe(lambda _change: changed.set())
        try:
            async with asyncio.timeout(timeout):
                while True:
                    changed.clear()
                    result = _try(predicate)
                    if result:
                        return result
                    await changed.wait()
        except TimeoutError as late:
            raise TimeoutError(f"not within {timeout:g} s; {self._so_far()}") from late
        finally:
            unsubscribe()

    async def settled(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as wait_for
        """Return when every event so far was acknowledged by the bot (which may still be at work on it) or given up."""
        try:
            async with asyncio.timeout(timeout):
                await self.socket_mode.settled()
        except TimeoutError as late:
            raise TimeoutError(f"not within {timeout:g} s; {self._so_far()}") from late

    async def connected(self, count: int = 1, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as wait_for
        """Return when the bot has at least ``count`` sockets open."""
        await self.wait_for(lambda: len(self.connections) >= count, timeout)

    def _so_far(self) -> str:
        calls = [f"{call.method} {call.error or call.status}" for call in self.calls[-8:]]
        pending = [delivery.type for delivery in self.deliveries if not delivery.acknowledged]
        return f"last calls: {calls}; sockets: {len(self.connections)}; not acknowledged: {pending[-8:]}"

    # -- trouble ----------------------------------------------------------------------------------------------------

    def rate_limit(self, method: str, *, retry_after: int = 1, times: int = 1) -> None:
        """Make the next ``times`` calls of a method answer 429."""
        self.faults.order(method, Fault(retry_after=retry_after), times)

    def fail(self, method: str, fault: Fault | str, *, times: int = 1) -> None:
        """Make the next ``times`` calls of a method fail; a text is Slack's error code.

        ``*`` is any method; ``upload``, ``response_url`` and ``socket`` (the upgrade, whose ticket stays good unless
        ``after_effect``) go by these names.
        """
        self.faults.order(method, Fault(error=fault) if isinstance(fault, str) else fault, times)

    def release(self) -> None:
        """End hanging calls (with HTTP 503)."""
        self.web_api.release()

    def revoke(self, token: str) -> None:
        """Make a token answer ``token_revoked``."""
        self.state.revoked.add(token)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send a disconnect frame on every socket.

        ``reason``: ``warning``, ``refresh_requested``, ``too_many_websockets``; or ``link_disabled``: the end of all.
        """
        await self.socket_mode.disconnect(reason)

    def cut(self) -> None:
        """Break every socket without a goodbye."""
        self.socket_mode.cut()

    def deafen(self) -> None:
        """Keep the open sockets open but carry nothing, not even pings."""
        for connection in self.connections:
            connection.deaf = True


@web.middleware
async def _no_other_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of somebody else, open in a browser on this machine, sends here; the bot sends no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{request.headers.get('Host', '')}".lower():
        raise web.HTTPForbidden(text="Another page may not connect here.")
    return await handler(request)


def _try(predicate: Callable[[], T]) -> T | None:
    try:
        return predicate()
    except LookupError:
        return None
