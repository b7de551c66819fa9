"""Connections to the HTTP server, over real sockets: late ones end, too many are closed, and none takes the log."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.http import connections, server, webhook
from bot.http.server import HttpServer
from bot.http.webhook import Webhook, WebhookConfig
from bot.incidents.api import WebhookRequests
from bot.ports.database import IntakeResult, ReceivedAlert
from bot.telemetry import HTTP_CLOSED, HTTP_MALFORMED
from tests.http.test_server import HERE, well
from tests.http.test_webhook import TOKEN, free_port

SHORT_S = 0.15
GUARD_S = 10.0

HALF = b"GET /health HTTP/1.1\r\nHost: aegis\r\n"
WHOLE = HALF + b"\r\n"
TO_WEBHOOK = f"POST /webhook/plain HTTP/1.1\r\nHost: aegis\r\nAuthorization: Bearer {TOKEN}\r\n".encode()


class Nobody(WebhookRequests):
    """Takes nothing in."""

    async def receive(self, received: ReceivedAlert) -> bool:
        raise AssertionError(received)

    async def begin(self, received: ReceivedAlert) -> IntakeResult:
        raise AssertionError(received)


def door() -> Webhook:
    def start(work: Coroutine[Any, Any, None], about: str) -> object:
        raise AssertionError(about)

    return Webhook(
        WebhookConfig(TOKEN, "C0ALERTS", Nobody(), start, redact=lambda text: text, clock=lambda: datetime.now(UTC))  # type: ignore[abstract]
    )


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", SHORT_S)
    monkeypatch.setattr(webhook, "BODY_S", SHORT_S)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(server, "most_connections", lambda: 6)
    return 3


@asynccontextmanager
async def served(*more: web.RouteDef) -> AsyncIterator[int]:
    port = free_port()
    async with HttpServer(HERE, port, well(), [*door().routes, *more]):
        yield port


async def sent(port: int, content: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HERE, port)
    writer.write(content)
    return reader, writer


async def to_the_end(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the server ends the connection."""
    came = b""
    async with asyncio.timeout(GUARD_S):
        try:
            while more := await reader.read(65_536):
                came += more
        except ConnectionError:
            pass
    return came


async def dripping(port: int, first: bytes, drop: bytes) -> bytes:
    """Send a drop again and again until the server ends the connection; return what it said."""
    reader, writer = await sent(port, first)
    reading = asyncio.create_task(to_the_end(reader))
    while not reading.done():
        writer.write(drop)
        await asyncio.sleep(SHORT_S / 10)
    writer.close()
    return await reading


async def status(port: int, path: str = "/health") -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://{HERE}:{port}{path}") as answer:
        return answer.status


@pytest.mark.parametrize("half", [b"", b"G", HALF], ids=["nothing", "a letter", "half a head"])
async def test_a_connection_without_a_whole_head_ends(short: None, half: bytes) -> None:
    async with served() as port:
        reader, writer = await sent(port, half)
        assert await to_the_end(reader) == b""
        writer.close()


async def test_a_head_that_drips_ends_too(short: None) -> None:
    async with served() as port:
        assert await dripping(port, HALF, b"X-Drop: 1\r\n") == b""


