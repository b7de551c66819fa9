"""The heads of the audit trail that Aegis's log has seen: read from files, compressed ones and standard input."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.cli import input_files
from bot.domain.audit.head import head_in
from bot.errors import AegisError

_ROTATED = re.compile(r"[.-][0-9][0-9T.:_-]*(?:\.gz)?")
"""What logrotate and others put behind the name of a log that they lay aside."""

_GZIP = b"\x1f\x8b"
_WBITS_GZIP = 31
"""How zlib is told that what it reads is a gzip file (zlib's manual, inflateInit2)."""

_LINE_BYTES = 1 << 20
"""Bytes of a line that are kept: the line of a head is far shorter, and a log may hold one without an end."""

_MARK = b"audit trail head"


def read(logs: Sequence[str]) -> Mapping[int, frozenset[str]]:
    """Return the hashes that the logs have for the numbers of rows.

    Raises ``AegisError`` where a log cannot be read, or none of them holds a head: then nothing would be proven.
    """
    heads: dict[int, set[str]] = {}
    for file in (one for name in logs for one in (name, *_rotated(name))):
        for line in _lines(_plain(input_files.blocks(file), file)):
            found = head_in(line.decode("utf-8", "replace")) if _MARK in line else None
            if found is not None:
                heads.setdefault(found[0], set()).add(found[1])
    if logs and not heads:
        raise AegisError(
            "The log holds no head of the audit trail, so nothing can be proven by it.",
            hint="Give the log of a running Aegis: it writes a line at each start and end, and once a day.",
        )
    return {number: frozenset(hashes) for number, hashes in heads.items()}


def _rotated(name: str) -> list[str]:
    """Return the files that were laid aside when the log ``name`` was begun anew."""
    path = Path(name)
    if name == "-" or not path.is_file():
        return []
    beside = (one for one in path.parent.iterdir() if one.name.startswith(path.name))
    return sorted(str(one) for one in beside if _ROTATED.fullmatch(one.name.removeprefix(path.name)) and one.is_file())


def _plain(blocks: Iterator[bytes], file: str) -> Iterator[bytes]:
    """Yield what a gzip file holds, and every other file as it is."""
    first = next(blocks, b"")
    if not first.startswith(_GZIP):
        yield first
        yield from blocks
        return
    unpacking = zlib.decompressobj(_WBITS_GZIP)
    packed = first
    try:
        while packed:
            plain = unpacking.decompress(packed, _LINE_BYTES)
            yield plain
            if unpacking.eof:
                # A log that was compressed in several goes is several gzip files behind one another.
                packed, unpacking = unpacking.unused_data or next(blocks, b""), zlib.decompressobj(_WBITS_GZIP)
            else:
                packed = unpacking.unconsumed_tail or next(blocks, b"")
    except zlib.error as error:
        raise AegisError(f"{file} is damaged: it cannot be decompressed.") from error


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        rest = rest[:_LINE_BYTES]
    yield rest
