"""Words of a sentence about passwords, tokens or signing in that nobody writes but as a secret. For ``redact``.

A word that is drawn by lot or full of signs goes wherever it stands behind the noun; one that could be a name goes only
behind a word that introduces it ("is", "to", "with").
"""

from __future__ import annotations

import re

from bot.domain.redaction.command_lines import is_named_in_prose
from bot.domain.redaction.key_values import words_of
from bot.domain.redaction.values import is_placeholder
from bot.domain.redaction.vendor_tokens import fold, mark

_NOUN = re.compile(
    r"(?<![a-z:-])(?:(?P<password>pass(?:word|wd|phrase|code|wort)s?|pwd?|pass|login data)|"
    r"(?P<token>(?:token|secret|credential|cred|bearer|psk|(?:[a-z]{2,12}[ _-])?key)s?)|"
    r"(?P<verb>(?:log|sign)(?:ged|ging|ned|ning|s)?[ -]?(?:in|on)|login|unlock(?:ed|s|ing)?|authenticat(?:e|ed|es|ing)|"
    r"connect(?:ed|s|ing)?|decrypt(?:ed|s|ing)?))(?![a-z=:/\\_-])"
)
_WINDOW = 120
_MOST_WORDS = 9
_WORD = re.compile(r"[^\s,;\"'`()\[\]<>{}|]{1,200}+")
_NEAR = words_of(
    "/ is was are be to now → -> = it's its as with using by namely reads becomes became equals remains stays "
    "via to: is: was:"
)
_ENDS = re.compile(r"\s{0,4}(?:\n|\Z|[A-Z])")
"""What shows that a sign behind a word ends the sentence, and not the word."""
_FULL_STOP = re.compile(r"[.;!?](?:\s|\Z)")
_NAME = re.compile(
    r"[a-z]+#\d+\Z|[#$%*~^@]|[\w.-]*[:/=\\]|\w+@[\w-]+\.\w|v?\d+(?:[.:-]\d+)+|[A-Z]+_[A-Z0-9_]+\Z|[0-9a-f]{7,}\Z|"
    r"[0-9A-F]{7,}\Z|"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[\w-]+\.(?:[a-z]{2,4}|local|internal)\Z|"
    r"(?:[a-z0-9]{1,16}[._-]){2,}[a-z0-9]{1,16}\Z|[&+]|"
    r"(?:[A-Z]?[a-z]+\d{0,3}){1,8}\Z|[A-Za-z]+\d{1,4}(?:[A-Z][a-z]+)+\Z"
)
_GROUPS = re.compile(r"\d+")
_TURNS = re.compile(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")
_QUOTED = re.compile(
    r"(?i:\bpass(?:word|phrase|code)(?:[ ][\w.-]{1,20}){0,4}[ ](?:is|was|to|as)[ ])(?P<quote>[\"'`])"
    r"(?P<value>(?=[^\"'`\n]{0,80}\d)(?:[^\s\"'`]{1,30}[ ]){1,7}[^\s\"'`]{1,30})(?P=quote)"
)
_USE = re.compile(
    r"(?i:\buse[ ])(?P<value>[^\s\"'`,;()\[\]<>]{6,64}+)(?=(?i:[ ](?:to|when|for|and)[ ](?:\w{1,12}[ ]){0,2}(?:connect|"
    r"log|sign|unlock|authenticat)))"
)
_PHRASE = re.compile(
    r"(?i:\bpassphrase[ ](?:is[ ]|was[ ])?)[\"'`]?(?P<value>(?=[a-z-]{0,60}\d)[a-z]{3,12}(?:-(?:[a-z]{3,12}|"
    r"\d{1,4})){2,7})(?![\w-])"
)


def in_words(text: str) -> str:
    """Return ``text`` without the words that a sentence about secrets gives away."""
    folded = fold(text)
    found = sorted({span for named in _NOUN.finditer(folded) for span in _behind(text, folded, named)})
    done: list[str] = []
    at = 0
    for start, end, what in found:
        if start >= at:
            done += (text[at:start], mark(what))
            at = end
    text = "".join((*done, text[at:])) if done else text
    if "ass" in folded:
        text = _PHRASE.sub(_whole, _QUOTED.sub(_whole, text))
    return (
        _USE.sub(lambda match: _whole(match) if is_striking(match["value"]) else match[0], text)
        if "use " in folded
        else text
    )


def _whole(match: re.Match[str]) -> str:
    if is_placeholder(match["value"]):
        return match[0]
    start, end = match.start("value") - match.start(), match.end("value") - match.start()
    return match[0][:start] + mark("password") + match[0][end:]


def _behind(text: str, folded: str, named: re.Match[str]) -> list[tuple[int, int, str]]:
    """Return the spans of the secrets in the rest of the sentence."""
    end = folded.find("\n", named.end(), named.end() + _WINDOW)
    end = min(len(text), named.end() + _WINDOW) if end < 0 else end
    spans: list[tuple[int, int, str]] = []
    before, words = "", 0
    what = "token" if named["token"] else "password"
    for word in _WORD.finditer(text, named.end(), end):
        if words >= _MOST_WORDS:
            break
        words += 1
        value = word[0].rstrip(".:?")
        if value.endswith("!") and _ENDS.match(text, word.start() + len(value)):
            value = value[:-1]
        if "[redacted" in folded[max(0, word.start() - 1) : word.end()]:
            before = ""
            continue
        near = before in _NEAR or (words == 1 and not named["verb"])
        if (is_striking(value) and (near or not named["verb"])) or (
            near and named["password"] and words <= 6 and _is_chosen(value)
        ):
            spans.append((word.start(), word.start() + len(value), what))
        if _FULL_STOP.search(text[word.start() : word.end() + 1]):
            break
        before = word[0].lower()
    return spans


def _is_chosen(value: str) -> bool:
    return not _NAME.match(value) and is_named_in_prose(value)


def is_striking(value: str) -> bool:
    """Say whether a word can only be a secret: it has signs and digits, or letters and digits by turns."""
    if len(value) < 8 or is_placeholder(value) or _NAME.match(value):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    if any(sign in value for sign in "!#$%^*~"):
        return True
    cased = any(map(str.islower, value)) and any(map(str.isupper, value))
    return cased and len(_GROUPS.findall(value)) > 1 and len(_TURNS.findall(value)) > 2
