"""``aegis demo``: see all of Aegis in a browser, with no account, no key and no Docker."""

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


class Engine(StrEnum):
    """What the demo's services run on."""

    AUTO = "auto"
    DOCKER = "docker"
    PROCESS = "process"


def demo(
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Where the page is; 0 is any that is free.")
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="What the services run on; auto takes Docker where there is one.")
    ] = Engine.AUTO,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Show all of Aegis in a browser: a local workspace, services that break for real, and the real bot."""
    if find_spec("bot.playground") is None:
        raise AegisError(
            "This installation of Aegis has no demo.", hint="Run it from a checkout of the source: make demo"
        )
    if os.name != "posix":
        raise AegisError("The demo needs Linux or macOS.", hint="On Windows, run it inside WSL.")
    console.wait_for(_run_until_signal(port, engine, browser=browser))


async def _run_until_signal(port: int | None, engine: Engine, *, browser: bool) -> None:
    """Run the demo until a signal ends it; however often it is sent, what was started is ended in order."""
    import asyncio  # noqa: PLC0415 - other commands do without it

    from bot import telemetry  # noqa: PLC0415 - as above
    from bot.playground.demo import DemoOptions, home, play  # noqa: PLC0415 - as above

    telemetry.start_log("WARNING", str)
    options = DemoOptions(port, engine.value, browser)
    playing = asyncio.create_task(play(options, home(os.environ), dict(os.environ), _say))
    ending = False

    def end() -> None:
        nonlocal ending
        if not ending:
            ending = True
            playing.cancel()
            # The terminal that would show it may be what was closed.
            with contextlib.suppress(AegisError, OSError):
                _say("\nEnding …")

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, end)
    try:
        await playing
    except asyncio.CancelledError:
        if not ending:
            raise


def _say(line: str) -> None:
    console.print_text(line + "\n")
