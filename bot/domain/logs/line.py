"""Parses a log line into shape, level, time, words and text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum

from bot.domain.unseen import UNSEEN

# Digits and lower-case hex digits carry ids and numbers; what is left of a line when they are deleted is its shape.
# ``bytes.translate`` does that at memory speed, for a whole block of lines at once.
SHAPELESS = b"0123456789abcdef\r\x00"
# Numbers that tell trouble: the status after the quoted request of an access log, bunyan's and pino's levels.
_LOUD_NUMBERS = (re.compile(rb'"level":[56]'), re.compile(rb'" 5'))
_HAS_LOUD_NUMBERS = (re.compile(rb'"level":\d'), re.compile(rb'" \d{3}\b'))
_LOUD_WORDS = (b"error", b"fatal", b"panic", b"crit", b"warn", b"sever", b"emerg", b"except")
LOUD = re.compile(rb'(?i)%b|"level":[456]0' % b"|".join(_LOUD_WORDS))
# A word ends where a value of any format ends.
_PAIR_ENDS = re.compile(rb"[,;&]\s*")
# A word, and as many after it as could be names of a value: a field, an option, a scheme before a credential.
_NAMELESS = re.compile(
    rb"(?i)\S*+\s++(?:(?>\S*[:=]|-\S*|\S*(?:pass|word|secret|token|key|bearer|basic|auth)\S*)?\s*+\S++\s++){2}"
)
_LAST_WORD = re.compile(rb"[\s,;&{(\[]+[^\s,;&]*\Z")
_TO_LETTERS = bytes(sign if sign >= 128 or chr(sign).isalpha() else 32 for sign in range(256))
SHOWN_CHARS = 600
READ_BYTES = 4_096

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_-])")
_CONTROL = re.compile(rf"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e{UNSEEN}]")
_CLASS = bytes.maketrans(b"123456789" + bytes(range(65, 91)) + bytes(range(97, 123)), b"0" * 9 + b"A" * 26 + b"a" * 26)


class Level(IntEnum):
    """How loud a line is by its own account. ``NONE`` is a line that gives no level."""

    DEBUG = 0
    INFO = 1
    NONE = 2
    WARN = 3
    ERROR = 4
    FATAL = 5


_NAMES = {
    "trace": Level.DEBUG,
    "debug": Level.DEBUG,
    "verbose": Level.DEBUG,
    "fine": Level.DEBUG,
    "info": Level.INFO,
    "information": Level.INFO,
    "informational": Level.INFO,
    "notice": Level.INFO,
    "note": Level.INFO,
    "log": Level.INFO,
    "system": Level.INFO,
    "warn": Level.WARN,
    "warning": Level.WARN,
    "err": Level.ERROR,
    "error": Level.ERROR,
    "fail": Level.ERROR,
    "severe": Level.ERROR,
    "crit": Level.FATAL,
    "critical": Level.FATAL,
    "fatal": Level.FATAL,
    "panic": Level.FATAL,
    "alert": Level.FATAL,
    "emerg": Level.FATAL,
    "emergency": Level.FATAL,
}
_LETTERS = {"T": Level.DEBUG, "D": Level.DEBUG, "V": Level.DEBUG, "I": Level.INFO, "N": Level.INFO, "W": Level.WARN}
_LETTERS |= {"E": Level.ERROR, "F": Level.FATAL, "C": Level.FATAL, "P": Level.FATAL}
_NAME = "|".join(sorted(_NAMES, key=len, reverse=True))
# A field that carries the level: JSON, logfmt, ECS, GELF, journald. Numbers are bunyan's and pino's tens or syslog's.
_FIELD = re.compile(
    r"""(?ix) (?:^|["'\s{,])@?(?:log\.)?(?:level(?:name)?|lvl|severity(?:_?text)?|loglevel|priority|s|l)["']?\s*[:=]\s*
    ["']?(\d{1,2}\b|[a-z]+)"""
)
# A level in the head of a text line: upper case anywhere, any case where brackets, pipes or a colon set it off.
_UPPER = re.compile(rf"(?<![\w.-])({_NAME.upper()})(?![\w-]|\.\w)")
_MARKED = re.compile(
    rf"(?i)[\[<(|]\s*\w{{0,24}}:?({_NAME})\w{{0,3}}\s*[\]>)|]|(?:^|[\s\]])({_NAME})\w{{0,3}}(?:\[\d+\])?:\s"
)
_FIRST = re.compile(
    r"^(?:([A-Z])\d{4} \d\d:\d\d|([A-Z]), \[|\[([A-Z]) \d|<(\d{1,3})>|.{0,40}?\d\d:\d\d:\d\d\S* ([TDVINWEFCP])[ /])"
)
# A level in any case right after the time that a line begins with.
_AFTER_TIME = re.compile(
    r"(?i)^(?:[\[(]?\d[\d:.,/+TZ-]+[\])]?\s+){1,3}(trace|debug|info|warn|warning|err|error|crit|critical|fatal)\s"
)
_REDIS = re.compile(r"^\d+:[MCSX] \d.{8,30}? ([.*#-]) ")
_ACCESS = re.compile(r'HTTP/\d(?:\.\d)?" (\d{3})\b')
_REDIS_LEVELS = {".": Level.DEBUG, "-": Level.DEBUG, "*": Level.INFO, "#": Level.WARN}
_TENS = (*(Level.DEBUG,) * 3, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)
_SYSLOG = (*(Level.FATAL,) * 3, Level.ERROR, Level.WARN, Level.INFO, Level.INFO, Level.DEBUG)

_CLOCK = re.compile(r"(?<![\d:])([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?!\d|:)")
_EPOCH = re.compile(r"(?<![\d.])(1[5-9]\d{8}|2[01]\d{8})(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\d])")
# Where a structured line holds several of these fields, the first in this order is its message.
_MESSAGES = tuple(
    re.compile(
        rf"""(?x) ["']?(?<![\w.-])(?:{names})["']?\s*[:=]\s*
        (?: "((?:[^"\\]|\\.)*)"? | '((?:[^'\\]|\\.)*)'? )"""
    )
    for names in ("msg|message|MESSAGE|short_message|@mt", "event|log|text|body")
)
_HEAD = re.compile(
    rf"""(?x) ^\s*(?:
      \[ [^\]]{{0,80}} \] :? | [(<{{] [^\s)>}}]{{0,80}} [)>}}] :?   # a group in brackets
    | (?=\S{{0,60}}\d)[\d:.,/+TZ-]+ (?=[\s|\]])          # a date, a time, a number
    | (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b,?
    | (?:UTC|GMT|CES?T|[EPCM][SD]T)\b
    | (?i:{_NAME})\b (?=[\s:|\[-]) :?
    | [A-Z] (?:\d{{4}}|,) (?=\s)
    | \d+:[MCSX] (?=\s) | [*\#.|:-]+ (?=\s)
    | (?!\S*(?:Error|Exception|Failure):)               # the name of an error belongs to the message
      (?: [\w$/-]+(?:\.[\w$/-]+)+ :? (?=\s)             # a logger's dotted name, a file
        | [\w./-]+(?:\[\d+\])? : (?=\s) )               # program[pid]:
    )\s*"""
)
# Chinese and Japanese are written without spaces: there every two signs count as a word.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2}|\b[^\W\d]{2,}\b")
_NUMBER = re.compile(r"(?<![\w.:/-])\d{1,12}(?:\.\d+)?(?=[a-zA-Z%]{0,5}(?![\w:/-])|/\d+(?![\d/:.]))")
_DIGITS = re.compile(r"\d+")
_FRAME = re.compile(
    r"""^(?:\s++(?:at\s|File ".+", line \d|\.\.\. \d+ more|from .+:\d+:in """
    r"""|.+\.(?:go|rs|c|cc|cpp|py|rb|js|ts):\d+|\^++\s*$|[\w.*/()]+\(0x)"""
    r"""|\s*+#\d+\s|\s*+\d+: ++0x|goroutine \d+ \[)"""
)


def mark_loud_numbers(block: bytes) -> bytes:
    """Return a block of lines with a sign for each number that tells trouble, a failing status or a loud level."""
    for number, there in zip(_LOUD_NUMBERS, _HAS_LOUD_NUMBERS, strict=True):
        if there.search(block, 0, READ_BYTES):
            block = number.sub(b" ! ", block)
    return block


def decode_line(raw: bytes) -> str:
    """Return the line as text that can be shown: no escape sequences, no controls, UTF-8 or a replacement sign."""
    text = raw[:READ_BYTES].decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.rstrip("\r\n")
    if "\r" in text:  # a terminal shows only what was written after the last carriage return
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    return _CONTROL.sub("", text.expandtabs(4)).rstrip()


def prefix_classes(raw: bytes) -> bytes:
    """Return how the line begins, as classes of characters: lines of one log begin alike, foreign ones do not."""
    return raw[:6].translate(_CLASS)


def level_of(text: str) -> Level:
    """Return the level that the line gives itself, in any of the common formats."""
    head = text[:300]
    for reading in (_field, _sign, _name):
        found = reading(head)
        if found is not None:
            return found
    return Level.NONE


def _field(head: str) -> Level | None:
    if "=" not in head and '"' not in head:
        return None
    field = _FIELD.search(head)
    if field is None:
        return None
    value = field[1].lower()
    if value.isdigit():
        number = int(value)
        return _SYSLOG[number] if number < 8 else _TENS[min(number // 10, 6)]
    return _NAMES.get(value, _LETTERS.get(value.upper()))


def _sign(head: str) -> Level | None:
    if redis := _REDIS.match(head):
        return _REDIS_LEVELS[redis[1]]
    if status := _ACCESS.search(head):
        return Level.WARN if status[1] >= "500" else Level.INFO
    first = _FIRST.match(head)
    if first is None:
        return None
    if first[4]:
        return _SYSLOG[int(first[4]) & 7]
    return _LETTERS.get(first[1] or first[2] or first[3] or first[5])


def _name(head: str) -> Level | None:
    if name := _UPPER.search(head[:140]):
        return _NAMES[name[1].lower()]
    if name := _AFTER_TIME.match(head):
        return _NAMES[name[1].lower()]
    if name := _MARKED.search(head[:120]):
        return _NAMES[(name[1] or name[2]).lower()]
    return None


def message_of(text: str) -> str:
    """Return the line without its head: time, level, logger, thread; the message field of structured lines."""
    if "=" in text or text[:1] == "{":
        for field in _MESSAGES:
            if found := field.search(text):
                return found[1] or found[2] or text
    rest = text
    for _ in range(12):
        cut = _HEAD.sub("", rest, count=1)
        if cut == rest or not cut:
            break
        rest = cut
    return rest


def message_words(text: str) -> list[str]:
    """Return the words of a message in their order; whatever holds a digit is an id or a number, and is none."""
    return _TOKEN.findall(text)


def message_numbers(text: str) -> dict[str, float]:
    """Return the numbers of a message, each by what stands before it; ids and times of day are none."""
    found: dict[str, float] = {}
    before = 0
    for number in _NUMBER.finditer(text):
        found.setdefault(_DIGITS.sub("", text[before : number.start()])[-24:], float(number[0]))
        before = number.end()
    return found


def is_stack_frame(text: str) -> bool:
    """Return True if the line is one frame of a stack trace."""
    return bool(_FRAME.match(text))


def clock_time(text: str) -> str:
    """Return the time of day in the line as ``HH:MM:SS`` (UTC where the line holds seconds since 1970), or ``""``."""
    if found := _CLOCK.search(text[:300]):
        return found[0]
    if found := _EPOCH.search(text[:300]):
        return datetime.fromtimestamp(int(found[1]), UTC).strftime("%H:%M:%S")
    return ""


def trim_raw_line(raw: bytes) -> bytes:
    """Shorten a line of any length to its beginning, the stretch of it that tells most, and its end.

    That is a stretch that says how loud it is, else the one with most words that stand nowhere else in the line. Where
    something is left out, words go with it whole: half a secret would not be known for one.
    """
    if len(raw) <= READ_BYTES:
        return raw
    quarter = READ_BYTES // 4
    last = len(raw) - 3 * quarter
    lowered = raw.lower()
    loud = [at for at in (lowered.find(word, quarter, len(raw) - quarter) for word in _LOUD_WORDS) if at >= 0]
    if loud:
        best = min(last, max(quarter, min(loud) - quarter))
    else:
        seen = Counter(raw.translate(_TO_LETTERS).split())
        stretches = range(quarter, last, quarter)
        best = max(stretches, key=lambda at: _new_words(raw[at : at + 2 * quarter], seen), default=quarter)
    parts = (raw[:quarter], raw[best : best + 2 * quarter], raw[-quarter:])
    head, stretch, end = parts[0], _from_whole(parts[1]), _from_whole(parts[2])
    return b" ... ".join((_to_whole(head), _to_whole(stretch), end))[:READ_BYTES]


def _new_words(stretch: bytes, seen: Counter[bytes]) -> int:
    return sum(seen[word] == 1 for word in set(stretch.translate(_TO_LETTERS).split()))


def _to_whole(part: bytes) -> bytes:
    """Take off the word that a cut went through at the end."""
    match = _LAST_WORD.search(part)
    return part[: match.start()] if match else b""


def _from_whole(part: bytes) -> bytes:
    """Take off what a cut went through at the beginning, and all that it may have been the name of."""
    pair = _PAIR_ENDS.search(part, 0, len(part) // 2) or _NAMELESS.match(part)
    return part[pair.end() :] if pair else b""


def shorten_line(text: str, worth: Callable[[str], float], limit: int = SHOWN_CHARS) -> str:
    """Shorten a long line to its beginning and the stretch that is worth most."""
    if len(text) <= limit:
        return text
    begin = limit // 3
    size = limit - begin - 6
    stretches = (text[at : at + size] for at in range(begin, len(text), size // 2))
    best = max(stretches, key=worth)
    return f"{text[:begin]} … {best}{'' if text.endswith(best) else ' …'}"
