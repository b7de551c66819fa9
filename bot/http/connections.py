"""Limits connections to the HTTP server in number and time.

The number is limited for each address too.

A connection waits until a whole request has come, and is answered then. Where there are too many, the one that has
waited longest is closed, since a peer that has something to ask sends it at once. No byte prolongs a deadline.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from bot.telemetry import HTTP_CLOSED, once_a_minute

log = logging.getLogger(__name__)

HEAD_S = 10.0
"""Seconds for a request's head, for the pause between two requests, and for taking an answer."""

WHOLE_S = 60.0
"""Seconds for one request from its head to its answer: a body may take ten, and the database 26."""

ACCEPTED_AT_ONCE = 32
"""Connections that are accepted before other work has its turn."""

BACKLOG = 128
"""Connections that the kernel keeps until they are accepted."""

PAUSE_S = 1.0
"""Seconds for which nothing is accepted while there are no descriptors."""

_NOTHING_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Factory = Callable[[], asyncio.Protocol]


class ClientConnection(asyncio.Protocol):
    """One connection: hands all that happens to the server's own protocol, and ends when its time is over."""

    def __init__(self, inner: asyncio.Protocol, gone: Callable[[ClientConnection], None]) -> None:
        self._inner = inner
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None
        self.answering = False
        self.waits_since = self._loop.time()
        self._asked = False
        self._lost = False

    def begin(self) -> None:
        """Note that a whole head has come; its answer has time until ``WHOLE_S``."""
        self._asked = True
        self._within(WHOLE_S)

    def whole(self) -> None:
        """Note that the body has come too, so that the peer waits for us, and not we for the peer."""
        self.answering = self._asked

    def end(self) -> None:
        """Note that the answer is made; the peer has to take it and to send the next head within ``HEAD_S``."""
        self._asked = self.answering = False
        self.waits_since = self._loop.time()
        self._within(HEAD_S)

    def close(self, why: str) -> None:
        """End the connection at once, whatever is still to be sent."""
        HTTP_CLOSED.labels(why).inc()
        if self.transport is not None:
            self.transport.abort()

    def _within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._lost:
            return
        self._timer = self._loop.call_later(seconds, self.close, "late")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
        self._within(HEAD_S)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._gone(self)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand over what came."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand over that nothing more comes."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Hand over that the peer does not keep up."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand over that the peer keeps up again."""
        self._inner.resume_writing()


class Listener:
    """Accepts at most ``most`` connections at once, and of one address half as many."""

    def __init__(self, factory: Factory, most: int) -> None:
        self._factory = factory
        self._most = most
        self._most_of_a_peer = max(1, most // 2)
        self._sockets: list[socket.socket] = []
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._peers: dict[ClientConnection, str] = {}
        self._joining: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> None:
        """Listen on ``port`` of each address that ``host`` has. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, kind, protocol, _, address in dict.fromkeys(addresses):
                self._sockets.append(_listening(socket.socket(family, kind, protocol), address))
        except OSError:
            self.close()
            raise
        for one in self._sockets:
            loop.add_reader(one, self._accept, one)

    def close(self) -> None:
        """Accept nothing more; connections that stand go on."""
        loop = asyncio.get_running_loop()
        for pause in self._pauses.values():
            pause.cancel()
        self._pauses.clear()
        for one in self._sockets:
            loop.remove_reader(one)
            one.close()
        self._sockets.clear()

    def of(self, transport: asyncio.BaseTransport | None) -> ClientConnection | None:
        """Return the connection of a transport; ``None`` where it has ended."""
        protocol = transport.get_protocol() if isinstance(transport, asyncio.Transport) else None
        return protocol if isinstance(protocol, ClientConnection) else None

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(listening, error)
                return
            if not self._take(accepted, str(address[0])):
                accepted.close()

    def _take(self, accepted: socket.socket, peer: str) -> bool:
        """Take a connection in, in the place of one that waits where there are too many; ``False`` where none does."""
        of_peer = [one for one, its in self._peers.items() if its == peer]
        crowd = of_peer if len(of_peer) >= self._most_of_a_peer else list(self._peers)
        if len(of_peer) >= self._most_of_a_peer or len(self._peers) >= self._most:
            log.warning("too many connections to the HTTP server; the last one is of %s", peer, extra=once_a_minute())
            if not self._close_one(crowd):
                HTTP_CLOSED.labels("refused").inc()
                return False
        accepted.setblocking(False)
        connection = ClientConnection(self._factory(), self._forget)
        self._peers[connection] = peer
        joining = asyncio.create_task(self._join(connection, accepted))
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)
        return True

    async def _join(self, connection: ClientConnection, accepted: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted)
        except OSError as error:
            self._forget(connection)
            accepted.close()
            log.debug("a connection ended before it began: %s", error)

    def _close_one(self, crowd: list[ClientConnection]) -> bool:
        waiting = [one for one in crowd if not one.answering and one.transport is not None]
        if not waiting:
            return False
        longest = min(waiting, key=lambda one: one.waits_since)
        # What is closed holds its descriptor until the loop comes round; it is no longer counted.
        self._forget(longest)
        longest.close("crowded out")
        return True

    def _forget(self, connection: ClientConnection) -> None:
        self._peers.pop(connection, None)

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """Accept nothing for a moment; a socket that is readable all along would take the whole processor."""
        log.warning(
            "no connection is accepted for a moment: %s",
            error.strerror or "the system refused",
            extra=once_a_minute(),
        )
        if error.errno in _NOTHING_LEFT:
            self._close_one(list(self._peers))
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        self._pauses[listening] = loop.call_later(PAUSE_S, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        self._pauses.pop(listening, None)
        asyncio.get_running_loop().add_reader(listening, self._accept, listening)


def _listening(opened: socket.socket, address: tuple[object, ...]) -> socket.socket:
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.setblocking(False)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened
