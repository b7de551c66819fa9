import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.evidence import Evidence, LogDigest, LogLine
from bot.domain.incident import Incident, State, Thread
from bot.domain.target import parse_target
from bot.domain.verification import Verification
from bot.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import Channel
from bot.playground.slack.workspace import Workspace
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity
from bot.slack.delivery import cards
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.views import modals
from bot.slack.views.card import notice
from tests.slack.conftest import incident, now

SLOW = {"retry_after": 1}


@pytest.fixture
async def work() -> AsyncIterator[BackgroundTasks]:
    made = BackgroundTasks()
    yield made
    await made.close(0)


@pytest.fixture
def messenger(client: AsyncWebClient, own: Identity, work: BackgroundTasks) -> SlackMessenger:
    return SlackMessenger(client, own, work, now, patience=3.0)


next_run = messenger
"""The same after a new start: nothing is known of what the first one said."""


async def hung(ws: Workspace, messenger: SlackMessenger, **more: Any) -> tuple[Incident, Message]:
    """Post a card and return its incident, as the responder would keep it, and the message."""
    opened = incident(State.OPEN, **more)
    ts = await messenger.card(opened)
    return replace(opened, card=ts, revision=1), ws.message("C0ALERTS", ts)


def later(before: Incident, state: State, **more: Any) -> Incident:
    return replace(before, state=state, revision=before.revision + 1, **more)


# Cards


async def test_a_card_hangs_in_the_alerts_thread_and_carries_its_incident(
    ws: Workspace, messenger: SlackMessenger
) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    ts = await messenger.card(incident(place=Thread("C0ALERTS", alert.ts)))
    (card,) = ws.thread(alert)
    assert card.ts == ts
    assert card.metadata == {"event_type": "aegis_incident", "event_payload": {"incident": "i1", "part": "card"}}
    assert "Restart buggy-app-v2" in card.text


async def test_nothing_is_unfurled(ws: Workspace, messenger: SlackMessenger) -> None:
    known, _ = await hung(ws, messenger)
    await messenger.say(known, "see http://shop.example")
    await messenger.say_at(Thread("C0OPS"), "see http://shop.example")
    await messenger.outcome(later(known, State.UNRESOLVED))
    posts = ws.called("chat.postMessage")
    assert len(posts) == 4
    assert all(not post.arguments.get("unfurl_links") and not post.arguments.get("unfurl_media") for post in posts)
    assert all({"unfurl_links", "unfurl_media"} <= post.arguments.keys() for post in posts)


async def test_an_edit_brings_blocks_and_has_nothing_parsed(ws: Workspace, messenger: SlackMessenger) -> None:
    known, card = await hung(ws, messenger)
    await messenger.update(later(known, State.PROPOSED))
    (edit,) = ws.called("chat.update")
    assert edit.arguments["parse"] == "none"
    assert edit.arguments["blocks"]
    assert "restart" in card.buttons


async def test_of_many_states_at_once_the_last_one_is_shown(ws: Workspace, messenger: SlackMessenger) -> None:
    known, card = await hung(ws, messenger)
    states = [replace(later(known, State.PROPOSED), alerts=number, revision=number) for number in range(2, 40)]
    ended = replace(known, state=State.RESOLVED, revision=40, closing="Recovered without action.")
    await asyncio.gather(*(messenger.update(state) for state in [*states, ended]))
    assert "restart" not in card.buttons
    assert len(ws.called("chat.update")) < 5


async def test_an_older_state_never_replaces_a_newer_one(ws: Workspace, messenger: SlackMessenger) -> None:
    known, card = await hung(ws, messenger)
    ended = replace(known, state=State.IGNORED, revision=5, closing="Ignored.", closed_by="U0ONCALL")
    await messenger.update(ended)
    await messenger.update(later(known, State.PROPOSED))
    assert "restart" not in card.buttons


