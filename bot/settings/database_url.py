"""Checks of the database's URL and password, which form one address."""

from __future__ import annotations

from pathlib import Path

from bot.domain.addresses.credentials import ENCODE, has_clear_parts, with_password


def check_database_url(url: str) -> None:
    """Raise ``ValueError`` if user, password and host of a PostgreSQL URL cannot be told apart."""
    if url.startswith("postgres") and not has_clear_parts(url):
        raise ValueError(
            f"is ambiguous: percent-encode the special characters of the password with {ENCODE},"
            " or set AEGIS_DATABASE_PASSWORD and write postgresql://USER@HOST/NAME"
        )


def check_password(url: str, password: str) -> list[str]:
    """Return the errors of a URL and a password that do not fit together."""
    if not password:
        return []
    if not url.startswith("postgres"):
        return ["AEGIS_DATABASE_PASSWORD: only PostgreSQL has a password, and AEGIS_DATABASE_URL is not postgresql://…"]
    try:
        with_password(url, "x")
    except ValueError:
        return ["AEGIS_DATABASE_URL: must be postgresql://USER@HOST/NAME if AEGIS_DATABASE_PASSWORD is set"]
    return []


def read_password_file(environment: dict[str, str]) -> list[str]:
    """Copy the password from AEGIS_DATABASE_PASSWORD_FILE to AEGIS_DATABASE_PASSWORD. Return the errors."""
    name = environment.get("AEGIS_DATABASE_PASSWORD_FILE", "")
    if not name:
        return []
    if environment.get("AEGIS_DATABASE_PASSWORD"):
        return ["AEGIS_DATABASE_PASSWORD_FILE: AEGIS_DATABASE_PASSWORD is set too; set only one of them"]
    try:
        password = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        return [f"AEGIS_DATABASE_PASSWORD_FILE: the file cannot be read: {reason}"]
    if not password or "\n" in password or "\0" in password:
        return ["AEGIS_DATABASE_PASSWORD_FILE: the file must hold the password on one line, and nothing else"]
    environment["AEGIS_DATABASE_PASSWORD"] = password
    return []
