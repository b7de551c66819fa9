"""The settings of a container, completed the way Docker does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.engine.containers.image import ProcessImage
from bot.playground.engine.errors import EngineRefusal

Json = dict[str, Any]
NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_CONFIG: Json = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
_OPTIONAL = ("ExposedPorts", "Healthcheck", "StopTimeout")
"""What inspect shows only where it is set."""
_HOST: Json = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": None,
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "VolumesFrom": None,
    "CapAdd": None,
    "CapDrop": None,
    "Dns": None,
    "ExtraHosts": None,
    "IpcMode": "private",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "ShmSize": 67108864,
    "Runtime": "process",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "OomKillDisable": False,
    "PidsLimit": None,
    "Ulimits": None,
}


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """A restart policy by its Docker name; ``most`` retries after failures, 0 for no end."""

    name: str
    most: int

    def again(self, exit_code: int, count: int, *, by_hand: bool) -> bool:
        """Return True if a container that ended is started again (moby: restartmanager.ShouldRestart)."""
        match self.name:
            case "always" | "unless-stopped":
                return not by_hand
            case "on-failure":
                return not by_hand and exit_code != 0 and (self.most == 0 or count < self.most)
        return False


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """A container's settings: ``config`` and ``host`` as inspect shows them, ``networks`` with their aliases."""

    config: Json
    host: Json
    networks: dict[str, tuple[str, ...]]

    @property
    def argv(self) -> list[str]:
        """The command line of the first process."""
        return [*(self.config.get("Entrypoint") or ()), *(self.config.get("Cmd") or ())]

    @property
    def policy(self) -> RestartPolicy:
        """The rule by which the engine starts it again."""
        policy = self.host["RestartPolicy"] or {}
        return RestartPolicy(policy.get("Name") or "", int(policy.get("MaximumRetryCount") or 0))

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self.config["Labels"]  # type: ignore[no-any-return]

    @property
    def exposed(self) -> list[int]:
        """Its TCP ports, exposed and published, without repetition."""
        named = [*(self.config.get("ExposedPorts") or ()), *(self.host["PortBindings"] or ())]
        return list(dict.fromkeys(int(port.partition("/")[0]) for port in named if not port.endswith("/udp")))

    @property
    def command(self) -> str:
        """Its command line as the list shows it, with the arguments quoted where they need it."""
        argv = self.argv
        return " ".join(
            [argv[0], *(shlex.quote(word) if re.search(r"[^\w@%+=:,./-]", word) else word for word in argv[1:])]
        )


def read(body: Mapping[str, Any], image: ProcessImage) -> ContainerSettings:
    """Fill in what the image says and what Docker takes for granted. Raises ``EngineRefusal``."""
    given = _set(body)
    config = _CONFIG | {key: value for key, value in given.items() if key in _CONFIG or key in _OPTIONAL}
    own = image.config()
    config["Env"] = _environment(own["Env"], config.get("Env"))
    config["Labels"] = (own["Labels"] or {}) | (config.get("Labels") or {})
    config["ExposedPorts"] = (own["ExposedPorts"] or {}) | (config.get("ExposedPorts") or {})
    if not config.get("Entrypoint"):
        config["Entrypoint"] = own["Entrypoint"]
        config["Cmd"] = config.get("Cmd") or own["Cmd"]
    for name in ("Entrypoint", "Cmd"):
        if isinstance(config.get(name), str):
            config[name] = ["/bin/sh", "-c", config[name]]
    if config.get("Healthcheck"):
        config["Healthcheck"] = _set(config["Healthcheck"])
    if not config["ExposedPorts"]:
        del config["ExposedPorts"]
    host = _HOST | _set(body.get("HostConfig") or {})
    mode = str(host["NetworkMode"] or "default")
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    first = _network(mode)
    networks = {_network(name): tuple((wanted or {}).get("Aliases") or ()) for name, wanted in endpoints.items()}
    order = ContainerSettings(config, host, networks if first in networks else {first: (), **networks})
    if not order.argv:
        raise EngineRefusal(400, "No command specified")
    return order


def _network(name: str) -> str:
    return "bridge" if name == "default" else name


def _set(settings: Mapping[str, Any]) -> Json:
    """Return the settings that are set; docker-py sends the others as ``null``."""
    return {key: value for key, value in settings.items() if value is not None}


def _environment(own: list[str] | None, given: list[str] | None) -> list[str] | None:
    merged = {line.partition("=")[0]: line for line in (*(own or ()), *(given or ()))}
    return list(merged.values()) or None
