"""The engine's adapter against a real Docker Engine."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.docker import client
from bot.adapters.docker.containers import DockerContainers
from bot.adapters.http_probe import HttpProber
from bot.domain.addresses.verify_url import resolve_url
from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Source, Status
from bot.domain.target import TargetId, parse_target
from bot.errors import EngineDenied, EngineTimeout, EngineUnreachable, RestartFailed, TargetNotFound
from tests.support.docker_engine import Engine, running_engine, skip_or_fail, wait_until
from tests.support.fakes import bundle, restart

pytestmark = pytest.mark.live

TAKES_ITS_TIME = "trap 'sleep 4; exit 0' TERM; while :; do sleep 1 & wait $!; done"
"""Ends four seconds after it was told to."""


@pytest.fixture
def containers(engine: Engine, tmp_path: Path) -> DockerContainers:
    return adapter(engine, tmp_path)


def adapter(engine: Engine, folder: Path, deadline: float = 8.0) -> DockerContainers:
    return DockerContainers(
        docker_host=engine.url,
        bundles=folder / "bundles",
        secrets=("the-operators-own-secret",),
        deadline=deadline,
        now=lambda: datetime.now(UTC),
    )


def source(evidence: Evidence, name: str) -> Source:
    return next(one for one in evidence.sources if one.name == name)


def texts(evidence: Evidence) -> list[str]:
    return [line.text for line in evidence.log.lines]


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


async def test_a_healthy_container_is_seen_as_it_is(engine: Engine, containers: DockerContainers) -> None:
    container = engine.app(
        health=True,
        labels={"aegis.verify-url": "http://127.0.0.1:8080/health", "owner": "shop"},
        mem_limit="64m",
        restart_policy={"Name": "unless-stopped"},
        environment={"DB_PASSWORD": "planted-env-secret"},
    )
    engine.wait_health("buggy-app-v2", "healthy")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    facts = evidence.facts
    assert facts is not None
    assert (facts.name, facts.container_id, facts.image) == ("buggy-app-v2", container, "shop/buggy:2.3.1")
    assert (facts.status, facts.running, facts.restarting, facts.paused) == ("running", True, False, False)
    assert (facts.health, facts.restart_policy, facts.memory_limit) == ("healthy", "unless-stopped", 64 * 2**20)
    assert facts.labels == (("aegis.verify-url", "http://127.0.0.1:8080/health"),)
    assert facts.host == engine.client.api.info()["Name"]
    assert facts.image_created_at
    assert facts.ports[0].random
    assert facts.ports[0].host == engine.port()
    assert texts(evidence)[-1] == "INFO listening on 8080"
    assert {one.name for one in evidence.sources if one.status is not Status.OK} == {"disk"}
    assert source(evidence, "disk").status is Status.EMPTY
    assert evidence.usage is not None
    assert 0 < (evidence.usage.memory or 0) < 64 * 2**20
    assert evidence.usage.memory_limit == 64 * 2**20
    assert any("start" in line for line in evidence.events)
    assert "planted-env-secret" not in repr(evidence)


async def test_an_exited_container_tells_its_code_and_last_words(engine: Engine, containers: DockerContainers) -> None:
    engine.run("batch", "echo 'FATAL no such table: orders'; exit 7")
    engine.wait_status("batch", "exited")
    evidence = await containers.evidence(parse_target("batch"))
    assert evidence.facts is not None
    assert (evidence.facts.running, evidence.facts.exit_code, evidence.facts.health) == (False, 7, None)
    assert evidence.facts.finished_at
    assert source(evidence, "state").detail == "exited, exit code 7"
    assert source(evidence, "stats").detail == "not running"
    assert source(evidence, "health").status is Status.EMPTY
    assert texts(evidence) == ["FATAL no such table: orders"]
    assert any("die, exit code 7" in line for line in evidence.events)


@pytest.mark.fault(52)
async def test_a_crash_loop_is_running_and_restarting_at_once(engine: Engine, containers: DockerContainers) -> None:
    container = engine.run(
        "loop", "echo 'FATAL settings.yml: key database is missing'; exit 3", restart_policy={"Name": "always"}
    )
    wait_until(lambda: engine.inspect(container)["RestartCount"] >= 3, 20, "it crashed three times")
    engine.wait_status("loop", "restarting")
    evidence = await containers.evidence(parse_target("loop"))
    assert evidence.facts is not None
    assert evidence.facts.restart_count >= 3
    assert evidence.facts.exit_code == 3
    boundary = [line for line in evidence.log.lines if line.boundary]
    assert [line.text for line in boundary] == ["FATAL settings.yml: key database is missing"]
    assert evidence.log.total_lines >= 3


@pytest.mark.fault(53, 63)
async def test_paused_created_and_silent_containers_are_told_apart(
    engine: Engine, containers: DockerContainers
) -> None:
    engine.run("paused")
    engine.client.api.pause("paused")
    engine.create("made")
    paused, made = await containers.facts(parse_target("paused")), await containers.evidence(parse_target("made"))
    engine.client.api.unpause("paused")
    assert (paused.status, paused.paused) == ("paused", True)
    assert made.facts is not None
    assert (made.facts.status, made.facts.started_at, made.facts.finished_at) == ("created", "", "")
    assert (source(made, "logs").status, source(made, "logs").detail) == (Status.EMPTY, "no lines")


async def test_memory_that_ran_out_is_the_engines_account(engine: Engine, containers: DockerContainers) -> None:
    container = engine.create(
        "hungry", ["dd", "if=/dev/zero", "of=/dev/null", "bs=200M"], mem_limit="12m", memswap_limit="12m"
    )
    # The kernel's notice can reach the engine after the exit, and is then missing in the state for good: try again.
    for _ in range(10):
        engine.client.api.start(container)
        engine.wait_status("hungry", "exited")
        if killed := engine.inspect("hungry")["State"]["OOMKilled"]:
            break
    evidence = await containers.evidence(parse_target("hungry"))
    assert evidence.facts is not None
    assert (evidence.facts.oom_killed, evidence.facts.exit_code) == (killed, 137)
    if killed:
        assert any(line.endswith(" oom") for line in evidence.events)


@pytest.mark.fault(63)
async def test_a_container_without_logs_says_so(engine: Engine, containers: DockerContainers) -> None:
    container = engine.run("mute", "echo hello; sleep 1000", log_config={"Type": "none"})
    evidence = await containers.evidence(parse_target("mute"))
    assert (source(evidence, "logs").status, source(evidence, "logs").detail) == (Status.DENIED, "driver none")
    assert evidence.facts is not None
    assert await containers.newest_lines(TargetId("", container), 5) == ()


@pytest.mark.fault(62)
async def test_binary_and_megabyte_lines_come_out_bounded_and_clean(
    engine: Engine, containers: DockerContainers
) -> None:
    engine.run(
        "noisy",
        r"head -c 5000000 /dev/zero | tr '\0' x; echo; head -c 20000 /dev/urandom; echo;"
        r"printf '\033[31mERROR red\033[0m \000 nul\n'",
    )
    engine.wait_status("noisy", "exited")
    evidence = await containers.evidence(parse_target("noisy"))
    shown = "\n".join(texts(evidence))
    assert "ERROR red nul" in shown.replace("  ", " ")
    assert len(shown) < 20_000
    assert not set(shown) & set("\x00\x1b\x07\r")
    assert evidence.log.total_bytes > 5_000_000


async def test_a_terminals_log_is_read_like_any_other(engine: Engine, containers: DockerContainers) -> None:
    container = engine.run("tty", "echo 'ERROR one'; echo 'ERROR two' >&2; sleep 1000", tty=True)
    wait_until(lambda: b"two" in engine.client.api.logs(container), 10, "it spoke")
    evidence = await containers.evidence(parse_target("tty"))
    assert texts(evidence) == ["ERROR one", "ERROR two"]
    assert await containers.newest_lines(TargetId("", container), 1) == ("ERROR two",)


async def test_a_long_log_is_read_from_its_first_line(engine: Engine, containers: DockerContainers) -> None:
    engine.run(
        "long",
        "echo 'INFO feature flag new-checkout switched on'; seq 1 30000 | sed 's/^/INFO tick /';"
        "echo 'ERROR no stock service'",
    )
    engine.wait_status("long", "exited")
    newest = await containers.evidence(parse_target("long"))
    assert (newest.log.partial, newest.log.total_lines) == (True, 10_000)
    assert source(newest, "logs").detail == "newest 10,000 lines of more"
    evidence = await containers.whole_log(newest)
    assert (evidence.log.partial, evidence.log.total_lines, evidence.facts) == (False, 30_002, newest.facts)
    assert "INFO feature flag new-checkout switched on" in texts(evidence)
    assert "ERROR no stock service" in texts(evidence)
    assert source(evidence, "logs").detail == "30,002 lines"


@pytest.mark.fault(64)
async def test_two_runs_are_told_apart_by_the_engines_times(engine: Engine, containers: DockerContainers) -> None:
    engine.app()
    engine.break_app()
    wait_until(lambda: b"QueuePool" in engine.client.api.logs("buggy-app-v2"), 10, "it complains")
    await restart(containers, await containers.facts(parse_target("buggy-app-v2")))
    wait_until(lambda: engine.client.api.logs("buggy-app-v2").count(b"listening") == 2, 10, "it listens again")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    (border,) = [line for line in evidence.log.lines if line.boundary]
    assert border.text.startswith("INFO buggy-app 2.3.1 starting")
    before = [line.text for line in evidence.log.lines if line.number < border.number]
    after = [line.text for line in evidence.log.lines if line.number >= border.number]
    assert any("QueuePool" in text for text in before)
    assert before[-1] == "INFO shutting down"
    assert not any("QueuePool" in text for text in after)


async def test_a_restart_by_id_happens_exactly_once(engine: Engine, containers: DockerContainers) -> None:
    container = engine.app()
    before = await containers.facts(parse_target("buggy-app-v2"))
    since = int(time.time())
    await asyncio.sleep(1)  # the engine tells events by whole seconds
    await restart(containers, before)
    after = await containers.facts_of(TargetId("", container))
    assert after.started_at > before.started_at
    assert after.running
    told = engine.events(container, since + 1)
    assert (told.count("start"), told.count("restart")) == (1, 1)


@pytest.mark.fault(56)
async def test_the_containers_own_stop_time_out_is_kept(engine: Engine, containers: DockerContainers) -> None:
    ignores = "trap '' TERM; while :; do sleep 1; done"
    container = engine.create("stubborn", ignores, stop_signal="SIGTERM", labels={"aegis.stop-timeout": "1"})
    engine.client.api.start(container)
    facts = await containers.facts(parse_target("stubborn"))
    assert facts.stop_timeout == 1
    await restart(containers, facts)
    killed = await containers.facts(parse_target("stubborn"))
    assert killed.started_at > facts.started_at
    stopped_for = at(killed.finished_at) - at(facts.started_at)
    assert stopped_for.total_seconds() < 8


def at(engine_time: str) -> datetime:
    return datetime.fromisoformat(engine_time)


@pytest.mark.fault(50)
async def test_a_restart_that_the_engine_cannot_do_says_so(engine: Engine, containers: DockerContainers) -> None:
    engine.app("first")
    port = engine.port("first")
    engine.create("second", ["/bin/buggy-app"], ports={"8080/tcp": ("127.0.0.1", port)})
    with pytest.raises(RestartFailed) as told:
        await restart(containers, await containers.facts(parse_target("second")))
    assert "port is already allocated" in told.value.detail
    assert "port" not in told.value.sentence


@pytest.mark.fault(57)
async def test_look_alikes_and_beginnings_of_ids_find_nothing(engine: Engine, containers: DockerContainers) -> None:
    container = engine.run("buggy-app-v2")
    engine.run("buggy-app-v2-canary")
    engine.run("Buggy-App-V2")
    prod = engine.run("prod-db")
    named_like_an_id = engine.run(prod[:12])
    for name in ("buggy-app", "buggy.app-v2", container[:12], container, prod[:2], prod[:20], "BUGGY-APP-V2", "prod-d"):
        with pytest.raises(TargetNotFound):
            await containers.facts(parse_target(name))
    assert (await containers.facts(parse_target("Buggy-App-V2"))).name == "Buggy-App-V2"
    assert (await containers.facts(parse_target(prod[:12]))).container_id == named_like_an_id
    assert (await containers.facts(parse_target("buggy-app-v2"))).container_id == container


async def test_a_recreated_container_is_another_one(engine: Engine, containers: DockerContainers) -> None:
    engine.run("buggy-app-v2")
    old = await containers.facts(parse_target("buggy-app-v2"))
    engine.clear()
    engine.run("buggy-app-v2")
    with pytest.raises(TargetNotFound):
        await containers.facts_of(TargetId("", old.container_id))
    with pytest.raises(TargetNotFound):
        await restart(containers, old)
    new = await containers.facts(parse_target("buggy-app-v2"))
    assert new.container_id != old.container_id
    assert new.restart_count == 0


async def test_a_renamed_container_no_longer_answers_to_its_old_name(
    engine: Engine, containers: DockerContainers
) -> None:
    container = engine.run("buggy-app-v2")
    engine.client.api.rename(container, "buggy-app-v2-old")
    with pytest.raises(TargetNotFound):
        await containers.facts(parse_target("buggy-app-v2"))
    assert (await containers.facts_of(TargetId("", container))).name == "buggy-app-v2-old"


async def test_a_port_picked_by_the_engine_is_found_again_after_a_restart(
    engine: Engine, containers: DockerContainers
) -> None:
    engine.app()
    before = await containers.facts(parse_target("buggy-app-v2"))
    url = f"http://127.0.0.1:{engine.port()}/health"
    engine.break_app()
    prober = HttpProber()
    assert (await prober.probe(url)).answer == "503"
    await restart(containers, before)
    now = await containers.facts(parse_target("buggy-app-v2"))
    today = resolve_url(url, before, now)
    assert today == f"http://127.0.0.1:{engine.port()}/health" != url
    wait_until(lambda: engine.client.api.logs("buggy-app-v2").count(b"listening") == 2, 10, "it listens again")
    assert (await prober.probe(today)).answer == "200"
    assert (await prober.probe(url)).answer == "connection refused"
    await prober.aclose()


async def test_start_brings_back_a_stopped_container_and_leaves_a_running_one(
    engine: Engine, containers: DockerContainers
) -> None:
    container = engine.run("batch", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done")
    running = await containers.facts(parse_target("batch"))
    await containers.act(Action.START, TargetId("", container))
    assert (await containers.facts(parse_target("batch"))).started_at == running.started_at
    engine.client.api.stop(container, timeout=5)
    await containers.act(Action.START, TargetId("", container))
    again = await containers.facts(parse_target("batch"))
    assert again.running
    assert again.started_at > running.started_at


async def test_sick_neighbours_and_those_named_in_the_log_are_seen(
    engine: Engine, containers: DockerContainers
) -> None:
    shop = engine.network("shop")
    engine.run("cache", "exit 1", network=shop)
    engine.run("queue", network=shop)
    engine.run("web", network=shop)
    engine.run("stranger", "exit 1")
    engine.run("buggy-app-v2", "echo 'ERROR cannot reach queue:5672'; sleep 1000", network=shop)
    engine.wait_status("cache", "exited")
    wait_until(lambda: engine.client.api.logs("buggy-app-v2"), 10, "it spoke")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert [(one.name, one.status, one.named_in_log) for one in evidence.neighbours] == [
        ("queue", "running", True),
        ("cache", "exited", False),
        ("web", "running", False),  # new within the hour
    ]
    assert {target.name for target in await containers.inventory()} >= {"cache", "queue", "web", "stranger"}


async def test_a_bundle_holds_the_crash_without_secrets(engine: Engine, containers: DockerContainers) -> None:
    engine.run(
        "buggy-app-v2",
        ["sh", "-c", "echo 'ERROR login with the-operators-own-secret'; sleep 1000", "planted-argument"],
        environment={"DB_PASSWORD": "planted-env-secret"},
    )
    wait_until(lambda: engine.client.api.logs("buggy-app-v2"), 10, "it spoke")
    text = text_of(await bundle(containers, await containers.facts(parse_target("buggy-app-v2")), "inc-1"))
    content = json.loads(text)
    assert content["log"][0].startswith("ERROR login with [redacted")
    assert any(row.endswith(" sleep") for row in content["processes"])
    assert content["events"]
    for secret in ("the-operators-own-secret", "planted-env-secret", "planted-argument"):
        assert secret not in text


@pytest.mark.fault(44)
async def test_a_user_who_may_not_use_the_socket_is_told(engine: Engine, containers: DockerContainers) -> None:
    engine.run("buggy-app-v2")
    await containers.facts(parse_target("buggy-app-v2"))
    with as_nobody(), pytest.raises(EngineDenied) as told:
        await adapter(engine, Path("/nowhere")).facts(parse_target("buggy-app-v2"))
    assert "Permission denied" in told.value.sentence


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_frozen_engine_is_a_time_out(engine: Engine, containers: DockerContainers, tmp_path: Path) -> None:
    engine.run("buggy-app-v2", TAKES_ITS_TIME)
    hasty = adapter(engine, tmp_path, deadline=0.5)
    before = await hasty.facts(parse_target("buggy-app-v2"))
    with engine.frozen():
        with pytest.raises(EngineTimeout):
            await hasty.facts(parse_target("buggy-app-v2"))
        with pytest.raises(EngineTimeout):
            await hasty.info()
        evidence = await hasty.evidence(parse_target("buggy-app-v2"))
    assert [(one.name, one.status) for one in evidence.sources] == [("state", Status.TIMED_OUT)]
    assert (await containers.facts(parse_target("buggy-app-v2"))).started_at == before.started_at


@pytest.mark.fault(47)
async def test_a_restart_of_an_engine_that_was_frozen_before_never_happens(
    engine: Engine, containers: DockerContainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ACTION_TIMEOUT_S", 1)
    container = engine.run("buggy-app-v2", TAKES_ITS_TIME)
    before = await containers.facts(parse_target("buggy-app-v2"))
    since = int(time.time())
    with engine.frozen(), pytest.raises(EngineTimeout):
        await restart(containers, before)
    # Each restart first asks which version the engine speaks, so nothing was left in the queue of the frozen one.
    assert (await containers.facts_of(TargetId("", container))).started_at == before.started_at
    assert "kill" not in engine.events(container, since)


async def test_a_restart_that_freezes_in_the_middle_is_unknown_and_then_happens_once(
    engine: Engine, containers: DockerContainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ACTION_TIMEOUT_S", 1)
    container = engine.run("buggy-app-v2", TAKES_ITS_TIME, labels={"aegis.stop-timeout": "2"})
    before = await containers.facts(parse_target("buggy-app-v2"))
    since = int(time.time())
    restarting = asyncio.create_task(restart(containers, before))
    await stop_has_begun(engine, container, since)
    with engine.frozen(), pytest.raises(EngineTimeout):
        await restarting
    await asyncio.to_thread(
        wait_until, lambda: engine.inspect(container)["State"]["StartedAt"] > before.started_at, 20, "it was restarted"
    )
    told = engine.events(container, since)
    # One start when it was made, and one more by the restart.
    assert (told.count("start"), told.count("die")) == (2, 1)


@pytest.mark.fault(46)
async def test_an_engine_that_ends_in_the_middle_is_unreachable_and_then_found_again(tmp_path: Path) -> None:
    skip_or_fail()
    with running_engine() as own:
        containers = adapter(own, tmp_path)
        container = own.run("buggy-app-v2", TAKES_ITS_TIME, labels={"aegis.stop-timeout": "60"})
        facts = await containers.facts(parse_target("buggy-app-v2"))
        restarting = asyncio.create_task(restart(containers, facts))
        await stop_has_begun(own, container, int(time.time()) - 60)
        own.kill()
        # It broke off after the call was heard: whether it happened is unknown, not failed.
        with pytest.raises(EngineTimeout):
            await restarting
        with pytest.raises(EngineUnreachable):
            await containers.facts(parse_target("buggy-app-v2"))
        own.start()
        assert (await containers.info()).version
        assert (await containers.facts(parse_target("buggy-app-v2"))).container_id == container


async def stop_has_begun(engine: Engine, container: str, since: int) -> None:
    await asyncio.to_thread(wait_until, lambda: "kill" in engine.events(container, since), 20, "the stop has begun")
