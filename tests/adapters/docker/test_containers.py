"""The engine's adapter against an engine of paper: names, errors, deadlines, and what never comes out."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from docker.errors import DockerException

from bot.adapters.docker import crash_bundle
from bot.adapters.docker.containers import DockerContainers
from bot.adapters.docker.errors import translate, translate_act
from bot.domain import guard
from bot.domain.diagnosis import Action
from bot.domain.evidence import Status
from bot.domain.target import TargetId, parse_target
from bot.errors import (
    BundleFailed,
    EngineDenied,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    RestartFailed,
    TargetNotFound,
)
from tests.adapters.conftest import ID, FakeEngine, Handler
from tests.support.docker_engine import wait_until
from tests.support.fakes import bundle, restart

ROWS = [json.loads(line) for line in (Path(__file__).parents[2] / "corpus/names.jsonl").read_text().splitlines()]
PLANTED = ("planted-env-secret", "planted-args-secret", "planted-cmd-secret", "planted-entry-secret")
POLICY = guard.Policy(frozenset({parse_target("buggy-app-v2")}), cooldown=0, limit=9, expiry=3600, dry_run=False)


def text_of(path: str | Path) -> str:
    return Path(path).read_text(encoding="utf-8")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def rows(stage: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS if row["stage"] == stage])


@pytest.mark.fault(57)
@rows("request")
async def test_only_the_exact_name_finds_the_container(
    row: dict[str, Any], containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    # This engine answers every name with the same container, as a real one does for the beginning of an id.
    if row["expect"] == "allow":
        assert (await containers.facts(parse_target(row["input"]))).container_id == ID
        return
    with pytest.raises(TargetNotFound) as refused:
        await containers.facts(parse_target(row["input"]))
    assert len(refused.value.sentence) < 500
    assert "<!" not in refused.value.sentence


@pytest.mark.parametrize(
    "name", ["", "a", ".", "..", "/", "//x", "../prod-db", "buggy-app-v2/../prod-db", "x\n", "é1", "a b"]
)
async def test_what_is_no_name_never_reaches_the_engine(
    name: str, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    with pytest.raises(TargetNotFound):
        await containers.facts(parse_target(name))
    assert fake_engine.journal == []


@pytest.mark.parametrize("key", ["buggy-app-v2", ID[:12], ID.upper(), ID + "0", "", "g" * 64])
async def test_only_a_full_id_is_asked_for_by_id(
    key: str, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    with pytest.raises(TargetNotFound):
        await containers.facts_of(TargetId("", key))
    with pytest.raises(TargetNotFound):
        await containers.act(Action.START, TargetId("", key))
    assert fake_engine.journal == []


async def test_an_engine_that_knows_no_such_container_lets_restarts_through(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("POST /", 404, {"message": "No such container: 000"})
    await containers.check_restart_calls()
    nobody = "0" * 64
    assert [path.partition("/containers")[2] for method, path in fake_engine.journal if method == "POST"] == [
        f"/{nobody}/restart?t=0",
        f"/{nobody}/start",
    ]


@pytest.mark.parametrize("call", ["restart", "start"])
@pytest.mark.parametrize(
    ("status", "body"),
    [(403, None), (405, None), (404, {"message": "page not found"}), (401, None), (501, {"message": "no"})],
)
async def test_a_proxy_that_refuses_a_restart_call_is_found_without_a_restart(
    call: str, status: int, body: object, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("POST /", 404, {"message": "No such container: 000"})
    fake_engine.say(f"POST /.*/{call}", status, body)
    with pytest.raises(EngineDenied, match=f"HTTP {status}"):
        await containers.check_restart_calls()
    assert fake_engine.calls(f"POST /.*{ID}") == 0


async def test_an_engine_that_fails_at_a_restart_call_says_nothing_of_the_proxy(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("POST /", 500, {"message": "broken"})
    with pytest.raises(EngineError) as failed:
        await containers.check_restart_calls()
    assert not isinstance(failed.value, EngineDenied)


@rows("inspect")
async def test_an_answer_that_is_not_what_was_approved_lets_nothing_happen(
    row: dict[str, Any], containers: DockerContainers, fake_engine: FakeEngine, now: datetime
) -> None:
    asked = row["input"]
    fake_engine.inspect = asked["inspect"]
    try:
        facts = await containers.facts(parse_target(asked["requested"]))
    except EngineError:
        allowed = False
    else:
        same = facts.container_id == asked["approved_id"]
        verdict = guard.check(parse_target(asked["requested"]), facts, guard.History(), POLICY, now)
        allowed = same and isinstance(verdict, guard.Permit)
    assert allowed == (row["expect"] == "allow")


@pytest.mark.fault(57)
@rows("allowlist")
async def test_the_allow_list_holds_exact_names(
    row: dict[str, Any], containers: DockerContainers, fake_engine: FakeEngine, now: datetime
) -> None:
    listed = row["allowlist"]
    names = frozenset(map(parse_target, [listed] if isinstance(listed, str) else listed))
    fake_engine.inspect["Name"] = f"/{row['input']}"
    facts = await containers.facts(parse_target(row["input"]))
    verdict = guard.check(parse_target(row["input"]), facts, guard.History(), replace(POLICY, allowlist=names), now)
    assert isinstance(verdict, guard.Permit) == (row["expect"] == "allow")


@pytest.mark.fault(80)
async def test_environment_command_and_arguments_come_out_nowhere(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.log(b"2026-11-22T10:00:01.000000000Z INFO up\n")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert evidence.facts is not None
    crash_bundle = text_of(await bundle(containers, evidence.facts, "inc-1"))
    for secret in PLANTED:
        assert secret not in repr(evidence)
        assert secret not in crash_bundle


@pytest.mark.fault(80)
async def test_known_secrets_are_redacted_from_every_source(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    secret = "xoxb-the-bots-own-token"
    fake_engine.inspect["State"] |= {
        "Error": f"bad {secret}",
        "Health": {"Status": "unhealthy", "Log": [{"Output": f"said {secret}", "ExitCode": 1}]},
    }
    fake_engine.log(f"2026-11-22T10:00:01.000000000Z ERROR login with {secret} failed\n".encode())
    fake_engine.say("/events", 200, {"Type": "container", "Action": f"health_status: {secret}", "time": 1})
    fake_engine.say("/top", 200, {"Titles": ["COMMAND"], "Processes": [[secret]]})
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert evidence.facts is not None
    crash_bundle = text_of(await bundle(containers, evidence.facts, "inc-1"))
    lines = await containers.newest_lines(TargetId("", ID), 10)
    assert evidence.log.lines
    assert evidence.events
    assert secret not in repr(evidence) + crash_bundle + repr(lines)


async def test_a_hanging_source_says_so_and_the_others_are_there(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.hang("/stats")
    fake_engine.hang("/events")
    fake_engine.log(b"2026-11-22T10:00:01.000000000Z INFO up\n")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    answers = {source.name: source.status for source in evidence.sources}
    assert answers["stats"] is Status.TIMED_OUT
    assert answers["events"] is Status.TIMED_OUT
    assert answers["logs"] is Status.OK
    assert answers["image"] is Status.OK
    assert [line.text for line in evidence.log.lines] == ["INFO up"]


async def test_an_endless_dripping_log_ends_with_the_deadline(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        line = b"2026-11-22T10:00:01.000000000Z INFO tick\n"
        while not fake_engine.released.wait(0.05):
            handler.wfile.write(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line)

    fake_engine.on("/logs", drip)
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert {source.name: source.status for source in evidence.sources}["logs"] is Status.TIMED_OUT
    # The thread that read it ends too, though the stream goes on.
    await asyncio.to_thread(wait_until, lambda: not engine_threads(), 10, "the thread ended")


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "aegis-engine"]


async def test_hanging_calls_do_not_starve_those_that_come_after(fake_engine: FakeEngine, tmp_path: Path) -> None:
    containers = DockerContainers(
        docker_host=fake_engine.url, bundles=tmp_path, deadline=0.3, now=lambda: datetime.now(UTC)
    )
    await containers.facts(parse_target("buggy-app-v2"))
    fake_engine.hang("/containers/json")
    answers = await asyncio.gather(*(containers.inventory() for _ in range(40)), return_exceptions=True)
    assert all(isinstance(answer, EngineTimeout) for answer in answers)
    assert (await containers.facts(parse_target("buggy-app-v2"))).name == "buggy-app-v2"


async def test_denied_calls_are_told_from_missing_ones(containers: DockerContainers, fake_engine: FakeEngine) -> None:
    fake_engine.say("/stats", 403, {"message": "not allowed"})
    fake_engine.say("/logs", 501, {"message": "configured logging driver does not support reading"})
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    answers = {source.name: (source.status, source.detail) for source in evidence.sources}
    assert answers["stats"] == (Status.DENIED, "not permitted")
    assert answers["logs"][0] is Status.DENIED
    assert answers["health"] == (Status.EMPTY, "no health check")


@pytest.mark.fault(63)
async def test_driver_none_is_not_even_asked_for_its_log(containers: DockerContainers, fake_engine: FakeEngine) -> None:
    fake_engine.inspect["HostConfig"]["LogConfig"]["Type"] = "none"
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    log = next(source for source in evidence.sources if source.name == "logs")
    assert (log.status, log.detail) == (Status.DENIED, "driver none")
    assert fake_engine.calls("/logs") == 0
    assert await containers.newest_lines(TargetId("", ID), 5) == ()


async def test_a_proxy_that_keeps_info_to_itself_costs_only_the_hosts_name(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("/info$", 403, {"message": "forbidden"})
    assert (await containers.facts(parse_target("buggy-app-v2"))).host == ""


async def test_a_slow_info_call_costs_only_the_host_name(containers: DockerContainers, fake_engine: FakeEngine) -> None:
    fake_engine.hang("/info$")
    assert (await containers.facts(parse_target("buggy-app-v2"))).host == ""


async def test_restart_goes_by_full_id_with_the_containers_own_time(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.inspect["Config"]["StopTimeout"] = 42
    fake_engine.say("POST .*/restart", 204)
    await restart(containers, await containers.facts(parse_target("buggy-app-v2")))
    posts = [path for method, path in fake_engine.journal if method == "POST"]
    assert posts == [f"/v1.41/containers/{ID}/restart?t=42"]


def drop(handler: Handler) -> None:
    handler.close_connection = True


@pytest.mark.fault(46)
async def test_a_restart_whose_connection_breaks_is_unknown_and_sent_once(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    facts = await containers.facts(parse_target("buggy-app-v2"))
    fake_engine.on("POST .*/restart", drop)
    with pytest.raises(EngineTimeout):
        await restart(containers, facts)
    assert fake_engine.calls("POST") == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirected_restart_is_not_followed(
    status: int, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    facts = await containers.facts(parse_target("buggy-app-v2"))
    fake_engine.say("POST .*/restart", status, None, {"Location": f"/v1.41/containers/{ID}/restart?t=10"})
    with pytest.raises(EngineDenied):
        await restart(containers, facts)
    assert fake_engine.calls("/restart") == 1


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (404, f"No such container: {ID}", TargetNotFound),
        (500, "Multiple IDs found with provided prefix: cc", TargetNotFound),
        (409, "removal of container is already in progress", RestartFailed),
        (500, "driver failed programming external connectivity: port is already allocated", RestartFailed),
        (403, "forbidden by the proxy", EngineDenied),
    ],
)
async def test_a_refused_restart_says_why(
    status: int, message: str, error: type[EngineError], containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    facts = await containers.facts(parse_target("buggy-app-v2"))
    fake_engine.say("POST .*/restart", status, {"message": message})
    with pytest.raises(error) as told:
        await restart(containers, facts)
    assert told.value.detail == message
    assert message not in told.value.sentence
    assert told.value.hint
    assert fake_engine.calls("POST") == 1


async def test_what_the_engine_has_no_call_for_is_not_sent(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    with pytest.raises(ValueError, match="ignore"):
        await containers.act(Action.IGNORE, TargetId("", ID))
    assert fake_engine.calls("POST") == 0


async def test_start_of_a_running_container_does_nothing_and_is_fine(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("POST .*/start", 304)
    await containers.act(Action.START, TargetId("", ID))
    assert fake_engine.calls("POST") == 1


async def test_a_missing_socket_is_named(tmp_path: Path) -> None:
    containers = DockerContainers(
        docker_host=f"unix://{tmp_path}/none.sock", bundles=tmp_path, now=lambda: datetime.now(UTC)
    )
    with pytest.raises(EngineUnreachable, match=r"none\.sock"):
        await containers.facts(parse_target("buggy-app-v2"))
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert evidence.facts is None
    assert [(source.name, source.status) for source in evidence.sources] == [("state", Status.DENIED)]


@pytest.mark.fault(45)
async def test_an_engine_that_comes_back_is_asked_again(fake_engine: FakeEngine, tmp_path: Path) -> None:
    elsewhere = fake_engine.path.with_name("later.sock")
    containers = DockerContainers(docker_host=f"unix://{elsewhere}", bundles=tmp_path, now=lambda: datetime.now(UTC))
    with pytest.raises(EngineUnreachable):
        await containers.info()
    elsewhere.symlink_to(fake_engine.path)
    assert (await containers.info()).host == "shop-host-1"


async def test_after_a_break_the_version_is_agreed_on_anew(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    assert (await containers.info()).api == "1.41"
    fake_engine.on("/containers/json", drop)
    with pytest.raises(EngineUnreachable):
        await containers.inventory()
    fake_engine.say("GET /version", 200, {"ApiVersion": "1.45"})
    assert (await containers.info()).api == "1.45"


async def test_events_that_came_before_the_engine_fell_silent_are_kept(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    # The engine keeps the stream open where its clock is behind ours.
    def one_and_silence(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        event = b'{"Action":"oom","time":1795341600}\n'
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        fake_engine.released.wait(30)

    fake_engine.on("/events", one_and_silence)
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert evidence.events == ("10:00:00 oom",)


@pytest.mark.parametrize("body", ["not an engine", [], {"Id": "short", "Name": "/buggy-app-v2"}, {"Id": ID, "Name": 3}])
async def test_nonsense_from_the_engine_is_an_engine_error(
    body: object, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.say("/containers/.+/json$", 200, body)
    with pytest.raises(EngineError):
        await containers.facts(parse_target("buggy-app-v2"))


FOREIGN: list[tuple[BaseException, type[EngineError]]] = [
    (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", PermissionError(13, "no"))), EngineDenied),
    (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", FileNotFoundError(2, "no"))), EngineUnreachable),
    (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionRefusedError())), EngineUnreachable),
    (requests.ConnectionError(urllib3.exceptions.ReadTimeoutError(None, "", "x")), EngineTimeout),  # type: ignore[arg-type]
    (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", BlockingIOError(11, "no"))), EngineTimeout),
    (requests.ReadTimeout(), EngineTimeout),
    (requests.ConnectTimeout(), EngineTimeout),
    (requests.exceptions.ChunkedEncodingError(), EngineUnreachable),
    (DockerException("Install paramiko package to enable ssh:// support"), EngineUnreachable),
    (Exception('[{"Id": "everything the engine has"}]'), EngineError),
    (TypeError("unsupported operand"), EngineError),
]


@pytest.mark.parametrize(("foreign", "ours"), FOREIGN)
def test_every_foreign_error_becomes_ours_with_what_to_do(foreign: BaseException, ours: type[EngineError]) -> None:
    error = translate(foreign, "unix:///var/run/docker.sock")
    assert type(error) is ours
    assert error.hint
    assert "everything the engine has" not in error.sentence + error.detail


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (
            requests.ConnectionError(urllib3.exceptions.ProtocolError("x", FileNotFoundError(2, "no"))),
            EngineUnreachable,
        ),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionResetError())), EngineTimeout),
        (requests.ReadTimeout(), EngineTimeout),
    ],
)
def test_an_act_that_may_have_been_heard_is_unknown(foreign: BaseException, ours: type[EngineError]) -> None:
    assert type(translate_act(foreign, "unix:///x")) is ours


async def test_a_bundle_is_whole_private_and_says_how_its_sources_answered(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.hang("/top")
    fake_engine.log(b"2026-11-22T10:00:01.000000000Z INFO up\n")
    path = Path(await bundle(containers, await containers.facts(parse_target("buggy-app-v2")), "inc/../7"))
    content = json.loads(text_of(path))
    assert mode_of(path) == 0o600
    assert path.name == "20261122T100431Z-buggy-app-v2-inc_.._7.json"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert content["state"]["started_at"] == "2026-11-22T10:00:00.000000009Z"
    assert content["log"] == ["INFO up"]
    assert {source["name"]: source["status"] for source in content["sources"]} == {
        "processes": "timed out",
        "events": "empty",
        "logs": "ok",
    }


async def test_a_bundle_that_cannot_be_written_says_why(
    containers: DockerContainers, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "bundles").write_text("a file stands where the folder should be")
    with pytest.raises(BundleFailed) as told:
        await bundle(containers, await containers.facts(parse_target("buggy-app-v2")), "inc-1")
    assert isinstance(told.value.__cause__, OSError)
    assert "AEGIS_BUNDLES" in told.value.hint


async def test_a_disk_that_hangs_fails_the_bundle(
    containers: DockerContainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    thawed = threading.Event()
    facts = await containers.facts(parse_target("buggy-app-v2"))
    monkeypatch.setattr(containers, "_deadline", 0.3)
    monkeypatch.setattr(crash_bundle, "write", lambda *_: thawed.wait())
    with pytest.raises(BundleFailed, match="did not take"):
        await bundle(containers, facts, "inc-1")
    thawed.set()


async def test_a_full_disk_leaves_no_half_bundle(
    containers: DockerContainers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    facts = await containers.facts(parse_target("buggy-app-v2"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleFailed, match="No space left on device"):
        await bundle(containers, facts, "inc-1")
    assert list((tmp_path / "bundles").iterdir()) == []


async def test_a_bundle_of_a_container_that_is_gone_fails(
    containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    facts = await containers.facts(parse_target("buggy-app-v2"))
    fake_engine.say("/containers/.+/json$", 404, {"message": "No such container"})
    with pytest.raises(BundleFailed):
        await bundle(containers, facts, "inc-1")


async def test_the_inventory_has_compose_and_swarm_names(containers: DockerContainers, fake_engine: FakeEngine) -> None:
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task.name": "shop_web.1.abc",
    }
    fake_engine.say(
        "/containers/json", 200, [{"Id": ID, "Names": ["/old/link", "/web"], "State": "exited", "Labels": labels}]
    )
    (target,) = await containers.inventory()
    assert (target.name, target.status, target.container_id) == ("web", "exited", ID)
    assert (target.project, target.service) == ("shop", "web")
    assert (target.swarm_service, target.swarm_task) == ("shop_web", "shop_web.1.abc")


Check = Callable[[DockerContainers], Any]


@pytest.mark.parametrize(
    "ask", [lambda c: c.info(), lambda c: c.inventory(), lambda c: c.facts(parse_target("buggy-app-v2"))]
)
async def test_an_answer_that_never_comes_is_a_time_out(
    ask: Check, containers: DockerContainers, fake_engine: FakeEngine
) -> None:
    fake_engine.hang("GET /version")
    with pytest.raises(EngineTimeout):
        await ask(containers)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("tcp://aegis:hunter2@127.0.0.1:9", "tcp://127.0.0.1:9"), ("tcp://aegis:x@hunter2/y@127.0.0.1:9", "tcp://…")],
)
async def test_credentials_in_the_engines_address_are_never_shown(tmp_path, address, shown):
    containers = DockerContainers(docker_host=address, bundles=tmp_path, now=lambda: datetime.now(UTC))
    with pytest.raises(EngineError) as caught:
        await containers.info()
    assert shown in caught.value.message
    assert "hunter2" not in f"{caught.value.sentence} {caught.value.detail}"
