"""Runs ``aegis demo``: workspace, engine, lab, page and bot.

The bot is a process of its own; everything else is in this one. Everything listens on this machine only, nothing is
left running at the end, and ``folder`` keeps what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import bot
from bot.adapters.private_files import create_private, make_private_folder
from bot.errors import AegisError, EngineError, SettingsError
from bot.playground.engine.engine import ProcessEngine
from bot.playground.lab import docker
from bot.playground.lab.bot_process import BotProcess
from bot.playground.lab.first_incident import FirstIncident
from bot.playground.lab.lab import Lab
from bot.playground.lab.services import LabEngine, process_images
from bot.playground.slack.state import saved_state
from bot.playground.slack.state.workspace_state import Change
from bot.playground.slack.workspace import Workspace
from bot.playground.web import server
from bot.settings import read_env_file

log = logging.getLogger(__name__)

PORT = 8300
"""Where the page is, unless the port is taken or another one is wanted."""

CONNECT_TIMEOUT_S = 30.0
"""The bot connects within one or two seconds."""

MODEL = "gemini-3.5-flash-lite"
_AEGIS_PREFIXES = ("AEGIS_", "SLACK_", "DOCKER_", "GEMINI_")
_SAVED_CHANGES = frozenset({"message", "edit", "delete", "reaction", "file"})

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the command. ``port`` ``None``: the usual one, or another if it is taken; 0: any free one.

    ``engine`` is ``auto``, ``docker`` or ``process``.
    """

    port: int | None = None
    engine: str = "auto"
    browser: bool = True


async def play(options: DemoOptions, folder: Path, environment: Mapping[str, str], say: Say) -> None:
    """Run the demo until it is cancelled. Raises ``AegisError`` if it cannot be started."""
    with _alone(folder) as record_url:
        port = _free_port(options.port, say)
        key = _key(environment, say)
        async with contextlib.AsyncExitStack() as stage:
            lab_engine = await stage.enter_async_context(_lab_engine(options.engine, folder, environment, say))
            workspace = Workspace(address=("127.0.0.1", port))
            saved_state.load(workspace.state, folder / "workspace.json")
            aegis = BotProcess(
                _settings(workspace, lab_engine, folder, environment, key),
                folder,
                folder / "bot.log",
                lambda: bool(workspace.connections),
            )
            lab = Lab(
                lab_engine,
                workspace,
                aegis,
                folder=folder,
                runbook=folder / "runbook.json",
                diagnoser=environment.get("AEGIS_GEMINI_MODEL", MODEL) if key else "rules",
            )
            first_incident = FirstIncident(lab)
            workspace.serve(server.routes(workspace, first_incident))
            await stage.enter_async_context(_served(workspace))
            await stage.enter_async_context(_saved_on_change(workspace, folder / "workspace.json"))
            await stage.enter_async_context(lab)
            stage.push_async_callback(aegis.stop)
            await aegis.start()
            await _connected(workspace, aegis, folder / "bot.log")
            stage.push_async_callback(first_incident.close)
            record_url(workspace.url)
            _welcome(workspace.url, lab_engine, folder, environment, say, browser=options.browser)
            await asyncio.Event().wait()


def home(environment: Mapping[str, str]) -> Path:
    """Return the demo's own folder (XDG Base Directory Specification, state)."""
    state = environment.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "aegis-demo"


