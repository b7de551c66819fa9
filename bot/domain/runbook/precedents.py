"""Finds the runbook entries that are precedents for an incident.

What stands in the runbook is data. Nothing of it is executed or trusted; what is taken out to be shown is cleaned,
redacted and cut first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b

from bot.domain.logs.line import Level, level_of, message_of
from bot.domain.redaction.redact import redact
from bot.domain.runbook.json_format import strip_controls
from bot.domain.runbook.ranking import LINE_CHARS, LINES, EntryIndex, Listed, Ranking, entry_text, weigh
from bot.domain.runbook_entry import Entry, Precedent

FITS = 0.5
"""From this fit (0 to 1) on an entry is a precedent. Measured on the logs of 63 causes that runbooks of 117 and 500
entries hold and of 23 that they do not: every recurrence in the same program stays, more than half in another."""

NEAR = 0.35
"""The share of the best one's score from which on another entry is worth showing beside it."""

KNOWN = 0.9
"""What the fit of an entry counts that is brought up by its symptom alone."""

TELLING, ALIKE = 20, 3
"""A symptom that more entries have tells no trouble from another; a line of those that name no symptom."""

CLOSE = 30
"""Entries that are looked at whole, for a way in which they were brought up."""

MENTIONED = 2_000
"""The newest entries with a word that are weighed in a search by words."""

SHOWN, LINE, WORD = 600, 300, 120
"""Characters of a sentence, a log line and a name that are shown of an entry."""

ASKED = 30
"""Lines of a log that are worth asking about: among ten, one in ten causes is lost in the noise of other errors."""

EVIDENCE = 10
"""Lines that an entry keeps and shows."""

_FADE = 20.0  # days: 93.8 % of what recurs does so within 20 days (RCACopilot, EuroSys 2024)
_OUTCOME_WEIGHTS = {"resolved": 1.0, "not_resolved": 1.0, "ignored": 0.98, "": 0.98}
_VAGUE = ("", "unknown", "none")
_VARYING = re.compile(
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,30}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b"
    r"|(?<![A-Za-z_\d])\d+(?:[.:,]\d+)*"
)


def comparable_line(line: str) -> str:
    """Return a log line without its head and with numbers and ids as ``<n>``, so that it is the same every time."""
    return _VARYING.sub("<n>", message_of(strip_controls(line)[:LINE_CHARS])).strip()[:LINE]


def find_precedents(
    entries: Sequence[Entry],
    *,
    target: str,
    lines: Sequence[str],
    trouble: str = "",
    now: datetime,
    limit: int = 3,
    least: float = FITS,
) -> tuple[Precedent, ...]:
    """Return the entries that fit a log, best first; none where nothing fits.

    ``lines`` are the log's telling lines, ``trouble`` the class that the facts prove, ``least`` the fit (0 to 1) below
    which an entry is no precedent; 0 returns the nearest whatever they are. The same symptom of the same target comes
    first; then the text decides, and class, age and outcome between near equals.
    """
    shelf = _shelf(entries)
    read = lines[:LINES]
    ranking = Ranking(shelf, weigh(read))
    symptoms = {comparable_line(line) for line in read} - {""}
    again = _again(shelf, symptoms, target)
    known = again | set(shelf.marked(_telling_marks(shelf, "symptom", symptoms, TELLING), CLOSE))
    blind = set(shelf.marked([_mark("class", target, trouble)], CLOSE) if _may_be_blind(lines, target, trouble) else ())
    ranking.also(shelf, known)
    fits = {number: ranking.fit(number) for number in (*list(ranking.ranked)[:3], *known)}
    anything = max((fits[number] for number in list(ranking.ranked)[:3]), default=0.0)
    near = [
        number for number, share in ranking.ranked.items() if anything >= least and share >= (NEAR if least else 0.0)
    ]
    found: list[tuple[bool, float, int]] = []
    those = shelf.chosen({*near[:CLOSE], *known, *blind})
    for number, entry in those.items():
        alike = entry.trouble == trouble and trouble not in _VAGUE
        text = 1.0 if number in again else anything * ranking.ranked.get(number, 0.0)
        if number in known:
            text = max(text, KNOWN * fits[number])
        if number in blind:
            text = max(text, 0.7)
        certainty = 1.0 if alike or number in again else 0.93
        score = text * certainty * _fresh(entry, now) * _OUTCOME_WEIGHTS.get(entry.outcome, 0.98)
        found.append((number in again, score, number))
    found.sort(reverse=True)
    return tuple(
        Precedent(
            redact_entry(those[number]), round(score, 4), _why(ranking, those[number], number, target, trouble, again)
        )
        for _, score, number in found[:limit]
    )


def entry_marks(entry: Entry) -> frozenset[str]:
    """Return the marks by which an entry is known again: its symptom, alone and with its target; target and class.

    One written by hand may have evidence only; then each loud line stands for a symptom, with its target alone.
    """
    found = set()
    if entry.symptom:
        found = {_mark("symptom", "", entry.symptom), _mark("again", entry.target, entry.symptom)}
    else:
        for symptom in {comparable_line(line) for line in entry.evidence if _is_loud(line)} - {""}:
            found |= {_mark("line", "", symptom), _mark("heard", entry.target, symptom)}
    if entry.trouble not in _VAGUE:
        found.add(_mark("class", entry.target, entry.trouble))
    return frozenset(found)


