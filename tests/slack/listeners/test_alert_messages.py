from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.alerts.alert import Kind, find_targets
from bot.domain.incident import Thread
from bot.domain.target import KnownTarget
from bot.slack.connection.web_api import Identity
from bot.slack.listeners.alert_messages import alert_asked, alert_in
from tests.support.fakes import names_of

OWN = Identity("U0AEGIS", "B0AEGIS", "A0AEGIS", "T0PLAY")
NOW = datetime(2026, 11, 22, 10, 4, tzinfo=UTC)
FIRING = "[FIRING:1] ContainerDown (container buggy-app-v2, severity critical)"
RESOLVED = "[RESOLVED] ContainerDown (container buggy-app-v2, severity critical)"


def posted(text: str = FIRING, **more: Any) -> dict[str, Any]:
    return {"type": "message", "channel": "C0ALERTS", "ts": "10.000100", "bot_id": "B0PROM", "text": text, **more}


def edited(before: str, after: str, at: str = "11.000100", **more: Any) -> dict[str, Any]:
    def inner(text: str) -> dict[str, Any]:
        return {"type": "message", "ts": "10.000100", "bot_id": "B0PROM", "text": text, **more}

    event = {"type": "message", "subtype": "message_changed", "channel": "C0ALERTS", "ts": at, "event_ts": at}
    return event | {"message": inner(after), "previous_message": inner(before)}


def test_an_alert_of_a_modern_app_is_taken_in_by_channel_and_ts() -> None:
    received = alert_in(posted(user="U0PROM"), OWN, (), NOW)
    assert received is not None
    assert received.key == "C0ALERTS:10.000100:firing"
    assert received.place == Thread("C0ALERTS", "10.000100")
    assert received.message == "10.000100"
    assert received.at == NOW


def test_an_alert_of_a_webhook_is_taken_in() -> None:
    assert alert_in(posted(subtype="bot_message", username="Alertmanager"), OWN, (), NOW) is not None


def test_a_reply_in_a_senders_thread_gets_its_card_under_the_parent() -> None:
    received = alert_in(posted(thread_ts="9.000100"), OWN, (), NOW)
    assert received is not None
    assert received.place.thread == "9.000100"
    assert received.message == "10.000100"


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "event",
    [
        {**posted(), "bot_id": None, "user": "U0PERSON"},
        posted(subtype="channel_join"),
        posted(bot_id="B0AEGIS"),
        posted(user="U0AEGIS", bot_id="B0OTHER"),
        posted(app_id="A0AEGIS"),
        posted(metadata={"event_type": "aegis_incident", "event_payload": {"incident": "i1"}}),
        {"type": "message", "subtype": "message_deleted", "channel": "C0ALERTS", "deleted_ts": "10.000100"},
        posted(ts=None),
        posted(channel=None),
        {},
        {"type": "message", "subtype": "message_changed", "channel": "C0ALERTS", "message": "odd"},
    ],
)
def test_people_joins_own_messages_and_nonsense_start_nothing(event: dict[str, Any]) -> None:
    assert alert_in(event, OWN, (), NOW) is None


def test_only_the_named_channels_are_heard() -> None:
    assert alert_in(posted(), OWN, {"C0OTHER"}, NOW) is None
    assert alert_in(posted(), OWN, {"C0ALERTS"}, NOW) is not None


def test_an_edit_from_firing_to_resolved_is_heard_as_resolved() -> None:
    received = alert_in(edited(FIRING, RESOLVED), OWN, (), NOW)
    assert received is not None
    assert received.alert.kind is Kind.RESOLVED
    assert received.message == "10.000100"


def test_an_edit_that_leaves_the_kind_as_it_was_is_not_heard_again() -> None:
    assert alert_in(edited(FIRING, FIRING + " (link preview)"), OWN, (), NOW) is None


def test_each_turn_of_a_message_that_is_edited_back_and_forth_is_heard_once() -> None:
    turns = [(FIRING, RESOLVED, "11.0"), (RESOLVED, FIRING, "12.0"), (FIRING, RESOLVED, "13.0")]
    keys = [received.key for turn in turns if (received := alert_in(edited(*turn), OWN, (), NOW))]
    assert len(set(keys)) == 3
    again = alert_in(edited(*turns[1]), OWN, (), NOW)
    assert again is not None
    assert again.key == keys[1]


def test_an_edit_of_an_own_message_is_not_heard() -> None:
    assert alert_in(edited(FIRING, RESOLVED, app_id="A0AEGIS"), OWN, (), NOW) is None


def test_what_a_person_points_at_counts_as_firing() -> None:
    chatter = {"ts": "10.000100", "user": "U0PERSON", "text": "buggy-app-v2 looks odd", "thread_ts": "9.000100"}
    received = alert_asked(chatter, "C0OPS", "77.1", "U0PERSON", NOW)
    assert received.alert.kind is Kind.FIRING
    assert received.place == Thread("C0OPS", "9.000100")
    assert received.key != alert_asked(chatter, "C0OPS", "77.2", "U0PERSON", NOW).key


def mailed(**more: Any) -> dict[str, Any]:
    file = {"mode": "email", "filetype": "email", "subject": FIRING, "plain_text": "container: buggy-app-v2"}
    event = {"type": "message", "subtype": "file_share", "channel": "C0ALERTS", "ts": "10.000100", "text": ""}
    return event | {"user": "USLACKBOT", "files": [file]} | more


def test_mail_to_the_channels_own_address_is_taken_in() -> None:
    received = alert_in(mailed(), OWN, (), NOW)
    assert received is not None
    assert received.alert.kind is Kind.FIRING


def test_a_mail_that_a_person_shares_is_not() -> None:
    assert alert_in(mailed(user="U0PERSON"), OWN, (), NOW) is None


def grown(before: str, after: str, at: str = "11.000100") -> dict[str, Any]:
    event = edited("", "", at)
    for name, body in (("previous_message", before), ("message", after)):
        event[name] = {**event[name], "attachments": [{"color": "danger", "title": "[FIRING] Down", "text": body}]}
    return event


def test_a_group_that_grows_by_an_edit_is_taken_in_with_what_is_new() -> None:
    received = alert_in(grown("*name:* `a-1`", "*name:* `a-1`\n\n*name:* `b-1`"), OWN, (), NOW)
    assert received is not None
    assert names_of(find_targets(received.alert, [KnownTarget("a-1"), KnownTarget("b-1")])) == ("b-1",)
    assert received.message == "10.000100"


def test_an_edit_that_changes_only_a_value_is_no_news() -> None:
    assert alert_in(grown("*name:* `a-1`\n*value:* 1", "*name:* `a-1`\n*value:* 2"), OWN, (), NOW) is None


def test_a_group_that_shrinks_by_an_edit_and_still_fires_is_no_news() -> None:
    assert alert_in(grown("*name:* `a-1`\n\n*name:* `b-1`", "*name:* `a-1`"), OWN, (), NOW) is None
