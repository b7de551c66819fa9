"""Versions, identities or formats that disagree."""

from __future__ import annotations

import re

from bot.domain.concepts.names import quoted, versions
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_NOUN = re.compile(
    r"(?i)\b(?:versions?|formats?|layouts?|schemas?|releases?|builds?|kinds?|generations?|protocols?|api|levels?"
    r"|revisions?|editions?|magic|page ?sizes?|block ?sizes?|encodings?|collations?|locales?"
    r"|catalog|major|minor|abi|migrations?|snapshots?|upgrades?|downgrades?|compatib\w+|incompatib\w+"
    r"|featurecompatibilityversion)\b"
)
_IDENTITY = re.compile(
    r"(?i)\b(?:id|ids|uuid|guid|member|cluster ?(?:id|name|uuid)|node ?(?:id|name)|identity|owner|name|broker\.?id"
    r"|server.?id|network|chain|genesis|tenant|realm|setting|settings|option|configured|type|mode|index kind"
    r"|engine)\b"
)
_DISAGREE = re.compile(
    r"(?i)\b(?:mismatch\w*|(?:does|do|did) not match|doesn't match|don't match|not (?:the same|equal|identical"
    r"|compatible|supported)|incompatib\w+|unsupported|differs?(?: from)?|different|disagree\w*"
    r"|(?:is |are |was )?(?:newer|older|higher|lower|greater|later|more recent) than|too (?:old|new|high|low)"
    r"|ahead of|behind|up to|at (?:most|least)|no (?:longer|way back)|cannot (?:be )?(?:downgrad\w+|upgrad\w+"
    r"|read|open|handle|load)"
    r"|can't handle|will not (?:open|load|start)|must be (?:upgraded|migrated|converted)|upgrade (?:from|to|path|is"
    r"|first)|downgrad\w+"
    r"|expect(?:s|ed|ing)?|instead of|(?:but|while|and|,) (?:this|the|it|our|your|yours)\b.{0,60}\b(?:is|are|was"
    r"|supports?|understands?|reads?|knows?|needs?|requires?|has|wants?)"
    r"|needs? to be|has to be|have to be|requires?|is needed|yours is|belongs to|was (?:created|made|written"
    r"|initiali[sz]ed|saved) (?:by|with|in|for)|(?:created|written|made) by an? (?:newer|older|later|future"
    r"|different)"
    r"|an? (?:newer|older|earlier|later|future|previous|different) (?:version|build|release|format|schema|layout))\b"
)
_REFUSAL = re.compile(
    r"(?i)\b(?:cannot|can't|could not|unable|refus\w+|reject\w+|will not|won't|not (?:supported|compatible|possible"
    r"|allowed|loaded|opened)|unsupported|incompatib\w+|mismatch\w*|abort\w*|leaving|exit\w*|giving up"
    r"|fail\w*|invalid|must|needs?|requires?|needed|no way|has to|have to|error|fatal|too (?:old|new)|only|up to"
    r"|at most|expected|older|newer|downgrad\w+)\b"
)
_NUMBER = re.compile(r"(?<![\w.:/-])v?(\d{1,6}(?:\.\d{1,6}){0,3})(?![\w:/]|\.\d)")
_STORED = re.compile(
    r"(?i)\b(?:data|database|disk|file|files|directory|folder|volume|store[ds]?|snapshot|pages?|index|table|schema"
    r"|dump|journal|wal|backup|state|image)\b"
)


def read_disagreement(text: str) -> Reading | None:
    """Return that two values of one thing disagree and the program refuses, or ``None``."""
    if not (_DISAGREE.search(text) and _REFUSAL.search(text)):
        return None
    noun, identity = _NOUN.search(text), _IDENTITY.search(text)
    if not noun and not identity:
        return None
    values = _pair(text)
    named = len(values) >= 2
    if not named and not (
        noun and re.search(r"(?i)\b(?:versions?|formats?|schemas?|layouts?|builds?|releases?)\b", text)
    ):
        return None
    if (
        named
        and not noun
        and not re.search(
            r"(?i)\b(?:yours is|belongs to|instead of|expect\w*|mismatch\w*|not match|differs?|has to be|must be)\b",
            text,
        )
    ):
        return None
    of_version = noun is not None
    first, second = (*values, "", "")[:2]
    kind = noun[0].lower() if noun else identity[0].lower() if identity else "value"
    if named:
        cause = f"Two values disagree ({kind}): {first} and {second}; the program refuses to go on."
    elif values:
        cause = f"The {kind} {first} does not fit this release."
    else:
        cause = "Stored data or a partner is of another version than this release can work with."
    return Reading(
        concept="disagreement",
        trouble=FailureClass.BAD_RELEASE if of_version else FailureClass.CONFIG_ERROR,
        headline="versions do not fit" if of_version else "settings disagree with stored data",
        cause=cause,
        remedy="Run the version that wrote the data, or upgrade the data as the program's manual describes."
        if of_version
        else "Correct the setting, or mount the data that belongs to it.",
        restart_helps=False,
        weight=(0.66 if named else 0.58)
        + (0.08 if _STORED.search(text) else 0)
        + (0.06 if of_version and named else 0),
        names=values[:2],
    )


def _pair(text: str) -> tuple[str, ...]:
    """Return the values that disagree: versions, else numbers, else quoted words."""
    for values in (versions(text), tuple(dict.fromkeys(match[1] for match in _NUMBER.finditer(text))), quoted(text)):
        if len(values) >= 2:
            return values[:3]
    return (*versions(text),) or tuple(dict.fromkeys(match[1] for match in _NUMBER.finditer(text)))[:1]
