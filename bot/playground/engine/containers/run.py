"""One run of a container, from start to end.

It has a process tree, published ports, health checks and a memory limit.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.playground.engine.containers.config import ContainerSettings
from bot.playground.engine.processes import health, usage
from bot.playground.engine.processes.ports import Published
from bot.playground.engine.processes.process import Process

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What Docker gives a container whose image says nothing else."""

Tell = Callable[[str, Mapping[str, str]], None]


class Run:
    """A run that has begun. ``ended``: its container knows that it has ended."""

    def __init__(self, process: Process, published: Published, endpoints: dict[str, dict[str, Any]]) -> None:
        self.process = process
        self.published = published
        self.endpoints = endpoints
        self.started = time.time_ns()
        self.sandbox = secrets.token_hex(32)
        self.out_of_memory = False
        self.ended = asyncio.Event()
        self._watches: list[asyncio.Task[None]] = []

    def limit_memory(self, most: int, emit: Tell) -> None:
        """Kill its biggest process, as the kernel does, while it holds more than ``most`` bytes; ``emit`` the event."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(usage.CHECK_INTERVAL_S)
                now = await usage.read_usage(self.process.shim)
                if now is not None and now.memory > most:
                    self.out_of_memory = True
                    emit("oom", {})
                    with suppress(ProcessLookupError):
                        os.kill(now.biggest, signal.SIGKILL)

        self._watches.append(asyncio.create_task(watch()))

    def check_health(self, check: health.Check, state: health.Health, start: health.Start, emit: Tell) -> None:
        """Run health checks until the end."""
        self._watches.append(asyncio.create_task(health.watch(check, state, start, emit)))

    async def finish(self) -> None:
        """End what is around the process tree, for good."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self.published.close()

    async def close(self) -> None:
        """End everything, the process tree too."""
        await self.finish()
        await self.process.close()


def environment(order: ContainerSettings, inner: Mapping[str, int], folder: Path, hosts: str) -> dict[str, str]:
    """Return a process's environment: nothing of this process's own, and where to listen and find others.

    ``inner`` says on which port of the loopback to listen in place of each container port: ``PORT_<container port>``,
    and ``PORT`` for the first.
    """
    own = dict(line.partition("=")[::2] for line in order.config.get("Env") or ())
    ports = {f"PORT_{port.partition('/')[0]}": str(number) for port, number in inner.items()}
    first = {"PORT": next(iter(ports.values()))} if ports else {}
    others = {"SHOP_HOSTS": hosts} if hosts else {}
    return (
        {"PATH": PATH, "HOSTNAME": str(order.config.get("Hostname", "")), "HOME": str(folder), **own}
        | ports
        | first
        | others
    )


def probes(env: Mapping[str, str], folder: Path) -> health.Start:
    """Return what starts a probe beside the first process, with the same environment."""

    async def start(argv: Sequence[str], output: Callable[[int, bytes], None]) -> Process:
        return await Process.start(argv, env, folder, output)

    return start
