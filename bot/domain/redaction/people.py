"""Personal data: cards, accounts, mail addresses, phone and social security numbers."""

from __future__ import annotations

import re

from bot.domain.redaction.vendor_tokens import Absent, Rule, fold, mark, replace_all

_CARD = re.compile(
    r"\d(?<![\w./#-].)(?<!\d:.)(?:\d{3}([ .-]?)\d{4}\1\d{4}\1\d{4}|(?<=3)[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_EMAIL = re.compile(
    r"(?<![\w.+@/:$}-])(?<!ssh )(?<!scp )(?<!sftp )(?<!rsync )(?!(?:git|rabbit|celery|hg|svn|emqx|"
    r"ejabberd)\d*@)[A-Za-z0-9_.+-]{1,64}+@"
    r"(?:[A-Za-z0-9-]{1,63}\.){1,6}(?!(?:local|internal|lan|svc|localdomain|home|intra|service|"
    r"slice|socket|timer|mount|target|py|js|ts|go|rb|json|ya?ml|so|jar|tgz|"
    r"gz)\b)[A-Za-z]{2,24}(?![\w@-]|:[/~\w]|\.\w)"
)
_STARTED_MAIL = re.compile(
    r"(?i)(?<=mailto:)[A-Za-z0-9_.+-]{1,64}+@[A-Za-z0-9.-]{3,120}|"
    r"(?<=[<:=/])[A-Za-z0-9_.+-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?=>)"
)


_MESSAGE = re.compile("mess?age[-_ ]?id|msg[-_ ]?id|in-reply-to|references")
_INNER = (".internal", ".local", ".lan", ".localdomain")


def _mail(match: re.Match[str]) -> bool:
    # What a message is called has the form of an address, and is nobody's.
    before = match.string[max(0, match.start() - 16) : match.start()].lower()
    return not (_MESSAGE.search(before) or match[0].endswith(_INNER))


def _foreign(match: re.Match[str]) -> bool:
    return not match[0].isascii() and _mail(match)


_FOREIGN = re.compile(
    r"(?<![\w.+@/$}-])(?<!\w:)[\w.+-]{1,64}+@(?:[\w-]{1,63}\.){1,6}(?!(?:local|internal|lan|svc|py|js|ts|go|rb|json)\b)"
    r"[^\W\d_]{2,24}(?![\w@-]|:[/~\w]|\.\w)"
)
"""An address with letters that are not ASCII, in its name or in its domain."""

MAILS = (
    Rule("email", ("mailto:", "@"), _STARTED_MAIL, _mail),
    Rule("email", ("@",), _EMAIL, _mail),
    Rule("email", ("@",), _FOREIGN, _foreign),
)

_SECURITY_NUMBER = re.compile(r"(?<![\w./#-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-]|\.\d)")
_SECURITY_NAMED = re.compile(
    r"s(?:sn|ocial[ _-]?security(?:[ _-]?(?:number|no|nr))?)\b\\{0,3}[\"']?[ ]{0,2}(?:[:=]|=>|is|was)?[ ]{0,2}"
    r"\\{0,3}[\"']?(?P<number>\d{3}[- ]?\d{2}[- ]?\d{4})(?![\w-]|\.\d)"
)
_PHONE_ABROAD = re.compile(r"(?<![\w+.=/-])\+[1-9](?:[ ().-]{0,2}\d){8,14}(?![\w+]|[.,:-]\d)")
_PHONE_LOCAL = re.compile(r"(?<![\w-])\(\d{3}\)[ ]?\d{3}-\d{4}(?![\w-])")
_PHONE_NAMED = re.compile(
    r"(?<![a-z])(?P<named>phone|tel|telephone|mobile|cell|fax|sms|whatsapp|msisdn|caller|call|called|calling|telefon)"
    r"(?:[_ -]?(?:phone|number|num|nr|no|id))?\\{0,3}[\"']?[ ]{0,2}"
    r"(?:[:=]|=>|to|from|is|(?:me|us|him|her) (?:at|on)|at|on)?[ ]{0,2}"
    r"\\{0,3}[\"']?(?P<number>[+(]{0,2}\d(?:[ ()./-]{0,2}\d){6,14})(?![\w:+-]|\.\d)"
)
_UNIT = re.compile(r"[ ]?(?:[num\u00b5]?s|bytes|[kmgt]?i?b|rows|%)\b", re.IGNORECASE)
_DATED = re.compile(r"(?:19|20)\d\d[-/.]?[01]\d")


def in_people(text: str, absent: Absent) -> str:
    """Return ``text`` without the numbers and addresses of people."""
    text = _CARD.sub(lambda m: mark("card") if _luhn(m[0]) else m[0], text)
    text = _IBAN.sub(lambda m: mark("iban") if _mod97(m[0]) else m[0], text)
    return _phones(_SECURITY_NUMBER.sub(mark("social-security"), replace_all(MAILS, text, absent)))


def _phones(text: str) -> str:
    if "+" in text:
        text = _PHONE_ABROAD.sub(_abroad, text)
    if "(" in text:
        text = _PHONE_LOCAL.sub(mark("phone"), text)
    for pattern, judge, what in ((_SECURITY_NAMED, None, "social-security"), (_PHONE_NAMED, _is_phone, "phone")):
        done: list[str] = []
        at = 0
        for named in pattern.finditer(fold(text)):
            if judge is None or judge(named):
                done += (text[at : named.start("number")], mark(what))
                at = named.end("number")
        text = "".join((*done, text[at:])) if done else text
    return text


def _abroad(match: re.Match[str]) -> str:
    number, digits = match[0], sum(map(str.isdigit, match[0]))
    if number[1:].isdigit():
        starts = match.start() == 0 or match.string[match.start() - 1] == "\n"  # a line that a patch adds
        if starts or digits < 10 or "00000" in number or _UNIT.match(match.string, match.end()):
            return number
    return mark("phone") if 9 <= digits <= 15 else number


def _is_phone(match: re.Match[str]) -> bool:
    number = match["number"]
    digits = sum(map(str.isdigit, number))
    if _DATED.match(number) or not 7 <= digits <= 15 or _UNIT.match(match.string, match.end()):
        return False
    if number.isdigit():
        named = match["named"] in ("phone", "tel", "telephone", "msisdn", "whatsapp", "telefon")
        return digits >= 9 and (named or number.startswith("0"))
    return True


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isdigit()]
    if digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod97(iban: str) -> bool:
    flat = iban.replace(" ", "")
    return 15 <= len(flat) <= 34 and int("".join(str(int(c, 36)) for c in flat[4:] + flat[:4])) % 97 == 1
