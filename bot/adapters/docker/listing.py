"""Builds the inventory and finds a target's related containers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.adapters.docker.text import safe
from bot.domain.evidence import Facts, Neighbour
from bot.domain.target import KnownTarget

MOST_NEIGHBOURS = 20
LONGEST_NAME_CHARS = 255
"""Characters of a name that is looked for in a log; a host name, by which containers find each other, has fewer."""

_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)")
_FELL = re.compile(r"^(?:Exited|Restarting) \(-?\d+\) (?:Less than a second|\d+ seconds?|About a minute) ago")
_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_SHARED_BY_ALL = frozenset({"bridge", "host", "none"})
"""Networks that containers share without having anything to do with each other."""


def targets(rows: Iterable[Mapping[str, Any]]) -> tuple[KnownTarget, ...]:
    """Return every listed container as a target, by name."""
    results = []
    for row in rows:
        labels = _labels(row)
        name = _name(row)
        if name:
            results.append(
                KnownTarget(
                    name=name,
                    container_id=str(row.get("Id", "")),
                    status=str(row.get("State", "")),
                    project=labels.get(_PROJECT, ""),
                    service=labels.get(_SERVICE, ""),
                    swarm_service=labels.get("com.docker.swarm.service.name", ""),
                    swarm_task=labels.get("com.docker.swarm.task.name", ""),
                    fell=_FELL.search(str(row.get("Status", ""))) is not None,
                    addresses=_of_endpoints(row, "IPAddress", "GlobalIPv6Address"),
                    gateways=_of_endpoints(row, "Gateway", "IPv6Gateway"),
                    published=_published(row),
                    host_network="host" in _networks(row),
                )
            )
    return tuple(sorted(results, key=lambda target: target.name))


def neighbours(
    rows: Iterable[Mapping[str, Any]],
    facts: Facts,
    log: Sequence[str],
    secrets: Sequence[str] = (),
    *,
    new_since: float = math.inf,
) -> tuple[Neighbour, ...]:
    """Return who shares a Compose project or network with the target and is not well, new, or named in its log.

    New is what was made after ``new_since`` (Unix time). Named ones come first; at most ``MOST_NEIGHBOURS``.
    """
    text = "\n".join(log)
    project = facts.label(_PROJECT)
    results = []
    for row in rows:
        name, labels = _name(row), _labels(row)
        shared = set(facts.networks) & _networks(row)
        same_project = bool(project) and labels.get(_PROJECT) == project
        if not name or row.get("Id") == facts.container_id or not (same_project or shared):
            continue
        named = any(_named(called, text) for called in {name, labels.get(_SERVICE, "")})
        close = same_project or shared - _SHARED_BY_ALL
        status, says = str(row.get("State", "")), str(row.get("Status", ""))
        health = _HEALTH.search(says)
        made = row.get("Created")
        new = isinstance(made, int) and made >= new_since and not _done(status, says)
        if named or (close and (new or _unwell(status, says))):
            status_text = f"made within the hour, {says}" if new else says
            results.append(
                Neighbour(name, status, health[1] if health else None, safe(status_text, 100, secrets), named)
            )
    return tuple(sorted(results, key=lambda one: (not one.named_in_log, one.name))[:MOST_NEIGHBOURS])


def _done(status: str, says: str) -> bool:
    # A container that exited with 0 has done its work: a migration, a job. It matters only where the log names it.
    return status == "exited" and says.startswith("Exited (0)")


def _unwell(status: str, says: str) -> bool:
    return (status != "running" and not _done(status, says)) or "(unhealthy)" in says


def _named(name: str, text: str) -> bool:
    return (
        1 < len(name) <= LONGEST_NAME_CHARS and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None
    )


def _name(row: Mapping[str, Any]) -> str:
    # Links of old give a container more names, with a slash inside: /web/db.
    status_text = row.get("Names")
    names = [str(name).removeprefix("/") for name in (status_text if isinstance(status_text, list) else ())]
    return next((name for name in names if "/" not in name), "")


def _labels(row: Mapping[str, Any]) -> Mapping[str, str]:
    labels = row.get("Labels")
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _networks(row: Mapping[str, Any]) -> set[str]:
    return set(_endpoints(row))


def _endpoints(row: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = row.get("NetworkSettings")
    networks = settings.get("Networks") if isinstance(settings, dict) else None
    return networks if isinstance(networks, dict) else {}


def _of_endpoints(row: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    ends = [end for end in _endpoints(row).values() if isinstance(end, dict)]
    return tuple(sorted({str(end[key]) for end in ends for key in keys if end.get(key)}))


def _published(row: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    ports = row.get("Ports")
    listed = [port for port in (ports if isinstance(ports, list) else ()) if isinstance(port, dict)]
    return tuple(
        sorted(
            (str(port.get("IP") or ""), port["PublicPort"])
            for port in listed
            if port.get("Type", "tcp") == "tcp" and isinstance(port.get("PublicPort"), int)
        )
    )
