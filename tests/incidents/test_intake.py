"""From an alert to its incidents: one of each target, once, whatever comes twice or ends in the middle."""

from __future__ import annotations

import pytest

from bot.domain.alerts.alert import Alert, Kind
from bot.domain.incident import State, Thread
from bot.domain.target import KnownTarget
from bot.errors import SlackError
from bot.incidents.intake import MOST_CARDS
from bot.ports.database import ReceivedAlert
from tests.incidents.test_responder import Bench, bench
from tests.support.fakes import START

__all__ = ["bench"]

NAMES = ("buggy-app-v2", "web", "db-1", "cache", "queue", "mail-out", "search-1")


@pytest.fixture(autouse=True)
def many(bench: Bench) -> None:
    bench.containers.others = tuple(KnownTarget(name, name.ljust(64, "0")) for name in NAMES[1:])


def group(*names: str, kind: Kind = Kind.FIRING, ts: str = "1.1", logs: str = "") -> ReceivedAlert:
    members = tuple((("container", name),) for name in names)
    said = Alert(kind, "ContainerDown", "alertmanager", "critical", "down", members=members, logs=logs)
    place, message = (Thread("C0ALERTS", ts), ts) if ts else (Thread("C0ALERTS"), "")
    return ReceivedAlert(f"C0ALERTS:{ts}:{kind.value}", place, message, said, START)


async def take(bench: Bench, received: ReceivedAlert) -> None:
    assert await bench.responder.receive(received)
    await bench.responder.answer(received)


def said(bench: Bench, what: str) -> list[str]:
    return [words for kind, _, words in bench.messenger.said if kind == what]


async def test_several_targets_get_an_incident_and_a_card_each_in_the_alerts_thread(bench: Bench) -> None:
    await take(bench, group("web", "buggy-app-v2", "gone-1"))
    found = await bench.store.recent()
    assert sorted(one.target.name for one in found) == ["buggy-app-v2", "web"]
    assert {one.place for one in found} == {Thread("C0ALERTS", "1.1")}
    assert {one.state for one in found} == {State.PROPOSED}
    assert len(said(bench, "card")) == 2
    assert len(said(bench, "react")) == 1
    assert await bench.store.unhandled() == ()


async def test_of_many_targets_a_few_are_looked_at_and_the_others_are_named(bench: Bench) -> None:
    await take(bench, group(*NAMES))
    assert len(await bench.store.recent()) == MOST_CARDS
    told = said(bench, "say_at")
    assert len(told) == 1
    assert "Not diagnosed: mail-out, search-1." in told[0]
    assert "/aegis diagnose NAME" in told[0]


async def test_a_target_that_has_a_live_card_is_counted_and_the_others_get_theirs(bench: Bench) -> None:
    await take(bench, group("web"))
    await take(bench, group("web", "db-1", ts="2.2"))
    counts = {one.target.name: one.alerts for one in await bench.store.recent()}
    assert counts == {"web": 2, "db-1": 1}
    assert len(said(bench, "card")) == 2


async def test_an_edit_to_resolved_closes_every_card_of_its_message(bench: Bench) -> None:
    await take(bench, group("web", "db-1", "cache"))
    await take(bench, group("web", kind=Kind.RESOLVED))
    assert {one.state for one in await bench.store.recent()} == {State.RESOLVED}


async def test_another_messages_end_closes_only_what_it_names(bench: Bench) -> None:
    await take(bench, group("web", "db-1"))
    await take(bench, group("web", kind=Kind.RESOLVED, ts="2.2"))
    assert {one.target.name: one.state for one in await bench.store.recent()} == {
        "web": State.RESOLVED,
        "db-1": State.PROPOSED,
    }


async def test_killed_after_the_first_of_several_was_opened_each_is_opened_once(bench: Bench) -> None:
    received = group("web", "db-1")
    await bench.responder.receive(received)
    await bench.responder.begin(group("web"))
    bench.build()
    await bench.recover()
    counts = {one.target.name: (one.alerts, one.state) for one in await bench.store.recent()}
    assert counts == {"web": (1, State.PROPOSED), "db-1": (1, State.PROPOSED)}
    assert len(said(bench, "card")) == 2
    assert await bench.store.unhandled() == ()


async def test_without_a_target_nothing_is_opened_and_the_menu_comes(bench: Bench) -> None:
    await take(bench, group("gone-1"))
    assert await bench.store.recent() == ()
    assert "Which one is it about?" in said(bench, "choose")[0]


async def test_an_alert_by_webhook_is_announced_and_its_cards_stand_in_that_thread(bench: Bench) -> None:
    await take(bench, group("web", "db-1", ts=""))
    assert {one.place for one in await bench.store.recent()} == {Thread("C0ALERTS", "7.1")}
    assert said(bench, "react") == []
    assert {what for what, *_ in bench.messenger.said} >= {"announce", "card"}


async def test_an_end_by_webhook_leaves_cards_without_a_thread_of_others_alone(bench: Bench) -> None:
    await bench.responder.diagnose("db-1", Thread("C0ALERTS"), "U0ONCALL")
    await take(bench, group("web", kind=Kind.RESOLVED, ts=""))
    assert (await bench.store.recent())[0].state is State.PROPOSED


async def test_the_log_that_a_script_sends_is_evidence_beside_the_engines(bench: Bench) -> None:
    sent = f"FATAL: licence expired\n{bench.containers.lines[0]}"
    await take(bench, group("buggy-app-v2", ts="", logs=sent))
    evidence = (await bench.store.recent())[0].evidence
    assert evidence is not None
    lines = [line.text for line in evidence.log.lines]
    assert lines[0] == "FATAL: licence expired"
    assert lines.count(bench.containers.lines[0]) == 1
    assert len({line.number for line in evidence.log.lines}) == len(lines)
    assert "sent log" in {source.name for source in evidence.sources}
    assert "licence expired" in bench.diagnoser.asked[0][0].data


async def test_without_slack_each_target_is_still_diagnosed(bench: Bench) -> None:
    bench.messenger.error = SlackError("Slack does not answer.")
    await take(bench, group("web", "db-1", ts=""))
    assert {one.state for one in await bench.store.recent()} == {State.PROPOSED}
    bench.messenger.error = None
    await bench.resume.catch_up()
    assert len(said(bench, "card")) == 2
