"""Where a trouble stands in its log, and what stands around it: starts, rare lines, troubles that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.domain.hard_logs.maker import Entry, Log

_STARTS = (
    *(
        "Starting {w}-service v{s}.{s}.{n} on {h8} with PID 1",
        "Active profiles: prod",
        "Loaded {s} plugins from /opt/{w}",
    ),
    *("Connecting to datastore at {w}-db:5432", "Datastore ready after {ms} ms", "Registered {n} routes"),
    *("Scheduler started with {s} jobs", "Listening on 0.0.0.0:{n}", "Ready in {f} seconds"),
)
_SETTINGS = (
    *("Mapped GET /A/B onto handler BA", "config A.B = {n}", "bean AB initialised in {ms} ms"),
    *("plugin A-B version {n} loaded", "using default for A.B", "opened A index ({n} segments)"),
    *("cipher suite A_B enabled", "migration V{n}__A_B already applied"),
)
_ORDINARY = (
    *("V A {u} for B", "A B V in {ms} ms", "V {n} A of B (lag={n}, depth={s})", "A-B worker V id={u}"),
    *("B {n}: A V", "V A with B ratio={f}"),
)
_WARNINGS = (
    *("slow A B call {ms} ms", "A quota at {s}1% of limit", "A B not found, using default"),
    *("retrying A lookup (attempt {s}/9)", "A cache entry expired, refreshed", "unexpected field B in A ignored"),
)
_ERRORS = (
    *("A import row {n} rejected: unknown B code", "validation failed for A input: B too long"),
    *(
        "client aborted A B upload",
        "could not render A of B: font missing",
        "A lookup for B {n} failed, served from cache",
    ),
)
_PASSING = (
    "W|partner {w} slow, answered in {n} ms\nE|partner call timed out after 5000 ms, fallback used {u}",
    "W|bot traffic from {ip} throttled\nW|login of {name} refused: too many attempts",
    "E|thumbnail of {h16} failed: corrupt JPEG\nW|thumbnail queue at {n}",
    "W|replica lag {n} ms\nW|stale read served for {u}",
)


def tail(log: Log, weight: float, words: Mapping[str, list[str]]) -> list[tuple[float, str, str]]:
    """Return hundreds of rare kinds of lines, some of them warnings and errors that were always there."""
    rng = log.rng
    rows = []
    for rank in range(rng.randrange(150, 500)):
        chance = rng.random()
        level, texts = ("W", _WARNINGS) if chance < 0.07 else ("E", _ERRORS) if chance < 0.12 else ("I", _ORDINARY)
        level = "D" if level == "I" and rng.random() < 0.2 else level
        names = {"V": rng.choice(words["deeds"]), "A": rng.choice(words["things"]), "B": rng.choice(words["things"])}
        rows.append((weight / (rank + 3) / 3, level, _named(rng.choice(texts), names)))
    return rows


def start(log: Log) -> None:
    if not log.program:
        for text in ("starting version {s}.{s}", "configuration loaded from /etc/{w}.conf", "listening on 0.0.0.0:{n}"):
            log.say("I", text)
        return
    for text in _STARTS[: log.rng.randrange(5, 10)]:
        log.say("I", text)
    for _ in range(0 if log.told["layout"] == "crashloop" else log.rng.randrange(10, 70)):
        names = dict(zip("AB", log.rng.sample(log.nouns, 2), strict=True))
        log.say(log.rng.choices("DIW", [2, 12, 1])[0], _named(log.rng.choice(_SETTINGS), names))


def consequences(log: Log, after: list[Entry], count: int, share: float = 0.65) -> None:
    """Pour what follows from the trouble, the first of it most, among ordinary lines."""
    groups: list[list[Entry]] = []
    for entry in after:
        if entry[0] == "R" and groups and any(one[0] != "R" for one in after):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    weights = [1 / (place + 1) for place in range(len(groups))]
    while count > 0:
        group = log.rng.choices(groups, weights)[0] if groups and log.rng.random() < share else None
        if group:
            log.block(group)
        else:
            log.quiet(1)
        count -= len(group or [1])


def passing(log: Log) -> None:
    """Tell of a trouble that ended by itself, in more than half of all logs."""
    if log.rng.random() < 0.6:
        consequences(log, log.entries(log.rng.choice(_PASSING)), log.rng.randrange(60, 400), 0.5)


def flood(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    start(log)
    log.quiet(log.rng.randrange(800, 3000))
    passing(log)
    log.quiet(log.rng.randrange(400, 3000))
    log.block(cause, mixed=True)
    log.quiet(log.told.get("lag", 0))
    consequences(log, after, log.rng.randrange(400, 3000))


def hours(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    """The cause is told once, and nothing follows from it for many thousand lines."""
    start(log)
    log.quiet(log.rng.randrange(500, 3000))
    log.block(cause, mixed=True)
    log.quiet(log.told["quiet"] // 2)
    passing(log)
    log.quiet(log.told["quiet"] // 2)
    consequences(log, after, log.rng.randrange(800, 3000))


def buried(log: Log, cause: list[Entry], _: list[Entry]) -> None:
    start(log)
    log.quiet(log.rng.randrange(2000, 4000))
    log.block(cause)
    log.quiet(log.rng.randrange(1000, 4000))


def drip(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    start(log)
    log.quiet(log.rng.randrange(600, 2000))
    for _ in range(log.told.get("count", 8)):
        log.block(cause)
        log.quiet(3)
        consequences(log, after, 2, 1.0)
        log.quiet(log.rng.randrange(150, 500))


def early(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    start(log)
    log.block(cause)
    log.quiet(log.rng.randrange(1500, 9000))
    consequences(log, after, log.rng.randrange(300, 2000))


def tail_end(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    start(log)
    log.quiet(log.rng.randrange(1500, 5000))
    log.block(cause)
    log.block(after)


def crashloop(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    for _ in range(log.rng.randrange(8, 30)):
        start(log)
        log.quiet(log.rng.randrange(0, 10))
        log.block(cause)
        log.block(after)
        log.at += 10


def prevrun(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    """The run before ended with the cause; the present one limps."""
    start(log)
    log.quiet(log.rng.randrange(2000, 6000))
    log.block(cause)
    log.at += 5
    start(log)
    consequences(log, after, log.rng.randrange(700, 1500), 0.4)


def mixed(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    """Two threads write their traces at the same time, line by line."""
    start(log)
    log.quiet(1500)
    for _ in range(5):
        traces = [list(cause), list(after)]
        while left := [trace for trace in traces if trace]:
            log.block([log.rng.choice(left).pop(0)])
            log.quiet(log.rng.random() < 0.25)
        log.quiet(300)


def grow(log: Log, cause: list[Entry], after: list[Entry]) -> None:
    """A gauge is logged now and then, until what it shows runs out."""
    start(log)
    for step in range(60):
        part = step / 59
        waiting = int(max(0.0, (part - 0.4) / 0.6) * log.told["high"])
        current = int(200 + (log.told["top"] - 200) * part)
        log.gauge = {"idle": max(0, int(12 * (1 - 2 * part))), "wait": waiting, "cur": current}
        log.block(cause)
        log.quiet(60)
    consequences(log, after, 900)


def _named(text: str, names: Mapping[str, str]) -> str:
    return "".join(names.get(sign, sign) for sign in text)
