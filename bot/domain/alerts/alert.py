"""Reads a sender's message into an Alert and finds its targets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from bot.domain.alerts import container_table, senders, severity, status
from bot.domain.alerts.label_syntax import Pairs
from bot.domain.alerts.labels import Member, read_members
from bot.domain.alerts.message import SectionKind, SlackMessage, flatten, without_markup
from bot.domain.alerts.targets import labelled_targets, naming_pairs
from bot.domain.target import KnownTarget, Target

MAX_TITLE_CHARS = 200
MAX_TEXT_CHARS = 20_000


class Kind(StrEnum):
    """What a message is to us."""

    FIRING = "firing"
    RESOLVED = "resolved"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its sender wrote it, without markup."""

    #: Firing, resolved, or noise.
    kind: Kind
    #: First line, for the card.
    title: str
    #: Name of the monitoring system, or ``""``.
    sender: str = ""
    #: Severity that the sender states.
    severity: str = "unknown"
    #: Whole text, for reading; never used to find the target.
    text: str = ""
    #: All labelled pairs.
    labels: tuple[tuple[str, str], ...] = ()
    #: The same pairs for each alert of a group that is not resolved.
    members: tuple[Pairs, ...] = ()
    #: Log that a script sent with the alert.
    logs: str = ""


# Subtypes under which senders and e-mail speak; every other one (joins, topics, pins, deletions) is Slack's own.
_SPEAKING = frozenset({"", "bot_message", "file_share", "thread_broadcast", "me_message"})


# A mail that answers or hands on an alert is a person's, or their out-of-office notice.
_ANSWERED = re.compile(r"(?i)(?:re|aw|sv|antw|fwd?|wg): |out of (?:the )?office|auto(?:matic)?[ -]?reply|abwesen")


def read_alert(event: Mapping[str, Any]) -> Alert:
    """Read a Slack message event, or the message as it is after an edit (``message_changed``). Never raises.

    What people write is noise, whatever it says: only programs raise alerts.
    """
    message = flatten(event)
    sender = senders.sender_of(message)
    text = "\n".join(without_markup(part.text) for part in message.parts)[:MAX_TEXT_CHARS]
    title = _title(message)
    if not message.automatic or message.subtype not in _SPEAKING or not message.parts or _ANSWERED.match(title):
        return Alert(Kind.NOISE, title, sender=sender, text=text)
    quoting = senders.container_with_log(message)
    if quoting:
        # All but the name is a log line, which may say anything.
        return Alert(Kind.FIRING, title, sender, "unknown", text, (("container", quoting),))
    found = _with_sentences(list(read_members(message, sentence_first=senders.starts_with_container(message))), message)
    listed = container_table.unwell_containers(message)
    if listed:
        found = [*found[:-1], Member([*(found[-1].pairs if found else ()), *(("listed", name) for name in listed)])]
    kind = Kind(status.status_of(message, found))
    if kind is Kind.NOISE:
        return Alert(kind, title, sender=sender, text=text)
    open_members = [member for member in found if not status.is_over(member)] if kind is Kind.FIRING else found
    pairs = tuple(tuple(member.pairs) for member in open_members or found)
    everything = tuple(dict.fromkeys(pair for member in pairs for pair in member))
    stated = severity.severity_of(everything, message)
    return Alert(kind, title, sender, stated, text, everything, pairs)


def _with_sentences(found: list[Member], message: SlackMessage) -> list[Member]:
    """Add what the senders' known sentences label, where the pairs do not name a container already."""
    sentences = list(dict.fromkeys(senders.sentences(message)))
    if not sentences or any(member.get(key) for member in found for key in ("container", "container_name", "name")):
        return found
    return (
        [*found, Member(sentences)] if len(found) != 1 else [Member([*sentences, *found[0].pairs], found[0].resolved)]
    )


def find_targets(alert: Alert, inventory: Sequence[KnownTarget]) -> tuple[Target, ...]:
    """Return the targets that the alert labels, in the order in which it labels them; none is ``()``.

    A name counts where the sender puts names: a label, a field, a list of labels, the title's subject. Never in prose,
    a log line, an address, an image or a scrape job; never a name that is only like one.
    """
    if alert.kind is Kind.NOISE:
        return ()
    groups = alert.members or ((alert.labels,) if alert.labels else ())
    title = "" if alert.sender in senders.UNTITLED else alert.title
    names = labelled_targets(groups, title, inventory)
    return tuple(dict.fromkeys(known.target for name in names for known in inventory if known.name == name))


def new_members(before: Alert, after: Alert) -> Alert | None:
    """Return ``after`` with only those alerts of its group that label something new; ``None`` where none does."""
    known = {naming_pairs(member) for member in before.members}
    new = tuple(member for member in after.members if naming_pairs(member) not in known)
    return replace(after, members=new) if known and new else None


def redact_alert(alert: Alert, clean: Callable[[str], str]) -> Alert:
    """Return the alert with every text, also each label's name and value, cleaned by ``clean``."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}

    def cleaned(pairs: Pairs) -> Pairs:
        # The alerts of a group have most labels in common.
        for key, value in pairs:
            if (key, value) not in seen:
                seen[key, value] = (clean(key), _value(clean, key, value))
        return tuple(seen[pair] for pair in pairs)

    return replace(
        alert,
        title=clean(alert.title),
        sender=clean(alert.sender),
        severity=clean(alert.severity),
        text=clean(alert.text),
        logs=clean(alert.logs),
        labels=cleaned(alert.labels),
        members=tuple(cleaned(member) for member in alert.members),
    )


_PLACEHOLDER = re.compile(r"\[redacted[^\]]{0,40}\]")


def _value(clean: Callable[[str], str], key: str, value: str) -> str:
    # A secret is often known by its key alone, so both are looked at together.
    before = f"{key}="
    alone, both = clean(value), clean(before + value)
    if not both.startswith(before):
        return alone
    rest = both.removeprefix(before)
    named = _PLACEHOLDER.match(rest) if rest != alone else None
    # In a line the next word is no longer the key's; a label's value is all of it.
    return named[0] if named else rest


def similar_names(name: str, inventory_names: Sequence[str], limit: int = 3) -> tuple[str, ...]:
    """Return names that look like ``name``, best first: suggestions for people, never a target."""
    return tuple(get_close_matches(name, inventory_names, n=limit, cutoff=0.5)) if limit > 0 else ()


_NOTHING = re.compile(r"\W*")


def _title(message: SlackMessage) -> str:
    """Return the first line that says something: the text's, else a title's or header's, else the body's."""
    order = (
        SectionKind.TEXT,
        SectionKind.TITLE,
        SectionKind.HEADER,
        SectionKind.PRETEXT,
        SectionKind.BODY,
        SectionKind.FALLBACK,
        SectionKind.FIELD,
        SectionKind.CONTEXT,
    )
    for place in order:
        for part in message.at(place):
            lines = [line for line in without_markup(part.text).splitlines() if not _NOTHING.fullmatch(line)]
            lines = [line for line in lines if not senders.BRAND.fullmatch(line)]
            if (
                place is SectionKind.TEXT
                and len(lines) > 1
                and len(lines[0].split()) < 3
                and not status.state_in(lines[0])
            ):
                return f"{lines[0]}: {lines[1]}"[:MAX_TITLE_CHARS]
            if lines:
                return lines[0].strip()[:MAX_TITLE_CHARS]
    return next((without_markup(part.text)[:MAX_TITLE_CHARS] for part in message.parts), "")
