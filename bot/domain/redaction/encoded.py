"""Secrets in escapes of URLs, JSON and HTML, and in base64.

The text is decoded to find them, and they are replaced in the encoded text.

What is decoded is not kept: where the look finds a secret, its characters in the text are replaced.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence

from bot.domain.redaction.key_values import HINTS
from bot.domain.redaction.vendor_tokens import MARKED, mark

Look = Callable[[str], str]

_ESCAPE = re.compile(
    r"\+?%(?:25){0,3}3(?P<form>[ADad])\+|\+%(?:25){0,3}3(?P<signed>[ADad])|%(?:25){0,3}(?P<url>[2-7][0-9A-Fa-f])"
    r"|%u00(?P<wide>[2-7][0-9A-Fa-f])"
    r"|\\{1,8}+(?:u00(?P<json>[2-7][0-9A-Fa-f])|x(?P<hex>[2-7][0-9A-Fa-f])|(?P<quoted>[\"'/])|(?P<octal>[01][0-7]{2})"
    r"|u\{0{0,4}(?P<brace>[2-7][0-9A-Fa-f])\}|u(?P<unseen>00[aA][dD]|20(?:0[b-fB-F]|2[a-eA-E]|6[0-9a-fA-F])|"
    r"[fF][eE][fF]{2}))"
    r"|&(?:amp;){0,3}(?:(?P<name>quot|apos|lt|gt|amp|equals|colon|nbsp|sol|commat)"
    r"|#(?P<number>\d{2,3})|#[xX]0{0,2}(?P<html>[2-7][0-9A-Fa-f]));"
)
_PRINTED = re.compile(_ESCAPE.pattern + r"|=(?P<printed>[2-7][0-9A-F])")
"""Quoted-printable too, where an escaped sign of equality shows that a text is written so."""
_ENTITIES = {
    "quot": '"', "apos": "'", "lt": "<", "gt": ">", "amp": "&", "equals": "=", "colon": ":", "nbsp": " ", "sol": "/",
    "commat": "@",
}  # fmt: skip
_LAYERS = 3
_LONGEST_LINE_CHARS = 8192
"""A longer line is looked at in pieces of that length, cut at blanks."""
_TELLING = re.compile(rf"{HINTS}|://|\bbasic\b|\bmysql|\bcurl\b")
_TOKEN = re.compile(
    r"gh[pousr]_|github_pat_|xox[a-z]-|xapp-|gl[a-z]{2,4}-|sk[-_]|akia|asia|eyj|npm_|pypi-|hvs\.|aiza|dop_v1|"
    r"shp[a-z]{2}_|hf_"
)
_STRUCTURE = re.compile(r"[=:\"'<>@]")

_FIRST, _REST = "[ACDI-Za-f]", "[AC-HQS-Xgi-nwyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589_-][A-Za-z0-9+/_-]"
"""What four characters of base64 can be that three of ASCII text make."""
_WORD = re.compile(
    rf"{_FIRST}(?<![A-Za-z0-9+/_-].){_REST}(?:{_FIRST}{_REST}){{2}}[A-Za-z0-9+/_-]*+={{0,2}}(?![A-Za-z0-9=])"
)
_CODED_LINE = r"[A-Za-z0-9+/]{60,80}"
_WRAPPED = re.compile(
    rf"(?m)^([ \t]{{0,40}}+){_CODED_LINE}(?:\r?\n\1{_CODED_LINE}(?=\r?$)){{1,800}}+"
    r"(?:\r?\n\1[A-Za-z0-9+/]{2,80}={0,2}(?=\r?$))?+"
)
_READABLE = re.compile(rb"[\t\n\r\x00\x20-\x7e]{9,}\Z")
_SAMPLE = 16
"""Characters of base64 that show whether text stands in it: twelve bytes of anything else are hardly ever readable."""
_LONGEST_CODED_CHARS = 1 << 16
_SASL = re.compile(r"[^\0\n]{0,200}\0[^\0\n]{1,200}\0[^\0\n]{2,200}\Z")
_PAIR = re.compile(
    r"[\w.@+-]{1,64}:(?!//)(?=[^\s:]{0,60}\d)(?=[^\s:]{0,60}[A-Za-z])[^\s:]{6,128}\Z"
    r"|(?:admin|administrator|root|user|guest|test|app|ops|deploy|ci|bot|service|svc|postgres|mysql|redis|rabbitmq|"
    r"elastic|"
    r"api|dev|demo|monitor|backup|jenkins|git|docker|registry)[\w.@-]{0,40}:(?!//)[^\s:/]{6,128}\Z"
)
_CHOSEN = re.compile(r"(?=\S{0,60}\d)(?=\S{0,60}[A-Za-z])(?=\S{0,60}[A-Z!#%^*+~@&-])\S{6,128}\Z")
_CHALLENGE = re.compile(
    r"(?<![\w.])334(?:[ -][A-Za-z0-9+/]{0,400}={0,2})?\s{0,4}\Z"
    r"|(?<![\w.])334(?:[ -][A-Za-z0-9+/]{0,400}={0,2})?(?:\\r|\\n){1,2}['\"]\s{0,4}\Z"
    r"|(?i:\bauth(?:enticate)? (?:login|plain|cram-md5))(?:\\r|\\n){0,2}['\"]?\s{0,4}\Z"
)
_DIALOGUE = re.compile(r"334(?<!\w334)(?:[ -]|\s{0,4}$)|AUTH|auth(?:enticate)? (?:login|plain)", re.MULTILINE)
_ANSWER = re.compile(
    r"(?:(?<!\S)|(?<=['\"]))(?<!334 )(?!334)(?P<coded>[A-Za-z0-9+/]{4,400}={0,2})(?:\\r|\\n){0,2}['\"]?\s{0,4}\Z"
)
_SENT = re.compile(r"(?<=send: ['\"])(?P<coded>[A-Za-z0-9+/]{8,400}={0,2})(?=\\r\\n['\"])")
"""What Python's mail client logs of an answer."""
_KUBERNETES = re.compile(r"\bkind\\{0,2}[\"']?:[ ]?\\{0,2}[\"']?Secret\b")