@pytest.mark.fault(65)
async def test_edits_of_one_card_keep_slacks_pace(
    ws: Workspace, messenger: SlackMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "CARD_EDIT_INTERVAL_S", 0.1)
    known, _ = await hung(ws, messenger)
    for number in range(2, 8):
        await messenger.update(replace(known, state=State.PROPOSED, alerts=number, revision=number))
    at = [call.at for call in ws.called("chat.update")]
    assert len(at) == 6
    assert at[5] - at[2] >= 0.25


@pytest.mark.fault(35)
async def test_a_card_that_was_deleted_is_put_up_again_once(
    ws: Workspace, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    known, card = await hung(ws, messenger, place=Thread("C0ALERTS", alert.ts))
    await ws.delete(card)
    proposed = later(known, State.PROPOSED)
    await messenger.update(proposed)
    (again,) = ws.thread(alert)
    assert "restart" in again.buttons
    await messenger.update(later(proposed, State.ACTING))
    assert "restart" not in again.buttons
    await ws.delete(again)
    await messenger.update(later(later(proposed, State.ACTING), State.VERIFYING))
    assert ws.thread(alert) == []
    assert "deleted twice" in caplog.text


async def test_the_next_run_brings_a_card_that_was_put_up_again_up_to_date(
    ws: Workspace, messenger: SlackMessenger, next_run: SlackMessenger
) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    known, card = await hung(ws, messenger, place=Thread("C0ALERTS", alert.ts))
    await ws.delete(card)
    proposed = later(known, State.PROPOSED)
    await messenger.update(proposed)
    await next_run.update(later(proposed, State.EXPIRED))
    (again,) = ws.thread(alert)
    assert "restart" not in again.buttons


@pytest.mark.fault(35)
async def test_where_the_whole_thread_was_deleted_the_result_goes_to_the_channel(
    ws: Workspace, messenger: SlackMessenger
) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    known, card = await hung(ws, messenger, place=Thread("C0ALERTS", alert.ts))
    await ws.delete(card)
    await ws.delete(alert)
    ended = later(known, State.RESOLVED, verification=Verification(True, 7.4, summary="200 ×3, healthy"))
    await messenger.update(ended)
    await messenger.outcome(ended)
    shown, outcome = ws.messages("C0ALERTS")
    assert "buggy-app-v2" in shown.words
    assert "7.4 s" in outcome.words
    assert not outcome.thread_ts or outcome.thread_ts == shown.ts


async def test_a_card_that_could_not_be_posted_comes_with_the_next_state(
    ws: Workspace, messenger: SlackMessenger
) -> None:
    ws.fail("chat.postMessage", "fatal_error")
    opened = incident(State.OPEN)
    with pytest.raises(SlackError):
        await messenger.card(opened)
    await messenger.update(later(opened, State.PROPOSED))
    (card,) = ws.messages("C0ALERTS")
    assert "restart" in card.buttons


# What Slack refuses


async def test_where_slack_refuses_the_blocks_the_text_goes_alone(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.fail("chat.postMessage", Fault(error="invalid_blocks", fields={"errors": ["no more than 50 items"]}))
    known, card = await hung(ws, messenger)
    assert card.blocks == []
    assert "buggy-app-v2" in card.text
    ws.fail("chat.update", "invalid_blocks")
    await messenger.update(later(known, State.PROPOSED))
    assert card.blocks == []
    assert "connection pool exhausted" in card.text
    ws.fail("chat.postEphemeral", "invalid_blocks")
    await messenger.whisper("U0ONCALL", Thread("C0ALERTS"), "You may not.")
    assert "You may not." in ws.ephemerals("U0ONCALL")[0].body["text"]


@pytest.mark.fault(33)
async def test_text_that_is_refused_as_well_is_not_sent_for_ever(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.fail("chat.postMessage", "invalid_blocks", times=5)
    with pytest.raises(SlackError):
        await messenger.say_at(Thread("C0OPS"), "x")
    assert len(ws.called("chat.postMessage")) == 2


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("channel_not_found", "/invite @aegis"),
        ("not_in_channel", "/invite @aegis"),
        ("is_archived", "Unarchive"),
        ("token_revoked", "SLACK_BOT_TOKEN"),
        ("missing_scope", "manifest.yml"),
    ],
)
async def test_what_a_person_can_mend_is_said(ws: Workspace, messenger: SlackMessenger, code: str, hint: str) -> None:
    ws.fail("chat.postMessage", Fault(error=code, fields={"needed": "chat:write", "provided": "users:read"}))
    with pytest.raises(SlackError) as raised:
        await messenger.say_at(Thread("C0OPS"), "hello")
    assert raised.value.code == code
    assert hint in raised.value.sentence
    assert raised.value.__cause__ is not None
    assert ws.bot_token not in f"{raised.value} {raised.value.detail} {raised.value.__cause__}"


async def test_a_channel_that_aegis_is_not_in_is_named_by_slack_itself(
    ws: Workspace, messenger: SlackMessenger
) -> None:
    ws.state.channels["C0SECRET"] = Channel("C0SECRET", "secret", {"U0ONCALL"}, kind="group")
    with pytest.raises(SlackError) as raised:
        await messenger.say_at(Thread("C0SECRET"), "hello")
    assert "/invite @aegis" in raised.value.sentence


# Slow and broken lines


@pytest.mark.fault(31)
async def test_a_post_waits_as_long_as_slack_asks(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.rate_limit("chat.postMessage", retry_after=1)
    await messenger.say_at(Thread("C0OPS"), "late but here")
    first, second = ws.called("chat.postMessage")
    assert second.at - first.at >= 1
    assert len(ws.messages("C0OPS")) == 1


async def test_other_methods_go_on_while_one_waits(ws: Workspace, messenger: SlackMessenger) -> None:
    alert = await ws.alert("C0OPS", "down")
    ws.rate_limit("chat.postMessage", retry_after=1)
    post = asyncio.create_task(messenger.say_at(Thread("C0OPS"), "late"))
    await ws.wait_for(lambda: ws.called("chat.postMessage"))
    await messenger.react(Thread("C0OPS"), alert.ts)
    assert not post.done()
    await post


@pytest.mark.fault(31)
async def test_a_wait_beyond_all_patience_is_an_error(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.rate_limit("chat.postMessage", retry_after=3600)
    with pytest.raises(SlackError) as raised:
        await messenger.say_at(Thread("C0OPS"), "x")
    assert raised.value.code == "ratelimited"


async def test_an_edit_that_slack_slows_down_does_not_hold_the_caller_and_is_not_lost(
    ws: Workspace, messenger: SlackMessenger, work: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "CARD_EDIT_WAIT_S", 0.05)
    known, card = await hung(ws, messenger)
    ws.rate_limit("chat.update", retry_after=1)
    await messenger.update(later(known, State.ACTING))
    assert len(ws.called("chat.update")) == 1
    await messenger.update(replace(known, state=State.RESOLVED, revision=9, closing="Recovered without action."))
    await work.wait_until_idle()
    assert "ecovered" in card.words


async def test_an_edit_that_slack_does_not_answer_is_tried_until_it_stands(
    ws: Workspace, messenger: SlackMessenger, work: BackgroundTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "CARD_EDIT_INTERVAL_S", 0.02)
    known, card = await hung(ws, messenger)
    ws.fail("chat.update", Fault(reset=True), times=6)
    await messenger.update(replace(known, state=State.RESOLVED, revision=9, closing="Recovered without action."))
    await work.wait_until_idle()
    assert "ecovered" in card.words
    assert len(ws.messages("C0ALERTS")) == 1


@pytest.mark.parametrize("fault", [Fault(reset=True, after_effect=True), Fault(status=503, after_effect=True)])
async def test_a_card_whose_answer_was_lost_is_found_instead_of_posted_twice(
    ws: Workspace, messenger: SlackMessenger, fault: Fault
) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    for place in (Thread("C0ALERTS", alert.ts), Thread("C0OPS")):
        ws.fail("chat.postMessage", fault)
        ts = await messenger.card(incident(id=f"i-{place.channel}", place=place))
        assert ts == ws.messages(place.channel)[-1].ts
    assert len(ws.thread(alert)) == 1
    assert len(ws.messages("C0OPS")) == 1


@pytest.mark.fault(27)
@pytest.mark.parametrize("hours", [-5, 5])
async def test_27_a_card_is_found_again_though_this_machines_clock_was_off_when_it_was_opened(
    ws: Workspace, messenger: SlackMessenger, hours: int
) -> None:
    ws.fail("chat.postMessage", Fault(reset=True, after_effect=True))
    await messenger.card(incident(opened_at=now() + timedelta(hours=hours)))
    assert len(ws.messages("C0ALERTS")) == 1


async def test_an_incident_that_expired_before_its_card_could_be_posted_has_none(
    ws: Workspace, messenger: SlackMessenger
) -> None:
    await messenger.update(incident(State.EXPIRED, closing="The card could not be posted.", closed_by="U0ONCALL"))
    assert ws.messages("C0ALERTS") == []


async def test_a_card_that_stands_though_slack_did_not_say_so_shows_that_it_expired(
    ws: Workspace, messenger: SlackMessenger, own: Identity, client: AsyncWebClient, work: BackgroundTasks
) -> None:
    await messenger.card(incident())
    later = SlackMessenger(client, own, work, now)
    await later.update(incident(State.EXPIRED, revision=3, closing="The card could not be posted."))
    (card,) = ws.messages("C0ALERTS")
    assert "restart" not in card.buttons


@pytest.mark.parametrize("fault", [Fault(reset=True), Fault(status=500)])
async def test_a_card_that_never_arrived_is_posted_again(
    ws: Workspace, messenger: SlackMessenger, fault: Fault
) -> None:
    ws.fail("chat.postMessage", fault)
    ts = await messenger.card(incident())
    assert [message.ts for message in ws.messages("C0ALERTS")] == [ts]


async def test_a_sentence_whose_answer_was_lost_is_not_said_twice(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.fail("chat.postMessage", Fault(reset=True, after_effect=True))
    with pytest.raises(SlackError) as raised:
        await messenger.say_at(Thread("C0OPS"), "once")
    assert raised.value.code == "no_answer"
    assert len(ws.messages("C0OPS")) == 1


@pytest.mark.fault(3)
async def test_after_a_crash_neither_card_nor_outcome_is_posted_twice(ws: Workspace, messenger: SlackMessenger) -> None:
    before = incident(State.RESOLVED, opened_at=now() - timedelta(minutes=2), closing="Recovered without action.")
    place = replace(before, place=Thread("C0ALERTS"))
    first = await messenger.card(place)
    known = replace(before, card=first)
    await messenger.outcome(known)
    assert await messenger.card(before) == first
    await messenger.outcome(known)
    assert len(ws.messages("C0ALERTS")) == 2


async def test_a_stranger_cannot_pass_off_a_message_as_the_card(ws: Workspace, messenger: SlackMessenger) -> None:
    forged = await ws.alert("C0ALERTS", "I am the card")
    forged.metadata = {"event_type": "aegis_incident", "event_payload": {"incident": "i1", "part": "card"}}
    ts = await messenger.card(incident(opened_at=now() - timedelta(minutes=2)))
    assert ts != forged.ts


async def test_without_a_network_slack_is_said_to_be_out_of_reach(ws: Workspace, messenger: SlackMessenger) -> None:
    await ws.stop()
    with pytest.raises(SlackError) as raised:
        await messenger.say_at(Thread("C0OPS"), "x")
    assert raised.value.code in ("unreachable", "no_answer")


# Other things that are said


async def test_an_alert_is_marked_as_seen_and_twice_is_no_error(ws: Workspace, messenger: SlackMessenger) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    await messenger.react(Thread("C0ALERTS", alert.ts), alert.ts)
    await messenger.react(Thread("C0ALERTS", alert.ts), alert.ts)
    assert ws.reactions(alert) == {"eyes"}


async def test_only_ids_ping_and_text_does_not(ws: Workspace, messenger: SlackMessenger) -> None:
    known, _ = await hung(ws, messenger)
    await messenger.say(known, "<!channel> @here <@U0STRANGER> &amp; `x`", offer=True, mention=("S0ONCALL", "U0SECOND"))
    said = ws.messages("C0ALERTS")[-1]
    assert said.pings == {"S0ONCALL", "U0SECOND"}
    assert said.buttons == ["rediagnose"]
    assert said.thread_ts == known.card


async def test_a_whisper_is_for_one_person_in_the_thread(ws: Workspace, messenger: SlackMessenger) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    await messenger.whisper("U0STRANGER", Thread("C0ALERTS", alert.ts), "You may not.", mention=("S0ONCALL",))
    (note,) = ws.ephemerals("U0STRANGER")
    assert "You may not." in note.words
    assert note.body["thread_ts"] == alert.ts
    assert ws.ephemerals("U0ONCALL") == []


async def test_a_whisper_that_slack_does_not_show_is_in_the_log(
    ws: Workspace, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await messenger.whisper("U0NOBODY", Thread("C0ALERTS"), "You may not.")
    assert "U0NOBODY" in caplog.text


async def test_the_menu_is_for_all_or_for_one(ws: Workspace, messenger: SlackMessenger) -> None:
    alert = await ws.alert("C0ALERTS", "down")
    place = Thread("C0ALERTS", alert.ts)
    await messenger.choose(place, "Which one?", ("a1", "b2"))
    await messenger.choose(place, "Which one?", ("a1", "b2"), user="U0SECOND")
    assert ws.thread(alert)[0].buttons == ["choose"]
    assert len(ws.ephemerals("U0SECOND")) == 1


async def test_evidence_fills_the_window(ws: Workspace, messenger: SlackMessenger) -> None:
    known, _ = await hung(ws, messenger)
    done = await ws.slash("U0ONCALL", "C0OPS", "/aegis", "x")
    view = await messenger.open(str(done.payload["trigger_id"]), modals.loading("Evidence"))
    await messenger.show_evidence(known, view)
    assert "ERROR pool" in ws.modal("U0ONCALL").words
    assert ws.files == []


async def test_evidence_that_is_too_long_becomes_a_file_in_the_thread(ws: Workspace, messenger: SlackMessenger) -> None:
    lines = tuple(LogLine(number, f"ERROR {number} " + "x" * 200) for number in range(1000))
    known, card = await hung(
        ws, messenger, evidence=Evidence(parse_target("buggy-app-v2"), now().isoformat(), None, LogDigest(lines))
    )
    done = await ws.slash("U0ONCALL", "C0OPS", "/aegis", "x")
    view = await messenger.open(str(done.payload["trigger_id"]), modals.loading("Evidence"))
    await messenger.show_evidence(known, view)
    (file,) = ws.files
    assert (file.channel, file.thread_ts) == ("C0ALERTS", card.ts)
    assert "ERROR 999" in file.text
    assert "thread" in ws.modal("U0ONCALL").words


async def test_a_used_up_response_url_is_an_error(ws: Workspace, messenger: SlackMessenger) -> None:
    ws.fail("response_url", Fault(status=404))
    done = await ws.slash("U0ONCALL", "C0OPS", "/aegis", "x")
    with pytest.raises(SlackError):
        await messenger.answer(str(done.payload["response_url"]), notice("hello"))
