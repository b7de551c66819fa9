"""compose.replicas.yaml holds together: every name in it exists, and it is locked up as compose.yaml is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import TABLE, load

ROOT = Path(__file__).parent.parent
ONE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
THREE: dict[str, Any] = yaml.safe_load((ROOT / "compose.replicas.yaml").read_text())
REPLICAS = [name for name in THREE["services"] if name.startswith("aegis")]


def test_there_are_three_replicas_alike() -> None:
    assert REPLICAS == ["aegis-1", "aegis-2", "aegis-3"]
    assert THREE["services"]["aegis-1"] == THREE["services"]["aegis-2"] == THREE["services"]["aegis-3"]


def test_every_network_volume_and_service_that_is_named_exists() -> None:
    for service in THREE["services"].values():
        assert set(service["networks"]) <= set(THREE["networks"])
        assert set(service.get("depends_on", ())) <= set(THREE["services"])
        named = [volume.split(":")[0] for volume in service.get("volumes", ())]
        for volume in named:
            assert volume in THREE["volumes"] or volume.startswith("/") or (ROOT / volume).exists(), volume


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_shares_a_network_with_all_that_it_connects_to(name: str) -> None:
    replica = THREE["services"][name]
    written = " ".join(replica["environment"].values())
    hosts = set(re.findall(r"(?://|@)([a-z][a-z0-9-]+)(?=[:/])", written))
    assert hosts >= {"socket-proxy", "postgres", "buggy-app-v2"}
    for host in hosts - {"aegis"}:  # the user of the database
        assert set(THREE["services"][host]["networks"]) & set(replica["networks"]), host


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replicas_settings_are_understood_and_say_that_the_work_is_shared(name: str) -> None:
    written = THREE["services"][name]["environment"]
    assert {one for one in written if one.startswith("AEGIS_")} <= {row.name for row in TABLE}
    environment = {one: re.sub(r"\$\{\w+:[-?]([^}]*)\}", r"\1", value) for one, value in written.items()}
    assert "$" not in written["AEGIS_DATABASE_URL"]
    environment["AEGIS_DATABASE_PASSWORD"] = "p@ss/w:rd%"
    settings = load(environment, env_file=None)
    assert settings.shared
    assert settings.database_url == "postgresql://aegis:p%40ss%2Fw%3Ard%25@postgres/aegis"


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_is_locked_up_as_the_single_one_is(name: str) -> None:
    alone, replica = ONE["services"]["aegis"], THREE["services"][name]
    for key in ("read_only", "tmpfs", "cap_drop", "security_opt", "labels", "stop_grace_period", "env_file", "build"):
        assert replica[key] == alone[key]


def test_the_proxy_lets_through_the_same_calls_from_the_replicas_alone() -> None:
    alone, shared = ONE["services"]["socket-proxy"], THREE["services"]["socket-proxy"]
    names = ",".join(REPLICAS)
    assert [flag.replace(f"-allowfrom={names}", "-allowfrom=aegis") for flag in shared["command"]] == alone["command"]
    assert {key: value for key, value in shared.items() if key != "command"} == {
        key: value for key, value in alone.items() if key != "command"
    }


def test_what_the_replicas_need_is_never_restarted_by_them() -> None:
    for name in (*REPLICAS, "postgres", "socket-proxy"):
        assert THREE["services"][name]["labels"] == {"aegis.protect": "true"}
