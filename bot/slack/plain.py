"""Blocks -> the same in words: for notifications, for screen readers, and where Slack refuses the blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.slack.views import mrkdwn


def plain_text(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return what ``blocks`` say, as escaped mrkdwn, one line after the other."""
    return "\n".join(line for block in blocks for line in _lines(block)) or mrkdwn.DASH


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "header" | "section":
            yield _text(block["text"])
        case "context":
            yield from (_text(element) for element in block["elements"])
        case "rich_text":
            yield from (mrkdwn.prose(part["text"]) for element in block["elements"] for part in element["elements"])
        case "actions":
            named = [_text(element["text"]) for element in block["elements"] if element["type"] == "button"]
            offered = [_text(option["text"]) for element in block["elements"] for option in element.get("options", ())]
            if named:
                yield f"Buttons: {', '.join(named)}"
            if offered:
                yield f"To choose from: {', '.join(offered)}"


def _text(found: Mapping[str, Any]) -> str:
    return str(found["text"]) if found["type"] == "mrkdwn" else mrkdwn.prose(found["text"])
