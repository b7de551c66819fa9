"""Turns outside text into one redacted, bounded line for display."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.logs.line import decode_line
from bot.domain.redaction.redact import redact


def safe(raw: bytes | str, limit: int, secrets: Sequence[str] = ()) -> str:
    """Return ``raw`` as one line of at most ``limit`` characters; line ends become ``⏎``, a cut ends in ``…``.

    ``secrets`` are literal ones, replaced wherever they stand. What is cut is cut after the redaction, so that no half
    of a secret is left over.
    """
    # Eight times the limit fills it, however much of it is terminal codes; the rest is not even looked at.
    head = (raw.encode("utf-8", "replace") if isinstance(raw, str) else raw)[: limit * 8]
    lines = "\n".join(decode_line(line) for line in head.splitlines())
    text = redact(lines.strip("\n"), secrets).replace("\n", " ⏎ ")
    return text if len(text) <= limit and len(raw) <= limit * 8 else text[: limit - 1] + "…"
