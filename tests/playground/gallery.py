"""One of everything that the demo's page draws: blocks, elements, attachments, modals; and Aegis's own cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.domain.incident import State
from bot.slack.views import card, modals
from tests.slack.incidents import BY_STATE, PRESSED, PROPOSED
from tests.slack.views.test_card import CARDS
from tests.slack.views.test_status import STANDING

Json = dict[str, Any]

CORPUS = Path(__file__).parent.parent / "corpus"

LONG_LINE = "2026-11-22T10:02:11Z ERROR " + "com.shop.orders.db.PoolTimeout: no connection within 30000 ms; " * 6


def plain(text: str, **more: Any) -> Json:
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str, **more: Any) -> Json:
    return {"type": "mrkdwn", "text": text, **more}


def section(text: str, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def option(text: str, value: str, description: str = "") -> Json:
    return {"text": plain(text), "value": value} | ({"description": plain(description)} if description else {})


CONFIRM: Json = {
    "title": plain("Restart buggy-app-v2?"),
    "text": plain("Container buggy-app-v2 on host docker-7 is running. It is stopped and started again, once."),
    "confirm": plain("Restart"),
    "deny": plain("Not now"),
    "style": "danger",
}
CONTAINERS = [option(name, name) for name in ("buggy-app-v2", "orders-db", "web", "worker")]

ACTIONS: Json = {
    "type": "actions",
    "block_id": "acts",
    "elements": [
        {"type": "button", "text": plain("Restart"), "action_id": "restart", "style": "danger", "confirm": CONFIRM},
        {"type": "button", "text": plain("Approve :+1:"), "action_id": "approve", "style": "primary", "value": "1"},
        {"type": "button", "text": plain("Ignore"), "action_id": "ignore", "accessibility_label": "Ignore it all"},
        {"type": "button", "text": plain("Open Grafana"), "action_id": "open", "url": "https://grafana.example/d/1"},
        {
            "type": "static_select",
            "action_id": "choose",
            "placeholder": plain("Choose a container"),
            "options": CONTAINERS,
        },
        {
            "type": "overflow",
            "action_id": "more",
            "options": [option("Evidence", "evidence"), option("Diagnose again", "again"), option("Mute", "mute")],
        },
        {"type": "users_select", "action_id": "who", "placeholder": plain("Hand over to")},
        {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-22"},
    ],
}

RICH: Json = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "Plain, "},
                {"type": "text", "text": "bold", "style": {"bold": True}},
                {"type": "text", "text": ", "},
                {"type": "text", "text": "bold italic", "style": {"bold": True, "italic": True}},
                {"type": "text", "text": ", "},
                {"type": "text", "text": "struck", "style": {"strike": True}},
                {"type": "text", "text": ", "},
                {"type": "text", "text": "code <b>*x*</b>", "style": {"code": True}},
                {"type": "text", "text": "; for "},
                {"type": "user", "user_id": "U0SECOND"},
                {"type": "text", "text": ", "},
                {"type": "usergroup", "usergroup_id": "S0ONCALL"},
                {"type": "text", "text": " in "},
                {"type": "channel", "channel_id": "C0OPS"},
                {"type": "text", "text": " and "},
                {"type": "broadcast", "range": "here"},
                {"type": "text", "text": " "},
                {"type": "emoji", "name": "fire"},
                {"type": "emoji", "name": "nothing_known", "unicode": "1f9ef"},
                {"type": "emoji", "name": "partyparrot"},
                {"type": "text", "text": " "},
                {"type": "link", "url": "https://runbooks.example/pool?a=1&b=2", "text": "the runbook"},
                {"type": "text", "text": " from "},
                {"type": "date", "timestamp": 1795341911, "format": "{date_long} at {time}", "fallback": "in November"},
                {"type": "text", "text": ", colour "},
                {"type": "color", "value": "#2eb67d"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": word}]} for word in ("one", "two")
            ],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "indent": 1,
            "offset": 2,
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": word}]}
                for word in ("three", "four")
            ],
        },
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Quoted, on two\nlines"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": f"{LONG_LINE}\n  <!here> & ok\n"}]},
    ],
}

MRKDWN = "\n".join(
    (
        "*bold* _italic_ ~struck~ `code` *_both_* snake_case_name 2*3*4 :fire: :unknown_thing: 10:41:05",
        "&lt;b&gt; &amp;amp; stays once; <@U0ONCALL> <@U0SECOND> <@U0GHOST> <!subteam^S0ONCALL> <#C0OPS> <!here>",
        "<https://grafana.example/d/1?a=1&amp;b=2|the *dashboard*> and https://bare.example/x_y_z, seen "
        "<!date^1795341911^{date_short_pretty} {time}|2026-11-22 10:05 UTC>",
        "<javascript:alert(1)|press me> <https://evil.example/|https://good.example/login>",
        "• an item that is long enough to run over the end of the line, so that one sees whether the text hangs in",
        "1. a numbered item",
        "&gt; quoted *bold*",
        "&gt; and more",
        "```",
        f"code {LONG_LINE[:120]} &lt;!here&gt;",
        "```",
        "after",
    )
)

ATTACHMENTS: list[Json] = [
    {
        "color": "a30200",
        "fallback": "[FIRING:1] PoolExhausted",
        "pretext": "From *Alertmanager* <!subteam^S0ONCALL>",
        "author_name": "prometheus-eu",
        "title": "[FIRING:1] PoolExhausted buggy-app-v2 (critical)",
        "title_link": "http://alertmanager.example:9093/#/alerts?receiver=slack&amp;x=1",
        "text": "*Summary:* every connection of `buggy-app-v2` is held\n*Runbook:* <https://runbooks.example/pool|pool>",
        "fields": [
            {"title": "Severity", "value": "critical", "short": True},
            {"title": "Instance", "value": "docker-7:8080", "short": True},
            {"title": "Description", "value": "No request was answered for *2 min*.", "short": False},
        ],
        "actions": [{"type": "button", "text": "Silence", "url": "https://alertmanager.example/silence"}],
        "image_url": "https://grafana.example/render/1.png",
        "footer": "Grafana v11",
        "footer_icon": "https://grafana.example/icon.png",
        "ts": 1795341911,
        "mrkdwn_in": ["pretext", "text"],
    },
    {"color": "good", "title": "RESOLVED", "text": "*Not bold*: only fields are\nread", "mrkdwn_in": ["fields"]},
    {"color": "#36a64f", "blocks": [section("Blocks in an attachment, *bold*"), {"type": "divider"}]},
    {"color": "warning", "text": "\n".join(f"line {number} of a long text" for number in range(20))},
]

FORM: Json = {
    "type": "modal",
    "id": "V1",
    "title": plain("Hand over"),
    "submit": plain("Hand over"),
    "close": plain("Not now"),
    "private_metadata": '{"incident": "i1"}',
    "blocks": [
        section("Everything that can be filled in."),
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why?"),
            "hint": plain("The next one on call reads it."),
            "element": {
                "type": "plain_text_input",
                "action_id": "text",
                "multiline": True,
                "min_length": 5,
                "max_length": 100,
                "placeholder": plain("What you know so far"),
            },
        },
        {
            "type": "input",
            "block_id": "title",
            "label": plain("Title"),
            "optional": True,
            "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "Pool exhausted"},
        },
        {
            "type": "input",
            "block_id": "what",
            "label": plain("Container"),
            "element": {"type": "static_select", "action_id": "one", "options": CONTAINERS},
        },
        {
            "type": "input",
            "block_id": "who",
            "label": plain("To whom"),
            "element": {"type": "users_select", "action_id": "one", "initial_user": "U0SECOND"},
        },
        {
            "type": "input",
            "block_id": "how",
            "label": plain("How bad"),
            "optional": True,
            "element": {
                "type": "radio_buttons",
                "action_id": "one",
                "options": [option("Bad", "bad", "Somebody waits"), option("Very bad", "very")],
            },
        },
        {
            "type": "input",
            "block_id": "ticks",
            "label": plain("Told"),
            "optional": True,
            "element": {
                "type": "checkboxes",
                "action_id": "many",
                "options": [option("Support", "support"), option("Sales", "sales")],
                "initial_options": [option("Sales", "sales")],
            },
        },
        {
            "type": "input",
            "block_id": "until",
            "label": plain("Until"),
            "optional": True,
            "element": {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-23"},
        },
    ],
}

EVERYTHING: dict[str, Json] = {
    "mrkdwn": {"blocks": [section(MRKDWN)]},
    "verbatim": {"blocks": [{"type": "section", "text": mrkdwn("https://bare.example @here *bold*", verbatim=True)}]},
    "header, fields, context": {
        "blocks": [
            {"type": "header", "text": plain("🔴 buggy-app-v2: pool exhausted :fire:")},
            {
                "type": "section",
                "fields": [mrkdwn("*Severity*\ncritical"), mrkdwn("*Service*\n`buggy-app-v2`"), plain("plain *x*")],
            },
            section("With a button", accessory={"type": "button", "text": plain("Details"), "action_id": "details"}),
            section(
                "With a picture", accessory={"type": "image", "alt_text": "a graph", "image_url": "https://x.example/a"}
            ),
            {"type": "divider"},
            {
                "type": "context",
                "elements": [
                    {"type": "image", "alt_text": "logo", "image_url": "https://x.example/logo.png"},
                    mrkdwn("*Small* print, `code`, <@U0SECOND>"),
                ],
            },
            {
                "type": "image",
                "alt_text": "memory of buggy-app-v2",
                "image_url": "https://x.example/a",
                "title": plain("Memory"),
            },
        ]
    },
    "actions": {"blocks": [ACTIONS]},
    "rich text": {"blocks": [RICH]},
    "attachments": {"text": "Text above :rotating_light:", "attachments": ATTACHMENTS},
    "text, edited": {
        "text": "Only text, https://bare.example",
        "edited": {"user": "U0SECOND", "ts": "1795341911.0001"},
    },
    "file": {
        "text": "",
        "files": [{"name": "evidence.txt", "size": 52_300, "permalink": "http://127.0.0.1:1/files/F1"}],
    },
    "unknown block": {"blocks": [{"type": "carousel", "elements": [{"type": "card", "title": plain("A card")}]}]},
}


def choices(words: str) -> Json:
    """A row of everything that holds text and can be operated."""
    options = [option(words, "1", words)]
    return {
        "type": "actions",
        "block_id": "choices",
        "elements": [
            {"type": "button", "text": plain(words), "action_id": "b"},
            {"type": "static_select", "action_id": "s", "placeholder": plain(words), "options": options},
            {"type": "checkboxes", "action_id": "c", "options": options},
            {"type": "radio_buttons", "action_id": "r", "options": options},
            {"type": "plain_text_input", "action_id": "t", "placeholder": plain(words)},
        ],
    }


def cards() -> dict[str, Json]:
    """Everything that Aegis says in channels, by name."""
    said = {f"card {name}": card.card(incident) for name, incident in CARDS.items()}
    said |= {
        "outcome recovered": card.outcome(BY_STATE[State.RESOLVED]),
        "outcome not recovered": card.outcome(BY_STATE[State.UNRESOLVED], [LONG_LINE, "INFO listening on 8080"]),
        "notice": card.notice(
            "Only approvers may restart containers:", mention=("U0SECOND", "S0ONCALL"), offer=PROPOSED
        ),
        "choose": card.choose("Which one is meant?", ["buggy-app-v2", "orders-db"], PRESSED.place),
        "help": card.help_text(),
        "status": card.overview(STANDING),
        "history": card.history(list(BY_STATE.values())),
        "runbook": card.recall("pool", PROPOSED.precedents),
    }
    return {name: {"text": one.text, "blocks": list(one.blocks)} for name, one in said.items()}


def windows() -> dict[str, Json]:
    """Aegis's modals, as the workspace opens them."""
    evidence = modals.evidence(PROPOSED)
    assert evidence is not None
    return {
        "ignore": modals.ignore(PROPOSED) | {"id": "V2"},
        "loading": modals.loading("Evidence") | {"id": "V3"},
        "evidence": evidence | {"id": "V3"},
    }


def filled() -> Json:
    """The form with everything in it that it needs."""
    form: Json = json.loads(json.dumps(FORM))
    form["blocks"][1]["element"]["initial_value"] = "It hangs again"
    form["blocks"][3]["element"]["initial_option"] = CONTAINERS[0]
    return form


def alerts() -> dict[str, Json]:
    """Messages as alert senders post them."""
    found = {}
    for path in sorted((CORPUS / "alerts").glob("*.json")):
        event = json.loads(path.read_text())["event"]
        found[path.stem] = event.get("message") or event.get("previous_message") or event
    return found


def markup() -> list[Json]:
    """Texts that try to be more than text; lone surrogates become U+FFFD, as no browser can be sent them."""
    lines = (CORPUS / "slack_markup.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def stamped(messages: dict[str, Json]) -> list[Json]:
    """Return what the gallery shows: each message with a ts and block ids of its own."""
    items = []
    for number, (name, message) in enumerate(messages.items()):
        blocks = [{"block_id": f"b{at}", **block} for at, block in enumerate(message.get("blocks") or ())]
        items.append({"name": name, "message": {**message, "ts": f"{number}.000100", "blocks": blocks}})
    return items
