"""Networks of the demo engine: names that containers share.

All processes are on this machine's loopback all the same.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.engine.containers.events import EngineEvents, Filters
from bot.playground.engine.errors import EngineRefusal, format_time

Json = dict[str, Any]
BUILT_IN = {"bridge": "bridge", "host": "host", "none": "null"}
ADDRESS = "127.0.0.1"


@dataclass(slots=True)
class Network:
    """A network; ``attached`` holds the ids of the running containers in it."""

    name: str
    driver: str = "bridge"
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    created: int = field(default_factory=time.time_ns)
    labels: dict[str, str] = field(default_factory=dict)
    attached: set[str] = field(default_factory=set)

    def shown(self) -> Json:
        """Return it as the API shows it."""
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": format_time(self.created),
            "Scope": "local",
            "Driver": self.driver,
            "Labels": self.labels,
        }


class Networks:
    """All networks of the engine; three are always there."""

    def __init__(self, events: EngineEvents) -> None:
        self._events = events
        self._all = [Network(name, driver) for name, driver in BUILT_IN.items()]

    def listed(self, filters: Filters) -> list[Network]:
        """Return the networks that are asked for by label. Raises ``EngineRefusal`` for another filter."""
        return [network for network in self._all if _fits(network, filters)]

    def find(self, key: str) -> Network:
        """Return the network of this id or name, or whose id begins so. Raises ``EngineRefusal`` (404)."""
        matches = [network for network in self._all if network.id == key]
        matches += [network for network in self._all if network.name == key]
        matches += [network for network in self._all if key and network.id.startswith(key)]
        if not matches:
            raise EngineRefusal(404, f"network {key} not found")
        return matches[0]

    def create(self, order: Mapping[str, Any]) -> Json:
        """Answer ``POST /networks/create``."""
        name = str(order.get("Name") or "")
        if not name.strip():
            raise EngineRefusal(500, f"invalid name: {name}")
        if any(network.name == name for network in self._all):
            raise EngineRefusal(409, f"network with name {name} already exists")
        driver = str(order.get("Driver") or "bridge")
        if driver != "bridge":
            raise EngineRefusal(404, f'plugin "{driver}" not found')
        network = Network(name, labels=dict(order.get("Labels") or {}))
        self._all.append(network)
        self._emit(network, "create")
        return {"Id": network.id, "Warning": ""}

    def remove(self, key: str) -> None:
        """Remove a network that nobody is in. Raises ``EngineRefusal``."""
        network = self.find(key)
        if network.name in BUILT_IN:
            raise EngineRefusal(403, f"{network.name} is a pre-defined network and cannot be removed")
        if network.attached:
            raise EngineRefusal(
                403, f"error while removing network: network {network.name} id {network.id} has active endpoints"
            )
        self._all.remove(network)
        self._emit(network, "destroy")

    def join(self, key: str, container: str) -> Json:
        """Attach a container that starts; return its endpoint as inspect shows it. Raises ``EngineRefusal``."""
        network = self.find(key)
        network.attached.add(container)
        return {"NetworkID": network.id, "IPAddress": ADDRESS, "IPPrefixLen": 8}

    def emit(self, key: str, action: str, container: str) -> None:
        """Emit an event of a container in a network."""
        self._emit(self.find(key), action, container)

    def leave(self, key: str, container: str) -> None:
        """Take a container out of a network; does nothing where it is not in it."""
        for network in self._all:
            if key in {network.name, network.id} and container in network.attached:
                network.attached.discard(container)
                self._emit(network, "disconnect", container)

    def _emit(self, network: Network, action: str, container: str = "") -> None:
        with_container = {"container": container} if container else {}
        self._events.emit(
            "network", action, network.id, with_container | {"name": network.name, "type": network.driver}
        )


def _fits(network: Network, filters: Filters) -> bool:
    labels = {*network.labels, *(f"{name}={value}" for name, value in network.labels.items())}
    for name, wanted in filters.items():
        if name != "label":
            raise EngineRefusal(400, f"Invalid filter '{name}'")
        if not wanted <= labels:
            return False
    return True
