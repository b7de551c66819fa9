"""The path of one alert with a real database: what is done, in which order, how often, and what people are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.adapters.runbook.file import RunbookFile
from bot.domain.alerts.alert import Kind
from bot.domain.audit.trail import AuditEvent, Verdict
from bot.domain.evidence import VERIFY_URL, Facts, Port, Source, Status
from bot.domain.guard import Policy
from bot.domain.incident import Approval, Incident, Press, State, Thread
from bot.domain.target import KnownTarget, parse_target
from bot.domain.verification import Probe
from bot.errors import (
    BundleFailed,
    EngineDenied,
    EngineTimeout,
    EngineUnreachable,
    ModelUnavailable,
    RestartFailed,
    SlackError,
    StoreUnavailable,
    TargetNotFound,
)
from bot.incidents.investigation import Investigator
from bot.incidents.responder import Responder
from bot.incidents.resume import MOST_AT_ONCE
from bot.ports.database import ReceivedAlert
from bot.runtime import ResponseConfig, Runtime
from bot.slack.delivery.escalator import SlackEscalator
from bot.slack.listeners.queries import StatusQueries
from bot.slack.views.replies import choose
from bot.wiring.incident_path import incident_path
from tests.support.fakes import (
    CONTAINER,
    Clock,
    FakeApprovers,
    FakeContainers,
    FakeDiagnoser,
    FakeMessenger,
    FakeProber,
    alert,
    facts,
)

POLICY = Policy(frozenset(map(parse_target, {"buggy-app-v2"})), cooldown=300, limit=3, expiry=3600, dry_run=False)


class Bench:
    """A responder with everything around it; ``build`` makes another over the same database, as a new start does."""

    def __init__(self, folder: Path) -> None:
        self.store = SqlStore(f"sqlite:///{folder}/aegis.db")
        self.runbook = folder / "runbook.json"
        self.memory = RunbookFile(self.runbook)
        self.containers = FakeContainers()
        self.messenger = FakeMessenger()
        self.prober = FakeProber()
        self.approvers = FakeApprovers()
        self.diagnoser = FakeDiagnoser()
        self.clock = Clock()
        self.escalation: tuple[str, ...] = ()
        self.plan = ResponseConfig(
            POLICY, delay=5, timeout=60, successes=3, urls={parse_target("buggy-app-v2"): "http://buggy/health"}
        )
        self.build()

    def build(self) -> Responder:
        self.world = Runtime(self.clock.now, self.clock.sleep, self.clock.name)
        self.examination = Investigator(
            containers=self.containers, diagnoser=self.diagnoser, memory=self.memory, world=self.world
        )
        escalator = SlackEscalator(self.messenger, self.escalation)
        self.path = incident_path(self, messenger=self.messenger, approvers=self.approvers, escalator=escalator)
        self.responder, self.resume = self.path.responder, self.path.resume
        return self.responder

    async def fire(self, *, name: str = "buggy-app-v2", ts: str = "1.1") -> Incident:
        received = alert(name=name, ts=ts)
        assert await self.responder.receive(received)
        await self.responder.answer(received)
        return (await self.store.recent())[0]

    async def recover(self) -> None:
        await self.resume.recover(await self.resume.unfinished(), self.responder)

    async def sent(self, incident: Incident) -> None:
        """Note that the engine is about to be told of the restart, as a process did that is killed now."""
        act = AuditEvent("engine", self.clock.now(), Verdict.ALLOWED, incident=incident.id, said="restart")
        assert await self.store.log_engine_call(incident, act)

    async def now(self, incident: Incident) -> Incident:
        found = await self.store.get(incident.id)
        assert found is not None
        return found

    def entries(self) -> list[dict[str, object]]:
        return json.loads(self.runbook.read_text()) if self.runbook.exists() else []


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def press(incident: Incident, user: str = "U0ONCALL", digest: str = "") -> Press:
    return Press(user, "T0", incident.place, incident.id, digest or incident.digest, incident.card)


async def test_an_alert_becomes_a_proposed_card(bench):
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert incident.diagnosis is not None
    assert incident.diagnosis.by == "gemini-3.5-flash-lite"
    assert [what for what, _, _ in bench.messenger.said] == ["react", "card", "update"]
    assert await bench.store.unhandled() == ()


async def test_a_redelivered_alert_is_taken_in_once(bench):
    assert await bench.responder.receive(alert())
    assert not await bench.responder.receive(alert())


async def test_a_second_alert_is_counted_to_the_live_incident(bench):
    first = await bench.fire()
    second = await bench.fire(ts="2.2")
    assert second.id == first.id
    assert second.alerts == 2
    assert len(bench.diagnoser.asked) == 1


async def test_an_alert_that_names_nothing_known_offers_the_menu_and_guesses_nothing(bench):
    received = alert(name="")
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    what, _, words = bench.messenger.said[-1]
    assert what == "choose"
    assert "buggy-app-v2 prod-db" in words
    assert await bench.store.recent() == ()


async def test_approved_restart_is_done_once_verified_told_and_remembered(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert ended.state is State.RESOLVED
    assert bench.containers.writes == [("bundle", incident.id), ("restart", CONTAINER)]
    assert ended.verification is not None
    assert ended.verification.summary == "200 ×3, healthy"
    assert [entry["outcome"] for entry in bench.entries()] == ["resolved"]
    assert bench.entries()[0]["approved_by"] == "U0ONCALL"
    assert ("outcome", incident.id, "RESOLVED") in bench.messenger.said


async def test_buttons_are_gone_before_the_engine_is_called(bench):
    incident = await bench.fire()
    seen: list[str] = []
    original = bench.containers.act

    async def act(*args, **more):
        seen.extend(card.state.value for card in bench.messenger.cards)
        await original(*args, **more)

    bench.containers.act = act
    await bench.responder.act(press(incident))
    assert seen[-1] == "ACTING"


async def test_the_next_incident_has_the_first_one_as_precedent_and_in_the_prompt(bench):
    first = await bench.fire()
    await bench.responder.act(press(first))
    bench.containers.looks = [facts(started_at="2026-11-22T03:00:05.000000000Z")]
    bench.clock.at += timedelta(hours=2)
    second = await bench.fire(ts="2.2")
    assert [precedent.entry.id for precedent in second.precedents] == [first.id]
    assert "held connections" in bench.diagnoser.asked[-1][0].data


async def test_many_presses_make_one_restart_and_the_others_hear_who_was_first(bench):
    incident = await bench.fire()
    users = ["U0ONCALL", "U0SECOND"] * 5
    await asyncio.gather(*(bench.responder.act(press(incident, user)) for user in users))
    assert bench.containers.restarts == 1
    ended = await bench.now(incident)
    assert ended.approval is not None
    whispers = bench.messenger.whispers()
    assert len(whispers) == 9
    assert all(ended.approval.user in words for words in whispers)


async def test_a_stranger_is_refused_in_private_and_hears_who_may(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident, "U0STRANGER"))
    assert bench.containers.writes == []
    assert bench.messenger.whispers("U0STRANGER") == ["You are not among those who may restart. U0ONCALL U0SECOND"]
    assert (await bench.now(incident)).state is State.PROPOSED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"container_id": "d" * 64}, "re-created"),
        ({"started_at": "2026-11-22T02:59:59Z"}, "started again"),
        ({"image_id": "sha256:2"}, "another image"),
    ],
)
async def test_a_container_that_changed_since_the_card_is_not_restarted(bench, change, said):
    incident = await bench.fire()
    bench.containers.looks = [facts(**change)]
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert said in bench.messenger.whispers("U0ONCALL")[0]
    assert any("[offer]" in words for what, _, words in bench.messenger.said if what == "say")
    assert (await bench.now(incident)).state is State.EXPIRED


async def test_a_removed_container_is_not_restarted(bench):
    incident = await bench.fire()
    bench.containers.looks = [TargetNotFound("There is no container buggy-app-v2.")]
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert "gone" in bench.messenger.whispers()[0]


async def test_a_forged_digest_restarts_nothing(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident, digest="0" * 16))
    assert bench.containers.writes == []


async def test_an_unknown_incident_restarts_nothing(bench):
    incident = await bench.fire()
    await bench.responder.act(replace(press(incident), incident="nothing"))
    assert bench.containers.writes == []
    assert "does not know this card" in bench.messenger.whispers()[0]


async def test_an_old_card_no_longer_acts(bench):
    incident = await bench.fire()
    bench.clock.at += timedelta(seconds=3601)
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.EXPIRED


async def test_a_new_alert_after_expiry_opens_a_new_incident(bench):
    first = await bench.fire()
    bench.clock.at += timedelta(seconds=3601)
    second = await bench.fire(ts="2.2")
    assert second.id != first.id
    assert (await bench.now(first)).state is State.EXPIRED


async def test_cooldown_refuses_the_next_restart_on_the_card(bench):
    first = await bench.fire()
    await bench.responder.act(press(first))
    bench.containers.looks = [facts(started_at="2026-11-22T03:00:05.000000000Z")]
    second = await bench.fire(ts="2.2")
    assert second.verdict is not None
    assert getattr(second.verdict, "rule", "") == "cooldown"
    await bench.responder.act(press(second))
    assert bench.containers.restarts == 1


def published(url: str, *ports: Port) -> Facts:
    return facts(labels=(("aegis.verify-url", url),), ports=ports)


def proof(incident: Incident) -> Source | None:
    assert incident.evidence is not None
    return next((one for one in incident.evidence.sources if one.name == VERIFY_URL), None)


async def test_the_card_names_the_address_that_is_asked_after_a_restart(bench):
    assert proof(await bench.fire()) == Source(VERIFY_URL, Status.OK, "http://buggy/health")


async def test_a_label_that_leads_to_the_container_itself_decides_about_the_recovery(bench):
    bench.plan = replace(bench.plan, urls={})
    bench.build()
    bench.containers.looks = [published("http://127.0.0.1:18080/ok?token=abc", Port(8080, "tcp", "127.0.0.1", 18080))]
    incident = await bench.fire()
    assert proof(incident) == Source(VERIFY_URL, Status.OK, "http://127.0.0.1:18080/ok")
    await bench.responder.act(press(incident))
    assert set(bench.prober.asked) == {"http://127.0.0.1:18080/ok?token=abc"}


async def test_a_label_that_leads_elsewhere_is_not_asked_and_the_card_says_why(bench):
    bench.plan = replace(bench.plan, urls={})
    bench.build()
    bench.containers.looks = [published("http://attacker.example/ok", Port(8080, "tcp", "127.0.0.1", 18080))]
    incident = await bench.fire()
    found = proof(incident)
    assert found is not None
    assert (found.status, "leads elsewhere" in found.detail) == (Status.DENIED, True)
    await bench.responder.act(press(incident))
    assert bench.prober.asked == []
    assert "no health URL" in (await bench.now(incident)).verification.summary


@pytest.mark.fault(84)
async def test_aegis_never_restarts_itself(bench):
    bench.plan = replace(bench.plan, hosts=("buggy-app-v2",))
    bench.build()
    incident = await bench.fire()
    assert getattr(incident.verdict, "rule", "") == "own"
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []


async def test_dry_run_does_everything_but_the_restart(bench):
    bench.plan = replace(bench.plan, policy=replace(POLICY, dry_run=True))
    bench.build()
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert any("Dry run" in words for what, _, words in bench.messenger.said if what == "say")
    assert (await bench.store.history(parse_target("buggy-app-v2"), bench.clock.now())).last_restart is None


async def test_not_recovered_says_so_names_the_escalation_and_is_remembered(bench):
    bench.escalation = ("S0ONCALL",)
    bench.build()
    bench.prober.answers = [Probe(False, "503")]
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    ended = await bench.now(incident)
    assert ended.state is State.UNRESOLVED
    assert ended.verification is not None
    assert "503" in ended.verification.reason
    assert any("S0ONCALL" in words for what, _, words in bench.messenger.said if what == "say")
    assert [entry["outcome"] for entry in bench.entries()] == ["not_resolved"]
    assert bench.containers.restarts == 1


async def test_a_restart_that_the_engine_refuses_leaves_a_loud_word(bench):
    bench.containers.on_restart = RestartFailed("The engine could not start buggy-app-v2.", detail="port is taken")
    bench.containers.restart_happens = False
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.UNRESOLVED
    assert bench.containers.restarts == 1


async def test_a_restart_without_permission_is_not_counted_as_tried(bench):
    bench.containers.on_restart = EngineDenied("The proxy refuses to restart.")
    bench.containers.restart_happens = False
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.INTERRUPTED
    assert (await bench.store.history(parse_target("buggy-app-v2"), bench.clock.now())).last_restart is None
    assert bench.entries() == []


@pytest.mark.fault(46)
async def test_a_timeout_is_unknown_and_resolved_by_looking(bench):
    bench.containers.on_restart = EngineTimeout("No answer from the engine.")
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.RESOLVED
    assert bench.containers.restarts == 1


@pytest.mark.fault(46, 59)
async def test_a_restart_that_never_left_is_said_and_not_sent_again(bench):
    bench.containers.on_restart = EngineUnreachable("The engine does not answer.")
    bench.containers.restart_happens = False
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.INTERRUPTED
    assert bench.containers.restarts == 1
    assert any("did not carry out" in words for what, _, words in bench.messenger.said if what == "say")


async def test_without_a_bundle_nothing_is_restarted(bench):
    bench.containers.bundle_error = BundleFailed("The crash bundle could not be written: the disk is full.")
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert bench.containers.restarts == 0
    assert any("nothing was restarted" in words for what, _, words in bench.messenger.said if what == "say")


async def test_an_approval_that_cannot_be_recorded_restarts_nothing(bench, monkeypatch):
    incident = await bench.fire()

    async def full(*_):
        raise StoreUnavailable("The database cannot be written: the disk is full.")

    monkeypatch.setattr(bench.store, "save_if_unchanged", full)
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert "cannot be recorded" in bench.messenger.whispers()[0]


@pytest.mark.fault(69)
async def test_a_restart_that_the_trail_cannot_note_is_not_sent(bench, monkeypatch):
    incident = await bench.fire()

    async def full(*_):
        raise StoreUnavailable("The database cannot be written: the disk is full.")

    monkeypatch.setattr(bench.store, "log_engine_call", full)
    await bench.responder.act(press(incident))
    assert bench.containers.writes == [("bundle", incident.id)]
    ended = await bench.now(incident)
    assert (ended.state, ended.restarted_at) == (State.INTERRUPTED, None)
    assert "cannot be recorded, so nothing was restarted" in ended.closing


async def test_the_trail_tells_the_approval_before_the_engine_is_told(bench):
    incident = await bench.fire()
    told: list[tuple[str, str, str]] = []
    original = bench.containers.act

    async def act(*args, **more):
        told.extend((row.act.kind, row.act.verdict.value, row.act.actor) for row in await bench.store.trail())
        await original(*args, **more)

    bench.containers.act = act
    await bench.responder.act(press(incident))
    assert told[-3:] == [("press", "allowed", "U0ONCALL"), ("state", "no rule", ""), ("engine", "allowed", "U0ONCALL")]
    acts = [row.act for row in await bench.store.trail()]
    assert [act.said for act in acts if act.kind == "engine"] == [f"restart {CONTAINER[:12]}"]
    assert acts[-1].said == "VERIFYING -> RESOLVED"


async def test_engine_down_at_the_press_restarts_nothing(bench):
    incident = await bench.fire()
    bench.containers.looks = [EngineUnreachable("The engine does not answer.")]
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.PROPOSED


@pytest.mark.fault(45)
async def test_engine_down_still_gives_a_card_without_a_restart(bench):
    bench.containers.inventory_error = EngineUnreachable("The engine does not answer.")
    bench.containers.looks = [EngineUnreachable("The engine does not answer.")]
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert getattr(incident.verdict, "rule", "") == "facts"
    assert incident.evidence is not None
    assert [source.name for source in incident.evidence.sources] == ["engine"]


async def test_without_the_model_the_rules_diagnose_and_say_why(bench):
    bench.diagnoser.error = ModelUnavailable("Gemini did not answer within 20 s.")
    incident = await bench.fire()
    assert incident.diagnosis is not None
    assert incident.diagnosis.by == "rules"
    assert incident.diagnosis.why_rules == "Gemini did not answer within 20 s."


@pytest.mark.parametrize(
    "text",
    ["", "{}", "null", '{"root_cause": "x", "action": "restart prod-db", "justification": "y"}', "<html>", "[" * 9999],
)
async def test_whatever_the_model_says_the_worst_is_a_card_by_the_rules(bench, text):
    bench.diagnoser.text = text
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert incident.diagnosis is not None
    assert incident.diagnosis.by == "rules"
    assert bench.containers.writes == []


async def test_a_broken_runbook_is_left_alone_and_named_among_the_sources(bench):
    bench.runbook.write_text('[{"root_cause": ')
    incident = await bench.fire()
    assert incident.evidence is not None
    assert "runbook" in [source.name for source in incident.evidence.sources]
    await bench.responder.act(press(incident))
    assert (await bench.now(incident)).state is State.RESOLVED
    assert bench.runbook.read_text() == '[{"root_cause": '
    assert [left.id for left in await bench.store.unfinalized()] == [incident.id]
    bench.runbook.write_text("[]")
    await bench.recover()
    assert len(bench.entries()) == 1
    assert sum(1 for what, _, _ in bench.messenger.said if what == "outcome") == 1


@pytest.mark.parametrize("ways", [(State.EXPIRED,), (State.ACTING, State.INTERRUPTED)])
async def test_killed_right_after_an_end_was_saved_the_next_start_shows_and_tells_it(bench, ways):
    known = await bench.fire()
    for state in ways:
        approval = Approval("U0ONCALL", bench.clock.now(), known.digest) if state is State.ACTING else None
        known = await bench.store.save_if_unchanged(known, replace(known, state=state, closing="It is over."), approval)
    bench.build()
    for _ in range(2):
        await bench.recover()
    assert bench.messenger.cards[-1].state is ways[-1]
    assert [words for what, _, words in bench.messenger.said if what == "say"] == ["It is over. [offer]"]
    assert (await bench.now(known)).finalized


async def test_ignore_closes_the_card_with_who_and_why(bench):
    incident = await bench.fire()
    await bench.responder.ignore(press(incident, "U0STRANGER"), "planned load test")
    ended = await bench.now(incident)
    assert (ended.state, ended.closed_by, ended.reason) == (State.IGNORED, "U0STRANGER", "planned load test")
    assert [entry["outcome"] for entry in bench.entries()] == ["ignored"]


async def test_restart_and_ignore_at_once_let_one_win(bench):
    incident = await bench.fire()
    await asyncio.gather(bench.responder.act(press(incident)), bench.responder.ignore(press(incident, "U0SECOND"), ""))
    ended = await bench.now(incident)
    assert (ended.state is State.IGNORED) == (bench.containers.restarts == 0)


async def test_a_resolved_alert_closes_the_card_without_action(bench):
    incident = await bench.fire()
    received = alert(Kind.RESOLVED, ts="3.3")
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    ended = await bench.now(incident)
    assert ended.state is State.RESOLVED
    assert "without action" in ended.closing
    assert [(entry["action"], entry["outcome"]) for entry in bench.entries()] == [("ignore", "resolved")]
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []


async def test_an_edit_of_the_same_message_to_resolved_closes_its_card_even_without_a_name(bench):
    incident = await bench.fire()
    received = alert(Kind.RESOLVED, name="", ts="1.1")
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    assert (await bench.now(incident)).state is State.RESOLVED


async def test_a_resolved_alert_of_another_target_closes_nothing(bench):
    incident = await bench.fire()
    received = alert(Kind.RESOLVED, name="prod-db", ts="3.3")
    await bench.responder.receive(received)
    await bench.responder.answer(received)
    assert (await bench.now(incident)).state is State.PROPOSED


async def test_diagnose_again_renews_the_same_card_with_a_new_digest(bench):
    incident = await bench.fire()
    bench.containers.looks = [facts(started_at="2026-11-22T02:00:00Z")]
    await bench.responder.rediagnose(press(incident))
    again = await bench.now(incident)
    assert again.state is State.PROPOSED
    assert again.digest != incident.digest
    assert again.card == incident.card
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []


async def test_diagnose_again_after_the_end_opens_a_new_incident_in_the_same_thread(bench):
    incident = await bench.fire()
    await bench.responder.ignore(press(incident), "")
    await bench.responder.rediagnose(press(incident))
    newest = (await bench.store.recent())[0]
    assert newest.id != incident.id
    assert newest.place == incident.place


async def test_an_unknown_name_is_answered_with_the_nearest_names(bench):
    await bench.responder.diagnose("buggy-app-v3", Thread("C0OPS"), "U0ONCALL")
    what, whom, words = bench.messenger.said[-1]
    assert (what, whom) == ("choose", "U0ONCALL")
    assert "buggy-app-v2" in words
    assert await bench.store.recent() == ()


async def test_each_of_two_requests_at_once_hears_its_own_unknown_name_escaped(bench):
    asked = {"U0ONCALL": "no-such-thing", "U0SECOND": "<!channel>&"}
    await asyncio.gather(*(bench.responder.diagnose(name, Thread("C0OPS"), user) for user, name in asked.items()))
    answers = {user: words for what, user, words in bench.messenger.said if what == "choose"}
    for user, name in asked.items():
        assert [one for one in asked.values() if one in answers[user]] == [name]
    shown = choose(answers["U0SECOND"], ("buggy-app-v2",), Thread("C0OPS"))
    section = json.dumps(list(shown.blocks)) + shown.text
    assert "<!channel>" not in section
    assert "!channel" in section


async def test_a_request_whose_incident_is_on_disk_though_no_answer_came_goes_on(bench, monkeypatch):
    really = bench.store.open

    async def unheard(incident: Incident) -> None:
        await really(incident)
        raise StoreUnavailable("The database did not answer in time.")

    monkeypatch.setattr(bench.store, "open", unheard)
    await bench.responder.diagnose("buggy-app-v2", Thread("C0OPS"), "U0ONCALL")
    (incident,) = await bench.store.live()
    assert (incident.state, bool(incident.card)) == (State.PROPOSED, True)


async def test_a_request_of_which_nobody_knows_whether_it_was_kept_goes_on_later(bench, monkeypatch):
    really_open, really_get, unheard = bench.store.open, bench.store.get, [1, 2]

    async def opened(incident: Incident) -> None:
        await really_open(incident)
        raise StoreUnavailable("The database did not answer in time.")

    async def get(incident: str) -> Incident | None:
        if unheard:
            unheard.pop()
            raise StoreUnavailable("The database does not answer.")
        found: Incident | None = await really_get(incident)
        return found

    monkeypatch.setattr(bench.store, "open", opened)
    monkeypatch.setattr(bench.store, "get", get)
    await bench.responder.diagnose("buggy-app-v2", Thread("C0OPS"), "U0ONCALL")
    what, whom, words = bench.messenger.said[0]
    assert (what, whom) == ("whisper", "U0ONCALL")
    assert "The card comes when the database answers again" in words
    (incident,) = await bench.store.live()
    assert (incident.state, bool(incident.card)) == (State.PROPOSED, True)


async def test_a_request_of_which_nothing_is_on_disk_is_told_to_the_asker(bench, monkeypatch):
    async def away(incident: Incident) -> None:
        raise StoreUnavailable("The database is away.")

    monkeypatch.setattr(bench.store, "open", away)
    with pytest.raises(StoreUnavailable):
        await bench.responder.diagnose("buggy-app-v2", Thread("C0OPS"), "U0ONCALL")
    assert await bench.store.live() == ()


async def test_a_request_without_a_place_to_post_is_told_to_the_asker(bench):
    bench.messenger.error = SlackError("Aegis is not in this channel.", code="not_in_channel")
    with pytest.raises(SlackError):
        await bench.responder.diagnose("buggy-app-v2", Thread("C0OPS"), "U0ONCALL")
    assert await bench.store.live() == ()


def asked(name: str = "buggy-app-v2", ts: str = "1.1") -> ReceivedAlert:
    """Return what is taken in where the on-call engineer wants a message looked at."""
    return replace(alert(name=name, ts=ts), asker="U0ONCALL")


async def test_a_message_that_somebody_wants_looked_at_has_a_card_that_says_who_asked(bench):
    await bench.responder.receive(asked())
    await bench.responder.answer(asked())
    (incident,) = await bench.store.live()
    assert (incident.state, incident.opened_by, incident.sent_at) == (State.PROPOSED, "U0ONCALL", None)
    assert (await bench.store.trail())[1].act.actor == "U0ONCALL"


async def test_whoever_asks_about_a_target_that_has_a_card_hears_so(bench):
    first = await bench.fire()
    await bench.responder.receive(asked(ts="2.2"))
    await bench.responder.answer(asked(ts="2.2"))
    assert [incident.id for incident in await bench.store.live()] == [first.id]
    assert bench.messenger.whispers("U0ONCALL") == ["buggy-app-v2 already has a card; the card is being updated."]


@pytest.mark.parametrize("name", ["buggy-app-v2", ""])
async def test_a_message_that_cannot_be_answered_where_it_stands_is_told_to_the_asker_once(bench, name):
    bench.messenger.error = SlackError("Aegis is not in this channel.", code="not_in_channel")
    await bench.responder.receive(asked(name))
    with pytest.raises(SlackError):
        await bench.responder.answer(asked(name))
    assert await bench.store.live() == ()
    assert await bench.store.unhandled() == ()


async def test_slack_down_does_not_keep_an_alert_from_being_diagnosed(bench):
    bench.messenger.error = SlackError("Slack does not answer.")
    incident = await bench.fire()
    assert incident.state is State.PROPOSED
    assert incident.card == ""
    bench.messenger.error = None
    await bench.resume.catch_up()
    assert (await bench.now(incident)).card


async def test_a_card_on_which_nobody_decided_is_closed_when_its_time_is_over(bench):
    incident = await bench.fire()
    bench.clock.at += timedelta(seconds=POLICY.expiry)
    await bench.resume.catch_up()
    assert (await bench.now(incident)).state is State.PROPOSED
    bench.clock.at += timedelta(seconds=1)
    await bench.resume.catch_up()
    assert (await bench.now(incident)).state is State.EXPIRED
    assert bench.messenger.said[-1] == ("say", incident.id, "Nobody decided in time. [offer]")


async def test_many_cards_of_the_last_run_are_brought_up_to_date_a_few_at_a_time(bench, monkeypatch):
    under_way, most = 0, 0
    update = bench.messenger.update

    async def slow(incident):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(100):
            await asyncio.sleep(0)
        under_way -= 1
        await update(incident)

    monkeypatch.setattr(bench.messenger, "update", slow)
    for number in range(30):
        at = bench.clock.now()
        place, card = Thread("C0ALERTS", "1.1"), f"9.{number}"
        new = Incident(f"inc-{number}", parse_target(f"app-{number}"), place, State.OPEN, at, title="down", card=card)
        opened = (await bench.store.open(new)).incident
        await bench.store.save_if_unchanged(opened, replace(opened, state=State.PROPOSED, proposed_at=at))
    await bench.recover()
    assert len({incident.id for incident in bench.messenger.cards}) == 30
    assert 1 < most <= MOST_AT_ONCE


async def test_status_names_what_is_there_and_what_is_not(bench):
    await bench.fire()
    desk = StatusQueries(
        containers=bench.containers,
        store=bench.store,
        memory=bench.memory,
        approvers=bench.approvers,
        model="",
        plan=bench.plan,
        world=Runtime(bench.clock.now, bench.clock.sleep, bench.clock.name),
    )
    said = await desk.overview()
    assert said.model == ""
    assert said.engine == "Docker 20.10.24 on docker-7"
    assert [incident.target.name for incident in said.live] == ["buggy-app-v2"]
    assert said.memory == "0 past incidents"


# After a crash: the state says where it was, the engine says what happened.

DOWN = facts(running=False, status="exited", exit_code=137, finished_at="2026-11-22T03:00:02.000000000Z")
UP_AGAIN = facts(started_at="2026-11-22T03:00:05.000000000Z", health="healthy")


async def crash(bench: Bench, incident: Incident, state: State, *, happened: bool, sent: bool = True) -> Incident:
    """Bring the stored incident to where a killed process left it, and start anew."""
    claimed = replace(
        incident,
        state=State.ACTING,
        times_before=(facts().started_at, facts().finished_at),
        restarted_at=bench.clock.now(),
    )
    left = await bench.store.save_if_unchanged(incident, claimed)
    assert left is not None
    if sent:
        await bench.sent(left)
    if state is State.VERIFYING:
        left = await bench.store.save_if_unchanged(left, replace(left, state=State.VERIFYING))
        assert left is not None
    if happened:
        bench.containers.looks = [UP_AGAIN]
    bench.build()
    return left


async def test_killed_after_the_call_left_the_restart_is_found_and_verified(bench):
    left = await crash(bench, await bench.fire(), State.ACTING, happened=True)
    await bench.recover()
    assert (await bench.now(left)).state is State.RESOLVED
    assert bench.containers.writes == []


async def test_killed_before_the_call_left_nothing_is_sent(bench):
    left = await crash(bench, await bench.fire(), State.ACTING, happened=False)
    await bench.recover()
    assert (await bench.now(left)).state is State.INTERRUPTED
    assert bench.containers.writes == []


@pytest.mark.fault(5)
@pytest.mark.parametrize("became", [DOWN, UP_AGAIN], ids=["stopped", "restarted"])
async def test_killed_before_the_engine_was_told_what_somebody_else_did_meanwhile_is_not_taken_for_ours(bench, became):
    left = await crash(bench, await bench.fire(), State.ACTING, happened=False, sent=False)
    bench.containers.looks = [became]
    bench.clock.at += timedelta(seconds=50)
    await bench.recover()
    ended = await bench.now(left)
    assert (ended.state, ended.restarted_at) == (State.INTERRUPTED, None)
    assert "before it called the engine" in ended.closing
    assert bench.containers.writes == []
    assert bench.entries() == []


async def test_killed_between_stop_and_start_it_is_started_once(bench):
    left = await crash(bench, await bench.fire(), State.ACTING, happened=False)
    bench.containers.looks = [DOWN]
    bench.clock.at += timedelta(seconds=50)
    await bench.recover()
    assert (await bench.now(left)).state is State.RESOLVED
    assert bench.containers.writes == [("start", CONTAINER)]


@pytest.mark.fault(9)
async def test_killed_while_verifying_it_is_verified_anew(bench):
    left = await crash(bench, await bench.fire(), State.VERIFYING, happened=True)
    bench.clock.at += timedelta(hours=1)
    await bench.recover()
    ended = await bench.now(left)
    assert ended.state is State.RESOLVED
    assert bench.containers.writes == []
    assert len(bench.entries()) == 1


@pytest.mark.parametrize("state", [State.EXPIRED, State.INTERRUPTED])
async def test_killed_right_after_it_ended_the_thread_hears_why_and_the_card_loses_its_buttons(bench, state):
    incident = await bench.fire()
    if state is State.INTERRUPTED:
        incident = await crash(bench, incident, State.ACTING, happened=False)
    ended = await bench.store.save_if_unchanged(
        incident, replace(incident, state=state, closing="Nothing was restarted: why.")
    )
    assert ended is not None
    bench.build()
    for _ in range(2):
        await bench.recover()
    assert bench.messenger.cards[-1].state is state
    said = [words for what, _, words in bench.messenger.said if what == "say"]
    assert said == ["Nothing was restarted: why. [offer]"]
    assert bench.entries() == []


async def test_killed_before_the_alert_was_handled_it_is_answered_once(bench):
    await bench.responder.receive(alert())
    bench.build()
    await bench.recover()
    assert len(await bench.store.recent()) == 1
    assert await bench.store.unhandled() == ()


async def test_a_start_logs_how_much_the_last_run_left(bench, caplog):
    caplog.set_level("INFO")
    await bench.recover()
    assert "going on with" not in caplog.text
    await bench.fire()
    await bench.recover()
    assert "resuming: 0 alerts, 1 live incidents, 0 ended ones" in caplog.text


async def test_engine_down_at_recovery_is_waited_for_and_told_once(bench):
    left = await crash(bench, await bench.fire(), State.ACTING, happened=True)
    down = EngineUnreachable("The engine does not answer.")
    bench.containers.looks = [down, down, down, *bench.containers.looks]
    await bench.recover()
    assert (await bench.now(left)).state is State.RESOLVED
    assert sum(1 for what, _, words in bench.messenger.said if what == "say" and "unknown" in words) == 1


async def test_own_containers_are_protected_by_compose_service_too(bench):
    bench.containers.others = (KnownTarget("shop-buggy-1", "e" * 64, service="socket-proxy"),)
    bench.plan = replace(
        bench.plan,
        hosts=("socket-proxy",),
        policy=replace(POLICY, allowlist=frozenset({parse_target("shop-buggy-1")})),
    )
    bench.build()
    bench.containers.looks = [facts("shop-buggy-1", container_id="e" * 64)]
    incident = await bench.fire(name="shop-buggy-1")
    assert getattr(incident.verdict, "rule", "") == "own"


async def test_a_database_that_is_away_at_the_press_is_said_and_nothing_is_restarted(bench, monkeypatch):
    incident = await bench.fire()

    async def away(*_):
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(bench.store, "get", away)
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert bench.messenger.whispers() == ["The database does not answer. So nothing was restarted."]


async def test_a_database_that_goes_away_during_the_restart_is_written_when_it_is_back(bench, monkeypatch):
    incident = await bench.fire()
    claim, failures = bench.store.save_if_unchanged, 3

    async def sometimes(before, after, *more):
        nonlocal failures
        if bench.containers.restarts and failures:
            failures -= 1
            raise StoreUnavailable("The database does not answer.")
        return await claim(before, after, *more)

    monkeypatch.setattr(bench.store, "save_if_unchanged", sometimes)
    await bench.responder.act(press(incident))
    assert failures == 0
    assert (await bench.now(incident)).state is State.RESOLVED
    assert bench.containers.restarts == 1


async def test_history_that_cannot_be_read_refuses(bench, monkeypatch):
    async def away(*_):
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(bench.store, "history", away)
    incident = await bench.fire()
    assert getattr(incident.verdict, "rule", "") == "facts"


async def test_an_alert_that_comes_while_the_last_run_is_resumed_is_answered_once(bench):
    left = await bench.resume.unfinished()
    received = alert()
    await bench.responder.receive(received)
    await asyncio.gather(bench.resume.recover(left, bench.responder), bench.responder.answer(received))
    assert [incident.alerts for incident in await bench.store.recent()] == [1]
    assert len(bench.diagnoser.asked) == 1


async def test_somebody_faster_between_the_looks_is_named_too(bench, monkeypatch):
    incident = await bench.fire()
    history = bench.store.history

    async def overtaken(target, now):
        approval = Approval("U0SECOND", now, incident.digest)
        await bench.store.save_if_unchanged(
            incident, replace(incident, state=State.ACTING, approval=approval), approval
        )
        return await history(target, now)

    monkeypatch.setattr(bench.store, "history", overtaken)
    await bench.responder.act(press(incident))
    assert bench.containers.restarts == 0
    (told,) = bench.messenger.whispers("U0ONCALL")
    assert told.endswith("U0SECOND")
