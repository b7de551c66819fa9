"""An incident's card, for every state.

It has buttons only while a decision is needed.

Everything that Aegis says in Slack is reached through this module; the other messages are made next door, in
``notices`` and ``answers``.
"""

from __future__ import annotations

import re

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ConfirmObject

from bot.domain import recent_changes
from bot.domain.diagnosis import Diagnosis, FailureClass
from bot.domain.evidence import VERIFY_URL, Facts, Status
from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Approval, Incident, State, presses_until
from bot.domain.notices import presses_missing
from bot.domain.symptoms import container_state
from bot.domain.times import format_duration
from bot.slack.views import mrkdwn, phrases
from bot.slack.views.blocks import (
    Message,
    button,
    buttons,
    header,
    label,
    message,
    offer,
    printed,
    rediagnose,
    section,
    small,
)
from bot.slack.views.outcome import record
from bot.slack.views.replies import choose, notice, outcome
from bot.slack.views.status import closed_home, help_text, history, home, overview, recall

__all__ = [
    "Message",
    "card",
    "choose",
    "closed_home",
    "help_text",
    "history",
    "home",
    "notice",
    "outcome",
    "overview",
    "recall",
]

EVIDENCE_LINES = 5
EVIDENCE_WIDTH_CHARS = 120
PARAGRAPH_CHARS = 300
"""Characters of the root cause and of the justification; all of them are behind Evidence."""


NAME_CHARS = 40
"""Targets without a card of their own that are listed."""

DISPROOF_CHARS = 160
"""Characters of what would show that the diagnosis is wrong."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
"""Names that Docker gives to containers: what a button can carry."""


def card(incident: Incident) -> Message:
    """Return the card of ``incident`` as it stands."""
    if incident.state is State.OPEN:
        return message(
            header(f"Looking at {incident.target} …"),
            section(*_others(incident)),
            small(_asked(incident), _late(incident)),
        )
    if incident.state is State.PROPOSED:
        return message(
            header(_broke(incident)),
            section(*_others(incident)),
            *_findings(incident),
            section(*_permission(incident), _people(incident)),
            _neighbour(incident),
            _decide(incident),
            _foot(incident),
        )
    headline, lines = record(incident)
    return message(header(headline), section(*lines, *_others(incident)), *_findings(incident), _foot(incident))


def _asked(incident: Incident) -> str:
    """Return the card's trigger: a request, an alert, or a message to be looked at."""
    about = incident.title.strip() and (incident.alert_text or not incident.opened_by)
    alert = f"Alert: {mrkdwn.line(incident.title, 200)}" if about else ""
    asker = f"Asked for by {mrkdwn.mention(incident.opened_by)}" if incident.opened_by else ""
    return " · ".join(filter(None, [alert, asker]))


def _others(incident: Incident) -> list[str]:
    """Name the targets that have no card of their own, since they went down with this one."""
    if len(incident.grouped_targets) < 2:
        return []
    more = (
        f", and {len(incident.grouped_targets) - NAME_CHARS:,} more"
        if len(incident.grouped_targets) > NAME_CHARS
        else ""
    )
    listed = ", ".join(mrkdwn.line(str(target), 80) for target in incident.grouped_targets[:NAME_CHARS])
    hint = "To diagnose one of them, type /aegis diagnose NAME."
    return [
        f"*{len(incident.grouped_targets):,} targets at once.* {mrkdwn.line(incident.group_reason, 200)}",
        f"{listed}{more}",
        hint,
    ]


def _broke(incident: Incident) -> str:
    if len(incident.grouped_targets) > 1:
        return (
            f"🔴 {len(incident.grouped_targets):,} targets at once, {mrkdwn.plain(str(incident.target), 80)} among them"
        )
    found = incident.diagnosis
    sign = "⚪" if found and found.trouble is FailureClass.NONE else "🔴"
    return f"{sign} {mrkdwn.plain(str(incident.target), 80)}: {found.headline if found else 'no diagnosis'}"


