"""Every reader of outside data, each as a function of one text, or of any JSON value: what a test throws things at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.adapters.docker import events, inspect_file, listing, logs, stats
from bot.adapters.docker import inspection as container_facts
from bot.adapters.docker.errors import refused
from bot.domain import guard
from bot.domain.addresses import verify_url
from bot.domain.alerts import alert, label_syntax, severity, status, title_targets, webhook_bodies
from bot.domain.evidence import Evidence, LogDigest, LogLine, Neighbour
from bot.domain.incident import State
from bot.domain.llm import fact_check, prompt, reply
from bot.domain.logs import digest
from bot.domain.redaction.redact import redact
from bot.domain.runbook import json_format, precedents
from bot.domain.runbook_entry import Entry
from bot.domain.symptoms import diagnose
from bot.domain.target import KnownTarget, parse_target
from bot.errors import AegisError
from bot.settings import load
from bot.slack.connection.web_api import Identity
from bot.slack.listeners import actions, alert_messages
from bot.slack.listeners.commands import parse_command
from bot.slack.views import card, modals, mrkdwn, phrases, replies
from tests.slack.incidents import BY_STATE, PROPOSED
from tests.support.fakes import CONTAINER, facts, names_of

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OWN = Identity("U0AEGIS", "B0AEGIS", "A0AEGIS", "T0PLAY")
INVENTORY = (KnownTarget("buggy-app-v2", CONTAINER), KnownTarget("web", "d" * 64, project="shop", service="web"))
KNOWN = ("xoxb-a-known-token", "xapp-another-known-token", "the-known-key-of-the-model")


def read_alert(event: Any) -> Any:
    """Read an alert as the listeners do, and find its targets."""
    found = alert.read_alert(event)
    cleaned = alert.redact_alert(found, lambda text: redact(text, KNOWN))
    return found, cleaned, names_of(alert.find_targets(cleaned, INVENTORY))


def said(text: str, **more: Any) -> dict[str, Any]:
    message = {"type": "message", "subtype": "bot_message", "bot_id": "B1", "ts": "1.1", "channel": "C1"}
    return message | {"text": text} | more


def attachment(text: str) -> dict[str, Any]:
    fields = [{"title": text, "value": text}, {"title": "container", "value": text}]
    parts = dict.fromkeys(("title", "text", "fallback", "pretext", "footer"), text)
    return said("", attachments=[{**parts, "fields": fields}])


def blocks(text: str) -> dict[str, Any]:
    words = {"type": "mrkdwn", "text": text}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}, {"type": "link", "url": text}]}
    header = {"type": "header", "text": {"type": "plain_text", "text": text}}
    section = {"type": "section", "text": words, "fields": [words]}
    return said("", blocks=[header, section, {"type": "rich_text", "elements": [rich]}])


def edited(text: str) -> Any:
    change = {"subtype": "message_changed", "channel": "C1", "message": said(text), "previous_message": said("")}
    return alert_messages.alert_in(change, OWN, (), NOW)


def grouped(text: str) -> Any:
    member = {"status": text, "labels": {text: text, "name": text}, "annotations": {"a": text}}
    return webhook_bodies.read_webhook(text, {"status": text, "alerts": [member]})


def kuma(text: str) -> Any:
    return webhook_bodies.read_webhook("k", {"heartbeat": {"msg": text}, "monitor": {"name": text}, "msg": text})


def evidence(text: str) -> Evidence:
    return Evidence(
        parse_target("buggy-app-v2"),
        NOW.isoformat(),
        facts(error=text),
        digest.digest_log([f"{text}\nERROR pool".encode("utf-8", "replace")], secrets=KNOWN),
        neighbours=(Neighbour("prod-db", text, None, text),),
    )


def judged(text: str) -> Any:
    fields = dict.fromkeys(("root_cause", "headline", "justification", "disproof", "class", "target"), text)
    parsed = reply.parse_reply(json.dumps(fields | {"action": "restart", "confidence": text, "lines": [text, 1]}))
    looked = evidence(text)
    return fact_check.check_reply(
        parsed, looked, diagnose.find_symptoms(looked), target="buggy-app-v2", by="model", tokens=1, seconds=1.0
    )


def inspection(text: str) -> dict[str, Any]:
    return {
        "Id": CONTAINER,
        "Name": f"/{text}",
        "Created": text,
        "Image": text,
        "State": {
            "Status": text,
            "Error": text,
            "StartedAt": text,
            "FinishedAt": text,
            "Health": {"Status": text, "Log": [{"Start": text, "Output": text, "ExitCode": 1}]},
        },
        "Config": {"Image": text, "Labels": {text: text, "aegis.approvals": text, "aegis.stop-timeout": text}},
        "HostConfig": {"LogConfig": {"Type": text}, "RestartPolicy": {"Name": text}},
        "NetworkSettings": {"Networks": {text: {}}, "Ports": {text: [{"HostIp": text, "HostPort": text}]}},
    }


def inspected(answer: Any) -> Any:
    return container_facts.facts(container_facts.read(answer), host="h", restart_timeout=10, secrets=KNOWN)


def listed(rows: Any) -> Any:
    found = listing.targets(rows)
    return found, listing.neighbours(rows, facts(networks=("n",)), ["a line"], KNOWN)


def row(text: str) -> dict[str, Any]:
    labels = {"com.docker.compose.project": text, "com.docker.compose.service": text}
    told: dict[str, Any] = dict.fromkeys(("Id", "State", "Status"), text)
    return told | {"Names": [f"/{text}"], "Labels": labels, "NetworkSettings": {"Networks": {"n": {}}}}


def logged(text: str) -> Any:
    raw = text.encode("utf-8", "replace")
    chunks = [raw[at : at + 1000] for at in range(0, len(raw), 1000)]
    return (
        [len(batch) for batch in logs.frames(chunks)],
        [len(batch) for batch in logs.stamped(chunks, terminal=True)],
        logs.newest(chunks, 10, terminal=True, secrets=KNOWN),
    )


def past(text: str) -> list[Entry]:
    return [
        Entry(text or "x", "restart", target="buggy-app-v2", symptom=text, evidence=(text,), justification=text),
        Entry("pool exhausted", "restart", target=text or "web", outcome="resolved"),
    ]


def remembered(text: str) -> Any:
    found = precedents.find_precedents(past(text), target="buggy-app-v2", lines=[text, "ERROR pool"], now=NOW)
    return found, precedents.search_entries(past(text), text, NOW)


def remembered_file(text: str) -> Any:
    data = text.encode("utf-8", "surrogatepass")
    return json_format.parse_runbook(data), list(json_format.stream_entries(data))


def settings_of(text: str) -> Any:
    names = ("AEGIS_VERIFY_URLS", "AEGIS_APPROVERS", "AEGIS_RESTART_ALLOWLIST", "AEGIS_RESTART_COOLDOWN", "DOCKER_HOST")
    given = {"SLACK_BOT_TOKEN": "xoxb-x-1", "SLACK_APP_TOKEN": "xapp-x-1"} | dict.fromkeys(names, text)
    return load(given, env_file=None)


def checked_url(text: str) -> Any:
    verify_url.check_url(text)
    return verify_url.resolve_url(text, facts(), facts())


def shown(text: str) -> Any:
    return (
        [
            make(text)
            for make in (mrkdwn.strip_invisible, mrkdwn.escape, mrkdwn.prose, mrkdwn.line, mrkdwn.code, mrkdwn.raw)
        ],
        [make(text, 100) for make in (mrkdwn.plain, mrkdwn.identifier, mrkdwn.raw_line)],
        mrkdwn.mention(text),
        mrkdwn.channel(text),
    )


def logged_as_it_is(text: str) -> Evidence:
    """Return evidence whose log lines are this text, as no digest would shorten it."""
    lines = tuple(LogLine(number, line, 1) for number, line in enumerate(text.split("\n"), 1))
    return replace(evidence("x"), log=LogDigest(lines, len(lines)))


def diagnosed(text: str) -> Any:
    looked = logged_as_it_is(text)
    return diagnose.diagnose_by_rules(looked, diagnose.find_symptoms(looked, text))


def prompted(text: str) -> Any:
    return prompt.build_prompts(logged_as_it_is(text), (), (), alert=text, title=text, nonce="n0nce4you")


def label_pairs(text: str) -> Any:
    found = [list(read(text)) for read in (label_syntax.pairs_in, label_syntax.map_pairs, label_syntax.tag_pairs)]
    level = severity.severity_of_pairs((("severity", text),), text)
    return found, label_syntax.key_of(text), label_syntax.value_of(text), level


def titled(text: str) -> Any:
    names = ("web", "prod-db")
    found = title_targets.in_title(text, names), title_targets.container_of(text, names)
    return status.state_in(text), title_targets.is_group_head(text), found


def viewed(text: str) -> Any:
    """Show this text wherever one stands: in cards of three states, in windows and in replies."""
    assert PROPOSED.diagnosis is not None
    diagnosis = replace(PROPOSED.diagnosis, headline=text, root_cause=text, justification=text, caveats=(text,))
    texts: dict[str, Any] = dict.fromkeys(("target", "title", "alert_text", "closing", "reason", "bundle"), text)
    begun, waiting, ignored = (
        replace(BY_STATE[state], **texts, diagnosis=diagnosis, evidence=logged_as_it_is(text))
        for state in (State.OPEN, State.PROPOSED, State.IGNORED)
    )
    windows = modals.evidence(waiting), modals.evidence_text(waiting), modals.ignore(waiting)
    spoken = replies.outcome(waiting, [text]), replies.notice(text), replies.announcement(waiting)
    return [card.card(one) for one in (begun, waiting, ignored)], windows, spoken


TEXTS: dict[str, Callable[[str], Any]] = {
    "alert: text": lambda text: read_alert(said(text)),
    "alert: attachment": lambda text: read_alert(attachment(text)),
    "alert: blocks": lambda text: read_alert(blocks(text)),
    "alert: edited": edited,
    "webhook: group": grouped,
    "webhook: script": lambda text: webhook_bodies.read_webhook(
        "s", {"container": text, "message": text, "logs": text}
    ),
    "webhook: kuma": kuma,
    "webhook: SNS": lambda text: webhook_bodies.read_webhook(
        "c", {"Type": "Notification", "Message": text, "Subject": text}
    ),
    "command": parse_command,
    "menu": replies.place_of,
    "button": lambda text: actions._carries({"value": text}),
    "window": lambda text: actions._carried({"private_metadata": text}, "U1", "T1"),
    "reply": reply.parse_reply,
    "reply: fields": judged,
    "redact": lambda text: redact(text, KNOWN),
    "digest": lambda text: digest.digest_log([text.encode("utf-8", "replace")], secrets=KNOWN),
    "log": logged,
    "symptoms": lambda text: diagnose.find_symptoms(evidence(text), text),
    "precedents": remembered,
    "runbook": remembered_file,
    "verify URL": checked_url,
    "verify URLs": verify_url.parse_urls,
    "settings": settings_of,
    "inspect": lambda text: inspected(inspection(text)),
    "list": lambda text: listed([row(text)]),
    "events": lambda text: events.lines(events.decode([text.encode("utf-8", "replace")])),
    "refusal": lambda text: refused(500, text.encode("utf-8", "replace"), "unix:///x"),
    "label": lambda text: guard.approvals(facts(labels=(("aegis.approvals", text),))),
    "time": phrases.moment,
    "shown": shown,
}
"""Readers of a text of any length."""

CUT_TEXTS: dict[str, Callable[[str], Any]] = {
    "labels": label_pairs,
    "title": titled,
    "diagnosis": diagnosed,
    "prompt": prompted,
    "views": viewed,
}
"""Readers of a text that was cut before it came to them."""

VALUES: dict[str, Callable[[Any], Any]] = {
    "alert": lambda value: read_alert(an_object(value)),
    "alert: message": lambda value: alert_messages.alert_in(an_object(value), OWN, (), NOW),
    "alert: asked": lambda value: alert_messages.alert_asked(an_object(value), "C1", "1", "U1", NOW),
    "alert: attachments": lambda value: read_alert(said("", attachments=value)),
    "alert: blocks": lambda value: read_alert(said("", blocks=value)),
    "webhook": lambda value: webhook_bodies.read_webhook("s", an_object(value)),
    "webhook: alerts": lambda value: webhook_bodies.read_webhook("s", {"alerts": value, "status": value}),
    "webhook: heartbeat": lambda value: webhook_bodies.read_webhook(
        "s", {"heartbeat": value, "monitor": value, "msg": value}
    ),
    "reply": lambda value: reply.parse_reply(json.dumps(value)),
    "runbook": lambda value: remembered_file(json.dumps(value)),
    "runbook: entry": lambda value: remembered_file(json.dumps([value, {"root_cause": value, "action": value}])),
    "inspect": inspected,
    "inspect: parts": lambda value: inspected(
        {"Id": CONTAINER, "Name": "/x", "State": value, "Config": value, "HostConfig": value, "NetworkSettings": value}
    ),
    "facts file": lambda value: inspect_file.read(value, name="x"),
    "usage": lambda value: stats.usage(an_object(value), facts()),
    "usage: parts": lambda value: stats.usage(
        dict.fromkeys(("memory_stats", "pids_stats", "cpu_stats", "precpu_stats"), value), facts(memory_limit=9)
    ),
    "list": lambda value: listed([an_object(value)]),
    "list: parts": lambda value: listed(
        [dict.fromkeys(("Id", "Names", "State", "Status", "Labels", "Created"), value)]
    ),
    "list: networks": lambda value: listed([row("x") | {"NetworkSettings": value}]),
    "events": lambda value: events.lines(events.decode([json.dumps(value).encode()])),
    "events: parts": lambda value: events.lines([{"Action": "die", "Actor": value, "time": value}]),
    "window": lambda value: actions._carried({"private_metadata": json.dumps(value)}, "U1", "T1"),
    "button": lambda value: actions._carries({"value": value, "selected_option": value}),
}
"""Readers of a JSON value of any shape."""


def an_object(value: Any) -> dict[str, Any]:
    """Return what these readers are promised: JSON's objects."""
    return value if isinstance(value, dict) else {"text": value, "message": value, "Names": [value]}


def tried(reader: Callable[[Any], Any], given: Any) -> Any:
    """Read; an error of ours is an answer like any other."""
    try:
        return reader(given)
    except AegisError as error:
        return error.sentence
