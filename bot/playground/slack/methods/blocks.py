"""Block Kit's limits for blocks, elements and views.

Violations are reported in Slack's error form. Newer blocks (card, carousel, container, plan, task_card, data_table,
alert) are accepted as they come, apart from the number of blocks. There is no limit for all blocks of a message
together, since Slack does not publish its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.playground.slack.methods.shapes import (
    Check,
    Problem,
    also,
    anything,
    by_type,
    choice,
    flag,
    items,
    shape,
    string,
    whole,
)
from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.people import Json

IDENTIFIER = string(255)


def plain(most: int) -> Check:
    """Expect a plain_text object."""
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": flag})})


def text(most: int) -> Check:
    """Expect a plain_text or mrkdwn object."""
    mrkdwn = shape({"text": string(most)}, {"verbatim": flag})
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": flag}), "mrkdwn": mrkdwn})


CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": choice("primary", "danger")},
)
OPTION = shape({"text": text(75), "value": string(150)}, {"description": text(75), "url": string(3000)})
OPTION_GROUP = shape({"label": plain(75), "options": items(100, OPTION)})
COMMON: dict[str, Check] = {"action_id": IDENTIFIER, "confirm": CONFIRM}
FIELD: dict[str, Check] = {**COMMON, "placeholder": plain(150), "focus_on_load": flag}
FILTER = shape({}, {"include": anything, "exclude_external_shared_channels": flag, "exclude_bot_users": flag})
SOURCES: dict[str, dict[str, Check]] = {
    "static": {"options": items(100, OPTION), "option_groups": items(100, OPTION_GROUP)},
    "external": {"min_query_length": whole},
    "users": {},
    "conversations": {"default_to_current_conversation": flag, "response_url_enabled": flag, "filter": FILTER},
    "channels": {"response_url_enabled": flag},
}
INITIAL = {
    "static": "option",
    "external": "option",
    "users": "user",
    "conversations": "conversation",
    "channels": "channel",
}


def _has_options(value: object, pointer: str) -> Iterator[Problem]:
    if isinstance(value, dict) and bool(value.get("options")) == bool(value.get("option_groups")):
        yield Problem("must provide either options or option_groups", pointer)


def _selects() -> Iterator[tuple[str, Check]]:
    for source, own in SOURCES.items():
        single = shape({}, {**FIELD, **own, f"initial_{INITIAL[source]}": anything})
        many = shape({}, {**FIELD, **own, f"initial_{INITIAL[source]}s": anything, "max_selected_items": whole})
        yield f"{source}_select", also(single, _has_options) if source == "static" else single
        yield f"multi_{source}_select", also(many, _has_options) if source == "static" else many


BUTTON = shape(
    {"text": plain(75)},
    {
        **COMMON,
        "value": string(2000),
        "url": string(3000),
        "style": choice("primary", "danger"),
        "accessibility_label": string(75),
    },
)
IMAGE = shape({"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": anything})
PLAIN_TEXT_INPUT = shape(
    {},
    {
        **FIELD,
        "initial_value": string(3000, 0),
        "multiline": flag,
        "min_length": whole,
        "max_length": whole,
        "dispatch_action_config": anything,
    },
)
CHECKBOXES = shape({"options": items(10, OPTION)}, {**FIELD, "initial_options": items(10, OPTION)})
RADIO_BUTTONS = shape({"options": items(10, OPTION)}, {**FIELD, "initial_option": OPTION})
INTERACTIVE: dict[str, Check] = {
    "button": BUTTON,
    "overflow": shape({"options": items(5, OPTION)}, COMMON),
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO_BUTTONS,
    "datepicker": shape({}, {**FIELD, "initial_date": string(10)}),
    "timepicker": shape({}, {**FIELD, "initial_time": string(5), "timezone": string(100)}),
    "datetimepicker": shape({}, {**FIELD, "initial_date_time": whole}),
    **dict(_selects()),
}
INPUTS: dict[str, Check] = {
    **{name: check for name, check in INTERACTIVE.items() if name not in {"button", "overflow"}},
    "plain_text_input": PLAIN_TEXT_INPUT,
    "rich_text_input": anything,
    "email_text_input": shape({}, {**FIELD, "initial_value": string(3000, 0), "dispatch_action_config": anything}),
    "url_text_input": shape({}, {**FIELD, "initial_value": string(3000, 0), "dispatch_action_config": anything}),
    "number_input": anything,
    "file_input": anything,
}

STYLE: dict[str, Check] = {"style": anything}
INLINE = by_type(
    {
        "text": shape({"text": string(1_000_000)}, STYLE),
        "link": shape({"url": string(3000)}, {**STYLE, "text": string(3000), "unsafe": flag}),
        "user": shape({"user_id": string(30)}, STYLE),
        "usergroup": shape({"usergroup_id": string(30)}, STYLE),
        "channel": shape({"channel_id": string(30)}, STYLE),
        "emoji": shape({"name": string(100)}, {**STYLE, "unicode": string(100), "skin_tone": whole}),
        "broadcast": shape({"range": choice("here", "channel", "everyone")}, STYLE),
        "date": shape(
            {"timestamp": whole, "format": string(200)}, {**STYLE, "url": string(3000), "fallback": string(200)}
        ),
        "color": shape({"value": string(20)}, STYLE),
    }
)
LINE = items(10_000, INLINE, least=0)
SECTION_OF_TEXT = shape({"elements": LINE})
FRAMED = shape({"elements": LINE}, {"border": whole, "language": string(50)})
LIST = shape(
    {"style": choice("bullet", "ordered"), "elements": items(10_000, by_type({"rich_text_section": SECTION_OF_TEXT}))},
    {"indent": whole, "border": whole, "offset": whole},
)
RICH = {
    "rich_text_section": SECTION_OF_TEXT,
    "rich_text_preformatted": FRAMED,
    "rich_text_quote": FRAMED,
    "rich_text_list": LIST,
}

BLOCK: dict[str, Check] = {"block_id": IDENTIFIER}
ACCESSORY = by_type({**INTERACTIVE, "image": IMAGE})


def _says_something(value: object, pointer: str) -> Iterator[Problem]:
    if isinstance(value, dict) and not (value.get("text") or value.get("fields")):
        yield Problem("must provide either text or fields", pointer)


def _action_ids_differ(value: object, pointer: str) -> Iterator[Problem]:
    elements = value.get("elements") if isinstance(value, dict) else None
    seen = set()
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        action = element.get("action_id") if isinstance(element, dict) else None
        if action is not None and action in seen:
            yield Problem(f"action_id `{action}` already exists", f"{pointer}/elements/{index}/action_id")
        seen.add(action)


SECTION = also(
    shape({}, {**BLOCK, "text": text(3000), "fields": items(10, text(2000)), "accessory": ACCESSORY, "expand": flag}),
    _says_something,
)
CONTEXT_TEXT = {"plain_text": text(3000), "mrkdwn": text(3000)}
EVERYWHERE: dict[str, Check] = {
    "section": SECTION,
    "header": shape({"text": plain(150)}, BLOCK),
    "divider": shape({}, BLOCK),
    "actions": also(shape({"elements": items(25, by_type(INTERACTIVE))}, BLOCK), _action_ids_differ),
    "context": shape({"elements": items(10, by_type({"image": IMAGE, **CONTEXT_TEXT}))}, BLOCK),
    "image": shape(
        {"alt_text": string(2000)},
        {**BLOCK, "image_url": string(3000), "slack_file": anything, "title": plain(2000)},
    ),
    "input": shape(
        {"label": plain(2000), "element": by_type(INPUTS)},
        {**BLOCK, "hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": shape({"elements": items(10_000, by_type(RICH))}, BLOCK),
    "video": anything,
}
NEWER = {"card", "carousel", "container", "task_card", "plan", "data_table", "alert", "file"}
FEEDBACK = {"feedback_buttons": anything, "icon_button": anything}
IN_MESSAGES: dict[str, Check] = {
    **EVERYWHERE,
    **dict.fromkeys(NEWER, anything),
    "context_actions": shape({"elements": items(5, by_type(FEEDBACK))}, BLOCK),
    "markdown": shape({"text": string(12_000)}, BLOCK),
    "table": shape({"rows": items(100, items(20, anything))}, {**BLOCK, "column_settings": anything}),
}
IN_VIEWS: dict[str, Check] = {**EVERYWHERE, "alert": anything}

VIEW = by_type(
    {
        "modal": shape(
            {"title": plain(24), "blocks": items(100, by_type(IN_VIEWS), least=0)},
            {
                "submit": plain(24),
                "close": plain(24),
                "private_metadata": string(3000, 0),
                "callback_id": IDENTIFIER,
                "external_id": IDENTIFIER,
                "clear_on_close": flag,
                "notify_on_close": flag,
                "submit_disabled": flag,
            },
        ),
        "home": shape(
            {"blocks": items(100, by_type(IN_VIEWS), least=0)},
            {"private_metadata": string(3000, 0), "callback_id": IDENTIFIER, "external_id": IDENTIFIER},
        ),
    }
)


def check_blocks(blocks: object) -> None:
    """Refuse the blocks of a message that Slack would refuse (``invalid_blocks``, ``invalid_attachments``)."""
    if not isinstance(blocks, list):
        raise MethodError("invalid_blocks_format")
    problems = [*items(50, by_type(IN_MESSAGES), least=0)(blocks, "/blocks"), *_same_ids(blocks, "/blocks")]
    known = [block for block in blocks if isinstance(block, dict)]
    if sum(len(str(block.get("text", ""))) for block in known if block.get("type") == "markdown") > 12_000:
        problems.append(Problem("markdown text must be less than 12001 characters in all", "/blocks"))
    if problems:
        raise _refusal("invalid_blocks", problems)
    if sum(block.get("type") == "table" for block in known) > 1:
        raise _refusal("invalid_attachments", [Problem("only_one_table_allowed", "/blocks")])


def check_view(view: object, kind: str) -> None:
    """Refuse a view that Slack would refuse (``invalid_arguments``, ``view_too_large``); ``kind`` is modal or home."""
    if not isinstance(view, dict):
        raise MethodError("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: view"]})
    if len(json.dumps(view, ensure_ascii=False).encode()) > 250_000:
        raise MethodError("view_too_large")
    problems = [*VIEW(view, "/view")]
    if view.get("type") != kind:
        problems.append(Problem(f"must be of type {kind}", "/view/type"))
    blocks = [block for block in view.get("blocks") or () if isinstance(block, dict)]
    problems += _same_ids(blocks, "/view/blocks")
    if kind == "modal" and not view.get("submit") and any(block.get("type") == "input" for block in blocks):
        problems.append(Problem("missing required field: submit, which a view with an input block needs", "/view"))
    if problems:
        raise _refusal("invalid_arguments", problems)


def _same_ids(blocks: list[Json], pointer: str) -> Iterator[Problem]:
    seen = set()
    for index, block in enumerate(blocks):
        name = block.get("block_id") if isinstance(block, dict) else None
        if name is not None and name in seen:
            yield Problem(f"block_id `{name}` already exists", f"{pointer}/{index}/block_id")
        seen.add(name)


def _refusal(code: str, problems: list[Problem]) -> MethodError:
    return MethodError(
        code,
        errors=[str(problem) for problem in problems],
        response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]},
    )
