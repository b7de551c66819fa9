"""From the engine's answer to facts: every state, ports, times, limits, and null in every place."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.docker.inspection import facts, read
from bot.domain.evidence import Facts, HealthProbe, Port
from bot.errors import EngineError
from tests.adapters.conftest import INSPECT


def look(**changes: Any) -> Facts:
    """Return the facts of the example, with parts of it changed."""
    answer = deepcopy(INSPECT)
    for part, values in changes.items():
        answer[part] = {**answer[part], **values} if isinstance(values, dict) else values
    return facts(read(answer), host="shop-host-1", restart_timeout=10)


def test_the_name_loses_one_slash_and_keeps_its_case() -> None:
    assert look(Name="/Buggy-App-V2").name == "Buggy-App-V2"
    assert look(Name="//x1").name == "/x1"


def test_a_crash_loop_runs_and_restarts_at_once() -> None:
    seen = look(State={"Status": "restarting", "Running": True, "Restarting": True, "ExitCode": 3}, RestartCount=7)
    assert (seen.running, seen.restarting, seen.exit_code, seen.restart_count) == (True, True, 3, 7)


def test_never_is_an_empty_time() -> None:
    never = "0001-01-01T00:00:00Z"
    seen = look(State={"Status": "created", "Running": False, "StartedAt": never, "FinishedAt": never})
    assert (seen.started_at, seen.finished_at, seen.status) == ("", "", "created")


def test_times_are_the_engines_own_nine_digits() -> None:
    assert look().started_at == "2026-11-22T10:00:00.000000009Z"


@pytest.mark.fault(61)
@pytest.mark.parametrize("health", [None, {}, {"Status": "none"}, {"Status": ""}])
def test_no_health_check_is_not_healthy_and_not_sick(health: object) -> None:
    assert look(State={**INSPECT["State"], "Health": health}).health is None


def test_health_probes_are_one_clean_line_each() -> None:
    log = [
        {"Start": f"t{n}", "ExitCode": 1, "Output": "\x1b[31mdial tcp\x1b[0m\n refused\x00" + "x" * 9000}
        for n in range(7)
    ]
    seen = look(State={**INSPECT["State"], "Health": {"Status": "unhealthy", "Log": log}})
    assert seen.health == "unhealthy"
    assert [probe.at for probe in seen.probes] == ["t2", "t3", "t4", "t5", "t6"]
    assert seen.probes[0].output.startswith("dial tcp ⏎  refusedxxx")
    assert len(seen.probes[0].output) == 500
    assert isinstance(seen.probes[0], HealthProbe)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({}, 10),
        ({"StopTimeout": 0}, 0),
        ({"StopTimeout": 120}, 120),
        ({"StopTimeout": -1}, 600),
        ({"StopTimeout": 120, "Labels": {"aegis.stop-timeout": "45"}}, 45),
        ({"StopTimeout": 120, "Labels": {"aegis.stop-timeout": "soon"}}, 120),
        ({"Labels": {"aegis.stop-timeout": "-5"}}, 10),
        ({"Labels": {"aegis.stop-timeout": "99999"}}, 600),
    ],
)
def test_the_stop_time_out_is_the_labels_then_the_containers_then_ours(config: dict[str, Any], seconds: int) -> None:
    assert look(Config=config).stop_timeout == seconds


@pytest.mark.parametrize(
    ("asked", "random"), [("", True), ("0", True), ("8000-8010", True), ("18080", False), (None, True)]
)
def test_a_port_nobody_asked_for_by_number_is_the_engines_choice(asked: str | None, random: bool) -> None:
    bindings = {} if asked is None else {"8080/tcp": [{"HostIp": "", "HostPort": asked}]}
    published = {"8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}], "9000/udp": None}
    seen = look(HostConfig={"PortBindings": bindings}, NetworkSettings={"Ports": published})
    assert seen.ports == (Port(8080, "tcp", "0.0.0.0", 18080, random),)


def test_its_addresses_and_names_in_its_networks_are_known() -> None:
    ends = {
        "shop": {"IPAddress": "172.18.0.5", "GlobalIPv6Address": "fd00::5", "Aliases": ["web", "d179645ee618"]},
        "other": {
            "IPAddress": "172.19.0.2",
            "GlobalIPv6Address": "",
            "Aliases": None,
            "DNSNames": ["web", "shop-web-1"],
        },
        "leaving": None,
    }
    seen = look(NetworkSettings={"Networks": ends})
    assert seen.networks == ("leaving", "other", "shop")
    assert seen.addresses == ("172.18.0.5", "172.19.0.2", "fd00::5")
    assert seen.aliases == ("d179645ee618", "shop-web-1", "web")


def test_only_labels_that_mean_something_are_kept() -> None:
    labels = {"aegis.protect": "true", "com.docker.swarm.service.name": "shop_web", "team": "x", "maintainer": "y"}
    seen = look(Config={"Labels": labels})
    assert seen.labels == (("aegis.protect", "true"), ("com.docker.swarm.service.name", "shop_web"))
    assert seen.swarm_service == "shop_web"


def test_null_in_every_place_is_no_error() -> None:
    answer = dict.fromkeys(INSPECT) | {"Id": INSPECT["Id"], "Name": "/x1"}
    bare = facts(read(answer), host="", restart_timeout=10)
    assert (bare.status, bare.running, bare.ports, bare.networks, bare.health) == ("", False, (), (), None)
    parts = {key: dict.fromkeys(value) if isinstance(value, dict) else value for key, value in INSPECT.items()}
    assert facts(read(parts), host="", restart_timeout=10).stop_timeout == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"Id": "d179645ee618"},
        {"Id": INSPECT["Id"].upper()},
        {"Id": None},
        {"Name": "buggy-app-v2"},
        {"Name": None},
        {"State": "running"},
        {"RestartCount": "many"},
    ],
)
def test_what_is_no_answer_to_inspect_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(EngineError) as told:
        read({**INSPECT, **changes})
    assert type(told.value) is EngineError


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(INSPECT)), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["State", "Config", "HostConfig", "NetworkSettings", "Name", "Id"]), JSON))
def test_any_answer_gives_facts_or_an_engine_error(answer: dict[str, Any]) -> None:
    try:
        read({**INSPECT, **answer})
    except EngineError:
        return


@given(st.text(max_size=300))
def test_an_engines_error_text_is_one_bounded_printable_line(error: str) -> None:
    seen = look(State={**INSPECT["State"], "Error": error})
    assert len(seen.error) <= 500
    assert not set(seen.error) & set("\n\r\x00\x1b\u202e")
