"""Block Kit's limits (docs.slack.dev/reference/block-kit), to hold messages and windows against."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_OURS = re.compile(
    r"<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>|<!date\^\d+\^\{date_short_pretty\} \{time\}\|[0-9: -]+UTC>"
    r"|<https://[a-z0-9-]+\.slack\.com/archives/[CDG][A-Z0-9]+/p\d+\|Open the card>"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
INTERACTIVE = frozenset({"button", "static_select", "overflow"})


def parts(block: Any) -> Iterator[Mapping[str, Any]]:
    """Walk through all objects of a block, a view or a list of them."""
    if isinstance(block, Mapping):
        yield block
        for part in block.values():
            yield from parts(part)
    elif isinstance(block, list | tuple):
        for part in block:
            yield from parts(part)


def interactive(blocks: Any) -> list[Mapping[str, Any]]:
    return [part for part in parts(blocks) if part.get("type") in INTERACTIVE]


def length(text: str) -> int:
    """Count in UTF-16 units, the stricter way."""
    return len(text.encode("utf-16-le")) // 2


def check_markup(text: str) -> None:
    """Nothing in escaped text means anything to Slack but Aegis's mentions, dates and links to cards."""
    rest = _ENTITY.sub("", _OURS.sub("", text))
    assert not set(rest) & set("<>&"), rest
    assert not _UNSENDABLE.search(text)
    assert text.strip()


def check_text(part: Mapping[str, Any], limit: int) -> None:
    assert 1 <= length(part["text"]) <= limit, part
    if part["type"] == "mrkdwn":
        assert part["verbatim"] is True
        check_markup(part["text"])
    else:
        assert part["type"] == "plain_text"
        assert part["emoji"] is False
        assert part["text"].strip()
        assert not _UNSENDABLE.search(part["text"])
        assert "\n" not in part["text"]


def check_blocks(blocks: Any, most: int = 50) -> None:
    """Hold blocks against Slack's limits."""
    assert 1 <= len(blocks) <= most
    for block in blocks:
        _BLOCKS[block["type"]](block)
    for part in parts(blocks):
        for name in ("action_id", "block_id"):
            assert 1 <= len(part.get(name, "x")) <= 255


def check_message(message: Any) -> None:
    """Hold a whole message against Slack's limits."""
    check_markup(message.text)
    assert len(message.text.encode()) <= 4000
    check_blocks(message.blocks)


def check_view(view: Mapping[str, Any]) -> None:
    """Hold a modal against Slack's limits."""
    assert view["type"] == "modal"
    for name in ("title", "submit", "close"):
        if name in view:
            check_text(view[name], 24)
    assert len(view.get("private_metadata", "")) <= 3000
    assert ("submit" in view) or not any(block["type"] == "input" for block in view["blocks"])
    check_blocks(view["blocks"], 100)


def _context(block: Mapping[str, Any]) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        check_text(element, 3000)


def _actions(block: Mapping[str, Any]) -> None:
    assert 1 <= len(block["elements"]) <= 25
    taken = [element["action_id"] for element in block["elements"]]
    assert len(taken) == len(set(taken))
    for element in block["elements"]:
        if element["type"] == "button":
            _button(element)
        else:
            _menu(element)


def _button(button: Mapping[str, Any]) -> None:
    check_text(button["text"], 75)
    assert 1 <= length(button["value"]) <= 2000
    assert length(button.get("accessibility_label", "")) <= 75
    assert button.get("style", "danger") in ("danger", "primary")
    if confirm := button.get("confirm"):
        for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            check_text(confirm[name], limit)


def _menu(menu: Mapping[str, Any]) -> None:
    assert menu["type"] == "static_select"
    check_text(menu["placeholder"], 150)
    assert 1 <= len(menu["options"]) <= 100
    for option in menu["options"]:
        check_text(option["text"], 75)
        assert 1 <= length(option["value"]) <= 150


def _rich(block: Mapping[str, Any]) -> None:
    for element in block["elements"]:
        assert element["type"] == "rich_text_preformatted"
        for part in element["elements"]:
            assert set(part) == {"type", "text"}
            assert part["type"] == "text"
            assert 1 <= length(part["text"]) <= 3000
            assert part["text"].strip()
            assert not _UNSENDABLE.search(part["text"])


def _input(block: Mapping[str, Any]) -> None:
    check_text(block["label"], 2000)
    assert block["element"]["type"] == "plain_text_input"
    assert block["element"]["max_length"] <= 3000


_BLOCKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "header": lambda block: check_text(block["text"], 150),
    "section": lambda block: check_text(block["text"], 3000),
    "context": _context,
    "actions": _actions,
    "rich_text": _rich,
    "input": _input,
    "divider": lambda _: None,
}
