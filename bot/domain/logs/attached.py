"""Merges a log that came with an alert into the evidence."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.evidence import Evidence, LogDigest, Source, Status
from bot.domain.logs import digest

SOURCE = "sent log"
BUDGET_CHARS = 2_500
"""Characters that are kept of it; the engine's log is the better witness."""


def with_sent_log(evidence: Evidence, logs: str) -> Evidence:
    """Return ``evidence`` with what ``logs`` says and the engine's log does not, first; ``logs`` is redacted already.

    Lines are numbered on, so that each can be cited; the source says which are the sender's.
    """
    if not logs.strip():
        return evidence
    known = {line.text.strip() for line in evidence.log.lines}
    sent = digest.digest_log([logs.encode()], budget=BUDGET_CHARS)
    new = tuple(line for line in sent.lines if line.text.strip() not in known)
    own = tuple(line.moved(sent.total_lines) for line in evidence.log.lines)
    log = LogDigest(
        (*new, *own),
        sent.total_lines + evidence.log.total_lines,
        sent.total_bytes + evidence.log.total_bytes,
        partial=evidence.log.partial,
        last_at=evidence.log.last_at,
    )
    detail = f"{sent.total_lines:,} lines, numbered first" if new else f"{sent.total_lines:,} lines, nothing new"
    return replace(evidence, log=log, sources=(*evidence.sources, Source(SOURCE, Status.OK, detail)))
