"""Secrets that a sentence names, and session ids."""

from __future__ import annotations

import re

from bot.domain.redaction.command_lines import chosen, is_named_in_prose
from bot.domain.redaction.urls_and_headers import begins, place
from bot.domain.redaction.values import is_likely, is_random
from bot.domain.redaction.vendor_tokens import Rule, fold, mark

_NOUNS = ("password", "passwd", "passphrase", "passcode", "token", "secret", "api key", "access key", "credential")
_BEHIND = re.compile(
    r"(?:s|es)?(?:[ ](?:for|of|to|and|but|in|on|that|which|we|you|i|from|at|by|it|here|now|with|or|is|was|again)\b"
    r"|[ ]?[.,;:!?)\"'\]]|\s*(?:\Z|\n))"
)
_VALUE_IS = re.compile(
    r"(?<!\S)(?:[\"'`(\[]{0,2})(?P<value>[^\s\"'`()\[\]{}<>]{6,200})[\"'`)\]]{0,2},?[ ]"
    r"(?:is|as|was|being|to be|for|remains|stays)[ ](?:(?:still|now|also|currently|again|the|my|your|our|a|an|his|"
    r"her|their|its|new|old|current|default|temporary|"
    r"valid|correct|right|wrong|real|actual|root|admin|db|database|user|api|access|service|bot|login|secret|shared|"
    r"master|deploy|[a-z]{1,12}'s)[ ]){0,5}\Z"
)
_BEFORE_CHARS = 320
_NO_VALUE = re.compile(r"\w+@[\w-]+\.\w|\w+://|[\w.-]*/[\w./-]*\Z|\w[\w.-]*:\d|(?:[a-z0-9]{1,12}[._-]){2,}[a-z0-9]+\Z")

_SESSIONS: tuple[Rule, ...] = (
    place("session", "sess_,sess:,sess-", r"\bsess[_:-](!(?=[A-Za-z]{0,60}+\d)[A-Za-z0-9-]{18,128}+)(?![\w.])"),
    place(
        "session",
        "sess,connect.sid",
        r"(?i)(?:php|j|asp|cf)?sess(?:ion)?[ _-]?(?:id|key|token|cookie)[\"']?(?:[ ](?:is|was|id|cookie)){0,2}"
        r"[ :=>]{1,4}[\"']?(!(?=[^\s\d]{0,60}\d)[A-Za-z0-9%._~+/=-]{20,512}+)",
        lambda match: is_random(match[1], shortest=20) and not match[1].startswith("/") and "." not in match[1][:8],
    ),
)

_SESSION_PATH = (
    # sessions/ID, flask_session/ID, session:ID, spring:session:sessions:UUID
    place(
        "session",
        "session,laravel",
        r"(?i)(?:sessions?(?:/(?:[a-z]{1,3}/)?|:(?:sessions:)?|_file_dir/)|"
        r"laravel(?:_cache)?:)(!(?-i:(?=[A-Za-z]{0,60}+\d)[A-Za-z0-9]{24,64}+|"
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))(?=(?:\.session|\.json|\.dat)?(?![\w./-]))",
    ),
)

SESSIONS = (*_SESSIONS, *_SESSION_PATH)

NAMED: tuple[Rule, ...] = (
    place(
        # "my pw is Abc123x!", "the passcode is 719204"
        "password",
        "pw,passcode,pin ,creds",
        begins("pw", "pwd", "passcode", "pin", "creds")
        + r"(?i:(?:[ ](?:is|was|set|to|now|are|for \w{1,20})){1,4}:?[ ])[\"'`]?"
        r"(!\d{4,8}(?![\w.:%/-])|[^\s\"'`,;()]{6,64}+)",
        lambda match: match[1].isdigit() or chosen(match),
    ),
    place(
        # credentials are admin / Abc123x; login: root/Abc123x
        "password",
        "credential,creds,login,account",
        begins("credentials?", "creds", "logins?", "account")
        + r"(?i:(?:[ ](?:are|is|was|were|as|with|using|set|to|default)){0,3}:?[ ][\"'`(]?[\w.@+-]{1,64}[ ]?/[ ]?)"
        r"(![^\s\"'`/()]{6,64}+)(?!/)",
        lambda match: chosen(match) and not _NO_VALUE.match(match[1]),
    ),
    place(
        # changed the password from Old123x! to New456y!: the first, then the second
        "password",
        "from ",
        begins("pass(?:word|phrase|code)", "token", "secret")
        + r" from [\"'`]?(![^\s\"'`,;()]{6,64}+)(?=[\"'`]? (?:to|into) )",
        lambda match: is_named_in_prose(match[1]) and not _NO_VALUE.match(match[1]),
    ),
    place(
        "password",
        "[redacted:",
        r"\[redacted:(?:password|token)\][\"'`]?,?(?: (?:to|and|or|then|into|the|old|previous|former|new|current|other|"
        r"one|was|is|not)){1,5} [\"'`]?(![^\s\"'`,;()]{6,64}+)",
        lambda match: chosen(match) and not _NO_VALUE.match(match[1]),
    ),
    place(
        "token",
        " key ",
        r"(?i)\b(?:with|using|by) (?:the |my |our )?key [\"'`]?(![A-Za-z0-9_+/=.~-]{12,256}+)",
        lambda match: is_named_in_prose(match[1]) and not _NO_VALUE.match(match[1]),
    ),
)


def in_prose(text: str) -> str:
    """Return ``text`` without the secrets that a sentence names."""
    folded = fold(text)
    places = sorted({place for noun in _NOUNS for place in _places(folded, noun)})
    done: list[str] = []
    at = 0
    for found in places:
        end = found + max(len(noun) for noun in _NOUNS if folded.startswith(noun, found))
        start = max(at, found - _BEFORE_CHARS, folded.rfind("\n", at, found) + 1)
        value = _VALUE_IS.search(folded[start:found]) if _BEHIND.match(folded, end) else None
        if value is None:
            continue
        first, last = start + value.start("value"), start + value.end("value")
        last -= len(text[first:last]) - len(text[first:last].rstrip(".,;:"))
        if (
            is_named_in_prose(text[first:last]) or (folded.startswith("pass", found) and is_likely(text[first:last]))
        ) and not _NO_VALUE.match(text[first:last]):
            done += (text[at:first], mark("password" if folded.startswith("pass", found) else "token"))
            at = last
    return "".join((*done, text[at:])) if done else text


def _places(folded: str, noun: str) -> list[int]:
    places = []
    place = folded.find(noun)
    while place >= 0:
        if folded[place - 1 : place] == " ":
            places.append(place)
        place = folded.find(noun, place + 1)
    return places
