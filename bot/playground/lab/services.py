"""The demo's containers, run through the Docker Engine API.

Containers without the demo's label are never touched.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import APIError, DockerException, NotFound

from bot.errors import EngineError, TargetNotFound
from bot.playground.engine.containers.image import ProcessImage

T = TypeVar("T")
Json = dict[str, Any]

API, DATABASE, WEB = "buggy-app-v2", "orders-db", "web"
PROJECT = "shop"
REPOSITORY, GOOD, NEXT = "aegis-demo/shop", "2.3.1", "2.4.0"
LABEL = "aegis.demo"
"""On each of our containers and networks; its value is the demo's folder."""

SHOP = Path(__file__).with_name("shop.py")
MEMORY_LIMIT_BYTES = 96 * 1024 * 1024
"""Bytes that a service may use; one needs about 20 MB."""
NEWEST_LOG_LINES = 30
"""Log lines that are shown."""
_SECOND_NS = 10**9
_ENGINE_TIMEOUT_S = 30
_EVENTS = ("create", "start", "restart", "die", "oom", "kill", "destroy", "health_status")


@dataclass(frozen=True, slots=True)
class LabEngine:
    """The engine that the services run on: its address, what people call it, and how a container calls the program."""

    host: str
    engine: str = "processes on this machine"
    program: tuple[str, ...] = (sys.executable, "-I", "-u", str(SHOP))


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services; ``published``: this machine reaches its port; ``checked``: seconds between health checks."""

    name: str
    role: str
    port: int
    published: bool
    checked: int
    environment: Mapping[str, str] = field(default_factory=dict)


SERVICES = {
    service.name: service
    for service in (
        Service(DATABASE, "db", 5432, published=False, checked=5),
        Service(
            API,
            "api",
            8080,
            published=True,
            checked=2,
            environment={"ORDERS_DB": f"{DATABASE}:5432", "POOL_SIZE": "5", "POOL_TIMEOUT": "1.0"},
        ),
        Service(WEB, "web", 8080, published=True, checked=5, environment={"ORDERS_API": f"{API}:8080"}),
    )
}


def process_images() -> dict[str, ProcessImage]:
    """Return the demo's images for an engine whose containers are processes, by their tags."""
    return {
        f"{REPOSITORY}:{version}": ProcessImage(
            argv=(sys.executable, "-I", "-u", str(SHOP)), env={"SHOP_VERSION": version}
        )
        for version in (GOOD, NEXT)
    }


