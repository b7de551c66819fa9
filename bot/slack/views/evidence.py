"""All evidence of an incident as chapters of plain lines.

They are shown in a window or a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.diagnosis import Diagnosis
from bot.domain.evidence import Evidence, Facts, LogDigest, LogLine, Usage
from bot.domain.incident import Incident
from bot.domain.runbook_entry import Precedent
from bot.slack.views import mrkdwn, phrases


@dataclass(frozen=True, slots=True)
class Chapter:
    """A title and its lines: cleaned, each on a line of its own, no markup."""

    title: str
    lines: tuple[str, ...]


def chapters(incident: Incident) -> list[Chapter]:
    """Return what was read and what was concluded; chapters without a line are left out."""
    found, read, seen = incident.diagnosis, incident.evidence, incident.verification
    sections: list[tuple[str, list[str]]] = [(f"Diagnosis of {incident.target}", _diagnosis(found) if found else [])]
    if read is not None:
        sections += _evidence(read)
    sections += [
        ("Seen before", [line for precedent in incident.precedents for line in _precedent(precedent)]),
        ("Checks since the restart", [*seen.probes, *filter(None, (seen.summary, seen.reason))] if seen else []),
        ("Alert", incident.alert_text.splitlines()),
    ]
    made = [
        Chapter(mrkdwn.plain(title, 150), tuple(_clean(line) for line in lines)) for title, lines in sections if lines
    ]
    return made or [Chapter("Evidence", ("Nothing was read yet.",))]


def _clean(line: str) -> str:
    return mrkdwn.strip_invisible(line).rstrip().replace("\n", " ⏎ ").replace("\t", "    ") or mrkdwn.DASH


def _diagnosis(found: Diagnosis) -> list[str]:
    lines = [
        f"{found.headline} ({found.trouble.value})",
        f"{phrases.suggestion(found)} · {phrases.confidence(found)} · {phrases.author(found)}",
        f"Root cause: {found.root_cause}",
        f"Why: {found.justification}",
    ]
    lines += [f"Caveat: {caveat}" for caveat in found.caveats]
    lines += [phrases.rule_based(found.why_rules)] if found.why_rules else []
    return lines + [f"Line {quote.number}: {quote.text}{_times(quote.count)}" for quote in found.quotes]


def _evidence(read: Evidence) -> list[tuple[str, list[str]]]:
    facts = read.facts
    return [
        (f"Log: {_whole(read.log)}", [_line(line) for line in read.log.lines]),
        ("State", _facts(facts, read) if facts else []),
        ("Health checks", [_one(f"{probe.at}  exit {probe.exit_code}", probe.output) for probe in facts.probes])
        if facts
        else ("Health checks", []),
        ("Resource usage", _usage(read.usage) if read.usage else []),
        (
            "Related containers",
            [
                _one(f"{one.name}: {one.status or mrkdwn.DASH}, health {one.health or mrkdwn.DASH}", one.detail)
                + (" (named in the log)" if one.named_in_log else "")
                for one in read.neighbours
            ],
        ),
        ("Events", list(read.events)),
        ("Sources", [phrases.source(one) for one in read.sources]),
    ]


def _whole(log: LogDigest) -> str:
    return f"{len(log.lines):,} of {log.total_lines:,} lines ({phrases.size(log.total_bytes)})"


def _line(line: LogLine) -> str:
    until = f" until {line.until}" if line.until else ""
    return f"{line.number:>6}  {line.text}{_times(line.count)}{until}"


def _times(count: int) -> str:
    return f"  ×{count:,}" if count > 1 else ""


def _one(first: str, more: str) -> str:
    return f"{first}  {more}" if more.strip() else first


def _facts(facts: Facts, read: Evidence) -> list[str]:
    ports = [
        f"{port.host_ip or '*'}:{port.host} to {port.container}/{port.protocol}{' (random)' if port.random else ''}"
        for port in facts.ports
    ]
    rows = (
        ("Looked", read.gathered_at),
        ("Host", facts.host),
        ("Container", facts.container_id),
        ("Image", f"{facts.image} ({facts.image_id})"),
        ("Status", f"{facts.status}, {phrases.state(read)}"),
        ("Created", facts.created_at),
        ("Started", facts.started_at),
        ("Finished", facts.finished_at),
        ("Exit", f"{facts.exit_code}{', out of memory' if facts.oom_killed else ''}"),
        ("Engine's error", facts.error),
        ("Restarts by itself", f"{facts.restart_count} (policy {facts.restart_policy or 'none'})"),
        ("Stop time-out", f"{facts.stop_timeout} s"),
        ("Memory limit", phrases.size(facts.memory_limit) if facts.memory_limit else "none"),
        ("Log driver", facts.log_driver),
        ("Networks", ", ".join(facts.networks)),
        ("Ports", ", ".join(ports)),
        *((f"Label {name}", content) for name, content in facts.labels),
    )
    return [f"{name}: {content if content.strip() else mrkdwn.DASH}" for name, content in rows]


def _usage(usage: Usage) -> list[str]:
    limit = f" of {phrases.size(usage.memory_limit)}" if usage.memory_limit else ""
    used = phrases.size(usage.memory) if usage.memory is not None else mrkdwn.DASH
    cpu = f"{usage.cpu_percent:.0f}%" if usage.cpu_percent is not None else mrkdwn.DASH
    pids = str(usage.pids) if usage.pids is not None else mrkdwn.DASH
    most = f" of {usage.pids_limit}" if usage.pids_limit else ""
    return [f"Memory: {used}{limit}", f"CPU: {cpu}", f"Processes: {pids}{most}"]


def _precedent(precedent: Precedent) -> list[str]:
    entry = precedent.entry
    return [
        f"{entry.at or mrkdwn.DASH}  {entry.target or mrkdwn.DASH}: {entry.root_cause}",
        f"    {entry.action}; {phrases.outcome(entry)}{f' ({precedent.why})' if precedent.why else ''}",
    ]
