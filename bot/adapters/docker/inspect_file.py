"""Reads facts from a file: ``docker inspect`` output, or our names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from bot.adapters.docker.inspection import Inspection, facts
from bot.domain.evidence import Facts
from bot.errors import AegisError

_PATHS = {
    "container_id": ("Id",),
    "created_at": ("Created",),
    "image_id": ("Image",),
    "restart_count": ("RestartCount",),
    "status": ("State", "Status"),
    "running": ("State", "Running"),
    "restarting": ("State", "Restarting"),
    "paused": ("State", "Paused"),
    "exit_code": ("State", "ExitCode"),
    "oom_killed": ("State", "OOMKilled"),
    "error": ("State", "Error"),
    "started_at": ("State", "StartedAt"),
    "finished_at": ("State", "FinishedAt"),
    "health": ("State", "Health", "Status"),
    "probes": ("State", "Health", "Log"),
    "image": ("Config", "Image"),
    "labels": ("Config", "Labels"),
    "stop_timeout": ("Config", "StopTimeout"),
    "restart_policy": ("HostConfig", "RestartPolicy", "Name"),
    "log_driver": ("HostConfig", "LogConfig", "Type"),
    "memory_limit": ("HostConfig", "Memory"),
}
"""Our names of facts, and where ``docker inspect`` has them."""

_PROBE = {"at": "Start", "exit_code": "ExitCode", "output": "Output"}
_WHOLE = {"State", "Config", "HostConfig"}
_STATE = {"Status", "Running", "ExitCode", "OOMKilled", "RestartCount"}
_STOP_TIMEOUT_S = 10
"""Seconds that Docker gives a container to stop; nothing is stopped here."""

_UP = ("running", "restarting", "paused")


def read(given: object, *, name: str, secrets: Sequence[str] = ()) -> Facts | None:
    """Understand a file's JSON about the container ``name``; ``None`` where it holds nothing that Aegis reads.

    ``secrets`` are literal ones to take out. Raises ``AegisError`` that names what cannot be understood.
    """
    if isinstance(given, list):
        given = given[0] if given else {}
    if not isinstance(given, dict):
        raise _unclear("it has to be an object, or a list with one")
    fields = _as_inspection(given)
    if not fields:
        return None
    try:
        inspection = Inspection.model_validate({"Name": f"/{name}", **fields})
    except ValidationError as error:
        places = {".".join(map(str, one["loc"])) for one in error.errors(include_input=False)}
        raise _unclear(f"look at {', '.join(sorted(places))}") from error
    return facts(inspection, host="", restart_timeout=_STOP_TIMEOUT_S, secrets=secrets)


def _as_inspection(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``docker inspect`` would have printed, as far as it is known."""
    if given.keys() & _WHOLE:
        inspection = dict(given)
    elif given.keys() & _STATE:
        inspection = {"RestartCount": given.get("RestartCount"), "State": given}
    else:
        inspection = _translated(given)
    state = inspection.get("State") or {}
    return inspection | {"State": _completed(state)} if inspection and isinstance(state, dict) else inspection


def _translated(given: Mapping[str, Any]) -> dict[str, Any]:
    inspection: dict[str, Any] = {}
    for name, path in _PATHS.items():
        value = given.get(name)
        if value is None:
            continue
        if name == "probes" and isinstance(value, list):
            value = [
                {_PROBE.get(key, key): part for key, part in one.items()} for one in value if isinstance(one, dict)
            ]
        place = inspection
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value
    return inspection


def _completed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what a hand-written state leaves out from the rest of it."""
    status = state.get("Status") or next((word for word in ("restarting", "paused") if state.get(word.title())), "")
    if not status:
        finished = str(state.get("FinishedAt") or "")
        ended = any(state.get(key) for key in ("ExitCode", "OOMKilled", "Error"))
        ended = ended or (not finished.startswith("0001") and finished > str(state.get("StartedAt") or ""))
        status = "running" if state.get("Running", not ended) else "exited"
    return {"Running": status in _UP, **state, "Status": status}


def _unclear(why: str) -> AegisError:
    return AegisError(f"The facts cannot be understood: {why}.", hint="Try: docker inspect NAME > facts.json")
