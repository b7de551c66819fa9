"""Prepares what the first alert needs, before it comes."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.domain.alerts.alert import find_targets, read_alert
from bot.domain.evidence import Evidence
from bot.domain.llm import prompt
from bot.domain.logs import filters
from bot.domain.symptoms import diagnose
from bot.domain.target import KnownTarget, local_container

_TARGET = "web"
_MESSAGE = {"text": "", "attachments": [{"title": f"[FIRING:1] Down ({_TARGET} critical)", "color": "a30200"}]}
_LOG = b"2026-01-01T00:00:00Z ERROR request failed, password=x\nTraceback (most recent call last):\nValueError: no\n"
_NONCE = "0" * 16


def read_samples() -> None:
    """Read a sample alert and diagnose a sample log: each pattern is compiled and each table made on the way."""
    alert = read_alert(_MESSAGE)
    find_targets(alert, [KnownTarget(_TARGET)])
    evidence = Evidence(
        local_container(_TARGET), datetime.now(UTC).isoformat(), None, filters.digest_blocks((_LOG,), ())
    )
    symptoms = diagnose.find_symptoms(evidence, alert.title)
    prompt.build_prompts(evidence, symptoms, (), alert=alert.text, title=alert.title, nonce=_NONCE)
    diagnose.diagnose_by_rules(evidence, symptoms, (), why="")
