"""One alert from its message to its end, with a person who presses; and what must hold whatever went wrong.

Slack is the loopback workspace, the engine runs processes, the model is a local endpoint, the bot is a real process.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import docker
from aiohttp import web

from bot.adapters.database.store import SqlStore
from bot.adapters.runbook.file import RunbookFile
from bot.domain.audit.trail import AuditRow, TrailCheck, Verdict
from bot.domain.incident import LIVE, Incident, State
from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.slack.interactions.payloads import NoSuchControl
from bot.playground.slack.state.clock import Pace
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.slack.views import card as views
from tests.faults.torture.numbered_bot import NumberedBot
from tests.faults.torture.seam import ANY, Effect, Fault, Kind, read
from tests.http.test_webhook import TOKEN, free_port, group, post
from tests.support.gemini_endpoint import gemini_endpoint

TARGET = "buggy-app"
PERSON = "U0ONCALL"
IMAGE = "shop/any:1"

ACTS = {"engine POST /containers/{id}/restart", "engine POST /containers/{id}/start"}
"""All that the engine may ever be told to do."""

PATIENCE = 90.0
"""Seconds for one run; it takes three to ten."""

STUCK = 45.0
"""Seconds after which a bot in which something hangs for ever is killed, as an operator would."""

WAITS = 12.0
"""Seconds for which somebody who asked waits for the card before asking again."""

WEBHOOK = "by webhook"
IGNORED = "asked for, ignored"
FLOWS = {
    "recovered": State.RESOLVED,
    "not recovered": State.UNRESOLVED,
    WEBHOOK: State.RESOLVED,
    IGNORED: State.IGNORED,
}
"""How the incident ends. An alert comes by Slack or by webhook, and is approved; the container recovers or ends at once
again. Or somebody asks for a diagnosis, wants a fresh look at it, and ignores it."""

_COMMANDS = {
    **dict.fromkeys(FLOWS, "exec sleep 100000"),
    "not recovered": '[ "$(wc -l < {file})" -gt 1 ] && exit 3; exec sleep 100000',
}


@dataclass
class Run:
    """What one run came to: the effects in order, where it ended, and what is wrong with that."""

    flow: str
    faults: Sequence[Fault]
    effects: list[Effect] = field(default_factory=list)
    state: str = ""
    wrong: list[str] = field(default_factory=list)
    happened: bool = False
    """Whether all faults came up."""
    killed: bool = False
    """Whether something hung so that only a kill helped."""
    seconds: float = 0.0


class Scene:
    """Slack, the engine and the bot of one run."""

    def __init__(self, flow: str, folder: Path, slack: Workspace, engine: ProcessEngine, model: str) -> None:
        self.flow = flow
        self.folder = folder
        self.slack = slack
        self.engine = engine
        self.port = free_port()
        environment = _environment(folder, slack, engine, model) | {"AEGIS_HTTP_PORT": str(self.port)}
        self.bot = NumberedBot(environment, folder)
        self.container = ""
        self.seen: list[Message] = []

    @property
    def started(self) -> Path:
        """Where the container writes a line each time it starts."""
        return self.folder / "started"

    @property
    def restarts(self) -> int:
        """Say how often the container was started after its first time, by what it wrote itself."""
        return len(self.started.read_text().splitlines()) - 1

    def cards(self) -> list[Message]:
        """Return the incidents' cards."""
        return [one for one in self.slack.messages("C0ALERTS") if _part(one) == "card"]

    async def run_container(self) -> None:
        """Run the container that the alert is about."""
        then = _COMMANDS[self.flow].format(file=self.started)
        command = ["sh", "-c", f"echo started >> {self.started}; echo ERROR QueuePool limit reached; {then}"]

        def make() -> str:
            client = docker.APIClient(base_url=self.engine.host, timeout=30)
            labels = {"aegis.stop-timeout": "1"}
            made: str = client.create_container(IMAGE, command, name=TARGET, labels=labels)["Id"]
            client.start(made)
            client.close()
            return made

        self.container = await asyncio.to_thread(make)
        while not self.started.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.02)

    def firsts(self) -> list[Message]:
        """Return what threads begin with: the alert; one by webhook is announced, else its card begins the thread."""
        return [one for one in self.slack.messages("C0ALERTS") if not one.thread_ts]

    async def alert(self) -> None:
        """Let monitoring say that it is down; a webhook's sender tries until it is told that it was taken in.

        Or let somebody ask for a diagnosis, and ask again where no card comes.
        """
        if self.flow == WEBHOOK:
            await self._post()
            return
        if self.flow == IGNORED:
            await self._ask()
            return
        title = f"[FIRING:1] ServiceDown ({TARGET} critical)"
        text = f"*Details:*\n • *alertname:* `ServiceDown`\n • *name:* `{TARGET}`\n • *severity:* `critical`"
        said = {"color": "a30200", "title": title, "fallback": title, "text": text}
        await self.slack.alert("C0ALERTS", attachments=[said], sender=MONITOR)

    async def _post(self) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(5):
                    if (await post(self.port, "alertmanager", group(TARGET))).status == HTTPStatus.ACCEPTED:
                        return
            await asyncio.sleep(0.3)

    async def _ask(self) -> None:
        while not self.cards():
            await self.slack.slash(PERSON, "C0ALERTS", "/aegis", f"diagnose {TARGET}")
            with suppress(TimeoutError):
                await self.slack.wait_for(self.cards, WAITS)

    async def person(self) -> None:
        """Do on the card what this flow is about, until it is done; ends only when it is cancelled."""
        await (self._set_aside() if self.flow == IGNORED else self._approve())

    async def _approve(self) -> None:
        """Press Restart as long as there is such a button; where there is none but another look is offered, ask for it.

        Somebody who pressed waits a little for something to happen.
        """
        while True:
            (card, *_) = await self.slack.wait_for(self._cards_with_buttons, PATIENCE)
            button = "restart" if "restart" in card.buttons else "rediagnose"
            seen = card.snapshot()
            self.seen.append(seen)
            with suppress(NoSuchControl):
                await self.slack.press(PERSON, seen, button)
            with suppress(TimeoutError):
                await self.slack.wait_for(partial(_has_no, card, button), 2.0)

    async def _set_aside(self) -> None:
        """Ask for a fresh look once, then press Ignore and give a reason, as long as there is such a button."""
        looked = False
        while True:
            (card, *_) = await self.slack.wait_for(self._cards_to_ignore, PATIENCE)
            seen = card.snapshot()
            self.seen.append(seen)
            with suppress(NoSuchControl, TimeoutError):
                if not looked:
                    looked = (await self.slack.press(PERSON, seen, "rediagnose")).ok
                    await self.slack.wait_for(partial(_has_no, card, "restart"), 2.0)
                    await self.slack.wait_for(partial(_has, card, "restart"), 5.0)
                if (await self.slack.press(PERSON, seen, "ignore")).ok:
                    window = await self.slack.wait_for(lambda: self.slack.modal(PERSON), 2.0)
                    await self.slack.submit(PERSON, window, {"reason": "load test"})
                await self.slack.wait_for(partial(_has_no, card, "ignore"), 2.0)

    def _cards_to_ignore(self) -> list[Message]:
        return [one for one in self.cards() if "ignore" in one.buttons]

    def _cards_with_buttons(self) -> list[Message]:
        return [one for one in self.cards() if {"restart", "rediagnose"} & set(one.buttons)]

    def ended(self) -> bool:
        """Say whether there is an incident, it has ended, and Slack has heard all."""
        try:
            with sqlite3.connect(f"file:{self.folder}/aegis.db?mode=ro", uri=True, timeout=1) as base:
                rows = base.execute("SELECT state, remembered FROM incidents").fetchall()
                waiting = base.execute("SELECT count(*) FROM outbox").fetchone()[0]
        except sqlite3.Error:
            return False
        done = all(State(state) not in LIVE and remembered for state, remembered in rows)
        return bool(rows) and done and not waiting and not any(one.buttons for one in self.cards())


