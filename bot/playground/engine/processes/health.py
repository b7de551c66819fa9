"""Health checks as Docker runs them (moby: daemon/health.go)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.playground.engine.errors import SECOND_NS, format_time
from bot.playground.engine.processes.process import NotStarted, Process

Json = dict[str, Any]
PROBES_LOGGED, OUTPUT_LIMIT_BYTES = 5, 4096
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
    """Read ``Config.Healthcheck``; ``None`` if there is no check."""
    test = list((settings or {}).get("Test") or ())
    if not settings or not test or test[0] == "NONE":
        return None
    argv = ("/bin/sh", "-c", *test[1:2]) if test[0] == "CMD-SHELL" else tuple(test[1:])
    return Check(
        argv,
        int(settings.get("Interval") or 0) or 30 * SECOND_NS,
        int(settings.get("Timeout") or 0) or 30 * SECOND_NS,
        int(settings.get("Retries") or 0) or 3,
    )


@dataclass(slots=True)
class Health:
    """The results so far; the log outlives restarts, as Docker's does."""

    status: str = "starting"
    streak: int = 0
    log: deque[Json] = field(default_factory=lambda: deque(maxlen=PROBES_LOGGED))

    def shown(self) -> Json:
        """Return it as inspect shows it."""
        return {"Status": self.status, "FailingStreak": self.streak, "Log": list(self.log)}


async def watch(check: Check, health: Health, start: Start, emit: Callable[[str, Mapping[str, str]], None]) -> None:
    """Probe until cancelled; ``emit`` gets the events."""
    while True:
        await asyncio.sleep(check.interval / SECOND_NS)
        begun = time.time_ns()
        code, output = await _probe(check, start, emit)
        health.log.append(
            {"Start": format_time(begun), "End": format_time(time.time_ns()), "ExitCode": code, "Output": output}
        )
        before = health.status
        if code == 0:
            health.status, health.streak = "healthy", 0
        else:
            health.streak += 1
            if health.streak >= check.retries:
                health.status = "unhealthy"
        if health.status != before:
            emit(f"health_status: {health.status}", {})


async def _probe(check: Check, start: Start, emit: Callable[[str, Mapping[str, str]], None]) -> tuple[int, str]:
    output = bytearray()
    execution = {"execID": secrets.token_hex(32)}
    emit(f"exec_create: {check.line}", execution)
    emit(f"exec_start: {check.line}", execution)
    try:
        process = await start(check.argv, lambda _, block: output.extend(block[: OUTPUT_LIMIT_BYTES + 1 - len(output)]))
    except NotStarted as failed:
        return -1, f"OCI runtime exec failed: exec failed: {failed.reason.partition('runc create failed: ')[2]}"
    try:
        async with asyncio.timeout(check.timeout / SECOND_NS):
            code = await process.wait()
    except TimeoutError:
        emit("exec_die", execution | {"exitCode": "137"})
        return -1, f"Health check exceeded timeout ({_duration(check.timeout)})"
    finally:
        await process.close()
    emit("exec_die", execution | {"exitCode": str(code)})
    text = bytes(output[:OUTPUT_LIMIT_BYTES]).decode("utf-8", "replace")
    return code, f"{text}..." if len(output) > OUTPUT_LIMIT_BYTES else text


def _duration(nanoseconds: int) -> str:
    """Write a duration as Go does, for the common ones: ``1.5s``, ``300ms``, ``1m30s``."""
    if nanoseconds < SECOND_NS:
        return f"{nanoseconds / 1e6:g}ms"
    minutes, rest = divmod(nanoseconds, 60 * SECOND_NS)
    return f"{minutes}m{rest / SECOND_NS:g}s" if minutes else f"{rest / SECOND_NS:g}s"
