import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.alerts.alert import Kind
from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Neighbour
from bot.domain.incident import State, Thread
from bot.errors import SlackError, StoreUnavailable
from bot.playground.slack.state.clock import Pace
from bot.playground.slack.state.messages import pings, words
from bot.playground.slack.state.people import Sender
from tests.slack.conftest import DIGEST, Desk, incident
from tests.slack.incidents import DIAGNOSIS, EVIDENCE

FIRING = "[FIRING:1] ContainerDown (container buggy-app-v2, severity critical)"
RESOLVED = "[RESOLVED] ContainerDown (container buggy-app-v2, severity critical)"


async def card(desk: Desk, **more: Any) -> Any:
    ts = await desk.messenger.card(incident(**more))
    return desk.ws.message("C0ALERTS", ts)


# Alerts


async def test_an_alert_is_taken_in_and_then_answered(desk: Desk) -> None:
    alert = await desk.ws.alert("C0ALERTS", FIRING)
    ((received,),) = await desk.asked("answer")
    assert received.key == f"C0ALERTS:{alert.ts}:firing"
    assert received.place == Thread("C0ALERTS", alert.ts)
    assert [kind for kind, *_ in desk.answers.asked] == ["receive", "answer"]


@pytest.mark.fault(1)
async def test_an_event_is_acknowledged_only_when_it_is_on_disk(desk: Desk) -> None:
    desk.answers.hold = asyncio.Event()
    await desk.ws.alert("C0ALERTS", FIRING)
    await desk.asked("receive")
    await asyncio.sleep(0)
    assert not desk.ws.deliveries[-1].acknowledged
    desk.answers.hold.set()
    await desk.quiet()
    assert desk.ws.deliveries[-1].acknowledged


class TestWithQuickRedelivery:
    @pytest.fixture
    def pace(self) -> Pace:
        return Pace(acknowledge=0.3, retries=(0.0, 0.1, 0.1))

    async def test_an_alert_that_slack_gave_up_is_taken_in_once_that_works_again(self, desk: Desk) -> None:
        desk.answers.broken = StoreUnavailable("The database is away.")
        await desk.ws.alert("C0ALERTS", FIRING)
        await desk.asked("receive", 4)  # Slack tries no more
        with pytest.raises(StoreUnavailable):
            await desk.said.take_waiting()
        desk.answers.broken = None
        for _ in range(2):
            await desk.said.take_waiting()
        assert len(await desk.asked("answer")) == 1
        assert len(desk.answers.of("receive")) == 6

    @pytest.mark.fault(29)
    async def test_an_alert_that_could_not_be_kept_comes_again(self, desk: Desk) -> None:
        desk.answers.broken = StoreUnavailable("The database is away.")
        await desk.ws.alert("C0ALERTS", FIRING)
        await desk.asked("receive")
        desk.answers.broken = None
        await desk.asked("answer")
        await desk.ws.wait_for(lambda: desk.ws.deliveries[-1].acknowledged)
        assert [one.acknowledged for one in desk.ws.deliveries] == [False, True]

    async def test_an_alert_that_is_delivered_twice_is_answered_once(self, desk: Desk) -> None:
        desk.answers.hold = asyncio.Event()
        await desk.ws.alert("C0ALERTS", FIRING)
        await desk.asked("receive", 2)
        desk.answers.hold.set()
        await desk.ws.wait_for(lambda: desk.ws.deliveries[-1].acknowledged)
        await desk.work.wait_until_idle()
        assert len(desk.answers.of("answer")) == 1

    async def test_a_mention_that_is_delivered_twice_is_answered_once(self, desk: Desk) -> None:
        said = await desk.ws.say("U0ONCALL", "C0OPS", f"<@{desk.own.bot_user_id}> diagnose buggy-app-v2")
        await desk.asked("diagnose")
        event = next(
            one.payload["event"] for one in desk.ws.deliveries if one.payload["event"]["type"] == "app_mention"
        )
        desk.ws.socket_mode.announce(event)
        await desk.ws.wait_for(lambda: len(desk.ws.deliveries) >= 3)
        await desk.quiet()
        assert desk.answers.of("diagnose") == [("buggy-app-v2", Thread("C0OPS", said.ts), "U0ONCALL")]


