"""Finds a real Docker Engine and builds the demo's image on it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.context import ContextAPI
from docker.errors import DockerException, NotFound

from bot.errors import EngineError, EngineUnreachable
from bot.playground.lab.services import GOOD, NEXT, REPOSITORY, SHOP, LabEngine, refuse_foreign

BASE = "python:3.12-alpine"
DOCKERFILE = Path(__file__).with_name("image") / "Dockerfile"
PROGRAM = ("python", "/shop.py")
"""The program as the image's containers call it."""
SOURCE = "aegis.demo.source"
"""Label of the image: a digest of what it was built from, so that it is built once."""
ANSWER_TIMEOUT_S = 2
BUILD_TIMEOUT_S = 120
"""Seconds for each step of fetching and building."""
_HINT = "Run aegis demo --engine process, which needs no Docker."


async def ready(folder: Path, say: Callable[[str], None], environment: Mapping[str, str] | None = None) -> LabEngine:
    """Find an engine and make it ready for the demo in ``folder``; ``say`` gets a line where that takes long.

    Raises ``EngineError`` with the reason where there is none that the demo can use.
    """
    answer: concurrent.futures.Future[LabEngine] = concurrent.futures.Future()

    def work() -> None:
        try:
            answer.set_result(_ready(folder, say, os.environ if environment is None else environment))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            answer.set_exception(error)

    # Fetching takes long; in a thread of this kind it does not hold up the end of the demo.
    answer.set_running_or_notify_cancel()
    threading.Thread(target=work, name="demo-docker", daemon=True).start()
    return await asyncio.wrap_future(answer)


def _ready(folder: Path, say: Callable[[str], None], environment: Mapping[str, str]) -> LabEngine:
    host, version = find(addresses(environment))
    try:
        client = docker.APIClient(base_url=host, timeout=BUILD_TIMEOUT_S)
        try:
            refuse_foreign(client, str(folder.resolve()))
            for tag in (GOOD, NEXT):
                _build(client, tag, say)
        finally:
            client.close()
    except (DockerException, OSError) as error:
        raise EngineError(f"The Docker Engine at {host} cannot run the demo.", hint=_HINT, detail=str(error)) from error
    return LabEngine(host, f"Docker {version}", PROGRAM)


def addresses(environment: Mapping[str, str]) -> list[str]:
    """Return where engines of this machine may be: ``DOCKER_HOST`` alone where it is set, else the usual sockets."""
    if environment.get("DOCKER_HOST"):
        return [environment["DOCKER_HOST"]]
    home = Path(environment.get("HOME") or Path.home())
    sockets = [home / ".docker/run/docker.sock", home / ".docker/desktop/docker.sock", Path("/var/run/docker.sock")]
    if environment.get("XDG_RUNTIME_DIR"):
        sockets.insert(0, Path(environment["XDG_RUNTIME_DIR"]) / "docker.sock")
    candidates = [*_of_context(), *(f"unix://{path}" for path in sockets if path.is_socket())]
    return list(dict.fromkeys(candidates))


def _of_context() -> list[str]:
    """Return the address of the context that ``docker context use`` chose, if any."""
    try:
        host = ContextAPI.get_current_context().Host
    except (DockerException, OSError, ValueError, LookupError, AttributeError):
        # A broken ~/.docker/config.json is no reason not to look further.
        return []
    return [str(host)] if host else []


def find(candidates: Iterable[str]) -> tuple[str, str]:
    """Return address and version of the first engine that answers; raises ``EngineUnreachable`` that says why none."""
    reasons = []
    for host in candidates:
        if not _is_here(host):
            reasons.append(f"The engine at {host} is on another machine; the demo's ports would be there.")
            continue
        try:
            client = docker.APIClient(base_url=host, timeout=ANSWER_TIMEOUT_S)
            try:
                about = client.version()
            finally:
                client.close()
        except (DockerException, OSError) as error:
            denied = "Permission denied" in str(error)
            reasons.append(
                f"Permission denied at {host}." if denied else f"No Docker Engine answers at {host} within two seconds."
            )
            continue
        if about.get("Os", "linux") != "linux":
            reasons.append(f"The engine at {host} runs no Linux containers.")
            continue
        return host, str(about["Version"])
    raise EngineUnreachable(" ".join(reasons) or "There is no Docker Engine on this machine.", hint=_HINT)


def _is_here(host: str) -> bool:
    parts = urlsplit(host)
    return parts.scheme in {"unix", "npipe", "http+unix"} or parts.hostname in {"localhost", "127.0.0.1", "::1"}


def _build(client: docker.APIClient, version: str, say: Callable[[str], None]) -> None:
    tag, source = f"{REPOSITORY}:{version}", _source()
    try:
        built = client.inspect_image(tag)  # type: ignore[no-untyped-call]
        if built["Config"]["Labels"].get(SOURCE) == source:
            return
    except (NotFound, AttributeError):
        pass
    _fetch(client, say)
    say(f"Building {tag} …")
    options: dict[str, Any] = {"buildargs": {"VERSION": version}, "labels": {SOURCE: source}}
    steps = client.build(fileobj=_context(), custom_context=True, tag=tag, rm=True, decode=True, **options)
    _require(steps, f"The demo's image {tag} cannot be built.")


def _fetch(client: docker.APIClient, say: Callable[[str], None]) -> None:
    try:
        client.inspect_image(BASE)  # type: ignore[no-untyped-call]
    except NotFound:
        say(f"Fetching {BASE} …")
        failed = f"The image {BASE} is not on this machine and could not be fetched."
        try:
            steps = client.pull(BASE, stream=True, decode=True)
            _require(steps, failed)
        except (DockerException, OSError) as error:
            raise EngineError(failed, hint=_HINT, detail=str(error)) from error


def _require(steps: Iterable[Mapping[str, Any]], failed: str) -> None:
    """Read what the engine tells of its steps; raise ``EngineError`` where one went wrong."""
    for step in steps:
        if "error" in step:
            raise EngineError(failed, hint=_HINT, detail=str(step["error"]))


def _source() -> str:
    return hashlib.sha256(DOCKERFILE.read_bytes() + SHOP.read_bytes()).hexdigest()[:16]


def _context() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in (DOCKERFILE, SHOP):
            entry = tarfile.TarInfo(path.name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            tar.addfile(entry, io.BytesIO(path.read_bytes()))
    packed.seek(0)
    return packed
