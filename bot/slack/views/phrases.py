"""Facts, sources and memory in a few plain words each. No markup: the caller escapes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from bot.domain.diagnosis import RULES, Action, Diagnosis, FailureClass
from bot.domain.evidence import Evidence, Facts, Neighbour, Source, Status, Usage
from bot.domain.incident import Incident, State
from bot.domain.runbook_entry import Entry
from bot.domain.times import format_duration
from bot.slack.views.mrkdwn import DASH

STATES = {
    State.OPEN: "being looked at",
    State.PROPOSED: "waits for a decision",
    State.ACTING: "restarting",
    State.VERIFYING: "restarted, being watched",
    State.RESOLVED: "recovered",
    State.UNRESOLVED: "not recovered",
    State.IGNORED: "ignored",
    State.EXPIRED: "closed without a decision",
    State.INTERRUPTED: "not carried through",
}

_TOLD_NOWHERE_ELSE = frozenset({"logs", "changes"})
"""Sources whose answer in a few words is not on the card already."""


def moment(stamp: str) -> datetime | None:
    """Read a time as the engine writes it (RFC 3339); ``None`` for never and for anything else."""
    try:
        read = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if not 1970 < read.year < 9999:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def proposed(diagnosis: Diagnosis) -> str:
    """Say what is proposed."""
    if diagnosis.trouble is FailureClass.NONE and diagnosis.action is Action.IGNORE:
        return "No restart needed"
    if diagnosis.restart_helps is False:
        return "A restart will not help"
    return "Restart" if diagnosis.action is Action.RESTART else "No restart"


def restart_is_proposed(diagnosis: Diagnosis | None) -> bool:
    """Say whether a restart is what the diagnosis proposes."""
    return diagnosis is not None and diagnosis.action is Action.RESTART and diagnosis.restart_helps is not False


def sure(diagnosis: Diagnosis) -> str:
    """Say how sure the diagnosis is."""
    return f"{100 * min(1.0, max(0.0, diagnosis.confidence)):.0f} % sure"


def speaker(diagnosis: Diagnosis) -> str:
    """Say who made the diagnosis."""
    return "by rules" if diagnosis.by == RULES else f"Gemini ({diagnosis.by})"


def facts(evidence: Evidence) -> str:
    """Say how the container is, as of the look at it."""
    seen = evidence.facts
    if seen is None:
        return f"{DASH} (the engine did not say)"
    now = moment(evidence.gathered_at)
    parts = [
        standing(seen, now),
        f"health {seen.health}" if seen.health else "no health check",
        f"exit {ended(seen)}",
        f"memory {memory(evidence.usage)}",
        f"image {image(seen, now)}",
    ]
    return " · ".join(parts)


def standing(seen: Facts, now: datetime | None) -> str:
    """Say what the container does and for how long."""
    if seen.restarting:
        return f"restarting by itself, {seen.restart_count}× so far"
    if seen.paused or seen.status == "created":
        return "paused" if seen.paused else "never started"
    since = moment(seen.started_at if seen.running else seen.finished_at)
    span = format_duration(now - since) if now and since else DASH
    if seen.running:
        return f"running {span}" + (f", restarted {seen.restart_count}× by itself" if seen.restart_count else "")
    return f"{'stopped' if seen.status == 'exited' else seen.status or DASH} {span}{' ago' if span != DASH else ''}"


def ended(seen: Facts) -> str:
    """Say with which code the process ended; an en dash while it runs."""
    if seen.status == "created" or (seen.running and not seen.restarting):
        return f"{DASH} (out of memory before)" if seen.oom_killed else DASH
    return f"{seen.exit_code}{' (out of memory)' if seen.oom_killed else ''}"


def memory(usage: Usage | None) -> str:
    """Say how much memory is used, of its limit where there is one."""
    if usage is None or usage.memory is None:
        return DASH
    return f"{100 * usage.memory / usage.memory_limit:.0f} %" if usage.memory_limit else size(usage.memory)


def size(count: int) -> str:
    """Write bytes for people: ``312 MB``."""
    for unit, worth in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= worth:
            return f"{count / worth:.1f} {unit}" if count < 10 * worth else f"{count / worth:.0f} {unit}"
    return f"{count} B"


def image(seen: Facts, now: datetime | None) -> str:
    """Say which version of the image it is, and how old."""
    name, _, digest = seen.image.partition("@")
    tag = name.rpartition(":")[2]
    short = tag if ":" in name and "/" not in tag else digest[:19] or name or DASH
    built = moment(seen.image_created_at)
    return f"{short} ({format_duration(now - built)})" if now and built else short


def near(neighbours: Iterable[Neighbour], limit: int = 3) -> str:
    """Name the containers around it that are not well."""
    told = [
        f"{one.name} {one.health or one.status or DASH}{' (named in the log)' if one.named_in_log else ''}"
        for one in neighbours
    ]
    return some(told, limit, " · ")


def source(one: Source) -> str:
    """Say how one source of evidence answered."""
    return f"{one.name} {one.status.value}{f' ({one.detail})' if one.detail else ''}"


def source_in_short(one: Source) -> str:
    """Say how one source answered, where the card has no room for what it says above already, or behind Evidence."""
    return source(one if one.status is not Status.OK or one.name in _TOLD_NOWHERE_ELSE else replace(one, detail=""))


def some(words: Iterable[str], limit: int, between: str = ", ") -> str:
    """Name at most ``limit`` of ``words``, and how many more there are."""
    every = list(words)
    more = [f"{len(every) - limit} more"] if len(every) > limit else []
    return between.join(every[:limit] + more)


def seen_before(incident: Incident) -> str:
    """Say how often something like it was seen, when, and how it ended; ``""`` where it never was."""
    entries = [precedent.entry for precedent in incident.precedents]
    if not entries:
        return ""
    often = "once" if len(entries) == 1 else f"{len(entries)}×"
    return f"{often}{_when(entries, incident)}{_where(entries, incident)}; {_outcomes(entries)}"


def _when(entries: list[Entry], incident: Incident) -> str:
    times = [time for entry in entries if (time := moment(entry.at))]
    if len(times) < len(entries):
        return ""
    span = format_duration((incident.proposed_at or incident.opened_at) - min(times))
    return f", {span} ago" if len(entries) == 1 else f" in {span}"


def _where(entries: list[Entry], incident: Incident) -> str:
    elsewhere = sorted({entry.target for entry in entries if entry.target and entry.target != incident.target})
    if not elsewhere:
        return ""
    also = " also" if any(entry.target == incident.target for entry in entries) else ""
    return f",{also} on {some(elsewhere, 2)}"


def _outcomes(entries: list[Entry]) -> str:
    tried = [entry for entry in entries if _tried(entry)]
    held = [entry for entry in tried if entry.outcome == "resolved"]
    if held and len(held) < len(tried):
        rest = [entry for entry in entries if not _tried(entry)]
        others = f", {_outcomes(rest)}" if rest else ""
        return f"a restart held {len(held)} of {len(tried)}{others}"
    counted = Counter(outcome(entry) for entry in entries).most_common()
    if len(entries) == 1:
        return counted[0][0]
    if len(counted) == 1:
        return f"{counted[0][0]} {'both times' if len(entries) == 2 else f'all {len(entries)} times'}"
    return ", ".join(f"{how} {times}×" for how, times in counted)


def _tried(entry: Entry) -> bool:
    return entry.action == Action.RESTART.value and entry.outcome in ("resolved", "not_resolved")


def outcome(entry: Entry) -> str:
    """Say how a past incident ended."""
    restarted = entry.action == Action.RESTART.value
    match entry.outcome:
        case "resolved":
            return "a restart held" if restarted else "it recovered without a restart"
        case "not_resolved":
            return "a restart did not help" if restarted else "it did not recover"
        case "ignored":
            return "it was ignored"
        case _:
            return "its end is not known"
