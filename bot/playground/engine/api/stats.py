"""Memory, CPU and processes of a container, as Docker reports them."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from typing import Any

from bot.playground.engine.containers.container import Container
from bot.playground.engine.errors import NEVER_TIME, EngineRefusal, format_time
from bot.playground.engine.processes import usage

Json = dict[str, Any]
_NO_CPU: Json = {
    "cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
    "throttling_data": {},
}


async def sample(container: Container) -> Json:
    """Take a sample. Of a container that is down it has nothing in it, as in Docker."""
    run = container.run
    now = await usage.read_usage(run.process.shim) if run else None
    taken: Json = {
        "read": NEVER_TIME if run is None else format_time(time.time_ns()),
        "preread": NEVER_TIME,
        "pids_stats": {},
        "blkio_stats": {},
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": dict(_NO_CPU),
        "precpu_stats": dict(_NO_CPU),
        "memory_stats": {},
        "name": f"/{container.name}",
        "id": container.id,
    }
    if now is None:
        return taken
    limit = int(container.order.host["Memory"] or 0) or usage.memory_of_machine()
    taken["memory_stats"] = {"usage": now.memory, "stats": {"rss": now.memory, "inactive_file": 0}, "limit": limit}
    if now.tasks is not None:
        taken["pids_stats"] = {"current": now.tasks}
    if now.user is not None and now.system is not None:
        used = {
            "total_usage": now.user + now.system,
            "usage_in_usermode": now.user,
            "usage_in_kernelmode": now.system,
        }
        machine = {"system_cpu_usage": usage.read_processor_time(), "online_cpus": os.cpu_count() or 1}
        taken["cpu_stats"] = {"cpu_usage": used, **machine, "throttling_data": {}}
    return taken


async def processes(container: Container, arguments: str) -> Json:
    """Answer ``GET …/top``: what ``ps`` with these arguments says of the container's processes."""
    run = container.run
    if run is None:
        if container.state.restarting:
            raise EngineRefusal(409, f"Container {container.id} is restarting, wait until the container is running")
        raise EngineRefusal(409, f"Container {container.id} is not running")
    ps = shutil.which("ps")
    if ps is None:
        raise EngineRefusal(500, 'error running ps: exec: "ps": executable file not found in $PATH')
    now = await usage.read_usage(run.process.shim)
    asked = await asyncio.create_subprocess_exec(
        *(ps, *arguments.split()), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complained = await asked.communicate()
    if asked.returncode:
        raise EngineRefusal(500, f"ps: {complained.decode('utf-8', 'replace').strip().partition(chr(10))[0]}")
    return _table(output.decode("utf-8", "replace"), frozenset(now.memory_of) if now else frozenset())


def _table(output: str, pids: frozenset[int]) -> Json:
    titles, *lines = output.splitlines() or [""]
    names = titles.split()
    if "PID" not in names:
        raise EngineRefusal(500, "Couldn't find PID field in ps output")
    column = names.index("PID")
    rows = [line.split(None, len(names) - 1) for line in lines]
    own_rows = [row for row in rows if len(row) > column and row[column].isdecimal() and int(row[column]) in pids]
    return {"Titles": names, "Processes": own_rows}
