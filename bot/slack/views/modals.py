"""Modals: the reason to ignore, the evidence, and single sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import Block, DividerBlock, InputBlock, PlainTextInputElement

from bot.domain.incident import Incident
from bot.slack.views import evidence as dossier
from bot.slack.views import mrkdwn
from bot.slack.views.blocks import label, printed, section

TITLE_CHARS = 24
"""Characters of a window's title and of its buttons."""

CHUNK_CHARS = 2900
MOST_SHOWN_CHARS = 30_000
"""Characters printed in one piece, and in one window: what is longer is read better as a file."""

MOST_BLOCKS = 100
MOST_BYTES = 200_000
"""Of one window: blocks, and bytes as they are sent, below the 250 kB at which Slack says ``view_too_large``."""

LONGEST_REASON_CHARS = 500


def ignore(incident: Incident) -> dict[str, Any]:
    """Ask why the incident is ignored; ``private_metadata`` is JSON of what the window must bring back."""
    carried = {
        "incident": incident.id,
        "digest": incident.digest,
        "channel": incident.place.channel,
        "thread": incident.place.thread,
        "card": incident.card,
    }
    reason = PlainTextInputElement(action_id="reason", multiline=True, max_length=LONGEST_REASON_CHARS)
    why = label("Reason (kept with the incident)", 150)
    return _window(
        "Ignore this incident",
        [
            section(f"This closes the card of *{mrkdwn.line(str(incident.target), 128)}*. Nothing is restarted."),
            InputBlock(block_id="reason", label=why, element=reason, optional=True),
        ],
        callback_id="ignore",
        submit=label("Ignore", TITLE_CHARS).to_dict(),
        private_metadata=json.dumps(carried),
    )


def loading(title: str) -> dict[str, Any]:
    """Show that the content is on its way."""
    return message(title, "One moment …")


def message(title: str, sentence: str) -> dict[str, Any]:
    """Show a sentence (any text)."""
    return _window(title, [section(mrkdwn.prose(sentence, 2900))])


def evidence(incident: Incident) -> dict[str, Any] | None:
    """Show all the evidence; ``None`` where it is too long for a window (then use ``evidence_text``)."""
    chapters = dossier.chapters(incident)
    if sum(len(line) + 1 for chapter in chapters for line in chapter.lines) > MOST_SHOWN_CHARS:
        return None
    blocks: list[Block | None] = []
    for chapter in chapters:
        blocks += [DividerBlock()] if blocks else []
        blocks.append(section(f"*{mrkdwn.line(chapter.title)}*"))
        blocks += [printed(piece) for piece in _pieces(chapter.lines)]
    view = _window("Evidence", blocks)
    return view if len(blocks) <= MOST_BLOCKS and len(json.dumps(view)) <= MOST_BYTES else None


def evidence_text(incident: Incident) -> str:
    """Return all the evidence as a text file."""
    parts = [
        "\n".join([chapter.title, "=" * len(chapter.title), *chapter.lines]) for chapter in dossier.chapters(incident)
    ]
    return "\n\n".join(parts) + "\n"


def _pieces(lines: Sequence[str]) -> list[list[str]]:
    """Split lines into pieces of at most ``CHUNK_CHARS`` characters; a line that is longer is split too."""
    pieces: list[list[str]] = [[]]
    left = CHUNK_CHARS
    for line in lines:
        for start in range(0, max(1, len(line)), CHUNK_CHARS // 2 - 1):
            part = line[start : start + CHUNK_CHARS // 2 - 1]
            length = mrkdwn.length(part) + 1
            if length > left:
                pieces.append([])
                left = CHUNK_CHARS
            pieces[-1].append(part)
            left -= length
    return [piece for piece in pieces if piece]


def _window(title: str, blocks: Sequence[Block | None], **more: object) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": label(title, TITLE_CHARS).to_dict(),
        "close": label("Close", TITLE_CHARS).to_dict(),
        "blocks": [block.to_dict() for block in blocks if block is not None],
        **more,
    }
