"""Three real bots on three sockets of one Slack, one PostgreSQL and one engine, killed and paused at random."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import docker
import pytest
from aiohttp import web

from bot.adapters.database.store import SqlStore
from bot.adapters.runbook.table import RunbookTable
from bot.domain.audit.trail import TrailCheck, Verdict
from bot.domain.incident import LIVE, Incident, State
from bot.domain.target import parse_target
from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.slack.interactions.payloads import NoSuchControl
from bot.playground.slack.state.clock import Pace
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from tests.live.postgres import Cluster, cluster, url
from tests.playground.conftest import without_proxies
from tests.support.long_form import LONG

__all__ = ["cluster", "url"]

pytestmark = pytest.mark.live

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
ROUNDS = 50
"""How often each of sixty targets is in trouble in the long form: three thousand incidents, half an hour."""

DONE = frozenset({State.EXPIRED, State.INTERRUPTED})
"""Ends of which the runbook keeps nothing."""


BOT = "from bot.incidents import outage; outage.MOST_NEW = 10**6; from bot.cli.main import main; main()"
"""The bot, but for the bound on cards within a minute, past which targets are only listed: that is another test's."""


class Replica:
    """One bot as a process, which can be killed and paused; it ends with this process."""

    def __init__(self, number: int, environment: dict[str, str], folder: Path) -> None:
        self.log = folder / f"replica-{number}.log"
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot.playground.lab.child_process", sys.executable, "-c", BOT, "run"),
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self._environment},
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, sign: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, sign)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """Let it end cleanly."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@dataclass
class Scene:
    """Slack, the engine, the database, and as many bots as a test starts."""

    slack: Workspace
    engine: ProcessEngine
    url: str
    folder: Path
    targets: list[str] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        ok = f"{self.slack.url}/ok"
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "DOCKER_HOST": self.engine.host,
            "AEGIS_APPROVERS": "S0ONCALL",
            "AEGIS_RESTART_ALLOWLIST": ",".join(self.targets),
            "AEGIS_RESTART_COOLDOWN": "0",
            "AEGIS_RESTART_LIMIT": "1000",
            "AEGIS_VERIFY_URLS": ",".join(f"{name}={ok}" for name in self.targets),
            "AEGIS_VERIFY_DELAY": "0.2",
            "AEGIS_VERIFY_TIMEOUT": "20",
            "AEGIS_DATABASE_URL": self.url,
            "AEGIS_BUNDLES": str(self.folder / "bundles"),
        }

    async def bot(self) -> Replica:
        replica = Replica(len(self.replicas), self.environment(), self.folder)
        self.replicas.append(replica)
        before = len(self.slack.connections)
        await replica.start()
        await self.slack.connected(before + 1, 30)
        return replica

    async def container(self, name: str, *, stubborn: bool = False) -> None:
        """Run a container; a ``stubborn`` one has to be killed after its stop time-out."""
        then = "trap '' TERM; while :; do sleep 0.1; done" if stubborn else "exec sleep 100000"
        command = f"echo started >> {self.folder / name}; {then}"

        def make(client: docker.APIClient) -> None:
            labels = {"aegis.stop-timeout": "3"} if stubborn else {}
            made = client.create_container("shop/any:1", ["sh", "-c", command], name=name, labels=labels)
            client.start(made["Id"])

        await self.ask(make)
        self.targets.append(name)

    async def ask(self, question: Any) -> Any:
        def call() -> Any:
            client = docker.APIClient(base_url=self.engine.host, timeout=30)
            try:
                return question(client)
            finally:
                client.close()

        return await asyncio.to_thread(call)

    def restarts(self, name: str) -> int:
        """Count how often a container was started after its first time, by what it wrote itself."""
        return len((self.folder / name).read_text().splitlines()) - 1

    async def actions(self, action: str) -> Counter[str]:
        """Count what happened to each container, by the engine's own events; it keeps the newest 256."""

        def told(client: docker.APIClient) -> Counter[str]:
            events = client.events(since=1, until=int(time.time()) + 1, decode=True)
            return Counter(one["Actor"]["Attributes"]["name"] for one in events if one.get("Action") == action)

        found: Counter[str] = await self.ask(told)
        return found

    async def alert(self, name: str) -> Message:
        said = {
            "color": "a30200",
            "title": f"[FIRING:1] ServiceDown ({name} critical)",
            "fallback": f"[FIRING:1] ServiceDown ({name} critical)",
            "text": f"*Details:*\n • *alertname:* `ServiceDown`\n • *name:* `{name}`\n • *severity:* `critical`",
        }
        return await self.slack.alert("C0ALERTS", attachments=[said], sender=MONITOR)

    async def card(self, alert: Message, seconds: float = 20) -> Message:
        """Wait for the card with its button; where the engine was too slow to be looked at, have it looked at again."""
        async with asyncio.timeout(seconds):
            while True:
                card = (
                    await self.slack.wait_for(
                        lambda: [one for one in self.slack.thread(alert) if "rediagnose" in one.buttons], seconds
                    )
                )[0]
                if "restart" in card.buttons:
                    return card
                with suppress(NoSuchControl):
                    await self.slack.press("U0ONCALL", card.snapshot(), "rediagnose")
                await asyncio.sleep(1)

    async def press(self, alert: Message, seconds: float = 90) -> None:
        """Let two people press at once, and again as long as Slack tells them that it did not work."""
        seen = (await self.card(alert, seconds)).snapshot()
        while True:
            with suppress(NoSuchControl):
                users = ("U0ONCALL", "U0SECOND")
                heard = await asyncio.gather(*(self.slack.press(user, seen, "restart") for user in users))
                if any(one.ok for one in heard):
                    await asyncio.sleep(3)
            cards = [one for one in self.slack.thread(alert) if "restart" in one.buttons]
            if not cards:
                return
            seen = cards[0].snapshot()

    def cards(self, alert: Message) -> list[Message]:
        """Return the cards in an alert's thread."""
        parts = [(one, (one.metadata or {}).get("event_payload", {}).get("part")) for one in self.slack.thread(alert)]
        return [one for one, part in parts if part == "card"]

    def outcomes(self, alert: Message) -> int:
        parts = [(one.metadata or {}).get("event_payload", {}).get("part") for one in self.slack.thread(alert)]
        return parts.count("outcome")