class Services:
    """The three containers of the demo in ``folder`` on the engine of ``lab_engine``. All raise ``EngineError``."""

    def __init__(self, lab_engine: LabEngine, folder: Path) -> None:
        self._lab_engine = lab_engine
        self._labels = {LABEL: str(folder.resolve())}
        self._network = f"aegis-demo-{hashlib.sha256(self._labels[LABEL].encode()).hexdigest()[:8]}"
        self._ports = {name: _free_port() for name, service in SERVICES.items() if service.published}
        self._client: docker.APIClient | None = None
        self._memory: dict[str, int] = {}

    def url(self, name: str, path: str = "/health") -> str:
        """Return the address of a published service."""
        return f"http://127.0.0.1:{self._ports[name]}{path}"

    async def start(self) -> None:
        """Make and start all; what an earlier demo of the folder left is removed. Refuses where a name is taken."""
        await self._ask(lambda client: refuse_foreign(client, self._labels[LABEL]))
        await self._ask(self._clear)
        await self._ask(lambda client: client.create_network(self._network, driver="bridge", labels=self._labels))
        for name in SERVICES:
            await self.fresh(name)

    async def stop(self) -> None:
        """Remove all containers and the network."""
        await self._ask(self._clear)
        if self._client is not None:
            self._client.close()
            self._client = None

    async def fresh(self, name: str, version: str = GOOD, *, retries: int = 0, **environment: str) -> None:
        """Make a service anew and start it, with settings beside its own.

        Where it fails the engine starts it again, ``retries`` times at most.
        """

        def make(client: docker.APIClient) -> None:
            with suppress(NotFound):
                client.remove_container(self._own_id(client, name), force=True, v=True)
            made = client.create_container(**self._order(client, SERVICES[name], version, retries, environment))
            client.start(made["Id"])

        await self._ask(make)

    async def restart(self, name: str) -> None:
        """Restart a service."""
        await self._ask(lambda client: client.restart(self._own_id(client, name), timeout=5))

    async def begin(self, name: str) -> None:
        """Start a service that has ended; make it anew where it is gone."""
        try:
            await self._ask(lambda client: client.start(self._own_id(client, name)))
        except TargetNotFound:
            await self.fresh(name)

    async def kill(self, name: str) -> None:
        """Kill a service's process."""
        await self._ask(lambda client: client.kill(self._own_id(client, name)))

    async def look(self, *, sample: bool = True) -> list[Json]:
        """Return the state of each service, with its newest log lines; ``memory`` in bytes or ``None``.

        Without a ``sample`` it is the memory of the look before. Some engines take one sample a second only.
        """
        return await self._ask(lambda client: [self._look(client, name, sample=sample) for name in SERVICES])

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at every event of the demo's containers, in a thread of its own.

        The returned function ends that.
        """
        stream: list[Any] = []

        def follow() -> None:
            with suppress(DockerException, OSError):
                client = docker.APIClient(base_url=self._lab_engine.host, timeout=_ENGINE_TIMEOUT_S)
                events = client.events(filters={"label": [self._label], "event": list(_EVENTS)})
                stream.append(events)
                for _ in events:
                    callback()

        thread = threading.Thread(target=follow, name="demo-events", daemon=True)
        thread.start()

        def stop() -> None:
            for events in stream:
                events.close()
            thread.join(1)

        return stop

    @property
    def _label(self) -> str:
        return f"{LABEL}={self._labels[LABEL]}"

    async def _ask(self, question: Callable[[docker.APIClient], T]) -> T:
        def ask() -> T:
            if self._client is None:
                self._client = docker.APIClient(base_url=self._lab_engine.host, timeout=_ENGINE_TIMEOUT_S)
            return question(self._client)

        asked = asyncio.ensure_future(asyncio.to_thread(ask))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            # The thread goes on all the same; what it makes must be there before it is looked for and removed.
            await asyncio.wait([asked])
            raise
        except NotFound as error:
            raise TargetNotFound(
                "One of the demo's services is not there.", hint="Press All well.", detail=str(error)
            ) from error
        except (DockerException, OSError) as error:
            raise EngineError(
                "The demo's engine did not do what was asked.",
                hint="Try again, or end the demo and start it anew.",
                detail=str(error),
            ) from error

    def _order(
        self, client: docker.APIClient, service: Service, version: str, retries: int, environment: Mapping[str, str]
    ) -> Json:
        """Return what ``create_container`` takes."""
        bindings: dict[int | str, Any] = {}
        if service.published:
            bindings[service.port] = ("127.0.0.1", self._ports[service.name])
        networks: Any = {self._network: client.create_endpoint_config()}
        labels = {
            **self._labels,
            "com.docker.compose.project": PROJECT,
            "com.docker.compose.service": service.name,
            "com.docker.compose.container-number": "1",
            "com.docker.compose.oneoff": "False",
        }
        if service.name == API:
            labels["aegis.verify-url"] = self.url(API)
        return {
            "image": f"{REPOSITORY}:{version}",
            "name": service.name,
            "command": [service.role],
            "environment": {**service.environment, **environment},
            "labels": labels,
            "ports": [service.port],
            "host_config": client.create_host_config(
                mem_limit=MEMORY_LIMIT_BYTES,
                memswap_limit=MEMORY_LIMIT_BYTES,
                port_bindings=bindings,
                restart_policy={"Name": "on-failure" if retries else "no", "MaximumRetryCount": retries},
                network_mode=self._network,
            ),
            "networking_config": client.create_networking_config(networks),
            "healthcheck": {
                "test": ["CMD", *self._lab_engine.program, "check", service.role],
                "interval": service.checked * _SECOND_NS,
                "timeout": 3 * _SECOND_NS // 2,
                "retries": 1,
            },
        }

    def _clear(self, client: docker.APIClient) -> None:
        for container in client.containers(all=True, filters={"label": self._label}):
            with suppress(NotFound):
                client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks(filters={"label": self._label}):
            with suppress(NotFound):
                client.remove_network(network["Id"])

    def _own_id(self, client: docker.APIClient, name: str) -> str:
        """Return the id of our container of this name; raises ``NotFound`` if it is somebody else's."""
        container = client.inspect_container(name)
        if container["Config"]["Labels"].get(LABEL) != self._labels[LABEL]:
            raise NotFound(f"{name} is not the demo's")
        return str(container["Id"])

    def _look(self, client: docker.APIClient, name: str, *, sample: bool) -> Json:
        shown: Json = {"name": name, "image": "", "status": "missing", "health": "none", "restarts": 0}
        shown |= {"up_since": "", "exit_code": None, "memory": None, "log": []}
        try:
            container = client.inspect_container(self._own_id(client, name))
            state = container["State"]
            if state["Running"] and (sample or name not in self._memory):
                self._memory[name] = _used(client.stats(container["Id"], stream=False, one_shot=True))
            lines = client.logs(container["Id"], tail=NEWEST_LOG_LINES).decode("utf-8", "replace").splitlines()
        except APIError:
            # It was removed between two questions; the next look finds the new one.
            return shown
        running = state["Running"] and not state["Restarting"]
        return shown | {
            "image": container["Config"]["Image"],
            "status": state["Status"],
            "health": state.get("Health", {}).get("Status", "none") if running else "none",
            "restarts": container["RestartCount"],
            "up_since": state["StartedAt"] if running else "",
            "exit_code": None if running else state["ExitCode"],
            "memory": self._memory.get(name) if running else None,
            "log": lines,
        }


def refuse_foreign(client: docker.APIClient, folder: str) -> None:
    """Raise ``EngineError`` where somebody else's container has one of our names; those stay untouched."""
    for name in SERVICES:
        with suppress(NotFound):
            labels = client.inspect_container(name)["Config"]["Labels"] or {}
            if LABEL not in labels:
                raise EngineError(
                    f"There is a container named {name} already, and it is not the demo's.",
                    hint="Run aegis demo --engine process, which leaves Docker alone.",
                )
            if labels[LABEL] != folder:
                raise EngineError(
                    f"The container {name} belongs to another demo.",
                    hint=f"End that one, or remove it if it was killed: docker rm -f {' '.join(SERVICES)}",
                )


def _used(sample: Json) -> int:
    """Return the bytes in use without the page cache, as ``docker stats`` counts them."""
    memory = sample.get("memory_stats") or {}
    cache = (memory.get("stats") or {}).get("inactive_file") or (memory.get("stats") or {}).get("total_inactive_file")
    return max(0, int(memory.get("usage") or 0) - int(cache or 0))


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
