"""/health and /metrics: what is wrong is named, a port that cannot be had is told, port 0 opens none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import aiohttp
import pytest

from bot.cli import health_client
from bot.errors import AegisError, StoreUnavailable
from bot.http import health, server
from bot.http.health import HealthCheck
from bot.http.server import Health, HttpServer
from bot.telemetry import ALERTS

HERE = "127.0.0.1"


class Store:
    """A database that works, or does not."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble

    async def check(self) -> str:
        if self.trouble:
            raise StoreUnavailable(self.trouble)
        return "SQLite"


@pytest.fixture
def port() -> int:
    with socket.create_server((HERE, 0)) as one:
        found: int = one.getsockname()[1]
    return found


def well(trouble: str = "", *, connected: bool = True, parts: Sequence[HealthCheck] = ()) -> Health:
    return Health(connected=lambda: connected, store=Store(trouble), parts=parts)


def part(said: str = "", *, vital: bool = True) -> HealthCheck:
    async def ask() -> str:
        return said

    return HealthCheck("engine" if vital else "model", ask, vital)


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{HERE}:{port}{path}") as answer:
        return answer.status, await answer.text()


async def asked(port: int, host: str = HERE) -> dict[str, str]:
    return await asyncio.to_thread(health_client.ask, host, port)


async def test_a_healthy_bot_says_so(port: int) -> None:
    async with HttpServer(HERE, port, well()):
        assert (await get(port, "/health"))[0] == 200
        assert await asked(port) == {"status": "ok", "slack": "ok", "database": "ok"}


async def test_a_bot_without_slack_is_degraded(port: int) -> None:
    async with HttpServer(HERE, port, well(connected=False)):
        assert (await get(port, "/health"))[0] == 503
        assert await asked(port) == {"status": "degraded", "slack": "not connected", "database": "ok"}


async def test_a_bot_without_its_database_is_degraded_and_says_why(port: int) -> None:
    async with HttpServer(HERE, port, well("The disk is full.")):
        assert (await get(port, "/health"))[0] == 503
        assert (await asked(port))["database"] == "The disk is full."


async def test_each_part_is_named_and_one_that_is_not_vital_does_not_make_the_bot_ail(port: int) -> None:
    async with HttpServer(HERE, port, well(parts=(part(), part("It is down.", vital=False)))):
        assert (await get(port, "/health"))[0] == 200
        said = await asked(port)
    assert (said["status"], said["engine"], said["model"]) == ("ok", "ok", "It is down.")


async def test_a_vital_part_that_ails_makes_the_bot_ail(port: int) -> None:
    async with HttpServer(HERE, port, well(parts=(part("The engine is away."),))):
        assert (await get(port, "/health"))[0] == 503
        assert (await asked(port))["engine"] == "The engine is away."


async def test_a_part_that_does_not_answer_is_said_and_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HEALTH_CHECK_TIMEOUT_S", 0.05)

    async def hang() -> str:
        await asyncio.Event().wait()
        return ""

    async with HttpServer(HERE, port, well(parts=(HealthCheck("engine", hang),))):
        assert "no answer within" in (await asked(port))["engine"]


async def test_metrics_are_served_though_the_database_is_away(port: int) -> None:
    async def count() -> None:
        raise StoreUnavailable("The disk is full.")

    async with HttpServer(HERE, port, Health(connected=lambda: True, store=Store(), count=count)):
        assert (await get(port, "/metrics"))[0] == 200


async def test_metrics_are_in_the_form_that_prometheus_reads(port: int) -> None:
    ALERTS.labels("firing").inc()
    async with HttpServer(HERE, port, well()):
        status, text = await get(port, "/metrics")
    assert status == 200
    assert "# TYPE aegis_alerts_total counter" in text
    assert 'aegis_alerts_total{kind="firing"}' in text


async def test_nothing_else_is_served(port: int) -> None:
    async with HttpServer(HERE, port, well()):
        assert (await get(port, "/"))[0] == 404


async def test_a_port_that_is_taken_is_told_with_what_to_do(port: int) -> None:
    async with HttpServer(HERE, port, well()):
        with pytest.raises(AegisError) as caught:
            async with HttpServer(HERE, port, well()):
                pass
    assert caught.value.sentence == (
        f"Port {port} on 127.0.0.1 is taken. Set AEGIS_HTTP_PORT to another one, or to 0 for none."
    )


async def test_an_address_of_another_machine_is_told(port: int) -> None:
    with pytest.raises(AegisError, match="cannot be opened") as caught:
        async with HttpServer("192.0.2.1", port, well()):
            pass
    assert "AEGIS_HTTP_HOST" in caught.value.hint


def test_a_port_that_only_root_may_open_is_told() -> None:
    error = server.closed(HERE, 80, PermissionError(13, "Permission denied"))
    assert error.sentence == "Aegis may not open port 80 on 127.0.0.1. Set AEGIS_HTTP_PORT to one from 1024 on."


async def test_the_port_is_free_again_afterwards(port: int) -> None:
    for _ in range(2):
        async with HttpServer(HERE, port, well()):
            assert (await get(port, "/health"))[0] == 200


async def test_port_0_opens_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_port(*_: object) -> None:
        raise AssertionError("a port was opened")

    monkeypatch.setattr("aiohttp.web.TCPSite.start", no_port)
    async with HttpServer(HERE, 0, well()):
        pass
