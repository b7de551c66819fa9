"""The life of a container: its runs, events and restart policy."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.playground.engine.containers.config import ContainerSettings
from bot.playground.engine.containers.events import EngineEvents
from bot.playground.engine.containers.image import ProcessImage
from bot.playground.engine.containers.log import Log
from bot.playground.engine.containers.network import Networks
from bot.playground.engine.containers.run import Run, environment, probes
from bot.playground.engine.containers.state import ContainerState, next_pause
from bot.playground.engine.errors import EngineRefusal
from bot.playground.engine.processes import health
from bot.playground.engine.processes.ports import Ports, Published
from bot.playground.engine.processes.process import NotStarted, Process, library_path


@dataclass(frozen=True, slots=True)
class EngineParts:
    """The parts that all containers share; ``hosts`` returns the addresses of the containers that one can reach."""

    folder: Path
    events: EngineEvents
    networks: Networks
    ports: Ports
    hosts: Callable[[Lifecycle], str]


class Lifecycle:
    """A container without what people may do with it; ``Container`` adds that."""

    def __init__(self, name: str, order: ContainerSettings, image: ProcessImage, around: EngineParts) -> None:
        self.id = secrets.token_hex(32)
        self.name = name
        self.order = order
        self.image_id = image.id
        self.created = time.time_ns()
        self.state = ContainerState()
        self.log = Log()
        self.restarts = 0
        self.removed = False
        self.run: Run | None = None
        self.inner = {f"{port}/tcp": around.ports.give(name, port) for port in order.exposed}
        self.check = health.read(order.config.get("Healthcheck"))
        self.health: health.Health | None = None
        self.order.config["Hostname"] = order.config.get("Hostname") or self.id[:12]
        self.folder = around.folder / self.id
        self._around = around
        self._by_hand = False
        self._starting = asyncio.Lock()
        self._given_up = asyncio.Event()
        self._guardian: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        # Files are the container's own below this folder, as far as its program calls them by relative names.
        inside = os.path.normpath(f"/{order.config.get('WorkingDir') or ''}").lstrip("/")
        self._files = self.folder / "files" / inside
        self._files.mkdir(mode=0o700, parents=True)
        self.emit("create")

    def emit(self, action: str, more: Mapping[str, str] | None = None) -> None:
        """Emit an event of this container."""
        about = {**self.order.labels, **(more or {}), "image": self.order.config["Image"], "name": self.name}
        self._around.events.emit("container", action, self.id, about)

    def close_books(self) -> None:
        """Give back what it held; it is gone."""
        if self.removed:
            return
        for port in self.inner.values():
            self._around.ports.take_back(port)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.removed = True
        self._wake_waiting()
        self.emit("destroy")

    async def _launch(self) -> Run:
        state = self.state
        state.error = ""
        published = Published(self._around.ports)
        endpoints: dict[str, dict[str, Any]] = {}
        hosts = self._around.hosts(self)
        env = environment(self.order, self.inner, self._files, hosts) | library_path()
        try:
            for network in self.order.networks:
                endpoints[network] = self._around.networks.join(network, self.id)
            await published.open(self._bindings(), self.inner, self.name)
            for network in self.order.networks:
                self._around.networks.emit(network, "connect", self.id)
            process = await Process.start(self.order.argv, env, self._files, self.log.feed)
        except asyncio.CancelledError:
            await published.close()
            raise
        except (NotStarted, EngineRefusal, OSError) as error:
            await published.close()
            self._leave()
            self.log.end()
            state.exit_code = error.code if isinstance(error, NotStarted) else 128
            state.error = str(error)
            self._wake_waiting()
            status = error.status if isinstance(error, EngineRefusal) else 400 if isinstance(error, NotStarted) else 500
            raise EngineRefusal(status, str(error)) from error
        self.run = run = Run(process, published, endpoints)
        # OOMKilled stays as the last run left it until the next end, as in Docker 20.10.
        state.running, state.restarting = True, False
        state.pid, state.exit_code, state.started = process.pid, 0, run.started
        if self.check is not None:
            self.health = self.health or health.Health()
            self.health.status, self.health.streak = "starting", 0
        self._watch(run)
        self._wake_waiting()
        self.emit("start")
        return run

    def _watch(self, run: Run) -> None:
        memory = int(self.order.host["Memory"] or 0)
        if memory:
            run.limit_memory(memory, self.emit)
        if self.check is not None and self.health is not None:
            env = environment(self.order, self.inner, self._files, self._around.hosts(self)) | library_path()
            run.check_health(self.check, self.health, probes(env, self._files), self.emit)

    async def _guard(self, run: Run) -> None:
        """Record the end of each run, and start the next one if the policy says so."""
        pause = 0.0
        while True:
            code = await run.process.wait()
            pause = next_pause(pause, (time.time_ns() - run.started) / 1e9)
            self.log.end()
            await run.finish()
            if not self._note_end(run, code):
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._given_up.wait()
            if self._given_up.is_set():
                self._down()
                break
            try:
                run = await self._launch()
            except EngineRefusal:
                # Nobody waits for an answer; what was wrong stands in the state.
                self._down()
                break

    def _note_end(self, run: Run, code: int) -> bool:
        """Record the end of a run, all at once; return True if another run follows."""
        again = self.order.policy.again(code, self.restarts, by_hand=self._by_hand)
        state = self.state
        self.run = None
        state.exit_code, state.pid, state.finished = code, 0, time.time_ns()
        state.out_of_memory = run.out_of_memory
        state.running = state.restarting = again
        self.restarts += again
        self._no_health()
        self.emit("die", {"exitCode": str(code)})
        self._leave()
        run.ended.set()
        self._wake_waiting()
        return again

    def _down(self) -> None:
        self.state.running = self.state.restarting = False
        self._wake_waiting()

    def _bindings(self) -> dict[str, list[dict[str, str]]]:
        asked = {port: list(wanted or ()) for port, wanted in (self.order.host["PortBindings"] or {}).items()}
        return {port: wanted for port, wanted in asked.items() if port in self.inner}

    def _leave(self) -> None:
        for network in self.order.networks:
            self._around.networks.leave(network, self.id)

    def _no_health(self) -> None:
        # Without checks Docker calls it unhealthy, for programs that expect so.
        if self.health is not None:
            self.health.status = "unhealthy"

    def _wake_waiting(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
