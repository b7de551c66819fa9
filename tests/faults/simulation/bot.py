"""One run of the bot after the other over the same database and runbook: all its own parts real, the outside chosen."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest.mock import patch

from aiosqlite import Connection
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import background
from bot.adapters.database.engine import WRITES
from bot.adapters.database.store import SqlStore
from bot.adapters.runbook.file import RunbookFile
from bot.domain.alerts.alert import redact_alert
from bot.domain.guard import Permit, Policy, Refusal
from bot.domain.incident import Press
from bot.domain.llm.prompt import Prompt
from bot.domain.redaction.redact import redact
from bot.domain.runbook_entry import Entry
from bot.errors import AegisError, ModelUnavailable, RunbookUnwritable, SlackError, StoreError, StoreUnavailable
from bot.incidents.investigation import Investigator
from bot.incidents.responder import Responder
from bot.ports.database import ReceivedAlert
from bot.ports.model import ModelReply
from bot.runtime import ResponseConfig, Runtime
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity
from bot.slack.delivery.escalator import SlackEscalator
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.delivery.outbox import Outbox
from bot.wiring.incident_path import incident_path
from tests.faults.simulation.engine import LivingContainers, LivingProber
from tests.faults.simulation.slack import MemorySlack
from tests.faults.simulation.stage import Stage
from tests.support.fakes import FakeApprovers, FakeDiagnoser

OWN = Identity("U0AEGIS", "B0AEGIS", "A0AEGIS", "T0PLAY")

COMMIT, QUERY, REMEMBER, RECALL, WHO, MODEL = "commit", "query", "remember", "recall", "who", "model"
FAULTS = {
    COMMIT: ("full", "sent twice", "lost after"),
    QUERY: ("away",),
    REMEMBER: ("unwritable", "unwritable after"),
    MODEL: ("away",),
}

LASTING = 2
"""Tasks that go on as long as the bot runs: the outbox and the upkeep."""

_COMPILED: dict[Any, Any] = {}
"""Statements as SQLAlchemy compiled them: every run opens the database anew, and would compile them all again."""

_Answer = TypeVar("_Answer")


@contextmanager
def database_at_once() -> Iterator[None]:
    """Let SQLite answer in the loop's own thread inside the block: threads that take turns cost most of the time."""

    async def execute(_: Connection, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    with patch.object(Connection, "_execute", execute):
        yield


class ChosenStore(SqlStore):
    """The real store, of which each transaction waits for its turn."""

    def __init__(self, url: str, stage: Stage) -> None:
        super().__init__(url)
        self._stage = stage
        self._at_once = False

    @contextmanager
    def unchosen(self) -> Iterator[None]:
        """Let transactions happen at once inside the block."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    async def start(self) -> None:
        with self.unchosen():
            await super().start()

    async def _tried(self, work: Callable[[AsyncConnection], Awaitable[_Answer]], begin: str) -> _Answer:
        if self._engine is not None:
            self._engine = self._engine.execution_options(compiled_cache=_COMPILED)
        if self._at_once:
            return await super()._tried(work, begin)
        async with self._stage.effect(COMMIT if begin == WRITES else QUERY) as fault:
            if fault in ("full", "away"):
                raise StoreUnavailable("The database cannot be used: the disk is full.")
            if fault == "sent twice":
                # The connection was lost at the commit: it happened, and the store sends it again.
                await super()._tried(work, begin)
            answer = await super()._tried(work, begin)
            if fault == "lost after":
                raise StoreUnavailable("The database did not answer in time.")
            return answer


class ChosenMemory(RunbookFile):
    """The real runbook, of which each call waits for its turn."""

    def __init__(self, path: Path, stage: Stage) -> None:
        super().__init__(path)
        self._stage = stage

    async def entries(self) -> Sequence[Entry]:
        async with self._stage.effect(RECALL):
            return await super().entries()

    async def append(self, entry: Entry) -> None:
        async with self._stage.effect(REMEMBER) as fault:
            if fault == "unwritable":
                raise RunbookUnwritable("The runbook cannot be written: the disk is full.")
            await super().append(entry)
            if fault == "unwritable after":
                raise RunbookUnwritable("The runbook's folder cannot be forced to the disk.")


class ChosenApprovers(FakeApprovers):
    """Lets those in who are on the list when they are asked about; remembers whom it ever let in."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self.let_in: set[str] = set()

    async def check(self, press: Press) -> Permit | Refusal:
        async with self._stage.effect(WHO):
            answer = await super().check(press)
            if isinstance(answer, Permit):
                self.let_in.add(press.user)
            return answer


class ChosenDiagnoser(FakeDiagnoser):
    """A model that waits for its turn."""

    def __init__(self, stage: Stage, text: str) -> None:
        super().__init__(text)
        self._stage = stage

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        async with self._stage.effect(MODEL) as fault:
            if fault:
                raise ModelUnavailable("The model did not answer.")
            return await super().ask(prompts)


class Unexpected(logging.Handler):
    """Collects what went wrong in the bot's own code: errors that are none of ours."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(logging.ERROR)
        self._stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, AegisError):
            self._stage.broken.append(f"{record.getMessage()}: {error!r}")


class Bot:
    """The bot, now running or killed."""

    def __init__(self, stage: Stage, folder: Path, policy: Policy, engine: LivingContainers, reply: str) -> None:
        self.stage = stage
        self.engine = engine
        self.slack = MemorySlack(stage)
        self.approvers = ChosenApprovers(stage)
        self.database = folder / "aegis.db"
        self.runbook = folder / "runbook.json"
        self.running = False
        self.undelivered: list[ReceivedAlert] = []
        """What Slack will send again, since nobody acknowledged it."""
        self._diagnoser = ChosenDiagnoser(stage, reply)
        urls = {name: f"http://{name}/health" for name in policy.allowlist}
        self._plan = ResponseConfig(policy, delay=5, timeout=60, successes=3, urls=urls)
        self._names = 0
        self._wiring()

    def _wiring(self) -> None:
        """Put the parts together as ``bot.wiring`` does."""
        self.plan = self._plan
        self.world = Runtime(self.stage.now, asyncio.sleep, self._name)
        self.store = ChosenStore(f"sqlite:///{self.database}", self.stage)
        self.containers = self.engine
        self.prober = LivingProber(self.engine)
        self.memory = ChosenMemory(self.runbook, self.stage)
        self.examination = Investigator(
            containers=self.engine, diagnoser=self._diagnoser, memory=self.memory, world=self.world
        )
        self.work = BackgroundTasks()
        messenger = SlackMessenger(cast(AsyncWebClient, self.slack), OWN, self.work, self.stage.now)
        self.outbox = Outbox(messenger, self.store.outbox, self.store, self.world)
        escalator = SlackEscalator(self.outbox, ("S0ONCALL",))
        path = incident_path(self, messenger=self.outbox, approvers=self.approvers, escalator=escalator)
        self.responder, self.resume = path.responder, path.resume
        self.outbox.catch_up = self.resume.catch_up

    def _name(self) -> str:
        self._names += 1
        return f"inc{self._names:05d}"

    # Its life.

    def start(self) -> None:
        """Start it over what the last run left, and let it begin to go on there."""

        async def begin() -> None:
            await self.store.start()
            with self.store.unchosen():
                left = await self.resume.unfinished()
            self.work.start(self.resume.recover(left, self.responder), "going on where the last run ended")
            self.work.start(self.outbox.keep_sending(), "outbox")
            self.work.start(background.run_periodically(self.resume.catch_up, asyncio.sleep), "upkeep")

        self._wiring()
        self.stage.do(begin())
        self.running = True

    def rest(self) -> None:
        """Wait until it has nothing left to do and nothing to say."""
        for _ in range(40):
            self.stage.wait(0)
            if len(self.work) == LASTING and not self.rows("SELECT id FROM outbox"):
                return
            self.stage.wait(25)

    def kill(self) -> None:
        """Kill it."""
        self.stage.kill()
        self.stage.loop.run_until_complete(self.store.close())
        self.running = False

    # What comes to it; as the listeners hand it over.

    def begin(self, about: str, work: Callable[[Responder], Awaitable[None]]) -> None:
        """Let something be asked of it, if it runs; nobody waits for the answer."""

        async def asked() -> None:
            with suppress(SlackError):  # the asker is told by the address that came with the command
                await work(self.responder)

        async def handed_over() -> None:
            self.work.start(asked(), about)

        if self.running:
            self.stage.do(handed_over())

    def deliver(self, received: ReceivedAlert) -> None:
        """Let Slack deliver an alert; what nobody acknowledged is kept to be sent again."""
        self.undelivered.append(received)

        async def take() -> None:
            clean = replace(received, alert=redact_alert(received.alert, redact))
            try:
                new = await self.responder.receive(clean)
            except StoreError:
                return
            if received in self.undelivered:
                self.undelivered.remove(received)
            if new:
                self.work.start(self.responder.answer(clean), f"alert {received.key}")

        async def delivered() -> None:
            self.work.start(take(), "delivery")

        if self.running:
            self.stage.do(delivered())

    # What anybody can see.

    def rows(self, asked: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database beside the bot."""
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(self.database)) as database:
            return list(database.execute(asked, values))
