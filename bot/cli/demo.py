"""``aegis demo``: shows Aegis in a browser without account, key or Docker."""

from __future__ import annotations

import contextlib
import os
import signal
from enum import StrEnum
from importlib.util import find_spec
from typing import Annotated

import typer

from bot.cli import console
from bot.errors import AegisError


class DemoEngine(StrEnum):
    """Where the services of the demo run."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


def demo(
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Port of the page; 0 is any free port.")
    ] = None,
    engine: Annotated[
        DemoEngine, typer.Option(help="Where the services run; auto is Docker if there is one.")
    ] = DemoEngine.AUTO,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Show Aegis in a browser, with a local workspace, services that really break, and the real bot."""
    if find_spec("bot.playground") is None:
        raise AegisError("This installation of Aegis has no demo.", hint="Run make demo in a checkout of the source.")
    if os.name != "posix":
        raise AegisError("The demo runs on Linux and macOS only.", hint="On Windows, run it inside WSL.")
    console.wait_for(_run_until_signal(port, engine, browser=browser))


async def _run_until_signal(port: int | None, engine: DemoEngine, *, browser: bool) -> None:
    """Run the demo until a signal, then stop all its processes in order, even if more signals come."""
    import asyncio  # noqa: PLC0415 - other commands do not need it

    from bot import telemetry  # noqa: PLC0415 - as above
    from bot.playground.demo import DemoOptions, home, play  # noqa: PLC0415 - as above

    telemetry.start_log("WARNING", str)
    options = DemoOptions(port, engine.value, browser)
    playing = asyncio.create_task(play(options, home(os.environ), dict(os.environ), _print_line))
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            playing.cancel()
            # The terminal can be closed.
            with contextlib.suppress(AegisError, OSError):
                _print_line("\nStopping …")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await playing
    except asyncio.CancelledError:
        if not stopping:
            raise


def _print_line(line: str) -> None:
    console.print_text(line + "\n")
