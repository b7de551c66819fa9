"""Tickets, codes and passwords in sentences."""

from __future__ import annotations

import re

from bot.domain.redaction.command_lines import is_named_in_prose
from bot.domain.redaction.urls_and_headers import begins, place
from bot.domain.redaction.values import is_random
from bot.domain.redaction.vendor_tokens import Rule

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_HEX = re.compile(r"[0-9a-f]{32,}\Z|[0-9A-F]{32,}\Z")
_PARTS = re.compile(r"[-_/.+=~%]+")


def _ticket(match: re.Match[str]) -> bool:
    """Return True if a ticket opens something: it is random, and no number of a request or name of a branch."""
    value = match[1]
    if _UUID.match(value) or _HEX.match(value):
        return True
    named = all(part.isalpha() or part.isdigit() for part in _PARTS.split(value) if part)
    return not named and is_random(value, shortest=16)


TICKETS: tuple[Rule, ...] = (
    place(
        "ticket",
        "ticket",
        r"(?i)(?<![a-z])ticket\\{0,4}[\"'`]?(?:[ ]?(?:[:=]|=>|%3D)|[ ](?:is|was|value)|(?=[ ]))[ ]{0,2}\\{0,4}[\"'`(<]?"
        r"(![a-z0-9][\w%~+/=-]{11,400}+(?:\.[\w%~+/=-]{1,400}+){0,4})",
        _ticket,
    ),
    place(
        # beside Slack's name any ticket opens a socket
        "ticket",
        "slack",
        r"(?i)slack[^\n]{0,200}?(?<![a-z])ticket\\{0,4}[\"'`]?[ ]?(?:[:=]|=>|%3D|(?=[ ]))[ ]{0,2}\\{0,4}[\"'`]?"
        r"(!(?=[a-z_-]{0,60}\d)[a-z0-9][\w%~+/=-]{7,400}+)",
    ),
    place(
        "ticket",
        "slack",
        r"(?i)(?<![a-z])ticket\\{0,4}[\"'`]?[ ]?(?:[:=]|"
        r"=>)[ ]{0,2}\\{0,4}[\"'`]?(!(?=[a-z_-]{0,60}\d)[a-z0-9][\w%~+/=-]{7,400}+)"
        r"(?=[^\n]{0,200}slack)",
    ),
    place(
        "ticket",
        "wss:",
        r"(?i)wss:(?:\\{0,4}/){2}[\w.-]{0,80}slack[\w.-]{0,40}+(?:\\{0,4}/)websocket(?:\\{0,4}/)(![\w+/=-]{10,}+)",
    ),
)

_DIGITS = (
    r"(?:(?:G-)?\d{4,8}|\d{3,4}[ -]\d{3,4}|\d\d(?:[ -]\d\d){2,3}|"
    r"(?=[A-Z-]{0,20}\d)[A-Z0-9]{4,5}(?:-[A-Z0-9]{4,5}){1,3})"
)
_OVER = r"(?![\w:%/=@-]|[.,]\w|[ ]\d)"
_DATE = re.compile(r"(?:19|20)\d\d-?(?:0\d|1[0-2])(?:-?\d\d)?\Z")
_FOR = (
    r"[ ](?:to|when you|for|and|in order to|while)[ ](?:\w{1,12}[ ]){0,2}(?:sign(?:ing)?[ -](?:in|on|up)|"
    r"log(?:ging)?[ -]?(?:in|on)|"
    r"verif|confirm|authenticat|authoriz|unlock|activat|approv|validat|recover|reset your|access your|complete your|"
    r"finish (?:signing|logging|your)|two-factor|2fa|mfa)"
)
_OF = (
    r"(?:verification|security|confirmation|log-?in|sign-?in|one[- ]time|2fa|mfa|two[- ](?:factor|step)|"
    r"authenticat\w{2,5}|"
    r"auth|access|activation|recovery|pairing|sms|email|\d-digit)"
)
_WHAT = r"(?:(?:pass)?code|pin|otp|passcode|password)"


def _code(match: re.Match[str]) -> bool:
    return not _DATE.match(match[1])


