"""Slack messages as senders post them, and the targets that they name, for tests."""

from __future__ import annotations

from typing import Any

from bot.domain.alerts.alert import find_targets, read_alert
from bot.domain.target import Target


def from_bot(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "hook", "text": text, **more}


def named(event: dict[str, Any], *inventory: str | Target) -> tuple[str, ...]:
    known = [one if isinstance(one, Target) else Target(one) for one in inventory]
    return find_targets(read_alert(event), known)
