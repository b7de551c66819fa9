"""Reads the body of ``POST /webhook/<sender>`` into an Alert.

The shape of the body counts for more than the sender's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.alerts.admission import MARGIN_CHARS, MAX_KEY_CHARS, MAX_LOGS_CHARS, MAX_VALUE_CHARS
from bot.domain.alerts.alert import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Alert, Kind
from bot.domain.alerts.label_syntax import Pairs, key_of
from bot.domain.alerts.message import word_set
from bot.domain.alerts.severity import severity_of_pairs
from bot.domain.alerts.title_targets import container_of

MAX_ALERTS = 200
MAX_FIELDS = 200
"""Fields of one body or one object in it that are read."""

_FIRING = word_set(
    "firing alerting alert alarm triggered re-triggered retriggered down fail failed failing "
    "critical crit error warn warning unhealthy problem "
    "open active renotify no_data nodata offline exited dead"
)
_RESOLVED = word_set(
    "resolved recovered ok up success healthy closed normal passed green inactive online cleared running"
)
_NOISE = word_set(
    "acknowledged ack suppressed pending maintenance paused muted snoozed insufficient_data test "
    "new started start grace scheduled"
)


def read_webhook(sender: str, body: Mapping[str, Any]) -> Alert:
    """Read what ``sender`` posted. Never raises; what holds neither a subject, a message nor a state is noise.

    Known are Alertmanager 4, Grafana, Uptime Kuma, Datadog, healthchecks, Keep, CloudWatch over SNS, and the plain
    ``{"container": …, "message": …, "logs": …}`` of a script.
    """
    if body.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return Alert(Kind.NOISE, f"SNS {body['Type']}", sender=sender)
    body = _unwrapped(body)
    for reader in (_group, _kuma, _cloudwatch, _datadog):
        alert = reader(sender, body)
        if alert is not None:
            return alert
    return _plain(sender, body)


def _key(name: str) -> str:
    return key_of(name[:MAX_KEY_CHARS])


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message that SNS carries as JSON in a string, or the body itself."""
    message = body.get("Message")
    if not isinstance(message, str) or len(message) > 1_000_000:
        return body
    try:
        inner = json.loads(message)
    except (ValueError, RecursionError):
        return body
    return inner if isinstance(inner, dict) else body


def _group(sender: str, body: Mapping[str, Any]) -> Alert | None:
    """Read Alertmanager's and Grafana's body: a group of alerts, each with its own status and labels."""
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        return None
    firing: list[Pairs] = []
    over: list[Pairs] = []
    texts: list[str] = []
    for alert in alerts[:MAX_ALERTS]:
        if isinstance(alert, Mapping):
            pairs = tuple(_flat(alert.get("labels")))
            (over if _word(alert.get("status") or body.get("status")) == "resolved" else firing).append(pairs)
            texts.extend(value for _, value in _flat(alert.get("annotations")))
    common = tuple(_flat(body.get("commonLabels")))
    members = firing or over or [common]
    names = {value for pairs in members for key, value in pairs if key == "alertname"}
    watch = names and names <= {"Watchdog", "DeadMansSwitch", "InfoInhibitor", "TestAlert"}
    status = _word(body.get("status") or body.get("state"))
    kind = Kind.FIRING if firing else Kind.RESOLVED if over or status == "resolved" else Kind.FIRING
    annotated = dict(_flat(body.get("commonAnnotations"))).get("summary", "")
    title = _text(body.get("title")) or _headline(
        kind, dict(common).get("alertname") or ", ".join(sorted(names)[:3]), annotated, texts
    )
    return _made(Kind.NOISE if watch else kind, title, sender, members, "\n".join((title, *texts)), common)


def _headline(kind: Kind, name: str, summary: str, texts: Sequence[str]) -> str:
    sentence = summary or next(iter(texts), "")
    return f"[{kind.value.upper()}] {name}" + (f": {sentence}" if sentence else "")


