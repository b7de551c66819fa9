"""Incidents with anything in any field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bot.domain.diagnosis import RULES, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, Facts, HealthProbe, LogDigest, LogLine, Neighbour, Port, Source, Status, Usage
from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Approval, Incident, State, Thread
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.target import Target, TargetKind
from bot.domain.verification import Verification

NASTY = (
    "<!channel> <!here> <!everyone> <!subteam^S0PS|@ops> <@U1> <#C1|general>",
    "<https://evil.example|https://good.example> @here https://evil.example/?q=1",
    "``` *bold* _it_ ~gone~ `code` :fire: > quote",
    "&lt;!here&gt; &amp; && &",
    "bad \ud800 half \udcc3\udca9 \udcff",
    "nul \x00 bell \x07 \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202etxt.exe\u2066",
    "",
    "  \n\t \u200b\u3164",
    "Zeilen\r\nund\u2028mehr\nnoch eine",
    "x" * 128,
    "<&>" * 4000,
    "👩‍👩‍👧‍👦" * 2000,
    "語" * 5000,
    "root cause " * 1000,
)

anything = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=200), st.text(alphabet="<>&!@#|`*_~\n;amplt", max_size=60)
)
stamps = st.one_of(
    anything, st.sampled_from(("", "2026-11-22T10:00:00.123456789Z", "0001-01-01T00:00:00Z", "2026-02-31"))
)
names = st.one_of(anything, st.text("abcXYZ019_.-", min_size=1, max_size=128))
ids = st.one_of(st.sampled_from(("U0ONCALL", "W1", "S0OPS", "*", "U1|x> <!here", "u1", "U1\n")), anything)
counts = st.one_of(st.integers(-1, 5), st.integers(0, 10**12))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
lines = st.builds(LogLine, counts, anything, counts, anything, st.booleans())


def many(each: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(each, max_size=most).map(tuple)


facts = st.builds(
    Facts,
    name=names,
    container_id=anything,
    host=anything,
    image=anything,
    image_id=anything,
    created_at=stamps,
    started_at=stamps,
    finished_at=stamps,
    status=st.one_of(st.sampled_from(("running", "exited", "created", "paused", "dead", "restarting")), anything),
    running=st.booleans(),
    restarting=st.booleans(),
    paused=st.booleans(),
    exit_code=counts,
    oom_killed=st.booleans(),
    error=anything,
    restart_count=counts,
    restart_policy=anything,
    health=st.none() | anything,
    stop_timeout=counts,
    log_driver=anything,
    image_created_at=stamps,
    probes=many(st.builds(HealthProbe, stamps, counts, anything)),
    ports=many(st.builds(Port, counts, anything, anything, counts, st.booleans())),
    networks=many(anything),
    labels=many(st.tuples(anything, anything)),
    memory_limit=counts,
)

targets = st.builds(Target, st.just("") | names, st.sampled_from(TargetKind), names)

evidences = st.builds(
    Evidence,
    target=targets,
    gathered_at=stamps,
    facts=st.none() | facts,
    log=st.builds(LogDigest, many(lines) | lines.map(lambda line: (line,) * 300), counts, counts),
    usage=st.none()
    | st.builds(Usage, st.none() | counts, st.none() | counts, st.none() | st.floats(0, 1e6), st.none() | counts),
    neighbours=many(st.builds(Neighbour, names, anything, st.none() | anything, anything, st.booleans()), 6),
    events=many(anything),
    sources=many(st.builds(Source, anything, st.sampled_from(Status), anything), 20),
)

diagnoses = st.builds(
    Diagnosis,
    headline=anything,
    root_cause=anything,
    action=st.sampled_from(Action),
    justification=anything,
    confidence=st.floats(-1, 2),
    trouble=st.sampled_from(FailureClass),
    restart_helps=st.none() | st.booleans(),
    by=st.just(RULES) | anything,
    quotes=many(st.builds(Quote, counts, anything, counts), 12),
    caveats=many(anything, 6),
    why_rules=anything,
    tokens=counts,
    seconds=st.floats(0, 1e6),
)

precedents = many(
    st.builds(
        Precedent,
        st.builds(
            Entry,
            root_cause=anything,
            action=st.just("restart") | anything,
            at=stamps,
            target=names,
            outcome=st.sampled_from(("resolved", "not_resolved", "ignored", "")) | anything,
        ),
        st.floats(0, 1),
        anything,
    ),
    8,
)

incidents = st.builds(
    Incident,
    id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    target=targets,
    place=st.builds(Thread, st.sampled_from(("C1", "D0123456789")), st.sampled_from(("", "1763805855.000100"))),
    state=st.sampled_from(State),
    opened_at=moments,
    opened_by=st.just("") | ids,
    title=anything,
    severity=anything,
    alert_text=anything,
    alerts=st.integers(1, 10**6),
    evidence=st.none() | evidences,
    diagnosis=st.none() | diagnoses,
    precedents=precedents,
    verdict=st.one_of(st.none(), st.builds(Permit, st.booleans()), st.builds(Refusal, anything, anything)),
    digest=st.sampled_from(("", "9f3c2a7b1d4e5f60")),
    proposed_at=st.none() | moments,
    approval=st.none() | st.builds(Approval, ids, moments, anything),
    restarted_at=st.none() | moments,
    bundle=anything,
    verification=st.none()
    | st.builds(
        Verification,
        st.none() | st.booleans(),
        st.floats(0, 1e6),
        counts,
        many(anything, 8),
        anything,
        st.booleans(),
        anything,
        anything,
    ),
    closing=anything,
    closed_by=st.just("") | ids,
    closed_at=st.none() | moments,
    reason=anything,
)
"""Incidents with anything in any field."""
