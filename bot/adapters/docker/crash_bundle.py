"""Writes the crash bundle: a JSON file of what a restart destroys."""

from __future__ import annotations

import json
import os
import re
import secrets as tokens
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.private_files import FILE_MODE, make_private_folder
from bot.errors import BundleFailed

_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


def write(folder: Path, target: str, incident: str, at: datetime, content: Mapping[str, object]) -> Path:
    """Write ``content`` to a new file in ``folder`` that only its owner can read; return its path.

    The file appears whole or not at all. Raises ``BundleFailed`` with the disk's error as its cause.
    """
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = "-".join(_PLAIN.sub("_", part)[:80] for part in (moment, target, incident)) + ".json"
    path = folder / name
    beside = folder / f".{name}.{tokens.token_hex(4)}"
    try:
        make_private_folder(folder)
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                json.dump(content, file, indent=1, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        # The new name is on disk only when its folder is.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        raise BundleFailed(
            f"The crash bundle could not be written to {folder}: {error.strerror or 'the disk refused'}.",
            hint="Make room there, or let Aegis write there, or set AEGIS_BUNDLES to another folder.",
        ) from error
    return path
