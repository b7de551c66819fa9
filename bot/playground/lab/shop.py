"""The demo's services: ``python shop.py api|db|web``, standard library only.

``api`` is the orders API with a bounded pool of connections to ``db``; ``web`` is the shop front that calls it.
``check api|db|web`` is the health check of each. Four faults are built into the API, as real programs have them: a
report that fails keeps its connection, a cache that never forgets, two locks taken in either order, exports that are
slow. Nothing breaks until somebody asks for it.

Environment: ``PORT`` (then it listens on loopback only), ``SHOP_HOSTS`` (``name:port=host:port,…`` where names do not
resolve), ``SHOP_VERSION``, ``ORDERS_DB``, ``ORDERS_API``, ``POOL_SIZE``, ``POOL_TIMEOUT`` (seconds).
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import FrameType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

PORTS = {"api": 8080, "db": 5432, "web": 8080}
RESULT_BYTES = 1024 * 1024
"""Bytes of one cached search result."""
ROWS_A_SECOND = 10_000
REFRESH_INTERVAL_S = 3.0
"""Seconds between two times that the shop front asks for the newest orders."""

log = logging.getLogger("main")


def address(name: str) -> tuple[str, int]:
    """Return host and port behind ``host:port``, by ``SHOP_HOSTS`` where it is listed there."""
    listed = (pair.partition("=") for pair in os.environ.get("SHOP_HOSTS", "").split(","))
    host, _, port = {known: where for known, _, where in listed}.get(name, name).rpartition(":")
    return host, int(port)


# -- db ---------------------------------------------------------------------------------------------------------------


class Statements(StreamRequestHandler):
    """One client of the database: a line asks, a line of JSON answers."""

    def handle(self) -> None:
        """Answer statements until the client goes."""
        log.info("connection received: host=%s port=%s", *self.client_address[:2])
        for line in self.rfile:
            statement = line.decode().strip()
            begun = time.monotonic()
            rows = re.fullmatch(r"COPY orders LIMIT (\d+)", statement)
            if rows:
                time.sleep(int(rows[1]) / ROWS_A_SECOND)
            result = (
                [{"id": 1041, "total": "18.40"}, {"id": 1042, "total": "7.15"}] if "FROM orders" in statement else 1
            )
            took = (time.monotonic() - begun) * 1000
            if took > 1000:
                log.info("duration: %.3f ms  statement: %s", took, statement)
            self.wfile.write(f"{json.dumps(result)}\n".encode())


# -- api --------------------------------------------------------------------------------------------------------------


class PoolExhausted(Exception):
    """No connection came back in time."""


class DatabaseConnection:
    """A connection to the database. Raises ``OSError`` if there is none."""

    def __init__(self, name: str) -> None:
        host, port = name.rsplit(":", 1)
        try:
            self._socket = socket.create_connection(address(name), 3)
        except socket.gaierror as error:
            raise ConnectionError(f'could not translate host name "{host}" to address: {error.strerror}') from error
        except OSError as error:
            raise ConnectionError(
                f'connection to server at "{host}", port {port} failed: {error.strerror or error}'
            ) from error
        self._socket.settimeout(60)
        self._answers = self._socket.makefile("rb")

    def ask(self, statement: str) -> Any:  # noqa: ANN401 - whatever the statement gives
        """Send a statement and return what it gives."""
        self._socket.sendall(f"{statement}\n".encode())
        answer = self._answers.readline()
        if not answer:
            raise ConnectionError("server closed the connection unexpectedly")
        return json.loads(answer)


class Pool:
    """At most ``size`` connections; a request for another waits ``timeout`` seconds."""

    def __init__(self, name: str, size: int, timeout: float) -> None:
        self._name, self._size, self._timeout = name, size, timeout
        self._room = threading.Semaphore(size)
        self._idle: list[DatabaseConnection] = []
        self._lent: set[DatabaseConnection] = set()

    def take(self) -> DatabaseConnection:
        """Lend a connection; it must be given back."""
        if not self._room.acquire(timeout=self._timeout):
            raise PoolExhausted(
                f"QueuePool limit of size {self._size} overflow 0 reached, connection timed out, "
                f"timeout {self._timeout:.2f}"
            )
        try:
            connection = self._idle.pop() if self._idle else DatabaseConnection(self._name)
        except OSError:
            self._room.release()
            raise
        self._lent.add(connection)
        return connection

    def give(self, connection: DatabaseConnection, *, broken: bool = False) -> None:
        """Take a connection back; after a broken one, those that lie idle are not trusted either."""
        self._lent.discard(connection)
        if broken:
            self._idle.clear()
        else:
            self._idle.append(connection)
        self._room.release()

    @contextmanager
    def connection(self) -> Iterator[DatabaseConnection]:
        """Lend a connection for a block."""
        connection = self.take()
        broken = True
        try:
            yield connection
            broken = False
        finally:
            self.give(connection, broken=broken)


class OrdersApi:
    """The orders API. Raises ``ValueError`` for settings that it cannot use."""

    def __init__(self) -> None:
        database = os.environ.get("ORDERS_DB", "orders-db:5432")
        size, timeout = int(_number("POOL_SIZE", "5")), _number("POOL_TIMEOUT", "1.0")
        self._pool = Pool(database, size, timeout)
        self._found: dict[str, bytes] = {}
        self._shelves = {"A": threading.Lock(), "B": threading.Lock()}
        self._stock = {"A": 12, "B": 7}
        log.info("database %s, pool of %s connections, %.2f s to wait for one", database, size, timeout)

    def __call__(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Answer one request."""
        routes: dict[str, Callable[[dict[str, str]], Any]] = {
            "/health": self._health,
            "/orders": self._orders,
            "/reports/daily": self._daily,
            "/reports/export": self._export,
            "/search": self._search,
            "/stock/move": self._move,
        }
        if path not in routes:
            return 404, {"error": "not found"}
        try:
            return 200, routes[path](query)
        except PoolExhausted as error:
            logging.getLogger("pool").error("%s", error)  # noqa: TRY400 - its trace tells nothing
            return 503, {"error": "no database connection"}
        except OSError as error:
            logging.getLogger("db").error("%s", error)  # noqa: TRY400 - its trace tells nothing
            return 503, {"error": "database unavailable"}
        except (ValueError, KeyError):
            log.exception("unhandled error in %s", path)
            return 500, {"error": "internal error"}

    def _in_stock(self) -> int:
        with self._shelves["A"], self._shelves["B"]:
            return sum(self._stock.values())

    def _health(self, _query: dict[str, str]) -> dict[str, Any]:
        stock = self._in_stock()
        with self._pool.connection() as connection:
            connection.ask("SELECT 1")
        return {"status": "ok", "stock": stock}

    def _orders(self, _query: dict[str, str]) -> list[Any]:
        stock = self._in_stock()
        with self._pool.connection() as connection:
            return [{**order, "stock": stock} for order in connection.ask("SELECT id, total FROM orders")]

    def _daily(self, query: dict[str, str]) -> dict[str, Any]:
        connection = self._pool.take()
        day = date.fromisoformat(query["day"])
        orders = connection.ask("SELECT id, total FROM orders")
        self._pool.give(connection)
        return {"day": str(day), "orders": len(orders)}

    def _export(self, query: dict[str, str]) -> dict[str, int]:
        with self._pool.connection() as connection:
            connection.ask(f"COPY orders LIMIT {int(query['rows'])}")
        return {"rows": int(query["rows"])}

    def _search(self, query: dict[str, str]) -> dict[str, int]:
        self._found.setdefault(query["q"], b"." * RESULT_BYTES)
        if len(self._found) % 10 == 0:
            size = len(self._found) * RESULT_BYTES / 1_000_000
            logging.getLogger("cache").info("%s search results cached, %.1f MB", len(self._found), size)
        return {"results": 0}

    def _move(self, query: dict[str, str]) -> dict[str, int]:
        source, goal = query["from"], query["to"]
        with self._shelves[source]:
            with self._pool.connection() as connection:
                connection.ask("COPY orders LIMIT 3000")
            with self._shelves[goal]:
                self._stock[source] -= 1
                self._stock[goal] += 1
                return self._stock.copy()


