"""Socket Mode connection with a watchdog.

A new link opens before the old one closes, and each attempt takes a new ticket.

The SDK's own reconnecting is switched off. After a refused upgrade it tries the same one-time ticket for ever, and it
closes the old socket before it opens the new one, so that clicks in between are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.errors import SlackError
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import NO_ANSWER, WebApi
from bot.telemetry import RECONNECTS

log = logging.getLogger(__name__)

_APP_TOKEN = "Make an app-level token with connections:write and put it (xapp-…) into SLACK_APP_TOKEN."  # noqa: S105 - no token, a sentence

_EXPLANATIONS = {
    "invalid_auth": ("Slack does not accept the app token.", _APP_TOKEN),
    "not_authed": ("There is no app token.", _APP_TOKEN),
    "not_allowed_token_type": ("SLACK_APP_TOKEN holds the wrong kind of token.", _APP_TOKEN),
    "missing_scope": ("The app token lacks the scope connections:write.", _APP_TOKEN),
    "token_revoked": ("The app token was revoked.", _APP_TOKEN),
    "token_expired": ("The app token has expired.", _APP_TOKEN),
    "account_inactive": ("The Slack app was removed from this workspace.", "Install it again."),
    "forbidden_team": ("This workspace does not let the app connect.", "Ask a workspace admin."),
}
_OFF = "Socket Mode is switched off for this app. Switch it on at api.slack.com/apps, under Socket Mode."
_CROWDED = "Too many connections are open for this app (Slack allows ten). Stop the other copies of Aegis."


def _now() -> datetime:
    return datetime.now(UTC)


class SocketModeConnection:
    """Keeps one live link to Slack. Times in seconds; moments by Slack's clock.

    ``ping`` between two pings; ``patience`` for a link to be up, from ticket to hello; ``grace`` for which an old link
    stays open for its last acknowledgements; ``look`` between two looks of the watchdog. ``on_reconnect`` runs after
    each new link but the first, ``on_gap`` where there was none in between, with the time since when.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        on_reconnect: Callable[[], Awaitable[None]] | None = None,
        on_gap: Callable[[datetime], Awaitable[None]] | None = None,
        since: datetime | None = None,
        clock: SlackClock | None = None,
        ping: float = 10.0,
        patience: float = 10.0,
        grace: float = 3.0,
        look: float = 1.0,
    ) -> None:
        self._app = app
        self._token = app_token
        self._api = WebApi(app.client, patience=patience)
        self._on_reconnect = on_reconnect
        self._on_gap = on_gap
        self._ping = ping
        self._patience = patience
        self._grace = grace
        self._look = look
        self._link: _Link | None = None
        self._wake = asyncio.Event()
        self._clock = clock or SlackClock(_now)
        self._since = since
        self._last_contact = since or self._clock()
        self._up_since: datetime | None = None
        self._event_at: datetime | None = None
        self._background = BackgroundTasks()
        self._watchdog: asyncio.Task[None] | None = None
        self.trouble = ""
        """Why there is no link, in a sentence; empty while all is well."""

    @property
    def connected(self) -> bool:
        """Return True if Slack can reach Aegis now."""
        return self._link is not None and self._link.alive

    @property
    def last_contact(self) -> datetime:
        """Return when the connection was last seen to stand, to the second or so."""
        return self._last_contact

    @property
    def up_since(self) -> datetime | None:
        """Return since when the socket is open; ``None`` where there is none."""
        return self._up_since if self.connected else None

    @property
    def event_at(self) -> datetime | None:
        """Return when the last event, press or command came."""
        return self._event_at

    def _note_event(self) -> None:
        self._event_at = self._clock()

    async def start(self) -> None:
        """Connect, and stay connected until ``close``.

        Raises ``SlackError`` where a setting is wrong. Where Slack just does not answer it goes on trying by itself.
        """
        try:
            self._link = await self._open()
        except SlackError as error:
            if error.code in _EXPLANATIONS:
                raise
            self.trouble = error.sentence
            log.warning("no connection to Slack yet: %s (%s)", error.sentence, error.code)
        else:
            if self._since is not None:
                self._read_back(self._since)
        self._watchdog = asyncio.create_task(self._watch(), name="socket watchdog")

    async def close(self, work: BackgroundTasks, patience: float) -> int:
        """Take nothing more, let ``work`` go on for at most ``patience`` seconds; return how much was stopped."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)
        if self._link is not None:
            await self._link.retire(min(self._grace, patience))
        await self._background.close(self._grace)
        return await work.close(patience)

    async def _open(self) -> _Link:
        """Make a link with a fresh ticket; Slack has said hello on it when this returns."""
        link = _Link(self._app, self._token, ping=self._ping, on_end=self._wake.set, on_event=self._note_event)
        try:
            answer = await self._api.call(self._api.slack.apps_connections_open, again=True, app_token=self._token)
            self._clock.observe(answer)
            if self._clock.trouble:
                log.warning("%s; times on cards are wrong", self._clock.trouble)
            async with asyncio.timeout(self._patience):
                await link.up(str(answer["url"]))
        except SlackError as error:
            await link.retire(0)
            what, hint = _EXPLANATIONS.get(error.code, (error.message, error.hint))
            raise SlackError(what, hint=hint, detail=error.detail, code=error.code) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            await link.retire(0)
            raise SlackError("Slack gave an address but did not let us in there.", code=NO_ANSWER) from error
        except asyncio.CancelledError:
            await link.retire(0)
            raise
        self._up_since = self._clock()
        return link

    async def _watch(self) -> None:
        failures = 0
        while True:
            await self._until_it_ends()
            old = self._link
            if old is not None and (old.ended == "too_many_websockets" or not old.alive):
                # Nothing more comes on it; and where there are too many, it has to go before there can be another.
                self._link = None
                await old.retire(0)
            try:
                self._link = await self._open()
            except SlackError as error:
                self.trouble = self.trouble or error.sentence
                pause = min(60.0, self._look * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads tries
                failures = min(failures + 1, 6)
                log.warning("no connection to Slack, next try in %.0f s: %s (%s)", pause, error.sentence, error.code)
                await asyncio.sleep(pause)
                continue
            failures, self.trouble = 0, ""
            RECONNECTS.inc()
            log.info("connected to Slack again")
            if old is not None and old.alive:
                self._background.start(old.linger(self._grace), "closing the old connection")
            else:
                self._read_back(self._last_contact)
            if self._on_reconnect is not None:
                self._background.start(_run(self._on_reconnect()), "going on after a reconnect")

    def _read_back(self, since: datetime) -> None:
        if self._on_gap is not None:
            self._background.start(_run(self._on_gap(since)), "reading back what was missed")

    async def _until_it_ends(self) -> None:
        """Return when the link is broken or silent, or Slack says that it will end."""
        while self._link is not None and self._link.alive and not self._link.ended:
            self._last_contact = self._clock()
            try:
                await asyncio.wait_for(self._wake.wait(), self._look)
            except TimeoutError:
                continue
            self._wake.clear()
        if self._link is not None and self._link.ended:
            self.trouble = {"link_disabled": _OFF, "too_many_websockets": _CROWDED}.get(self._link.ended, "")
            log.log(logging.ERROR if self.trouble else logging.INFO, "Slack ends the connection (%s)", self._link.ended)
        elif self._link is not None:
            log.warning("the connection to Slack broke; connecting again")


async def _run(work: Awaitable[None]) -> None:
    await work


class _Client(SocketModeClient):
    """The SDK's client for one life: it says when Slack greets it and when it will end, and never reconnects."""

    def __init__(self, app: AsyncApp, app_token: str, *, ping: float, on_end: Callable[[], None]) -> None:
        super().__init__(
            app_token, app.logger, app.client, auto_reconnect_enabled=False, ping_interval=ping, proxy=app.client.proxy
        )
        self.proxy = app.client.proxy
        self.hello = asyncio.Event()
        self.ended = ""
        self._on_end = on_end
        self.on_close_listeners.append(self._lost)
        self.on_error_listeners.append(self._lost)

    async def connect(self) -> None:
        """Open the socket once and start what the SDK runs on it. Raises what aiohttp raises."""
        self.current_session = await self.aiohttp_client_session.ws_connect(
            self.wss_uri or "",
            autoping=False,
            heartbeat=self.ping_interval,
            proxy=self.proxy,
            ssl=self.web_client.ssl if self.web_client.ssl is not None else True,
        )
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Hear what Slack says about the connection itself; hand everything else on."""
        if message.get("type") == "disconnect":
            self.ended = str(message.get("reason") or "disconnect")
            self._on_end()
            return
        if message.get("type") == "hello":
            log.info("Slack says hello; connections open for this app: %s", message.get("num_connections", "?"))
            self.hello.set()
        await super().run_message_listeners(message, raw_message)

    async def _lost(self, message: WSMessage) -> None:
        log.debug("socket closed: %s", message.type)
        self._on_end()


class _Link(AsyncSocketModeHandler):
    """Bolt's handler over one ``_Client``: one ticket, one socket."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        *,
        ping: float,
        on_end: Callable[[], None],
        on_event: Callable[[], None],
    ) -> None:
        # Not super(): it would make a client that reconnects by itself.
        self.app = app
        self.app_token = app_token
        self.client: _Client = _Client(app, app_token, ping=ping, on_end=on_end)
        self.client.socket_mode_request_listeners.append(self._take)
        self._taking = True
        self._on_event = on_event
        self._busy = 0
        self._idle = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Return True if the socket is open and Slack has greeted it."""
        session = self.client.current_session
        return self.client.hello.is_set() and session is not None and not session.closed

    @property
    def ended(self) -> str:
        """Return Slack's reason why this link will end, or ``""``."""
        return self.client.ended

    async def up(self, url: str) -> None:
        """Connect by the one-time ``url`` and return when Slack has said hello."""
        self.client.wss_uri = url
        await self.client.connect()
        await self.client.hello.wait()

    async def _take(self, _: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        """Handle an envelope; after ``retire`` none is acknowledged, so that Slack delivers it elsewhere or again."""
        if not self._taking:
            return
        self._on_event()
        self._busy += 1
        try:
            await self.handle(self.client, envelope)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def linger(self, grace: float) -> None:
        """Take what still comes for ``grace`` seconds while another link is up already, then close."""
        await asyncio.sleep(grace)
        await self.retire(grace)

    async def retire(self, grace: float) -> None:
        """Take nothing more, finish what was taken within ``grace`` seconds, and close."""
        self._taking = False
        self._idle.clear()
        if self._busy and self.alive:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), grace)
        try:
            async with asyncio.timeout(2.0):
                await self.client.close()  # type: ignore[no-untyped-call]  # the SDK says nothing here
        except TimeoutError:
            # The other side does not answer the closing: drop the socket, then let the client stop its tasks.
            await self.client.aiohttp_client_session.close()
            await self.client.close()  # type: ignore[no-untyped-call]
