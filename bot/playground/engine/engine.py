"""A Docker Engine without Docker, whose containers are child processes.

It speaks the Docker Engine API on a private Unix socket, as far as Aegis and the demo's lab use it. One contract test
compares it with a real engine: version and info; containers created, listed, inspected, started, restarted, killed and
removed; restart policies with their pauses; health checks; logs; statistics; top; events; images and networks as far
as they have names. On Linux the first process is shielded from signals as in a container, and its end ends all others.

Not imitated: files, users and names of their own (a process sees this machine; its working folder is its own), CPU
limits, volumes, exec and attach, builds and pulls, DNS (``SHOP_HOSTS`` says where the others are), UDP, terminals,
stop, pause, rename and wait, and logs or statistics that follow. A memory limit is checked from outside ten times a
second. Logs are kept in memory, and nothing outlives the engine.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Self

from aiohttp import web

from bot.errors import EngineError
from bot.playground.engine.api.container_routes import ContainerApi
from bot.playground.engine.api.routes import Api, answers
from bot.playground.engine.containers.events import EngineEvents
from bot.playground.engine.containers.image import ProcessImage
from bot.playground.engine.containers.lifecycle import EngineParts, Lifecycle
from bot.playground.engine.containers.network import Networks
from bot.playground.engine.containers.registry import Containers
from bot.playground.engine.processes.ports import Ports

__all__ = ["ProcessEngine", "ProcessImage"]

_SOCKET_PATH_BYTES = 100
"""Bytes of a Unix socket's path; macOS takes 103, Linux 107."""


class ProcessEngine:
    """The engine, for ``async with ProcessEngine(folder) as engine``.

    ``folder`` is its own alone; ``images`` says what each image is as a process, and may change at any time. Raises
    ``EngineError`` where another engine uses the folder, or it can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.images: MutableMapping[str, ProcessImage] = {}
        self._folder = folder.absolute()
        self._events = EngineEvents()
        self._networks = Networks(self._events)
        around = EngineParts(
            self._folder / "containers",
            self._events,
            self._networks,
            Ports(),
            self._hosts,
        )
        self._containers = Containers(self.images, around)
        self._runner: web.AppRunner | None = None
        self._lock: int | None = None
        self._short: Path | None = None

    @property
    def host(self) -> str:
        """Its address, for ``DOCKER_HOST``."""
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return (self._short or self._folder) / "docker.sock"

    def _hosts(self, asking: Lifecycle) -> str:
        return self._containers.hosts(asking)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen."""
        self._lock_folder()
        shutil.rmtree(self._folder / "containers", ignore_errors=True)
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_BYTES:
            self._short = Path(tempfile.mkdtemp(prefix="aegis-"))
        app = web.Application(middlewares=[answers], client_max_size=8 * 1024 * 1024)
        app.add_routes(ContainerApi(self._containers).routes())
        app.add_routes(Api(self.images, self._containers, self._networks, self._events).routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()
        self._socket.chmod(0o600)

    async def stop(self) -> None:
        """Stop listening, then end every process. Nothing is left running."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await asyncio.gather(*(container.close() for container in self._containers.all))
        self._socket.unlink(missing_ok=True)
        shutil.rmtree(self._folder / "containers", ignore_errors=True)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _lock_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock) if self._lock is not None else None
            self._lock = None
            raise EngineError(
                f"Another engine of processes runs in {self._folder}.", hint="Stop it first, or choose another folder."
            ) from error
        except OSError as error:
            raise EngineError(
                f"The folder {self._folder} cannot be used: {error.strerror or 'the disk refused'}.",
                hint="Make it writable, or choose another folder.",
            ) from error
