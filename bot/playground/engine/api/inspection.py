"""The JSON of a container, for ``inspect`` and for the list."""

from __future__ import annotations

from typing import Any

from bot.playground.engine.containers.container import Container
from bot.playground.engine.containers.network import BUILT_IN
from bot.playground.engine.errors import NEVER_TIME, format_age, format_time

Json = dict[str, Any]
_ENDPOINT: Json = {
    "IPAMConfig": None,
    "Links": None,
    "Aliases": None,
    "NetworkID": "",
    "EndpointID": "",
    "Gateway": "",
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "MacAddress": "",
    "DriverOpts": None,
}


def inspection(container: Container) -> Json:
    """Answer ``GET /containers/{name}/json``."""
    argv, networks = container.order.argv, _networks(container)
    return {
        "Id": container.id,
        "Created": format_time(container.created),
        "Path": argv[0],
        "Args": argv[1:],
        "State": _state(container),
        "Image": container.image_id,
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": "",
        "Name": f"/{container.name}",
        "RestartCount": container.restarts,
        "Driver": "none",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": container.order.host,
        "GraphDriver": {"Name": "none", "Data": {}},
        "Mounts": [],
        "Config": container.order.config,
        "NetworkSettings": {
            "Bridge": "",
            "SandboxID": container.run.sandbox if container.run else "",
            "SandboxKey": "",
            "Ports": container.run.published.shown if container.run else {},
            "EndpointID": "",
            "Gateway": "",
            "IPAddress": networks["bridge"]["IPAddress"] if "bridge" in networks else "",
            "IPPrefixLen": networks["bridge"]["IPPrefixLen"] if "bridge" in networks else 0,
            "MacAddress": "",
            "Networks": networks,
        },
    }


def row(container: Container) -> Json:
    """Return the container's row in ``GET /containers/json``."""
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": container.order.config["Image"],
        "ImageID": container.image_id,
        "Command": container.order.command,
        "Created": container.created // 10**9,
        "Ports": _ports(container),
        "Labels": container.order.labels,
        "State": container.state.status,
        "Status": _says(container),
        "HostConfig": {"NetworkMode": container.order.host["NetworkMode"]},
        "NetworkSettings": {"Networks": _networks(container)},
        "Mounts": [],
    }


def _state(container: Container) -> Json:
    state = container.state
    shown: Json = {
        "Status": state.status,
        "Running": state.running,
        "Paused": False,
        "Restarting": state.restarting,
        "OOMKilled": state.out_of_memory,
        "Dead": False,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": format_time(state.started) if state.started else NEVER_TIME,
        "FinishedAt": format_time(state.finished) if state.finished else NEVER_TIME,
    }
    if container.health is not None:
        shown["Health"] = container.health.shown()
    return shown


def _says(container: Container) -> str:
    state = container.state
    match state.status:
        case "restarting":
            return f"Restarting ({state.exit_code}) {format_age(state.finished)} ago"
        case "running":
            health = container.health
            words = f"health: {health.status}" if health and health.status == "starting" else health and health.status
            return f"Up {format_age(state.started)}{f' ({words})' if words else ''}"
        case "exited":
            return f"Exited ({state.exit_code}) {format_age(state.finished)} ago"
    return "Created"


def _networks(container: Container) -> dict[str, Json]:
    here = container.run.endpoints if container.run else {}
    return {
        name: _ENDPOINT | {"Aliases": None if name in BUILT_IN else [*aliases, container.id[:12]]} | here.get(name, {})
        for name, aliases in container.order.networks.items()
    }


def _ports(container: Container) -> list[Json]:
    if container.run is None:
        return []
    rows: list[Json] = []
    for port, bindings in container.run.published.shown.items():
        number, _, kind = port.partition("/")
        inside = {"PrivatePort": int(number), "Type": kind}
        rows += [
            {"IP": binding["HostIp"], "PublicPort": int(binding["HostPort"]), **inside} for binding in bindings or ()
        ]
        rows += [] if bindings else [inside]
    return rows
