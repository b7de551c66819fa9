"""The file .env: names and values as its lines give them, or which line cannot be understood."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from bot.errors import SettingsError


def read_env_file(path: Path) -> dict[str, str]:
    """Return what the file holds; nothing where there is none. Raises ``SettingsError`` without showing any value."""
    try:
        # With -sig: an editor that writes a byte order mark must not hide the first name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except IsADirectoryError as error:
        raise SettingsError(
            f"{path} is a folder.",
            mend="Docker makes a folder where a mounted file is missing: remove it, and put the file there.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read.", mend="It must be a readable UTF-8 file.") from error
    wrong = [str(_line(binding)) for binding in parse_stream(StringIO(text)) if binding.error]
    if wrong:
        lines = f"line{'s' if len(wrong) > 1 else ''} {', '.join(wrong)}"
        raise SettingsError(f"{path} cannot be understood: {lines}.", mend="Each line is NAME=value; see .env.example.")
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}


def _line(binding: Binding) -> int:
    """Return the line on which a binding begins; the parser counts the empty lines before it to it."""
    written = binding.original.string
    return binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
