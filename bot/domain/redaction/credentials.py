"""Hashes, pairs of user and password, foreign keys' names, SQL rows."""

from __future__ import annotations

import re
from string import ascii_uppercase

from bot.domain.redaction.command_lines import is_named_in_prose
from bot.domain.redaction.key_values import kind_of
from bot.domain.redaction.urls_and_headers import begins, place
from bot.domain.redaction.values import is_likely, is_placeholder, is_plain_word
from bot.domain.redaction.vendor_tokens import Absent, Rule, mark, replace_all

_FOREIGN = (
    "contraseña,contrasena,contrasenya,clave,senha,palavra-passe,palavra_passe,mot_de_passe,mot de passe,motdepasse,"
    "mdp,passwort,kennwort,wachtwoord,lösenord,losenord,passord,adgangskode,kodeord,salasana,parool,parole,parola,"
    "parolă,slaptažodis,hasło,haslo,heslo,jelszó,jelszo,lozinka,geslo,şifre,sifre,lykilorð,mật khẩu,kata sandi,"
    "пароль,парола,лозинка,κωδικός,סיסמה,סיסמא,كلمة المرور,كلمة السر,"
    "पासवर्ड,รหัสผ่าน,密码,密碼,口令,パスワード,비밀번호,암호"
)
_EXAMPLE = re.compile(
    r"(?i)(?:pass(?:word|wd)?|pwd|pw|secret|token|key|env\S*|os|config\S*|settings\S*|self|none|null|true|false)\b"
)


def _foreign(match: re.Match[str]) -> bool:
    # "Passwort: falsch" is a sentence.
    is_word = match[3].isalpha() and match[3].islower() and "=" not in match["sign"]
    return not is_word and not is_placeholder(match[3])


def _two(match: re.Match[str]) -> bool:
    secret = match[2]
    return not (is_placeholder(secret) or _EXAMPLE.match(secret) or (not match["open"] and is_plain_word(secret)))


def _joined(match: re.Match[str]) -> bool:
    return not (is_placeholder(match[1]) or is_plain_word(match[1]))


def _is_named(value: str) -> bool:
    return is_likely(value) or is_named_in_prose(value)


