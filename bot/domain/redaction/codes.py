"""Recovery codes and one-time codes."""

from __future__ import annotations

import re

from bot.domain.redaction.vendor_tokens import fold, mark

_LISTS = re.compile(
    r"(?:recovery|backup|scratch|emergency|rescue|one[-_ ]?time|2fa|mfa|otp|two[-_ ]?factor)[-_ ]?"
    r"(?:login |sign-in |backup |access |verification |recovery )?codes?(?![a-z])"
    r"|(?:2fa|mfa|otp|two[-_ ]factor)[-_ ]backup(?![a-z])"
    r"|(?:save|keep|store|print|copy|write down)[ ](?:these|the|your)[ ](?:\w{1,12}[ ])?codes\b"
    r"|codes? de (?:r\u00e9cup\u00e9ration|secours|recuperaci\u00f3n|respaldo|recupera\u00e7\u00e3o)|"
    r"codici di (?:recupero|backup)"
    r"|wiederherstellungs-?codes?|(?:backup|ersatz)-?codes"
    r"|(?:recovery|account recovery|filevault|bitlocker)[-_ ](?:keys?|password)(?![a-z_])"
    r"|(?:2fa|mfa|otp|totp)[-_ ]recovery(?=:)"
)
"""What announces codes for whoever has lost the second factor, in lower case."""
_REACH = 400
"""Characters behind the words in which a list of codes may stand."""
_CODE = re.compile(
    r"(?<![\w./:@=-])(?=[A-Za-z-]{0,24}\d)"
    r"(?:[A-Za-z0-9]{4,8}(?:[-/][A-Za-z0-9]{4,8}){1,7}|\d{4}(?: \d{4}){1,3}|\d{5} \d{5}|"
    r"(?=[0-9a-f ]{0,12}[a-f])[0-9a-f]{4} [0-9a-f]{4}|"
    r"(?<=[\"'])(?=[A-Za-z]{0,12}\d[A-Za-z]{0,12}\d)[A-Za-z0-9]{6,12}(?=[\"']))(?![\w:@=%/-]|\.\w)"
)
_GAP = re.compile(
    r"(?:\[redacted:code\]|,[ ](?:[a-z]{1,12}[ ]){1,6}[a-z]{1,12}(?=[:\n])|\\{0,3}[\"'`]|[\s:=,;{}\[\]()*•#|│>]|"
    r"-(?=[ \n-])|[ ]?\b(?:and|are|is|or|y|et|und|left|remaining|unused|new|below)(?=[ :])|"
    r"(?<=[\s\[(#])\d{1,2}(?=[.):\] ])[.):]?|[ ]?\bfor[ ][\w.@-]{1,40}(?=:)|\\n|=>){1,80}+"
)
"""What may stand between the words and the first code, and between two codes."""
_ITEM = re.compile(
    r"[A-Za-z0-9]{4,32}(?:[-/][A-Za-z0-9]{4,10}){0,7}(?![\w:@=%/.-])|"
    r"[A-Za-z0-9]{4,10}(?:[-/][A-Za-z0-9]{4,10}){0,7}(?=\.(?:\s|\Z))"
)
_LETTERS = re.compile(r"[a-z]{4}(?:-[a-z]{4}){2,5}\Z|[a-z]{5}(?:-[a-z]{5}){2,5}\Z|[A-Z]{4}(?:-[A-Z]{4}){2,5}\Z")
_NO_CODE = re.compile(r"[A-Za-z]+\d?(?:[-/][a-z]+\d{0,2})*\Z|[a-z]+-[0-9a-f]{4,}-")
_DATE = re.compile(r"(?:19|20)\d\d[-/ ]?(?:0\d|1[0-2])(?:[-/ ]?\d\d)?(?!\d)")