@contextmanager
def _alone(folder: Path) -> Iterator[Callable[[str], None]]:
    """Hold the folder for this demo alone; the yielded function stores the address of its page."""
    try:
        make_private_folder(folder)
        create_private(folder / "demo.lock")
        # Appending: whoever comes second must not wipe what the first wrote.
        lock = (folder / "demo.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise AegisError(
            f"The demo keeps its state in {folder}, which cannot be written: {error.strerror or 'the disk refused'}.",
            hint="Make it writable, or set XDG_STATE_HOME to another folder.",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            where = lock.read().strip()
            at = f" at {where}" if where else ""
            raise AegisError(
                f"The demo is running already{at}.", hint="Open that page, or end that one with Ctrl-C first."
            ) from error
        lock.truncate(0)

        def record_url(url: str) -> None:
            lock.write(url)
            lock.flush()

        yield record_url
        lock.truncate(0)


def _free_port(wanted: int | None, say: Say) -> int:
    port = PORT if wanted is None else wanted
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            if wanted is not None:
                raise AegisError(
                    f"Port {port} cannot be used: {error.strerror or 'it is taken'}.",
                    hint="Choose another one with --port, or leave it out: then one that is free is taken.",
                ) from error
        else:
            return int(trial.getsockname()[1])
    say(f"Port {port} is taken by another program; another one is used.")
    return _free_port(0, say)


def _key(environment: Mapping[str, str], say: Say) -> str:
    """Return the model's key, from the environment or from ``.env``, of which nothing else is used."""
    try:
        return environment.get("GEMINI_API_KEY") or read_env_file(Path(".env")).get("GEMINI_API_KEY", "")
    except SettingsError as error:
        say(f"{error.message} The demo needs nothing from it; without GEMINI_API_KEY the rules diagnose.")
        return ""


@asynccontextmanager
async def _lab_engine(engine: str, folder: Path, environment: Mapping[str, str], say: Say) -> AsyncIterator[LabEngine]:
    """Find or start the engine on which the services run."""
    if engine != "process":
        try:
            docker_engine = await docker.ready(folder, say, environment)
        except EngineError as error:
            if engine == "docker":
                raise
            say(f"Without Docker: {error.message} The services run as processes instead.")
        else:
            yield docker_engine
            return
    async with ProcessEngine(folder / "engine") as processes:
        processes.images.update(process_images())
        yield LabEngine(processes.host)


def _settings(
    workspace: Workspace, lab_engine: LabEngine, folder: Path, environment: Mapping[str, str], key: str
) -> dict[str, str]:
    """Return the bot's environment: nothing of an Aegis that may be set up here, and short waits."""
    inherited = {name: value for name, value in environment.items() if not name.startswith(_AEGIS_PREFIXES)}
    straight = {
        name: ",".join(filter(None, (environment.get(name, ""), "127.0.0.1"))) for name in ("NO_PROXY", "no_proxy")
    }
    model = environment.get("AEGIS_GEMINI_MODEL", "")
    return {
        **inherited,
        **straight,
        # The bot runs in the demo's folder, where Python would not find a project that is not installed.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(bot.__file__).parents[1]), inherited.get("PYTHONPATH")))),
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": workspace.api_url,
        "DOCKER_HOST": lab_engine.host,
        "AEGIS_ALERT_CHANNELS": "C0ALERTS",
        "AEGIS_APPROVERS": "S0ONCALL",
        "AEGIS_ESCALATION": "S0ONCALL",
        "AEGIS_RESTART_COOLDOWN": "5",
        "AEGIS_RESTART_LIMIT": "30",
        "AEGIS_VERIFY_DELAY": "1",
        "AEGIS_VERIFY_TIMEOUT": "20",
        "AEGIS_DATABASE_URL": f"sqlite:///{folder / 'aegis.db'}",
        "AEGIS_RUNBOOK": str(folder / "runbook.json"),
        "AEGIS_BUNDLES": str(folder / "bundles"),
        **({"GEMINI_API_KEY": key} if key else {}),
        **({"AEGIS_GEMINI_MODEL": model} if model else {}),
    }


@asynccontextmanager
async def _served(workspace: Workspace) -> AsyncIterator[None]:
    try:
        await workspace.start()
    except OSError as error:
        raise AegisError(
            f"Port {workspace.port} cannot be used: {error.strerror or 'it is taken'}.", hint="Start the demo again."
        ) from error
    try:
        yield
    finally:
        await workspace.stop()


@asynccontextmanager
async def _saved_on_change(workspace: Workspace, path: Path) -> AsyncIterator[None]:
    """Write the workspace's messages soon after each change, and at the end."""
    changed = asyncio.Event()

    def note_change(change: Change) -> None:
        if change.kind in _SAVED_CHANGES:
            changed.set()

    async def write() -> None:
        while True:
            await changed.wait()
            changed.clear()
            try:
                saved_state.save(workspace.state, path)
            except AegisError as error:
                log.warning("%s", error.sentence)
            await asyncio.sleep(1)

    unsubscribe = workspace.subscribe(note_change)
    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        unsubscribe()
        writing.cancel()
        await asyncio.wait([writing])
        saved_state.save(workspace.state, path)


async def _connected(workspace: Workspace, aegis: BotProcess, written: Path) -> None:
    """Wait until the bot is connected; raise ``AegisError`` with its own last words where it ends instead."""
    ended, there = asyncio.create_task(aegis.ended()), asyncio.create_task(workspace.connected(1, CONNECT_TIMEOUT_S))
    try:
        await asyncio.wait([ended, there], return_when=asyncio.FIRST_COMPLETED)
        if there.done() and there.exception() is None:
            return
    finally:
        for task in (ended, there):
            task.cancel()
        await asyncio.wait([ended, there])
    raise AegisError(f"The bot did not start. {_last_words(written)}".rstrip(), hint=f"Its log is {written}.")


def _last_words(written: Path) -> str:
    lines = written.read_text(encoding="utf-8", errors="replace").split("\n") if written.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _welcome(
    url: str, lab_engine: LabEngine, folder: Path, environment: Mapping[str, str], say: Say, *, browser: bool
) -> None:
    say(f"\n  The demo is at {url}\n")
    say(f"Services: {lab_engine.engine}. What happens is kept in {folder}. Ctrl-C ends it.")
    far = "SSH_CONNECTION" in environment or "SSH_TTY" in environment
    if far:
        port = url.rpartition(":")[2]
        say(f"From your own machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}, then open {url} there.")
    screen = sys.platform in {"darwin", "win32"} or {"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys()
    if browser and screen and not far:
        # A browser that cannot be opened is no trouble: the address stands above.
        asyncio.get_running_loop().run_in_executor(None, _open, url)


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)
