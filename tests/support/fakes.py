"""Parts that stand in for the outside on the pure path: what they were asked is kept, what they answer is set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.domain.alerts.alert import Alert, Kind
from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Facts, LogDigest, LogLine, Source, Status
from bot.domain.guard import Permit, Refusal, RefusalReason
from bot.domain.incident import Incident, Press, Thread
from bot.domain.llm.prompt import Prompt
from bot.domain.target import KnownTarget, Target, TargetId, parse_target
from bot.domain.verification import Probe
from bot.errors import AegisError, EngineError, TargetNotFound
from bot.ports.database import ReceivedAlert
from bot.ports.engine import Engine, EngineInfo
from bot.ports.model import ModelReply
from bot.ports.slack import Asker

CONTAINER = "c" * 64
START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
POOL_LINE = "2026-11-22T02:58:11Z ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"


def facts(name: str = "buggy-app-v2", **changes: object) -> Facts:
    """Return the facts of a running, unhealthy container, with changes."""
    given = Facts(
        name=name,
        container_id=CONTAINER,
        host="docker-7",
        image="shop/buggy:2.3.1",
        image_id="sha256:" + "1" * 64,
        created_at="2026-11-20T08:00:00.000000000Z",
        started_at="2026-11-21T23:48:00.000000000Z",
        finished_at="",
        status="running",
        running=True,
        restarting=False,
        paused=False,
        exit_code=0,
        oom_killed=False,
        error="",
        restart_count=0,
        restart_policy="no",
        health="unhealthy",
        stop_timeout=10,
    )
    return replace(given, **changes)  # type: ignore[arg-type]  # names are checked by replace itself


def alert(kind: Kind = Kind.FIRING, name: str = "buggy-app-v2", ts: str = "1.1") -> ReceivedAlert:
    """Return an alert that labels ``name``, as it is taken in."""
    labels = (("container", name),) if name else ()
    said = Alert(kind, f"{name} is down", "alertmanager", "critical", f"container={name} is down", labels)
    return ReceivedAlert(f"C0ALERTS:{ts}:{kind.value}", Thread("C0ALERTS", ts), ts, said, START)


class Clock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.at = START
        self.names = 0

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def name(self) -> str:
        self.names += 1
        return f"inc{self.names:05d}"


@dataclass
class FakeContainers:
    """An engine with a journal of its writes. ``looks`` are told one after the other, the last one for ever."""

    looks: list[Facts | EngineError] = field(default_factory=lambda: [facts()])
    others: tuple[KnownTarget, ...] = (KnownTarget("prod-db", "d" * 64),)
    lines: tuple[str, ...] = (POOL_LINE,)
    on_restart: EngineError | None = None
    restart_happens: bool = True
    bundle_error: AegisError | None = None
    inventory_error: EngineError | None = None
    refused: dict[str, EngineError] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    last: Facts | None = None

    def _look(self) -> Facts:
        told = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(told, EngineError):
            raise told
        self.last = told
        return told

    async def info(self) -> EngineInfo:
        return EngineInfo("docker-7", "20.10.24", "1.41")

    async def check_restart_calls(self) -> None:
        for error in self.refused.values():
            raise error

    async def inventory(self) -> tuple[KnownTarget, ...]:
        if self.inventory_error:
            raise self.inventory_error
        return (KnownTarget("buggy-app-v2", CONTAINER), *self.others)

    async def facts(self, target: Target) -> Facts:
        look = self._look()
        if look.name != target.name:
            raise TargetNotFound(f"There is no container {target}.")
        return look

    async def facts_of(self, target_id: TargetId) -> Facts:
        look = self._look()
        if look.container_id != target_id.id:
            raise TargetNotFound("There is no such container any more.")
        return look

    async def evidence(self, target: Target) -> Evidence:
        kept = tuple(LogLine(number, text, 412) for number, text in enumerate(self.lines, 1))
        sources = (Source("logs", Status.OK, f"{len(kept)} lines"), Source("stats", Status.TIMED_OUT))
        return Evidence(
            target, START.isoformat(), await self.facts(target), LogDigest(kept, len(kept)), sources=sources
        )

    async def whole_log(self, evidence: Evidence) -> Evidence:
        return evidence

    async def newest_lines(self, target_id: TargetId, count: int) -> tuple[str, ...]:
        return self.lines[-count:]

    async def bundle(self, target: Target, target_id: TargetId, incident: str) -> str:
        if self.bundle_error:
            raise self.bundle_error
        self.writes.append(("bundle", incident))
        return f"bundles/{incident}.json"

    async def act(self, action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        self.writes.append((action.value, target_id.id))
        if action is Action.START:
            self.looks = [facts(started_at="2026-11-22T03:00:09.000000000Z", health="healthy")]
            return
        if self.restart_happens:
            self.looks = [replace(self.last or facts(), started_at="2026-11-22T03:00:05.000000000Z", health="healthy")]
        if self.on_restart:
            raise self.on_restart

    @property
    def restarts(self) -> int:
        return sum(1 for what, _ in self.writes if what == "restart")


@dataclass
class FakeMessenger:
    """Keeps what was said, in order: (what, to whom or about which incident, the sentence or state)."""

    said: list[tuple[str, str, str]] = field(default_factory=list)
    cards: list[Incident] = field(default_factory=list)
    error: AegisError | None = None

    def _keep(self, what: str, whom: str, words: str) -> None:
        if self.error:
            raise self.error
        self.said.append((what, whom, words))

    async def react(self, place: Thread, message: str) -> None:
        self._keep("react", place.channel, message)

    async def announce(self, incident: Incident) -> str:
        self._keep("announce", incident.sender, incident.title)
        return "7.1"

    async def card(self, incident: Incident) -> str:
        self._keep("card", incident.id, incident.state.value)
        self.cards.append(incident)
        return f"9.{len(self.cards)}"

    async def update(self, incident: Incident) -> None:
        self._keep("update", incident.id, incident.state.value)
        self.cards.append(incident)

    async def is_card(self, incident: Incident, ts: str) -> bool:
        return ts == incident.card

    async def outcome(self, incident: Incident, newest: Sequence[str] = ()) -> None:
        self._keep("outcome", incident.id, incident.state.value)

    async def say(self, incident: Incident, sentence: str, *, offer: bool = False, mention: Sequence[str] = ()) -> None:
        self._keep("say", incident.id, " ".join([sentence, *mention, *(["[offer]"] if offer else [])]))

    async def say_at(self, place: Thread, sentence: str) -> None:
        self._keep("say_at", place.channel, sentence)

    async def whisper(self, user: str, place: Thread, sentence: str, *, mention: Sequence[str] = ()) -> None:
        self._keep("whisper", user, " ".join([sentence, *mention]))

    async def reply(self, asker: Asker, sentence: str, *, about: Incident | None = None) -> None:
        self._keep("whisper", asker.user, sentence)

    async def choose(
        self, place: Thread, sentence: str, names: Sequence[str], *, user: str = "", url: str = ""
    ) -> None:
        self._keep("choose", user or place.channel, f"{sentence} [{' '.join(names)}]")

    async def show_evidence(self, incident: Incident, view: str) -> None:
        self._keep("evidence", incident.id, view)

    def whispers(self, user: str = "") -> list[str]:
        return [words for what, whom, words in self.said if what == "whisper" and (not user or whom == user)]


@dataclass
class FakeProber:
    """Answers with ``answers`` one after the other, the last one for ever."""

    answers: list[Probe] = field(default_factory=lambda: [Probe(True, "200")])
    asked: list[str] = field(default_factory=list)

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        self.asked.append(url)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class FakeApprovers:
    """Lets ``users`` in."""

    users: tuple[str, ...] = ("U0ONCALL", "U0SECOND")

    async def check(self, press: Press) -> Permit | Refusal:
        if press.user in self.users:
            return Permit()
        return Refusal(RefusalReason.APPROVERS, "You are not among those who may restart.")

    def names(self) -> tuple[str, ...]:
        return self.users


@dataclass
class FakeDiagnoser:
    """Answers with ``text``, or raises."""

    text: str = '{"root_cause": "held connections", "action": "restart", "justification": "they are released"}'
    error: AegisError | None = None
    model: str = "gemini-3.5-flash-lite"
    asked: list[Sequence[Prompt]] = field(default_factory=list)

    def connect(self) -> None:
        """Import nothing."""

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        self.asked.append(prompts)
        if self.error:
            raise self.error
        return ModelReply(self.text, self.model, 5200, 1.2)


async def bundle(containers: Engine, look: Facts, incident: str) -> str:
    """Save what a restart of a container that was looked at destroys; return the path."""
    return await containers.bundle(parse_target(look.name), TargetId("", look.container_id), incident)


async def restart(containers: Engine, look: Facts) -> None:
    """Restart as an approved press does: by the id and the stop time-out of a look."""
    await containers.act(Action.RESTART, TargetId("", look.container_id), stop_timeout=look.stop_timeout)


def names_of(targets: Iterable[Target]) -> tuple[str, ...]:
    """Return the targets as people name them."""
    return tuple(map(str, targets))
