"""The engine at its worst, from the press to what people read."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from bot.adapters.docker.containers import DockerContainers
from bot.domain.diagnosis import Action
from bot.domain.incident import State
from bot.domain.target import TargetId, parse_target
from bot.errors import EngineDenied, EngineTimeout, EngineUnreachable, RestartFailed
from bot.runtime import Runtime
from bot.slack.listeners.queries import StatusQueries
from bot.slack.views import card as views
from bot.slack.views import replies
from tests.adapters.conftest import FakeEngine, containers, fake_engine, now
from tests.faults.mounts import mount, unmount
from tests.incidents.test_responder import Bench, press
from tests.support.fakes import CONTAINER, facts, restart

__all__ = ["containers", "fake_engine", "now"]

DOWN = facts(
    running=False,
    status="exited",
    exit_code=137,
    health=None,
    finished_at="2026-11-22T03:00:02.000000000Z",
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def words(message: object) -> str:
    return str(message)


@pytest.mark.fault(44)
async def test_44_a_socket_that_refuses_is_named_with_its_path_to_whoever_asks_and_the_bot_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied() -> None:
        raise EngineDenied("Permission denied at unix:///var/run/docker.sock.", hint="Add the user to its group.")

    with monkeypatch.context() as patched:
        patched.setattr(bench.containers, "info", denied)
        world = Runtime(bench.clock.now, bench.clock.sleep, bench.clock.name)
        desk = StatusQueries(
            containers=bench.containers,
            store=bench.store,
            memory=bench.memory,
            approvers=bench.approvers,
            model="",
            plan=bench.plan,
            world=world,
        )
        said = words(views.overview(await desk.overview()))
        assert "Permission denied at unix:///var/run/docker.sock." in said
    assert (await bench.fire()).state is State.PROPOSED


@pytest.mark.fault(49)
async def test_49_a_socket_file_that_was_replaced_is_named_and_found_again_by_its_path(fake_engine: FakeEngine) -> None:
    folder = fake_engine.path.parent
    mounted, theirs = folder / "docker.sock", folder / "old.sock"
    mounted.touch()
    with socket.socket(socket.AF_UNIX) as before:
        before.bind(str(theirs))
        before.listen()
        mount("--bind", theirs, mounted)
    containers = DockerContainers(docker_host=f"unix://{mounted}", bundles=folder, now=lambda: datetime.now(UTC))
    try:
        with pytest.raises(EngineUnreachable) as told:
            await containers.info()
        assert "its socket was replaced" in told.value.message
        assert "mount its folder" in told.value.message
    finally:
        unmount(mounted)
    mounted.unlink()
    mounted.symlink_to(fake_engine.path)
    assert (await containers.info()).host == "shop-host-1"


@pytest.mark.fault(50)
async def test_50_a_restart_that_the_engine_cannot_do_says_that_it_is_down_and_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "driver failed: <!channel> port is already allocated"
    bench.containers.on_restart = RestartFailed("The Docker Engine could not do it.", detail=reason)
    bench.containers.restart_happens = False
    incident = await bench.fire()
    original = bench.containers.act

    async def act(action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        bench.containers.looks = [DOWN]
        await original(action, target_id)

    monkeypatch.setattr(bench.containers, "act", act)
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert (ended.state, bench.containers.restarts) == (State.UNRESOLVED, 1)
    assert ended.verification is not None
    assert "is DOWN now" in ended.verification.reason
    said = words(replies.outcome(ended))
    assert "port is already allocated" in said
    assert "<!channel>" not in said
    assert "recovered in" not in said.lower()
    assert "restarted, " not in said.lower()


@pytest.mark.fault(50)
async def test_50_where_the_engine_does_not_say_how_it_is_now_that_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.containers.on_restart = RestartFailed("The Docker Engine could not do it.")
    bench.containers.restart_happens = False
    incident = await bench.fire()
    original = bench.containers.act

    async def act(action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        bench.containers.looks = [EngineUnreachable("The engine does not answer.")]
        await original(action, target_id)

    monkeypatch.setattr(bench.containers, "act", act)
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert ended.verification is not None
    assert "it may be down" in ended.verification.reason


async def left_stopped(bench: Bench) -> str:
    """Leave an incident as a bot does that was killed amid a restart, and the container as an engine does."""
    incident = await bench.fire()
    before = (facts().started_at, facts().finished_at)
    claimed = replace(incident, state=State.ACTING, times_before=before, restarted_at=bench.clock.now())
    left = await bench.store.save_if_unchanged(incident, claimed)
    assert left is not None
    await bench.sent(left)
    bench.containers.looks = [DOWN]
    bench.build()
    return incident.id


@pytest.mark.fault(48)
async def test_48_a_start_whose_answer_is_not_heard_is_looked_at_and_not_called_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await left_stopped(bench)
    original = bench.containers.act

    async def act(action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        await original(action, target_id)
        raise EngineTimeout("No answer from the engine.")

    monkeypatch.setattr(bench.containers, "act", act)
    await bench.recover()
    ended = await bench.store.get(number)
    assert ended is not None
    assert ended.state is State.RESOLVED
    assert bench.containers.writes == [("start", CONTAINER)]


@pytest.mark.fault(48)
async def test_48_a_start_that_fails_says_so_with_the_engines_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await left_stopped(bench)

    async def act(action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        bench.containers.writes.append(("start", target_id.id))
        raise RestartFailed("The Docker Engine could not do it.", detail="no such image layer")

    monkeypatch.setattr(bench.containers, "act", act)
    await bench.recover()
    ended = await bench.store.get(number)
    assert ended is not None
    assert ended.state is State.UNRESOLVED
    assert ended.verification is not None
    assert "no such image layer" in ended.verification.reason
    assert "is DOWN now" in ended.verification.reason
    assert bench.containers.writes == [("start", CONTAINER)]


@pytest.mark.fault(56)
async def test_56_the_wait_for_an_answer_is_longer_than_the_time_that_the_container_has_to_stop(
    containers: DockerContainers, fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Any] = []
    send = HTTPAdapter.send

    def noted(self: HTTPAdapter, request: PreparedRequest, *given: Any, **more: Any) -> Response:
        if request.method == "POST":
            waits.append(more["timeout"])
        return send(self, request, *given, **more)

    monkeypatch.setattr(HTTPAdapter, "send", noted)
    fake_engine.inspect["Config"]["StopTimeout"] = 120
    fake_engine.say("POST .*/restart", 204)
    await restart(containers, await containers.facts(parse_target("buggy-app-v2")))
    assert [path.split("?")[1] for method, path in fake_engine.journal if method == "POST"] == ["t=120"]
    assert len(waits) == 1
    assert waits[0] > 120 + 30


@pytest.mark.fault(56)
async def test_56_while_a_slow_container_stops_the_card_says_how_long_it_has(bench: Bench) -> None:
    bench.containers.looks = [facts(stop_timeout=120)]
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    amid = next(card for card in bench.messenger.cards if card.state is State.ACTING)
    assert "120 s to shut down" in words(views.card(amid))


@pytest.mark.fault(53, 55)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"paused": True, "status": "paused"}, "is paused; a restart would unpause it"),
        ({"status": "removing", "running": False}, "is removing: the engine cannot restart it"),
        ({"status": "dead", "running": False}, "is dead: the engine cannot restart it"),
    ],
)
async def test_53_and_55_what_is_paused_or_being_removed_has_no_button_and_is_left_alone_by_a_press(
    bench: Bench, changes: dict[str, Any], said: str
) -> None:
    pressable = await bench.fire()
    bench.containers.looks = [facts(**changes)]
    await bench.responder.act(press(pressable))
    assert bench.containers.writes == []
    assert said in bench.messenger.whispers("U0ONCALL")[0]
    shown = await bench.now(pressable)
    assert said in words(views.card(shown))
    assert "'action_id': 'restart'" in words(views.card(pressable))
    assert "'action_id': 'restart'" not in words(views.card(shown))
