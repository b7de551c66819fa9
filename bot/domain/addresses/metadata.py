"""Addresses and names of cloud metadata services.

They give a machine's credentials to anything that runs on it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address

_NETWORKS = tuple(
    ip_network(net)
    for net in (
        # Link-local: AWS, GCP, Azure, OpenStack, DigitalOcean, Hetzner, Tencent, Rancher and most others.
        *("169.254.0.0/16", "fe80::/10"),
        # AWS, GCP, Oracle, Akamai and Scaleway over IPv6.
        *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:a9fe:a9fe::/64", "fd00:42::42/128"),
        # Alibaba, Volcengine, Oracle, and Azure's WireServer.
        *("100.100.100.200/32", "100.96.0.96/32", "192.0.0.192/32", "168.63.129.16/32"),
        # NAT64 of a network's own (RFC 8215): each network chooses where the IPv4 address lies in it.
        "64:ff9b:1::/48",
    )
)
_NAMES = re.compile(
    r"(?i)metadata|metadata\.google\.internal|metadata\.goog|instance-data(\.ec2\.internal|\.[a-z0-9-]+\.compute\.internal)?"
    r"|metadata\.azure\.(com|internal)|metadata\.tencentyun\.com|rancher-metadata(\.rancher\.internal)?"
    r"|metadata\.packet\.net|metadata\.platformequinix\.com|api\.metadata\.cloud\.ibm\.com"
)
_IPV4_AT_THE_END = tuple(
    # IPv4-compatible (RFC 4291), IPv4-mapped (RFC 4291), IPv4-translated (RFC 2765), NAT64 (RFC 6052)
    ip_network(net)
    for net in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an ISATAP address (RFC 5214), behind which the IPv4 address stands."""


def is_metadata_name(host: str) -> bool:
    """Return True if ``host`` is a name under which a cloud's metadata service answers."""
    return _NAMES.fullmatch(host.rstrip(".")) is not None


def is_metadata_address(address: IPAddress) -> bool:
    """Return True if a metadata service answers at ``address``, or at an IPv4 address that is embedded in it."""
    return any(one in net for one in (address, *_embedded(address)) for net in _NETWORKS if one.version == net.version)


def parse_address(host: str) -> IPAddress | None:
    """Return the IP address that ``host`` is in any notation of a resolver: also decimal, octal, hexadecimal, short."""
    plain = host.rstrip(".")
    try:
        return ip_address(plain)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(plain))
    except (OSError, ValueError):
        return None


def _embedded(address: IPAddress) -> Iterator[IPv4Address]:
    if isinstance(address, IPv4Address):
        return
    if any(address in net for net in _IPV4_AT_THE_END) or int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    yield from address.teredo or ()
