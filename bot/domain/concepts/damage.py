"""Stored data or input that is damaged or not as expected."""

from __future__ import annotations

import re

from bot.domain.concepts.names import first_path, is_config_path, quoted
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_OBJECT = (
    r"(?:tables?|pages?|blocks?|parts?|pieces?|segments?|records?|rows?|entries|files?|index(?:es)?|journal|wal|log"
    r"|snapshot|messages?|payload|database|image|volume|store|data(?:file|base| ?set)?|metadata|header"
    r"|checkpoint|manifest|tablespace|archive|chunk|superblock|inode|keystore|partition|ledger|state|cache|sums?"
    r"|checksums?|backup|dump|tree|object|repository)"
)
_BROKEN = (
    r"(?:corrupt\w*|damaged|broken|malformed|truncated|inconsistent|not (?:whole|complete|intact|consistent"
    r"|readable)|incomplete|torn|unreadable|invalid|bad|mismatch\w*|garbled|crashed"
    r"|(?:does|do|did) not match|cannot be (?:read|decoded|parsed|opened|recovered)|missing)"
)
_DAMAGE = re.compile(rf"(?i)\b{_BROKEN}\b.{{0,50}}\b{_OBJECT}\b|\b{_OBJECT}\b.{{0,70}}\b{_BROKEN}\b")
_CERTAIN = re.compile(
    r"(?i)\bcorrupt\w*|\bchecksums?\b.{0,60}\b(?:mismatch|fail|wrong|invalid|not match|error)|\b(?:crc"
    r"|checksum) (?:error|mismatch|failed|failure)|\bbad magic|\binvalid magic|\bmagic number\b|\bmalformed\b"
    r"|\btruncated\b|\bdamaged\b|not (?:whole|intact)\b|(?:do|does) not match their (?:sums|checksums)"
    r"|\bcould not read block|\btorn page|\bnot a database\b|\bunexpected eof\b.{0,40}\b(?:read|file|data)"
    r"|\bcan(?:no|')t? (?:be )?recover"
)
_INPUT = re.compile(
    r"(?i)\b(?:deserializ\w*|unmarshal\w*|decod(?:e|ing)|pars(?:e|ing)|tokeniz\w+)\b.{0,80}\b(?:error|fail\w*"
    r"|exception|invalid|unexpected|cannot|could not)|\b(?:error|fail\w*|cannot|could not|unable to"
    r"|invalid)\b.{0,40}\b(?:deserializ\w*|unmarshal\w*|decode|parse)\b"
    r"|\bunexpected (?:character|byte|end of (?:json|input|data|file|stream))|\binvalid (?:json|utf-?8"
    r"|byte sequence|date|timestamp|xml|record|row|literal)\b|\bnot well-formed\b|\bviolates (?:unique|foreign"
    r"|not.null|check)|\bduplicate (?:key|entry)\b"
    r"|\bconstraint (?:failed|violation)|\boffset .{0,40}\b(?:out of range|not available|no longer)"
    r"|\b(?:not available|no longer available|was (?:cleared|deleted|removed|purged"
    r"|compacted))\b.{0,40}\b(?:offset|entry|position|place|segment)"
    r"|\b(?:offset|entry|position|place|segment|revision)\b.{0,60}\b(?:not available|no longer available"
    r"|was (?:cleared|deleted|removed|purged|compacted)|is gone|too old)|\bnumberformat|\bvalue too long"
    r"|\bout of range\b"
)
_IN_MEMORY = re.compile(
    r"(?i)double free|heap corrupt|corrupted (?:size|top|unsorted|double)|free\(\):|malloc|index out of (?:range"
    r"|bounds)"
)
_EMPTY_STORE = re.compile(
    r"(?i)\bhas (?:entries|data|files) (?:and|but) no\b|\bno (?:base|snapshot|manifest|superblock|valid (?:image"
    r"|checkpoint|snapshot))\b"
)


def read_damage(text: str) -> Reading | None:
    """Return that data is damaged or not as expected, or ``None``."""
    path = first_path(text)
    if is_config_path(path) or _IN_MEMORY.search(text):
        return None
    certain = _CERTAIN.search(text)
    if certain or _DAMAGE.search(text) or _EMPTY_STORE.search(text):
        what = path or next(iter(quoted(text)), "")
        return Reading(
            concept="damage",
            trouble=FailureClass.DATA_ERROR,
            headline="stored data is damaged",
            cause=f"Stored data is damaged or incomplete: {what}." if what else "Stored data is damaged or incomplete.",
            remedy="Restore it from a backup, or repair it as the program's manual describes. Keep a copy first.",
            restart_helps=False,
            weight=0.8 if certain else 0.56,
            names=(what,) if what else (),
        )
    if _INPUT.search(text):
        return Reading(
            concept="unreadable-input",
            trouble=FailureClass.DATA_ERROR,
            headline="a record cannot be processed",
            cause=f"The program cannot process data that it reads{f' ({path})' if path else ''}.",
            remedy="Set the record aside, and correct what sends it.",
            restart_helps=False,
            weight=0.6,
            names=(path,) if path else (),
        )
    return None
