"""Translates database errors into ours, without the password."""

from __future__ import annotations

import re

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.domain.addresses.credentials import address_credentials
from bot.errors import StoreError, StoreUnavailable

_SQLITE = {
    "NOTADB": ("{} is not a SQLite database.", "Move the file away, or name another one in AEGIS_DATABASE_URL."),
    "CORRUPT": (
        "{} is damaged.",
        "Stop Aegis and keep a copy. Put the last good copy back, or save what is left with: sqlite3 {} .recover",
    ),
    "READONLY": ("{} cannot be written.", "Let the user that Aegis runs as write the file and its folder."),
    "CANTOPEN": ("{} cannot be opened.", "Let the user that Aegis runs as read and write the file and its folder."),
    "PERM": ("{} cannot be opened.", "Let the user that Aegis runs as read and write the file and its folder."),
    "FULL": ("This cannot be recorded: the disk that holds {} is full.", "Make room on it."),
    "IOERR": ("This cannot be recorded: the disk that holds {} reports errors.", "Look at the disk; make a copy."),
    "BUSY": ("Another process held {} for too long.", "Look for a second Aegis, a backup or an open sqlite3 shell."),
    "LOCKED": ("Another process held {} for too long.", "Look for a second Aegis, a backup or an open sqlite3 shell."),
}
"""SQLite's primary result codes (sqlite.org/rescode.html) that an operator can mend."""

_POSTGRES = {
    "25006": ("PostgreSQL at {} takes no writes now: it is a standby or set to read-only.", "Name the primary."),
    "28P01": ("PostgreSQL at {} refuses the user or the password.", "Correct AEGIS_DATABASE_URL."),
    "28000": ("PostgreSQL at {} refuses the login.", "Correct AEGIS_DATABASE_URL or pg_hba.conf."),
    "3D000": ("PostgreSQL at {} has no such database.", "Create it, or correct AEGIS_DATABASE_URL."),
    "42P01": ("PostgreSQL at {} holds no tables of Aegis yet.", "Start Aegis once: it makes them."),
    "42501": ("PostgreSQL at {} does not let Aegis's user do this.", "Let it create tables, read and write there."),
    "53100": ("This cannot be recorded: the disk of PostgreSQL at {} is full.", "Make room on it."),
    "53300": ("PostgreSQL at {} has no connection left.", "Raise max_connections, or close what is not needed."),
}
"""PostgreSQL's SQLSTATEs (appendix A of its manual) that an operator can mend."""


_HOST = re.compile(r"[\w.:,-]+|its socket|/[\w./-]+")
_DATABASE = re.compile(r"[\w.-]*")


class Conflict(StoreError):
    """A unique index said no: somebody else was faster."""


def unknown(error: BaseException) -> bool:
    """Return True if this error leaves open whether the commit happened."""
    return isinstance(error, TimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def as_store_error(error: BaseException, url: URL) -> StoreError:
    """Turn an error from the database into ours; the password is taken out of what the outside said."""
    where = place(url)
    origin = getattr(error, "orig", None) or error
    detail = str(origin)
    for secret in address_credentials(url.render_as_string(hide_password=False)):
        detail = detail.replace(secret, "***")
    if isinstance(error, IntegrityError):
        return Conflict("Somebody else was faster.", detail=detail)
    what, hint = _words(origin, url.get_backend_name())
    return StoreUnavailable(what.format(where), hint=hint.format(where), detail=detail)


def place(url: URL) -> str:
    """Name the database for people: the file, or host and database."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or "its socket"
    # What is no host's name may be a piece of a password that was read wrongly.
    shown = host if _HOST.fullmatch(host) else "its address"
    return (
        f"{shown}{f':{url.port}' if url.port else ''}/{url.database if _DATABASE.fullmatch(url.database or '') else ''}"
    )


def damaged(url: URL, detail: str) -> StoreUnavailable:
    """Return the error for a file that fails SQLite's own check."""
    what, hint = _SQLITE["CORRUPT"]
    return StoreUnavailable(what.format(place(url)), hint=hint.format(place(url)), detail=detail)


def _words(origin: BaseException, backend: str) -> tuple[str, str]:
    if isinstance(origin, TimeoutError):
        return "The database at {} did not answer in time.", "Look at it, and at what else uses it."
    if backend == "sqlite":
        name = str(getattr(origin, "sqlite_errorname", "")).removeprefix("SQLITE_")
        return _SQLITE.get(name.split("_")[0], ("{} cannot be used now.", "Run: aegis doctor"))
    unreachable = ("PostgreSQL at {} does not answer or refuses.", "Look at the server and AEGIS_DATABASE_URL.")
    return _POSTGRES.get(getattr(origin, "sqlstate", None) or "", unreachable)
