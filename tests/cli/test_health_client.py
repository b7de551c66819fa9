"""The question of the container's health check: an answer, or a sentence why there is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from bot.cli import health_client
from bot.errors import AegisError

Answering = Callable[[bytes], int]
HERE = "127.0.0.1"


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Return what opens a port that answers one question with the given bytes."""
    doors: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> int:
        door = socket.create_server((HERE, 0))
        doors.append(door)

        def serve() -> None:
            guest, _ = door.accept()
            with guest:
                guest.recv(10_000)
                guest.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        port: int = door.getsockname()[1]
        return port

    yield start
    for thread in threads:
        thread.join()
    for door in doors:
        door.close()


def trouble(port: int, host: str = HERE) -> str:
    with pytest.raises(AegisError) as caught:
        health_client.ask(host, port)
    return caught.value.sentence


def test_what_health_says_is_returned_whatever_its_status(answering: Answering) -> None:
    body = b'{"status": "degraded", "slack": "not connected"}'
    port = answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 48\r\n\r\n" + body)
    assert health_client.ask(HERE, port) == {"status": "degraded", "slack": "not connected"}


def test_a_bot_that_listens_everywhere_is_asked_here(answering: Answering) -> None:
    port = answering(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"status": "ok"}')
    assert health_client.ask("0.0.0.0", port) == {"status": "ok"}


def test_without_a_port_the_setting_is_named() -> None:
    assert trouble(0) == "The bot serves no /health, because AEGIS_HTTP_PORT is 0. Set AEGIS_HTTP_PORT."


def test_where_nobody_listens_it_is_said() -> None:
    with socket.create_server((HERE, 0)) as door:
        port = door.getsockname()[1]
    assert (
        trouble(port)
        == f"Aegis does not answer at 127.0.0.1:{port}. Start it with aegis run, or correct AEGIS_HTTP_PORT."
    )


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"])
def test_what_is_no_answer_is_no_answer(answering: Answering, answer: bytes) -> None:
    assert "Aegis does not answer at" in trouble(answering(answer))


@pytest.mark.parametrize("body", [b"[1]", b'{"a": 1}', b"null"])
def test_another_programs_answer_is_told_from_ours(answering: Answering, body: bytes) -> None:
    port = answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert "Another program answers" in trouble(port)


def test_a_name_that_leads_nowhere_is_no_answer() -> None:
    assert "Aegis does not answer at" in trouble(9, "no-such-host.invalid")