def _kuma(sender: str, body: Mapping[str, Any]) -> Alert | None:
    """Read Uptime Kuma's body: a heartbeat (0 down, 1 up, 2 pending, 3 maintenance) of a monitor."""
    beat, monitor = body.get("heartbeat"), body.get("monitor")
    if not isinstance(beat, Mapping) and not isinstance(monitor, Mapping):
        return _test(sender, body) if "heartbeat" in body and "monitor" in body else None
    beat, monitor = (part if isinstance(part, Mapping) else {} for part in (beat, monitor))
    kind = {0: Kind.FIRING, 1: Kind.RESOLVED}.get(_number(beat.get("status")), Kind.NOISE)
    pairs = tuple(
        (key, value)
        for key, name in (("container", "docker_container"), ("monitor", "name"))
        if (value := _text(monitor.get(name)))
    )
    title = _text(body.get("msg")) or _text(monitor.get("name"))
    return _made(kind, title, sender, [pairs], "\n".join((title, _text(beat.get("msg")))))


def _test(sender: str, body: Mapping[str, Any]) -> Alert:
    return Alert(Kind.NOISE, _text(body.get("msg"))[:MAX_TITLE_CHARS], sender=sender)


def _cloudwatch(sender: str, body: Mapping[str, Any]) -> Alert | None:
    """Read an alarm of CloudWatch as SNS delivers it, also the event of EventBridge."""
    name, state = _text(body.get("AlarmName")), _text(body.get("NewStateValue"))
    trigger = body.get("Trigger")
    if not name or not state:
        return None
    pairs: list[tuple[str, str]] = [("alarm_name", name)]
    dimensions = trigger.get("Dimensions") if isinstance(trigger, Mapping) else None
    for dimension in dimensions[:50] if isinstance(dimensions, list) else ():
        if isinstance(dimension, Mapping):
            key, value = (
                _text(dimension.get("name")) or _text(dimension.get("Name")),
                _text(dimension.get("value")) or _text(dimension.get("Value")),
            )
            pairs.append((_key(key), value))
    reason = _text(body.get("NewStateReason"))
    return _made(
        _kind(state),
        f"{state}: {name}",
        sender,
        [tuple(pairs)],
        "\n".join((name, _text(body.get("AlarmDescription")), reason)),
    )


def _datadog(sender: str, body: Mapping[str, Any]) -> Alert | None:
    """Read Datadog's body, whose keys the team chooses; these are the ones of its documentation and of Keep."""
    if not any(key in body for key in ("alert_transition", "alert_type", "alert_query", "event_type")):
        return None
    transition = _text(body.get("alert_transition")) or _text(body.get("alert_status")) or _text(body.get("alert_type"))
    pairs: list[tuple[str, str]] = []
    for key in ("scopes", "alert_scope", "tags"):
        listed = body.get(key)
        tags = listed if isinstance(listed, list) else _text(listed).split(",")
        for tag in tags[:100]:
            name, _, value = _text(tag).strip().partition(":")
            if value:
                pairs.append((_key(name), value.strip()))
    pairs = [pair for pair in pairs if pair[0] not in ("host", "hostname", "instance")]
    stated = [(key, value) for key in ("severity", "priority", "alert_priority") if (value := _text(body.get(key)))]
    title = _text(body.get("title")) or _text(body.get("alert_title")) or _text(body.get("event_title"))
    return _made(
        _kind(transition),
        title,
        sender,
        [tuple(dict.fromkeys([*pairs, *stated]))],
        "\n".join((title, _text(body.get("body")))),
    )


_NAMES = (
    "container",
    "container_name",
    "docker_container",
    "service",
    "service_name",
    "monitor",
    "check",
    "check_name",
    "name",
)
_STATES = ("status", "state", "alert_status", "event", "kind", "type")


