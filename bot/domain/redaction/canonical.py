"""Normalizes text, so that invisible characters cannot hide a secret.

Removed: what shows nothing (see ``unseen``). Folded to ASCII: full-width, small and mathematical letters and signs, and
every kind of blank. Letters of other scripts, symbols and emoji stay.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from bot.domain.unseen import CONTROL, without_unseen

_BYTES = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]+")
_HALF = re.compile("[\ud800-\udfff]")
_FOLDED = ("<wide>", "<narrow>", "<font>", "<noBreak>", "<small>", "<vertical>")
_LOOKS = 4
"""What is removed can bring halves together; those that are still apart after so many looks are replaced."""


def canonical(text: str) -> str:
    """Return ``text`` in its one form; as many lines as before, and the same again when it is given back."""
    text = without_unseen(text)
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
    return CONTROL.sub("", text)


def _seen(text: str) -> str:
    table = {ord(char): new for char in set(text) if not char.isascii() and (new := _folded(char)) != char}
    return without_unseen(text.translate(table) if table else text)


def _spelled(residue: re.Match[str]) -> str:
    return residue[0].encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if unicodedata.category(char) == "Zs":
        return " "
    if unicodedata.decomposition(char).startswith(_FOLDED):
        plain = unicodedata.normalize("NFKC", char)
        return plain if plain.isascii() else char
    return char