def _environment(folder: Path, slack: Workspace, engine: ProcessEngine, model: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "GEMINI_API_KEY": "no-real-key-for-this",
        "AEGIS_GEMINI_ENDPOINT": model,
        "AEGIS_GEMINI_TIMEOUT": "4",
        "DOCKER_HOST": engine.host,
        "AEGIS_WEBHOOK_TOKEN": TOKEN,
        "AEGIS_APPROVERS": PERSON,
        "AEGIS_ALERT_CHANNELS": "C0ALERTS",
        "AEGIS_RESTART_ALLOWLIST": TARGET,
        "AEGIS_RESTART_COOLDOWN": "0",
        "AEGIS_VERIFY_URLS": f"{TARGET}={slack.url}/ok",
        "AEGIS_VERIFY_DELAY": "0.3",
        "AEGIS_VERIFY_TIMEOUT": "20",
        "AEGIS_VERIFY_SUCCESSES": "2",
        "AEGIS_DATABASE_URL": f"sqlite:///{folder}/aegis.db",
        "AEGIS_RUNBOOK": str(folder / "runbook.json"),
        "AEGIS_BUNDLES": str(folder / "bundles"),
    }


@asynccontextmanager
async def scene(flow: str, folder: Path) -> AsyncIterator[Scene]:
    """Make the scene of one run; the bot is not started yet, and killed at the end."""

    async def ok(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    pace = Pace(acknowledge=2.0, retries=(0.5, 3.0, 6.0, 12.0))
    async with (
        Workspace(pace=pace, routes=[web.get("/ok", ok)]) as slack,
        gemini_endpoint() as model,
        ProcessEngine(folder / "engine") as engine,
    ):
        engine.images[IMAGE] = ProcessImage()
        made = Scene(flow, folder, slack, engine, model.url)
        try:
            await made.run_container()
            yield made
        finally:
            made.bot.signal(signal.SIGKILL)
            await made.bot.ended()


async def play(flow: str, folder: Path, *faults: Fault) -> Run:
    """Run the whole flow once, start the bot again, and check what must hold.

    The first fault meets the first process, the second the one that is started after it, and so on.
    """
    run, began = Run(flow, faults), time.monotonic()
    async with scene(flow, folder) as on:
        on.bot.start(*faults[:1])
        keeping = asyncio.create_task(on.bot.keep(faults[1:]))
        person = asyncio.create_task(on.person())
        try:
            await on.slack.connected(timeout=PATIENCE)
            async with asyncio.timeout(PATIENCE):
                await on.alert()
            await _until_ended(on, run)
        except TimeoutError:
            run.wrong.append("it never ended")
        finally:
            for task in (keeping, person):
                task.cancel()
            await asyncio.gather(keeping, person, return_exceptions=True)
        if not run.wrong:
            await _once_more(on)
        rows = read(folder / "journal")
        mine = [row for row in rows if row["by"] == rows[0]["by"]]
        run.effects = [Effect(row["name"], row["nth"]) for row in mine if row["what"] == "before"]
        run.happened = sum(bool(row["fault"]) for row in rows) == len(faults)
        run.wrong += await wrong(on, rows, run)
    run.seconds = time.monotonic() - began
    return run


def _held_for_ever(fault: Fault) -> bool:
    """Say whether a disk hangs that holds the runbook's lock: only a new process gets past that."""
    return fault.kind in (Kind.HANG_BEFORE, Kind.HANG_AFTER) and fault.effect.name == "rename runbook.json"


async def _until_ended(on: Scene, run: Run) -> None:
    stuck = asyncio.get_running_loop().time() + STUCK
    async with asyncio.timeout(PATIENCE):
        while not on.ended():
            if not run.killed and asyncio.get_running_loop().time() > stuck:
                run.killed = True
                on.bot.signal(signal.SIGKILL)
            await asyncio.sleep(0.1)


async def _once_more(on: Scene) -> None:
    """End the bot, start it again, and press what somebody may still have on the screen: nothing may come of that."""
    on.bot.signal(signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(on.bot.ended(), 10)
    on.bot.signal(signal.SIGKILL)
    await on.bot.ended()
    await on.slack.wait_for(lambda: not on.slack.connections)
    on.bot.start()
    await on.slack.connected(timeout=30)
    for seen in [one for one in on.seen if "restart" in one.buttons][-1:]:
        with suppress(NoSuchControl):
            await on.slack.press(PERSON, seen, "restart")
    await asyncio.sleep(0.5)
    on.bot.signal(signal.SIGTERM)
    await on.bot.ended()


async def wrong(on: Scene, rows: Sequence[Mapping[str, Any]], run: Run) -> list[str]:
    """Return what does not hold that must hold after everything that happened; the bot does not run any more."""
    store = SqlStore(f"sqlite:///{on.folder}/aegis.db")
    await store.start()
    try:
        incidents = await store.recent(limit=10)
        trail = await store.trail(limit=100_000)
        waiting, _ = await store.outbox.depth()
    finally:
        await store.close()
    incident, *asked_again = incidents
    if asked_again and not (on.flow == IGNORED and all(map(_given_up, asked_again))):
        return [f"{len(incidents)} incidents: {[one.state.value for one in incidents]}"]
    run.state = incident.state.value
    entries = [entry.id for entry in await RunbookFile(on.folder / "runbook.json").entries()]
    firsts = on.firsts()
    thread = [said for first in firsts for said in on.slack.thread(first)]
    said = Counter(map(_part, thread))
    cards = sorted(views.card(one).text for one in incidents if one.card or one is incident)
    remembered = int(incident.state in FLOWS.values())
    outcomes = int(incident.state in (State.RESOLVED, State.UNRESOLVED))
    holds = {
        "the audit trail does not verify": TrailCheck().read(trail) == "",
        "the incident goes on for ever": incident.state not in LIVE and incident.finalized,
        "something waits for Slack": waiting == 0,
        f"{len(firsts)} threads": len(firsts) == len(cards),
        f"{len(on.cards())} cards": len(on.cards()) == len(cards),
        "a button is left": not any({"restart", "ignore"} & set(one.buttons) for one in on.cards()),
        "the card shows another state": sorted(one.text for one in on.cards()) == cards,
        f"the runbook has it {entries.count(incident.id)} times": entries == [incident.id] * remembered,
        f"the outcome was said {said['outcome']} times": said["outcome"] == outcomes,
        "only a kill helped": not run.killed or any(map(_held_for_ever, run.faults)),
        "a message was said twice": not any(_twice(on.slack.thread(first)) for first in firsts),
    }
    return [told for told, good in holds.items() if not good] + _acts(on, incident, trail, rows, run)


def _acts(
    on: Scene, incident: Incident, trail: tuple[AuditRow, ...], rows: Sequence[Mapping[str, Any]], run: Run
) -> list[str]:
    """Return what is wrong with what the engine was told: only what a person approved, after that, once."""
    with sqlite3.connect(on.folder / "aegis.db") as base:
        approvals = base.execute("SELECT incident, person, at FROM approvals").fetchall()
    presses = [row for row in trail if row.act.kind == "press" and row.act.verdict is Verdict.ALLOWED]
    told = [row for row in trail if row.act.kind == "engine" and row.act.said.startswith("restart")]
    posts = [row for row in rows if row["name"].startswith("engine POST") and row["what"] == "before"]
    acts = {row["name"] for row in posts}
    done = [row for row in rows if row["name"] in acts and row["what"] == "done"]
    approved = min((datetime.fromisoformat(at).timestamp() for _, _, at in approvals), default=float("inf"))
    bundles = [json.loads(one.read_text()) for one in (on.folder / "bundles").glob("*.json")]
    untouched = State.IGNORED if on.flow == IGNORED else State.INTERRUPTED
    holds = {
        f"{on.restarts} restarts, {len(told)} told, {len(approvals)} approvals": (
            on.restarts <= len(told) <= len(approvals) <= 1 and len(presses) == len(approvals)
        ),
        f"approved by {approvals}": all((one, by) == (incident.id, PERSON) for one, by, _ in approvals),
        f"the engine was told {acts}": acts <= ACTS,
        "the engine was told the same twice": len(done) == len({row["name"] for row in done}),
        "the engine was told before the approval": all(row["at"] >= approved for row in posts),
        "nothing was saved before the restart": bool(bundles) or not on.restarts,
        f"restarted {on.restarts} times, and it ends in {incident.state.value}": incident.state
        is (FLOWS[on.flow] if on.restarts else untouched),
        "restarted, though nobody wanted it": on.flow != IGNORED or not on.restarts,
        "not restarted, though nothing went wrong near the restart": on.flow == IGNORED
        or on.restarts == 1
        or _near_the_restart(run),
    }
    return [what for what, good in holds.items() if not good]


def _given_up(incident: Incident) -> bool:
    """Say whether this incident made room for one that somebody asked for, who waited for its card in vain."""
    return incident.state is State.EXPIRED and incident.closed_by == PERSON and incident.approval is None


def _near_the_restart(run: Run) -> bool:
    """Say whether the fault lies between the approval and the restart, where Aegis must rather do nothing."""
    if len(run.faults) != 1:
        return bool(run.faults)
    claimed = next((at for at, one in enumerate(run.effects) if "approvals" in one.name), len(run.effects))
    return run.faults[0].effect in run.effects[claimed:]


def _has(card: Message, button: str) -> bool:
    return button in card.buttons


def _has_no(card: Message, button: str) -> bool:
    return button not in card.buttons


def _twice(messages: list[Message]) -> list[str]:
    words = Counter(one.words for one in messages)
    return [one for one, count in words.items() if count > 1]


def _part(message: Message) -> str:
    return str((message.metadata or {}).get("event_payload", {}).get("part", ""))


def faults(effects: Sequence[Effect]) -> list[Fault]:
    """Return everything that can go wrong with these effects."""
    return [Fault(kind, one) for one in effects for kind in Kind if kind in one.kinds]


def twice(effects: Sequence[Effect], count: int, chance: Random) -> list[tuple[Fault, Fault]]:
    """Return ``count`` pairs: something goes wrong, the bot is killed, and is killed again while it recovers."""
    firsts = [
        Fault(kind, one) for one in effects for kind in (Kind.CRASH_BEFORE, Kind.CRASH_AFTER) if kind in one.kinds
    ]
    return [(chance.choice(firsts), Fault(Kind.CRASH_BEFORE, Effect(ANY, chance.randint(1, 20)))) for _ in range(count)]