_NAMED = re.compile(
    r"(?P<foreign>best\u00e4tigungscode|sicherheitscode|einmalcode|anmeldecode|code de (?:v\u00e9rification|"
    r"s\u00e9curit\u00e9|connexion)|"
    r"c\u00f3digo(?: de (?:verificaci\u00f3n|seguridad|acceso|verifica\u00e7\u00e3o|seguran\u00e7a))?|"
    r"codice di (?:verifica|sicurezza|accesso)|"
    r"verificatiecode|inlogcode|kod weryfikacyjny|kod potwierdzaj\u0105cy|"
    r"\u043a\u043e\u0434 (?:\u043f\u043e\u0434\u0442\u0432\u0435\u0440\u0436\u0434\u0435\u043d\u0438\u044f|"
    r"\u0431\u0435\u0437\u043e\u043f\u0430\u0441\u043d\u043e\u0441\u0442\u0438|"
    r"\u0434\u043b\u044f \u0432\u0445\u043e\u0434\u0430)|\u9a8c\u8bc1\u7801|\u9a57\u8b49\u78bc|"
    r"\u8a8d\u8a3c\u30b3\u30fc\u30c9|\u78ba\u8a8d\u30b3\u30fc\u30c9|\uc778\uc99d\ubc88\ud638)"
    r"|(?<![a-z])(?P<noun>(?:pass)?codes?|pins?|otp|totp|one-time password|(?:2fa|mfa|sms|verification|"
    r"login) token)(?![a-z])"
)
_ABOUT = re.compile(
    r"sign|log[ -]?(?:in|on)|login|2fa|mfa|two[- ](?:factor|step)|verif|confirm|one[- ]time|otp|passcode|secur|authent|"
    r"text(?:ed|s)? you|"
    r"sent (?:to|you|via)|sms|whatsapp|google|microsoft|apple id|share|expires? in|valid for|unlock|account|pair|"
    r"issued code|your |enter |need"
)
"""What a sentence about signing in says, in lower case."""
_NOT_ABOUT = re.compile(
    r"(?:status|error|err|exit|return|returned|response|result|http|https|zip|postal|country|area|reason|sql|sqlstate|"
    r"build|batch|promo|"
    r"coupon|discount|source|byte|op|machine|dial|language|lang|qr|bar|char|key|color|colour|event|signal|reply|close|"
    r"answer|smtp|ftp|"
    r"product|item|location|station|branch|currency|locale|airport|failure|fault|abort|stop|bugcheck|unlock|module|"
    r"voucher|gift|vin|"
    r"failed with|exited with|process|container|version)[ _-]\Z"
)
_DIGITS = (
    r"(?:(?:G-)?\d{4,8}|\d{3,4}[ -]\d{3,4}|\d\d(?:[ -]\d\d){2,3}|"
    r"(?=[A-Z0-9-]{0,20}\d)(?=[0-9-]{0,20}[A-Z])[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,5}){0,3})"
)
_BEHIND = re.compile(
    r"[\"'`)]?(?:[ ](?:is|was|are|for|to|you|need|needed|below|now|on|the|this|with|anyone|login|log|sign|in|up|and|"
    r"page|next|"
    r"finish|signing|logging|lautet|est|es|\u00e8|\u00e9|to|jest|web|app|code|it|enter|\w{1,20}@[\w.-]{1,40}|"
    r"\w{1,12}(?= is |:)))"
    rf"{{0,8}}[ ]?(?:[:=\uff1a]|[ ]-)?[ ]{{0,2}}[\"'`(]?(?P<code>{_DIGITS})[\"'`)]?(?![\w:%/=@-]|[.,]\w|[ ]\d)"
)
_CONFIRM = re.compile(
    r"(?i:\b(?:confirm|verify|enter it|type it|authenticate|approve)(?:[ ](?:with|using|on the next page|here|below|"
    r"in the app)){1,2}:?[ ])"
    r"[\"'`(]?(?P<code>\d{5,8}|\d{3,4}[ -]\d{3,4}|\d\d(?:[ -]\d\d){2,3})(?![\w:%/=@-]|[.,]\w|[ ]\d)"
)
_SENTENCE = 120


def in_codes(text: str) -> str:
    """Return ``text`` without recovery codes and one-time codes."""
    folded = fold(text)
    if "code" in folded or "recovery" in folded or "backup" in folded or "filevault" in folded or "bitlocker" in folded:
        text = _lists(text, folded)
    text = _CONFIRM.sub(lambda match: match[0] if _DATE.match(match["code"]) else _put(match), text)
    return _sentences(text)


def _put(match: re.Match[str]) -> str:
    start, end = match.start("code") - match.start(), match.end("code") - match.start()
    return match[0][:start] + mark("code") + match[0][end:]


def _lists(text: str, folded: str) -> str:
    done: list[str] = []
    at = 0
    for named in _LISTS.finditer(folded):
        start = max(at, named.end())
        end = min(len(text), named.end() + _REACH)
        if start >= end:
            continue
        listed, over = _listed(text, start, end)
        done += (text[at:start], listed, _CODE.sub(_code, text[over : max(over, end)]))
        at = max(over, end)
    return "".join((*done, text[at:])) if done else text


def _listed(text: str, start: int, end: int) -> tuple[str, int]:
    """Return the items that follow without other words, without codes, and where they end."""
    done: list[str] = []
    at = start
    while at < end and (gap := _GAP.match(text, at)):
        item = _ITEM.match(text, gap.end())
        if item is None or not _is_item(item[0]):
            break
        done += (gap[0], mark("code"))
        at = item.end()
    return "".join(done), at


def _is_item(word: str) -> bool:
    if _LETTERS.match(word):
        return True
    if _DATE.match(word) or len(word) < 6 or not any(map(str.isdigit, word)):
        return (
            len(word) == 5 and any(map(str.isdigit, word)) and any(map(str.isalpha, word)) and not word[:-1].isalpha()
        )
    if word.isdigit():
        return len(word) in (6, 8, 10)
    parts = re.split(r"[-/ ]", word)
    return len(parts) > 1 or (any(map(str.isalpha, word)) and sum(map(str.isdigit, word)) > 1)


def _code(match: re.Match[str]) -> str:
    digits = match[0][:4].isdigit()
    return match[0] if _DATE.match(match[0]) or (not digits and _NO_CODE.match(match[0])) else mark("code")


def _sentences(text: str) -> str:
    folded = fold(text)
    done: list[str] = []
    at = 0
    for named in _NAMED.finditer(folded):
        if named.start() < at or (behind := _BEHIND.match(text, named.end())) is None:
            continue
        start = max(0, named.start() - _SENTENCE, folded.rfind("\n", 0, named.start()) + 1)
        end = folded.find("\n", behind.end())
        end = min(len(text) if end < 0 else end, behind.end() + _SENTENCE)
        if _DATE.match(behind["code"]) or _NOT_ABOUT.search(folded[start : named.start()]):
            continue
        if named["foreign"] or _ABOUT.search(folded, start, end):
            done += (text[at : behind.start("code")], mark("code"))
            at = behind.end("code")
    return "".join((*done, text[at:])) if done else text
