"""Images of the demo engine, which are programs of this machine."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.playground.engine.errors import EngineRefusal, format_time

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProcessImage:
    """An image as a process.

    ``argv`` is the entrypoint, ``command`` what is appended to it unless the container brings its own, ``env`` what
    every process of it has, ``ports`` the TCP ports that it exposes, ``created`` nanoseconds since 1970.
    """

    argv: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: int = field(default_factory=time.time_ns)

    @property
    def id(self) -> str:
        """``sha256:`` and a digest of all that it holds; its time of making is not part of it."""
        what = [list(self.argv), list(self.command), dict(self.env), list(self.ports), dict(self.labels)]
        return f"sha256:{hashlib.sha256(json.dumps(what).encode()).hexdigest()}"

    def config(self) -> Json:
        """Return the image's ``Config`` as inspect shows it."""
        return {
            "Hostname": "",
            "User": "",
            "Tty": False,
            "Env": [f"{name}={value}" for name, value in self.env.items()] or None,
            "Cmd": list(self.command) or None,
            "Entrypoint": list(self.argv) or None,
            "ExposedPorts": {f"{port}/tcp": {} for port in self.ports} or None,
            "Labels": dict(self.labels) or None,
            "Volumes": None,
            "WorkingDir": "",
        }


def find(images: Mapping[str, ProcessImage], name: str) -> tuple[str, ProcessImage]:
    """Return an image and its first name; ``name`` may lack ``:latest``, or be an id or the beginning of one.

    Raises ``EngineRefusal`` (404).
    """
    tagged = name if ":" in name.rpartition("/")[2] or name.startswith("sha256:") else f"{name}:latest"
    if tagged in images:
        return tagged, images[tagged]
    digest = name.removeprefix("sha256:")
    for tag, image in images.items():
        if len(digest) >= 4 and image.id.removeprefix("sha256:").startswith(digest):
            return tag, image
    raise EngineRefusal(404, f"No such image: {tagged}")


def inspection(images: Mapping[str, ProcessImage], name: str) -> Json:
    """Answer ``GET /images/{name}/json``."""
    try:
        _, image = find(images, name)
    except EngineRefusal as refused:
        raise EngineRefusal(404, f"no such image: {name}: {refused.message}") from refused
    return {
        "Id": image.id,
        "RepoTags": _tags(images, image),
        "RepoDigests": [],
        "Parent": "",
        "Comment": "a program of this machine",
        "Created": format_time(image.created),
        "Container": "",
        "DockerVersion": "",
        "Author": "",
        "Config": image.config(),
        "Architecture": architecture(),
        "Os": "linux",
        "Size": 0,
        "VirtualSize": 0,
        "GraphDriver": {"Name": "none", "Data": {}},
        "RootFS": {"Type": "layers", "Layers": []},
        "Metadata": {"LastTagTime": format_time(image.created)},
    }


def architecture() -> str:
    """Return the machine's architecture by Go's name."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _tags(images: Mapping[str, ProcessImage], image: ProcessImage) -> list[str]:
    return [tag for tag, other in images.items() if other.id == image.id]