def _plain(sender: str, body: Mapping[str, Any]) -> Alert:
    """Read a flat body: a script's, healthchecks' (whose template the team writes) or Keep's alert."""
    check = body.get("check")
    flat = {_key(key): value for key, value in list(body.items())[:MAX_FIELDS] if isinstance(key, str)}
    if isinstance(check, Mapping):
        flat = {**flat, "check": _text(check.get("name")), "status": flat.get("status") or check.get("status")}
    pairs = [(key, value.removeprefix("/")) for key in _NAMES if (value := _text(flat.get(key)))]
    labels = [pair for pair in _flat(flat.get("labels")) if pair[0] not in ("host",)]
    if labels or any(
        key in flat for key in ("fingerprint", "lastReceived", "last_received", "providerType", "provider_type")
    ):
        # Keep's alert: its name is the rule's, its labels and its service say what it is about.
        pairs = [pair for pair in pairs if pair[0] != "name"]
    pairs = [*labels, *pairs]
    pairs.extend((key, value) for key in ("severity", "priority") if (value := _text(flat.get(key))))
    states = [state for key in _STATES if (state := _known(flat.get(key)))]
    sentence = next(
        (
            text
            for key in ("title", "message", "summary", "subject", "text", "msg", "description", "error", "reason")
            if (text := _text(flat.get(key)))
        ),
        "",
    )
    subject = next((value for key, value in pairs if key in _NAMES), "")
    if not subject and not sentence and not states:
        return Alert(Kind.NOISE, sender[:MAX_TITLE_CHARS], sender=sender)
    heading = _text(flat.get("name")) if labels else ""
    parts = [part for part in (subject, heading or sentence.partition("\n")[0]) if part]
    alone = len(parts) == 2 and (parts[0] in parts[1] or container_of(parts[1], ()))
    title = parts[-1] if alone else ": ".join(parts)
    text = "\n".join(filter(None, (title, sentence)))
    alert = _made(_kind(states[0]) if states else Kind.FIRING, title or sender, sender, [tuple(pairs)], text)
    return replace(alert, logs=_logs(flat.get("logs") or flat.get("log")))


def _logs(value: object) -> str:
    """Return the end of a log, in whole lines; it may come as one text or as a list of lines."""
    lines = [line for line in value if isinstance(line, str)] if isinstance(value, list) else []
    text = value if isinstance(value, str) else "\n".join(lines)
    if len(text) <= MAX_LOGS_CHARS:
        return text
    end = text[-MAX_LOGS_CHARS:]
    return end.partition("\n")[2] or end


def _known(value: object) -> str:
    word = _word(value)
    return word if word in _FIRING | _RESOLVED | _NOISE else ""


def _made(kind: Kind, title: str, sender: str, members: Sequence[Pairs], text: str, common: Pairs = ()) -> Alert:
    members = [_cut(member) for member in members]
    common = _cut(common)
    whole = tuple(
        tuple(dict.fromkeys((*member, *(pair for pair in common if pair[0] not in dict(member))))) for member in members
    )
    labels = tuple(dict.fromkeys(pair for member in whole for pair in member))
    title = " ".join(title.split())[:MAX_TITLE_CHARS]
    stated = "unknown" if kind is Kind.NOISE else severity_of_pairs(labels, title)
    return Alert(kind, title, sender, stated, text[:MAX_TEXT_CHARS], labels, whole)


def _cut(pairs: Pairs) -> Pairs:
    # Before they are searched, with room for what redaction needs to know a secret by.
    return tuple((key, value[: MAX_VALUE_CHARS + MARGIN_CHARS]) for key, value in pairs[:MAX_FIELDS])


def _kind(state: str) -> Kind:
    word = _word(state)
    return Kind.NOISE if word in _NOISE else Kind.RESOLVED if word in _RESOLVED else Kind.FIRING


def _word(value: object) -> str:
    words = _text(value).lower().replace(" ", "_").strip("_")
    return words.split("_on_")[0]


def _flat(value: object, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the pairs of an object of strings; of an object in an object with both names joined, one level deep."""
    for name, held in list(value.items())[:MAX_FIELDS] if isinstance(value, Mapping) else ():
        key = f"{before}{name}" if isinstance(name, str) else ""
        if isinstance(held, Mapping) and not before:
            yield from _flat(held, f"{key}_")
        elif text := _text(held):
            yield _key(key), text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARS].strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 else ""


def _number(value: object) -> int:
    return (
        int(value) if isinstance(value, (bool, int)) or (isinstance(value, str) and value in "0123" and value) else -1
    )
