"""Log filters of the command line, for input of any length."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.domain.evidence import LogDigest
from bot.domain.logs import digest
from bot.domain.redaction.redact import redact

PIECE_BYTES = 1 << 20
"""Characters that are cleaned at once; a longer log is cut where that parts no secret, so memory stays bounded."""

_LONGEST_KEY_CHARS = 1 << 16
"""Characters after which what began as a key or certificate is waited for no more."""

_CONTEXT = 4
"""Lines before a piece that are read with it: a key and its value may stand on two lines."""


def redact_blocks(blocks: Iterable[bytes], known: Sequence[str], *, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the text of ``blocks`` without secrets, as it comes; an empty block hands on the lines that are whole.

    Bytes that are not UTF-8 pass as they are. ``known`` are literal secrets; ``piece`` as ``PIECE_BYTES``.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text = before = ""
    for block in blocks:
        text += decoder.decode(block)
        if block and len(text) < piece:
            continue
        end = _end_of_piece(text, full=len(text) >= piece)
        if end:
            yield _cleaned(before, text[:end], known)
            before, text = _last_lines(text[:end]), text[end:]
    text += decoder.decode(b"", final=True)
    if text:
        yield _cleaned(before, text, known)


def digest_blocks(blocks: Iterable[bytes], known: Sequence[str], *, budget: int = 8_000) -> LogDigest:
    """Return what is worth reading in a log, without secrets; the lines are cleaned together, since some span lines."""
    log = digest.digest_log(blocks, budget=budget)
    texts = redact("\n".join(line.text for line in log.lines), known).split("\n")
    if len(texts) != len(log.lines):
        texts = [redact(line.text, known) for line in log.lines]
    return replace(log, lines=tuple(replace(line, text=text) for line, text in zip(log.lines, texts, strict=True)))


def _cleaned(before: str, text: str, known: Sequence[str]) -> bytes:
    lines = before.count("\n")
    cleaned = redact(before + text, known).split("\n", lines)
    whole = "\n".join(cleaned[lines:])
    if whole.count("\n") != text.count("\n"):  # a secret that spans lines became one word
        whole = redact(text, known)
    return whole.encode("utf-8", "surrogateescape")


def _end_of_piece(text: str, *, full: bool) -> int:
    """Return where ``text`` can be cut: after its last line, but never within a key or certificate that is not over.

    0 where nothing can be cut yet; where it has to be cut, after a word at worst.
    """
    end = text.rfind("\n") + 1
    begin = text.rfind("-----BEGIN ", 0, end)
    if 0 <= begin > end - _LONGEST_KEY_CHARS and text.find("-----END ", begin, end) < 0:
        end = text.rfind("\n", 0, begin) + 1
    if end or not full:
        return end
    return text.rfind("\n") + 1 or text.rfind(" ") + 1 or len(text)


def _last_lines(text: str) -> str:
    lines = text.rsplit("\n", _CONTEXT + 1)
    return "\n".join(lines[-_CONTEXT - 1 :]) if not lines[-1] else ""
