"""What is let in: no secret in any field, and no field longer than its limit, by whichever door."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alerts import admission
from bot.domain.alerts.admission import admit_alert, limit_alert
from bot.domain.alerts.alert import Alert, Kind, find_targets
from bot.domain.alerts.webhook_bodies import read_webhook
from bot.domain.redaction.redact import redact
from bot.domain.target import KnownTarget
from bot.http.webhook import SENDERS
from tests.support.fakes import names_of

SECRET = "glpat-abcdefghijklmnopqrst"
LONG = "x" * 100_000
MANY = tuple((f"key_{number}", f"value {number}") for number in range(5000))


def sizes(alert: Alert) -> dict[str, int]:
    pairs = [*alert.labels, *(pair for member in alert.members for pair in member)]
    return {
        "title": len(alert.title),
        "sender": len(alert.sender),
        "severity": len(alert.severity),
        "text": len(alert.text),
        "logs": len(alert.logs),
        "line": max(map(len, (alert.text + "\n" + alert.logs).split("\n"))),
        "key": max((len(key) for key, _ in pairs), default=0),
        "value": max((len(value) for _, value in pairs), default=0),
        "labels": len(alert.labels),
        "members": len(alert.members),
        "pairs": max(map(len, alert.members), default=0),
    }


LIMITS = {
    "title": 200,
    "sender": 80,
    "severity": 100,
    "text": 20_000,
    "logs": 64_000,
    "line": 4_000,
    "key": 100,
    "value": 500,
    "labels": 2_000,
    "members": 200,
    "pairs": 60,
}


def too_long(alert: Alert) -> dict[str, int]:
    return {name: size for name, size in sizes(alert).items() if size > LIMITS[name]}


def test_everything_of_an_alert_has_a_limit() -> None:
    huge = Alert(Kind.FIRING, LONG, LONG, LONG, LONG, ((LONG, LONG), *MANY), (((LONG, LONG), *MANY),) * 300, LONG)
    assert {field.name for field in fields(Alert)} - {"kind", "members"} <= set(LIMITS)
    assert too_long(limit_alert(huge)) == {}
    assert sizes(limit_alert(huge)) == LIMITS | {"text": 4_000, "logs": 4_000}


def test_an_alert_of_usual_size_stays_as_it_is() -> None:
    usual = Alert(Kind.FIRING, "t", "s", "critical", "a\nb", (("name", "web"),), ((("name", "web"),),), "one\ntwo\n")
    assert limit_alert(usual) == usual


def test_of_a_long_log_whole_lines_of_its_end_stay() -> None:
    log = "".join(f"line {number}\n" for number in range(20_000))
    kept = limit_alert(Alert(Kind.FIRING, "t", logs=log)).logs
    assert log.endswith(kept)
    assert kept.startswith("line ")
    assert 60_000 < len(kept) <= 64_000


@pytest.mark.parametrize("field", ["title", "sender", "severity", "text", "logs", "key", "value", "member"])
def test_a_secret_in_any_field_is_taken_out(field: str) -> None:
    pair = {"key": (SECRET, "1"), "value": ("token", SECRET)}.get(field)
    alert = Alert(Kind.FIRING, "down", labels=(pair,) if pair else ())
    if field == "member":
        alert = replace(alert, members=((("note", f"with {SECRET}"),),))
    elif not pair:
        changed: dict[str, Any] = {field: f"with {SECRET}"}
        alert = replace(alert, **changed)
    assert SECRET not in repr(admit_alert(alert, redact))


def test_a_secret_that_only_its_labels_name_gives_away_is_taken_out() -> None:
    alert = Alert(Kind.FIRING, "down", labels=(("db_password", "correct horse"), ("name", "web")))
    assert admit_alert(alert, redact).labels[1] == ("name", "web")
    assert "horse" not in repr(admit_alert(alert, redact))


@pytest.mark.parametrize("before", range(admission.MAX_VALUE_CHARS - len(SECRET), admission.MAX_VALUE_CHARS + 1, 3))
def test_of_a_secret_on_the_border_of_a_label_no_part_stays(before: int) -> None:
    value = ("a " * before)[: before - 1] + " " + SECRET
    kept = admit_alert(Alert(Kind.FIRING, "t", labels=(("note", value),)), redact).labels[0][1]
    assert "glpat-a" not in kept


BODIES: dict[str, dict[str, Any]] = {
    "alertmanager": {
        "alerts": [
            {"status": "firing", "labels": {"name": LONG, LONG: "1", **dict(MANY)}, "annotations": {"summary": LONG}}
        ]
        * 300
    },
    "grafana": {"title": LONG, "alerts": [{"labels": {"container": LONG}}], "commonLabels": dict(MANY)},
    "uptime-kuma": {"heartbeat": {"status": 0, "msg": LONG}, "monitor": {"name": LONG}, "msg": LONG},
    "datadog": {"alert_type": "error", "title": LONG, "tags": [f"name:{LONG}", f"{LONG}:x"] * 200, "body": LONG},
    "healthchecks": {"check": {"name": LONG, "status": "down"}, LONG: LONG, **dict(MANY)},
    "keep": {"name": LONG, "labels": {LONG: LONG, **dict(MANY)}, "severity": LONG, "fingerprint": "1"},
    "cloudwatch": {
        "AlarmName": LONG,
        "NewStateValue": "ALARM",
        "Trigger": {"Dimensions": [{"name": LONG, "value": LONG}] * 100},
    },
    "plain": {"container": LONG, "message": LONG, "logs": LONG + "\n" + LONG, "labels": dict(MANY), "severity": LONG},
}


@pytest.mark.parametrize("sender", SENDERS)
def test_whatever_a_webhook_sends_is_within_the_limits(sender: str) -> None:
    assert too_long(admit_alert(read_webhook(sender, BODIES[sender]), redact)) == {}


def test_a_group_of_many_alerts_labels_all_its_targets_as_before() -> None:
    names = [f"web-{number}" for number in range(150)]
    body = {"alerts": [{"labels": {"container": name, "severity": "critical"}} for name in names]}
    alert = admit_alert(read_webhook("alertmanager", json.loads(json.dumps(body))), redact)
    assert list(names_of(find_targets(alert, [KnownTarget(name) for name in names]))) == names


@given(st.builds(Alert, st.just(Kind.FIRING), *[st.text()] * 4, st.lists(st.tuples(st.text(), st.text())).map(tuple)))
def test_a_second_cut_changes_nothing(alert: Alert) -> None:
    assert limit_alert(limit_alert(alert)) == limit_alert(alert)
