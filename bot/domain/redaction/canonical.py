"""One form for all ways of writing the same visible text, so that nothing unseen takes a secret past ``redact``.

Removed: colours and other terminal sequences, control characters, category Cf and the other characters that show
nothing. Folded to ASCII: full-width, small and mathematical letters and signs, and every kind of blank. Letters of
other scripts, symbols and emoji stay. The joiners U+200C and U+200D stay between two characters that are not ASCII
(emoji, Persian, Indic scripts need them there, and no token is made of those); variation selectors stay behind one.
Line ends stay where they are.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,4}[@-~]"  # colours and cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]{0,512}+(?:\x07|\x1b\\|\x9c)"  # window titles and terminal links
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_HALF = re.compile("[\ud800-\udfff]")
_JOINING = re.compile("[\u200c\u200d\ufe00-\ufe0f]+")
_SELECTORS = tuple(map(chr, range(0xFE00, 0xFE10)))
_KEPT = frozenset("\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd")
"""Of category Cf: the joiners, which ``_joined`` judges, and signs of Arabic, Syriac and Kaithi that are seen."""
_SHOW_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_FOLDED = ("<wide>", "<narrow>", "<font>", "<noBreak>", "<small>", "<vertical>")
_KEYCAP = "\u20e3"
UNSEEN = (
    "\\u00ad\\u034f\\u061c\\u0890\\u0891\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f"
    "\\u2800\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0000-\\U000e0fff"
)
"""What shows nothing wherever it stands, for a set in a pattern; the joiners and selectors are not among it."""
_LOOKS = 4
"""What is removed can bring halves together; those that are still apart after so many looks are replaced."""


def canonical(text: str) -> str:
    """Return ``text`` in its one form; as many lines as before, and the same again when it is given back."""
    if _CONTROL.search(text):
        text = _CONTROL.sub("", _TERMINAL.sub("", text))
    if text.isascii():
        return text
    for _ in range(_LOOKS):
        before, text = text, _seen(_whole(text))
        if text == before or not _HALF.search(text):
            break
    else:
        text = _HALF.sub("\ufffd", text)
    return text


def _whole(text: str) -> str:
    """Return ``text`` with its halves put together where they spell a character; bytes that spell none stay."""
    if not _HALF.search(text):
        return text
    text = _BYTES.sub(_spelled, text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _CONTROL.sub("", text)


def _seen(text: str) -> str:
    table = {ord(char): new for char in set(text) if not char.isascii() and (new := _folded(char)) != char}
    return _JOINING.sub(_joined, text.translate(table) if table else text)


def _spelled(residue: re.Match[str]) -> str:
    return residue[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if (unicodedata.category(char) == "Cf" and char not in _KEPT) or char in _SHOW_NOTHING or _is_selector(char):
        return ""
    if unicodedata.category(char) == "Zs":
        return " "
    if unicodedata.decomposition(char).startswith(_FOLDED):
        plain = unicodedata.normalize("NFKC", char)
        return plain if plain.isascii() else char
    return char


def _is_selector(char: str) -> bool:
    return "\U000e0000" <= char <= "\U000e0fff"


def _joined(run: re.Match[str]) -> str:
    before, after = run.string[max(0, run.start() - 1) : run.start()], run.string[run.end() : run.end() + 1]
    if after == _KEYCAP:
        return run[0]
    if before.isascii():
        return ""
    return run[0] if not after.isascii() else "".join(char for char in run[0] if char in _SELECTORS)
