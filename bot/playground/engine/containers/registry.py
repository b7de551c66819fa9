"""All containers of the engine, to be created, found and listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.playground.engine.containers import config
from bot.playground.engine.containers import image as engine_image
from bot.playground.engine.containers.container import Container
from bot.playground.engine.containers.events import Filters
from bot.playground.engine.containers.image import ProcessImage
from bot.playground.engine.containers.lifecycle import EngineParts, Lifecycle
from bot.playground.engine.containers.network import BUILT_IN
from bot.playground.engine.errors import EngineRefusal

Json = dict[str, Any]


class Containers:
    """The containers of one engine."""

    def __init__(self, images: Mapping[str, ProcessImage], around: EngineParts) -> None:
        self._images = images
        self._around = around
        self._all: dict[str, Container] = {}

    @property
    def all(self) -> list[Container]:
        """All that are not removed, newest first."""
        return [container for container in reversed(self._all.values()) if not container.removed]

    def create(self, name: str, body: Mapping[str, Any]) -> Container:
        """Make a container. Raises ``EngineRefusal``."""
        if not config.NAME.fullmatch(name):
            raise EngineRefusal(400, f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        if not body:
            raise EngineRefusal(400, "Config cannot be empty in order to create a container")
        _, image = engine_image.find(self._images, str(body.get("Image") or ""))
        order = config.read(body, image)
        container = Container(self._free_name(name), order, image, self._around)
        self._all = {known.id: known for known in self._all.values() if not known.removed} | {container.id: container}
        return container

    def find(self, key: str) -> Container:
        """Return the container of this full id, else of this name, else the one whose id begins so.

        Raises ``EngineRefusal``: 404, or 500 where several begin so.
        """
        live = {container.id: container for container in self.all}
        if key in live:
            return live[key]
        for container in live.values():
            if container.name == key.removeprefix("/"):
                return container
        begin = [container for id_, container in live.items() if key and id_.startswith(key)]
        if len(begin) > 1:
            raise EngineRefusal(500, f"Multiple IDs found with provided prefix: {key}")
        if not begin:
            raise EngineRefusal(404, f"No such container: {key}")
        return begin[0]

    def listed(self, filters: Filters, *, everything: bool) -> list[Container]:
        """Return the containers with the labels that are asked for, newest first.

        Raises ``EngineRefusal`` for another filter.
        """
        for name in filters.keys() - {"label"}:
            raise EngineRefusal(400, f"Invalid filter '{name}'")
        asked = filters.get("label", frozenset())
        return [
            container
            for container in self.all
            if (everything or container.state.running) and all(_has(container.order.labels, label) for label in asked)
        ]

    def hosts(self, asking: Lifecycle) -> str:
        """Return the addresses of the containers in the same networks: ``orders-db:5432=127.0.0.1:40001,…``.

        As with Docker's own DNS, a network that was made by hand gives names, and the default one none.
        """
        shared = asking.order.networks.keys() - BUILT_IN.keys()
        known: dict[str, str] = {}
        for container in self.all:
            in_common = shared & container.order.networks.keys()
            if container is asking or not in_common:
                continue
            names = {container.name} | {alias for network in in_common for alias in container.order.networks[network]}
            for port, inner in container.inner.items():
                known |= {f"{name}:{port.partition('/')[0]}": f"127.0.0.1:{inner}" for name in sorted(names)}
        return ",".join(f"{name}={address}" for name, address in known.items())

    def _free_name(self, name: str) -> str:
        taken = {container.name: container.id for container in self.all}
        wanted = name.removeprefix("/")
        if wanted in taken:
            raise EngineRefusal(
                409,
                f'Conflict. The container name "/{wanted}" is already in use by container "{taken[wanted]}". '
                "You have to remove (or rename) that container to be able to reuse that name.",
            )
        return wanted


def read_filters(text: str) -> Filters:
    """Read the ``filters`` of a query: ``{"name": ["a"]}``, or ``{"name": {"a": true}}`` as older programs write it."""
    if not text:
        return {}
    try:
        filters = json.loads(text)
        return {name: frozenset(map(str, wanted)) for name, wanted in filters.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise EngineRefusal(500, f"invalid filter: {text[:200]}") from error


def _has(labels: Mapping[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in labels and (not equals or labels[name] == value)
