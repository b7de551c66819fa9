"""Slack messages as senders post them, and the targets that they name, for tests."""

from __future__ import annotations

from typing import Any

from bot.domain.alerts.alert import find_targets, read_alert
from bot.domain.target import KnownTarget
from tests.support.fakes import names_of


def from_bot(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "hook", "text": text, **more}


def named(event: dict[str, Any], *inventory: str | KnownTarget) -> tuple[str, ...]:
    known = [one if isinstance(one, KnownTarget) else KnownTarget(one) for one in inventory]
    return names_of(find_targets(read_alert(event), known))