async def test_a_sender_that_edits_firing_into_resolved_is_heard_twice(desk: Desk) -> None:
    alert = await desk.ws.alert("C0ALERTS", FIRING, sender=Sender("Grafana", "B0GRAFANA", "A0GRAFANA", "U0GRAFANA"))
    await desk.asked("answer")
    await desk.ws.edit(alert, RESOLVED)
    answered = await desk.asked("answer", 2)
    assert [received.alert.kind for (received,) in answered] == [Kind.FIRING, Kind.RESOLVED]
    assert {received.message for (received,) in answered} == {alert.ts}


async def test_a_link_preview_does_not_make_an_alert_new(desk: Desk) -> None:
    alert = await desk.ws.alert("C0ALERTS", FIRING)
    await desk.asked("answer")
    await desk.ws.unfurl(alert, [{"text": "a page", "title": "Runbook"}])
    await desk.quiet()
    assert len(desk.answers.of("receive")) == 1


@pytest.mark.fault(26)
async def test_people_and_aegis_itself_start_nothing(desk: Desk) -> None:
    await desk.ws.say("U0ONCALL", "C0ALERTS", FIRING)
    await desk.ws.join("U0SECOND", "C0ALERTS")
    shown = await card(desk)
    await desk.messenger.update(incident(State.RESOLVED, card=shown.ts, revision=1))
    await desk.messenger.say_at(Thread("C0ALERTS"), FIRING)
    said = await desk.ws.say("U0ONCALL", "C0ALERTS", "lunch?")
    await desk.ws.delete(said)
    await desk.quiet()
    assert desk.answers.asked == []


@pytest.mark.fault(36)
async def test_fifty_alerts_at_once_are_all_acknowledged_and_answered(desk: Desk) -> None:
    for number in range(50):
        await desk.ws.alert("C0ALERTS", f"{FIRING} {number}")
    answered = await desk.asked("answer", 50)
    await desk.quiet()
    assert len({received.key for (received,) in answered}) == 50
    assert not desk.ws.called("auth.test")[1:]


# Words


async def test_diagnose_is_asked_for_in_the_channel_of_the_command(desk: Desk) -> None:
    done = await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose buggy-app-v2")
    assert done.ok
    assert await desk.asked("diagnose") == [("buggy-app-v2", Thread("C0OPS"), "U0ONCALL")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("help", "/aegis diagnose"),
        ("", "/aegis diagnose"),
        ("status", "Docker 27 on docker-7"),
        ("history buggy-app-v2", "buggy-app-v2"),
        ("runbook pool <n>", "pool"),
        ("restart buggy-app-v2", "nothing that Aegis can do"),
        ("diagnose <!channel> & `x`", "not the name of one container"),
        ("diagnose " + "x" * 4000, "too long"),
    ],
)
async def test_other_answers_go_to_the_asker_alone(desk: Desk, text: str, told: str) -> None:
    done = await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", text)
    assert done.ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert told in note.words
    assert pings(note.body, "none") <= {"U0ONCALL"}
    assert desk.ws.messages("C0OPS") == []
    assert desk.answers.of("diagnose") == []


async def test_a_broken_part_is_told_to_the_asker_in_a_sentence(desk: Desk) -> None:
    desk.answers.broken = StoreUnavailable("The database is away.", hint="Bring it back.")
    await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "status")
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert "The database is away. Bring it back." in note.words


async def test_an_unknown_command_is_acknowledged(desk: Desk) -> None:
    assert (await desk.ws.slash("U0ONCALL", "C0OPS", "/other", "x")).ok


async def test_diagnose_without_a_name_offers_what_is_running(desk: Desk) -> None:
    await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose")
    menu = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    done = await desk.ws.choose("U0ONCALL", menu, "choose", "shop-db-1")
    assert done.ok
    assert await desk.asked("diagnose") == [("shop-db-1", Thread("C0OPS"), "U0ONCALL")]


async def test_diagnose_without_a_name_and_without_an_engine_says_why(desk: Desk) -> None:
    desk.answers.names = ()
    await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose")
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert "The engine does not answer. Start Docker." in note.words


async def test_a_mention_is_answered_in_its_thread(desk: Desk) -> None:
    said = await desk.ws.say("U0ONCALL", "C0OPS", f"<@{desk.own.bot_user_id}>")
    reply = await desk.ws.wait_for(lambda: desk.ws.thread(said)[0])
    assert "/aegis diagnose" in reply.words
    await desk.ws.say("U0ONCALL", "C0OPS", f"<@{desk.own.bot_user_id}> diagnose buggy-app-v2", thread_ts=said.ts)
    assert await desk.asked("diagnose") == [("buggy-app-v2", Thread("C0OPS", said.ts), "U0ONCALL")]


