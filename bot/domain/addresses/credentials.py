"""Finds credentials in addresses, and shows addresses without them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOSTS = re.compile(r"(?:[A-Za-z0-9_.,-]|%2[Ff]|\[[0-9A-Fa-f:.%]+\])*(?::[0-9]{1,5})?")
_SECRET_PARTS = frozenset({"password", "sslpassword", "passfile", "token", "key", "apikey", "api_key", "access_token"})
"""Names in an address's query whose values are secrets (libpq's among them)."""

ENCODE = "python3 -c 'import urllib.parse; print(urllib.parse.quote(input(), safe=\"\"))'"
"""The command that percent-encodes what is typed; as an argument it would stand in the shell's history."""


def has_clear_parts(address: str) -> bool:
    """Return True if user, password and host can be told apart for sure; a sign that was not encoded blurs them."""
    authority, rest = _parts(address)
    user, _, host = authority.rpartition("@")
    return "@" not in user and "@" not in rest and _HOSTS.fullmatch(host) is not None


def without_credentials(address: str) -> str:
    """Return the address as it may be shown: without user, password and query; where it is unclear, its scheme."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        return address if re.fullmatch(r"/?[\w./-]*", address) else ""
    authority, rest = _parts(address)
    if not authority and "@" not in rest:
        return address.partition("?")[0]  # a socket or a file
    if not has_clear_parts(address):
        return f"{scheme[1]}://…"
    path = re.split(r"[?#]", rest, maxsplit=1)[0]
    return f"{scheme[1]}://{authority.rpartition('@')[2]}{path}"


def address_credentials(address: str) -> tuple[str, ...]:
    """Return every secret in the address, as it is written and decoded; more than that where it is unclear."""
    if _SCHEME.match(address) is None:
        return ()
    authority, rest = _parts(address)
    found = [value for name, value in parse_qsl(rest.partition("?")[2]) if name.lower() in _SECRET_PARTS]
    before = authority.rpartition("@")[0]
    if not has_clear_parts(address):
        # Some sign of the password ended what looked like the host: all up to the last @ belongs together.
        before = f"{authority}{rest}".rpartition("@")[0]
    found.append(before.partition(":")[2])
    return tuple(dict.fromkeys(one for written in found for one in (written, unquote(written)) if one))


def with_password(address: str, password: str) -> str:
    """Return the address with the password in it, encoded. The address must be clear, and must have none."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        raise ValueError("no address")
    user, at, host = _parts(address)[0].rpartition("@")
    if not at or ":" in user:
        raise ValueError("no user, or a password already")
    return f"{scheme[0]}{user}:{quote(password, safe='')}@{host}{_parts(address)[1]}"


def _parts(address: str) -> tuple[str, str]:
    """Return what stands before the first ``/``, ``?`` or ``#`` behind the scheme, and the rest."""
    scheme = _SCHEME.match(address)
    body = address[scheme.end() :] if scheme else address
    end = re.search(r"[/?#]", body)
    return (body[: end.start()], body[end.start() :]) if end else (body, "")
