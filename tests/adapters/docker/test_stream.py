"""Reading a long answer of the engine: over its own socket, and ahead of whoever digests it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.docker import stream
from bot.adapters.docker.stream import BLOCK_BYTES, blocks, direct, read_ahead
from bot.errors import EngineDenied


class Socket:
    """An engine that answers one question with the bytes given, and remembers what it was asked."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        self.address = f"unix://{folder}/engine.sock"
        self.asked = b""
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(f"{folder}/engine.sock")
        self._listening.listen()
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            self.asked = connection.recv(4096)
            connection.sendall(self._answer)


def test_the_body_comes_as_it_is(tmp_path: Path) -> None:
    body = bytes(range(256)) * 5_000
    engine = Socket(tmp_path, b"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n" + body)
    assert b"".join(blocks(engine.address, "/v1.41/logs", {"tail": "all", "stdout": 1}, 5)) == body
    assert engine.asked.startswith(b"GET /v1.41/logs?tail=all&stdout=1 HTTP/1.0\r\n")


def test_a_refusal_is_one_of_ours(tmp_path: Path) -> None:
    body = b'{"message": "configured logging driver does not support reading"}'
    engine = Socket(tmp_path, b"HTTP/1.0 501 Not Implemented\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with pytest.raises(EngineDenied) as refused:
        list(blocks(engine.address, "/logs", {}, 5))
    assert refused.value.detail == "configured logging driver does not support reading"


def test_silence_is_a_time_out(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(f"{tmp_path}/silent.sock")
    listening.listen()
    with listening, pytest.raises(TimeoutError):
        list(blocks(f"unix://{tmp_path}/silent.sock", "/logs", {}, 0.05))


def test_only_addresses_without_tls_are_read_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    assert direct("unix:///var/run/docker.sock", tls=False)
    assert direct("tcp://10.0.0.5:2375", tls=False)
    assert not direct("tcp://10.0.0.5:2376", tls=True)
    assert not direct("ssh://root@shop", tls=False)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert direct("tcp://10.0.0.5:2375", tls=False)


def test_what_is_read_ahead_is_all_of_it_in_its_order() -> None:
    given = [bytes([n % 256]) * (n % 7 * 10_000) for n in range(200)]
    assert b"".join(read_ahead(given)) == b"".join(given)


def test_a_failure_comes_after_what_was_read_before_it() -> None:
    def breaks() -> Iterator[bytes]:
        yield b"one"
        raise TimeoutError

    reading = read_ahead(breaks())
    assert next(reading) == b"one"
    with pytest.raises(TimeoutError):
        list(reading)


def test_nobody_reads_on_once_enough_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_BLOCKS_AHEAD", 2)
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * BLOCK_BYTES
        finally:
            ended.set()

    reading = read_ahead(endless())
    next(reading)
    reading.close()  # type: ignore[attr-defined]  # it is a generator
    assert ended.wait(10)
