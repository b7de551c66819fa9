"""The ports on which containers listen, inside and published.

Like Docker's own proxy, the engine listens on a published port itself and passes connections on. So a taken port shows
at the start, and a published port stays open while its program does not listen yet.
"""

from __future__ import annotations

import asyncio
import errno
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress

from bot.playground.engine.errors import EngineRefusal

LOOPBACK = "127.0.0.1"
_BLOCK_BYTES = 64 * 1024
_INNER = range(20_000, 32_000)
"""Below the ports that Linux and macOS give to outgoing connections, so that nobody gets one of them by chance."""

Bindings = Mapping[str, Sequence[Mapping[str, str]] | None]


class Ports:
    """The ports that the processes of one engine listen on; none is given twice. ``published`` are open now."""

    def __init__(self) -> None:
        self.published: set[int] = set()
        self._given: set[int] = set()
        self._known: dict[str, int] = {}
        self._random = random.SystemRandom()

    def give(self, name: str, port: int) -> int:
        """Return a free port of the loopback in place of a container's; for the same name the same one, if it can be.

        So who found a container before it was made anew still finds it, as with Docker's DNS.
        """
        known = self._known.get(f"{name}:{port}", 0)
        if known and known not in self._given and _free(known):
            self._given.add(known)
            return known
        number = self._new()
        self._known[f"{name}:{port}"] = number
        return number

    def _new(self) -> int:
        for _ in range(len(_INNER)):
            port = self._random.choice(_INNER)
            if port not in self._given and _free(port):
                self._given.add(port)
                return port
        raise EngineRefusal(500, "all ports are allocated")

    def take_back(self, port: int) -> None:
        """Free a port, so that it can be given again."""
        self._given.discard(port)


class Published:
    """The published ports of one run. ``shown`` is what inspect calls ``NetworkSettings.Ports``."""

    def __init__(self, ports: Ports) -> None:
        self.shown: dict[str, list[dict[str, str]] | None] = {}
        self._ports = ports
        self._servers: list[tuple[int, asyncio.Server]] = []
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, bindings: Bindings, inner: Mapping[str, int], name: str) -> None:
        """Listen on what ``bindings`` ask for; ``inner`` says where each container port really is.

        Raises ``EngineRefusal`` if a port is taken; nothing is open then.
        """
        self.shown = dict.fromkeys(inner)
        try:
            for port, wanted in bindings.items():
                self.shown[port] = [
                    await self._listen(int(binding.get("HostPort") or 0), inner[port], name) for binding in wanted or ()
                ]
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the ports and every connection through them."""
        self.shown = {}
        for port, server in self._servers:
            server.close()
            self._ports.published.discard(port)
        self._servers.clear()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _listen(self, port: int, inner: int, name: str) -> dict[str, str]:
        async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine runs in a task
            self._connections.add(task)
            try:
                await _pass_on(reader, writer, inner)
            except asyncio.CancelledError:
                # The container was stopped; asyncio would tell the cancelled task to its error handler.
                writer.transport.abort()
            finally:
                self._connections.discard(task)

        failed = f"driver failed programming external connectivity on endpoint {name} ({secrets.token_hex(32)})"
        if port in self._ports.published:
            raise EngineRefusal(500, f"{failed}: Bind for {LOOPBACK}:{port} failed: port is already allocated")
        try:
            server = await asyncio.start_server(passed_on, LOOPBACK, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            why = "address already in use" if error.errno == errno.EADDRINUSE else "permission denied"
            message = f"Error starting userland proxy: listen tcp4 {LOOPBACK}:{port}: bind: {why}"
            raise EngineRefusal(500, f"{failed}: {message}") from error
        got: int = server.sockets[0].getsockname()[1]
        self._servers.append((got, server))
        self._ports.published.add(got)
        return {"HostIp": LOOPBACK, "HostPort": str(got)}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inner: int) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, inner)
    except OSError:
        writer.transport.abort()
        return
    try:
        await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))
    except OSError:
        writer.transport.abort()
    finally:
        inner_writer.transport.abort()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(_BLOCK_BYTES):
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
