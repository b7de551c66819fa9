"""Stores the runbook in ``runbook.json``.

It is read again when it changes, appended to under a lock, and never half written.

A writer holds the lock beside the file, writes the whole new text beside it too, forces it to the disk and renames it,
so that a reader and a crash see the old file or the new one. A file that cannot be understood is not touched.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from bot.adapters.private_files import FILE_MODE
from bot.adapters.runbook.index import RunbookIndex
from bot.domain.runbook.json_format import append_entry, parse_runbook, stream_entries, strip_controls
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookBroken, RunbookUnwritable

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 10.0
"""Seconds to wait for another writer's lock; a write takes milliseconds."""

APPEND_TIMEOUT_S = 20.0
"""Seconds for an append, the wait for the lock included; a disk that hangs must hold up nothing else."""

_Stamp = tuple[int, int, int]
_GONE: _Stamp = (0, 0, 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MOUNTED = "Mount the folder that holds it, not the file alone: a mounted file cannot be replaced."


class RunbookFile:
    """The memory in the file ``path``. A missing file is an empty one; it is made at the first append.

    Its index is a hidden file beside it. It is read once as a whole, in about half a millisecond an entry, and after
    that only what changed; call ``entries`` at the start where the first one to ask should not wait for that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index: RunbookIndex | None = None
        self._following = threading.Lock()

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, newest last. Raises ``RunbookBroken`` as long as the file cannot be understood."""
        return await asyncio.to_thread(self._current)

    async def check(self) -> tuple[str, ...]:
        """Return a sentence for each entry that is not used and each doubled id or key; raises as ``entries``."""
        return await asyncio.to_thread(self._warnings)

    async def check_writable(self) -> None:
        """Try all that an append needs, without changing the file. Raises ``RunbookUnwritable``."""
        await asyncio.to_thread(self._try)

    async def append(self, entry: Entry) -> None:
        """Add an entry, unless one with its id is there; one without an id is given one.

        Raises ``RunbookBroken`` or ``RunbookUnwritable``; the file is whole either way.
        """
        writing = asyncio.to_thread(self._append, replace(entry, id=strip_controls(entry.id) or uuid4().hex))
        try:
            await asyncio.wait_for(writing, APPEND_TIMEOUT_S)
        except TimeoutError as late:
            raise RunbookUnwritable(
                f"The disk that holds {self._path} did not take it within {APPEND_TIMEOUT_S:g} s.",
                hint="Look at that disk.",
            ) from late

    def _warnings(self) -> tuple[str, ...]:
        return parse_runbook(self._read(), str(self._path)).warnings if self._stamp() != _GONE else ()

    def _current(self) -> RunbookIndex:
        with self._following:
            index = self._opened()
            for _ in range(3):
                seen = self._stamp()
                if index.stamp() == _written(seen):
                    break
                index = self._follow(index, seen)  # and look again: somebody may have replaced the file meanwhile
            return index

    def _opened(self) -> RunbookIndex:
        if self._index is None:
            path = self._path.resolve()
            self._index = RunbookIndex(path.with_name(f".{path.name}.db"))
        return self._index

    def _follow(self, index: RunbookIndex, seen: _Stamp) -> RunbookIndex:
        data = self._read() if seen != _GONE else b"[]"
        try:
            index.follow(stream_entries(data, str(self._path)), _written(seen))
        except sqlite3.Error as error:
            log.warning("the index of %s takes no more (%s); a private one is made", self._path, error)
            index.give_up(error)
            self._index = index = RunbookIndex(None)
            index.follow(stream_entries(data, str(self._path)), _written(seen))
        return index

    def _append(self, entry: Entry) -> None:
        path = self._path.resolve()
        with self._locked_in_process(path), self._alone(path):
            for old in path.parent.glob(f".{path.name}.*.new"):  # what a writer that was killed left behind
                old.unlink(missing_ok=True)
            while True:
                index, seen = self._current(), self._stamp()
                if index.stamp() != _written(seen):
                    continue
                if index.has(entry.id):
                    return
                made = self._replace(path, append_entry(self._read() if seen != _GONE else b"[]", entry), seen)
                if made is not None:
                    (parsed,) = stream_entries(append_entry(b"[]", entry))  # as the file tells it from now on
                    try:
                        index.append(parsed, _written(made), before=_written(seen))
                    except sqlite3.Error as error:  # the entry is in the file; the index follows when it is asked for
                        log.warning("the index of %s was not added to: %s", self._path, error)
                    return

    def _replace(self, path: Path, data: bytes, seen: _Stamp) -> _Stamp | None:
        """Put ``data`` in the file's place and return its stamp; ``None`` where an editor saved it in the meantime."""
        new = path.with_name(f".{path.name}.{uuid4().hex}.new")
        try:
            with os.fdopen(os.open(new, _NEW, FILE_MODE), "wb") as file:
                if seen != _GONE:
                    _as_before(file.fileno(), path.stat())
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                made = _stamp(os.fstat(file.fileno()))
            if self._stamp() != seen:
                return None
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        _to_disk(path.parent)
        return made

    def _try(self) -> None:
        path = self._path.resolve()
        with self._locked_in_process(path), self._alone(path):
            if _mounted(path):
                raise RunbookUnwritable(f"{self._path} is mounted by itself.", hint=_MOUNTED)
            probe = path.with_name(f".{path.name}.{uuid4().hex}.new")
            try:
                with os.fdopen(os.open(probe, _NEW, FILE_MODE), "wb") as file:
                    file.write(b"[]")
            finally:
                probe.unlink(missing_ok=True)

    def _stamp(self) -> _Stamp:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return _GONE
        except OSError as error:
            raise self._unreadable(error) from error
        return _stamp(status)

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> RunbookBroken:
        if isinstance(error, IsADirectoryError):
            return RunbookBroken(
                f"{self._path} is a folder; the runbook is a file.",
                hint="Docker makes a folder where a mounted file is missing: remove it, and mount its folder instead.",
            )
        return RunbookBroken(
            f"{self._path} cannot be read.", hint="Let the user that Aegis runs as read it.", detail=str(error)
        )

    @contextmanager
    def _locked_in_process(self, path: Path) -> Iterator[None]:
        """Turn what the disk says into ``RunbookUnwritable``."""
        try:
            yield
        except OSError as error:
            denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
            number = errno.EBUSY if denied and _mounted(path) else error.errno or 0
            what, hint = {
                errno.EBUSY: (f"{self._path} is mounted by itself.", _MOUNTED),
                errno.ENOSPC: (f"The disk that holds {self._path} is full.", "Make room on it."),
                errno.EDQUOT: (f"The disk quota that holds {self._path} is used up.", "Make room in it."),
                errno.EROFS: (
                    f"{self._path} lies on a disk that takes no writes.",
                    "Mount it so that it can be written.",
                ),
                errno.ENOENT: (f"There is no folder {path.parent}.", "Make it, or correct AEGIS_RUNBOOK."),
                errno.ENOTDIR: (f"{path.parent} is no folder.", "Correct AEGIS_RUNBOOK."),
            }.get(
                number,
                (f"{self._path} cannot be written.", "Let Aegis's user write the file and its folder."),
            )
            raise RunbookUnwritable(what, hint=hint, detail=str(error)) from error

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        """Hold the lock beside the file, which other processes and threads wait for."""
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            late = time.monotonic() + LOCK_TIMEOUT_S
            while not _taken(lock):
                if time.monotonic() > late:
                    raise RunbookUnwritable(
                        f"Another process holds {self._path} for too long.", hint="Look for a second Aegis that hangs."
                    )
                time.sleep(0.01)
            yield
        finally:
            os.close(lock)


def _as_before(handle: int, before: os.stat_result) -> None:
    """Give a new file the owner, the group and the mode of the one that it replaces: people edit it."""
    for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
        with suppress(PermissionError):  # only root may give a file away, and to a group that is not its own
            os.fchown(handle, owner, group)
    os.fchmod(handle, before.st_mode & 0o7777)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _written(stamp: _Stamp) -> str:
    return " ".join(map(str, stamp))


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _to_disk(folder: Path) -> None:
    """Force the folder's own list of files to the disk, or the rename may be lost at a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mounted(path: Path) -> bool:
    """Return True if the file itself is a mount point, by Linux's list of mounts."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return False
    points = (line.split(" ")[1] for line in mounts.read_text(errors="surrogateescape").splitlines())
    return str(path) in {point.replace("\\040", " ") for point in points}
