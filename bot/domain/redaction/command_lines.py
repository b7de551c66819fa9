"""Secrets known by their place in a command or a sentence."""

from __future__ import annotations

import re

from bot.domain.redaction.key_values import kind_of
from bot.domain.redaction.urls_and_headers import begins, place
from bot.domain.redaction.values import is_likely, is_placeholder, is_random
from bot.domain.redaction.vendor_tokens import Rule

_CHOSEN = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z!#%^*+~])")
# 2026-11-22T10:00Z, v1.2.3-A, ORA-00060, Model7B, a/b.csv: dates, versions, error numbers, product names, files
_VERSIONED = re.compile(
    r"\d{4}-\d\d-\d\d|v?\d+(?:\.\d+)+|[A-Z]{2,8}-?\d+$|[A-Za-z]+\d{0,3}[A-Z]?$|[A-Z][a-z]+\w*\.\w+$|"
    r"[\w.-]+/[\w./-]*\.\w{1,5}$|[a-z]+(?:[_-]\d+)+$|(?:[a-z0-9]+[_-]){2,}[a-z]+$|(?:[A-Z][a-z]*-)+[A-Z][A-Za-z]*\d?$"
)


_ASSIGNED = re.compile(r"[A-Za-z_][\w.]{1,60}=[^=]")


def chosen(match: re.Match[str]) -> bool:
    """Return True if a value looks like a chosen password: letters, digits, and a capital or a sign."""
    return bool(_CHOSEN.match(match[1]))


def is_named_in_prose(value: str) -> bool:
    """Return True if a word of a sentence about secrets is one: random or chosen, and no date, version or name."""
    return (
        not _VERSIONED.match(value)
        and not _ASSIGNED.match(value)
        and bool(is_random(value, shortest=20) or _CHOSEN.match(value))
    )


def _is_prose_secret(match: re.Match[str]) -> bool:
    return is_named_in_prose(match[1])


def _element(match: re.Match[str]) -> bool:
    return kind_of(match["key"], "") not in (None, "weak") and not is_placeholder(match[2])


_DATED = re.compile(r"\d{4}[-/]\d\d[-/]\d\d$")
_PROGRAM = re.compile(r"[A-Za-z][\w.-]*/v?\d[\w.]*$")  # Mozilla/5.0


def _alone(match: re.Match[str]) -> bool:
    return chosen(match) and not _PROGRAM.match(match[1])


# mc alias set NAME URL ACCESS SECRET, and the older mc config host add
_ALIAS = (
    r"\b(?:alias\s{1,3}set|config\s{1,3}host\s{1,3}add)\s{1,3}(?:--?[\w-]{1,30}\s{1,3}){0,3}"
    r"[\"']?[\w./-]{1,64}[\"']?\s{1,3}[\"']?\w{2,8}://\S{1,300}\s{1,3}[\"']?"
)
_STATUS = re.compile(r"(?i)\b(?:status|exit|error|return|response|result|http|zip|postal|country|area|reason|sql)[ ]")
_GIVEN = r"(?!-|\$|<|\{|[A-Z_]{3,64}(?![^\s\"']))"

