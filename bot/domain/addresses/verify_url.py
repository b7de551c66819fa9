"""Reads and checks verify URLs, and finds their port after a restart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

from bot.domain.addresses.metadata import IPAddress, is_metadata_address, is_metadata_name, parse_address
from bot.domain.evidence import Facts, Port
from bot.errors import VerifyUrlRefused

LABEL = "aegis.verify-url"
LONGEST_URL_CHARS = 2_000
NOT_ITS_OWN = (
    f"The label {LABEL} leads elsewhere than to the container's own address, name or published port; "
    "only AEGIS_VERIFY_URLS may name such an address."
)
NOT_KNOWN = f"Whether the label {LABEL} leads to the container itself is known only while it runs."
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?")
_ENTRY = re.compile(r",(?=\s*[a-zA-Z0-9][\w.-]*\s*=\s*[a-zA-Z][a-zA-Z0-9+.-]*:)", re.ASCII)
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def check_url(url: str) -> None:
    """Raise ``VerifyUrlRefused`` with the reason where Aegis will not ask ``url``; it names no part of the URL."""
    if not isinstance(url, str) or not url:
        raise _refused("there is none")
    if len(url) > LONGEST_URL_CHARS:
        raise _refused(f"it is longer than {LONGEST_URL_CHARS:,} characters")
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
                wrong.append(f"{name}: {error.message}")
    if wrong:
        raise VerifyUrlRefused("; ".join(wrong), hint="Write name=url, with commas between.")
    return urls


def refused_address(address: str) -> bool:
    """Return True if ``address`` (an IP address in any writing) hands out a cloud's credentials, or cannot be read."""
    found = parse_address(address.partition("%")[0])
    return found is None or is_metadata_address(found)


@dataclass(frozen=True, slots=True)
class VerifyAddress:
    """Where recovery is proved: ``url``, unless there is a reason why the container's label is ``ignored``.

    ``only`` are the addresses to which the connection may lead, where a name was found in a label; empty: any.
    """

    url: str = ""
    ignored: str = ""
    only: frozenset[str] = frozenset()

    @property
    def shown(self) -> str:
        """Return the address for people, without what may be secret in it: the query."""
        return urlsplit(self.url)._replace(query="", fragment="").geturl() if self.url else ""


def verify_address(setting: str, facts: Facts, before: Facts | None = None) -> VerifyAddress:
    """Return where the recovery of a container is proved: the operator's ``setting``, else the container's label.

    Whoever starts a container writes its labels. So a label counts only if it leads to the container itself.
    """
    if setting:
        return VerifyAddress(resolve_url(setting, before, facts))
    label = facts.label(LABEL).strip()
    if not label:
        return VerifyAddress()
    try:
        check_url(label)
    except VerifyUrlRefused as error:
        return VerifyAddress(ignored=error.message)
    url = resolve_url(label, before, facts)
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    address = parse_address(host)
    if address is not None and address in _parsed(facts.addresses):
        return VerifyAddress(url)
    if address is None and host in {name.lower() for name in (facts.name, *facts.aliases)} and facts.addresses:
        return VerifyAddress(url, only=frozenset(facts.addresses))
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    if any(one.protocol == "tcp" and one.host == port and _at_host(one, host, facts) for one in facts.ports):
        return VerifyAddress(url)
    return VerifyAddress(url, ignored=NOT_ITS_OWN if facts.running else NOT_KNOWN)


def _at_host(port: Port, host: str, facts: Facts) -> bool:
    """Return True if a published port is reached under ``host``, a name or an address of the engine's machine."""
    published, address = parse_address(port.host_ip) if port.host_ip else None, parse_address(host)
    everywhere = published is None or published.is_unspecified
    if address is not None:
        return address == published or (address.is_loopback and everywhere)
    if host == "localhost":
        return everywhere or (published is not None and published.is_loopback)
    return everywhere and host == facts.host.lower() != ""


def _parsed(addresses: tuple[str, ...]) -> set[IPAddress | None]:
    return {parse_address(one) for one in addresses} - {None}


def is_among(address: str, allowed: frozenset[str]) -> bool:
    """Return True if an IP address, in whatever notation, is one of those allowed."""
    return _plain(address) in {_plain(one) for one in allowed} - {None}


def _plain(address: str) -> IPAddress | None:
    parsed = parse_address(address.partition("%")[0])
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


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
    """Return True if the last label is a number, so that a resolver may take the host for an address (WHATWG URL)."""
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


def _refused(reason: str, hint: str = "Give the address of the service's health check.") -> VerifyUrlRefused:
    return VerifyUrlRefused(f"This verify URL is not used: {reason}.", hint=hint)