async def test_the_shortcut_answers_what_the_message_says_once_for_each_asking(desk: Desk) -> None:
    said = await desk.ws.say("U0ONCALL", "C0OPS", "buggy-app-v2 looks odd")
    for times in (1, 2):
        assert (await desk.ws.shortcut("U0ONCALL", said, "diagnose_message")).ok
        answered = await desk.asked("answer", times)
    assert {received.alert.kind for (received,) in answered} == {Kind.FIRING}
    assert {received.place for (received,) in answered} == {Thread("C0OPS", said.ts)}
    assert {received.asker for (received,) in answered} == {"U0ONCALL"}


async def test_a_shortcut_whose_card_slack_does_not_take_is_told_to_the_asker(desk: Desk) -> None:
    said = await desk.ws.say("U0ONCALL", "C0OPS", "buggy-app-v2 looks odd")
    desk.answers.unsaid = SlackError("Aegis is not in this channel.", hint="Invite it.", code="not_in_channel")
    assert (await desk.ws.shortcut("U0ONCALL", said, "diagnose_message")).ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert "Aegis is not in this channel." in note.words


async def test_a_shortcut_that_cannot_be_kept_is_told_to_the_asker(desk: Desk) -> None:
    said = await desk.ws.say("U0ONCALL", "C0OPS", "buggy-app-v2 looks odd")
    desk.answers.broken = StoreUnavailable("The database is away.", hint="Bring it back.")
    assert (await desk.ws.shortcut("U0ONCALL", said, "diagnose_message")).ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert "The database is away." in note.words


# Buttons, menus, windows


async def test_a_press_of_restart_is_handed_over_with_who_pressed_and_what_they_saw(desk: Desk) -> None:
    shown = await card(desk)
    assert (await desk.ws.press("U0ONCALL", shown, "restart")).ok
    ((press,),) = await desk.asked("restart")
    assert (press.user, press.team) == ("U0ONCALL", "T0PLAY")
    assert (press.incident, press.digest, press.card) == ("i1", DIGEST, shown.ts)
    assert press.place == Thread("C0ALERTS")


async def test_a_press_in_a_thread_knows_its_thread(desk: Desk) -> None:
    alert = await desk.ws.alert("C0ALERTS", FIRING)
    shown = await card(desk, place=Thread("C0ALERTS", alert.ts))
    await desk.ws.press("U0ONCALL", shown, "rediagnose")
    ((press,),) = await desk.asked("rediagnose")
    assert press.place == Thread("C0ALERTS", alert.ts)


async def test_the_offer_of_a_neighbours_diagnosis_asks_for_that_one_in_the_thread(desk: Desk) -> None:
    evidence = replace(EVIDENCE, neighbours=(Neighbour("orders-db", "exited", named_in_log=True),))
    shown = await card(desk, evidence=evidence, diagnosis=replace(DIAGNOSIS, trouble=FailureClass.DEPENDENCY_DOWN))
    assert (await desk.ws.press("U0STRANGER", shown, "rediagnose")).ok
    assert await desk.asked("diagnose") == [("orders-db", Thread("C0ALERTS", shown.ts), "U0STRANGER")]
    assert desk.answers.of("rediagnose") == []


@pytest.mark.fault(36)
async def test_a_press_is_acknowledged_before_the_restart_is_done(desk: Desk) -> None:
    shown = await card(desk)
    never = asyncio.Event()

    async def hang(press: Any) -> None:
        await never.wait()

    desk.answers.act = hang  # type: ignore[method-assign]  # as if Docker took its time
    assert (await desk.ws.press("U0ONCALL", shown, "restart")).ok
    never.set()


async def test_ignoring_asks_why_and_hands_the_reason_over(desk: Desk) -> None:
    shown = await card(desk)
    assert (await desk.ws.press("U0STRANGER", shown, "ignore")).ok
    window = await desk.ws.wait_for(lambda: desk.ws.modal("U0STRANGER"))
    assert "buggy-app-v2" in window.words
    done = await desk.ws.submit("U0STRANGER", window, {"reason": "a <drill> & nothing else"})
    assert done.ok
    ((press, reason),) = await desk.asked("ignore")
    assert reason == "a <drill> & nothing else"
    assert (press.user, press.team, press.incident, press.digest) == ("U0STRANGER", "T0PLAY", "i1", DIGEST)
    assert (press.place, press.card) == (Thread("C0ALERTS"), shown.ts)
    assert desk.ws.modals("U0STRANGER") == []


