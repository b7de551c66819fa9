"""Calling those on call in the incident's thread."""

from __future__ import annotations

import pytest

from bot.slack.delivery.escalator import SlackEscalator
from tests.slack.incidents import PROPOSED
from tests.support.fakes import FakeMessenger


@pytest.mark.parametrize(("people", "messages"), [(("S0ONCALL", "U0SECOND"), 1), ((), 0)])
async def test_people_of_the_settings_are_mentioned_in_one_message(people: tuple[str, ...], messages: int) -> None:
    messenger = FakeMessenger()
    await SlackEscalator(messenger, people).call(PROPOSED)
    assert [what for what, *_ in messenger.said] == ["say"] * messages
    assert all(person in messenger.said[0][2] for person in people)
