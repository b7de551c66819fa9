"""A target: host, kind and name, and its entry in an inventory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class TargetKind(StrEnum):
    """What a target is. The values are stored: they may be added to, never changed."""

    CONTAINER = "container"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One target. It is false where its name is empty: an alert that names nothing that is known."""

    #: Short name of the engine; ``""`` for the only one, which people need not name.
    host: str
    #: Container or service.
    kind: TargetKind
    #: Exact name on that engine.
    name: str

    def __bool__(self) -> bool:
        return bool(self.name)

    def __str__(self) -> str:
        return f"{self.host}/{self.name}" if self.host else self.name

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema by which pydantic reads stored JSON through ``from_stored``."""
        from pydantic_core import core_schema  # noqa: PLC0415 - most who name a target read no stored JSON

        return core_schema.no_info_plain_validator_function(from_stored)


@dataclass(frozen=True, slots=True)
class TargetId:
    """One container by its full id, which no other container ever has, and the engine that it is on."""

    host: str
    id: str

    def __bool__(self) -> bool:
        return bool(self.id)


def local_container(name: str) -> Target:
    """Return the container of this name on the only engine."""
    return Target("", TargetKind.CONTAINER, name)


def parse_target(written: str) -> Target:
    """Return the target that a person, a setting, a label or the runbook means by what is written."""
    return local_container(written)


def to_stored(target: Target) -> str | dict[str, str]:
    """Return what stands in stored JSON: the bare name for a container of the only engine, else all fields."""
    if local_container(target.name) == target:
        return target.name
    return {"host": target.host, "kind": target.kind.value, "name": target.name}


def from_stored(value: object) -> Target:
    """Return the target of what ``to_stored`` returned. Raise ``ValueError`` for anything else."""
    if isinstance(value, Target):
        return value
    if isinstance(value, str):
        return local_container(value)
    if isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("host", "kind", "name")):
        return Target(value["host"], TargetKind(value["kind"]), value["name"])
    raise ValueError("this is no target")


@dataclass(frozen=True, slots=True)
class KnownTarget:
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
    host: str = ""
    kind: TargetKind = TargetKind.CONTAINER

    @property
    def target(self) -> Target:
        """Return which target this is."""
        return Target(self.host, self.kind, self.name)
