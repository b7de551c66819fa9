"""The product's voice: short phrases for people, without markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.domain.diagnosis import RULES, Action, Diagnosis, FailureClass
from bot.domain.evidence import VERIFY_URL, Evidence, Facts, Neighbour, Source, Status, Usage
from bot.domain.incident import Incident, State
from bot.domain.runbook_entry import Entry
from bot.domain.symptoms import container_state
from bot.domain.times import format_duration

STATES = {
    State.OPEN: "being diagnosed",
    State.PROPOSED: "waiting for a decision",
    State.ACTING: "restarting",
    State.VERIFYING: "restarted, checking recovery",
    State.RESOLVED: "recovered",
    State.UNRESOLVED: "not recovered",
    State.IGNORED: "ignored",
    State.EXPIRED: "closed without a decision",
    State.INTERRUPTED: "interrupted",
}


def moment(stamp: str) -> datetime | None:
    """Read a time as the engine writes it (RFC 3339); ``None`` for never and for anything else."""
    try:
        read = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if not 1970 < read.year < 9999:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def suggestion(diagnosis: Diagnosis) -> str:
    """Return what the diagnosis suggests, as the beginning of a line."""
    if diagnosis.trouble is FailureClass.NONE and diagnosis.action is Action.IGNORE:
        return "No restart needed"
    if diagnosis.restart_helps is False:
        return "A restart will not help"
    return "Suggested: restart" if diagnosis.action is Action.RESTART else "No restart suggested"


def restart_is_proposed(diagnosis: Diagnosis | None) -> bool:
    """Return True if the diagnosis suggests a restart."""
    return diagnosis is not None and diagnosis.action is Action.RESTART and diagnosis.restart_helps is not False


def confidence(diagnosis: Diagnosis) -> str:
    """Return how confident the diagnosis is: ``86% confidence``."""
    return f"{percent(min(1.0, max(0.0, diagnosis.confidence)))} confidence"


def percent(share: float) -> str:
    """Write a share for people: ``86%``."""
    return f"{100 * share:.0f}%"


def author(diagnosis: Diagnosis) -> str:
    """Return who made the diagnosis."""
    return "rule-based" if diagnosis.by == RULES else f"Gemini ({diagnosis.by})"


def rule_based(why: str) -> str:
    """Return a sentence that says why a diagnosis is rule-based; ``""`` without a reason."""
    reason = why.strip().rstrip(".")
    if not reason:
        return ""
    return f"{reason}. This diagnosis is rule-based." if ". " in reason else f"{reason}; this diagnosis is rule-based."


def times(count: int) -> str:
    """Write how often: ``once``, ``2 times``."""
    return "once" if count == 1 else f"{count:,} times"


def state(evidence: Evidence) -> str:
    """Return the state of the container when it was looked at; what is unknown is left out."""
    seen = evidence.facts
    if seen is None:
        return "unknown (the engine did not answer)"
    now = moment(evidence.gathered_at)
    used = memory(evidence.usage)
    version = image(seen, now)
    parts = [
        activity(seen, now),
        health(seen),
        exit_code(seen),
        f"memory {used}" if used else "",
        f"image {version}" if version else "",
        "log empty" if any(one.name == "logs" and one.status is Status.EMPTY for one in evidence.sources) else "",
    ]
    return " · ".join(filter(None, parts))


def activity(seen: Facts, now: datetime | None) -> str:
    """Return what the container does and for how long."""
    if seen.restarting:
        return f"keeps restarting, {times(seen.restart_count)} so far"
    if seen.paused or seen.status == "created":
        return "paused" if seen.paused else "never started"
    since = moment(seen.started_at if seen.running else seen.finished_at)
    span = f" {format_duration(now - since)}" if now and since else ""
    if seen.running:
        return f"running{span}" + (f", restarted {times(seen.restart_count)} by itself" if seen.restart_count else "")
    return f"{'stopped' if seen.status == 'exited' else seen.status or 'not running'}{span}{' ago' if span else ''}"


def health(seen: Facts) -> str:
    """Return what the health check says; ``""`` without one."""
    return "health check starting" if seen.health == "starting" else seen.health or ""


def exit_code(seen: Facts) -> str:
    """Return the code with which the process ended; ``""`` while it runs."""
    if seen.status == "created" or (seen.running and not seen.restarting):
        return "out of memory before" if seen.oom_killed else ""
    return f"exit code {seen.exit_code}{' (out of memory)' if seen.oom_killed else ''}"


def memory(usage: Usage | None) -> str:
    """Return how much memory is used, of its limit where there is one; ``""`` where that is unknown."""
    if usage is None or usage.memory is None:
        return ""
    return percent(usage.memory / usage.memory_limit) if usage.memory_limit else size(usage.memory)


def size(count: int) -> str:
    """Write bytes for people: ``312 MB``."""
    for unit, worth in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= worth:
            return f"{count / worth:.1f} {unit}" if count < 10 * worth else f"{count / worth:.0f} {unit}"
    return f"{count} B"


def image(seen: Facts, now: datetime | None) -> str:
    """Return the version of the image and its age; ``""`` where both are unknown."""
    name, _, digest = seen.image.partition("@")
    tag = name.rpartition(":")[2]
    short = tag if ":" in name and "/" not in tag else digest[:19] or name
    built = moment(seen.image_created_at)
    return f"{short} ({format_duration(now - built)} old)".strip() if now and built else short


def related(neighbours: Iterable[Neighbour], limit: int = 3) -> str:
    """Name the related containers that are in trouble; ``""`` where none is."""
    shown = [_trouble(one) for one in container_state.neighbours_down(tuple(neighbours))]
    return some(shown, limit, " · ")


def _trouble(one: Neighbour) -> str:
    how = "unhealthy" if one.health == "unhealthy" else one.status
    return f"{one.name} {how}{' (named in the log)' if one.named_in_log else ''}"


def not_read(sources: Iterable[Source]) -> str:
    """Name the sources that failed, and why; ``""`` where all answered."""
    failed = [one for one in sources if one.status not in (Status.OK, Status.EMPTY) and one.name != VERIFY_URL]
    return ", ".join(f"{one.name} ({one.detail or one.status.value})" for one in failed[:12])


def detail_of(sources: Iterable[Source], name: str, *statuses: Status) -> str:
    """Return what the source ``name`` says if it answered with one of ``statuses``; else ``""``."""
    return next((one.detail for one in sources if one.name == name and one.status in statuses), "")


def source(one: Source) -> str:
    """Describe how one source of evidence answered."""
    return f"{one.name} {one.status.value}{f' ({one.detail})' if one.detail else ''}"


def some(words: Iterable[str], limit: int, between: str = ", ") -> str:
    """Name at most ``limit`` of ``words``, and how many more there are."""
    every = list(words)
    more = [f"{len(every) - limit} more"] if len(every) > limit else []
    return between.join(every[:limit] + more)


def seen_before(incident: Incident) -> str:
    """Return how often a similar incident was seen, when, and how it ended; ``""`` where there was none."""
    entries = [precedent.entry for precedent in incident.precedents]
    if not entries:
        return ""
    return f"Seen {times(len(entries))}{_when(entries, incident)}{_where(entries, incident)}; {_outcomes(entries)}"


def _when(entries: list[Entry], incident: Incident) -> str:
    moments = [at for entry in entries if (at := moment(entry.at))]
    if len(moments) < len(entries):
        return ""
    span = format_duration((incident.proposed_at or incident.opened_at) - min(moments))
    return f", {span} ago" if len(entries) == 1 else f" in {span}"


def _where(entries: list[Entry], incident: Incident) -> str:
    elsewhere = sorted({entry.target for entry in entries if entry.target and entry.about != incident.target})
    if not elsewhere:
        return ""
    also = " also" if any(entry.about == incident.target for entry in entries) else ""
    return f",{also} on {some(elsewhere, 2)}"


def _outcomes(entries: list[Entry]) -> str:
    tried = [entry for entry in entries if _tried(entry)]
    fixed = [entry for entry in tried if entry.outcome == "resolved"]
    if fixed and len(fixed) < len(tried):
        rest = [entry for entry in entries if not _tried(entry)]
        others = f", {_outcomes(rest)}" if rest else ""
        return f"a restart fixed it {len(fixed)} of {len(tried)} times{others}"
    counted = Counter(outcome(entry) for entry in entries).most_common()
    if len(entries) == 1:
        return counted[0][0]
    if len(counted) == 1:
        return f"{counted[0][0]} {'both times' if len(entries) == 2 else f'all {len(entries)} times'}"
    return ", ".join(f"{how} {times(count)}" for how, count in counted)


def _tried(entry: Entry) -> bool:
    return entry.action == Action.RESTART.value and entry.outcome in ("resolved", "not_resolved")


def outcome(entry: Entry) -> str:
    """Return how a past incident ended."""
    restarted = entry.action == Action.RESTART.value
    match entry.outcome:
        case "resolved":
            return "a restart fixed it" if restarted else "it recovered without a restart"
        case "not_resolved":
            return "a restart did not help" if restarted else "it did not recover"
        case "ignored":
            return "it was ignored"
        case _:
            return "the outcome is unknown"
