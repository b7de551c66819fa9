"""Socket Mode: tickets, connections, envelopes, acknowledgements and redelivery.

Each envelope goes to one connection.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import uuid
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.playground.slack.faults import Fault, Faults
from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.clock import within
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.workspace_state import WorkspaceState

MOST_CONNECTIONS = 10
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Connection:
    """One open socket. A ``deaf`` one takes frames and answers nothing, like a half-open TCP connection."""

    number: int
    socket: web.WebSocketResponse
    request: web.Request
    deaf: bool = False

    async def send(self, frame: Json) -> bool:
        """Send a frame; ``False`` where the connection is gone."""
        if self.deaf:
            return True
        if self.socket.closed:
            return False
        try:
            await self.socket.send_str(json.dumps(frame))
        except ConnectionError:
            return False
        return True

    def cut(self) -> None:
        """Break the TCP connection without a goodbye."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(slots=True, eq=False)
class Delivery:
    """One attempt to bring one payload to the bot. ``connection`` is ``None`` if no socket was open."""

    envelope_id: str
    type: str
    payload: Json
    attempt: int
    connection: int | None
    at: float
    acknowledged: bool = False
    answer: Json | None = None
    error: str = ""
    arrived: asyncio.Future[Json | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SocketMode:
    """All sockets of the app. ``deliveries`` keeps every attempt in order."""

    def __init__(self, state: WorkspaceState, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._tickets: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, Delivery] = {}
        self.connections: list[Connection] = []
        self.deliveries: list[Delivery] = []
        self.enabled = True

    def ticket_url(self) -> str:
        """Return an address that opens one connection once."""
        if not self.enabled:
            raise MethodError("socket_mode_not_enabled")
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = self._state.clock.now()
        base = self._state.url.replace("http", "ws", 1)
        return f"{base}/link/?ticket={ticket}&app_id={self._state.seed.bot.app_id}"

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection; 409 for a ticket that is unknown, used or old."""
        fault = self._faults.take("socket")
        if fault is not None:
            return self._refuse(request, fault)
        issued = self._tickets.pop(request.query.get("ticket", ""), None)
        if issued is None or self._state.clock.now() - issued > self._state.pace.ticket:
            return web.Response(status=409)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(next(self._numbers), socket, request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await connection.send(self._goodbye("too_many_websockets"))
            await socket.close()
            return socket
        self.connections.append(connection)
        try:
            await connection.send(self._hello())
            self._state.notify("connection", connection)
            await self._listen(connection)
        finally:
            self.connections.remove(connection)
            self._state.notify("connection", connection)
        return socket

    def _refuse(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.after_effect:
            self._tickets.pop(request.query.get("ticket", ""), None)
        if fault.reset and request.transport is not None:
            request.transport.abort()
        return web.Response(status=fault.status if fault.status != 200 else 503)

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if connection.deaf:
                continue
            if frame.type is WSMsgType.PING:
                await connection.socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self._acknowledge(str(frame.data))

    def _acknowledge(self, text: str) -> None:
        try:
            frame = json.loads(text)
            name, answer = str(frame["envelope_id"]), frame.get("payload")
        except (ValueError, KeyError, TypeError):
            _log.warning("A frame that is no acknowledgement was ignored: %.200s", text)
            return
        delivery = self._waiting.pop(name, None)
        if delivery is None or delivery.arrived.done():
            return
        delivery.acknowledged = True
        delivery.answer = answer if isinstance(answer, dict) else None
        delivery.arrived.set_result(delivery.answer)
        self._state.notify("acknowledged", delivery)

    async def deliver(self, kind: str, payload: Json, attempt: int = 0) -> Delivery:
        """Send one envelope to one connection and wait for its acknowledgement as long as Slack does.

        ``error`` of what is returned: ``dispatch_failed`` where no socket was open, ``operation_timeout`` where no
        acknowledgement came in time.
        """
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        delivery = Delivery(envelope["envelope_id"], kind, payload, attempt, None, self._state.clock.now())
        self.deliveries.append(delivery)
        self._waiting[delivery.envelope_id] = delivery
        for connection in self._in_turn():
            delivery.connection = connection.number
            if await connection.send(envelope):
                break
            delivery.connection = None
        self._state.notify("delivery", delivery)
        if delivery.connection is None:
            delivery.error = "dispatch_failed"
        elif not delivery.acknowledged:
            await within(self._state.clock, self._state.pace.acknowledge, delivery.arrived)
            delivery.error = "" if delivery.acknowledged else "operation_timeout"
        self._waiting.pop(delivery.envelope_id, None)
        return delivery

    def announce(self, event: Json) -> None:
        """Deliver an event in the background, again and again as Slack does until it is acknowledged."""
        task = asyncio.get_running_loop().create_task(self._announce(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return when every event so far was acknowledged, or given up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _announce(self, event: Json) -> None:
        payload = self._callback(event)
        for attempt, delay in enumerate((0.0, *self._state.pace.retries)):
            await self._state.clock.sleep(delay)
            delivery = await self.deliver("events_api", payload, attempt)
            if delivery.acknowledged:
                return

    def _callback(self, event: Json) -> Json:
        seed = self._state.seed
        authorization = {
            "enterprise_id": None,
            "team_id": seed.team,
            "user_id": seed.bot.user,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "verification-token",
            "team_id": seed.team,
            "context_team_id": seed.team,
            "context_enterprise_id": None,
            "api_app_id": seed.bot.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):010}",
            "event_time": int(self._state.clock.now()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": secrets.token_hex(8),
        }

    async def disconnect(self, reason: str, *, close: bool = False) -> None:
        """Send a disconnect frame on every connection; ``link_disabled`` switches Socket Mode off as well."""
        if reason == "link_disabled":
            self.enabled = False
        for connection in list(self.connections):
            await connection.send(self._goodbye(reason))
            if close or reason == "link_disabled":
                await connection.socket.close()

    def cut(self) -> None:
        """Break every connection without a goodbye."""
        for connection in list(self.connections):
            connection.cut()

    async def stop(self) -> None:
        """Close everything and forget what was to be delivered."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.cut()

    def _in_turn(self) -> list[Connection]:
        """Give the open connections, another one first each time."""
        if not self.connections:
            return []
        first = next(self._turn) % len(self.connections)
        return [*self.connections[first:], *self.connections[:first]]

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "applink-playground", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._state.seed.bot.app_id},
        }

    def _goodbye(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-playground"}}