_KEYS = ["API", "ACCESS", "SECRET", "PRIVATE", "AUTH", "ENCRYPTION", "SIGNING", "MASTER", "APPLICATION", "HMAC"]
_IN_CAPITALS = (
    *("PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "TOKEN", "SECRET", "CREDENTIALS?"),
    *(f"{what}_?KEY" for what in _KEYS),
)

_PAIRS: tuple[Rule, ...] = (
    place(
        "password",
        _FOREIGN,
        rf"(?i)(?:{_FOREIGN.replace(',', '|')})s?[\w.-]{{0,40}}+\\{{0,2}}[\"']?[ \t]{{0,4}}(?P<sign>=>|:=|[:=：＝])"
        r"[ \t]{0,4}\\{0,2}(?P<open>[\"']?)"
        r"(!(?:(?<=\")[^\"\\\n]{3,256}+|(?<=')[^'\\\n]{3,256}+|(?<![\"'])[^\s\"',;\\]{3,256}+))",
        _foreign,
    ),
    place(
        # "La contraseña es Abc123x", "das Passwort lautet Abc123x"
        "password",
        _FOREIGN,
        rf"(?i)(?:{_FOREIGN.replace(',', '|')})[ ](?:\w{{1,8}}[ ]){{0,2}}[\"'«„]?(?P<open>)"
        r"(![^\s\"',;:/()«»„“”]{6,256}+)",
        lambda match: _is_named(match[2].rstrip(".!?")),
    ),
    place(
        # auth=('user', 'password'), HTTPBasicAuth("user", "password"), auth=(user, password)
        "password",
        "auth,cred,login",
        r"(?i)[acl](?:(?<=a)uth|(?<=c)red(?:ential)?s?|(?<=l)ogin)"
        r"(?:\s?[=:]\s?(?:\w{1,20})?[(\[{]|(?:(?<=basicauth)|(?<=basic_auth)|(?<=digestauth)|"
        r"(?<=proxyauth))\()\s?(?P<open>b?[\"']?)[\w.@+-]{1,64}+[\"']?\s?,\s?b?[\"']?"
        r"(![^\s\"',()\[\]{}]{3,256}+)",
        _two,
    ),
    place(
        # basic_auth: user:password, --auth user:password, userpwd="user:password"
        "password",
        "auth,cred,userpwd,proxy_user,--basic, -a ",
        r"(?i)(?:[acpu](?:(?<=a)uth(?:_basic)?|(?<=u)serpwd|(?<=p)roxy_user|(?<=c)red(?:ential)?s?)"
        r"(?:[\"']?\s{0,4}[:=]\s{0,4}|(?:(?<=basicauth)|(?<=basic_auth)|(?<=basic-auth))[ \t]{1,3})|"
        r"-(?<!\S.)(?:-auth|-basic-auth|-creds|-credentials|-proxy-auth|-basic|a)[= ])"
        r"[\"']?(?:basic\s)?[\w.@+-]{1,64}+:(?!//)(![^\s\"',;&]{3,256}+)",
        _joined,
    ),
    place(
        # host:port:database:user:password of .pgpass
        "password",
        ":",
        r"(?m):(?<=[\w.*\]]:)(?:\d{2,5}|\*):(?:[A-Za-z_][\w-]{0,63}|\*):(?:[A-Za-z_][\w.-]{0,63}|\*):"
        r"(!(?:[^\s:\\\"']|\\[:\\]){4,256}+)(?=[\s\"']|$)",
        _joined,
    ),
    place(
        # DB_PASSWORD Abc123: a key as the environment has it, a blank, and what no sentence goes on with
        "password",
        "pass,pwd ,token ,secret ,key ,credential",
        begins(
            *_IN_CAPITALS,
            *(
                rf"{first}[A-Z0-9]{{0,30}}_(?:[A-Z][A-Z0-9]{{0,30}}_){{0,5}}(?:{'|'.join(_IN_CAPITALS)})"
                for first in ascii_uppercase
            ),
            not_behind=r"\w$\"'{-",
            any_case=False,
        )
        + r"[ \t]{1,3}[\"']?"
        r"(!(?=[^\s\"']{0,80}\d)(?=[^\s\"']{0,80}[A-Za-z])[^\s\"',;:=()\[\]<>{}/]{6,256}+)(?=[\"']?(?:\s|$))",
    ),
)

_HASHES: tuple[Rule, ...] = (
    # crypt(3) and PHC strings: the id, then parameters, salt and hash
    place(
        "password-hash",
        "$",
        r"\$(?<!\w\$)(?:apr1|argon2(?:id|i|d)|2[abxy]|[156y7]|gy|sha1|scrypt|pbkdf2(?:-sha\d+)?)\$[\w./+=,$-]{20,}+",
    ),
    place("password-hash", "{", r"\{(?i:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[\w-]*)\}[\w./+=$-]{16,}+"),
    place(
        "password-hash",
        "pbkdf2,bcrypt,argon2",
        r"(?<![\w$])-?(?:pbkdf2|bcrypt|argon2)(?:_sha\d+)?[-$][\w./+=$,-]{24,}+",
    ),
    place("password-hash", "scram-sha-", r"SCRAM-SHA-\d+\$\d+:[\w./+=$:-]{30,}+"),
    place("password-hash", "md5", r"\bmd5[0-9a-f]{32}\b"),
)

_COMMANDS: tuple[Rule, ...] = (
    place(
        "community",
        "community",
        r"(?i)\b(?:r[ow]community6?|trapcommunity|snmp[\w-]{0,12}[ ]community)[ \t]{1,3}[\"']?"
        r"(?!(?:string|strings|support|name|not|is|public|private)\b)"
        r"(!(?=[^\s\"']{0,80}(?:\d|[A-Z_!.-]))[^\s\"',;:]{4,128}+)(?=[\s\"']|$)",
    ),
    place(
        "community",
        "community",
        r"(?i)\bcommunity(?:[_ -]?(?:string|name))?[\"']?\s?[:=]\s?[\"']?(?!(?:public|private)\b)"
        r"(!(?=[^\s\"']{0,80}\d)[^\s\"',;:]{6,128}+)",
    ),
    place("community", "com2sec", r"\bcom2sec6?(?:\s{1,4}[\w.:/-]{1,64}){2}[ \t]{1,4}[\"']?(![^\s\"']{3,}+)"),
    place("community", "snmp", r"\bsnmp\w{1,12}\b[^\n|;]{0,120}?\s-[cAX]\s{0,2}[\"']?(![^\s\"'-][^\s\"']{2,}+)"),
    place(
        "token",
        "token,join",
        begins("token", "join") + r"\W{1,3}(!(?=[a-z]*\d)[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16})\b",
    ),
    place(
        "password",
        "--password-stdin,sudo -s",
        r"\becho\s(?:-n\s)?[\"']?(?!\$)(![^\s\"'|]{3,256}+)[\"']?\s?\|[^\n|]{0,200}?(?:--password-stdin|sudo\s-S)",
    ),
    place("password", "net use", r"(?i)\bnet use\b[^\n]{0,200}?/user:\S{1,128}\s{1,3}(![^\s/\"']{3,}+)"),
    place(
        "password",
        "7z,zip,rar ",
        r"\b(?:7za?|(?:un)?zip|(?:un)?rar)\b[^\n|;]{0,120}?\s-(?:p|P|P |hp)(![^\s\"'-][^\s\"']{2,}+)",
    ),
    place("password", "pass:", r"(?<!\w)-?pass(?:in|out)?\s{1,3}pass:(![^\s\"']{3,}+)"),
    place(
        "password",
        "bindpw,rootpw,bindcredentials",
        r"(?i)\b(?:bindpw|rootpw|bindcredentials)[ \t]{1,4}[\"']?"
        r"(?!(?:missing|not|is|was|unset|empty|required|set|file|in|for|from)\b)(![^\s\"'{][^\s\"']{2,}+)",
    ),
    place(
        "password",
        "storepass,keypass",
        r"(?i)(?<!\S)-(?:(?:src|dest|key|trust)?storepass|(?:src|dest)?keypass)\s{1,3}[\"']?(?!-)(![^\s\"']{3,}+)",
    ),
    place(
        "password",
        "auth ",
        r"(?<![\w\"'-])AUTH[ \t]{1,3}(?!LOGIN\b|PLAIN\b|CRAM|(?:mechanism|method|type|error|with|using)\b)"
        r"(?:[a-z]\w{0,30}[ \t])?"
        r"(!(?=[^\s\"']{0,80}\d)(?=[^\s\"']{0,80}[A-Za-z])[^\s\"',:=()]{6,128}+)(?=\s|$)",
    ),
    place("token", "erlang", r"(?i)\berlang[ ._]?cookie(?: is)?[: ]{1,3}[\"']?(![A-Z0-9]{12,}+)\b"),
    place("token", "routing", r"(?i)\brouting_?key[\"']?\s?[:=]\s?[\"']?(!(?-i:[0-9a-f]{32}|R[0-9A-Z]{31}))\b"),
    place(
        "token",
        "code=",
        r"(?<=[?&])code=[^\s&]{4,400}&(?:[\w.]{1,40}=[^\s&]{0,200}&){0,4}?state=(![\w.~%+-]{16,}+)",
    ),
    place(
        "token",
        "://",
        r"://(!(?=[A-Za-z]*\d)[A-Za-z0-9_-]{20,}+)(?=:(?:\[redacted:[a-z-]{1,24}\])?@[\w.\[-])",
    ),
)

SHAPES = (*_HASHES, *_COMMANDS, *_PAIRS)

_INSERT = re.compile(
    r"[iI](?i:nsert)\s{1,3}(?i:into)\s{1,3}[\w.`\"]{1,128}\s{0,3}\((?P<names>[^()]{1,2000})\)\s{0,3}(?i:values)\s{0,3}\("
    r""
    r""
    r""
    r""
    r""
    r""
    r""
    r""
)
_ITEM = re.compile(
    r"\s{0,8}(?:N?'(?P<text>(?:[^'\\\n]|''|\\.){0,4000}+)'|\"(?P<double>[^\"\\\n]{0,4000}+)\"|"
    r"(?P<bare>[^,()'\"\n]{0,400}+))\s{0,8}(?P<end>[,)]|$)"
)


def in_credentials(text: str, absent: Absent) -> str:
    """Return ``text`` without the credentials that are known by what stands beside them."""
    text = replace_all(SHAPES, text, absent, folded=True)
    return _in_rows(text) if "insert" in text or "INSERT" in text else text


def _in_rows(text: str) -> str:
    """Return ``text`` without the values that an INSERT gives to columns of secrets."""
    done: list[str] = []
    at = 0
    for insert in _INSERT.finditer(text):
        kinds = [kind_of(name.strip(' \t`"[]'), "") for name in insert["names"].split(",")]
        start = insert.end()
        for kind in kinds if any(kinds) and start >= at else ():
            item = _ITEM.match(text, start)
            if item is None:
                break
            group = "text" if item["double"] is None else "double"
            value = item[group] or ""
            if kind and len(value) > 3 and not is_placeholder(value):
                done += (text[at : item.start(group)], mark("password" if kind == "password" else "secret"))
                at = item.end(group)
            start = item.end()
            if item["end"] != ",":
                break
    return "".join((*done, text[at:]))
