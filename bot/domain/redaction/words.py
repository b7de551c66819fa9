"""Random words in sentences about passwords, tokens or signing in.

A word that is drawn by lot or full of signs goes wherever it stands behind the noun; one that could be a name goes only
behind a word that introduces it ("is", "to", "with").
"""

from __future__ import annotations

import re

from bot.domain.redaction.command_lines import is_named_in_prose
from bot.domain.redaction.key_values import words_of
from bot.domain.redaction.values import is_likely, is_placeholder, is_random
from bot.domain.redaction.vendor_tokens import fold, mark

_NOUN = re.compile(
    r"(?<![a-z:-])(?:(?P<password>pass(?:word|wd|phrase|code|wort)s?|pwd?|pass|login data)|"
    r"(?P<token>(?:token|secret|credential|cred|bearer|psk|(?:[a-z]{2,12}[ _-])?key)s?)|"
    r"(?P<verb>(?P<login>(?:log|sign)(?:ged|ging|ned|ning|s)?[ -]?(?:in|on)|login)|unlock(?:ed|s|ing)?|authenticat(?:e|"
    r"ed|es|ing)|"
    r"connect(?:ed|s|ing)?|decrypt(?:ed|s|ing)?))(?=[\s,;\"')\](])"
)
_WINDOW_CHARS = 160
_MOST_WORDS, _MOST_NEAR = 16, 8
_WORD = re.compile(r"[^\s,;\"'`()\[\]<>{}|\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u2014\u2013]{1,200}+")
_NEAR = words_of(
    "/ is was are be to from now → -> = it's its as with using by namely reads becomes became equals remains stays "
    "via to: is: was:"
)
_ENDS = re.compile(r"\s{0,4}(?:\n|\Z|[A-Z])")
"""What shows that a sign behind a word ends the sentence, and not the word."""
_WITH = frozenset(("with", "using", "/", "password", "pass"))
_IS = frozenset(("is", "was", "to", "now", "from", "=", "\u2192", "->", "is:", "to:"))
_HEX = re.compile(r"[0-9a-f]{7,}\Z|[0-9A-F]{7,}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_CODED = re.compile(
    r"(?=[^a-z]{0,80}[a-z])(?=[^A-Z]{0,80}[A-Z])(?=\D{0,80}\d)(?!/)[A-Za-z0-9_-]{1,80}[+/][A-Za-z0-9+/_-]{8,200}={0,2}\Z"
    r""
    r""
    r""
    r""
    r""
    r""
    r""
    r"|"
    r"(?=[^a-z]{0,80}[a-z])(?=[^A-Z]{0,80}[A-Z])[A-Za-z0-9+/_-]{14,200}={1,2}\Z"
)
"""Base64 of something."""
_NUMBER = re.compile(r"\d{5,12}\Z")
_PHRASE_WORD = re.compile(r"[A-Z][a-z]{2,12}(?:[-_.]?[A-Z][a-z]{2,12}){2,6}\Z|[a-z]{3,12}(?:[-_.][a-z]{3,12}){2,7}\Z")
"""CorrectHorseBattery, correct-horse-battery."""
_JOINED = re.compile(r"[a-z]{3,12}(?:[-_.][a-z]{3,12}){1,6}[-_.]?\d{2,6}\Z|\d{2,6}(?:[-_.][a-z]{3,12}){2,6}\Z")
_STORE = re.compile(
    r"kms|key|alias|vers|vault|cert|tls|slot|gen|region|hsm|prod|stag|dev|test|store|secret|cred|token|pass|db|app|svc|"
    r"user|role|host|node|"
    r"pod|serv|account|client|api|web|group|team|cluster|realm"
)
"""What is in the name of a place for keys, or of who has one."""
_GROUPED = re.compile(r"(?=[A-Z-]{0,80}\d)[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){2,7}\Z")
_PAIRED = re.compile(r"(?P<user>[\w.@+-]{1,64})[:/][^:/]{1,200}\Z")
_AGAIN = frozenset(
    (
        "-",
        "got",
        "expected",
        "from",
        "and",
        "or",
        "not",
        "with",
        "by",
        "found",
        "instead",
        "of",
        "but",
        "one",
        "is",
        "was",
        "now",
    )
)
"""What stands between two secrets of a sentence."""
_OPENS = re.compile(
    r"(?:rotat|chang|switch|replac|regenerat|renew|set)\w{0,5}[ ](?:\w{1,12}[ ]){0,3}\w{0,12}\Z|"
    r"(?:using|with|sending|use|by|our|my|the)[ ](?:(?!rsa|dsa|ecdsa|eddsa|ed25519|gpg|pgp|public|host|ssh|primary|"
    r"foreign|cache|sort|map)\w{1,12}[ ])?(?:token|key)\Z|(?:api|access|secret|signing|"
    r"encryption|master)[ _-]key\Z|"
    r"bearer\Z"
)
"""What a sentence says before a key that opens something, and not before one of a cache or a table."""
_BEFORE = 40
_HYPHENED = re.compile(r"[a-z]{3,12}(?:-[a-z]{3,12}){3,7}\Z")
"""Four words and more, as generators of passphrases join them."""
_FULL_STOP = re.compile(r"[.;!?](?:\s|\Z)")
_NAME = re.compile(
    r"[a-z]+#\d+\Z|(?:[A-Za-z_]{1,40}\.){1,6}[A-Za-z_]{1,40}\Z|[#$%*~^@](?:\d+|[A-Z_]+|[a-z_]+)?\Z|[\w.-]*[:/=\\]|"
    r"\w+@[\w-]+\.\w|v?\d+(?:[.:-]\d+)+|"
    r"[A-Z]+_[A-Z0-9_]+\Z|[0-9a-f]{7,}\Z|"
    r"[0-9A-F]{7,}\Z|"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-|[\w-]+\.(?:[a-z]{2,4}|local|internal)\Z|"
    r"(?:[a-z0-9]{1,16}[._-]){2,}[a-z0-9]{1,16}\Z|[&+]|"
    r"(?:[A-Z]?[a-z]+\d{0,3}){1,8}\Z|[A-Za-z]+\d{1,4}(?:[A-Z][a-z]+)+\Z"
)
_GROUPS = re.compile(r"\d+")
_TURNS = re.compile(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]")
_QUOTED = re.compile(
    r"(?i:\bpass(?:word|phrase|code)(?:(?:[ ][\w.-]{1,20}){0,4}[ ](?:is|was|to|as))?[ ])(?P<quote>[\"'`])"
    r"(?P<value>(?=[^\"'`\n]{0,80}\d|(?:[a-z]{3,12}[ ]){3,6}[a-z]{3,12}[\"'`])(?:[^\s\"'`]{1,30}[ ]){1,7}[^\s\"'`]{1,30"
    r"})(?P=quote)"
)
_QUOTED_WORD = re.compile(
    r"(?i:\bpass(?:word|phrase|code)(?:[ ][\w.-]{1,20}){0,4}[ ](?:is|was|to|as|"
    r"of)[ ])(?P<quote>[\"'`])(?P<value>[^\s\"'`]{6,64}+)(?P=quote)"
)
_PHRASES = re.compile(
    r"(?i:\b(?:(?:seed|recovery|secret|backup)[ _-]?(?:phrase|words)|mnemonic)[\w ]{0,30}?(?:[:=]|"
    r"[ ]is)[ ]{0,2}[\"'`]?)"
    r"(?P<value>(?:[a-z]{3,10}[ ,]{1,2}){11,23}[a-z]{3,10})(?![a-z])|"
    r"(?i:\bpass[ -]?phrase[ ](?:[\w.-]{1,20}[ ]){0,4}?(?:is|was|to)[ ])"
    r"(?P<phrase>(?:(?!(?:not|the|too|set|now|for|and|was|has|are|can|with|this|that|from|must|been|only|used|same|"
    r"wrong|missing|required|expired|"
    r"stored|invalid|incorrect|empty)\b)[a-z]{3,12}[ ]){3,7}(?!(?:not|the|and|for)\b)[a-z]{3,12})(?=[.,;!\"'\n]|\Z)"
)
"""Words of a wallet, or of a passphrase, one behind the other."""
_PLAIN = re.compile(
    r"(?i:\bpass(?:word|phrase|code)[ ](?:(?:for|of|on|to)[ ][\w.@-]{1,40}[ ])?(?:is|"
    r"was)[ ])(?P<value>[A-Za-z]{6,24})(?=[.!]?(?:\n|\Z)|,[ ]|;[ ]|\.[ ])"
)
_STATE = re.compile(
    r"(?:un|in|im|dis|re|mis|non|over|pre|auto|case|plain|clear|hash|encrypt|encod|requir|miss|wrong|correct|valid|"
    r"expir|empty|missing|mandatory|option|default|secure|weak|strong|short|long|chang|stor|accept|reject|reset|revok|"
    r"lock|leak|"
    r"compromis|verif|match|differ|known|public|private|secret|hidden|visible|mask|redact|fine|okay|good|bad|same|"
    r"equal|identical|"
    r"there|here|somewhere|elsewhere|both|also|then|again|later|never|always|still|enough|too|sufficient|necessary|"
    r"present|absent|"
    r"available|ready|active|null|none|string|binary|alphanumeric|numeric|random|generated|temporary|permanent|"
    r"outdated|stale|"
    r"old|new|current|needed|asked|given|sent|shown|set)|[a-z]*(?:ed|able|ible|ive|ent|ant|ing|ly|ous|ful|ical|less|"
    r"ary|ory)\Z",
    re.IGNORECASE,
)
"""What a sentence says of the state of a password."""
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
    if "phrase" in folded or "mnemonic" in folded or "words" in folded:
        text = _PHRASES.sub(_phrase, text)
    if "ass" in folded:
        text = _PLAIN.sub(_plain, text)
        text = _QUOTED_WORD.sub(_whole, _PHRASE.sub(_whole, _QUOTED.sub(_whole, text)))
    return (
        _USE.sub(lambda match: _whole(match) if is_striking(match["value"]) else match[0], text)
        if "use " in folded
        else text
    )


