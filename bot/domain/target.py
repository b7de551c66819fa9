"""One container of the inventory, with the names by which an alert may label it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One container that the engine knows now, and the other exact names by which an alert may label it.

    ``project`` and ``service`` are Compose's, ``swarm_service`` and ``swarm_task`` Swarm's. ``fell`` says that it went
    down within the last minute or so. ``addresses`` are its IP addresses, ``gateways`` those of the engine's machine in
    its networks, ``published`` its TCP ports on that machine, and ``host_network`` says that it has that machine's own
    addresses.
    """

    name: str
    container_id: str = ""
    status: str = ""
    project: str = ""
    service: str = ""
    swarm_service: str = ""
    swarm_task: str = ""
    fell: bool = False
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    published: tuple[tuple[str, int], ...] = ()
    host_network: bool = False
