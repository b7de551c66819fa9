"""What a process finds out about itself: its container from /proc, and what it needs from the resolver."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from bot.adapters.own_process import Around
from bot.domain.own_containers import NeededAddress

ID = "a1" * 32


def machine(root: Path, *, mountinfo: str = "", cgroup: str = "", mark: str = "") -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mountinfo)
    (root / "proc/self/cgroup").write_text(cgroup)
    if mark:
        (root / mark).parent.mkdir(exist_ok=True)
        (root / mark).write_text("")
    return root


async def test_the_id_is_read_from_the_kernel(tmp_path: Path) -> None:
    mounts = f"1 2 8:1 /docker/containers/{ID}/hosts /etc/hosts rw - ext4 /dev/sda rw\n"
    seen = await Around((), machine(tmp_path, mountinfo=mounts, cgroup="0::/\n")).look()
    assert seen.ids == {ID}
    assert seen.contained


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
async def test_a_container_without_an_id_is_still_a_container(mark: str, tmp_path: Path) -> None:
    seen = await Around((), machine(tmp_path, cgroup="0::/\n", mark=mark)).look()
    assert (seen.ids, seen.contained) == (frozenset(), True)


async def test_a_machine_without_proc_knows_nothing_and_goes_on(tmp_path: Path) -> None:
    seen = await Around((), tmp_path).look()
    assert (seen.ids, seen.needs, seen.contained) == (frozenset(), (), False)


async def test_what_is_needed_is_resolved_with_its_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(host: str, *_: object, **__: object) -> list[object]:
        known = {"db": ["10.1.1.1", "127.0.0.1"], "proxy": ["10.1.1.2"]}
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    addresses = (
        "postgresql+asyncpg://aegis:secret@db/aegis",
        *("tcp://proxy:2375", "https://gone", "unix:///var/run/docker.sock", "sqlite:///aegis.db", "ssh://me@alias"),
        *("", "postgresql://me:p@ss/w:rd@db/aegis"),
    )
    seen = await Around(addresses, tmp_path).look()
    assert seen.needs == (
        NeededAddress("db", 5432, ("10.1.1.1", "127.0.0.1")),
        NeededAddress("proxy", 2375, ("10.1.1.2",)),
        NeededAddress("gone", 2376, None),
    )
    assert seen.machine == {"127.0.0.1"}