def _plain(match: re.Match[str]) -> str:
    return match[0] if _STATE.match(match["value"]) else _whole(match)


def _phrase(match: re.Match[str]) -> str:
    start, end = match.span(match.lastgroup or 0)
    return match[0][: start - match.start()] + mark("passphrase") + match[0][end - match.start() :]


def _whole(match: re.Match[str]) -> str:
    if is_placeholder(match["value"]):
        return match[0]
    start, end = match.start("value") - match.start(), match.end("value") - match.start()
    return match[0][:start] + mark("password") + match[0][end:]


def _behind(text: str, folded: str, named: re.Match[str]) -> list[tuple[int, int, str]]:
    """Return the spans of the secrets in the rest of the sentence."""
    end = folded.find("\n", named.end(), named.end() + _WINDOW_CHARS)
    end = min(len(text), named.end() + _WINDOW_CHARS) if end < 0 else end
    spans: list[tuple[int, int, str]] = []
    before, words, again = "", 0, False
    what = "token" if named["token"] else "password"
    for word in _WORD.finditer(text, named.end(), end):
        if words >= _MOST_WORDS:
            break
        words += 1
        value = word[0].rstrip(".:?\u2026")
        if value.endswith("!") and _ENDS.match(text, word.start() + len(value)):
            value = value[:-1]
        if "[redacted" in folded[max(0, word.start() - 1) : word.end()]:
            before, again = "", True
            continue
        near = (
            before in _NEAR
            or before.endswith(":")
            or (words == 1 and not named["verb"])
            or (again and before in _AGAIN)
        )
        if not text.startswith(("=", "("), word.end()) and _is_secret(
            value, named, near=near, words=words, before=before
        ):
            pair = None if named["password"] else _PAIRED.match(value)
            start = word.start() + (pair.end("user") + 1 if pair else 0)
            spans.append((start, word.start() + len(value), what))
            again = True
        if _FULL_STOP.search(text[word.start() : word.end() + 1]):
            break
        before = word[0].lower()
    return spans


