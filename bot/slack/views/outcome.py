"""The result of a decision on a card."""

from __future__ import annotations

from pathlib import PurePath

from bot.domain.incident import Incident, State
from bot.slack.views import mrkdwn


def record(incident: Incident) -> tuple[str, list[str]]:
    """Return the card's headline (any text) and its record (lines of mrkdwn) for a state after PROPOSED."""
    name = mrkdwn.plain(str(incident.target), 100)
    match incident.state:
        case State.ACTING:
            return f"🔄 {name}: restarting", [_pressed(incident), _what_happens(incident)]
        case State.VERIFYING:
            return f"🔎 {name}: restarted, checking recovery", [_pressed(incident), _so_far(incident)]
        case State.RESOLVED:
            how = "recovered" if incident.approval else "recovered without action"
            return f"✅ {name}: {how}", [went(incident), _pressed(incident), _saved(incident)]
        case State.UNRESOLVED:
            return f"🔴 {name}: not recovered", [went(incident), _pressed(incident), _saved(incident)]
        case State.IGNORED:
            return f"⚪ {name}: ignored", [_closed(incident)]
        case State.EXPIRED:
            again = f"To look again: {mrkdwn.code(f'/aegis diagnose {name}', 150)}"
            return f"⚪ {name}: closed without a decision", [_closed(incident), again]
        case _:
            return _not_through(incident, name)


def went(incident: Incident) -> str:
    """Return the result of the restart in one line, with the numbers."""
    seen = incident.verification
    closing = mrkdwn.line(incident.closing, 500) if incident.closing.strip() else ""
    if seen is None or seen.recovered is None:
        return closing
    if seen.recovered:
        summary = f": {mrkdwn.line(seen.summary, 300)}" if seen.summary.strip() else ""
        return f"Recovered in {seen.seconds:.1f} s{summary}. {closing}".rstrip()
    why = mrkdwn.line(seen.reason, 400) if seen.reason.strip() else "recovery was not confirmed"
    probes = f" Probes: {mrkdwn.line(seen.summary, 300)}." if seen.summary.strip() else ""
    return f"Not recovered: {why.rstrip('.')}.{probes} {closing}".rstrip()


def _pressed(incident: Incident) -> str:
    if incident.approval is None:
        return ""
    who = " and ".join(mrkdwn.mention(user) for user in incident.approved_by)
    return f"{who} pressed Restart, {mrkdwn.date(incident.approval.at)}."


def _what_happens(incident: Incident) -> str:
    facts = incident.evidence.facts if incident.evidence else None
    host = f" on {mrkdwn.line(facts.host, 80)}" if facts and facts.host.strip() else ""
    wait = f" ({facts.stop_timeout:d} s to shut down)" if facts and facts.stop_timeout > 0 else ""
    what = f"{mrkdwn.line(str(incident.target), 128)}{host}"
    return f"The crash evidence is saved first; then {what} is restarted once{wait}."


def _so_far(incident: Incident) -> str:
    seen = incident.verification
    if seen is None or not seen.probes:
        return "Checking recovery. The result will be posted in this thread."
    so_far = mrkdwn.line(", ".join(seen.probes[-5:]), 300)
    return f"Checking recovery, so far: {so_far}. The result will be posted in this thread."


def _saved(incident: Incident) -> str:
    """Name the file of the crash evidence: its whole path takes four lines on a phone."""
    name = PurePath(incident.bundle).name
    return f"Crash evidence on Aegis's host: {mrkdwn.code(name, 200)}" if name else ""


def _closed(incident: Incident) -> str:
    """Return who closed it, when and why. ``Ignored.`` is left out, since the headline has it."""
    closing = mrkdwn.line(incident.closing, 500) if incident.closing.strip() not in ("", "Ignored.") else ""
    by = f"by {mrkdwn.mention(incident.closed_by)}" if incident.closed_by else ""
    at = mrkdwn.date(incident.closed_at) if incident.closed_at else ""
    who = ", ".join(filter(None, (by, at)))
    why = f"Reason: {mrkdwn.line(incident.reason, 500)}" if incident.reason.strip() else ""
    return "\n".join(filter(None, (closing, f"Closed {who}." if who else "", why)))


def _not_through(incident: Incident, name: str) -> tuple[str, list[str]]:
    """Return the headline and lines of an interrupted restart. Without a restart time, none was sent."""
    sent = incident.restarted_at is not None
    headline = f"❔ {name}: interrupted, needs a manual check" if sent else f"⚪ {name}: not restarted"
    unsaid = "The restart was interrupted, and how it ended is not known." if sent else "Nothing was restarted."
    closing = mrkdwn.line(incident.closing, 500) if incident.closing.strip() else unsaid
    return headline, [closing, _pressed(incident), _saved(incident)]
