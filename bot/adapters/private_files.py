"""Creates files that their owner alone may read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_OF_OTHERS = 0o077

_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; it gives these files the mode of the database when it creates them."""


def create_private(path: Path) -> None:
    """Create an empty file that its owner alone may read; where there is one, take the rights of others off it.

    Whatever the disk refuses is left to whoever opens the file next and says so.
    """
    with suppress(OSError):
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
        except FileExistsError:
            make_private(path)


def make_private(path: Path) -> None:
    """Take the rights of others off a file that belongs to this process's user; leave any other as it is."""
    with suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_mode & _OF_OTHERS:
            # Not by a handle: closing one would give up the locks that SQLite holds on the file.
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OF_OTHERS)


def create_private_database(path: Path) -> None:
    """Create SQLite's file as ``create_private`` does, and make what lies beside an old one private."""
    create_private(path)
    for ending in _BESIDE:
        make_private(path.with_name(path.name + ending))


def make_private_folder(path: Path) -> None:
    """Create a folder, and those above it that are missing, for their owner alone; one that is there stays as it is.

    Raises ``OSError``.
    """
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