CODES: tuple[Rule, ...] = (
    place(
        # "enter 739-201 to sign in", "use code 19FA-33KQ to confirm"
        "code",
        "enter ,type ,submit ,provide ,input ,use ,using ,send ,with ",
        rf"(?i:\b(?:enter|type|submit|provide|input|us(?:e|ing)|send|with)[ ](?:(?:the|this|your|following|new|"
        rf"{_OF}|{_WHAT}):?[ ])"
        rf"{{0,4}})[\"'`(]?(!(?:(?:G-)?\d{{5,8}}|(?<=enter )\d{{4}}|(?<=type )\d{{4}}|"
        rf"{_DIGITS.replace('{4,8}', '{6,8}', 1)}))"
        rf"[\"'`)]?(?i:{_FOR})",
        _code,
    ),
    place(
        # "204815 is your one-time code", "330-914 is the code to confirm"
        "code",
        "code,otp,pin,password",
        rf"(?<![\w./:@=%-])(!{_DIGITS})(?i:[ ](?:is|was|as)[ ](?:your|my|the|a)[ ](?:new[ ])?"
        rf"(?:(?!zip|area|country|error|status|exit)\w{{1,14}}[ ])?(?:{_OF}[ ]{_WHAT}\b|otp\b|{_WHAT}{_FOR}|"
        rf"(?<=your ){_WHAT}\b|(?-i:(?<=your )[A-Z])\w{{0,14}}[ ]code\b))",
        _code,
    ),
    place(
        # OTP: 883 204; your verification code is 482913; the PIN 8842
        "code",
        "code,otp,pin",
        rf"(?i:(?<![\w-])(?:{_OF}[ ](?:{_OF}[ ]){{0,2}}(?:pass)?(?:code|pin)|otp|totp|(?:the|your|my|our|new)[ ]pin|"
        rf"passcode|code{_FOR}[\w ]{{0,20}})"
        rf"(?:[ ](?:is|was|are|of|code|now|for[ ][\w.@-]{{1,40}}))?[ ]?(?:[:=-][ ]{{0,2}}|[ ]|"
        rf"(?<=[ ])))[\"'`(]?(!{_DIGITS}){_OVER}",
        _code,
    ),
)

_DOTTED = re.compile(
    r"[\w-]+\.[a-z]{2,4}\Z|"
    r"[A-Za-z_-]+\d+(?:\.\d+)+\w?\Z|[A-Za-z-]+\d{1,2}\Z|(?:[A-Z][a-z]*-)+[A-Z][A-Za-z]*\d?\Z"
)
_PLACE = re.compile(r"\w+@[\w-]+\.\w|\w+://|/|\w[\w.-]*:\d|(?:[a-z0-9]{1,12}[._-]){2,}[a-z0-9]+\Z|-{1,2}\w")


def plausible(match: re.Match[str]) -> bool:
    """Return True if a word of a sentence looks like a password, and is no version, header, address or option."""
    value = match[1]
    return not _DOTTED.match(value) and not _PLACE.match(value) and is_named_in_prose(value)


_VALUE = r"[\"'`(\[]{0,2}(![^\s\"'`,;()\[\]<>]{5,64}(?<![.:?]))(?=[\"'`)\].,;:?]|\s|$)"
_NOUN = begins(
    *("pass(?:word|wd|phrase|code)", "api[ _-]?key", "access[ _-]?(?:key|token)", "secret(?:[ _-]key)?"),
    *("auth[ _-]?(?:key|token)", "token"),
)

GIVEN: tuple[Rule, ...] = (
    place(
        # "log in as X with Y", "user X and password Y" without the word
        "password",
        " as ,user ",
        r"(?i)\b(?:log(?:ged|ging)?[ -]?(?:in|on)|login|sign(?:ed|ing)?[ -](?:in|on)|connect(?:ed|ing|s)?|"
        r"authenticat(?:e|es|ed|ing)|"
        r"bind|bound|su|ssh)(?:[ ](?:to|on|at|into)[ ][\w.:-]{1,80})?[ ](?:as|with|"
        r"using)[ ](?:the[ ])?(?:user[ ])?"
        r"[\"'`]?[\w.@+\\-]{1,64}[\"'`]?[ ](?:(?:with|using|by|and|via)(?:[ ]the)?|/)[ ](?-i:" + _VALUE + ")",
        plausible,
    ),
    place(
        # the new API key (Y), and his token (Y)
        "token",
        "passw,passphrase,key ,key_,token ,secret ",
        _NOUN + r"[ ](?i:(?:for|of)[ ][\w.-]{1,40}[ ])?[(\[]" + _VALUE,
        plausible,
    ),
    place(
        # "the password for X stays Y", "password? Y"
        "password",
        "passw,passphrase,passcode,key ,token ,secret ",
        _NOUN + r"(?i:[ ](?:(?:for|of|on|to|in)[ ](?:the[ ])?[\w.@:-]{1,60}[ ])?"
        r"(?:(?:is|was)[ ](?:still|now|currently|again|always|just)|stays|remains|became|equals|will be|should be|"
        r"used to be|"
        r"would be|must be|has to be|changed to|reads)[ ]|\?[ ]{1,2})" + _VALUE,
        plausible,
    ),
    place(
        "token",
        "use ,uses ,used ,using ,try ,with ,take ",
        r"(?i)\b(?:us(?:e|es|ed|ing)|tr(?:y|ied)|with|take)[ ](?:(?:the|my|our|this|that|his|her|new|old|api|"
        r"access)[ ]){0,3}"
        r"(?:key|token|secret|password|passphrase)[ ](?-i:" + _VALUE + ")",
        plausible,
    ),
)

SENTENCES = (*TICKETS, *CODES, *GIVEN)