@pytest.fixture
async def scene(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    without_proxies(monkeypatch)

    async def ok(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    pace = Pace(retries=(0.5, 4.0, 10.0, 30.0))
    async with (
        Workspace(pace=pace, routes=[web.get("/ok", ok)]) as slack,
        ProcessEngine(tmp_path / "engine") as engine,
    ):
        engine.images["shop/any:1"] = ProcessImage()
        made = Scene(slack, engine, url, tmp_path)
        try:
            yield made
        finally:
            for replica in made.replicas:
                await replica.kill()


class Looking:
    """Reads the database as an onlooker."""

    def __init__(self, url: str) -> None:
        self.store = SqlStore(url)

    async def __aenter__(self) -> Looking:
        await self.store.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()

    async def until_ended(self, count: int, seconds: float) -> Sequence[Incident]:
        """Wait until there are ``count`` incidents, and nothing is left to do for any of them."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.store.recent(limit=10 * count)
                left = [one for one in found if one.state in LIVE or not (one.finalized or one.state in DONE)]
                if len(found) >= count and not left:
                    return found
                await asyncio.sleep(0.5)

    async def until_no_live(self, target: str, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while await self.store.live(parse_target(target)):  # noqa: ASYNC110 - other processes end it
                await asyncio.sleep(1)

    async def until_taken_over(self, incident: Incident, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.store.get(incident.id)
                if found is not None and found.epoch > incident.epoch:
                    return
                await asyncio.sleep(0.1)

    async def until(self, state: State, seconds: float) -> Incident:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.store.recent(limit=1)
                if found and found[0].state is state:
                    return found[0]
                await asyncio.sleep(0.1)


async def holds(scene: Scene, looking: Looking, alerts: Sequence[Message], ended: Sequence[Incident]) -> None:
    """Check what must hold after everything that happened."""
    trail = await looking.store.trail(limit=1_000_000)
    assert TrailCheck().read(trail) == ""
    approved = Counter(
        row.act.target for row in trail if row.act.kind == "press" and row.act.verdict is Verdict.ALLOWED
    )
    sent = Counter(row.act.target for row in trail if row.act.kind == "engine" and row.act.said.startswith("restart"))
    restarted = {name: scene.restarts(name) for name in scene.targets}
    incidents = Counter(one.target.name for one in ended)
    for name in scene.targets:
        assert restarted[name] <= sent[name] <= approved[name] <= incidents[name], name
    assert Counter(one.place.thread for one in ended) == Counter(alert.ts for alert in alerts), "lost, or twice"
    entries = [entry.id for entry in await RunbookTable(scene.url).entries()]
    assert len(entries) == len(set(entries))
    assert set(entries) == {one.id for one in ended if one.state not in DONE}
    for one in ended:
        card = scene.slack.message("C0ALERTS", one.card)
        assert "restart" not in card.buttons, one
        if one.state is State.RESOLVED and one.approval:
            assert scene.outcomes(scene.slack.message("C0ALERTS", one.place.thread)) >= 1, "nobody heard how it ended"
    proved = Counter(one.target.name for one in ended if one.state is State.RESOLVED and one.approval)
    assert all(restarted[name] >= proved[name] for name in scene.targets)


async def trouble(
    replica: Replica, chance: Random, calm: tuple[float, float], over: asyncio.Event, done: Counter[str]
) -> None:
    """Kill or pause one replica again and again; pauses are shorter or longer than a lease."""
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), chance.uniform(*calm))
            return
        what = chance.choice(("kill", "pause", "long pause"))
        done[what] += 1
        if what == "kill":
            await replica.kill()
            await asyncio.sleep(chance.uniform(0, 3))
            await replica.start()
            continue
        replica.signal(signal.SIGSTOP)
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 2 if what == "pause" else 21)
        replica.signal(signal.SIGCONT)


async def seen_through(scene: Scene, looking: Looking, name: str, alert: Message, seconds: float = 300) -> None:
    """Press as soon as there is a card, and wait for the end of the incident; fails with all that is known of it."""
    try:
        await scene.press(alert, seconds)
        await looking.until_no_live(name, seconds)
    except TimeoutError as late:
        raise AssertionError(await story(scene, looking, name, alert)) from late


async def story(scene: Scene, looking: Looking, name: str, alert: Message) -> str:
    """Tell all that is known of an alert that did not come to its end: Slack, database, what the bots logged."""
    newest = await looking.store.recent(parse_target(name), 2)
    told = [f"{name}: {alert.ts} got no further", *(f"Slack: {one.words!r}" for one in scene.slack.thread(alert))]
    taken = await looking.store.taken_in(f"{alert.channel}:{alert.ts}", BEGINNING)
    told += [f"taken in: {key} at {at}" for key, at in taken.items()]
    told += [f"not handled: {one.key}" for one in await looking.store.unhandled() if alert.ts in one.key]
    told += [
        f"incident: {one.id} {one.state} in {one.place.thread}, card {one.card}, epoch {one.epoch}" for one in newest
    ]
    for replica in scene.replicas:
        known = (alert.ts, *(one.id for one in newest if one.place.thread == alert.ts))
        lines = replica.log.read_text(errors="replace").splitlines()
        told += [f"{replica.log.name}: {line}" for line in lines if any(word in line for word in known)]
    return "\n".join(told)


async def figures(looking: Looking, ended: Sequence[Incident], alerts: int, troubles: Counter[str]) -> str:
    """Say in one line of JSON what happened."""
    trail = await looking.store.trail(limit=1_000_000)
    presses = Counter(row.act.verdict.value for row in trail if row.act.kind == "press")
    won = Counter(row.act.incident for row in trail if row.act.kind == "press" and row.act.verdict is Verdict.ALLOWED)
    sent = Counter(row.act.incident for row in trail if row.act.kind == "engine" and row.act.said.startswith("restart"))
    lasted = sorted((one.closed_at - one.opened_at).total_seconds() for one in ended if one.closed_at)
    told = {
        "incidents": len(ended),
        "presses": dict(presses),
        **{f"{what}s": count for what, count in troubles.items()},
        "ended": dict(Counter(one.state.value for one in ended)),
        "changed hands": sum(one.epoch > 0 for one in ended),
        "double winners": sum(count > 1 for count in (won | sent).values()),
        "lost": alerts - len({one.place.thread for one in ended}),
        "seconds, half and longest": (lasted[len(lasted) // 2], lasted[-1]),
    }
    return json.dumps(told)


@pytest.mark.fault(74)
async def test_74_a_replica_paused_while_it_restarts_loses_when_it_wakes(scene: Scene) -> None:
    await scene.container("app-00", stubborn=True)
    first = await scene.bot()
    alert = await scene.alert("app-00")
    card = await scene.card(alert)
    await scene.slack.press("U0ONCALL", card, "restart")
    async with Looking(scene.url) as looking:
        await looking.until(State.ACTING, 10)
        while not await scene.actions("kill"):  # noqa: ASYNC110 - the engine has no bell
            await asyncio.sleep(0.05)
        first.signal(signal.SIGSTOP)
        await scene.bot()
        ended = await looking.until_ended(1, 60)
        assert ended[0].state is State.RESOLVED
        rows = len(await looking.store.trail())
        first.signal(signal.SIGCONT)
        third = await scene.alert("app-00")  # something after which the first has certainly gone on
        await scene.card(third)
        await asyncio.sleep(8)
        after = await looking.store.get(ended[0].id)
        assert after == ended[0]
        assert all(row.act.incident != ended[0].id for row in (await looking.store.trail())[rows:])
        assert scene.restarts("app-00") == 1
        assert scene.outcomes(alert) == 1
        assert [entry.id for entry in await RunbookTable(scene.url).entries()] == [ended[0].id]


@pytest.mark.fault(75)
async def test_75_an_event_that_slack_delivers_to_two_replicas_gets_one_card(scene: Scene) -> None:
    await scene.container("app-00")
    first, _ = await scene.bot(), await scene.bot()
    first.signal(signal.SIGSTOP)  # takes an event and does not acknowledge it in time: Slack delivers it elsewhere
    alerts = [await scene.alert("app-00") for _ in range(2)]
    cards = await scene.slack.wait_for(lambda: [*scene.cards(alerts[0]), *scene.cards(alerts[1])], 40)
    first.signal(signal.SIGCONT)
    await scene.slack.settled(60)
    await asyncio.sleep(5)
    async with Looking(scene.url) as looking:
        assert len(await looking.store.recent(limit=10)) == 1
        assert len([*scene.cards(alerts[0]), *scene.cards(alerts[1])]) == len(cards) == 1


@pytest.mark.fault(76)
async def test_76_a_press_while_postgres_is_down_restarts_nothing_and_says_so(scene: Scene, cluster: Cluster) -> None:
    await scene.container("app-00")
    await scene.bot()
    alert = await scene.alert("app-00")
    card = await scene.card(alert)
    await asyncio.to_thread(cluster.stop)
    try:
        await scene.slack.press("U0ONCALL", card, "restart")
        told = await scene.slack.wait_for(lambda: scene.slack.ephemerals("U0ONCALL")[-1], 40)
        assert "nothing was restarted" in told.words + told.text
    finally:
        await asyncio.to_thread(cluster.start)
    assert scene.restarts("app-00") == 0
    await scene.press(alert)
    async with Looking(scene.url) as looking:
        assert (await looking.until_ended(1, 60))[0].state is State.RESOLVED


async def test_what_a_killed_replica_left_goes_on_elsewhere(scene: Scene) -> None:
    await scene.container("app-00")
    first = await scene.bot()
    alert = await scene.alert("app-00")
    card = await scene.card(alert)
    await scene.bot()
    first_press = asyncio.create_task(scene.slack.press("U0ONCALL", card.snapshot(), "restart"))
    async with Looking(scene.url) as looking:
        with suppress(TimeoutError):
            await looking.until(State.ACTING, 5)
        await first.kill()
        await first_press
        died = asyncio.get_running_loop().time()
        if (await looking.store.recent())[0].state is State.PROPOSED:
            await scene.press(alert)
        await looking.until_ended(1, 75)
        # The lease, the look for what became of it (where it was not sent), and the proof that it runs.
        assert asyncio.get_running_loop().time() - died < 75


async def test_what_a_killed_replica_left_changes_hands_within_thirty_seconds(scene: Scene) -> None:
    await scene.container("app-00")
    first = await scene.bot()
    await scene.card(await scene.alert("app-00"))
    await scene.bot()
    async with Looking(scene.url) as looking:
        left = await looking.until(State.PROPOSED, 10)
        await first.kill()
        await looking.until_taken_over(left, 30)


async def test_a_replica_that_ends_cleanly_leaves_its_work_to_others_at_once(scene: Scene) -> None:
    await scene.container("app-00")
    first = await scene.bot()
    await scene.card(await scene.alert("app-00"))
    await first.stop()
    async with Looking(scene.url) as looking:
        assert len((await looking.store.take_over()).live) == 1


@pytest.mark.parametrize(("count", "rounds", "calm"), [(60, ROUNDS, (3, 25)) if LONG else (8, 1, (0.5, 6))])
async def test_three_replicas_killed_and_paused_at_random_lose_nothing_and_win_nothing_twice(
    scene: Scene, count: int, rounds: int, calm: tuple[float, float]
) -> None:
    for number in range(count):
        await scene.container(f"app-{number:02}", stubborn=number % 5 == 4)
    for _ in range(3):
        await scene.bot()
    chance, over, done = Random(73), asyncio.Event(), Counter[str]()

    alerts: list[Message] = []

    async def trouble_of(name: str, looking: Looking) -> None:
        for _ in range(rounds):
            alerts.append(alert := await scene.alert(name))
            if len(alerts) % 100 == 0:
                print(f"{len(alerts):,} of {count * rounds:,} alerts; {dict(done)}", flush=True)
            await seen_through(scene, looking, name, alert)

    async with Looking(scene.url) as looking:
        troubles = [asyncio.create_task(trouble(replica, chance, calm, over, done)) for replica in scene.replicas]
        working = []
        for name in scene.targets:
            working.append(asyncio.create_task(trouble_of(name, looking)))
            await asyncio.sleep(chance.uniform(0, 3))
        await asyncio.wait(working, timeout=45 if count < 10 else 240 * rounds)
        over.set()
        await asyncio.gather(*troubles)
        await asyncio.gather(*working)
        ended = await looking.until_ended(count * rounds, 120)
        print(await figures(looking, ended, len(alerts), done), flush=True)
        await asyncio.sleep(3)  # the last pictures of the cards
        await holds(scene, looking, alerts, ended)
