"""Decides if a value is a secret.

It may be a placeholder, a plain word or random, and its key counts.
"""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(
    r"(?i)(?:\[redacted|aws4-hmac-|!(?:vault|secret|ref|sub|env|getatt|reference)\b|\*{2,}|x{3,}\b|\.{3,}|<|\$\{|\$\(|"
    r"\$[A-Z_]{2,}|\{\{|%[sdv(]|%![a-z]\((?:missing|badindex|nil|<nil>|\*)|%\{|#\{|"
    r"[\u2022\u25cf\u2217\u25e6\u00b7\u2026]{2,}|[_-]{3,}\Z|\{[a-z_][\w.]{0,40}\}|<?your[-_ ]|[@:](?:password|token|"
    r"secret)\Z|"
    r"\w{2,12}[-_](?:x{6,}|\*{4,}|\.{3,})|process\.env\b|secretstr\Z|\[(?:secure|set|sensitive|private|filtered|masked|"
    r"hidden|secret|protected|removed)"
    r"|(?:null|none|nil|undefined|true|false|yes|no|unset|empty|missing|required|expired|invalid|"
    r"incorrect|wrong|mismatch|failed|denied|"
    r"rejected|revoked|redacted|masked|hidden|filtered|changed|string|str|bytes|ok|optional|not|is|"
    r"was|must|unknown|unauthorized|changeme-not-set|done|skipped|updated|unchanged|accepted|verified|"
    r"bearer|basic|default|disabled|enabled|authentication|found|file|env|from|n/a)(?![\w!@#$%^*+-])|"
    r"(?:\w{1,20}\(){1,3}(?:\[?redacted|_\)|none)|\([a-z ]{2,20}\)|\((?:sensitive|known)\b)"
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
_ALGORITHM = re.compile(r"(?i)(?:hmac|aes|sha|rsa|ecdsa|ed25519|md5|(?:hs|rs|es|ps)\d{3})(?![a-z])[\w/.-]{0,20}\Z")
_CALLED = re.compile(
    r"[a-z][a-z0-9]*+(?:[._-](?:[a-z]++\d{0,2}+|\d{1,2}+))++\Z|[A-Z]?[a-z]++\d?(?:[A-Z]++[a-z]++\d?)++[A-Z]{0,5}+:?\Z"
)
"""api_token2, secretKeyRef: what programs call things."""
_OBJECT = re.compile(
    r"[\w.$]{1,200}@[0-9a-f]{4,16}\Z|(?:process\.env|self|this|config|cfg|settings|env|args|opts|"
    r"options|params|props|request|req|form|body)\.[A-Za-z_][\w.]{1,80}\Z|[\w.]{1,80}\(\Z|"
    r"[A-Za-z_][\w.]{0,80}[\[(][\w.]{0,60}[\])]?\Z"
)
"""android.os.Proxy@2bd79ce, os.getenv(: a thing of a program, and what asks for a value."""
_HANDLE = re.compile(r"0x[0-9a-f]{8,17}\Z")
_ONE_WORD = re.compile(r"[^\s\"'`=:/(){}\[\]<>\\|,;]{1,400}\Z")
_NUMBERED = re.compile(
    r"(?i:(?:[a-z]{2,8}[-_])?(?:sha|md|aes|rsa|[rhep]s|utf|base|bcrypt|argon2?i?d?|scrypt|pbkdf|ed|ecdsa|x|"
    r"tls|ssl|https?|ipv|oauth|saml|ldap|v|"
    r"scram|"
    r"krb|ntlm|pkcs|p|mysql|mariadb|postgres(?:ql)?|pg|redis|node|python|java|php|win(?:dows)?|user|users|app|apps|svc|"
    r"service|"
    r"db|database|host|server|client|version|line|step|attempts?|request|role|group|test|page|col|column|field|index|"
    r"row|shard|"
    r"pod|worker|replica|port|id|min|max|minlength|maxlength|length|level|error|err|code|exit|status|type|kind|phase|"
    r"stage|"
    r"method|plugin|driver|slot|part|chunk|block|node|rule|policy|tenant|cluster|realm|zone|region|account|admin|key|"
    r"keys|"
    r"token|tokens|secret|secrets|password|passwords|arg|param|var|item|job|task|run|build|file|expired|string|ops|dev|"
    r"prod|"
    r"staging|web|api|cache|queue|log|logs|grub|sso|mfa|otp|log4j|s|ec|k8s|rfc|iso|cve|ora)[-_.]?v?\d+(?:[-_.]?bit)?)\Z"
    r"|argon2id?\Z|\d+[A-Za-z]{1,4}\Z"
)
"""sha256, user7, 90d, X509: names with a number, and numbers with a unit."""
_SHOUTED = re.compile(r"[A-Z]+\d*[A-Z]*\Z")
_ADDRESS = re.compile(r"\w+@[\w-]+\.\w|[\w-]{1,60}\.[a-z]{2,4}\Z|v?\d+(?:\.\d+)+|-{1,2}\w")
_SHORTEST_RANDOM_CHARS = 16
_LONGEST_LONE_CHARS = 400
_PLACE = re.compile(
    r"\w+@[\w-]+\.\w|\w{2,12}://|[.~]{0,2}/|[\w.-]{1,60}:\d{1,6}\Z|[\w-]{1,60}\.[a-z]{2,4}\Z|"
    r"(?:[a-z0-9]{1,16}[._-]){2,}[a-z0-9]{1,16}\Z|-{1,2}\w|[\w.]{1,60}\(|v?\d+(?:\.\d+)+|\w{1,40}="
)
_DATED = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")


def is_secret(what: str, key: str, value: str, between: str, before: str, after: str, *, quoted: bool) -> bool:
    """Return True if ``value`` under a key of kind ``what`` is a secret, not a placeholder, number, name or prose.

    ``between`` stands between key and value; ``before`` and ``after`` around both.
    """
    if (
        len(value) < (_SHORTEST_RANDOM_CHARS if what in ("weak", "session") else 3)
        or _PLACEHOLDER.match(value)
        or _REFERENCE.match(value)
        or _OBJECT.match(value)
        or "[redacted:" in value
    ):
        return False
    tight = not between.endswith((" ", "\t"))
    # What is said of a file of that name; the next item of a list.
    if (before.endswith("/") and not (quoted or tight) and value.isalpha()) or ("," in between and _NAME.match(value)):
        return False
    if key.lower().replace("_", "").endswith("secretid"):  # of Consul and Vault; a cloud's is a name
        return bool(_UUID.match(value))
    if what == "password":
        return _is_password(value, key, prose=not (quoted or tight or "=" in between), after=after)
    if value.startswith("base64:"):
        return True
    if what == "token":
        composed = "-" in key or "_" in key
        return _is_token(value, quoted or tight or composed or "=" in between)
    if what == "session":
        return (
            len(value) >= 16
            and not _ACCOUNT.match(value)
            and not _UUID.match(value)
            and not _HANDLE.match(value)
            and is_random(value, shortest=_SHORTEST_RANDOM_CHARS)
        )
    return _of_environment(key, before, value) or (
        is_random(value, shortest=_SHORTEST_RANDOM_CHARS)
        and not _HEX.match(value)
        and not _UUID.match(value)
        and not _WORDS.match(value)
        and not any(c in value for c in ":/ ." if not (c == "/" and value.endswith("=")))
    )


def _of_environment(key: str, before: str, value: str) -> bool:
    """Return True if a hexadecimal value is a secret by where its key stands: ``SPEECH_KEY=…``, ``?key=…``."""
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
    if _ALGORITHM.match(value):
        return False
    return assigned or is_random(value, shortest=8)


def is_placeholder(value: str) -> bool:
    """Return True if ``value`` stands for a secret that is elsewhere, hidden already, or missing."""
    return bool(_PLACEHOLDER.match(value) or _REFERENCE.match(value)) or "[redacted:" in value


def is_plain_word(value: str) -> bool:
    """Return True if ``value`` is a name, a word or a number that nobody would keep secret."""
    return bool(_NAME.match(value) or _NUMBER.match(value))


def is_random(value: str, shortest: int) -> bool:
    """Return True if ``value`` looks random: long enough, letters and digits, or both cases, and hardly a name."""
    if len(value) < shortest or _NAME.match(value) or _UUID.match(value):
        return False
    kinds = sum((any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value)))
    return kinds >= 2 and len(set(value)) >= min(8, len(value) * 2 // 3)


def is_lone_secret(value: str, what: str, *, own_name: bool = True) -> bool:
    """Return True if the only word of a line or cell, whose name is of the kind ``what``, is a secret."""
    if (
        not 6 <= len(value) <= _LONGEST_LONE_CHARS
        or " " in value
        or "\t" in value
        or value.endswith((":", "{", "("))
        or "[redacted:" in value
    ):
        return False
    if (
        is_placeholder(value)
        or is_plain_word(value)
        or _DATED.match(value)
        or _PLACE.match(value)
        or _CALLED.match(value)
    ):
        return False
    digits = any(char.isdigit() for char in value)
    if what == "password":
        signs = any(char in "!#%^*+~$&@_-." for char in value)
        cased = any(char.isupper() for char in value) and any(char.islower() for char in value)
        return (
            (digits and (signs or cased))
            or (own_name and (digits or signs))
            or is_likely(value)
            or is_random(value, shortest=12)
        )
    return digits and is_random(value, shortest=12)


def is_likely(value: str, shortest: int = 6, *, named: bool = True) -> bool:
    """Return True if a word right behind "password" is one: letters and digits, and nothing numbered.

    ``named`` says that it can be the name of a thing as well: api-token-2, a digest.
    """
    if not shortest <= len(value) <= _LONGEST_LONE_CHARS or is_placeholder(value):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)) or not _ONE_WORD.match(value):
        return False
    if _DATED.match(value) or _NUMBERED.match(value) or _ADDRESS.match(value):
        return False
    return not named or not (
        is_plain_word(value)
        or _PLACE.match(value)
        or _CALLED.match(value)
        or _SHOUTED.match(value)
        or _UUID.match(value)
        or _HEX.match(value)
    )