_OPTION = (
    r"\b(?:sqlcmd|bcp|ipmitool|isql|tsql|cqlsh|twine|useradd|usermod|influx|nodetool|cypher-shell|arangosh|vncviewer|"
    r"xfreerdp|"
    r"impdp|expdp|svn|hg|ncftp|lftp|fetchmail)\b"
)
COMMANDS: tuple[Rule, ...] = (
    place(
        "password",
        "sqlcmd,bcp,ipmitool,isql,tsql,cqlsh,twine,useradd,usermod,nodetool,cypher-shell,arangosh",
        _OPTION + rf"[^\n|;]{{0,120}}?\s-[pP][ =]?[\"']?{_GIVEN}(![^\s\"'=/-][^\s\"']{{3,}}+)",
        lambda match: not match[1].isdigit(),
    ),
    place(
        "password",
        "openssl",
        r"\bopenssl\s{1,3}enc\b[^\n|;]{0,120}?\s-(?:k|pass)\s{1,3}(?!pass:|env:|file:)[\"']?(![^\s\"'-]{4,}+)",
    ),
    place("token", "vault login", r"\bvault\s{1,3}login\s{1,3}(?:-no-\w{1,12}\s{1,3})?(?!-)(![^\s\"'=]{8,}+)(?!\S)"),
    place(
        "password",
        "net use",
        r"(?i)\bnet use\s{1,3}\S{1,80}\s{1,3}\S{1,200}\s{1,3}(?!/)(![^\s/\"']{4,}+)(?=\s{1,3}/user)",
    ),
    place("password", "net user", r"(?i)\bnet user\s{1,3}[\w.-]{1,64}\s{1,3}(?!/|\*)(![^\s/\"'*]{4,}+)"),
    place(
        "password",
        "chpasswd",
        r"\becho\s{1,3}(?:-\w\s{1,3})?[\"']?[\w.-]{1,64}:(![^\s\"'|"
        r"]{4,256}+)[\"']?\s{0,3}\|\s{0,3}(?:sudo\s{1,3})?chpasswd",
    ),
    place(
        "password",
        "<<<",
        r"\b(?:chpasswd|passwd|cryptsetup|kinit|sudo|openssl|gpg|smbpasswd)\b[^\n|"
        r";]{0,120}?<<<\s{0,3}[\"']?(?:[\w.-]{1,64}:)?(![^\s\"'$]{4,256}+)",
    ),
    place(
        "password",
        "login",
        r"(?m)(?:^|[>:\]][ ])[A-Za-z]{0,4}\d{1,6} LOGIN [\"']?[\w.@+-]{1,64}[\"']? [\"']?(![^\s\"']{6,128}+)[\"']?\s{0,"
        r"2}$",
    ),
    place("password", "rclone", r"\brclone\s{1,3}obscure\s{1,3}[\"']?(?!-)(![^\s\"']{4,}+)"),
    place("password", "--password-command", r"--password-command[ =][\"']?echo\s{1,3}(![^\s\"']{4,}+)"),
    place("password", "impdp,expdp,userid", r"(?i)\b(?:impdp|expdp|userid=|sqlldr)\s{0,3}\w{1,64}/(![^\s@\"'/]{4,}+)"),
    place("password", "db2 ", r"(?i)\bdb2\b[^\n|;]{0,120}?\suser\s{1,3}\S{1,64}\s{1,3}using\s{1,3}(![^\s\"']{4,}+)"),
    place(
        "password",
        "convertto-securestring",
        r"(?i)convertto-securestring\s{1,3}(?:-string\s{1,3})?[\"'](![^\"'\n]{4,256}+)[\"']",
    ),
    place("password", "wpa_passphrase", r"\bwpa_passphrase\s{1,3}\S{1,64}\s{1,3}[\"']?(![^\s\"']{8,}+)"),
    place("password", "nmcli", r"\bnmcli\b[^\n|;]{0,160}?\spassword\s{1,3}[\"']?(![^\s\"']{6,}+)"),
    place("token", "snyk auth,codecov", r"\b(?:snyk\s{1,3}auth|codecov\s[^\n|;]{0,80}?-t)\s{1,3}(![0-9a-f-]{36})"),
    place("token", "_auth", r":_auth(?:Token)?\s{1,3}(![A-Za-z0-9_=+/.-]{12,}+)"),
    place("token", "sonar.login", r"sonar\.login=(![A-Za-z0-9_]{16,}+)"),
    place("token", "curl", r"\bcurl\b[^\n|;]{0,200}?\s(?:-b|--cookie)[ =][\"']?[\w.-]{1,40}=(![\w%.~+/=-]{12,}+)"),
    place(
        # login('ops', 'secret'), ->auth('secret'), PDO('dsn', 'ops', 'secret'): the last of what such a function takes
        "password",
        "auth(,login(,pdo(,_bind(,connect(,authenticate(,setpassword(,crypt(,password_hash(,password_verify(,md5(,sha1("
        "",
        r"(?i)(?:auth|login|pdo|_bind|connect|authenticate|setpassword|crypt|password_hash|password_verify|"
        r"(?<=password=)(?:md5|sha1))"
        r"\((?:(?:'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"|"
        r"[\w.:\\]{1,40}(?:\(\w{0,30}\))?),[ ]?){0,3}[\"'](![^\"'\n]{4,256}+)[\"'](?=\)|,[ ]?(?:[\"'][\w-]{1,20}[\"']|"
        r"\w{1,20}(?:\([^()\n]{0,40}\))?)\))",
        lambda match: is_likely(match[1]) or chosen(match),
    ),
    place(
        "secret",
        "alias set,host add",
        _ALIAS + rf"(?!-)[^\s\"']{{1,256}}+[\"']?\s{{1,3}}[\"']?{_GIVEN}(![^\s\"']{{3,}}+)",
    ),
    place("token", "alias set,host add", _ALIAS + _GIVEN + r"(![^\s\"']{3,256}+)(?=[\"']?\s{1,3}[\"']?\[redacted)"),
    place("password", "sshpass", r"\bsshpass\s{1,3}-p\s{0,3}[\"']?(![^\s\"']{2,}+)"),
    place(
        "password",
        "mysql,mariadb",
        r"\b(?:mysql\w{0,40}+|mariadb[\w-]{0,40}+)[^\n|;]{0,120}?\s-p[\"']?(![^\s\"'-][^\s\"']{2,}+)",
    ),
    place(
        "password",
        "docker,podman,nerdctl,buildah,helm,oras,skopeo,mongo,az ,rabbitmqadmin,kinit",
        r"\b(?:docker|podman|nerdctl|buildah|helm|oras|skopeo|mongo\w{0,40}+|az|rabbitmqadmin|"
        r"kinit)\b(?!\s{1,3}compose\b)[^\n|;]{0,120}?\s-p[ =][\"']?"
        r"(?![\d.]+:|\d{2,5}\b)(![^\s\"'-][^\s\"']{3,}+)",
    ),
    place(
        "password",
        "redis-cli,valkey-cli",
        r"\b(?:redis-cli|valkey-cli)\b[^\n|;]{0,120}?\s-a\s{1,3}[\"']?(![^\s\"']{2,}+)",
    ),
    place("password", "ldap", r"\bldap\w{1,40}+\b[^\n|;]{0,160}?\s-w\s{1,3}[\"']?(![^\s\"']{2,}+)"),
    place("password", "mosquitto_", r"\bmosquitto_\w{1,40}+\b[^\n|;]{0,120}?\s-P\s{1,3}[\"']?(![^\s\"']{2,}+)"),
    place(
        "password",
        "-u,-user",
        r"(?<!\S)(?:-u|--user|--proxy-user|-U)[ =]{0,2}[\"']?[\w.@\\-]{1,64}+[:%](?!//|\d+(?::\d+)?(?:\s|"
        r"$))(![^\s\"'@]{3,}+)",
    ),
    place(
        "password",
        "rabbitmqctl",
        r"\brabbitmqctl\s{1,3}(?:add_user|change_password)\s{1,3}[\w.@-]{1,64}\s{1,3}[\"']?(![^\s\"']{2,}+)",
    ),
    place(
        "password",
        "identified",
        r"(?i)\bidentified\s{1,3}(?:with\s{1,3}\S{1,64}\s{1,3})?(?:by|"
        r"as)\s{1,3}(?:password\s{1,3})?\\?[\"'](![^\s\"'\\]+)",
    ),
    place(
        "password",
        "password",
        begins("password") + r"(?i:(?:\s{1,3}to)?\s{1,3}(?:for\s{1,3}\S{1,80}\s?)?(?:=\s{0,2})?(?:password\()?"
        r"N?\\?'(![^\s'\\]{3,}+)(?=\\?'))",
    ),
    place(
        "password",
        "requirepass,masterauth,auth-pass",
        r"(?i)(?<![\w-])(?:requirepass|masterauth|sentinel auth-pass \S{1,64})\s{1,3}[\"']?(![^\s\"']{2,}+)",
    ),
    place(
        "password",
        "auth",
        r"\bAUTH[\"']?\s{1,3}(?:[\"'][\w-]{1,64}[\"']\s{1,3})?[\"'](![^\s\"']{3,}+)(?=[\"'](?!\s{1,3}[\"']))",
    ),
    place("password", "login", r"(?i)\blogin\s{1,3}[\"']?[\w.@+-]{1,64}[\"']?\s{1,3}[\"'](![^\s\"']{3,}+)(?=[\"'])"),
    place("password", "sqlplus", r"\bsqlplus\s{1,3}(?:-\w{1,3}\s{1,3})?\w{1,64}/(![^\s@\"'/]{3,}+)"),
    place("password", "htpasswd", r"\bhtpasswd\s{1,3}-\w{0,4}b\w{0,4}\s{1,3}\S{1,200}\s{1,3}\S{1,64}\s{1,3}(!\S{3,}+)"),
    place(
        "password",
        "passw",
        # Said in a sentence: letters, digits and a capital or a sign, which no word, date or version has.
        begins("passw(?:or)?d")
        + r"(?i:(?: for \S{1,80})?(?: (?:is|was|has been|set|reset|changed|to)){0,4}[ \t]{1,3}[\"'`\[(]?"
        r"(!(?=[^\s\"'`\]()]{0,60}\d)(?=[^\s\"'`\]()]{0,60}[a-z])(?-i:(?=[^\s\"'`\]()]{0,60}[A-Z!#$%^&*+]))(?:[^\s\"'`\]()"
        r":"
        r"=/,@.]|\.(?![\s\"')]|\Z)){6,64}+)"
        r"(?![:=/@\w]|\.\w))",
    ),
    place("password", "password(,password[", r"(?i)\bpassword[(\[](![^\s()\[\]\"',]{6,64}+)(?=[)\]])"),
    place("password", "login", r"(?i)\blogin\s{1,3}\S{1,64}\s{1,3}password\s{1,3}(!\S{2,}+)"),
    # IMAP's command; a function's third argument after where and who
    place("password", "login", r"(?i)\blogin\s{1,3}[\w.+-]{1,64}@[\w.-]{1,120}\s{1,3}(!\S{6,128}+)", _is_prose_secret),
    place(
        "password",
        "connect(,__construct(,_bind(,login(",
        r"(?i)(?:connect|(?:mysqli|pdo)(?:->|::)__construct|_bind|login)\((?:'[^'\n]{0,300}'|[^,'()\n]{1,80}),[ ]?"
        r"'[^'\n]{0,120}',[ ]?'(![^'\n]{3,256})'",
    ),
    place("password", "connect(", r"(?i)\bconnect\([\"']\w{1,64}/(![^\s@\"'/]{3,256}+)(?=@)"),
    place("password", "auth=", r"\b[A-Z][A-Z0-9_]{0,60}_AUTH=[\w.-]{1,64}/(![^\s\"'/]{6,256}+)", chosen),
    place("password", "user=,users=", r"\b[A-Z][A-Z0-9_]{0,60}_USERS?=[\w.-]{1,64}:(![^\s\"',]{6,256}+)", chosen),
    place(
        "password",
        "password is:,passphrase is:",
        r"(?i)\b(?:password|passphrase) is:\s{1,4}[\"'`]?(![^\s\"'`]{6,256}+)",
        lambda match: not is_placeholder(match[1]) and not match[1].isalpha(),
    ),
    place("password", "lftp", r"\blftp\b[^\n|;]{0,120}?\s-u\s{1,3}[\w.@-]{1,64},(![^\s\"']{3,}+)"),
    place("password", "passw", begins("password to proceed") + r"(?i:[^\n:]{0,60}:\s{1,6}(![0-9a-f]{32,64}))\b"),
    place(
        "password",
        "password",
        begins("password ") + r"(?i:\[?[\w.@-]{1,64}\]?[ ]=[ ](![^\s\"']{6,256}+))",
        lambda match: not is_placeholder(match[1]) and chosen(match),
    ),
    place(
        "password",
        "-pass,-token,-secret,-api,-access,-application,-hmac",
        r"(?i)(?<![\w-])--?(?:[\w-]{0,40}-)?(?:password|passwd|passphrase|pass|token|secret|api-?key|"
        r"(?:access|secret|application|hmac)-key)\s{1,3}[\"']?"
        r"(?!-|\$|<|\{|(?-i:[A-Z_]{3,64}(?![^\s\]])))(![^\s\"']{3,}+)",
        lambda match: not is_placeholder(match[1]),
    ),
    place(
        "password",
        "env ,arg ,set,export",
        r"(?im)\b(?:ENV|ARG|set|setx|setenv|export)\s{1,3}\w{0,60}(?:PASSWORD|PASSWD|TOKEN|SECRET|"
        r"(?:API|ACCESS|APPLICATION|HMAC)_KEY)\s{1,3}[\"']?"
        r"(?!=)(![^\s\"'=]{4,}+)(?=[\"']?\s*$)",
    ),
)

