"""Files and standard input: read in blocks, and where they cannot be read a sentence that names them."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from bot.cli import input_files
from bot.errors import AegisError


def read(file: Path | str) -> bytes:
    return b"".join(input_files.blocks(str(file)))


def trouble(work: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(AegisError) as caught:
        work(*arguments)
    return caught.value.sentence


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[bytes]]:
    """Return what writes to standard input, which is a real pipe."""
    here, there = os.pipe()
    with os.fdopen(here, "rb") as reading, os.fdopen(there, "wb", buffering=0) as writing:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(reading))
        yield writing


def test_a_long_file_comes_in_blocks(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(os.urandom(3 * input_files.BLOCK_BYTES + 5))
    blocks = list(input_files.blocks(str(file)))
    assert b"".join(blocks) == file.read_bytes()
    assert max(map(len, blocks)) <= input_files.BLOCK_BYTES


def test_a_dash_is_standard_input(standard_input: IO[bytes]) -> None:
    standard_input.write(b"a line\n")
    standard_input.close()
    assert read("-") == b"a line\n"


def test_standard_input_that_pauses_says_so_with_an_empty_block(
    standard_input: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "PAUSE_S", 0.001)
    blocks = input_files.live_blocks("-")
    standard_input.write(b"first\n")
    assert next(blocks) == b"first\n"
    assert next(blocks) == b""
    standard_input.write(b"second\n")
    standard_input.close()
    assert [block for block in blocks if block] == [b"second\n"]


def test_standard_input_that_was_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert trouble(read, "-") == "Standard input is closed. Give the name of a file."


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert trouble(read, tmp_path / "nope") == f"{tmp_path}/nope cannot be read: No such file or directory."
    assert trouble(read, tmp_path) == f"{tmp_path} cannot be read: Is a directory."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_becomes_utf8(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "log"
    bom = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    file.write_bytes(bom + "größer\n✗ 🙂\n".encode(encoding))
    assert read(file).decode() == "größer\n✗ 🙂\n"


def test_utf16_that_is_cut_off_or_broken_still_comes_in(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x00\xd8\x00")
    assert read(file).decode().startswith("ab")


def test_json_is_read_with_a_byte_order_mark_too(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert input_files.load_json(str(file)) == {"a": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1,\n }', "is not JSON: line 2, column 2."),
        (b"", "is not JSON: the file is empty."),
        (b" \n", "is not JSON: the file is empty."),
        (b"\xff{}", "is not text in UTF-8."),
        (b"[" * 200_000, "holds JSON that is too deep or has a number that is too long."),
        (b"9" * 5000, "holds JSON that is too deep or has a number that is too long."),
    ],
)
def test_what_is_no_json_is_named_with_its_place(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(data)
    assert trouble(input_files.load_json, str(file)).startswith(f"{file} {said}")


def test_a_file_that_no_alert_can_be_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "MAX_FILE_BYTES", 1 << 20)
    assert "/dev/zero is longer than 1 MB." in trouble(input_files.text, "/dev/zero")


def test_a_follower_gets_what_came_before_the_end(standard_input: IO[bytes]) -> None:
    writer = threading.Thread(target=lambda: (standard_input.write(b"x" * 200_000), standard_input.close()))
    writer.start()
    assert sum(map(len, input_files.blocks("-"))) == 200_000
    writer.join()