async def test_ignoring_needs_no_reason(desk: Desk) -> None:
    shown = await card(desk)
    await desk.ws.press("U0STRANGER", shown, "ignore")
    window = await desk.ws.wait_for(lambda: desk.ws.modal("U0STRANGER"))
    await desk.ws.submit("U0STRANGER", window)
    ((_, reason),) = await desk.asked("ignore")
    assert reason == ""


async def test_evidence_opens_a_window_at_once_and_has_it_filled(desk: Desk) -> None:
    shown = await card(desk)
    assert (await desk.ws.press("U0SECOND", shown, "evidence")).ok
    window = await desk.ws.wait_for(lambda: desk.ws.modal("U0SECOND"))
    ((press, view),) = await desk.asked("evidence")
    assert (press.user, view) == ("U0SECOND", window.id)


async def test_a_window_that_does_not_open_is_told_to_the_presser(desk: Desk) -> None:
    shown = await card(desk)
    desk.ws.fail("views.open", "expired_trigger_id")
    assert (await desk.ws.press("U0SECOND", shown, "evidence")).ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0SECOND")[0])
    assert "Press again" in note.words
    await desk.work.wait_until_idle()
    assert desk.answers.of("evidence") == []


async def test_a_chosen_target_is_diagnosed_where_the_menu_was_asked_for_and_the_menu_goes(desk: Desk) -> None:
    alert = await desk.ws.alert("C0ALERTS", FIRING)
    await desk.messenger.choose(Thread("C0ALERTS", alert.ts), "Which one?", ("buggy-app-v2", "shop-db-1"))
    menu = desk.ws.thread(alert)[0]
    assert (await desk.ws.choose("U0SECOND", menu, "choose", "shop-db-1")).ok
    assert await desk.asked("diagnose") == [("shop-db-1", Thread("C0ALERTS", alert.ts), "U0SECOND")]
    await desk.work.wait_until_idle()
    assert "choose" not in menu.buttons
    assert "shop-db-1" in menu.words


@pytest.mark.fault(76)
@pytest.mark.parametrize("button", ["ignore", "rediagnose", "evidence"])
async def test_76_a_press_that_cannot_be_recorded_is_told_to_whoever_pressed(desk: Desk, button: str) -> None:
    async def away(*_: Any) -> None:
        raise StoreUnavailable("The database is away.", hint="Bring it back.")

    setattr(desk.answers, button, away)
    shown = await card(desk)
    assert (await desk.ws.press("U0SECOND", shown, button)).ok
    if button == "ignore":
        window = await desk.ws.wait_for(lambda: desk.ws.modal("U0SECOND"))
        assert (await desk.ws.submit("U0SECOND", window)).ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0SECOND")[0])
    assert "This went wrong on the way: The database is away. Bring it back." in note.words


@pytest.mark.parametrize("value", ["", "no colon", "i1:zz zz", "../../etc:0", "i1:" + "0" * 500, "<!channel>:0"])
async def test_a_strange_button_is_answered_politely(desk: Desk, value: str) -> None:
    shown = await card(desk)
    for block in shown.body["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id") == "restart":
                element["value"] = value
    assert (await desk.ws.press("U0ONCALL", shown, "restart")).ok
    note = await desk.ws.wait_for(lambda: desk.ws.ephemerals("U0ONCALL")[0])
    assert "does not know this button" in note.words
    assert desk.answers.of("restart") == []


async def test_an_action_and_a_window_that_nobody_knows_are_acknowledged(desk: Desk) -> None:
    button = {"type": "button", "action_id": "link", "text": {"type": "plain_text", "text": "x"}, "value": "1"}
    posted = await desk.client.chat_postMessage(
        channel="C0OPS", text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    assert (await desk.ws.press("U0ONCALL", desk.ws.message("C0OPS", posted["ts"]), "link")).ok


# The home tab


async def test_whoever_opens_the_home_tab_sees_how_things_stand_and_what_happened(desk: Desk) -> None:
    await desk.ws.open_home("U0ONCALL")
    home = await desk.ws.wait_for(lambda: desk.ws.home("U0ONCALL"))
    assert home.body["type"] == "home"
    told = words(home.body)
    assert "May be restarted" in told
    assert "buggy-app-v2" in told
    with pytest.raises(KeyError):
        desk.ws.home("U0SECOND")
