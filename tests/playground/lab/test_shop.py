"""The demo's services as processes of this machine: well at first, and broken as programs are."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from bot.playground.lab.services import SHOP
from tests.support.docker_engine import wait_until

pytestmark = pytest.mark.slow


class Run:
    """One service that runs; ``log`` holds its lines so far."""

    def __init__(self, role: str, port: int, **environment: str) -> None:
        self.role, self.port = role, port
        self.environment = {"PATH": os.environ["PATH"], "PORT": str(port), **environment}
        self.log: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(SHOP), role],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))

    def said(self, words: str) -> int:
        return sum(words in line for line in self.log)

    def tells(self, words: str, times: int = 1) -> bool:
        """Wait until the log holds the words so many times: it is read a moment after it is written."""
        wait_until(lambda: self.said(words) >= times, 10, f"{words!r} {times} times in {self.log}")
        return self.said(words) == times

    def ready(self) -> Run:
        wait_until(lambda: self.said("ready to accept connections"), 20, f"{self.role} is ready")
        return self

    def get(self, path: str, seconds: float = 10) -> int:
        """Ask for a page; 0 where no answer comes in time."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=seconds, trust_env=False).status_code
        except httpx.TimeoutException:
            return 0

    def check(self) -> int:
        return subprocess.run(
            [sys.executable, str(SHOP), "check", self.role], env=self.environment, check=False, capture_output=True
        ).returncode

    def end(self, *, kill: bool = False) -> int:
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(20)
        self._reader.join(20)
        return code


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Shop:
    """Starts services that know of one another; all end with the test."""

    def __init__(self) -> None:
        self.ports = {"db": free_port(), "api": free_port(), "web": free_port()}
        self.runs: list[Run] = []

    def run(self, role: str, **environment: str) -> Run:
        hosts = f"orders-db:5432=127.0.0.1:{self.ports['db']},buggy-app-v2:8080=127.0.0.1:{self.ports['api']}"
        run = Run(role, self.ports[role], SHOP_HOSTS=hosts, **environment)
        self.runs.append(run)
        return run


@contextmanager
def shop_of(*roles: str) -> Iterator[Shop]:
    shop = Shop()
    try:
        for role in roles:
            shop.run(role).ready()
        yield shop
    finally:
        for run in shop.runs:
            run.end(kill=True)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with shop_of("db", "api") as shop:
        yield shop


@pytest.fixture
def api(shop: Shop) -> Run:
    return shop.runs[1]


def exhaust(api: Run) -> list[int]:
    with ThreadPoolExecutor(20) as together:
        return list(together.map(api.get, ["/reports/daily?day=2026-02-30"] * 20))


def test_it_is_well_and_logs_its_requests(api):
    assert api.get("/health") == 200
    assert api.get("/orders") == 200
    assert api.get("/reports/daily?day=2026-02-28") == 200
    assert api.get("/nowhere") == 404
    assert api.tells('"GET /nowhere HTTP/1.1" 404')
    assert api.check() == 0


def test_failing_reports_empty_the_pool_for_good_and_a_new_process_is_well(shop, api):
    answers = exhaust(api)
    assert sorted(set(answers)) == [500, 503]
    assert answers.count(500) == 5
    assert api.get("/health") == 503
    assert api.check() == 1
    assert api.tells("QueuePool limit of size 5 overflow 0 reached, connection timed out, timeout 1.00", 17)
    assert api.tells("ValueError: day is out of range for month", 5)
    assert api.end() == 0
    assert shop.run("api").ready().get("/health") == 200


def test_a_burst_of_good_reports_leaves_the_pool_whole(api):
    with ThreadPoolExecutor(20) as together:
        answers = list(together.map(api.get, ["/reports/daily?day=2026-02-28"] * 20))
    assert set(answers) == {200}
    assert api.said("QueuePool") == 0


def test_two_moves_against_each_other_stop_every_answer_and_nothing_is_logged(shop, api):
    with ThreadPoolExecutor(2) as together:
        moved = list(
            together.map(lambda path: api.get(path, 1), ["/stock/move?from=A&to=B", "/stock/move?from=B&to=A"])
        )
    assert moved == [0, 0]
    lines = len(api.log)
    assert api.get("/health", 0.5) == 0
    assert api.get("/orders", 0.5) == 0
    assert len(api.log) == lines
    assert api.end() == 0
    assert shop.run("api").ready().get("/health") == 200


def test_one_move_alone_comes_to_its_end(api):
    assert api.get("/stock/move?from=A&to=B") == 200
    assert api.get("/health") == 200


def test_searches_are_kept_in_memory_and_never_forgotten(api):
    process = psutil.Process(api.process.pid)
    before = process.memory_info().rss
    for number in range(30):
        assert api.get(f"/search?q=item-{number}") == 200
    assert process.memory_info().rss - before > 25_000_000
    assert api.tells("30 search results cached")


def test_exports_hold_connections_and_give_them_back(api):
    with ThreadPoolExecutor(6) as together:
        exports = [together.submit(api.get, "/reports/export?rows=20000") for _ in range(6)]
        wait_until(lambda: api.said("QueuePool"), 10, "one export waited in vain")
    assert sorted(export.result() for export in exports) == [200, 200, 200, 200, 200, 503]
    assert api.get("/health") == 200


def test_a_setting_that_is_no_number_ends_it_at_once_with_a_reason(shop):
    run = shop.run("web", POOL_TIMEOUT="30s")
    assert run.ready().end() == 0
    failed = Run("api", free_port(), POOL_TIMEOUT="30s")
    assert failed.process.wait(20) == 1
    failed.end(kill=True)
    assert failed.tells("CRITICAL [main] invalid configuration: POOL_TIMEOUT must be a number, not '30s'")
    assert failed.said("Traceback")


def test_without_its_database_it_answers_503_and_says_why_and_heals_when_it_is_back(shop, api):
    assert api.get("/health") == 200
    shop.runs[0].end(kill=True)
    assert api.get("/health") == 503
    assert api.get("/health") == 503
    assert api.tells("[db] server closed the connection unexpectedly")
    assert api.tells('[db] connection to server at "orders-db", port 5432 failed: Connection refused')
    shop.run("db").ready()
    assert api.get("/health") == 200


def test_the_shop_front_stays_up_without_the_api_and_says_so():
    with shop_of("web") as shop:
        web = shop.runs[0]
        wait_until(lambda: web.said("WARNING"), 10, "it noticed")
        assert web.get("/health") == 200
        assert web.get("/") == 200
        assert web.check() == 0
        assert web.said("GET http://buggy-app-v2:8080/orders:")


def test_the_database_is_checked_by_a_statement(shop):
    assert shop.runs[0].check() == 0


def test_asked_to_end_it_says_so_and_ends_with_0(shop, api):
    assert api.end() == 0
    assert api.log[-1].endswith("received SIGTERM, shutting down")
    assert shop.runs[0].end() == 0
