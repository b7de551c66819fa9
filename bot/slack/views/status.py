"""Answers about help, open incidents, past incidents and the runbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bot.domain.eligibility import EVERYBODY
from bot.domain.incident import LIVE, Incident
from bot.domain.runbook_entry import Precedent
from bot.slack.views import mrkdwn, phrases
from bot.slack.views.blocks import Message, header, message, section, small

MOST_LISTED = 20
"""Incidents or entries in one answer; more are not read by anybody."""


MOST_IN_HOME = 100
"""Blocks in a home tab (docs.slack.dev/surfaces/app-home)."""


class ShownOverview(Protocol):
    """How things stand, as ``ports.Overview`` says it; views do not know the ports."""

    @property
    def live(self) -> tuple[Incident, ...]:
        """The live incidents."""

    @property
    def watched(self) -> tuple[str, ...]:
        """The names that the engine knows."""

    @property
    def engine(self) -> str:
        """A sentence about the engine."""

    @property
    def model(self) -> str:
        """The model, or ``""`` for none."""

    @property
    def memory(self) -> str:
        """A sentence about the runbook."""

    @property
    def allowlist(self) -> tuple[str, ...]:
        """The names that may be restarted."""

    @property
    def approvers(self) -> tuple[str, ...]:
        """The ids of users and user groups who may press Restart; ``*`` is every member of an alert channel."""

    @property
    def dry_run(self) -> bool:
        """Return True if Aegis does everything except the restart itself."""


def help_text() -> Message:
    """Return the list of commands."""
    commands = (
        ("/aegis diagnose NAME", "diagnose a container now"),
        ("/aegis status", "open incidents, watched channels, approvers"),
        ("/aegis history [NAME]", "recent incidents"),
        ("/aegis runbook WORDS", "search past incidents"),
        ("/aegis help", "this list"),
    )
    return message(
        header("What Aegis does"),
        section(
            "It reads the alerts in this channel, diagnoses the container and explains what broke. "
            "Nothing is restarted unless an approver presses *Restart*."
        ),
        section(*(f"{mrkdwn.code(command)}  {mrkdwn.prose(what)}" for command, what in commands)),
        small("Also: @aegis diagnose NAME in a thread, and “Diagnose with Aegis” in a message's menu."),
    )


def overview(standing: ShownOverview) -> Message:
    """Return the open incidents and the state of Aegis."""
    live = [section(_listed(incident)) for incident in standing.live[:MOST_LISTED]]
    left = len(standing.live) - len(live)
    return message(
        header(_count(len(standing.live), "open incident", "No open incidents")),
        *live,
        small(f"{left:,} more are open.") if left > 0 else None,
        section(
            "⚠️ *Dry run:* everything is done except the restart itself." if standing.dry_run else "",
            f"*Watched:* {_channels(standing.watched)}",
            f"*May be restarted:* {_names(standing.allowlist, 'nothing (AEGIS_RESTART_ALLOWLIST is empty)')}",
            f"*Approvers:* {_approvers(standing)}",
            f"*Engine:* {_or(standing.engine, 'none')}",
            f"*Model:* {_or(standing.model, 'none (diagnoses are rule-based)')}",
            f"*Runbook:* {_or(standing.memory, mrkdwn.DASH)}",
        ),
    )


def _channels(ids: Sequence[str]) -> str:
    """Name channels by links that Slack shows with their names; none in the settings means all."""
    return ", ".join(mrkdwn.channel(one) for one in ids) or "every channel that Aegis is in"


def history(incidents: Sequence[Incident]) -> Message:
    """List incidents, newest first as they come."""
    if not incidents:
        return message(section("No incidents yet."))
    left = len(incidents) - MOST_LISTED
    return message(
        header(_count(len(incidents), "incident", "No incident") + ", newest first"),
        *(section(_listed(incident)) for incident in incidents[:MOST_LISTED]),
        small(f"{left:,} more are not shown.") if left > 0 else None,
    )


def home(standing: ShownOverview, incidents: Sequence[Incident]) -> dict[str, Any]:
    """Return Aegis's home tab: how things stand, and what happened lately."""
    blocks = [*overview(standing).blocks, {"type": "divider"}, *history(incidents).blocks]
    return {"type": "home", "blocks": blocks[:MOST_IN_HOME]}


def closed_home(sentence: str) -> dict[str, Any]:
    """Return the home tab of a person for whom it is not; it says nothing but a sentence."""
    return {"type": "home", "blocks": message(section(mrkdwn.prose(sentence, 500))).blocks}


def recall(words: str, precedents: Sequence[Precedent]) -> Message:
    """List what the runbook remembers about ``words``, best first as it comes."""
    asked = mrkdwn.line(words, 100)
    if not precedents:
        return message(section(f"No past incident matches “{asked}”."))
    left = len(precedents) - MOST_LISTED
    return message(
        header(_count(len(precedents), "past incident", "No past incident")),
        small(f"matching “{asked}”, best match first"),
        *(section(*_entry(precedent)) for precedent in precedents[:MOST_LISTED]),
        small(f"{left:,} more are not shown.") if left > 0 else None,
    )


def _listed(incident: Incident) -> str:
    """Return an incident on two lines: when and what, and how it stands."""
    broke = mrkdwn.line(incident.diagnosis.headline if incident.diagnosis else incident.title, 120)
    seen = incident.verification
    how = phrases.STATES[incident.state]
    if seen is not None and seen.recovered:
        how += f" in {seen.seconds:.1f} s"
    approved = " and ".join(mrkdwn.mention(user) for user in incident.approved_by)
    who = f", {approved} pressed Restart" if approved else ""
    if incident.closed_by and incident.state not in LIVE and not incident.approval:
        who = f", by {mrkdwn.mention(incident.closed_by)}"
    where = f"{mrkdwn.date(incident.opened_at)} · *{mrkdwn.line(str(incident.target), 128)}*: {broke}"
    return f"{where}\n{how.capitalize()}{who}"


def _entry(precedent: Precedent) -> list[str]:
    entry = precedent.entry
    at = phrases.moment(entry.at)
    when = mrkdwn.date(at) if at else mrkdwn.line(entry.at, 40)
    why = f" ({mrkdwn.line(precedent.why, 120)})" if precedent.why.strip() else ""
    return [
        f"{when} · *{mrkdwn.line(entry.target, 128)}*{why}",
        mrkdwn.line(entry.root_cause, 300),
        f"Action: {mrkdwn.line(entry.action, 200)}; {phrases.outcome(entry)}",
    ]


def _count(number: int, one: str, none: str) -> str:
    return f"{number:,} {one}{'s' if number > 1 else ''}" if number else none


def _or(text: str, otherwise: str) -> str:
    return mrkdwn.line(text if text.strip() else otherwise, 300)


def _names(names: Sequence[str], none: str) -> str:
    return mrkdwn.line(phrases.some(sorted(names), 20) or none, 700)


def _approvers(standing: ShownOverview) -> str:
    if EVERYBODY in standing.approvers:
        channels = phrases.some([mrkdwn.channel(id_) for id_ in standing.watched], 20)
        return f"every member of {channels or 'an alert channel'}, guests and bots excepted"
    return phrases.some([mrkdwn.mention(id_) for id_ in standing.approvers], 20) or "nobody (AEGIS_APPROVERS is empty)"
