"""Finds this process's own container and the addresses it needs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from bot.domain.own_containers import NeededAddress, Surroundings, own_ids

RESOLVE_S = 2.0
"""What resolving one host may take; a press waits for it."""
_PORTS = {"postgresql": 5432, "postgres": 5432, "tcp": 2375, "http": 2375, "https": 2376}
_MARKS = ("/.dockerenv", "/run/.containerenv")
"""Files by which Docker and Podman mark a container."""


class Around:
    """Looks at the surroundings, each time anew: addresses of containers change with their restarts."""

    def __init__(self, addresses: Iterable[str], root: Path = Path("/")) -> None:
        # An ssh server is no container, and its name may be one that only ssh knows.
        self._needs = [_host(address) for address in addresses if not address.startswith("ssh:")]
        self._root = root

    async def look(self) -> Surroundings:
        """Return the surroundings now. Raises nothing: what is not known is empty or ``None``."""
        proc = self._root / "proc/self"
        ids = own_ids(_text(proc / "mountinfo"), _text(proc / "cgroup"))
        needs = await asyncio.gather(*(_need(host, port) for host, port in self._needs if host))
        here = frozenset(one for need in needs for one in need.addresses or () if _is_of_this_machine(one))
        marked = any((self._root / mark.lstrip("/")).exists() for mark in _MARKS)
        return Surroundings(ids, tuple(needs), here, contained=bool(ids) or marked)


def _host(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        if "@" in parts.path:
            # What stands before is a part of a password that is not percent-encoded, and no host.
            return "", 0
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme.partition("+")[0], 0)
    except ValueError:
        return "", 0


async def _need(host: str, port: int) -> NeededAddress:
    try:
        async with asyncio.timeout(RESOLVE_S):
            resolved = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return NeededAddress(host, port, None)
    return NeededAddress(host, port, tuple(sorted({str(one[4][0]) for one in resolved})))


def _is_of_this_machine(address: str) -> bool:
    """Return True if a socket can be bound to the address; nothing is sent or received."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((address, 0))
    except OSError:
        return False
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