def _again(shelf: EntryIndex, symptoms: Iterable[str], target: str) -> set[int]:
    """Return the entries of this target with one of the symptoms."""
    if not target:
        return set()
    marks = [_mark("again", target, symptom) for symptom in symptoms]
    # A loud line that many entries hold is no symptom of any of them.
    lines = _telling_marks(shelf, "line", symptoms, ALIKE)
    marks += [_mark("heard", target, symptom) for symptom in symptoms if _mark("line", "", symptom) in lines]
    return set(shelf.marked(marks, CLOSE))


def _telling_marks(shelf: EntryIndex, kind: str, symptoms: Iterable[str], most: int) -> list[str]:
    """Return the marks of the symptoms that so few entries have that they tell one trouble from another."""
    times = shelf.held([_mark(kind, "", symptom) for symptom in symptoms])
    return [mark for mark, count in times.items() if count <= most]


def _mark(kind: str, target: str, symptom: str) -> str:
    # A word of the index: letters and digits with a low line, which no word of a text has.
    return f"{kind}_{blake2b(f'{target}{chr(0)}{symptom}'.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _may_be_blind(lines: Sequence[str], target: str, trouble: str) -> bool:
    return not lines and bool(target) and trouble not in _VAGUE


def _shelf(entries: Sequence[Entry]) -> EntryIndex:
    return entries if isinstance(entries, EntryIndex) else _listed(tuple(entries))


@lru_cache(maxsize=2)
def _listed(entries: tuple[Entry, ...]) -> Listed:
    return Listed(entries, entry_marks)


def _is_loud(line: str) -> bool:
    return level_of(line) >= Level.ERROR


def search_entries(entries: Sequence[Entry], words: str, now: datetime, limit: int = 5) -> tuple[Precedent, ...]:
    """Return the entries that hold any of the words, also as part of a word, best first: rare words count more."""
    wanted = list(dict.fromkeys(words.casefold().split()))[:20]
    among = entries.mentioning(wanted, MENTIONED) if isinstance(entries, EntryIndex) else entries
    texts = [entry_text(entry) for entry in among]
    held = {word: sum(word in text for text in texts) for word in wanted}
    worth = {word: math.log(1 + len(entries) / held[word]) for word in wanted if held[word]}
    total = sum(worth.values()) + sum(1 for word in wanted if not held[word])
    found = []
    for number, (entry, text) in enumerate(zip(among, texts, strict=True)):
        hits = [word for word in worth if word in text]
        if hits:
            score = sum(worth[word] for word in hits) / total * _fresh(entry, now)
            found.append((score, number, f"{len(hits)} of {len(wanted)} words"))
    found.sort(reverse=True)
    return tuple(Precedent(redact_entry(among[number]), round(score, 4), why) for score, number, why in found[:limit])


def redact_entry(entry: Entry) -> Entry:
    """Return an entry as it may be shown or stored: without controls and secrets, every text cut to a length."""
    return replace(
        entry,
        root_cause=_shown(entry.root_cause, SHOWN),
        action=_shown(entry.action, WORD),
        justification=_shown(entry.justification, SHOWN),
        at=_shown(entry.at, WORD),
        target=_shown(entry.target, WORD),
        image=_shown(entry.image, LINE),
        symptom=_shown(entry.symptom, LINE),
        trouble=_shown(entry.trouble, WORD),
        evidence=tuple(_shown(line, LINE) for line in entry.evidence[:EVIDENCE]),
        diagnosed_by=_shown(entry.diagnosed_by, WORD),
        approved_by=_shown(entry.approved_by, WORD),
        ignored_by=_shown(entry.ignored_by, WORD),
        verification=_shown(entry.verification, LINE),
    )


def _shown(text: str, limit: int) -> str:
    """Clean and redact before the end is cut off, so that no half of a secret is left there."""
    redacted = redact(strip_controls(text[: 4 * limit]))
    return redacted if len(redacted) <= limit else f"{redacted[: limit - 1]}…"


def _fresh(entry: Entry, now: datetime) -> float:
    """Return 1 for what just happened, falling to 0.95 for what is long ago or of no known time."""
    try:
        at = datetime.fromisoformat(entry.at)
    except ValueError:
        return 0.95
    days = (now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds() / 86_400
    return 0.95 + 0.05 * math.exp(-max(0.0, days) / _FADE)


def _why(ranking: Ranking, entry: Entry, number: int, target: str, trouble: str, again: Container[int]) -> str:
    concepts, rare = ranking.shared(number)
    words = ["same container"] if entry.target == target != "" else []
    words += ["same symptom"] if number in again else []
    words += [f"same class ({trouble})"] if entry.trouble == trouble and trouble not in _VAGUE else []
    words += [f"both about {', '.join(concepts[:3])}"] if concepts else []
    words += [f"{rare} telling word{'s' if rare > 1 else ''} shared"] if rare and number not in again else []
    return "; ".join(words) or "similar words"
