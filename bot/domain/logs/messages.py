"""Groups the lines of a log into messages.

A stack trace, an exception chain, a list or a record with line breaks is one message. Its statements are ordered from
the innermost cause outwards, whatever the language prints first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.domain.evidence import LogLine
from bot.domain.logs.line import Level, is_stack_frame, level_of, message_of

MAX_MESSAGE_LINES = 80
_MIN_HEADED = 2
_MAX_GAP_LINES = 2
"""Lines between a headline and its trace; a blank one is not in the digest."""

# Compose, `docker service logs`, kubectl with --prefix, and aggregators put the writer's name before each line.
_WRITER = re.compile(r"^\s?(?:\[?([A-Za-z0-9][\w./@-]{0,80})\]?\s{0,20}\|\s?|\[(pod/[\w./-]{1,120})\]\s)")
_SYSLOG_HEAD = re.compile(
    r"^(?:<\d{1,3}>\d? ?)?(?:\w{3} [ \d]\d \d\d:\d\d:\d\d"
    r"|\d{4}-\d\d-\d\dT\S{8,30}) [\w.-]{1,60} ([\w./-]{1,40})(?:\[\d+\])?: "
)
_CONTINUES = re.compile(
    r"^(?:Caused by:|Suppressed:|Wrapped by:|During handling of|The above exception|\.\.\. \d+ more|--->|--- End of"
    r"|goroutine \d|\[cause\]|\[?stack ?trace\]?|#\d+ |Next \w|[)\]}]+[,;]?$|\d+: \S.{0,200}$|created by |\[signal "
    r"|exit status \d+$|rax |DETAIL: |HINT: |CONTEXT: |STATEMENT: |QUERY: |LINE \d+: |(?:at|from|in) \S+[(:])"
)
_COMPLAINS = re.compile(
    r"(?i)\b(?:error|fail\w*|could not|cannot|can't|unable|invalid|exception|unexpected|wrong|not (?:taken|loaded"
    r"|started|possible))\b"
)
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\)")
_CHAINED = re.compile(r"^(?:During handling of the above|The above exception was the direct)")
_CODE_FRAME = re.compile(r'^\s+File ".+", line \d')
_PYTHON_END = re.compile(r"^[A-Za-z_][\w.]{0,120}(?:: |$)")
_CAUSED_BY = re.compile(r"^\s*(?:Caused by:|\[cause\]:|--->|Wrapped by:)\s*")
_NUMBERED = re.compile(r"^\s+\d{1,2}: (?=\S)")
_EXCEPTION = re.compile(
    r"(?:^|[\s\]:>(])((?:[a-z_]\w*[.:]{1,2}){0,12}[A-Z]\w{0,80}(?:Error|Exception|Fault|Failure|Panic|Interrupt"
    r"|Exit|Denied))"
    r"(?=[:\s(\[]|$)"
)
_NESTED = re.compile(r"(?:; )?nested exception is |\s--->\s|(?<=\S) caused by:? |\\n\s*Caused by: ", re.IGNORECASE)
_BREAK = re.compile(r"(?:\\r)?\\n|\\t(?=at )")
_FIELD = re.compile(
    r"""(?x)["']?\b(?:err(?:or)?(?:[._](?:message|msg))?|exception(?:[._]message)?|cause|reason|stack(?:_?trace)?|details?)
    ["']?\s*[:=]\s*(?:"((?:[^"\\]|\\.){3,4000})"?|'((?:[^'\\]|\\.){3,4000})'?)"""
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a message says: its text without head, and the line that holds it."""

    text: str
    line: LogLine
    #: How far from the innermost cause: 0 is the cause itself.
    depth: int = 0


@dataclass(frozen=True, slots=True)
class LogMessage:
    """One message of a program: lines that belong together."""

    lines: tuple[LogLine, ...]
    level: Level
    #: The writer's name in the prefix of its lines, or ``""``.
    writer: str = ""
    #: What it says, innermost cause first.
    statements: tuple[Statement, ...] = ()

    @property
    def number(self) -> int:
        """Return the number of its first line."""
        return self.lines[0].number


@dataclass(slots=True)
class _Open:
    lines: list[LogLine] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    writer: str = ""
    in_trace: bool = False


def group_messages(lines: Sequence[LogLine]) -> tuple[LogMessage, ...]:
    """Return the messages of a log in their order; each line belongs to exactly one."""
    split = [_split_writer(line.text) for line in lines]
    writers = Counter(writer for writer, _ in split if writer)
    prefixed = sum(writers.values()) * 2 > len(lines)
    parts = split if prefixed else [("", line.text) for line in lines]
    headed = _usually_headed([text for _, text in parts])
    return tuple(_message(group) for group in _groups(lines, parts, headed=headed))


def _split_writer(text: str) -> tuple[str, str]:
    if prefix := _WRITER.match(text):
        return (prefix[1] or prefix[2]).rstrip("."), text[prefix.end() :]
    return "", text


def _usually_headed(texts: Sequence[str]) -> bool:
    """Return True if the lines of this log usually begin with a time or a level."""
    heads = sum(_is_headed(text) for text in texts)
    plain = sum(not (text[:1].isspace() or is_stack_frame(text) or _starts_inside(text)) for text in texts)
    return heads >= _MIN_HEADED and heads * 2 >= plain


def _is_headed(text: str) -> bool:
    return bool(text) and not text[0].isspace() and (message_of(text) != text or level_of(text) is not Level.NONE)


def _groups(lines: Sequence[LogLine], parts: Sequence[tuple[str, str]], *, headed: bool) -> Iterator[_Open]:
    by_writer: dict[str, _Open] = {}
    order: list[_Open] = []
    for line, (writer, text) in zip(lines, parts, strict=True):
        current = by_writer.get(writer)
        if current is None or not _belongs(current, line, text, headed=headed):
            current = by_writer[writer] = _Open(writer=writer)
            order.append(current)
        current.in_trace = _in_trace(current, text)
        current.lines.append(line)
        current.texts.append(text)
    yield from order


def _belongs(group: _Open, line: LogLine, text: str, *, headed: bool) -> bool:
    """Return True if a line continues the message before it."""
    before = group.lines[-1]
    if len(group.lines) >= MAX_MESSAGE_LINES or line.boundary or line.earlier != before.earlier:
        return False
    if group.in_trace:
        return True
    if _TRACEBACK.match(text):
        chained = any(_CHAINED.match(one) for one in group.texts[-2:])
        complains = level_of(before.text) >= Level.ERROR or bool(_COMPLAINS.search(group.texts[-1]))
        return chained or (complains and line.number - before.number <= _MAX_GAP_LINES)
    if text[:1].isspace() or _starts_inside(text):
        return bool(text.strip())
    near = line.number - before.number <= 1
    if near and level_of(before.text) >= Level.WARN and _exception_leads(text):
        return True
    return near and headed and not _is_headed(text)


def _starts_inside(text: str) -> bool:
    """Return True if a line like this is a part of a message, never its first line."""
    return is_stack_frame(text) or bool(_CONTINUES.match(text))


def _exception_leads(text: str) -> bool:
    found = _EXCEPTION.match(text)
    return bool(found and found.start(1) == 0)


def _in_trace(group: _Open, text: str) -> bool:
    """Return True if a Python trace goes on behind this line: its last line is the exception."""
    if _TRACEBACK.match(text) or _CODE_FRAME.match(text):
        return True
    return group.in_trace and not (text[:1] and not text[0].isspace() and _PYTHON_END.match(text))


def _message(group: _Open) -> LogMessage:
    level = max((level_of(text) for text in group.texts[:1]), default=Level.NONE)
    return LogMessage(tuple(group.lines), level, group.writer, tuple(_statements(group)))


def _statements(group: _Open) -> Iterator[Statement]:
    """Yield what the message says, innermost cause first; frames of a trace say nothing."""
    found: list[tuple[str, LogLine]] = []
    causes: list[tuple[str, LogLine]] = []
    python: list[tuple[str, LogLine]] = []
    tracing = chain = False
    for text, line in zip(group.texts, group.lines, strict=True):
        if _TRACEBACK.match(text) or _CODE_FRAME.match(text):
            tracing = True
            continue
        if (
            not any(map(str.isalnum, text))
            or _CHAINED.match(text)
            or text.lstrip().startswith(("^", "--- End of"))
            or (is_stack_frame(text) and not _CAUSED_BY.match(text))
            or (tracing and text[0].isspace())
        ):
            continue
        sentences = _sentences(text)
        if tracing and _PYTHON_END.match(text):
            tracing = False
            python += [(one, line) for one in sentences]
        elif _CAUSED_BY.match(text) or (_NUMBERED.match(text) and chain):
            chain = True
            causes = [(_CAUSED_BY.sub("", _NUMBERED.sub("", one)), line) for one in sentences] + causes
            if not causes[0][0].strip():
                causes = causes[1:]
        else:
            found += [(one, line) for one in sentences]
    ordered = [*python, *causes, *found] if python else [*causes, *found]
    for depth, (text, line) in enumerate(ordered):
        yield Statement(text.strip(), line, depth)


def _sentences(line: str) -> list[str]:
    """Return the statements of one line, innermost first: nested exceptions, fields of a record, escaped breaks."""
    pieces: list[str] = []
    if "=" in line or '":' in line:
        pieces += [one for match in _FIELD.finditer(line) for one in _unescape(match[1] or match[2] or "")]
    text = message_of(line)
    nested = _NESTED.split(text)
    if len(nested) > 1:
        return [*dict.fromkeys([*pieces, *reversed(nested)])]
    lines = _unescape(text)
    return [*dict.fromkeys([*pieces, *lines])]


def _unescape(text: str) -> list[str]:
    """Return the lines of a value with escaped line breaks, the innermost cause of a trace first, without frames."""
    rows = [row for row in _BREAK.split(text) if row.strip()]
    if len(rows) < 2:
        return [text]
    result = [row for row in rows if not is_stack_frame(f" {row.strip()}")]
    causes = [_CAUSED_BY.sub("", row) for row in result if _CAUSED_BY.match(row)]
    return [*reversed(causes), *(row for row in result if not _CAUSED_BY.match(row))]


def exception_name(text: str) -> str:
    """Return the name of the exception that a statement begins with or holds, without its package; or ``""``."""
    found = _EXCEPTION.search(text)
    return re.split(r"[.:]+", found[1])[-1] if found else ""


def statements_of(messages: Iterable[LogMessage]) -> Iterator[tuple[LogMessage, Statement]]:
    """Yield each statement with its message, in the order of the log."""
    for message in messages:
        for statement in message.statements:
            yield message, statement
