"""Private keys, also without their head or end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.redaction.values import is_random
from bot.domain.redaction.vendor_tokens import mark

_ARMOUR = (
    r"-{{4,6}} ?{} (?:(?:[A-Z0-9]{{1,12}} ){{0,3}}(?:PRIVATE KEY(?: BLOCK)?|NKEY SEED)|OpenVPN Static key V1) ?-{{4,6}}"
)
_ARMOURED = ("PRIVATE KEY", "NKEY SEED", "OpenVPN Static key")
_BEGIN, _END = re.compile(_ARMOUR.format("BEGIN")), re.compile(_ARMOUR.format("END"))
_RUN = r"(?:(?<=\\n)|(?<=\\r)|(?<![A-Za-z0-9+/=\\-]))"
_BODY = re.compile(_RUN + r"[A-Za-z0-9+/]{16,}+={0,2}")
_LONG_BODY = re.compile(_RUN + r"(?=[A-Za-z0-9+/]{0,60}[A-Z])(?=[A-Za-z0-9+/]{0,60}[a-z])[A-Za-z0-9+/]{32,}+={0,2}")
_LAST = re.compile(_RUN + r"[A-Za-z0-9+/]{2,15}={0,2}(?=(?:\s|\\[nr])*\Z)")
_KEY = "private-key"
# A line of a key whose head is not in this text: 64 (PEM), 70 (OpenSSH) or 76 (MIME) characters and nothing else.
_LONE = re.compile(
    r"(?<![^\s|])(?!/[a-z]{1,12}/[a-z])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])(?=[A-Za-z+/]*\d)"
    r"(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})$",
    re.MULTILINE,
)
_PUBLIC = re.compile(r"-{4,5} ?BEGIN (?![A-Z0-9 ]{0,40}(?:PRIVATE|SEED|Static))[A-Z0-9 ]{3,40}-{4,5}")
_PUBLIC_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{3,40}-{4,5}")
_PUBLIC_DATA = ("iVBORw0KGgo", "/9j/", "R0lGOD", "JVBERi0", "UEsDB", "PHN2Zy", "AAAAB3NzaC1", "AAAAC3NzaC1", "d09GM")
"""How pictures, documents, fonts and public keys begin in base64."""
_LONGEST_PREFIX_CHARS = 160
_AFTER_LONE = re.compile(
    r"(?<=\[redacted:private-key\])(?P<before>\r?\n(?:[^\n]{0,120}[\s|"
    r"])??)(?P<word>[A-Za-z0-9+/]{2,75}+={0,2})(?=\r?\n|\Z)"
)
"""The last line of such a key, which is shorter."""
_PUTTY = re.compile(r"(?<=Private-Lines: )(\d{1,3}\r?\n)((?:[A-Za-z0-9+/=]{1,64}\r?\n){1,200})")


def in_private_keys(text: str) -> str:
    """Return ``text`` with the lines of private keys replaced, also of those whose head or end is missing."""
    if "Private-Lines: " in text:
        text = _PUTTY.sub(rf"\1{mark(_KEY)}\n", text)
    if not any(name in text for name in _ARMOURED):
        return _lone(text)
    done: list[str] = []
    at = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < at:
            continue
        end = _END.search(text, begin.end())
        done.append(text[at : begin.end()])
        at = end.start() if end else len(text)
        body = text[begin.end() : at]
        cut = _LAST.search(body, max(0, len(body) - 40)) if end else None
        if cut:
            body = body[: cut.start()] + mark(_KEY) + body[cut.end() :]
        done.append((_BODY if end else _LONG_BODY).sub(mark(_KEY), body))
    done.append(text[at:])
    text = "".join(done)
    return _lone(text)


def _lone(text: str) -> str:
    if any(_ends_in_key(line) for line in text.split("\n")):
        text = _without_lone(text)
    return _AFTER_LONE.sub(_short, text) if mark(_KEY) in text else text


def _without_lone(text: str) -> str:
    """Return ``text`` without lines of keys, but for what is public: certificates, public keys, pictures."""
    public = list(_public(text)) if "BEGIN" in text else []
    done: list[str] = []
    at = end = 0
    shown = False
    for line in _LONE.finditer(text):
        if text.count("\n", end, line.start()) != 1 or line.start() - end > _LONGEST_PREFIX_CHARS:
            shown = line[0].startswith(_PUBLIC_DATA)
        end = line.end()
        while public and public[0][1] <= line.start():
            public.pop(0)
        if not shown and not (public and public[0][0] <= line.start()):
            done += (text[at : line.start()], mark(_KEY))
            at = line.end()
    return "".join((*done, text[at:])) if done else text


def _public(text: str) -> Iterator[tuple[int, int]]:
    """Yield where armour of something public starts and ends."""
    at = 0
    for begin in _PUBLIC.finditer(text):
        if begin.start() >= at:
            end = _PUBLIC_END.search(text, begin.end())
            at = end.end() if end else len(text)
            yield begin.start(), at


def _short(match: re.Match[str]) -> str:
    word = match["word"]
    return match["before"] + mark(_KEY) if word.endswith("=") or is_random(word, shortest=8) else match[0]


def _ends_in_key(line: str) -> bool:
    end = line[-64:]
    return len(end) == 64 and end.replace("+", "").replace("/", "").isalnum()