async def test_the_second_request_of_a_connection_has_the_same_time(short: None) -> None:
    async with served() as port:
        assert (await dripping(port, WHOLE + HALF, b"X-Drop: 1\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("length", [b"Content-Length: 900000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_that_drips_is_answered_that_it_is_late(short: None, length: bytes) -> None:
    drop = b"1\r\n{\r\n" if b"chunked" in length else b"{"
    async with served() as port:
        assert (await dripping(port, TO_WEBHOOK + length, drop)).startswith(b"HTTP/1.1 408")


async def test_a_body_that_nobody_wants_does_not_hold_the_connection(short: None) -> None:
    async with served() as port:
        said = await dripping(port, HALF + b"Content-Length: 900000\r\n\r\n", b"{")
    assert said.startswith(b"HTTP/1.1 200")


async def test_a_peer_that_takes_no_answer_is_not_waited_for(short: None) -> None:
    async def much(_: web.Request) -> web.Response:
        return web.Response(body=bytes(20_000_000))

    before = HTTP_CLOSED.labels("late")._value.get()
    async with served(web.get("/much", much)) as port:
        with socket.create_connection((HERE, port)) as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.sendall(WHOLE.replace(b"/health", b"/much"))
            async with asyncio.timeout(GUARD_S):
                while HTTP_CLOSED.labels("late")._value.get() == before:  # noqa: ASYNC110 - the peer sees nothing
                    await asyncio.sleep(0.01)


async def test_an_answer_that_takes_longer_than_a_head_may_is_given(short: None) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(SHORT_S * 3)
        return web.Response(text="done")

    async with served(web.get("/slow", slow)) as port:
        assert await status(port, "/slow") == 200


async def test_beyond_its_share_the_connection_that_waits_longest_is_closed(few: int) -> None:
    async with served() as port:
        held = [await sent(port, HALF) for _ in range(few)]
        assert await status(port) == 200
        assert await to_the_end(held[0][0]) == b""
        for _, writer in held[1:]:
            writer.write(b"\r\n")
        for reader, _ in held[1:]:
            async with asyncio.timeout(GUARD_S):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()


async def test_no_answer_under_way_is_given_up_for_a_newcomer(few: int) -> None:
    go, asked = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_: web.Request) -> web.Response:
        asked.release()
        await go.wait()
        return web.Response(text="done")

    async with served(web.get("/slow", slow)) as port:
        held = [await sent(port, WHOLE.replace(b"/health", b"/slow")) for _ in range(few)]
        for _ in held:
            await asyncio.wait_for(asked.acquire(), GUARD_S)
        newcomer, writer = await sent(port, WHOLE)
        assert await to_the_end(newcomer) == b""
        writer.close()
        go.set()
        for reader, writer in held:
            async with asyncio.timeout(GUARD_S):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_one_address_leaves_room_for_others(few: int) -> None:
    async with served() as port:
        held = [await sent(port, HALF) for _ in range(20)]
        reader, writer = await asyncio.open_connection(HERE, port, local_addr=("127.0.0.2", 0))
        writer.write(HALF)
        for _ in range(20):
            assert await status(port) == 200
        writer.write(b"\r\n")
        async with asyncio.timeout(GUARD_S):
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for one in (writer, *(writer for _, writer in held)):
            one.close()


async def test_without_descriptors_nothing_is_accepted_for_a_moment_and_one_that_waits_is_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "PAUSE_S", 0.05)
    failed = 0
    accept = socket.socket.accept

    def full(self: socket.socket) -> tuple[socket.socket, Any]:
        nonlocal failed
        if failed < 3:
            failed += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    async with served() as port:
        reader, writer = await sent(port, HALF)
        assert await status(port) == 200
        monkeypatch.setattr(socket.socket, "accept", full)
        assert await status(port) == 200
        assert await to_the_end(reader) == b""
        writer.close()
    assert failed == 3
    assert [one.exc_info for one in caplog.records if "no connection is accepted" in one.message] == [None] * 3


@pytest.mark.parametrize(
    "content",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\nno colon\r\n\r\n",
        TO_WEBHOOK + b"Transfer-Encoding: chunked\r\n\r\nno length\r\n",
        TO_WEBHOOK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
    ],
    ids=["TLS", "version", "length", "long", "header", "chunk", "gzip"],
)
async def test_what_is_no_http_is_counted_and_no_traceback(
    short: None, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    before = HTTP_MALFORMED._value.get()
    with caplog.at_level(logging.INFO):
        async with served() as port:
            reader, writer = await sent(port, content)
            assert (await to_the_end(reader)).split(maxsplit=2)[1].startswith(b"4")
            writer.close()
            assert await status(port) == 200
    assert [one.message for one in caplog.records] == []
    assert HTTP_MALFORMED._value.get() > before


async def test_a_fault_of_ours_is_an_error_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise ValueError("ours")

    async with served(web.get("/broken", broken)) as port:
        assert await status(port, "/broken") == 500
    assert [one.exc_info is not None for one in caplog.records if one.levelno == logging.ERROR] == [True]


async def test_a_server_that_ends_leaves_no_connection(few: int) -> None:
    async with served() as port:
        reader, writer = await sent(port, HALF)
        assert await status(port) == 200
    assert await to_the_end(reader) == b""
    writer.close()