def _number(name: str, otherwise: str) -> float:
    value = os.environ.get(name, otherwise)
    try:
        return float(value)
    except ValueError as error:
        raise ValueError(f"invalid configuration: {name} must be a number, not {value!r}") from error


# -- web --------------------------------------------------------------------------------------------------------------


class Web:
    """The shop front: it shows the newest orders, or a page without them."""

    def __init__(self) -> None:
        self._api = os.environ.get("ORDERS_API", "buggy-app-v2:8080")
        self._orders: list[Any] = []
        self._degraded = False
        threading.Thread(target=self._refresh, daemon=True).start()

    def __call__(self, path: str, _query: dict[str, str]) -> tuple[int, Any]:
        """Answer one request."""
        if path == "/health":
            return 200, {"status": "degraded" if self._degraded else "ok"}
        return (200, {"orders": self._orders, "degraded": self._degraded}) if path == "/" else (404, {})

    def _refresh(self) -> None:
        while True:
            trouble = self._ask()
            if trouble:
                log.warning("GET http://%s/orders: %s; the page is shown without new orders", self._api, trouble)
            elif self._degraded:
                log.info("GET http://%s/orders: 200; the page is complete again", self._api)
            self._degraded = bool(trouble)
            time.sleep(REFRESH_INTERVAL_S)

    def _ask(self) -> str:
        """Get the newest orders; return what went wrong, or nothing."""
        try:
            call = HTTPConnection(*address(self._api), timeout=2)
            call.request("GET", "/orders")
            answer = call.getresponse()
            body = answer.read()
            call.close()
        except (OSError, HTTPException) as error:
            return str(error) or type(error).__name__
        if answer.status != 200:
            return f"status {answer.status}"
        self._orders = json.loads(body)
        return ""


