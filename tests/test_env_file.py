"""The file .env: common spellings are read, a bad line is reported by number, and no value is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import read_env_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


@pytest.mark.parametrize(
    "line",
    [
        "NAME=a b",
        "NAME = a b",
        "export NAME=a b",
        "NAME='a b'",
        'NAME="a b"',
        "NAME=a b  # why",
        "  NAME=a b",
        "NAME=a b\r",
    ],
)
def test_names_and_values_are_read_as_a_shell_writes_them(file: Path, line: str) -> None:
    file.write_text(f"# first\n\n{line}\n", newline="")
    assert read_env_file(file) == {"NAME": "a b"}


def test_a_byte_order_mark_does_not_hide_the_first_name(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfNAME=value\n")
    assert read_env_file(file) == {"NAME": "value"}


def test_no_file_is_no_settings(file: Path) -> None:
    assert read_env_file(file) == {}


def test_a_name_without_a_value_is_not_set(file: Path) -> None:
    file.write_text("NAME\nOTHER=\n")
    assert read_env_file(file) == {"OTHER": ""}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("SLACK_BOT_TOKEN: xoxb-secret\n", "line 1"),
        ("# a\n\n\nthis is xoxb-secret prose\nGOOD=1\n", "line 4"),
        ("A=1\nB='xoxb-secret\nC=2\nD E F\n", "lines 2, 4"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named_and_its_value_is_not_shown(
    file: Path, text: str, lines: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_env_file(file)
    assert f"has invalid syntax: {lines}." in caught.value.message
    assert "xoxb-secret" not in caught.value.sentence + caplog.text


def test_a_file_that_is_not_text_is_named(file: Path) -> None:
    file.write_bytes(b"NAME=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        read_env_file(file)


def test_a_folder_in_the_files_place_is_told_how_it_came_there(file: Path) -> None:
    file.mkdir()
    with pytest.raises(SettingsError, match="is a folder") as caught:
        read_env_file(file)
    assert "Docker creates a folder" in caught.value.hint
