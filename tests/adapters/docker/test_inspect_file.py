"""Facts from a file: docker inspect's answer, its state alone, or our own names; all of them may be incomplete."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.docker import inspect_file
from bot.domain.evidence import Facts
from bot.errors import AegisError

INSPECTION = {
    "Id": "c" * 64,
    "Name": "/shop-web-1",
    "Created": "2026-11-20T08:00:00.000000000Z",
    "RestartCount": 4,
    "Image": "sha256:" + "1" * 64,
    "State": {
        "Status": "exited",
        "Running": False,
        "OOMKilled": True,
        "ExitCode": 137,
        "Error": "",
        "StartedAt": "2026-11-21T23:48:00.000000000Z",
        "FinishedAt": "2026-11-22T02:48:00.000000000Z",
        "Health": {"Status": "unhealthy", "Log": [{"Start": "…", "ExitCode": 1, "Output": "timed out"}]},
    },
    "Config": {"Image": "shop/web:2.3.1", "Env": ["PASSWORD=hunter2222"], "Labels": {"aegis.protect": "true"}},
    "HostConfig": {"Memory": 1 << 28, "RestartPolicy": {"Name": "always"}},
}


def read(said: object) -> Facts:
    found = inspect_file.read(said, name="web")
    assert found is not None
    return found


@pytest.mark.parametrize("said", [INSPECTION, [INSPECTION], [INSPECTION, {}]])
def test_what_docker_inspect_printed_is_understood(said: str) -> None:
    found = read(said)
    assert (found.name, found.status, found.exit_code, found.oom_killed, found.restart_count) == (
        "shop-web-1", "exited", 137, True, 4,
    )  # fmt: skip
    assert (found.health, found.image, found.memory_limit, found.restart_policy) == (
        "unhealthy", "shop/web:2.3.1", 1 << 28, "always",
    )  # fmt: skip
    assert found.probes[0].output == "timed out"
    assert "hunter2222" not in repr(found)


def test_the_state_alone_is_understood() -> None:
    found = read({"Status": "exited", "Running": False, "ExitCode": 3, "OOMKilled": False, "RestartCount": 7})
    assert (found.name, found.status, found.running, found.exit_code, found.restart_count) == (
        "web",
        "exited",
        False,
        3,
        7,
    )


def test_our_own_names_are_understood() -> None:
    found = read(
        {
            "status": "restarting",
            "exit_code": 78,
            "restart_count": 40,
            "health": "starting",
            "memory_limit": 1000,
            "image": "a:b",
            "started_at": "2026-11-21T23:48:00Z",
            "finished_at": "2026-11-21T23:48:02Z",
            "error": "port is already allocated, password=hunter2222",
            "labels": {"aegis.protect": "true", "other": "x"},
            "probes": [{"at": "…", "exit_code": 1, "output": "connection refused"}],
            "what_else": 1,
        }
    )
    assert (found.status, found.restarting, found.running, found.exit_code) == ("restarting", True, True, 78)
    assert (found.started_at, found.finished_at) == ("2026-11-21T23:48:00Z", "2026-11-21T23:48:02Z")
    assert found.label("aegis.protect") == "true"
    assert found.probes[0].output == "connection refused"
    assert "hunter2222" not in found.error


@pytest.mark.parametrize(
    ("said", "status", "running"),
    [
        ({"exit_code": 137}, "exited", False),
        ({"oom_killed": True}, "exited", False),
        ({"error": "no such file"}, "exited", False),
        ({"finished_at": "2026-11-21T23:48:02Z"}, "exited", False),
        ({"running": False}, "exited", False),
        ({"running": True, "exit_code": 1}, "running", True),
        ({"health": "unhealthy"}, "running", True),
        ({"restart_count": 3}, "running", True),
        ({"status": "paused"}, "paused", True),
        ({"paused": True}, "paused", True),
        ({"status": "created"}, "created", False),
        ({"started_at": "2026-11-21T23:49:00Z", "finished_at": "2026-11-21T23:48:02Z"}, "running", True),
        ({"started_at": "2026-11-21T23:49:00Z", "finished_at": "0001-01-01T00:00:00Z"}, "running", True),
        ({"State": {"Health": {"Status": "unhealthy"}}}, "running", True),
        ({"HostConfig": {"Memory": 5}}, "running", True),
    ],
)
def test_what_is_left_out_of_the_state_follows_from_the_rest(said: str, status: str, running: bool) -> None:
    found = read(said)
    assert (found.status, found.running) == (status, running)


@pytest.mark.parametrize("said", [{}, [], {"note": "nothing"}, {"status": None}])
def test_a_file_without_facts_is_no_facts(said: str) -> None:
    assert inspect_file.read(said, name="web") is None


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"exit_code": "many"}, "State.ExitCode"),
        ({"restart_count": []}, "RestartCount"),
        ({"State": "exited"}, "State"),
        ({"probes": "x"}, "State.Health.Log"),
        ([1], "an object"),
        ("text", "an object"),
        (None, "an object"),
    ],
)
def test_what_cannot_be_understood_is_named(said: str, place: str) -> None:
    with pytest.raises(AegisError, match="The facts cannot be understood") as caught:
        inspect_file.read(said, name="web")
    assert place in caught.value.message
    assert "docker inspect NAME" in caught.value.hint


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["State", "Health", "Log", "Status", "health", "probes", "exit_code", "Id"]), inner
        )
    ),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_is_facts_or_one_clear_error(said: str) -> None:
    try:
        found = inspect_file.read(json.loads(json.dumps(said)), name="web")
    except AegisError:
        return
    assert found is None or isinstance(found, Facts)
