"""Finds Aegis's own containers and those that it needs.

It goes by id, name, address and published port.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.addresses.metadata import IPAddress, parse_address
from bot.domain.target import KnownTarget

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_BY_THE_ENGINE = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/run/.containerenv", "/dev/shm")  # noqa: S108
"""Where engines mount files that lie in a folder named after the container."""


@dataclass(frozen=True, slots=True)
class NeededAddress:
    """An address that Aegis connects to. ``addresses`` is ``None`` if the host's name cannot be resolved now."""

    host: str
    port: int
    addresses: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the kernel and the resolver know: container ids of this process, what it needs, this machine's addresses.

    ``contained`` says that the process runs in a container, whichever it is.
    """

    ids: frozenset[str] = frozenset()
    needs: tuple[NeededAddress, ...] = ()
    machine: frozenset[str] = frozenset()
    contained: bool = False


@dataclass(frozen=True, slots=True)
class OwnContainers:
    """Names and ids that are never restarted, and sentences about what cannot be known.

    ``certain`` is False if a host could not be resolved: then any container may be the one.
    """

    words: frozenset[str]
    certain: bool = True
    unknown: tuple[str, ...] = ()

    def protected(self, target: str, others: frozenset[str] | None = frozenset()) -> frozenset[str] | None:
        """Return what is never restarted; ``None`` if ``target`` may be among it and that is not known."""
        if others is None or (not self.certain and target not in self.words):
            return None
        return self.words | others


def own_ids(mountinfo: str, cgroup: str) -> frozenset[str]:
    """Return the ids of the containers that a process runs in, from its ``mountinfo`` and ``cgroup`` in /proc.

    With cgroup v2 and a namespace of its own a container reads only ``0::/``; the engine's mounts still carry the id.
    On the engine's machine the ids of others stand in mount points and file systems, never in these places.
    """
    found: set[str] = set()
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4 and fields[4] in _BY_THE_ENGINE:
            found.update(_ID.findall(fields[3]))
    for line in cgroup.splitlines():
        path = line.split(":", 2)[-1]
        if "conmon" not in path:
            found.update(_ID.findall(path))
    return frozenset(found)


def find_own_containers(inventory: Sequence[KnownTarget], hosts: Sequence[str], around: Surroundings) -> OwnContainers:
    """Return the containers that Aegis is or needs.

    ``hosts`` are names that may be a container's name, service or short id: this machine's host name, and the hosts of
    the database and of the engine's address.
    """
    named = {host for host in hosts if host}
    mine = {
        (target.container_id, target.name): target
        for target in inventory
        if target.container_id in around.ids
        or target.name in named
        or target.service in named
        or target.container_id[:12] in named
    }
    itself = [target for target in inventory if target.container_id in around.ids]
    unknown: list[str] = []
    certain = True
    if around.contained and not itself and not any(target.container_id[:12] in named for target in inventory):
        unknown.append("Aegis runs in a container, but which one cannot be told from inside.")
    machine = _parsed([*around.machine, *(gateway for target in inventory for gateway in target.gateways)])
    for need in around.needs:
        found = [target for target in inventory if _is_needed(target, need, machine)]
        mine |= {(target.container_id, target.name): target for target in found}
        if found or any(need.host in (target.name, target.service) for target in inventory):
            continue
        if need.addresses is None:
            certain = False
            unknown.append(f"The host {need.host} cannot be resolved, so it may be any container.")
        elif _at(need, machine) and any(target.host_network for target in inventory):
            unknown.append(f"What listens at {need.host}:{need.port} may be a container in the host's network.")
    words = frozenset(word for target in mine.values() for word in (target.name, target.container_id) if word)
    return OwnContainers(words, certain, tuple(unknown))


def _is_needed(target: KnownTarget, need: NeededAddress, machine: set[IPAddress]) -> bool:
    reached = _parsed(need.addresses or ())
    # A loopback address is this machine's own: it leads to a container only by a published port.
    if {address for address in reached if not address.is_loopback} & _parsed(target.addresses):
        return True
    for host_ip, port in target.published:
        published = parse_address(host_ip) if host_ip else None
        everywhere = published is None or published.is_unspecified
        if port == need.port and (published in reached or (everywhere and _at(need, machine))):
            return True
    return False


def _at(need: NeededAddress, machine: set[IPAddress]) -> bool:
    return any(one.is_loopback or one in machine for one in _parsed(need.addresses or ()))


def _parsed(addresses: Iterable[str]) -> set[IPAddress]:
    return {parsed for one in addresses if (parsed := parse_address(one.partition("%")[0])) is not None}
