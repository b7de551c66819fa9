"""Asking for a diagnosis takes no card away: who asks is linked to the card that stands; outsiders are refused."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace

import pytest

from bot.domain.incident import State
from bot.playground.slack.state.people import Channel, User
from tests.support.fakes import facts
from tests.support.hostile_workspace import NAME

OUTSIDERS = [
    User("U0ODD", "odd", is_restricted=True),
    User("U0ODD", "odd", is_ultra_restricted=True),
    User("U0ODD", "odd", is_stranger=True, team_id="T0OTHER", teams=("T0OTHER",), enterprise="E0OTHER"),
    User("U0ODD", "odd", team_id="T0OTHER"),
]
IDS = ["guest", "guest of one channel", "stranger", "person of another organisation"]
REFUSED = "full members of this workspace only"


def two_people(stage) -> None:
    stage.engine.looks = [facts(labels=(("aegis.approvals", "2"),))]


async def asked(stage, way: str, alert) -> str:
    """Ask for a diagnosis in one of the ways; return who asked."""
    slack = stage.slack
    if way == "command in another channel":
        await slack.slash("U0SECOND", "C0OPS", "/aegis", f"diagnose {NAME}")
    elif way == "command in a direct message":
        slack.state.channels["D0OTHER"] = Channel("D0OTHER", "", {"U0SECOND", "U0ONCALL"}, kind="im")
        await slack.slash("U0SECOND", "D0OTHER", "/aegis", f"diagnose {NAME}")
    elif way == "command where Aegis is not":
        slack.state.channels["C0WITHOUT"] = Channel("C0WITHOUT", "without", {"U0SECOND"})
        await slack.slash("U0SECOND", "C0WITHOUT", "/aegis", f"diagnose {NAME}")
    elif way == "mention":
        await slack.say("U0SECOND", "C0OPS", f"<@U0AEGIS> diagnose {NAME}")
    elif way == "message shortcut":
        await slack.shortcut("U0SECOND", alert, "diagnose_message")
    return "U0SECOND"


WAYS = [
    "command in another channel",
    "command in a direct message",
    "command where Aegis is not",
    "mention",
    "message shortcut",
]


@pytest.mark.parametrize("way", WAYS)
async def test_the_card_stays_is_renewed_and_the_asker_is_linked_to_it(stage, way):
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        looked = len(stage.model.asked)
        user = await asked(stage, way, alert)
        told = await stage.whisper(user, "already has a card")
        assert f"/archives/C0ALERTS/p{card.ts.replace('.', '')}" in told
        await stage.slack.wait_for(lambda: len(stage.model.asked) > looked)
        await stage.card(alert)
        (only,) = await stage.incidents()
        assert (only.state, only.card) == (State.PROPOSED, card.ts)
        (line,) = await stage.slack.wait_for(lambda: stage.slack.thread(alert, containing="requested by"))
        assert f"<@{user}>" in line.words
        assert not [one for one in stage.slack.messages("C0OPS") if "restart" in one.buttons]
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.stands(State.RESOLVED)


@pytest.mark.parametrize("way", WAYS)
async def test_a_press_of_two_that_are_needed_still_counts(stage, way):
    two_people(stage)
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "Your press counts")
        user = await asked(stage, way, alert)
        await stage.whisper(user, "already has a card")
        await stage.slack.wait_for(lambda: stage.slack.thread(alert, containing="requested by"))
        card = await stage.card(alert)
        await stage.slack.press("U0SECOND", card, "restart")
        ended = await stage.stands(State.RESOLVED)
        assert ended.approved_by == ("U0ONCALL", "U0SECOND")


async def test_whoever_asks_again_and_again_is_named_once(stage):
    async with stage.bot():
        alert = await stage.alert()
        await stage.card(alert)
        await stage.stands(State.PROPOSED)
        for _ in range(3):
            revision = (await stage.incident()).revision
            await stage.slack.slash("U0SECOND", "C0OPS", "/aegis", f"diagnose {NAME}")
            for _ in range(400):
                # Each look is two steps: to OPEN and back.
                if (seen := await stage.incident()).revision >= revision + 2 and seen.state is State.PROPOSED:
                    break
                await asyncio.sleep(0.02)
        await stage.slack.slash("U0STRANGER", "C0OPS", "/aegis", f"diagnose {NAME}")
        await stage.slack.wait_for(lambda: stage.slack.thread(alert, containing="<@U0STRANGER>"))
        named = [one.words for one in stage.slack.thread(alert, containing="requested by")]
        assert [sum(f"<@{user}>" in words for words in named) for user in ("U0SECOND", "U0STRANGER")] == [1, 1]


@pytest.mark.parametrize("method", ["chat.getPermalink", "chat.update", "chat.postEphemeral"])
async def test_a_fault_of_slack_leaves_the_live_card(stage, method):
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        looked = len(stage.model.asked)
        stage.slack.fail(method, "internal_error", times=1)
        await stage.slack.slash("U0SECOND", "C0OPS", "/aegis", f"diagnose {NAME}")
        await stage.slack.wait_for(lambda: len(stage.model.asked) > looked)
        await stage.whisper("U0SECOND", "already has a card")
        again = await stage.card(alert)
        assert again.ts == card.ts
        await stage.stands(State.PROPOSED)
        assert len(await stage.incidents()) == 1


async def test_without_a_live_card_a_channel_that_takes_none_is_said_to_the_asker(stage):
    stage.slack.state.channels["C0WITHOUT"] = Channel("C0WITHOUT", "without", {"U0SECOND"})
    async with stage.bot():
        await stage.slack.slash("U0SECOND", "C0WITHOUT", "/aegis", f"diagnose {NAME}")
        assert "not in this channel" in await stage.whisper("U0SECOND", "channel")


@pytest.mark.parametrize("words", ["status", "history", "runbook pool", f"diagnose {NAME}", "diagnose", "help"])
@pytest.mark.parametrize("outsider", OUTSIDERS, ids=IDS)
async def test_guests_and_people_of_other_organisations_get_one_refusal_for_a_command(stage, outsider, words):
    await enters(stage, outsider)
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        before = len(stage.slack.messages("C0ALERTS"))
        await stage.slack.slash("U0ODD", "C0ALERTS", "/aegis", words)
        assert REFUSED in await stage.whisper("U0ODD")
        await stage.slack.say("U0ODD", "C0ALERTS", f"<@U0AEGIS> {words}")
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ODD")) == 2)
        assert all(REFUSED in note.words and NAME not in note.words for note in stage.slack.ephemerals("U0ODD"))
        assert len(stage.slack.messages("C0ALERTS")) == before + 1
        await unharmed(stage, card)


@pytest.mark.parametrize("outsider", OUTSIDERS, ids=IDS)
async def test_outsiders_can_neither_end_nor_renew_a_card_nor_read_its_evidence(stage, outsider):
    await enters(stage, outsider)
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        shortcut_of = await stage.slack.say("U0ODD", "C0ALERTS", f"{NAME}?")
        await stage.slack.press("U0ODD", card, "rediagnose")
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ODD")) == 1)
        await stage.slack.shortcut("U0ODD", shortcut_of, "diagnose_message")
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ODD")) == 2)
        assert all(REFUSED in note.words for note in stage.slack.ephemerals("U0ODD"))
        opened = await stage.slack.press("U0ODD", card, "evidence")
        window = await stage.slack.wait_for(
            lambda: [one for one in stage.slack.modals("U0ODD") if REFUSED in one.words]
        )
        assert all("QueuePool" not in one.words for one in window), opened
        await stage.slack.press("U0ODD", card, "ignore")
        view = (await stage.slack.wait_for(lambda: stage.slack.modals("U0ODD")[1:]))[-1]
        await stage.slack.submit("U0ODD", view, {"reason": "go away"})
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ODD")) == 3)
        await unharmed(stage, card)
        rules = await stage.rows("SELECT person, rule FROM refusals")
        assert {person for person, _ in rules} == {"U0ODD"}


@pytest.mark.parametrize("outsider", OUTSIDERS, ids=IDS)
async def test_outsiders_get_no_home_tab_and_choose_nothing(stage, outsider):
    await enters(stage, outsider)
    async with stage.bot():
        card = await stage.card(await stage.alert())
        await stage.slack.open_home("U0ODD")
        await stage.slack.wait_for(lambda: stage.slack.called("views.publish"))
        assert REFUSED in stage.slack.home("U0ODD").words
        assert NAME not in stage.slack.home("U0ODD").words
        menu_of = await stage.alert(name="unknown-thing")
        (menu,) = await stage.slack.wait_for(lambda: stage.slack.thread(menu_of, containing="Which one is it about"))
        await stage.slack.choose("U0ODD", menu, "choose", "prod-db")
        assert REFUSED in await stage.whisper("U0ODD")
        await unharmed(stage, card)
        assert len(await stage.incidents()) == 1


async def test_whoever_slack_does_not_describe_gets_nothing(stage):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        stage.slack.fail("users.info", "missing_scope", times=9)
        await stage.slack.slash("U0ONCALL", "C0ALERTS", "/aegis", "status")
        assert "cannot be checked who you are" in await stage.whisper("U0ONCALL")
        await unharmed(stage, card)


async def enters(stage, outsider: User) -> None:
    stage.slack.state.users[outsider.id] = replace(copy.deepcopy(outsider))
    stage.slack.state.channels["C0ALERTS"].members.add(outsider.id)


async def unharmed(stage, card) -> None:
    """The card stands as before and waits, and nothing was done."""
    assert stage.engine.writes == []
    incident = await stage.incident()
    assert (incident.state, incident.card, incident.alerts) == (State.PROPOSED, card.ts, 1)
    assert "restart" in stage.slack.message("C0ALERTS", card.ts).buttons
