"""Secrets under a heading that names them."""

from __future__ import annotations

import re

from bot.domain.redaction.sentences import plausible
from bot.domain.redaction.urls_and_headers import place
from bot.domain.redaction.values import is_likely, is_random
from bot.domain.redaction.vendor_tokens import Rule

_NOUN = (
    r"(?:pass(?:word|wd|phrase|code)|(?:api|access|secret|auth|licen[sc]e|private)[ _-](?:key|token)|"
    r"(?:bot |app |bearer |session )?token|secret)"
)
_FIRST = (
    r"(?:(?:your|the|my|our|new|current|old|admin|root|user|database|db|"
    r"temporary|initial|generated|enter|this|here)[ ])"
)
_VALUE = r"(![^\s\"'`<>]{6,256})"
_HINTS = "passw,passphrase,passcode,key,token,secret"


def _written(match: re.Match[str]) -> bool:
    return plausible(match) or is_likely(match[1]) or (is_random(match[1], shortest=14) and match[1].isalnum())


HEADINGS: tuple[Rule, ...] = (
    place(
        "password",
        _HINTS,
        rf"(?im)^[ \t]{{0,20}}[#*_>=-]{{0,6}}[ ]?{_FIRST}{{0,4}}{_NOUN}(?:[ ](?:is|was|below|follows)){{0,2}}[ ]?"
        r"[:*_=#→>-]{0,6}[ \t\r]{0,4}\n(?:[ \t]{0,20}[-=~*]{3,80}[ \t\r]{0,4}\n)?"
        rf"[ \t]{{0,20}}(?:[-*>][ ])?[\"'`*]{{0,3}}{_VALUE}[\"'`*]{{0,3}}[ \t\r]{{0,4}}$",
        _written,
    ),
    place(
        "password",
        "</",
        rf"(?i)>\s{{0,8}}{_FIRST}{{0,4}}{_NOUN}\s?:?\s{{0,8}}</(?:dt|th|td|label|b|strong|span|div|p|li|h\d)>\s{{0,40}}"
        rf"<(?:dd|td|span|code|div|p|pre|b)(?:\s[^<>\n]{{0,200}})?>\s{{0,8}}(?:<code>)?{_VALUE}\s{{0,8}}</",
        _written,
    ),
    place(
        # <b>Password:</b> Y<br>, Your password is <b>Y</b>
        "password",
        "</",
        rf"(?i)\b{_FIRST}{{0,4}}{_NOUN}(?:[ ]is)?\s?:?\s{{0,4}}(?:</\w{{1,8}}>\s{{0,8}}|<(?:b|strong|code|span|em|"
        rf"pre)>\s{{0,8}}){{1,2}}{_VALUE}\s{{0,8}}<",
        _written,
    ),
)