def _findings(incident: Incident) -> list[Block | None]:
    """Return what was found, most important first; the same in every state."""
    found, evidence = incident.diagnosis, incident.evidence
    blocks: list[Block | None] = []
    if found is not None:
        why = mrkdwn.line(found.justification, PARAGRAPH_CHARS) if found.justification.strip() else ""
        blocks += [
            section(
                _headline(incident, found),
                mrkdwn.line(found.root_cause, PARAGRAPH_CHARS),
                f"*Why:* {why}" if why else "",
                f"*Wrong if:* {mrkdwn.line(found.disproof, DISPROOF_CHARS)}" if found.disproof.strip() else "",
                *(f"⚠️ {mrkdwn.line(caveat, 200)}" for caveat in found.caveats[:3]),
            ),
            printed(_quotes(found)),
        ]
    if evidence is None:
        blocks.append(small("*State:* unknown (nothing was read)"))
    else:
        related, seen = phrases.related(evidence.neighbours), phrases.seen_before(incident)
        changed = phrases.detail_of(evidence.sources, recent_changes.SOURCE, Status.OK)
        then = "" if incident.state is State.PROPOSED else " at diagnosis"
        blocks.append(
            small(
                f"*State{then}:* {mrkdwn.line(phrases.state(evidence), 400)}",
                f"*Changed:* {mrkdwn.line(changed, 200)}" if changed else "",
                f"*Related containers:* {mrkdwn.line(related, 300)}" if related else "",
                mrkdwn.line(seen, 300) if seen else "",
            )
        )
    return blocks


def _headline(incident: Incident, found: Diagnosis) -> str:
    """Return what is suggested, with what confidence, and by whom; once that is decided, what broke comes first."""
    suggested = phrases.suggestion(found)
    by = f"{phrases.confidence(found)} · {mrkdwn.line(phrases.author(found), 100)}"
    if incident.state is State.PROPOSED:
        return f"*{suggested}* · {by}"
    return f"*Found:* {mrkdwn.line(found.headline, 120)} · {suggested[0].lower()}{suggested[1:]} · {by}"


def _quotes(found: Diagnosis) -> list[str]:
    """Return the log lines that the diagnosis rests on, each with how often it came."""
    lines = []
    for quote in found.quotes[:EVIDENCE_LINES]:
        times = f"  ×{quote.count:,}" if quote.count > 1 else ""
        lines.append(_ends(mrkdwn.raw_line(quote.text), EVIDENCE_WIDTH_CHARS - len(times)) + times)
    return lines