def in_encoded(text: str, look: Look) -> str:
    """Return ``text`` with the encoded secrets replaced; ``look`` redacts what was decoded."""
    if "%" in text or "\\" in text or "&" in text or "=3D" in text:
        text = _in_escapes(text, look)
    return _in_base64(_in_dialogue(text), look)


def _in_escapes(text: str, look: Look) -> str:
    done: list[str] = []
    at = 0
    for escape in (_PRINTED if "=3D" in text else _ESCAPE).finditer(text):
        if escape.start() < at:
            continue
        start = text.rfind("\n", at, escape.start()) + 1 or at
        end = text.find("\n", escape.end())
        end = len(text) if end < 0 else end
        done.append(text[at:start])
        done += (_unescaped(piece, look) for piece in _pieces(text[start:end]))
        at = end
    return "".join((*done, text[at:]))


def _pieces(line: str) -> Iterator[str]:
    at = 0
    while len(line) - at > _LONGEST_LINE_CHARS:
        cut = line.rfind(" ", at, at + _LONGEST_LINE_CHARS)
        cut = at + _LONGEST_LINE_CHARS if cut <= at else cut
        yield line[at:cut]
        at = cut
    yield line[at:]


def _unescaped(line: str, look: Look) -> str:
    """Return ``line`` with what is secret in its decoded form replaced."""
    starts = list(range(len(line) + 1))
    decoded = line
    for _ in range(_LAYERS):
        before, (decoded, places) = decoded, _decoded(decoded)
        if decoded == before:
            break
        starts = [starts[place] for place in places]
        folded = decoded.lower()
        if (_TELLING.search(folded) and _STRUCTURE.search(decoded)) or _TOKEN.search(folded):
            seen = look(decoded)
            if seen != decoded:
                return _replaced(line, decoded, seen, starts)
    return line


def _decoded(text: str) -> tuple[str, list[int]]:
    """Return ``text`` without one layer of escapes, and where in it each character of that starts."""
    chars: list[str] = []
    places: list[int] = []
    at = 0
    for escape in (_PRINTED if "=3D" in text else _ESCAPE).finditer(text):
        meant = _meant(escape)
        chars += (text[at : escape.start()], meant)
        places += (*range(at, escape.start()), *(escape.start() for _ in meant))
        at = escape.end()
    return "".join((*chars, text[at:])), [*places, *range(at, len(text) + 1)]


