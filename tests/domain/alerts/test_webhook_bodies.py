import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts.alert import Kind, find_targets
from bot.domain.alerts.webhook_bodies import read_webhook
from bot.domain.target import KnownTarget
from tests.support.fakes import names_of

CASES = sorted((Path(__file__).parents[2] / "corpus" / "webhooks").glob("*.json"))
KEY_NAMES = """
alerts labels status state heartbeat monitor AlarmName NewStateValue Trigger Dimensions Message alert_type tags scopes
container message check name
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
KEYS = st.sampled_from(KEY_NAMES.split())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_body_is_understood(path: Path) -> None:
    case = json.loads(path.read_text())
    expect = case["expect"]
    alert = read_webhook(case["sender"], case["body"])
    assert alert.kind == expect["kind"]
    assert set(names_of(find_targets(alert, [KnownTarget(name) for name in case["inventory"]]))) == set(
        expect["targets"]
    )
    assert alert.severity == expect["severity"]
    assert expect["title_contains"] in alert.title


def test_logs_are_for_reading_and_never_name_the_target() -> None:
    alert = read_webhook("script", {"container": "web", "logs": 'container: "prod-db"\n{"container":"prod-db"}'})
    assert names_of(find_targets(alert, [KnownTarget("web"), KnownTarget("prod-db")])) == ("web",)
    assert "prod-db" in alert.logs
    assert "prod-db" not in alert.text


def test_of_a_long_log_the_end_is_kept_in_whole_lines() -> None:
    alert = read_webhook("plain", {"container": "web", "logs": "first line\n" + "x" * 70_000 + "\nlast line"})
    assert alert.logs == "last line"
    assert read_webhook("plain", {"container": "web", "logs": ["one", 2, "three"]}).logs == "one\nthree"


def test_a_deeply_nested_message_of_sns_is_not_followed() -> None:
    assert read_webhook("cloudwatch", {"Type": "Notification", "Message": "[" * 100_000}).kind in Kind


@given(st.text(max_size=10), st.dictionaries(st.text(max_size=10), JSON, max_size=6))
def test_any_body_is_read_without_an_error(sender: str, body: dict[str, Any]) -> None:
    assert set(names_of(find_targets(read_webhook(sender, body), [KnownTarget("web")]))) <= {"web"}


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_body_with_known_keys_is_read_without_an_error(body: dict[str, Any]) -> None:
    assert set(names_of(find_targets(read_webhook("x", body), [KnownTarget("web")]))) <= {"web"}
