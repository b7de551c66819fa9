"""Neighbours of a target in the engine's list; its events and its use as lines and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.docker import events, listing
from bot.adapters.docker.stats import describe_usage, usage
from bot.domain.evidence import Neighbour, Usage
from tests.adapters.docker.test_inspection import look

FACTS = look()


def row(name: str, status: str = "running", says: str = "Up 5 minutes", **changes: Any) -> dict[str, Any]:
    networks: dict[str, object] = {network: {} for network in changes.get("networks", ("shop_default",))}
    return {
        "Id": name * 8,
        "Names": [f"/{name}"],
        "State": status,
        "Status": says,
        "Labels": changes.get("labels", {}),
        "NetworkSettings": {"Networks": networks},
    }


def test_neighbours_in_trouble_are_listed_after_named_ones() -> None:
    rows = [
        row("cache", says="Up 2 hours (unhealthy)"),
        row("db", "exited", "Exited (137) 3 minutes ago"),
        row("migrate", "exited", "Exited (0) 2 hours ago"),
        row("queue"),
        row("web"),
        row("stranger", "dead", "Dead", networks=("other",)),
        {**row("buggy-app-v2", "exited"), "Id": FACTS.container_id},
    ]
    found = listing.neighbours(rows, FACTS, ["cannot connect to queue:5672"])
    assert found == (
        Neighbour("queue", "running", None, "Up 5 minutes", named_in_log=True),
        Neighbour("cache", "running", "unhealthy", "Up 2 hours (unhealthy)"),
        Neighbour("db", "exited", None, "Exited (137) 3 minutes ago"),
    )


def test_a_compose_service_is_known_by_its_service_name() -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "redis"}
    rows = [row("shop-redis-1", "exited", "Exited (0) 1 minute ago", labels=labels, networks=())]
    (found,) = listing.neighbours(rows, FACTS, ["dial tcp: lookup redis on 127.0.0.11:53: no such host"])
    assert (found.name, found.named_in_log) == ("shop-redis-1", True)


def test_the_default_bridge_makes_no_neighbours_of_strangers() -> None:
    facts = replace(FACTS, networks=("bridge",), labels=())
    rows = [row("stranger", "exited", "Exited (1) 1 minute ago", networks=("bridge",))]
    assert listing.neighbours(rows, facts, []) == ()
    assert len(listing.neighbours(rows, facts, ["no answer from stranger"])) == 1


def test_a_name_inside_another_word_is_not_named() -> None:
    assert listing.neighbours([row("db")], FACTS, ["dbus failed", "my-db-2", "x.db"]) == ()


def test_many_neighbours_are_bounded() -> None:
    rows = [row(f"worker-{n}", "exited", "Exited (1) 1 minute ago") for n in range(99)]
    assert len(listing.neighbours(rows, FACTS, [])) == 20


def event(action: str, second: int = 0, **attributes: str) -> dict[str, Any]:
    return {"Type": "container", "Action": action, "time": 1_795_341_600 + second, "Actor": {"Attributes": attributes}}


def test_events_are_told_by_time_with_codes() -> None:
    describe_usage = [
        event("kill", signal="15"),
        event("die", 1, exitCode="137"),
        event("oom", 2),
        event("health_status: unhealthy", 3),
    ]
    assert events.lines(describe_usage) == (
        "10:00:00 kill, signal 15",
        "10:00:01 die, exit code 137",
        "10:00:02 oom",
        "10:00:03 health_status: unhealthy",
    )


def test_health_checks_run_as_exec_are_not_events_of_interest() -> None:
    assert events.lines([event("exec_create: sh -c curl -u admin:hunter2 x"), event("start")]) == ("10:00:00 start",)


def test_a_crash_loop_is_counted() -> None:
    describe_usage = [event(action, n) for n in range(30) for action in ("die", "start")]
    lines = events.lines(describe_usage)
    assert lines[0] == "before: die ×20, start ×20"
    assert len(lines) == 21


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_a_stream_of_events_cut_anywhere_is_read_without_an_error(chunks: list[bytes]) -> None:
    events.lines(events.decode(chunks))


def test_events_are_decoded_wherever_the_stream_is_cut() -> None:
    stream = b'{"Action":"die","time":1}\n{"Action":"start","time":2}\n'
    chunks = [stream[n : n + 3] for n in range(0, len(stream), 3)]
    assert [one["Action"] for one in events.decode(chunks)] == ["die", "start"]


@pytest.mark.parametrize("cache", ["total_inactive_file", "inactive_file"])
def test_use_is_without_the_page_cache_and_cpu_unknown_from_one_sample(cache: str) -> None:
    sample = {
        "memory_stats": {"usage": 100, "limit": 500, "stats": {cache: 30}},
        "pids_stats": {"current": 7, "limit": 2**64 - 1},
        "cpu_stats": {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 50, "online_cpus": 2},
        "precpu_stats": {"cpu_usage": {"total_usage": 0}},
    }
    assert usage(sample, replace(FACTS, memory_limit=500)) == Usage(70, 500, None, 7, None)
    assert usage(sample, FACTS).memory_limit is None


def test_cpu_is_known_from_two_samples() -> None:
    sample = {
        "cpu_stats": {"cpu_usage": {"total_usage": 600}, "system_cpu_usage": 2000, "online_cpus": 2},
        "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
    }
    assert usage(sample, FACTS).cpu_percent == 100.0


@pytest.mark.parametrize("sample", [{}, {"memory_stats": {}}, {"memory_stats": None, "pids_stats": 3}])
def test_a_sample_without_numbers_is_unknown_not_zero(sample: dict[str, Any]) -> None:
    assert usage(sample, FACTS) == Usage()


def test_a_neighbour_made_within_the_hour_is_shown_although_it_is_well() -> None:
    rows = [{**row("db"), "Created": 2_000}, {**row("cache"), "Created": 900}, {**row("web"), "Created": "never"}]
    (found,) = listing.neighbours(rows, FACTS, [], new_since=1_000)
    assert (found.name, found.detail) == ("db", "made within the hour, Up 5 minutes")


def test_limits_that_hold_it_up_are_told() -> None:
    sample = {
        "cpu_stats": {"throttling_data": {"periods": 400, "throttled_periods": 300}},
        "memory_stats": {"usage": 5},
        "pids_stats": {"current": 90, "limit": 100},
    }
    facts = look(HostConfig={"NanoCpus": 500_000_000})
    used = usage(sample, facts)
    assert (facts.cpu_limit, used.throttled_percent) == (0.5, 75.0)
    assert describe_usage(used, facts) == "throttled 75 % of the time by 0.5 CPU, 90 of 100 processes"
    assert describe_usage(usage({"memory_stats": {"usage": 5}}, FACTS), FACTS) == "one sample"


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ({}, 0.0),
        ({"CpuQuota": 150_000}, 1.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 50_000}, 1.0),
        ({"CpuQuota": -1}, 0.0),
    ],
)
def test_the_cpu_limit_is_read_in_cores(limits: dict[str, int], cores: float) -> None:
    assert look(HostConfig=limits).cpu_limit == cores