def _meant(escape: re.Match[str]) -> str:
    kind, written = escape.lastgroup, escape[escape.lastgroup or 0]
    if kind == "quoted":
        return written
    if kind == "unseen":
        return ""
    if kind in ("form", "signed"):
        return "=" if written in "Dd" else ":"
    if kind == "name":
        return _ENTITIES[written]
    code = int(written, {"number": 10, "octal": 8}.get(kind or "", 16))
    return chr(code) if 0x20 <= code < 0x7F else " "


def _replaced(line: str, decoded: str, seen: str, starts: Sequence[int]) -> str:
    """Return ``line`` without what ``seen`` marks in ``decoded``."""
    done: list[str] = []
    at = 0
    for start, end, marker in marked_spans(decoded, seen):
        done += (line[at : starts[start]], marker)
        at = starts[end]
    return "".join((*done, line[at:]))


def marked_spans(plain: str, seen: str) -> Iterator[tuple[int, int, str]]:
    """Yield where in ``plain`` each marker of ``seen`` starts and ends, and the marker.

    Where a piece between two markers stands several times, all from the one marker to the other is one.
    """
    parts, marks = MARKED.split(seen), MARKED.findall(seen)
    if not marks:
        return
    limit = len(plain) - len(parts[-1])
    at = len(parts[0])
    for number, piece in enumerate(parts[1:-1]):
        place = plain.find(piece, at, limit) if piece else -1
        if place < 0 or plain.find(piece, place + 1, limit) >= 0:
            continue
        yield at, place, marks[number]
        at = place + len(piece)
    yield at, limit, marks[-1]


def _in_dialogue(text: str) -> str:
    """Return ``text`` without what a mail client answers to a request for its name and password."""
    if "send: " in text:
        text = _SENT.sub(_sent, text)
    if not any(sign in text for sign in ("334", "AUTH", "auth")) or not _DIALOGUE.search(text):
        return text
    done: list[str] = []
    at = 0
    for sign in _DIALOGUE.finditer(text):
        end = text.find("\n", sign.start())
        if end < 0 or sign.start() < at or not _CHALLENGE.search(text, max(0, end - 500), end):
            continue
        last = text.find("\n", end + 1)
        last = len(text) if last < 0 else last
        answer = _ANSWER.search(text, max(end + 1, last - 500), last)
        if answer and (plain := _text_of(answer["coded"], shortest=2)) and not plain.endswith(":"):
            done += (text[at : answer.start()], mark("authorization"))
            at = answer.end("coded")
    return "".join((*done, text[at:]))


def _sent(match: re.Match[str]) -> str:
    plain = _text_of(match["coded"], shortest=2)
    return mark("authorization") if plain and not plain.endswith(":") else match[0]


def _in_base64(text: str, look: Look) -> str:
    kubernetes = "Secret" in text and bool(_KUBERNETES.search(text))

    def one(match: re.Match[str]) -> str:
        found = _coded(match[0], look, kubernetes)
        return mark(found) if found else match[0]

    def wrapped(match: re.Match[str]) -> str:
        found = _coded("".join(match[0].split()), look, kubernetes)
        return re.sub(r"[^\s]+", mark(found), match[0]) if found else match[0]

    return _WORD.sub(one, _WRAPPED.sub(wrapped, text))


def _coded(word: str, look: Look, kubernetes: bool) -> str | None:
    """Return what kind of secret stands in ``word`` once it is decoded."""
    if word.islower() or word.isdigit() or (plain := _text_of(word)) is None:
        return None
    if _SASL.match(plain) or _PAIR.match(plain):
        return "authorization"
    if "\0" in plain:
        return None
    if kubernetes and _CHOSEN.match(plain.strip()):
        return "secret"
    redacted = look(plain)
    found = MARKED.search(redacted) if redacted != plain else None
    return found[0][len("[redacted:") : -1] if found else None


def _text_of(word: str, shortest: int = 9) -> str | None:
    """Return the text that ``word`` is the base64 of."""
    coded = word.rstrip("=")[:_LONGEST_CODED_CHARS].replace("-", "+").replace("_", "/")
    if len(coded) % 4 == 1:
        return None
    if len(coded) >= _SAMPLE and not _READABLE.match(base64.b64decode(coded[:_SAMPLE])):
        return None
    raw = base64.b64decode(coded + "=" * (-len(coded) % 4))
    try:
        plain = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    readable = sum(char.isprintable() or char in "\n\r\t\0" for char in plain)
    return plain if len(plain) >= shortest and readable == len(plain) else None