def _ends(line: str, width: int) -> str:
    """Cut the middle out of a long line: its beginning says when and where, its end most often why."""
    if mrkdwn.length(line) <= width:
        return line
    head, tail = line[: width // 3], line[-(width - width // 3 - 3) :]
    # Cut between words where one ends near.
    head = head.rsplit(" ", 1)[0] if " " in head[-12:] else head
    tail = tail.split(" ", 1)[1] if " " in tail[:12] else tail
    return mrkdwn.raw_line(f"{head.rstrip()} … {tail.lstrip()}", width)


def _permission(incident: Incident) -> list[str]:
    """Return why there is no Restart button, or that this is a dry run."""
    match incident.verdict:
        case Refusal(reason=reason):
            return [f"*Cannot be restarted from here:* {mrkdwn.line(reason, 400)}"]
        case Permit() if not _restartable(incident):
            return ["*Cannot be restarted from here:* the state of the container is unknown."]
        case Permit(dry_run=True):
            return ["*Dry run:* Restart does everything except the restart itself."]
        case Permit():
            return []
        case _:
            return ["*Cannot be restarted from here:* the rules for restarts were not checked."]


def _people(incident: Incident) -> str:
    """Return how many people must press, and who has pressed for this diagnosis."""
    verdict = incident.verdict
    if not isinstance(verdict, Permit) or verdict.people == 1 or not _restartable(incident):
        return ""
    pressed = _pressed(incident)
    if not pressed:
        return f"*{verdict.people:,} approvers must press Restart*, within ten minutes of each other."
    who = " and ".join(f"{mrkdwn.mention(press.user)}, {mrkdwn.date(press.at)}," for press in pressed)
    missing = presses_missing(verdict.people - len(pressed), presses_until(pressed))
    return f"{who} pressed Restart. *{mrkdwn.prose(missing)}*"


def _pressed(incident: Incident) -> list[Approval]:
    return [press for press in incident.presses if press.digest == incident.digest]


def _restartable(incident: Incident) -> Facts | None:
    """Return the facts that an approver approves, or ``None`` where no Restart button can be honest."""
    if not isinstance(incident.verdict, Permit) or not incident.digest or incident.evidence is None:
        return None
    return incident.evidence.facts


def _neighbour(incident: Incident) -> Block | None:
    """Offer the diagnosis of the neighbour at fault; the guard decides about that one as about any other."""
    found, evidence = incident.diagnosis, incident.evidence
    at_fault = container_state.neighbour_at_fault(evidence, found.trouble) if found and evidence else None
    if found is None or at_fault is None or not _NAME.fullmatch(at_fault.name):
        return None
    name = f"*{mrkdwn.line(at_fault.name, 128)}*"
    if at_fault.name in found.root_cause:
        return offer(f"Look at {name} first.", incident, at_fault.name)
    named = ", and the log names it" if at_fault.named_in_log else ""
    return offer(
        f"{name} {mrkdwn.line(container_state.describe_neighbour(at_fault), 120)}{named}. Look there first.",
        incident,
        at_fault.name,
    )


def _decide(incident: Incident) -> ActionsBlock:
    ignore = button("Ignore", "ignore", incident, aloud=f"Ignore this incident of {incident.target}")
    others = (button("Evidence", "evidence", incident), rediagnose(incident))
    facts = _restartable(incident)
    if facts is None:
        return buttons(ignore, *others)
    if phrases.restart_is_proposed(incident.diagnosis):
        return buttons(_restart(incident, facts, f"Restart {incident.target}", style="danger"), ignore, *others)
    return buttons(ignore, *others, _restart(incident, facts, "Restart anyway"))


def _restart(incident: Incident, facts: Facts, words: str, style: str | None = None) -> ButtonElement:
    dry = isinstance(incident.verdict, Permit) and incident.verdict.dry_run
    confirm = ConfirmObject(
        title=label(f"Restart {incident.target}?", 100),
        text=label(_consequence(incident, facts, dry_run=dry), 300),
        confirm=label("Dry run" if dry else "Restart", 30),
        deny=label("Not now", 30),
        style="danger",
    )
    aloud = f"Restart the container {incident.target}"
    return button(words, "restart", incident, style=style, confirm=confirm, aloud=aloud)


def _consequence(incident: Incident, facts: Facts, *, dry_run: bool) -> str:
    """Return the consequence of a press, most important first, since the end may be cut off."""
    what = f"container {mrkdwn.plain(facts.name, 128)} on host {mrkdwn.plain(facts.host, 50)}"
    if facts.restarting:
        consequence = f"Restarts {what} once more. It keeps restarting by itself."
    elif facts.running:
        grace = f" ({facts.stop_timeout} s grace period)" if facts.stop_timeout > 0 else ""
        consequence = f"Stops {what}{grace} and starts it once."
    elif facts.status == "created":
        consequence = f"Starts {what} for the first time."
    else:
        stopped = phrases.moment(facts.finished_at)
        when = f" at {mrkdwn.utc(stopped)}" if stopped else ""
        consequence = f"Starts {what}. It stopped{when} with exit code {facts.exit_code}."
    asked = _asked_after(incident)
    if asked:
        consequence += f" Recovery is checked at {mrkdwn.plain(asked, 110)}."
    if incident.diagnosis is not None and incident.diagnosis.restart_helps is False:
        consequence += " According to the diagnosis, this will not help."
    if isinstance(incident.verdict, Permit) and incident.verdict.people - len(_pressed(incident)) > 1:
        consequence = f"Your press alone does nothing: {incident.verdict.people:,} approvers must press. {consequence}"
    return f"Dry run: nothing is restarted. {consequence}" if dry_run else consequence


def _asked_after(incident: Incident) -> str:
    """Return the address that is asked whether the target recovered, or ``""``."""
    sources = incident.evidence.sources if incident.evidence else ()
    return next((one.detail for one in sources if one.name == VERIFY_URL and one.status is not Status.DENIED), "")


def _foot(incident: Incident) -> Block | None:
    found, evidence = incident.diagnosis, incident.evidence
    lines = []
    if evidence is not None:
        failed = phrases.not_read(evidence.sources)
        refused = phrases.detail_of(evidence.sources, VERIFY_URL, Status.DENIED)
        looked = phrases.moment(evidence.gathered_at)
        not_read = f"*Not read:* {mrkdwn.line(failed, 600)}" if failed else ""
        as_of = f"{'as' if failed else 'As'} of {mrkdwn.date(looked)}" if looked else ""
        lines.append(" · ".join(filter(None, (not_read, as_of))))
        lines.append(f"*Health URL not used:* {mrkdwn.line(refused, 200)}" if refused else "")
    if found is not None:
        lines.append(mrkdwn.line(phrases.rule_based(found.why_rules), 250) if found.why_rules.strip() else "")
        lines.append(f"Model: {found.tokens:,} tokens in {found.seconds:.1f} s" if found.tokens > 0 else "")
    if incident.alerts > 1:
        lines.append(f"{incident.alerts:,} alerts since {mrkdwn.date(incident.opened_at)}")
    if incident.flap_count > 0:
        lines.append(f"Flapping: fired again {phrases.times(incident.flap_count)} soon after it recovered")
    lines.append(_late(incident))
    if incident.opened_by:
        lines.append(_asked(incident))
    return small(*lines)


def _late(incident: Incident) -> str:
    """Return that the alert was read late, if it was."""
    if not incident.late or incident.sent_at is None:
        return ""
    return f"Late: sent {mrkdwn.date(incident.sent_at)}, read {format_duration(incident.late)} later"
