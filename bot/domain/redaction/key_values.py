"""Secrets known by their key: ``password=…``, ``"api_key": "…"``, ``<token>…</token>``."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.domain.redaction.values import is_placeholder, is_secret
from bot.domain.redaction.vendor_tokens import fold

_ANSI = r"(?:\x1b\[[\d;]{0,12}m){0,4}"
HINTS = (
    "p(?:ass|wd?|sw|in|sk)|s(?:ecret|ess|id|ig|alt|eed)|token|key|c(?:red|ookie|ode|v[vc]|srf)|auth|hook|jwt|bearer|"
    "otp|"
    "mnemonic|xsrf|docker|crypt|appid|crumb"
)
OF_CLASS = r"(?::(?:protected|(?:\"?[\w\\]{1,100}\"?:)?private))?"
"""What PHP writes behind the name of a property."""
_SOME_HINT = re.compile(HINTS)
_WRAPPERS = (
    "some|optional|option|ok|just|secret(?:str|string|box|vec)?|string|str|arcstr|arc|rc|box|"
    "(?:cow::)?(?:borrowed|owned)|zeroizing|"
    "token|password|passphrase|credentials?|api_?key|(?:access|auth)_?token|redacted|sensitive|protected|hidden|"
    "[a-z]{1,16}(?:token|password|secret|apikey|passphrase)|(?:[a-z]{2,20}::){1,3}(?:from|new|some|ok|owned|borrowed)"
)
"""What stands between a key and its value in Rust, Scala and Python, in lower case: ``Some(Secret("…"))``."""
INNER = (
    r"(?:inner\w{0,20}|value|0|secret\w{0,20}|expose\w{0,10}|data|raw|plain\w{0,10}|token|key|password|bytes|string)"
)
"""The field that holds the secret of a type made for one."""
# From a telling word within the key to where the value starts; the key's part before the word is read backwards.
_PAIR = re.compile(
    rf"(?P<key>(?:{HINTS})[\w.-]{{0,80}}+)"
    rf"(?P<between>{_ANSI}(?:\\{{0,4}}[\"'`]|&quot;|%22)?{OF_CLASS}[\])]?{_ANSI}"
    rf"[ \t]{{0,24}}(?::=|=>|->|==|[:=]|%3[ad]|>|(?<=[\"']),(?=[ \t]{{0,24}}[\"'])|"
    rf"(?<=\");s:\d{{1,5}}:(?=\"))[ \t]{{0,24}}{_ANSI})"
    r"(?:(?:string|str)\(\d{1,6}\)[ ]?|\(string\)[ ]?(?:\(len=\d{1,6}\)[ ]?)?|"
    rf"(?:(?:option(?:al)?(?:\.|::))?(?:{_WRAPPERS})"
    rf"(?:\(|\[|[ ]?\{{[ ]{{0,4}}(?:{INNER}[:=][ ]?)?|[ ](?=[\"']))){{1,4}})?"
    r"(?P<open>b?\\{0,4}[\"'`]|&quot;|%22)?"
)
KEY_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_LONGEST_KEY_CHARS = 80
_LONGEST_VALUE_CHARS, _LONGEST_JUDGED_CHARS = 1 << 16, 400  # bounds that keep the time linear on one endless line
_ESCAPED_END = re.compile("%2[26]|%20")
_COLOUR_END = re.compile(r"\d{0,2}m")
_BARE = re.compile(r"(?:[^\s\"'`<>\\&;,|\x1b]|[&;,|](?![\s&;,|]|$|[\w.-]{1,40}+[=:])|\\(?![nrt\"']))++")
_NAMED = re.compile(
    r"(?i)\b(?:name|"
    r"key)\\{0,3}[\"']?[ ]?[:=][ ]?"
    r"\\{0,3}[\"']?(?P<key>[\w.-]{3,80}+)\\{0,3}[\"']?[,;]?\s{0,16}\\{0,3}[\"']?value\\{0,3}[\"']?[ ]?[:=][ ]?"
    r"\\{0,3}[\"']?(?P<value>[^\s\"'\\,}]{3,}+)"
)


def words_of(text: str) -> frozenset[str]:
    """Return the words of ``text``, as a set."""
    return frozenset(text.split())


_SPLIT = re.compile(r"[_.\-]+|(?<=[a-z0-9])(?=[A-Z])")

_PASSWORD_ENDS = tuple(words_of("password passwd passphrase passcode pwd requirepass masterauth userpass pw"))
_PASSES = ("bypass", "compass", "trespass", "surpass", "overpass", "underpass", "encompass", "multipass")
_PASSWORD_WORDS = frozenset({"pass", "pw", "psw", "pswd", "pin", "otp", "cvv", "cvc", "mnemonic"})
_TOKEN_ENDS = tuple(
    words_of(
        "token secret secrets apikey apikeys accesskey accesskeyid secretkey privatekey encryptionkey "
        "signingkey applicationkey masterkey authkey accountkey "
        "credential credentials appkey secretkeybase licensekey servicekey sshkey hmackey deploykey "
        "storagekey adminkey subscriptionkey "
        "consumerkey sessionkey sharedkey sharedaccesskey presharedkey psk jwt bearer "
        "dockerconfigjson hashkey blockkey fernetkey cookiekey integrationkey clientkeydata crumb "
        "amzsignature googsignature networkkey"
    )
)
_KEYS_TO = ("api", "access", "secret", "auth", "private", "license", "hmac", "application")
_SESSION_ENDS = ("sessionid", "sessid", "sid", "sessiontoken", "sessioncookie", "sessionkey")
_WEAK_WORDS = words_of(
    "appid key auth sig signature seed code cookie session salt passwordsalt webhook authorization tokens xsrf csrf enc"
    "rypt"
)
_HARMLESS_ENDS = words_of(
    "count counts id ids name names path paths file files length len type types url uri urls "
    "endpoint expiry expires "
    "expiration expired ttl at age policy version arn ref size limit issuer field header attempts attempt retries "
    "time timeout duration ms seconds status state error errors reason format usage used total "
    "max min budget enabled "
    "required valid invalid prefix suffix provider manager store source scope scopes algorithm "
    "alg method index rotation "
    "created updated bucket rate cache pool service server client host port strategy mode hint "
    "reset strength changed "
    "missing present set found location dir user username email mount created_at position pos "
    "line offset key_id column encryption encoder hasher hashing"
)
_HARMLESS_KEYS = words_of(
    "maxtoken nexttoken pagetoken nextpagetoken continuationtoken synctoken canceltoken "
    "cancellationtoken unexpectedtoken "
    "publickey primarykey foreignkey cachekey sortkey partitionkey routingkey idempotencykey "
    "rowkey objectkey duplicatekey "
    "s3key hotkey ssid uniquekey shardkey fencingtoken stoptoken starttoken eostoken bostoken "
    "padtoken lasttoken")  # fmt: skip
_CALLED = {"weak": "secret"}


def redact_pairs(text: str) -> str:
    """Return ``text`` with the values of secret keys replaced, in any of the ways that logs write pairs."""
    folded = fold(text)
    if not any(sign in folded for sign in ("=", ":", ">", "%3", ",")) or not _SOME_HINT.search(folded):
        return text
    done: list[str] = []
    at = search = scanned = 0
    while (pair := _PAIR.search(folded, search)) is not None:
        search = pair.end("between")
        before, key = _whole_key(text, pair)
        what = kind_of(key, before)
        if what is None or _is_markup(pair["between"], before) or _is_public(key, before):
            continue
        start, end, scanned = _value(text, pair, scanned)
        if _is_next(pair["between"], text[start : start + _LONGEST_KEY_CHARS]) or not is_secret(
            what,
            key,
            text[start : min(end, start + _LONGEST_JUDGED_CHARS)],
            pair["between"],
            before,
            text[end : end + 24],
            quoted=bool(pair["open"]),
        ):
            continue
        done += (text[at:start], f"[redacted:{_CALLED.get(what, what)}]")
        at = search = end
    done.append(text[at:])
    return _NAMED.sub(_named, "".join(done))


_NEXT = re.compile(r"[\w.-]{1,60}=(?!=?(?:[\s\"'&;,]|\Z))|[a-z]{2,20}(?=[ ]-)")
_NEXT_FIELD = re.compile(r"[A-Z][A-Za-z]{1,30}:(?:[\[{&<]|\d|map\[|true\b|false\b)")
"""The next field of a structure that Go prints."""


def _is_next(between: str, value: str) -> bool:
    """Return True if no value stands there, and a blank parts the pair from the next one, or from a command."""
    parted = between.endswith((" ", "\t"))
    if ("," in between and value.startswith("--")) or (between.endswith(">") and value.startswith(("@", ":"))):
        return True
    if parted and between.startswith(":"):
        return bool(_NEXT_FIELD.match(value))
    return parted and between.lstrip("\\\"'`").startswith("=") and bool(_NEXT.match(value))


def _is_public(key: str, before: str) -> bool:
    """Return True if a key is a public one: "public key: …", "did:key:…"."""
    return key.lower() == "key" and before.lower().rstrip(" -_").endswith(("public", "did:", "pub"))


def _is_markup(between: str, before: str) -> bool:
    """Return True if a ``>`` ends something other than the tag ``<password>``."""
    sign = between.rstrip()
    return sign.endswith(">") and not sign.endswith(("=>", "->")) and not before.endswith("<")


def _whole_key(text: str, pair: re.Match[str]) -> tuple[str, str]:
    """Return up to twelve characters before the key, and the key without escapes and colours that touch it."""
    window = text[max(0, pair.start() - _LONGEST_KEY_CHARS) : pair.start()]
    before = window.rstrip(KEY_CHARS)
    left = window[len(before) :]
    if before.endswith("\\") and left[:1] in ("n", "r", "t"):
        left = left[1:]
    elif before.endswith("%"):
        left = left[2:]
    elif before.endswith(("[", ";")) and (colour := _COLOUR_END.match(left)):
        left = left[colour.end() :]
    if before.endswith("[redacted:"):
        return before, ""
    return before[-12:], (left + text[slice(*pair.span("key"))]).lstrip("-.")


def _named(match: re.Match[str]) -> str:
    what = kind_of(match["key"], "")
    if what is None or what == "weak" or is_placeholder(match["value"]):
        return match[0]
    return match[0][: match.start("value") - match.start()] + f"[redacted:{_CALLED.get(what, what)}]"


def _value(text: str, pair: re.Match[str], scanned: int) -> tuple[int, int, int]:
    """Return where the value of ``pair`` starts and ends, to the closing quote or to the end of the word.

    ``scanned`` is where the word ends in which the value before stood; the third place returned is that of this one.
    """
    start, quote = pair.end(), (pair["open"] or "").removeprefix("b")
    if quote:
        line = text.find("\n", start, start + _LONGEST_VALUE_CHARS)
        line = min(len(text), start + _LONGEST_VALUE_CHARS) if line < 0 else line
        end = text.find(quote, start, line)
        while len(quote) == 1 and end > start and text[end - 1] == "\\" and text[end - 2] != "\\":
            end = text.find(quote, end + 1, line)
        return start, line if end < 0 else end, scanned
    if start >= scanned:
        bare = _BARE.match(text, start, start + _LONGEST_VALUE_CHARS)
        if bare is None:
            return start, start, scanned
        scanned = bare.end()
    end = scanned
    if "%3" in pair["between"] and (cut := _ESCAPED_END.search(text, start, end)):
        end = cut.start()
    first = max(start, end - _LONGEST_JUDGED_CHARS)
    while end > first and (
        text[end - 1] in ".,;:"
        or (
            (opener := _OPENERS.get(text[end - 1]))
            and text.count(text[end - 1], first, end) > text.count(opener, first, end)
        )
    ):
        end -= 1
    return start, end, scanned


_OPENERS = {")": "(", "]": "[", "}": "{"}


@lru_cache(maxsize=4096)
def kind_of(key: str, before: str) -> str | None:
    """Return what a key can hold: ``password``, ``token``, ``session``, ``weak`` or ``None``."""
    words = [word for word in _SPLIT.split(key) if word]
    if not words:
        return None
    lower = [word.lower() for word in words]
    if lower == ["secret"] and before.endswith(":"):
        # The middle of an ARN.
        return None
    flat, last = "".join(lower), lower[-1].rstrip("0123456789") or lower[-1]
    if flat in _HARMLESS_KEYS or (
        last in _HARMLESS_ENDS and not flat.endswith(("accesskeyid", "sessionid", "secretid"))
    ):
        return None
    if (
        flat.endswith(_PASSWORD_ENDS)
        or (flat.endswith("pass") and not flat.endswith(_PASSES))
        or last in _PASSWORD_WORDS
        or "password" in lower
    ):
        return "password"
    if flat.endswith(_SESSION_ENDS) and "ssid" not in lower:
        return "session"
    key = before.rstrip(" -_").lower()
    if flat.endswith(_TOKEN_ENDS) or (
        last == "key" and key.endswith(("api", "access", "secret", "auth", "private", "license", "hmac", "application"))
    ):
        return "token"
    if "secret" in lower or "token" in lower or "apikey" in lower:
        return "token"
    return "weak" if last in _WEAK_WORDS else None
