"""What the command line reads: logs in blocks, JSON as a whole; ``-`` is standard input."""

from __future__ import annotations

import codecs
import json
import select
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from bot.errors import AegisError

BLOCK = 1 << 16

LARGEST = 64 << 20
"""Bytes of a file that is read as a whole; no alert and no inspection is that long."""

PAUSE = 0.2
"""Seconds of silence after which what came so far is handed on: somebody may be following a log."""


def blocks(file: str) -> Iterator[bytes]:
    """Yield a file's bytes as they come; UTF-16 becomes UTF-8. Raises ``AegisError`` where it cannot be read."""
    return _in_utf8(_blocks(file))


def live_blocks(file: str) -> Iterator[bytes]:
    """Yield as ``blocks`` does, and an empty block whenever nothing came for a moment."""
    return _in_utf8(_blocks(file, live=True))


def text(file: str) -> str:
    """Return a file's text; raises ``AegisError`` where it cannot be read, is too long, or is not text."""
    read = bytearray()
    for block in blocks(file):
        read += block
        if len(read) > LARGEST:
            raise AegisError(f"{_name(file)} is longer than {LARGEST >> 20} MB.", hint="Is it the right file?")
    try:
        return read.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AegisError(f"{_name(file)} is not text in UTF-8.", hint="Is it the right file?") from error


def load_json(file: str) -> object:
    """Return the JSON that a file holds; raises ``AegisError`` with the place where it is not JSON."""
    read = text(file)
    try:
        return json.loads(read)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if read.strip() else "it is empty"
        raise AegisError(f"{_name(file)} is not JSON: {where}.", hint="It has to hold one JSON value.") from error
    except (ValueError, RecursionError) as error:
        raise AegisError(
            f"{_name(file)} is JSON that no program can have meant.", hint="Is it the right file?"
        ) from error


def _blocks(file: str, *, live: bool = False) -> Iterator[bytes]:
    try:
        with nullcontext(_standard_input()) if file == "-" else Path(file).open("rb", buffering=0) as stream:
            while True:
                while live and not select.select([stream], [], [], PAUSE)[0]:
                    yield b""
                block = stream.read(BLOCK)
                if not block:
                    return
                yield block
    except OSError as error:
        raise AegisError(f"{_name(file)} cannot be read: {error.strerror or 'the disk refused'}.") from error


def _name(file: str) -> str:
    return "Standard input" if file == "-" else file


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # closed by whoever started us
        raise AegisError("There is no standard input.", hint="Name a file.")
    raw: BinaryIO = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return raw


def _in_utf8(found: Iterator[bytes]) -> Iterator[bytes]:
    """Turn UTF-16 with a byte order mark, as PowerShell writes it, into UTF-8; all else stays as it is."""
    first = b""
    for block in found:
        first += block
        if len(first) >= len(codecs.BOM_UTF16_LE):
            break
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first
        yield from found
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode()
    for block in found:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()
