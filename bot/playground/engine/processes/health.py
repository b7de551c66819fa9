"""Health checks as Docker runs them (moby: daemon/health.go)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.playground.engine.errors import SECOND, moment
from bot.playground.engine.processes.process import NotStarted, Process

Json = dict[str, Any]
LOGGED, OUTPUT = 5, 4096
"""How many results are kept, and how many bytes of each one's output."""

Start = Callable[[Sequence[str], Callable[[int, bytes], None]], Awaitable[Process]]


@dataclass(frozen=True, slots=True)
class Check:
    """A health check's settings; times in nanoseconds."""

    argv: tuple[str, ...]
    interval: int
    timeout: int
    retries: int

    @property
    def line(self) -> str:
        """Its command as events show it, with the blank that moby leaves behind a lone word."""
        return f"{self.argv[0]} {' '.join(self.argv[1:])}"


def read(settings: Mapping[str, Any] | None) -> Check | None:
    """Read ``Config.Healthcheck``; ``None`` where there is no check."""
    test = list((settings or {}).get("Test") or ())
    if not settings or not test or test[0] == "NONE":
        return None
    argv = ("/bin/sh", "-c", *test[1:2]) if test[0] == "CMD-SHELL" else tuple(test[1:])
    return Check(
        argv,
        int(settings.get("Interval") or 0) or 30 * SECOND,
        int(settings.get("Timeout") or 0) or 30 * SECOND,
        int(settings.get("Retries") or 0) or 3,
    )


@dataclass(slots=True)
class Health:
    """What the checks said so far; the log outlives restarts, as Docker's does."""

    status: str = "starting"
    streak: int = 0
    log: deque[Json] = field(default_factory=lambda: deque(maxlen=LOGGED))

    def shown(self) -> Json:
        """Return it as inspect shows it."""
        return {"Status": self.status, "FailingStreak": self.streak, "Log": list(self.log)}


async def watch(check: Check, health: Health, start: Start, tell: Callable[[str, Mapping[str, str]], None]) -> None:
    """Probe until cancelled; ``tell`` gets the events."""
    while True:
        await asyncio.sleep(check.interval / SECOND)
        begun = time.time_ns()
        code, output = await _probe(check, start, tell)
        health.log.append({"Start": moment(begun), "End": moment(time.time_ns()), "ExitCode": code, "Output": output})
        before = health.status
        if code == 0:
            health.status, health.streak = "healthy", 0
        else:
            health.streak += 1
            if health.streak >= check.retries:
                health.status = "unhealthy"
        if health.status != before:
            tell(f"health_status: {health.status}", {})


async def _probe(check: Check, start: Start, tell: Callable[[str, Mapping[str, str]], None]) -> tuple[int, str]:
    said = bytearray()
    execution = {"execID": secrets.token_hex(32)}
    tell(f"exec_create: {check.line}", execution)
    tell(f"exec_start: {check.line}", execution)
    try:
        process = await start(check.argv, lambda _, block: said.extend(block[: OUTPUT + 1 - len(said)]))
    except NotStarted as failed:
        return -1, f"OCI runtime exec failed: exec failed: {failed.reason.partition('runc create failed: ')[2]}"
    try:
        async with asyncio.timeout(check.timeout / SECOND):
            code = await process.wait()
    except TimeoutError:
        tell("exec_die", execution | {"exitCode": "137"})
        return -1, f"Health check exceeded timeout ({_duration(check.timeout)})"
    finally:
        await process.close()
    tell("exec_die", execution | {"exitCode": str(code)})
    text = bytes(said[:OUTPUT]).decode("utf-8", "replace")
    return code, f"{text}..." if len(said) > OUTPUT else text


def _duration(nanoseconds: int) -> str:
    """Write a duration as Go does, for the common ones: ``1.5s``, ``300ms``, ``1m30s``."""
    if nanoseconds < SECOND:
        return f"{nanoseconds / 1e6:g}ms"
    minutes, rest = divmod(nanoseconds, 60 * SECOND)
    return f"{minutes}m{rest / SECOND:g}s" if minutes else f"{rest / SECOND:g}s"
