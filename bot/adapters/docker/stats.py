"""Converts one sample of the engine's statistics to ``Usage``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.evidence import Facts, Usage

_NO_LIMIT = 2**62
"""The kernel writes "no limit" as a number near 2**63 or 2**64."""


def usage(sample: Mapping[str, Any], facts: Facts) -> Usage:
    """Read a sample; CPU is ``None`` where the engine gave no earlier sample to compare with, as in one shot."""
    memory = _part(sample, "memory_stats")
    pids = _part(sample, "pids_stats")
    return Usage(
        memory=_memory(memory),
        memory_limit=_number(memory, "limit") if facts.memory_limit else None,
        cpu_percent=_cpu(sample),
        pids=_number(pids, "current"),
        pids_limit=_number(pids, "limit"),
        throttled_percent=_throttled(sample),
    )


def describe_usage(used: Usage, facts: Facts) -> str:
    """Describe which limits are near or slow it down. The facts hold the memory."""
    parts = []
    if used.throttled_percent and used.throttled_percent >= 1:
        cores = f"{facts.cpu_limit:g} CPU{'s' if facts.cpu_limit > 1 else ''}" if facts.cpu_limit else "its CPU limit"
        parts.append(f"throttled {used.throttled_percent:.0f} % of the time by {cores}")
    if used.pids and used.pids_limit and used.pids * 2 >= used.pids_limit:
        parts.append(f"{used.pids:,} of {used.pids_limit:,} processes")
    return ", ".join(parts) or "one sample"


def _memory(memory: Mapping[str, Any]) -> int | None:
    used = _number(memory, "usage")
    if used is None:
        return None
    # The page cache that can be given back does not count, as in "docker stats": cgroup v1's name, then v2's.
    stats = _part(memory, "stats")
    cache = _number(stats, "total_inactive_file") or _number(stats, "inactive_file") or 0
    return used - cache if cache < used else used


def _cpu(sample: Mapping[str, Any]) -> float | None:
    now, before = _part(sample, "cpu_stats"), _part(sample, "precpu_stats")
    system, system_before = _number(now, "system_cpu_usage"), _number(before, "system_cpu_usage")
    total = _number(_part(now, "cpu_usage"), "total_usage")
    total_before = _number(_part(before, "cpu_usage"), "total_usage")
    if system is None or not system_before or total is None or total_before is None or system <= system_before:
        return None
    cores = _number(now, "online_cpus") or 1
    return round(max(0, total - total_before) / (system - system_before) * cores * 100, 1)


def _throttled(sample: Mapping[str, Any]) -> float | None:
    slices = _part(_part(sample, "cpu_stats"), "throttling_data")
    all_of_them, throttled = _number(slices, "periods"), _number(slices, "throttled_periods")
    return round(100 * throttled / all_of_them, 1) if all_of_them and throttled is not None else None


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(part: Mapping[str, Any], name: str) -> int | None:
    value = part.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NO_LIMIT else None
