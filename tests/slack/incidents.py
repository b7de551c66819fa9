"""Incidents to show: one for every state, and a few more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.diagnosis import RULES, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import (
    Evidence,
    HealthProbe,
    LogDigest,
    LogLine,
    Neighbour,
    Port,
    Source,
    Status,
    Usage,
)
from bot.domain.guard import Permit
from bot.domain.incident import Approval, Incident, State, Thread
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.target import parse_target
from bot.domain.verification import Verification
from tests.support.fakes import facts

AT = datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)

POOL = "2026-11-22T10:02:11Z ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"

FACTS = facts(
    started_at="2026-11-22T06:52:30.123456789Z",
    image_created_at="2026-11-18T07:00:00Z",
    probes=(HealthProbe("2026-11-22T10:04:20Z", 1, "HTTP 503 after 5 s"),),
    ports=(Port(8080, "tcp", "127.0.0.1", 18080),),
    networks=("shop_default",),
)

EVIDENCE = Evidence(
    target=parse_target("buggy-app-v2"),
    gathered_at="2026-11-22T10:04:30Z",
    facts=FACTS,
    log=LogDigest((LogLine(1187, POOL, 412), LogLine(1201, "GET /orders 500 in 30000 ms", 398)), 1204, 180_000),
    usage=Usage(memory=320_000_000, memory_limit=524_288_000, cpu_percent=3.0, pids=41),
    sources=(
        Source("logs", Status.OK, "1,204 lines"),
        Source("health", Status.OK),
        Source("stats", Status.TIMED_OUT),
    ),
)

DIAGNOSIS = Diagnosis(
    headline="connection pool exhausted",
    root_cause="Twenty of twenty connections are held by hung requests since 10:02.",
    action=Action.RESTART,
    justification="Held connections are released when the process restarts.",
    confidence=0.86,
    trouble=FailureClass.RESOURCE_EXHAUSTION,
    restart_helps=True,
    by="gemini-3.5-flash-lite",
    quotes=(Quote(1187, POOL, 412),),
    tokens=1830,
    seconds=2.1,
)


def _past(days: int, outcome: str = "resolved") -> Precedent:
    at = (AT - timedelta(days=days)).isoformat()
    entry = Entry("Pool exhausted by hung requests.", "restart", at=at, target="buggy-app-v2", outcome=outcome)
    return Precedent(entry, 0.9, "same target, same error")


PROPOSED = Incident(
    id="i7Kq2",
    target=parse_target("buggy-app-v2"),
    place=Thread("C0ALERTS", "1763805855.000100"),
    state=State.PROPOSED,
    opened_at=AT - timedelta(minutes=2),
    title="buggy-app-v2 is down",
    severity="critical",
    alert_text="[FIRING] buggy-app-v2 is down",
    card="1763805856.000200",
    evidence=EVIDENCE,
    diagnosis=DIAGNOSIS,
    precedents=(_past(20), _past(6)),
    verdict=Permit(),
    digest="9f3c2a7b1d4e5f60",
    proposed_at=AT,
)

PRESSED = replace(
    PROPOSED,
    approval=Approval("U0ONCALL", AT + timedelta(seconds=40), PROPOSED.digest),
    restarted_at=AT + timedelta(seconds=41),
    bundle="bundles/i7Kq2.json",
)

GOOD = Verification(True, 7.4, 3, ("503", "200", "200", "200"), "x", True, "", "200 ×3, healthy")
BAD = Verification(
    False,
    60.0,
    0,
    ("connection refused",) * 4 + ("503",) * 2,
    "x",
    True,
    "the health URL did not return success within 60 s (last: 503)",
    "connection refused ×4, 503 ×2",
)

CLOSED_AT = AT + timedelta(minutes=3)

BY_STATE: dict[State, Incident] = {
    State.OPEN: replace(
        PROPOSED, state=State.OPEN, evidence=None, diagnosis=None, precedents=(), verdict=None, digest=""
    ),
    State.PROPOSED: PROPOSED,
    State.ACTING: replace(PRESSED, state=State.ACTING),
    State.VERIFYING: replace(PRESSED, state=State.VERIFYING),
    State.RESOLVED: replace(PRESSED, state=State.RESOLVED, verification=GOOD, closed_at=CLOSED_AT),
    State.UNRESOLVED: replace(PRESSED, state=State.UNRESOLVED, verification=BAD, closed_at=CLOSED_AT),
    State.IGNORED: replace(
        PROPOSED,
        state=State.IGNORED,
        closing="Ignored.",
        closed_by="U0NIGHT",
        closed_at=CLOSED_AT,
        reason="Load test, ends at 11.",
    ),
    State.EXPIRED: replace(PROPOSED, state=State.EXPIRED, closing="Nobody decided in time.", closed_at=CLOSED_AT),
    State.INTERRUPTED: replace(
        PRESSED,
        state=State.INTERRUPTED,
        closing="The container is gone or was re-created, so nothing more is done. It needs a manual check.",
        closed_at=CLOSED_AT,
    ),
}
"""One incident for every state."""

STOPPED = replace(
    FACTS,
    status="exited",
    running=False,
    exit_code=137,
    oom_killed=True,
    health=None,
    finished_at="2026-11-22T10:01:00.5Z",
)

BY_RULES = replace(
    PROPOSED,
    evidence=replace(
        EVIDENCE,
        facts=STOPPED,
        usage=None,
        neighbours=(Neighbour("orders-db", "exited", None, "exit 1", named_in_log=True),),
        sources=(
            Source("logs", Status.EMPTY),
            Source("stats", Status.DENIED, "the proxy refuses"),
        ),
    ),
    diagnosis=replace(
        DIAGNOSIS,
        headline="killed: out of memory",
        root_cause="The kernel killed the process because it reached its memory limit of 500 MB.",
        justification="A restart frees the memory; raise the limit or find what grows.",
        by=RULES,
        confidence=0.95,
        trouble=FailureClass.OOM,
        quotes=(),
        caveats=("The log is empty, so nothing says what grew.",),
        why_rules="No answer from Gemini within 20 s.",
        tokens=0,
    ),
    precedents=(_past(3, "not_resolved"),),
    alerts=12,
)
