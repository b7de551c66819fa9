"""Reads the heads of the audit trail from log files.

The files can be rotated, compressed, or standard input.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.cli import input_files
from bot.domain.audit.head import head_in
from bot.errors import AegisError

_ROTATED = re.compile(r"[.-][0-9][0-9T.:_-]*(?:\.gz)?")
"""The suffix that logrotate and similar programs add to the name of a rotated log."""

_GZIP = b"\x1f\x8b"
_WBITS_GZIP = 31
"""The ``wbits`` value for a gzip file (zlib's manual, inflateInit2)."""

_LINE_BYTES = 1 << 20
"""Maximum bytes of a line in memory; the line of a head is far shorter, and a log can hold an endless line."""

_MARK = b"audit trail head"


def load(logs: Sequence[str]) -> Mapping[int, frozenset[str]]:
    """Return the hashes in the logs by row number.

    Raise ``AegisError`` if a log cannot be read, or if no log holds a head, since that proves nothing.
    """
    heads: dict[int, set[str]] = {}
    for file in (path for name in logs for path in (name, *_rotated(name))):
        for line in _lines(_decompressed(input_files.blocks(file), file)):
            head = head_in(line.decode("utf-8", "replace")) if _MARK in line else None
            if head is not None:
                heads.setdefault(head[0], set()).add(head[1])
    if logs and not heads:
        raise AegisError(
            "The log holds no head of the audit trail, so it proves nothing.",
            hint="Give the log of aegis run, which writes a head at each start and stop, and once a day.",
        )
    return {number: frozenset(hashes) for number, hashes in heads.items()}


def _rotated(name: str) -> list[str]:
    """Return the rotated files of the log ``name``."""
    path = Path(name)
    if name == "-" or not path.is_file():
        return []
    siblings = (file for file in path.parent.iterdir() if file.name.startswith(path.name))
    return sorted(
        str(file) for file in siblings if _ROTATED.fullmatch(file.name.removeprefix(path.name)) and file.is_file()
    )


def _decompressed(blocks: Iterator[bytes], file: str) -> Iterator[bytes]:
    """Yield the content of a gzip file, and any other file unchanged."""
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
                # A log that was compressed in several steps is a sequence of gzip files.
                packed, unpacking = unpacking.unused_data or next(blocks, b""), zlib.decompressobj(_WBITS_GZIP)
            else:
                packed = unpacking.unconsumed_tail or next(blocks, b"")
    except zlib.error as error:
        raise AegisError(f"{file} is damaged and cannot be decompressed.", hint="Give an undamaged copy.") from error


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        rest = rest[:_LINE_BYTES]
    yield rest
