"""Reads the file .env without showing a value in an error."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bot.errors import SettingsError

ENV_FILE = Path(".env")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the names and values of the file, or nothing if there is no file. Raise ``SettingsError`` if it is bad."""
    try:
        # With -sig: a byte order mark written by an editor must not hide the first name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except IsADirectoryError as error:
        raise SettingsError(
            f"{path} is a folder.",
            hint="Docker creates a folder if a mounted file is missing. Remove the folder and create the file.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read.", hint="It must be a readable text file in UTF-8.") from error
    bad_lines = [str(_line_number(binding)) for binding in parse_stream(StringIO(text)) if binding.error]
    if bad_lines:
        lines = f"line{'s' if len(bad_lines) > 1 else ''} {', '.join(bad_lines)}"
        raise SettingsError(
            f"{path} has invalid syntax: {lines}.", hint="Write each line as NAME=value; see .env.example."
        )
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}


def _line_number(binding: Binding) -> int:
    """Return the line on which a binding begins; the parser counts the empty lines above it to it."""
    source = binding.original.string
    return binding.original.line + source[: len(source) - len(source.lstrip())].count("\n")
