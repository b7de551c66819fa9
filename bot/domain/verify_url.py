"""The verify URL: which ones Aegis will ask, how the setting is read, and which port it means after a restart."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

from bot.domain.evidence import Facts, Port
from bot.domain.metadata import is_metadata_address, is_metadata_name, parse_address
from bot.errors import VerifyUrlRefused

LONGEST = 2_000
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_ENTRY = re.compile(r",(?=\s*[a-zA-Z0-9][\w.-]*\s*=\s*[a-zA-Z][a-zA-Z0-9+.-]*:)", re.ASCII)
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def check_url(url: str) -> None:
    """Raise ``VerifyUrlRefused`` with the reason where Aegis will not ask ``url``; it names no part of the URL."""
    if not isinstance(url, str) or not url:
        raise _refused("there is none")
    if len(url) > LONGEST:
        raise _refused(f"it is longer than {LONGEST:,} characters")
    if any(sign <= " " or sign in "\x7f\\" for sign in url):
        raise _refused("it holds a space, a control character or a backslash")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("its host or port cannot be read") from error
    if parts.scheme.lower() not in ("http", "https"):
        raise _refused("only http and https are asked")
    if "@" in parts.netloc:
        raise _refused("it holds a user name or password")
    if port == 0:
        raise _refused("port 0 is not a port")
    _check_host(parts)
    if not url.isascii():
        raise _refused("it holds signs beyond ASCII", "Write them percent-encoded.")


def parse_urls(setting: str) -> dict[str, str]:
    """Read ``name=url,name=url``. Raises ``VerifyUrlRefused`` that names every entry that cannot be used, and why."""
    urls: dict[str, str] = {}
    wrong: list[str] = []
    for entry in filter(None, (part.strip(" \t\r\n,") for part in _ENTRY.split(setting))):
        name, sign, url = (part.strip() for part in entry.partition("="))
        if not sign or not _NAME.fullmatch(name):
            wrong.append("an entry is not of the form name=url")
        elif name in urls:
            wrong.append(f"{name} is there twice")
        else:
            urls[name] = url
            try:
                check_url(url)
            except VerifyUrlRefused as error:
                wrong.append(f"{name}: {error.what}")
    if wrong:
        raise VerifyUrlRefused("; ".join(wrong), mend="Write name=url, with commas between.")
    return urls


def refused_address(address: str) -> bool:
    """Say whether ``address`` (an IP address in any writing) hands out a cloud's credentials, or cannot be read."""
    found = parse_address(address.partition("%")[0])
    return found is None or is_metadata_address(found)


def resolve_url(url: str, before: Facts | None, now: Facts) -> str:
    """Return ``url`` with today's port, where it is on loopback and its port is one that the engine picks itself.

    Such a port changes with each start. It is known by the look ``before`` the restart, or because the URL names the
    container's own port. Any other URL comes back as it is.
    """
    parts = urlsplit(url)
    if not _on_loopback(parts):
        return url
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    inside = _inside(port, before.ports if before else ()) or _unpublished(port, now.ports)
    today = [one for one in now.ports if one.random and one.protocol == "tcp" and one.container == inside]
    if not today:
        return url
    # An address of the same kind as the URL's, where the engine picked another port for each kind.
    sixth = ":" in (parts.hostname or "")
    best = min(today, key=lambda one: (":" in one.host_ip) != sixth)
    host = f"[{parts.hostname}]" if sixth else parts.hostname
    return parts._replace(netloc=f"{host}:{best.host}").geturl()


def _check_host(parts: SplitResult) -> None:
    host = parts.hostname or ""
    if not host:
        raise _refused("it names no host")
    if not host.isascii():
        raise _refused(
            "its host is not in ASCII", "Write the host in punycode (xn--…), so that it can be read for sure."
        )
    address = parse_address(host)
    if "[" in parts.netloc and ("%" in host or not isinstance(address, IPv6Address)):
        raise _refused("its host is not a plain IPv6 address")
    if address is None and (not _HOST.fullmatch(host) or _numeric(host)):
        raise _refused("its host is neither a name nor an address")
    if (address is not None and is_metadata_address(address)) or is_metadata_name(host):
        raise _refused("its host hands out the machine's own credentials", "A health check never lies there.")


def _numeric(host: str) -> bool:
    """Say whether the last label is a number, so that some resolver may take the host for an address (WHATWG URL)."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


def _on_loopback(parts: SplitResult) -> bool:
    host = (parts.hostname or "").rstrip(".").lower()
    address = parse_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _inside(port: int, ports: tuple[Port, ...]) -> int:
    return next((one.container for one in ports if one.random and one.protocol == "tcp" and one.host == port), 0)


def _unpublished(port: int, ports: tuple[Port, ...]) -> int:
    return 0 if any(one.host == port for one in ports) else port


def _refused(reason: str, mend: str = "Give the address of the service's health check.") -> VerifyUrlRefused:
    return VerifyUrlRefused(f"This verify URL is not used: {reason}.", mend=mend)
