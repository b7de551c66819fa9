"""Secrets known by their place in an address, header or cookie."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from bot.domain.redaction.values import is_plain_word
from bot.domain.redaction.vendor_tokens import MARKED, Absent, Rule, mark, replace_all

# A marker is no secret: what is redacted already stays as it is.
# Nor is what stands for one: $VARIABLE, ${variable}, {{ variable }}, ***.
NOT_YET = (
    r"(?!\[redacted|\$\{|\$\(|\$[A-Z_]{2,64}(?![\w!#%^*-])|\{\{|\*{3}|(?i:x{3,64}@)|<"
    r"|\[(?i:redacted|filtered|masked|hidden|secure)\])"
)


def place(name: str, hints: str, pattern: str, judge: Callable[[re.Match[str]], bool] | None = None) -> Rule:
    """Make a shape whose hints, parted by commas, are of lower case; ``(!`` opens the secret in its pattern."""
    return Rule(name, tuple(hints.split(",")), re.compile(pattern.replace("(!", f"{NOT_YET}(")), judge)


def begins(*words: str, not_behind: str = r"\w", any_case: bool = True) -> str:
    """Make a pattern of any of ``words`` that does not stand ``not_behind`` a character.

    It opens with a set of letters, which Python's search finds several times faster than a word in any case.
    """
    tails: dict[str, list[str]] = {}
    for word in words:
        tails.setdefault(word[0], []).append(word[1:])
    sets = {first: first + first.upper() if any_case else first for first in tails}
    rest = "|".join(f"(?<=[{sets[first]}])(?:{'|'.join(ends)})" for first, ends in tails.items())
    return f"[{''.join(sets.values())}](?<![{not_behind}].)(?{'i' if any_case else ''}:{rest})"


ADDRESSES: tuple[Rule, ...] = (
    # A password may hold @ and / where host and port behind the last @ leave no doubt.
    place(
        "password",
        "://",
        r"://(?!\[redacted)[^\s/:@\"'<>]{0,128}+:(?!\d+/)(!(?:(?!://)[^\s\"'<>,;]){1,256})(?=@[\w.-]{1,253}:\d{2,5}(?:["
        r"/?,\s\"']|"
        r"$))",
    ),
    # Up to the last @ before the path; a password with a slash in it only where no port can be meant.
    place(
        "password",
        "://",
        r"://(?!\[redacted)[^\s/:@\"'<>]{0,128}+:(!(?=[^\s/\"'<>@]{0,200}@)[^\s/\"'<>]{1,256})(?=@[\w.\[(-])",
    ),
    place(
        "password",
        "://",
        r"://(?!\[redacted)[^\s/:@\"'<>]{0,128}+:(?!\d+/)(!(?:(?!://)[^\s@\"'<>]){1,256}+)(?=@[\w.\[(-])",
    ),
    place("password", "://", r"://(!(?=[A-Za-z]*\d)[A-Za-z0-9_-]{20,}+)(?=@[\w.\[-])"),
    place("password", "@tcp(,@udp(,@unix(", r"(?<![\w.\[-])[\w.-]{1,64}+:(![^\s@/\"']{1,256}+)(?=@(?:tcp|udp|unix)\()"),
    place("password", ":thin:", r"(?<=:thin:)\w{1,64}/(![^\s@\"']{1,256}+)(?=@)"),
)

_WORDS = r"(?:bearer|basic|token|apikey|api-key|negotiate|ntlm|ssws|key|splunk|genie-?key|discogs|bot|hawk|oauth|jwt)"


def _is_pair(coded: str) -> bool:
    try:
        return b":" in base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True)
    except ValueError:
        return False


HEADERS: tuple[Rule, ...] = (
    place(
        "authorization",
        "authorization",
        r"(?i)(?<!redacted:)authorization[\"'\\\]]{0,6}\s{0,4}(?:[:=]|=>|,)\s{0,4}+(?:[\"'\\]|\[(?!redacted)){0,6}+"
        rf"(?:{_WORDS}[ :=]{{1,3}})?+(?:token=|key=)?+[\"'\\]{{0,4}}+"
        r"(?!bearer\b|basic\b|digest\b|aws4|realm=|header|\w{1,20}\(|none\b|null\b|\*|<|\$|\{{|"
        r"\{{)(![^\s\"'\\,;]{6,}+)",
        lambda match: not is_plain_word(match[1]),
    ),
    place(
        "authorization",
        "bearer,ssws",
        r"\b(?i:bearer|ssws)[ :=+]{1,3}[\"']?(!(?=[A-Za-z._~+/-]*\d|[A-Z]*[a-z]+[A-Z])[\w.~+/-]{12,}+={0,2})(?![=\w])",
    ),
    place(
        "authorization",
        "basic",
        r"\b(?i:basic)[ +](!(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])[A-Za-z0-9+/]{8,}+={0,2})(?![\w.-])",
        lambda match: _is_pair(match[1]),
    ),
    place("authorization", "digest", r"(?i)\bdigest [^\n]{0,400}?\bresponse=\\?[\"']?(![0-9a-f]{32,128})"),
    place("authorization", "aws4-hmac", r"AWS4-HMAC-SHA256(?:(?!AWS4-)[^\n]){0,400}?Signature=(![0-9a-f]{64})"),
    place(
        "signature",
        "signature",
        r"(?i)signature(?:-256)?[\"']?: ?[\"']?(?:sha\d{1,3}=|t=\d{1,12},v1=)(![0-9a-f]{40,128})",
    ),
    place("authorization", "auth ", r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2) (![A-Za-z0-9+/]{8,}+={0,2})"),
)
_COOKIES = re.compile(r"(?i)cookies?[\"'\\\]]{0,4}\s{0,4}[:=]\s{0,4}[\"'\\\[{]{0,4}(?=[\w.%-]{1,64}=)([^\r\n\"\\]{3,})")
_COOKIE = re.compile(r"(?<![^\s;,'])([\w.%-]{1,64}+=)(?!\[redacted)([^\s;,'\"\\]{6,}+)")
_PLAIN_COOKIE = re.compile(
    r"(?i)(?:path|domain|expires|max-age|samesite|priority|version|lang|locale|theme|tz|timezone)="
)


def in_headers(text: str, absent: Absent) -> str:
    """Return ``text`` without the credentials of its headers."""
    text = replace_all(HEADERS, text, absent, folded=True)
    if "ookie" in text or "OOKIE" in text:
        text = _COOKIES.sub(lambda m: m[0][: m.start(1) - m.start()] + _COOKIE.sub(_one_cookie, m[1]), text)
    return text


def _one_cookie(match: re.Match[str]) -> str:
    if _PLAIN_COOKIE.match(match[1]) or is_plain_word(match[2]) or MARKED.search(match[2]):
        return match[0]
    return match[1] + mark("cookie")
