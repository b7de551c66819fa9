"""Detects causes that are fixed but need a restart.

A certificate, a secret or a setting was renewed on disk and not read again; or the process ended, or gave up, for want
of a neighbour that is well now.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.diagnosis import FailureClass, Quote
from bot.domain.evidence import Evidence, LogLine, Neighbour
from bot.domain.logs.line import Level, level_of
from bot.domain.symptoms import container_state, timeline
from bot.domain.symptoms.symptom import Symptom

_THINGS = {
    FailureClass.TLS_EXPIRED: re.compile(
        r"cert|\btls\b|\bssl\b|\bca\b|chain|(?:key|trust)store|\.(?:pem|crt|cer|jks|p12)\b"
    ),
    FailureClass.AUTH: re.compile(r"passw|secret|credential|token|\bkeys?\b|api.?key|keytab|\blogin"),
}
_SETTINGS = re.compile(r"conf|setting|\.(?:ya?ml|toml|ini|env|properties|json|xml)\b|environment file|upstreams")
_RENEWED = re.compile(
    r"\b(?:renewed|rotated|replaced|re-?issued|updated|changed|modified|rewritten|refreshed|newer|differs?"
    r"|valid (?:until|to|from))\b|\b(?:wrote|written|rendered|stored|saved|mounted) (?:\w+ ){0,2}new\b"
    r"|\bnew (?:[\w-]+ ){1,2}(?:written|rendered|stored|saved|mounted|in place)\b"
)
# What is renewed in so many words, wherever it lies.
_PLAINLY = re.compile(r"\b(?:renewed|rotated|re-?issued)\b")
# Where a new process finds it: on the disk, in a file; a path of one, not of a page.
_ON_DISK = re.compile(
    r"\bon (?:the )?(?:disk|volume)\b|\bon-disk\b|\bfiles?\b|\bmounted\b|\.(?:pem|crt|cer|jks|p12|key)\b"
    r"|(?<![\w:/.<])/(?:etc|run|var|secrets?|vault|mnt|opt|certs?|tls|ssl|conf\w*|data|srv|usr|keys?)/[\w.-]"
)
_UNREAD = re.compile(
    r"\bnot (?:yet |been |re-?read |picked ){0,2}(?:re-?loaded|re-?read|loaded|read|picked up|applied|taken over)\b"
    r"|\b(?:reload|restart) (?:is )?(?:needed|required|pending|necessary)"
    r"|\bneeds? (?:a |to be )?(?:reload|restart|re-?read)|\b(?:until|before) (?:the |a )?(?:next )?(?:restart|reload)"
    r"|\b(?:still|keeps?|goes on|continues?) (?:to )?(?:us|serv|hold|present|the|with|work)|\bin[- ]memory\b"
    r"|\b(?:read|loaded|cached) (?:\w+ ){0,3}(?:start|boot)|\bolder than\b|\bnewer than\b|\bstale\b|\boutdated\b"
    r"|\bprocess (?:was )?(?:started|runs)\b|\brunning (?:process|program) (?:has|uses)"
)
_READ_AGAIN = re.compile(
    r"\bre-?load(?:ed|ing)\b|\bre-?read\b|\bpicked up\b|hot.?swapp|\bnow (?:using|serving)\b|\bloaded (?:the )?new\b"
    r"|\band (?:re)?loaded\b"
    r"|\bapplied\b"
)
_NOT_RENEWED = re.compile(
    r"\bfail|could not|cannot|\bunable|\bmust\b|\bshould\b|\bwill be\b|to be (?:renewed|rotated)|not (?:been )?"
    r"(?:renewed|rotated|replaced)|rejected|\binvalid\b|\bbroken\b"
)
# A call to somebody whose certificate it is, which nothing on this disk mends; a new list of authorities may.
_OF_ANOTHER = re.compile(r"https://|\bupstream\b|\bdial\b|\bpeer\b|\bwhile connecting to\b")
_AUTHORITIES = re.compile(r"\bca\b|bundle|trust|chain|authorit")
# The other side complains of ours.
_BY_PEER = re.compile(r"remote error|alert")
_GAVE_UP = re.compile(
    r"(?:giv\w{1,4} up|gave up|no more|exhausted|will not|stopped|not) .{0,30}(?:connect|broker|subscri|consum)"
    r"|(?:connect|broker|subscri|consum)\w{0,20}+ .{0,60}(?:giving up|gave up|exhausted|no more attempts|for good)"
)
# A changed setting explains that others cannot be reached, and leads what came right after it.
_EXPLAINS, _WITHOUT_TROUBLE = 0.8, 0.3


@dataclass(frozen=True, slots=True)
class _Renewal:
    """The line that tells of something new: ``on_disk`` where a new process finds it, ``unread`` by the present one."""

    line: LogLine
    on_disk: bool
    unread: bool


def unread_settings_symptoms(evidence: Evidence, suggested: Sequence[Symptom]) -> list[Symptom]:
    """Return True if others are not reached because settings that were changed on disk have not been read again."""
    renewal = _renewal(evidence, _SETTINGS)
    if renewal is None or not renewal.unread or _fails_to_start(evidence):
        return []
    line = renewal.line
    follows = any(
        one.trouble in container_state.BLAMES and one.quotes and one.quotes[0].number > line.number for one in suggested
    )
    return [
        Symptom(
            FailureClass.CONFIG_ERROR,
            "changed settings were not read yet",
            "The settings on disk were changed, and the running program still works with the old ones.",
            _EXPLAINS if follows else _WITHOUT_TROUBLE,
            True,
            "Check the new settings first; then apply them by a reload or a restart.",
            quotes=(Quote(line.number, line.text, line.count),),
            restart_effect="A restart applies the new settings.",
        )
    ]


def with_fixed_cause(evidence: Evidence, one: Symptom) -> Symptom:
    """Return the symptom, with a restart that helps where what it tells of is mended by now."""
    if one.restart_helps is True or one.proven or _fails_to_start(evidence):
        return one
    things = _THINGS.get(one.trouble)
    renewal = _renewal(evidence, things) if things else None
    if renewal and not _of_another(one, renewal.line):
        return _with_new_one(one, renewal)
    near = _recovered_neighbour(evidence, one)
    return _with_neighbour(one, near) if near else one


def _with_new_one(one: Symptom, renewal: _Renewal) -> Symptom:
    line = renewal.line
    quotes = {*one.quotes, Quote(line.number, line.text, line.count)}
    there = renewal.on_disk or renewal.unread
    since = "A new one is there" if there else "It was renewed since"
    return replace(
        one,
        cause=f"{one.cause} {since}, and nothing says that the process has read it.",
        # Where the new one lies is told only sometimes: a new process may get it or not.
        restart_helps=True if there else None,
        remedy="Make the program reload it whenever it changes.",
        quotes=tuple(sorted(quotes, key=lambda quote: quote.number)),
        restart_effect="A restart loads the new one.",
    )


def _with_neighbour(one: Symptom, near: Neighbour) -> Symptom:
    return replace(
        one,
        cause=f"{one.cause} {near.name[:60]} runs{' and is healthy' if near.health else ''} now.",
        # A neighbour without a health check may run and not answer yet.
        restart_helps=True if near.health == "healthy" else None,
        remedy="Let it wait for what it needs, or let the engine start it again.",
        restart_effect="The dependency is available again, so a restart recovers the container.",
    )


def _fails_to_start(evidence: Evidence) -> bool:
    """Return True if it was started again since: each start reads all anew and asks for its neighbours."""
    return evidence.facts is not None and container_state.futile_restart_symptom(evidence.facts) is not None


def _renewal(evidence: Evidence, things: re.Pattern[str]) -> _Renewal | None:
    """Return what tells that one of ``things`` was renewed, unless a later line says that it was read, or a start."""
    found: _Renewal | None = None
    lines = [line for line in evidence.log.lines if not line.earlier]
    start = max((timeline.last_number(line) for line in lines if timeline.is_start_line(line.text)), default=0)
    for line in lines:
        text = line.text.lower()
        if timeline.last_number(line) <= start or not things.search(text) or _NOT_RENEWED.search(text):
            continue
        unread, on_disk = bool(_UNREAD.search(text)), bool(_ON_DISK.search(text))
        read = not unread and _READ_AGAIN.search(text)
        if not read and _RENEWED.search(text) and (unread or on_disk or _PLAINLY.search(text)):
            found = _Renewal(line, on_disk, unread)
        elif read:
            found = None
    return found


def _of_another(one: Symptom, line: LogLine) -> bool:
    quotes = [quote.text.lower() for quote in one.quotes]
    calls = any(_OF_ANOTHER.search(text) and not _BY_PEER.search(text) for text in quotes)
    return one.trouble is FailureClass.TLS_EXPIRED and calls and not _AUTHORITIES.search(line.text.lower())


def _recovered_neighbour(evidence: Evidence, one: Symptom) -> Neighbour | None:
    """Return the neighbour that a process ended or gave up for, where it runs now and no other is down."""
    facts = evidence.facts
    if facts is None or one.trouble not in container_state.BLAMES:
        return None
    if any(near.named_in_log for near in container_state.neighbours_down(evidence.neighbours)):
        return None
    ended = not facts.running and facts.exit_code != 0
    loud = [line.text.lower() for line in evidence.log.lines if level_of(line.text) >= Level.NONE]
    if not ended and not any(_GAVE_UP.search(text) for text in loud[-3:]):
        return None
    quoted = " ".join(quote.text for quote in one.quotes)
    named = [near for near in evidence.neighbours if near.name in quoted]
    named = named or [near for near in evidence.neighbours if near.named_in_log]
    return named[0] if len(named) == 1 and named[0].status.startswith("running") else None