# -- all --------------------------------------------------------------------------------------------------------------

Answer = Callable[[str, dict[str, str]], tuple[int, Any]]
APPS: dict[str, Callable[[], Answer]] = {"api": OrdersApi, "web": Web}


class Server(ThreadingTCPServer):
    """A thread for each connection; they do not hold up the end."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, role: str, handler: type[StreamRequestHandler], answer: Answer | None = None) -> None:
        self.answer = answer
        port = os.environ.get("PORT")
        super().__init__(("127.0.0.1" if port else "", int(port or PORTS[role])), handler)


class Requests(BaseHTTPRequestHandler):
    """One HTTP request, with its line in the log when it was answered."""

    def do_GET(self) -> None:
        """Answer."""
        begun = time.monotonic()
        parts = urlsplit(self.path)
        answer = cast(Answer, cast(Server, self.server).answer)
        status, content = answer(parts.path, dict(parse_qsl(parts.query)))
        body = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            status = 499  # the client went before the answer, as nginx writes it
        took = (time.monotonic() - begun) * 1000
        logging.getLogger("http").info(
            '%s "GET %s HTTP/1.1" %s %.1fms', self.client_address[0], self.path, status, took
        )

    def log_message(self, *_: object) -> None:
        """Write nothing: the answer writes the line."""


def check(role: str) -> int:
    """Ask the service beside for its health; return 0 where it is good. Whoever runs this sets the time-out."""
    port = int(os.environ.get("PORT", PORTS[role]))
    with socket.create_connection(("127.0.0.1", port)) as asked:
        asked.sendall(b"SELECT 1\n" if role == "db" else b"GET /health HTTP/1.0\r\n\r\n")
        answer = asked.makefile("rb").readline().decode().strip()
    sys.stdout.write(f"{answer}\n")
    return 0 if answer == "1" or " 200 " in answer else 1


def _asked_to_end(_number: int, _frame: FrameType | None) -> None:
    log.info("received SIGTERM, shutting down")
    raise SystemExit(0)


def main(words: list[str]) -> int:
    """Run the service or the check that the words name; return the exit code."""
    if words[0] == "check":
        return check(words[1])
    role = words[0]
    postgres = "%(asctime)s.%(msecs)03d UTC [%(process)d] LOG:  %(message)s"
    plain = "%(asctime)s %(levelname)-5s [%(name)s] %(message)s"
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stdout, level="INFO", format=postgres if role == "db" else plain, datefmt="%Y-%m-%d %H:%M:%S"
    )
    signal.signal(signal.SIGTERM, _asked_to_end)
    log.info("%s %s starting", {"api": "orders API", "web": "shop front"}.get(role, "database"), _version())
    try:
        answer = APPS[role]() if role in APPS else None
    except ValueError as error:
        log.critical("%s", error, exc_info=True)
        return 1
    with Server(role, Statements if role == "db" else Requests, answer) as server:
        log.info("ready to accept connections on port %s", server.server_address[1])
        server.serve_forever()
    return 0


def _version() -> str:
    return os.environ.get("SHOP_VERSION", "2.3.1")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
