"""The proxy of the Compose files lets through what Aegis asks, and nothing that gives more."""

from __future__ import annotations

import re

import pytest

from tests.support.proxy_rules import FILES, allows, proxy, rules

ID = "0123456789abcdef" * 4
NEEDED = (
    ("GET", "/version"),
    ("GET", "/v{api}/info"),
    ("GET", "/v{api}/events?since=1.0&until=2.0&filters=%7B%7D"),
    ("GET", "/v{api}/containers/json?all=1&limit=-1"),
    ("GET", f"/v{{api}}/images/sha256:{ID}/json"),
    ("GET", "/v{api}/containers/buggy-app-v2/json"),
    ("GET", "/v{api}/containers/shop_web.1/json"),
    ("GET", f"/v{{api}}/containers/{ID}/json"),
    ("GET", f"/v{{api}}/containers/{ID}/logs?stdout=1&stderr=1&timestamps=1&tail=10000"),
    ("GET", f"/v{{api}}/containers/{ID}/stats?stream=0&one-shot=1"),
    ("GET", f"/v{{api}}/containers/{ID}/top?ps_args=-eo+pid"),
    ("POST", f"/v{{api}}/containers/{ID}/restart?t=10"),
    ("POST", f"/v{{api}}/containers/{ID}/start"),
)
TODAY = ("1.24", "1.29", "1.30", "1.41", "1.43", "1.45", "1.51", "1.99")
WITH_HOST_CONFIG = tuple(f"1.{minor}" for minor in range(12, 24))
"""API versions in which ``start`` takes a HostConfig, and with it any folder of the host."""
OTHER_VERSIONS = ("1.0", "1.1", "1.9", "1.11", "1.024", "1.240", "1.100", "2.0", "2.41", "0.41", "11.41", "1x41", "")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("api", TODAY)
def test_what_aegis_asks_is_let_through(file: str, api: str) -> None:
    refused = [(method, path) for method, path in NEEDED if not allows(file, method, path.format(api=api))]
    assert refused == []


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("api", [*WITH_HOST_CONFIG, *OTHER_VERSIONS])
def test_no_call_of_another_api_version_is_let_through(file: str, api: str) -> None:
    versioned = [(method, path.format(api=api)) for method, path in NEEDED if "{api}" in path]
    versioned += [(method, path.format(api=api).replace("/v", "/V", 1)) for method, path in NEEDED if "{api}" in path]
    assert [call for call in versioned if allows(file, *call)] == []


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"]
)
def test_a_call_goes_through_with_its_own_method_alone(file: str, method: str) -> None:
    others = [path.format(api="1.41") for own, path in NEEDED if own != method]
    assert [path for path in others if allows(file, method, path)] == []


DEEDS = (
    "kill",
    "stop",
    "pause",
    "unpause",
    "update",
    "rename",
    "exec",
    "attach",
    "wait",
    "resize",
    "archive",
    "remove",
)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "path",
    [
        *(f"/v1.41/containers/{ID}/{deed}" for deed in DEEDS),
        *("/v1.41/containers/create", "/v1.41/containers/prune", "/v1.41/images/create", "/v1.41/build"),
        *("/v1.41/exec/1/start", "/v1.41/swarm/init", "/v1.41/services/1/update", "/v1.41/volumes/create", "/session"),
        *(f"/containers/{ID}/restart", f"//v1.41/containers/{ID}/restart", f"/v1.41//containers/{ID}/restart"),
        # Only a full id: a name, the beginning of an id and an id in other letters are refused.
        *(f"/v1.41/containers/{key}/restart" for key in ("web", ID[:12], ID[:63], ID + "0", ID.upper(), "")),
        f"/v1.41/containers/{ID}/restart/",
        f"/v1.41/containers/{ID}/restart/../kill",
        f"/v1.41/containers/{ID}/restart%2f..%2fkill",
        f"/v1.41/containers/{ID}/start%0a",
        f"/v1.41/containers/{ID}/../create/start",
        f"/v1.41/../v1.23/containers/{ID}/start",
        f"/v1.41%2f..%2fv1.23/containers/{ID}/start",
        f"/v1%2e23/containers/{ID}/start",
        f"/prefix/v1.41/containers/{ID}/start",
        f"/v1.41/containers/create?x=/v1.41/containers/{ID}/start",
        f"/v1.41/containers/create#/v1.41/containers/{ID}/start",
    ],
)
def test_nothing_else_can_be_done(file: str, path: str) -> None:
    assert not allows(file, "POST", path)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1.41/secrets",
            "/v1.41/configs",
            "/v1.41/images/json",
            "/v1.41/volumes",
            "/v1.41/networks",
            "/v1.41/swarm",
        ),
        *(
            f"/v1.41/containers/{ID}/{part}"
            for part in ("archive", "export", "attach/ws", "changes", "json/", "x/json")
        ),
        # What a container writes, uses and runs is read by its full id.
        *(f"/v1.41/containers/web/{part}" for part in ("logs", "stats", "top")),
        *(f"/v1.41/containers/{ID[:12]}/{part}" for part in ("logs", "stats", "top")),
        "/v1.41/images/../secrets/json",
        "/v1.41/images/json/../../secrets",
        "/v1.41/images/python:3/json",
        "/v1.41/containers/../secrets/json",
        "/v1.41/containers/..%2fsecrets/json",
        "/v1.41/containers/%2e%2e/json",
        "/v1.41/containers/web%2f..%2f../json",
        "/version/../v1.41/secrets",
        "/version/",
        "/v1.41/info/../secrets",
        "/v1.41/events%0a",
    ],
)
def test_nothing_else_can_be_read(file: str, path: str) -> None:
    assert not allows(file, "GET", path)


@pytest.mark.parametrize("file", FILES)
def test_the_rules_mean_the_same_to_the_proxy_as_to_these_tests(file: str) -> None:
    # Python and Go agree on classes, counts, brackets and alternatives of ASCII; only that is used.
    for rule in rules(file).values():
        assert rule.isascii()
        assert re.search(r"\\(?!\.)|\(\?|[*+?}][+?]|\$|\^", rule) is None
        assert rule.startswith("(")
        assert rule.endswith(")")


@pytest.mark.parametrize("file", FILES)
def test_the_proxy_is_asked_whether_it_works_before_aegis_starts(file: str) -> None:
    service = proxy(file)
    assert "-allowhealthcheck" in service["command"]
    assert service["healthcheck"]["test"] == ["CMD", "/healthcheck"]
    assert service["image"] == "wollomatic/socket-proxy:1.13.1"


def test_both_files_have_the_same_rules() -> None:
    assert rules(FILES[0]) == rules(FILES[1])
