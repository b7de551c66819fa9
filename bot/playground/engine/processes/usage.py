"""Memory and CPU of a process tree, from /proc or ``ps``.

Process ids come from the kernel's own list of children, so that a tree is complete whatever its processes did.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_CLOCK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
KERNEL_LISTS_CHILDREN = (_PROC / f"self/task/{os.getpid()}/children").exists()
"""Whether the kernel lists a process's children; it can be built without (CONFIG_PROC_CHILDREN)."""
CHECK_INTERVAL_S = 0.1 if KERNEL_LISTS_CHILDREN else 0.5
"""Seconds between two looks that are worth their cost."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of a tree. ``memory_of`` each process in bytes (resident); ``user`` and ``system`` nanoseconds of CPU.

    CPU and ``tasks`` (threads) are ``None`` if the machine does not tell.
    """

    memory_of: Mapping[int, int]
    user: int | None = None
    system: int | None = None
    tasks: int | None = None

    @property
    def memory(self) -> int:
        """The bytes of all together; what they share is counted for each."""
        return sum(self.memory_of.values())

    @property
    def biggest(self) -> int:
        """The process that holds the most."""
        return max(self.memory_of, key=lambda pid: self.memory_of[pid])


async def read_usage(shim: int) -> Usage | None:
    """Return what the processes below ``shim`` use, or ``None`` if this machine does not tell."""
    return _from_proc(shim) if KERNEL_LISTS_CHILDREN else await _from_ps(shim)


def read_processor_time() -> int | None:
    """Return the nanoseconds that all processors of the machine ran, idle or not; ``None`` if it does not tell."""
    try:
        first = (_PROC / "stat").read_text().partition("\n")[0]
    except OSError:
        return None
    return sum(map(int, first.split()[1:9])) * 1_000_000_000 // _CLOCK


def memory_of_machine() -> int:
    """Return the bytes of memory that the machine has."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE if "SC_PHYS_PAGES" in os.sysconf_names else 0


def _from_proc(shim: int) -> Usage:
    memory: dict[int, int] = {}
    user = system = tasks = 0
    for pid in _descendants(shim):
        with suppress(OSError, ValueError, IndexError):
            # proc(5): what follows the name in brackets, which may hold anything.
            field = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
            user += int(field[11]) + int(field[13])
            system += int(field[12]) + int(field[14])
            tasks += int(field[17])
            memory[pid] = int(field[21]) * _PAGE
    tick = 1_000_000_000 // _CLOCK
    return Usage(memory, user * tick, system * tick, tasks)


def _descendants(root: int) -> Iterable[int]:
    waiting = list(_children(root))
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += _children(pid)


def _children(pid: int) -> list[int]:
    children = []
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    return children


async def _from_ps(shim: int) -> Usage | None:
    ps = shutil.which("ps")
    if ps is None:
        return None
    asked = await asyncio.create_subprocess_exec(
        *(ps, "-axo", "pid=,ppid=,rss="), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await asked.communicate()
    below: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for line in output.decode("ascii", "replace").splitlines():
        with suppress(ValueError):
            pid, parent, kilobytes = map(int, line.split())
            below[parent].append((pid, kilobytes * 1024))
    tree: dict[int, int] = {}
    waiting = list(below[shim])
    while waiting:
        pid, resident = waiting.pop()
        tree[pid] = resident
        waiting += below[pid]
    return Usage(tree)
