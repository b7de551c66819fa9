"""A bot with a recording responder, joined to the loopback workspace by Bolt's real client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.diagnosis import Action, Diagnosis, FailureClass
from bot.domain.evidence import Evidence, LogDigest, LogLine
from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Incident, Press, State, Thread
from bot.domain.runbook_entry import Precedent
from bot.domain.target import parse_target
from bot.errors import EngineUnreachable
from bot.playground.slack.state.clock import Pace
from bot.playground.slack.workspace import Workspace
from bot.ports.database import ReceivedAlert
from bot.slack.app import add_routes, make_app
from bot.slack.connection.socket_mode import SocketModeConnection
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity, identify, web_client
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.listeners.events import EventListeners
from bot.slack.listeners.queries import Overview
from bot.slack.members import Members
from tests.support.fakes import facts

DIGEST = "0123456789abcdef"


def now() -> datetime:
    return datetime.now(UTC)


def incident(state: State = State.PROPOSED, **more: Any) -> Incident:
    given: dict[str, Any] = {
        "id": "i1",
        "target": "buggy-app-v2",
        "place": Thread("C0ALERTS"),
        "opened_at": now(),
        "digest": DIGEST,
        "verdict": Permit(),
        "evidence": Evidence(
            parse_target("buggy-app-v2"), now().isoformat(), facts(), LogDigest((LogLine(1, "ERROR pool"),), 1, 10)
        ),
        "diagnosis": Diagnosis(
            headline="connection pool exhausted",
            root_cause="Twenty of twenty connections are held.",
            action=Action.RESTART,
            justification="Held connections are released by a restart.",
            confidence=0.86,
            trouble=FailureClass.RESOURCE_EXHAUSTION,
            restart_helps=True,
        ),
    }
    return Incident(state=state, **(given | more))


@dataclass
class RecordingAnswers:
    """Stands in for the responder: keeps what it is asked, answers what is set."""

    taken: dict[str, ReceivedAlert] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    names: tuple[str, ...] = ("buggy-app-v2", "shop-db-1")
    broken: Exception | None = None
    unsaid: Exception | None = None
    hold: asyncio.Event | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        self.heard.set()

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [what[1:] for what in self.asked if what[0] == kind]

    async def receive(self, received: ReceivedAlert) -> bool:
        self._note("receive", received)
        if self.hold is not None:
            await self.hold.wait()
        if self.broken is not None:
            raise self.broken
        return self.taken.setdefault(received.key, received) is received

    async def answer(self, received: ReceivedAlert, url: str = "") -> None:
        self._note("answer", received)
        if self.unsaid is not None:
            raise self.unsaid

    async def refuse(self, press: Press, refusal: Refusal) -> None:
        self._note("refuse", press, refusal)

    async def diagnose(self, name: str, place: Thread, user: str, url: str = "") -> None:
        self._note("diagnose", name, place, user)

    async def rediagnose(self, press: Press) -> None:
        self._note("rediagnose", press)

    async def act(self, press: Press) -> None:
        self._note("restart", press)

    async def ignore(self, press: Press, reason: str) -> None:
        self._note("ignore", press, reason)

    async def evidence(self, press: Press, view: str) -> None:
        self._note("evidence", press, view)

    async def overview(self) -> Overview:
        if self.broken is not None:
            raise self.broken
        allowed = ("buggy-app-v2",)
        return Overview((incident(),), allowed, "Docker 27 on docker-7", "none", "2 past incidents", allowed, (), True)

    async def history(self, target: str) -> tuple[Incident, ...]:
        self._note("history", target)
        return (incident(State.IGNORED, closed_by="U0ONCALL", closed_at=now()),)

    async def search_runbook(self, words: str) -> tuple[Precedent, ...]:
        self._note("recall", words)
        return ()

    async def watched_names(self) -> tuple[str, ...]:
        if not self.names:
            raise EngineUnreachable("The engine does not answer.", hint="Start Docker.")
        return self.names


@dataclass
class Desk:
    """Everything of one bot, and the workspace it is joined to."""

    ws: Workspace
    client: AsyncWebClient
    own: Identity
    app: AsyncApp
    answers: RecordingAnswers
    work: BackgroundTasks
    messenger: SlackMessenger
    connection: SocketModeConnection
    said: EventListeners

    async def asked(self, kind: str, count: int = 1) -> list[tuple[Any, ...]]:
        """Return what the responder was asked of this kind, as soon as it was asked that often."""
        async with asyncio.timeout(5):
            while len(self.answers.of(kind)) < count:
                self.answers.heard.clear()
                await self.answers.heard.wait()
        return self.answers.of(kind)

    async def quiet(self) -> None:
        """Return when every event so far is acknowledged and all work done."""
        await self.ws.wait_for(lambda: self.ws.deliveries and all(one.acknowledged for one in self.ws.deliveries))
        await self.work.wait_until_idle()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pace() -> Pace:
    return Pace()


@pytest.fixture
async def ws(pace: Pace) -> AsyncIterator[Workspace]:
    async with Workspace(pace=pace) as workspace:
        yield workspace


@pytest.fixture
async def client(ws: Workspace) -> AsyncIterator[AsyncWebClient]:
    async with web_client(ws.bot_token, ws.api_url) as made:
        yield made


@pytest.fixture
async def own(client: AsyncWebClient) -> Identity:
    return await identify(client)


@pytest.fixture
def make_connection() -> Callable[..., SocketModeConnection]:
    def make(app: AsyncApp, token: str, **more: Any) -> SocketModeConnection:
        return SocketModeConnection(app, token, **({"ping": 0.2, "patience": 1.0, "grace": 0.2, "look": 0.05} | more))

    return make


@pytest.fixture
async def desk(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Callable[..., SocketModeConnection]
) -> AsyncIterator[Desk]:
    answers, work = RecordingAnswers(), BackgroundTasks()
    app = make_app(client, own)
    messenger = SlackMessenger(client, own, work, now)
    said = add_routes(
        app,
        answers,
        answers,
        work,
        channels=(),
        own=own,
        messenger=messenger,
        members=Members(client, own.team_id),
        clock=now,
    )
    connection = make_connection(app, ws.app_token)
    await connection.start()
    await ws.connected()
    yield Desk(ws, client, own, app, answers, work, messenger, connection, said)
    await connection.close(work, 2)
