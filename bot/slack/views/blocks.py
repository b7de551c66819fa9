"""Slack blocks and messages within Block Kit's limits.

Limits: docs.slack.dev/reference/block-kit, as slack_sdk's models also check them. What comes in as ``mrkdwn`` was made
by ``bot.slack.views.mrkdwn``; everything else may be any text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    InteractiveElement,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
    SectionBlock,
)

from bot.domain.incident import Incident
from bot.slack.views import mrkdwn

MOST_BLOCKS = 50
"""Blocks in one message."""

MOST_MESSAGE_CHARS = 4000
"""Of a message's own text: characters for chat.update, bytes for chat.postEphemeral; counted as bytes here."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: ``blocks``, and ``text`` that says the same for notifications, screen readers and lost blocks."""

    text: str
    blocks: Sequence[dict[str, Any]]


def message(*blocks: Block | None) -> Message:
    """Make the message of these blocks, in their order; ``None`` is left out."""
    made = [block.to_dict() for block in blocks if block is not None][:MOST_BLOCKS]
    return Message(mrkdwn.clip_bytes(plain_text(made), MOST_MESSAGE_CHARS), made)


def text(words: str) -> MarkdownTextObject:
    """Make a text object of mrkdwn in which Slack looks for no links and names by itself."""
    return MarkdownTextObject(text=mrkdwn.clip(words, mrkdwn.MOST_TEXT_CHARS) or mrkdwn.DASH, verbatim=True)


def label(words: str, limit: int) -> PlainTextObject:
    """Make a label of any text; ``:x:`` stays as it is."""
    return PlainTextObject(text=mrkdwn.plain(words, limit), emoji=False)


def header(words: str) -> HeaderBlock:
    """Make a header of any text."""
    return HeaderBlock(text=label(words, 150))


def section(*lines: str) -> SectionBlock | None:
    """Make a section of lines of mrkdwn; empty ones are left out."""
    return SectionBlock(text=text("\n".join(filter(None, lines)))) if any(lines) else None


def small(*lines: str) -> ContextBlock | None:
    """Make small print of lines of mrkdwn; empty ones are left out."""
    return ContextBlock(elements=[text("\n".join(filter(None, lines)))]) if any(lines) else None


def printed(lines: Sequence[str], limit: int = mrkdwn.MOST_TEXT_CHARS) -> RichTextBlock | None:
    """Print lines of any text just as they are, ``limit`` characters in all; Slack reads no markup there."""
    if not lines:
        return None
    words = mrkdwn.raw("\n".join(mrkdwn.raw_line(line) for line in lines), limit)
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[RichTextElementParts.Text(text=words)])])


def buttons(*elements: InteractiveElement | None) -> ActionsBlock:
    """Set buttons in a row; ``None`` is left out."""
    return ActionsBlock(elements=[element for element in elements if element is not None])


def button(
    words: str,
    action_id: str,
    incident: Incident,
    *,
    style: str | None = None,
    confirm: ConfirmObject | None = None,
    aloud: str | None = None,
) -> ButtonElement:
    """Make a button that carries ``incident:digest``; ``aloud`` is what a screen reader says."""
    return ButtonElement(
        text=label(words, 75),
        action_id=action_id,
        value=value(incident),
        style=style,
        confirm=confirm,
        accessibility_label=mrkdwn.plain(aloud, 75) if aloud else None,
    )


def value(incident: Incident) -> str:
    """Return what a button of this incident carries: its id and the digest of what is shown."""
    return f"{incident.id}:{incident.digest}"


def rediagnose(incident: Incident) -> ButtonElement:
    """Make the button for a fresh diagnosis."""
    return button("Diagnose again", "rediagnose", incident)


def offer(words: str, incident: Incident, neighbour: str) -> SectionBlock:
    """Return a line of mrkdwn beside the button that diagnoses ``neighbour``. The button's label has the name too."""
    ask = ButtonElement(
        text=label(f"Diagnose {neighbour}", 75),
        action_id="rediagnose",
        value=f"{value(incident)}:{neighbour}",
        accessibility_label=mrkdwn.plain(f"Diagnose the container {neighbour}", 75),
    )
    return SectionBlock(text=text(words), accessory=ask)


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
