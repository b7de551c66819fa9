"""Block Kit's limits, at and one past each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models import blocks as kit

from bot.playground.slack.methods.blocks import check_blocks, check_view
from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.people import Json


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**parts: Any) -> Json:
    return {"type": "section", **parts}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(number: int = 0, **parts: Any) -> Json:
    return {"type": "button", "text": plain("Go"), "action_id": f"go{number}", **parts}


def option(number: int = 0, **parts: Any) -> Json:
    return {"text": plain("x"), "value": str(number), **parts}


def menu(count: int, kind: str = "static_select") -> Json:
    return {"type": kind, "action_id": "menu", "options": [option(number) for number in range(count)]}


def confirm(**parts: Any) -> Json:
    fitting = {"title": plain("t"), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")}
    return button(confirm={**fitting, **parts})


def preformatted(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": list(elements)}]}


def refusal(check: Any, *values: Any) -> MethodError | None:
    try:
        check(*values)
    except MethodError as refused:
        return refused
    return None


def problems(blocks: list[Any]) -> list[str]:
    refused = refusal(check_blocks, blocks)
    return list(refused.fields["errors"]) if refused else []


LIMITS = [
    (lambda n: section(text=mrkdwn("x" * n)), 3000, "/blocks/0/text/text"),
    (lambda n: section(fields=[plain("x")] * n), 10, "/blocks/0/fields"),
    (lambda n: section(fields=[plain("x" * n)]), 2000, "/blocks/0/fields/0/text"),
    (lambda n: {"type": "header", "text": plain("x" * n)}, 150, "/blocks/0/text/text"),
    (lambda n: {"type": "context", "elements": [plain("x")] * n}, 10, "/blocks/0/elements"),
    (lambda n: actions(*(button(number) for number in range(n))), 25, "/blocks/0/elements"),
    (lambda n: actions(button(text=plain("x" * n))), 75, "/blocks/0/elements/0/text/text"),
    (lambda n: actions(button(value="x" * n)), 2000, "/blocks/0/elements/0/value"),
    (lambda n: actions(button(url="x" * n)), 3000, "/blocks/0/elements/0/url"),
    (lambda n: actions(button(accessibility_label="x" * n)), 75, "/blocks/0/elements/0/accessibility_label"),
    (lambda n: actions({**button(), "action_id": "x" * n}), 255, "/blocks/0/elements/0/action_id"),
    (lambda n: actions(confirm(title=plain("x" * n))), 100, "/blocks/0/elements/0/confirm/title/text"),
    (lambda n: actions(confirm(text=plain("x" * n))), 300, "/blocks/0/elements/0/confirm/text/text"),
    (lambda n: actions(confirm(confirm=plain("x" * n))), 30, "/blocks/0/elements/0/confirm/confirm/text"),
    (lambda n: actions(menu(n)), 100, "/blocks/0/elements/0/options"),
    (lambda n: actions(menu(n, "overflow")), 5, "/blocks/0/elements/0/options"),
    (lambda n: actions(menu(n, "checkboxes")), 10, "/blocks/0/elements/0/options"),
    (
        lambda n: actions({**menu(0), "options": [option(text=plain("x" * n))]}),
        75,
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        lambda n: actions({**menu(0), "options": [option(value="x" * n)]}),
        150,
        "/blocks/0/elements/0/options/0/value",
    ),
    (lambda n: {"type": "image", "image_url": "x", "alt_text": "x" * n}, 2000, "/blocks/0/alt_text"),
    (lambda n: {"type": "divider", "block_id": "x" * n}, 255, "/blocks/0/block_id"),
    (lambda n: {"type": "markdown", "text": "x" * n}, 12_000, "/blocks/0/text"),
]


@pytest.mark.parametrize(("make", "limit", "pointer"), LIMITS, ids=[f"{entry[2]}-{entry[1]}" for entry in LIMITS])
def test_limit_may_be_reached_but_not_passed(make: Any, limit: int, pointer: str) -> None:
    assert problems([make(limit)]) == []
    found = problems([make(limit + 1)])
    assert any(f"[json-pointer:{pointer}]" in problem for problem in found)


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (section(text=mrkdwn("")), "must be more than 0 characters"),
        (section(), "must provide either text or fields"),
        ({"type": "section", "text": "just text"}, "must be an object"),
        ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn"),
        ({"type": "header"}, "missing required field: text"),
        ({"type": "sectoin", "text": plain("x")}, "unsupported type: sectoin"),
        ({"text": plain("x")}, "missing required field: type"),
        (section(text={**mrkdwn("x"), "emoji": True}), "invalid additional property: emoji"),
        (section(text=plain("x"), txet=1), "invalid additional property: txet"),
        (actions(), "no fewer than 1 items allowed"),
        (actions(button(style="warning")), "must be one of: primary, danger"),
        (actions(button(), button()), "action_id `go0` already exists"),
        (actions({"type": "plain_text_input", "action_id": "x"}), "unsupported type: plain_text_input"),
        (actions({"type": "static_select", "action_id": "x"}), "must provide either options or option_groups"),
        ({"type": "image", "image_url": "x"}, "missing required field: alt_text"),
        (preformatted({"type": "text", "text": ""}), "must be more than 0 characters"),
        (preformatted({"type": "broadcast", "range": "all"}), "must be one of: here, channel, everyone"),
        ({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}, "unsupported type: text"),
        ("nonsense", "must be an object"),
    ],
)
def test_wrong_form_is_named(block: Any, sentence: str) -> None:
    assert any(problem.startswith(sentence) for problem in problems([block]))


def test_message_holds_fifty_blocks() -> None:
    assert problems([{"type": "divider"}] * 50) == []
    assert problems([{"type": "divider"}] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]


def test_same_block_id_twice_is_refused() -> None:
    assert "already exists" in problems([{"type": "divider", "block_id": "a"}] * 2)[0]


def test_markdown_counts_over_the_whole_message_and_tables_come_alone() -> None:
    assert problems([{"type": "markdown", "text": "x" * 7_000}] * 2)
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert problems([table]) == []
    refused = refusal(check_blocks, [table, table])
    assert refused is not None
    assert refused.code == "invalid_attachments"
    assert problems([table, table]) == ["only_one_table_allowed [json-pointer:/blocks]"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
@pytest.mark.slow
def test_any_json_is_either_fine_or_refused(value: Any) -> None:
    for found in (refusal(check_blocks, value), refusal(check_blocks, [value]), refusal(check_view, value, "modal")):
        assert found is None or found.code


def test_what_the_sdks_own_models_build_is_fine() -> None:
    built: list[kit.Block] = [
        kit.HeaderBlock(text=kit.PlainTextObject(text="down", emoji=False)),
        kit.SectionBlock(
            text=kit.MarkdownTextObject(text="x", verbatim=True),
            accessory=kit.ImageElement(image_url="u", alt_text="a"),
        ),
        kit.ContextBlock(elements=[kit.MarkdownTextObject(text="x", verbatim=True)]),
        kit.ActionsBlock(
            elements=[
                kit.ButtonElement(
                    text="Restart",
                    action_id="restart",
                    value="v",
                    style="danger",
                    confirm=kit.ConfirmObject(title="t", text="x", confirm="y", deny="n", style="danger"),
                ),
                kit.OverflowMenuElement(action_id="more", options=[kit.Option(value="a", text="A")]),
                kit.StaticSelectElement(placeholder="p", action_id="pick", options=[kit.Option(value="a", text="A")]),
                kit.UserSelectElement(action_id="who"),
            ]
        ),
        kit.RichTextBlock(
            elements=[
                kit.RichTextPreformattedElement(elements=[kit.RichTextElementParts.Text(text="<!here>")]),
                kit.RichTextListElement(
                    style="bullet",
                    elements=[kit.RichTextSectionElement(elements=[kit.RichTextElementParts.User(user_id="U1")])],
                ),
            ]
        ),
        kit.DividerBlock(),
    ]
    assert problems([block.to_dict() for block in built]) == []


MODAL: Json = {"type": "modal", "title": plain("x"), "blocks": []}


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"title": plain("x" * 25)}, "/view/title/text"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"close": plain("x" * 25)}, "/view/close/text"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        ({"blocks": [{"type": "divider"}] * 101}, "/view/blocks"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "/view/blocks/0/type"),
        ({"blocks": [{"type": "input", "label": plain("x"), "element": {"type": "plain_text_input"}}]}, "/view"),
        ({"type": "home"}, "/view/type"),
        ({"titel": plain("x")}, "/view"),
    ],
)
def test_view_past_its_limits_is_refused_with_the_place(parts: Json, pointer: str) -> None:
    check_view(MODAL, "modal")
    with pytest.raises(MethodError) as caught:
        check_view({**MODAL, **parts}, "modal")
    assert caught.value.code == "invalid_arguments"
    assert f"[json-pointer:{pointer}]" in " ".join(caught.value.fields["response_metadata"]["messages"])
