"""Streams a long answer of the engine over HTTP/1.0.

It uses the engine's own socket.

To HTTP/1.1 the engine sends each log line as a chunk of its own, and taking the chunks apart takes longer than reading
the lines. Only for addresses without TLS; the others go through docker-py's connection.
"""

from __future__ import annotations

import http.client
import queue
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode, urlsplit

from bot.adapters.docker.errors import refused

BLOCK_BYTES = 256 * 1024
MOST_BLOCKS_AHEAD = 64
"""Blocks that may be read before they are digested; the engine's socket holds little, and would make it wait."""
_UNIX = "unix://"


class EngineConnection(http.client.HTTPConnection):
    """A connection to the engine at ``address``, for one question; ``silence`` is the seconds without a byte."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"

    def __init__(self, address: str, silence: float) -> None:
        parts = urlsplit(address)
        super().__init__(parts.hostname or "localhost", parts.port or 2375, timeout=silence)
        self._path = address.removeprefix(_UNIX) if address.startswith(_UNIX) else ""

    def connect(self) -> None:
        """Connect to the socket's file, or over TCP."""
        if not self._path:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def direct(address: str, *, tls: bool) -> bool:
    """Return True if the engine at ``address`` can be read like this."""
    if address.startswith(_UNIX):
        return True
    return not tls and address.startswith(("tcp://", "http://"))


def blocks(address: str, path: str, params: Mapping[str, str | int], silence: float) -> Iterator[bytes]:
    """Yield the body of a GET. Raises ``EngineError`` for an error status, and what sockets raise."""
    connection = EngineConnection(address, silence)
    try:
        connection.request("GET", f"{path}?{urlencode(params)}")
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise refused(response.status, response.read(BLOCK_BYTES), address)
        while block := response.read1(BLOCK_BYTES):
            yield block
    finally:
        connection.close()


class _Ahead:
    """A thread that reads blocks into a queue, until it has them all or nobody wants them any longer."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(MOST_BLOCKS_AHEAD)
        self.given_up = threading.Event()

    def read(self) -> None:
        held = bytearray()
        last: BaseException | None = None
        try:
            for block in self._blocks:
                held += block
                if len(held) >= BLOCK_BYTES or self.waiting.empty():
                    self._hand_over(bytes(held))
                    held.clear()
                if self.given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 it is raised again where the blocks are used
            last = error
        self._hand_over(bytes(held))
        self._hand_over(last)

    def _hand_over(self, what: bytes | BaseException | None) -> None:
        while not self.given_up.is_set():
            try:
                self.waiting.put(what, timeout=1)
            except queue.Full:
                continue
            return


def read_ahead(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``blocks``, put together to bigger ones, while a thread of its own goes on reading."""
    ahead = _Ahead(blocks)
    threading.Thread(target=ahead.read, name="aegis-engine-log", daemon=True).start()
    try:
        while (block := ahead.waiting.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        ahead.given_up.set()
