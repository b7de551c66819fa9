"""Secrets that are known by the key they stand under: ``password=…``, ``"api_key": "…"``, ``<token>…</token>``."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.domain.secret_shapes import fold

_ANSI = r"(?:\x1b\[[\d;]{0,12}m){0,4}"
_HINTS = (
    "p(?:ass|wd?|sw|in|sk)|s(?:ecret|ess|id|ig|alt)|token|key|c(?:red|ookie|ode|v[vc]|srf)|auth|hook|jwt|bearer|otp|"
    "mnemonic|xsrf|docker|crypt|appid|crumb"
)
_SOME_HINT = re.compile(_HINTS)
# From a telling word within the key to where the value starts; the key's part before the word is read backwards.
_PAIR = re.compile(
    rf"(?P<key>(?:{_HINTS})[\w.-]{{0,80}}+)"
    rf"(?P<between>{_ANSI}(?:\\{{0,4}}[\"'`]|&quot;|%22)?\]?{_ANSI}"
    rf"[ \t]{{0,4}}(?::=|=>|->|==|[:=]|%3[ad]|>|(?<=[\"']),(?=[ \t]{{0,4}}[\"']))[ \t]{{0,4}}{_ANSI})"
    r"(?:(?:string|str)\(\d{1,6}\)[ ]?|\(string\)[ ]\(len=\d{1,6}\)[ ]|"
    r"(?:Some|Secret|SecretStr|SecretString|String|str)\((?=[\"']))?"
    r"(?P<open>b?\\{0,4}[\"'`]|&quot;|%22)?"
)
_KEY_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_LONGEST_KEY = 80
_LONGEST_VALUE, _LONGEST_JUDGED = 1 << 16, 400  # bounds that keep the time linear on one endless line
_ESCAPED_END = re.compile("%2[26]|%20")
_COLOUR_END = re.compile(r"\d{0,2}m")
_BARE = re.compile(r"(?:[^\s\"'`<>\\&;,|\x1b]|[&;,|](?![\s&;,|]|$|[\w.-]{1,40}+[=:])|\\(?![nrt\"']))++")
_NAMED = re.compile(
    r"(?i)\b(?:name|"
    r"key)\\{0,3}[\"']?[ ]?[:=][ ]?"
    r"\\{0,3}[\"']?(?P<key>[\w.-]{3,80}+)\\{0,3}[\"']?[,;]?\s{0,16}\\{0,3}[\"']?value\\{0,3}[\"']?[ ]?[:=][ ]?"
    r"\\{0,3}[\"']?(?P<value>[^\s\"'\\,}]{3,}+)"
)


def _words(text: str) -> frozenset[str]:
    """Return the words of ``text``, as a set."""
    return frozenset(text.split())


_SPLIT = re.compile(r"[_.\-]+|(?<=[a-z0-9])(?=[A-Z])")

_PASSWORD_ENDS = tuple(_words("password passwd passphrase passcode pwd requirepass masterauth userpass pw"))
_PASSES = ("bypass", "compass", "trespass", "surpass", "overpass", "underpass", "encompass", "multipass")
_PASSWORD_WORDS = frozenset({"pass", "pw", "psw", "pswd", "pin", "otp", "cvv", "cvc", "mnemonic"})
_TOKEN_ENDS = tuple(
    _words(
        "token secret secrets apikey apikeys accesskey accesskeyid secretkey privatekey encryptionkey "
        "signingkey masterkey authkey accountkey "
        "credential credentials appkey secretkeybase licensekey servicekey sshkey hmackey deploykey "
        "storagekey adminkey subscriptionkey "
        "consumerkey sessionkey sharedkey sharedaccesskey presharedkey psk jwt bearer "
        "dockerconfigjson hashkey blockkey fernetkey cookiekey integrationkey clientkeydata crumb "
        "amzsignature googsignature networkkey"
    )
)
_SESSION_ENDS = ("sessionid", "sessid", "sid", "sessiontoken", "sessioncookie", "sessionkey")
_WEAK_WORDS = _words(
    "appid key auth sig signature code cookie session salt passwordsalt webhook authorization tokens xsrf csrf encrypt"
)
_HARMLESS_ENDS = _words(
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
_HARMLESS_KEYS = _words(
    "maxtoken nexttoken pagetoken nextpagetoken continuationtoken synctoken canceltoken "
    "cancellationtoken unexpectedtoken "
    "publickey primarykey foreignkey cachekey sortkey partitionkey routingkey idempotencykey "
    "rowkey objectkey duplicatekey "
    "s3key hotkey ssid uniquekey shardkey fencingtoken stoptoken starttoken eostoken bostoken "
    "padtoken lasttoken")  # fmt: skip
_PLACEHOLDER = re.compile(
    r"(?i)(?:\[redacted|aws4-hmac-|!(?:vault|secret|ref|sub|env|getatt|reference)\b|\*{2,}|x{3,}\b|\.{3,}|<|\$\{|\$\(|\$[A-Z_]{2,}|\{\{|%[sdv(]|%\{|#\{|"
    r"\[(?:filtered|masked|hidden|secret|protected|removed)"
    r"|(?:null|none|nil|undefined|true|false|yes|no|unset|empty|missing|required|expired|invalid|"
    r"incorrect|wrong|mismatch|failed|denied|"
    r"rejected|revoked|redacted|masked|hidden|filtered|changed|string|str|bytes|ok|optional|not|is|"
    r"was|must|unknown|unauthorized|changeme-not-set|"
    r"bearer|basic|default|disabled|enabled|authentication|found|file|env|from|n/a)(?![\w!@#$%^*+-])|\([a-z ]{2,20}\))"
)
_REFERENCE = re.compile(
    r"(?i)(?:\.{0,2}/(?:run|etc|var|secrets?|vault|home|app|mnt|opt|usr|tmp|root|data|srv|config)\b|"
    r"\./|\.\./|~/|(?:file|vault|arn|op|ssm|secret|env|k8s|kms|awskms|gcpkms|projects)[:/])"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_ACCOUNT = re.compile(r"S-1-|[A-Z]{2}[0-9a-f]{32}\Z")  # ids of Windows and Twilio
_HEX = re.compile(r"(?:0x)?[0-9a-f]+\Z|(?:0x)?[0-9A-F]+\Z")
_NAME = re.compile(r"[a-z]+(?:[_./:-]+(?:v?\d{1,3}|[a-z]+))*\Z|[A-Z]+(?:_[A-Z0-9]+)*\Z|[A-Z]?[a-z]+\Z")
_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,}|[A-Z]{2,5})(?:[A-Z][a-z]{2,})+\Z")  # DeadlineExceeded, IOErrorOccurred
_NUMBER = re.compile(r"-?[\d.,]+(?:[a-z%]{1,3})?\Z", re.IGNORECASE)


_SHORTEST_RANDOM = 16
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
        if what is None or _is_markup(pair["between"], before):
            continue
        start, end, scanned = _value(text, pair, scanned)
        if not is_secret(
            what, key, text[start : min(end, start + _LONGEST_JUDGED)], pair, before, text[end : end + 24]
        ):
            continue
        done += (text[at:start], f"[redacted:{_CALLED.get(what, what)}]")
        at = search = end
    done.append(text[at:])
    return _NAMED.sub(_named, "".join(done))


def _is_markup(between: str, before: str) -> bool:
    """Say whether a ``>`` ends something else than the tag ``<password>``."""
    sign = between.rstrip()
    return sign.endswith(">") and not sign.endswith(("=>", "->")) and not before.endswith("<")


def _whole_key(text: str, pair: re.Match[str]) -> tuple[str, str]:
    """Return up to nine characters before the key, and the key without escapes and colours that touch it."""
    window = text[max(0, pair.start() - _LONGEST_KEY) : pair.start()]
    before = window.rstrip(_KEY_CHARS)
    left = window[len(before) :]
    if before.endswith("\\") and left[:1] in ("n", "r", "t"):
        left = left[1:]
    elif before.endswith("%"):
        left = left[2:]
    elif before.endswith(("[", ";")) and (colour := _COLOUR_END.match(left)):
        left = left[colour.end() :]
    if before.endswith("[redacted:"):
        return before, ""
    return before[-9:], (left + text[slice(*pair.span("key"))]).lstrip("-.")


def _named(match: re.Match[str]) -> str:
    what = kind_of(match["key"], "")
    if what is None or what == "weak" or _PLACEHOLDER.match(match["value"]) or _REFERENCE.match(match["value"]):
        return match[0]
    return match[0][: match.start("value") - match.start()] + f"[redacted:{_CALLED.get(what, what)}]"


def _value(text: str, pair: re.Match[str], scanned: int) -> tuple[int, int, int]:
    """Return where the value of ``pair`` starts and ends, to the closing quote or to the end of the word.

    ``scanned`` is where the word ends in which the value before stood; the third place returned is that of this one.
    """
    start, quote = pair.end(), (pair["open"] or "").removeprefix("b")
    if quote:
        line = text.find("\n", start, start + _LONGEST_VALUE)
        line = min(len(text), start + _LONGEST_VALUE) if line < 0 else line
        end = text.find(quote, start, line)
        while len(quote) == 1 and end > start and text[end - 1] == "\\" and text[end - 2] != "\\":
            end = text.find(quote, end + 1, line)
        return start, line if end < 0 else end, scanned
    if start >= scanned:
        bare = _BARE.match(text, start, start + _LONGEST_VALUE)
        if bare is None:
            return start, start, scanned
        scanned = bare.end()
    end = scanned
    if "%3" in pair["between"] and (cut := _ESCAPED_END.search(text, start, end)):
        end = cut.start()
    first = max(start, end - _LONGEST_JUDGED)
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
    said = before.rstrip(" -_").lower()
    if flat.endswith(_TOKEN_ENDS) or (
        last == "key" and said.endswith(("api", "access", "secret", "auth", "private", "license"))
    ):
        return "token"
    if "secret" in lower or "token" in lower or "apikey" in lower:
        return "token"
    return "weak" if last in _WEAK_WORDS else None


def is_secret(what: str, key: str, value: str, pair: re.Match[str], before: str, after: str) -> bool:
    """Say whether ``value`` under a key of the kind ``what`` is a secret, and no placeholder, number, name or prose."""
    if (
        len(value) < (_SHORTEST_RANDOM if what in ("weak", "session") else 3)
        or _PLACEHOLDER.match(value)
        or _REFERENCE.match(value)
        or "[redacted:" in value
    ):
        return False
    quoted, tight = bool(pair["open"]), not pair["between"].endswith((" ", "\t"))
    # What is said of a file of that name; the next item of a list.
    if (before.endswith("/") and not (quoted or tight) and value.isalpha()) or (
        "," in pair["between"] and _NAME.match(value)
    ):
        return False
    if key.lower().replace("_", "").endswith("secretid"):  # of Consul and Vault; a cloud's is a name
        return bool(_UUID.match(value))
    if what == "password":
        return _is_password(value, key, prose=not (quoted or tight or "=" in pair["between"]), after=after)
    if value.startswith("base64:"):
        return True
    if what == "token":
        composed = "-" in key or "_" in key
        return _is_token(value, quoted or tight or composed or "=" in pair["between"])
    if what == "session":
        return (
            len(value) >= 16
            and not _ACCOUNT.match(value)
            and not _UUID.match(value)
            and is_random(value, shortest=_SHORTEST_RANDOM)
        )
    return _of_environment(key, before, value) or (
        is_random(value, shortest=_SHORTEST_RANDOM)
        and not _HEX.match(value)
        and not _UUID.match(value)
        and not _WORDS.match(value)
        and not any(c in value for c in ":/ ." if not (c == "/" and value.endswith("=")))
    )


def _of_environment(key: str, before: str, value: str) -> bool:
    """Say whether a hexadecimal value is a secret by where its key stands: ``SPEECH_KEY=…``, ``?key=…``."""
    named = (key.isupper() and "_" in key and "CACHE" not in key) or before.endswith(("?", "&"))
    return named and len(value) >= 32 and bool(_HEX.match(value))


def _is_password(value: str, key: str, *, prose: bool, after: str) -> bool:
    if key.lower() in ("pass", "pw", "pin", "otp") and (_NUMBER.match(value) and len(value) < 4):
        return False
    if prose and value.isalpha() and value.islower() and after.strip()[:1].isalpha():
        return False
    if prose and value.isalpha() and value.isupper():
        return False
    return not (" " in value and prose)


def _is_token(value: str, assigned: bool) -> bool:
    if len(value) < 6 or (_NUMBER.match(value) and len(value) < 10) or " " in value.strip() or "://" in value:
        return False
    if _NAME.match(value):
        return assigned and len(value) >= 20 and value.isalpha()
    return assigned or is_random(value, shortest=8)


def is_placeholder(value: str) -> bool:
    """Say whether ``value`` stands for a secret that is elsewhere, hidden already, or missing."""
    return bool(_PLACEHOLDER.match(value) or _REFERENCE.match(value)) or "[redacted:" in value


def is_plain_word(value: str) -> bool:
    """Say whether ``value`` is a name, a word or a number that nobody would keep secret."""
    return bool(_NAME.match(value) or _NUMBER.match(value))


def is_random(value: str, shortest: int) -> bool:
    """Say whether ``value`` looks drawn by lot: long enough, letters and digits, or both cases, and hardly a name."""
    if len(value) < shortest or _NAME.match(value) or _UUID.match(value):
        return False
    kinds = sum((any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value)))
    return kinds >= 2 and len(set(value)) >= min(8, len(value) * 2 // 3)
