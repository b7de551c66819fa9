"""Translates errors of docker-py, requests and urllib3 into ours."""

from __future__ import annotations

import json
from collections.abc import Iterator

import requests
import urllib3
from docker.errors import DockerException, InvalidVersion

from bot.adapters.docker.text import safe
from bot.errors import EngineDenied, EngineError, EngineTimeout, EngineUnreachable, RestartFailed, TargetNotFound

_NEVER_SENT = (FileNotFoundError, PermissionError, ConnectionRefusedError, urllib3.exceptions.NewConnectionError)
"""What ends a call before it left; after anything else the engine may have heard it."""
_TOO_LATE = (TimeoutError, BlockingIOError, requests.Timeout, urllib3.exceptions.TimeoutError)
"""A socket that takes no more connections (``BlockingIOError``) belongs to an engine that hangs, too."""
_BROKEN = (OSError, requests.ConnectionError, urllib3.exceptions.HTTPError)


def too_late(address: str) -> EngineTimeout:
    """Return the error for an engine that did not answer in time."""
    return EngineTimeout(
        f"The Docker Engine at {address} did not answer in time, so what happened is unknown.",
        hint="Look whether its daemon hangs (systemctl status docker), then try again.",
    )


def translate(error: BaseException, address: str) -> EngineError:
    """Turn the failure of a question to the engine at ``address`` into ours."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _refused(error.response, address)
    links = tuple(_chain(error))
    return _on_the_way(links, address) or _in_the_client(error, address)


def translate_act(error: BaseException, address: str) -> EngineError:
    """Turn the failure of an act into ours: what happened after the call left is unknown, never "failed"."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        mapped = _refused(error.response, address)
        if type(mapped) is not EngineError:
            return mapped
        return RestartFailed(
            "The Docker Engine could not do it; the container may be down now.",
            hint="Look at it with docker ps -a and docker logs.",
            detail=mapped.detail,
        )
    links = tuple(_chain(error))
    mapped = translate(error, address)
    sent = not any(isinstance(link, _NEVER_SENT) for link in links)
    return too_late(address) if sent and isinstance(mapped, EngineUnreachable) else mapped


def _on_the_way(links: tuple[BaseException, ...], address: str) -> EngineError | None:
    """Read what went wrong between us and the engine, from the most telling error to the least."""

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in links)

    if among(requests.TooManyRedirects):
        return EngineDenied(
            f"{address} answers with a redirect, as a Docker Engine never does.",
            hint="Set DOCKER_HOST to the engine itself or to its socket proxy.",
        )
    if among(PermissionError):
        return EngineDenied(
            f"Permission denied at {address}.",
            hint="Add the user that runs Aegis to the group of the socket (docker), or use a socket proxy.",
        )
    if among(*_TOO_LATE):
        return too_late(address)
    if among(FileNotFoundError):
        return EngineUnreachable(
            f"There is no Docker socket at {address}.",
            hint="Start Docker, or mount the folder of its socket, or set DOCKER_HOST.",
        )
    if among(ConnectionRefusedError) and address.startswith("unix:"):
        return EngineUnreachable(
            f"Nobody listens at {address}: Docker is down, or its socket was replaced and only the old file is mounted "
            "(mount its folder instead).",
            hint="Start Docker, or mount the folder of its socket.",
        )
    if among(*_BROKEN):
        return EngineUnreachable(
            f"The Docker Engine at {address} cannot be reached, or broke off.",
            hint="Look whether Docker runs there (docker info), and whether DOCKER_HOST is right.",
            detail=safe(str(links[0]), 300),
        )
    return None


def _in_the_client(error: BaseException, address: str) -> EngineError:
    if isinstance(error, InvalidVersion):
        return EngineDenied("The Docker Engine is too old for this call.", hint="Update Docker to 20.10 or newer.")
    if isinstance(error, DockerException):
        return EngineUnreachable(
            f"The Docker Engine at {address} cannot be used.",
            hint="Look at DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.",
            detail=safe(str(error), 300),
        )
    return EngineError(
        f"What answers at {address} does not answer as a Docker Engine does.",
        hint="Look at DOCKER_HOST, and at what stands between Aegis and the engine.",
    )


def _refused(response: requests.Response, address: str) -> EngineError:
    try:
        body = response.content
    except requests.RequestException:
        body = b""
    return refused(response.status_code, body, address)


def refused(status: int, body: bytes, address: str) -> EngineError:
    """Read an answer with an error status; ``EngineError`` itself where the engine just failed."""
    detail = safe(_message(body), 500)
    # Of several containers whose ids begin with the name, engines say 400, and before version 23 500.
    several = status in (400, 500) and "multiple ids" in detail.lower()
    if several or (status == 404 and "page not found" not in detail):
        return TargetNotFound(
            "The engine has no container of exactly this name or id.", hint="Ask for a fresh diagnosis.", detail=detail
        )
    if status in (401, 403, 404, 405, 501):
        return EngineDenied(
            f"{address} refuses this call (HTTP {status}).",
            hint="Where a socket proxy stands before the engine, let it pass the calls that the README lists.",
            detail=detail,
        )
    return EngineError(
        f"The Docker Engine at {address} failed at this call (HTTP {status}).",
        hint="Look into the engine's own log (journalctl -u docker).",
        detail=detail,
    )


def _message(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("message", "")) if isinstance(answer, dict) else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and everything that it was made from; urllib3 and requests keep the cause among the arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