_KEYS_TO = (
    *("api", "access", "secret", "private", "licen[sc]e", "unseal", "encryption", "signing", "master"),
    *("recovery", "auth", "account", "deploy", "shared", "fernet", "admin", "network", "application", "hmac"),
)

PROSE: tuple[Rule, ...] = (
    place(
        # A word for a secret, what a sentence puts between, and what looks drawn by lot.
        "token",
        "key,token,secret,passw,passphrase,pass phrase,pass-phrase,credential",
        begins(
            *(f"{what}[ _-]?key" for what in _KEYS_TO),
            *("authtoken", "apitoken", "accesstoken", "refreshtoken", "token"),
            *("secret", "password", "passwd", "pass[ -]?phrase", "credentials?"),
        )
        + r"(?i:s?(?:[ ](?:is|was|are|value|of|for|provided|set|to|number|in use|use|used|as|we|you|they|i|share|"
        r"entered|typed|given|now|has|been|reads|#?\d{1,2}|\w{1,12}(?=[ ](?:is|was|set)))){0,5}"
        r":?[ ](?:to |is )?)[`\"']?"
        r"(!(?=\S{0,60}\d)(?=[\w+/=.!~*#%^-]{0,60}[A-Za-z])[\w+/=!*#%^.~-]{7,512}[\w+/=*#%^~-])(?![\w:/@])",
        _is_prose_secret,
    ),
    place(
        "password",
        "passw,passphrase",
        begins("pass(?:word|wort|phrase)s?")
        + r"(?i:(?: \w{1,12}){0,3} for [^\n:]{1,80}:[ ]{1,2}[\"']?(![^\s\"',;]{6,256}+))",
        chosen,
    ),
    place("token", "aws-key-id]", r"aws-key-id\]:(![A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"),
    place(
        "token",
        "aws,access,akia",
        r"(?<![A-Za-z0-9/+=.:-])((?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)[A-Za-z0-9/+]{40})(?![A-Za-z0"
        r"-9/+=])",
    ),
    place(
        "code",
        "code,one-time,otp,pin",
        r"(?i)\b(?:one[- ]time|pin|verification|recovery|backup|otp|2fa|mfa|security|confirmation|login)[ -](?:pass)?"
        r"(?:codes?|password|pin)(?:[ ]is)?[: ]{1,3}"
        r"(!(?!(?:19|20)\d\d-\d\d)(?=[\w-]{0,20}\d)[A-Za-z0-9]{3,8}(?:[-/][A-Za-z0-9]{3,8}){0,5}(?![\w:%]|\.\w))",
        lambda match: not _DATED.match(match[1]),
    ),
    place(
        # "your code is 482913.", "Use code 482-913 to sign in"
        "code",
        "code",
        r"(?i)\b(?:(?:your|the|use|enter)[ ](?:\w{1,16}[ ]){0,3}code(?:[ ]is)?:?[ ]|code[ ]is:?[ ])[\"'`]?"
        r"(!\d{3,4}[- ]?\d{3,4}|[A-Z0-9]{4}-[A-Z0-9]{4})(?![\w:%/-]|\.\w)",
        lambda match: not _STATUS.search(match.string[max(0, match.start() - 16) : match.start(1)]),
    ),
    place("password", " -p", r"(?<!\S)-[pP] ?[\"']?(![^\s\"'/:=,|;-][^\s\"'/:=,|;]{5,64}+)(?=[\"']?(?:\s|$))", chosen),
    place(
        "password",
        '" "',
        r"(?m)(?<=[\w.@-]\" \")(![^\s\"]{6,256})(?=\"\s{0,4}$)",
        _alone,
    ),
    place(
        "secret",
        "</",
        r"(?i)<(?:\w{1,20}:)?(?:password|passwd|passphrase|secret|api-?key)\s[^<>\n]{1,200}>(![^<>\s]{3,256}+)(?=</)",
    ),
    place(
        "secret",
        "</",
        r"(?i)\b(?:key|name|id)=[\"'](?P<key>[\w.-]{3,80}+)[\"']>(![^<>\s]{3,256}+)(?=</)",
        _element,
    ),
)
