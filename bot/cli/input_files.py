"""Reads input files: logs in blocks, JSON whole; ``-`` is standard input."""

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

BLOCK_BYTES = 1 << 16

MAX_FILE_BYTES = 64 << 20
"""Maximum size of a file that is read whole; alerts and inspections are far shorter."""

PAUSE_S = 0.2
"""Time without input after which the lines so far are passed on, for a reader who follows a log."""


def blocks(file: str) -> Iterator[bytes]:
    """Yield the bytes of a file; UTF-16 becomes UTF-8. Raise ``AegisError`` if the file cannot be read."""
    return _in_utf8(_blocks(file))


def live_blocks(file: str) -> Iterator[bytes]:
    """Yield as ``blocks`` does, and an empty block after each pause of the input."""
    return _in_utf8(_blocks(file, live=True))


def text(file: str) -> str:
    """Return the text of a file. Raise ``AegisError`` if it cannot be read, is too long, or is not text."""
    content = bytearray()
    for block in blocks(file):
        content += block
        if len(content) > MAX_FILE_BYTES:
            raise AegisError(
                f"{_name(file)} is longer than {MAX_FILE_BYTES >> 20} MB.", hint="Check that it is the right file."
            )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AegisError(f"{_name(file)} is not text in UTF-8.", hint="Check that it is the right file.") from error


def load_json(file: str) -> object:
    """Return the JSON value of a file. Raise ``AegisError`` with the place of the syntax error."""
    content = text(file)
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if content.strip() else "the file is empty"
        raise AegisError(f"{_name(file)} is not JSON: {where}.", hint="The file must hold one JSON value.") from error
    except (ValueError, RecursionError) as error:
        raise AegisError(
            f"{_name(file)} holds JSON that is too deep or has a number that is too long.",
            hint="Check that it is the right file.",
        ) from error


def _blocks(file: str, *, live: bool = False) -> Iterator[bytes]:
    try:
        with nullcontext(_standard_input()) if file == "-" else Path(file).open("rb", buffering=0) as stream:
            while True:
                while live and not select.select([stream], [], [], PAUSE_S)[0]:
                    yield b""
                block = stream.read(BLOCK_BYTES)
                if not block:
                    return
                yield block
    except OSError as error:
        raise AegisError(f"{_name(file)} cannot be read: {error.strerror or 'unknown error'}.") from error


def _name(file: str) -> str:
    return "Standard input" if file == "-" else file


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # the parent process closed it
        raise AegisError("Standard input is closed.", hint="Give the name of a file.")
    raw: BinaryIO = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return raw


def _in_utf8(source: Iterator[bytes]) -> Iterator[bytes]:
    """Convert UTF-16 with a byte order mark, as PowerShell writes it, to UTF-8. Yield other input unchanged."""
    first = b""
    for block in source:
        first += block
        if len(first) >= len(codecs.BOM_UTF16_LE):
            break
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first
        yield from source
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode()
    for block in source:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()