def _is_secret(value: str, named: re.Match[str], *, near: bool, words: int, before: str) -> bool:
    """Return True if a word behind the noun or verb ``named`` is a secret."""
    if is_striking(value) and (near or not named["verb"]):
        return not _is_key_name(named, words, before)
    if not near:
        return False
    if named["verb"]:
        user, _, password = value.rpartition(":")
        login = named["login"] is not None and before in _WITH and words <= _MOST_NEAR
        return login and (is_likely(password, 6 if user else 7) or _is_joined(password))
    if before in _IS and _CODED.match(value):
        return True
    if words > _MOST_NEAR:
        return bool(named["password"]) and before in _IS and _is_chosen(value)
    return _is_password(value, before) if named["password"] else _is_token(value, named, words, before)


def _is_chosen(value: str) -> bool:
    return not _NAME.match(value) and is_named_in_prose(value)


def _is_password(value: str, before: str) -> bool:
    if before in _IS and (_NUMBER.match(value) or _PHRASE_WORD.match(value) or is_likely(value, 5, named=False)):
        return True
    return is_likely(value) or _is_joined(value) or bool(_HYPHENED.match(value)) or _is_chosen(value)


def _is_joined(value: str) -> bool:
    """Return True if words and a number of two digits or more are joined, as in blue-otter-42."""
    return bool(_JOINED.match(value)) and is_likely(value, 8, named=False) and not _STORE.search(value)


def _is_token(value: str, named: re.Match[str], words: int, before: str) -> bool:
    user, _, password = value.rpartition("/")
    if user and named[0].startswith("cred"):
        return is_likely(password)
    opens = _OPENS.search(named.string, max(0, named.start() - _BEFORE), named.end()) is not None
    if (
        opens
        and before == "to"
        and (_UUID.match(value) or (is_likely(value, 8, named=False) and not _STORE.search(value)))
    ):
        return True
    drawn = is_random(value, shortest=12) and value.isalnum() and sum(map(str.isdigit, value)) > 2
    if drawn and (opens or not (_HEX.match(value) or named[0].endswith("key"))):
        return True
    if opens and _GROUPED.match(value):
        return True
    introduced = before in _IS or before in _AGAIN or (words == 1 and named[0] == "secret" and value.isalnum())
    return introduced and is_likely(value, 8)


def _is_key_name(named: re.Match[str], words: int, before: str) -> bool:
    """Return True if the word right behind ``key`` names the key, in a table, a cache or a key set."""
    key = named[0].endswith("key") and words == 1 and before not in _IS
    return key and not _OPENS.search(named.string, max(0, named.start() - _BEFORE), named.end())


def is_striking(value: str) -> bool:
    """Return True if a word can only be a secret: it has signs and digits, or letters and digits by turns."""
    if len(value) < 8 or is_placeholder(value) or _NAME.match(value):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    if any(sign in value for sign in "!#$%^*~"):
        return True
    cased = any(map(str.islower, value)) and any(map(str.isupper, value))
    return cased and len(_GROUPS.findall(value)) > 1 and len(_TURNS.findall(value)) > 2
