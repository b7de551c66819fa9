"""Probes a verify URL: one GET, bounded in time and bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from bot.domain.addresses.verify_url import check_url, is_among, refused_address
from bot.domain.verification import Probe
from bot.errors import VerifyUrlRefused

MOST_READ_BYTES = 64 * 1024
"""Bytes read of an answer; its status is what counts."""

# OpenSSL's X509_V_ERR_… numbers (openssl-verification-options(1)) that a person can do something about.
_CERTIFICATE = {
    9: "TLS certificate not valid yet",
    10: "TLS certificate expired",
    18: "TLS certificate self-signed",
    19: "TLS certificate from an unknown authority",
    20: "TLS certificate from an unknown authority",
    62: "TLS certificate for another name",
    64: "TLS certificate for another address",
}


class HttpProber:
    """Implements ``Prober``. Follows no redirect, and keeps no connection and no cookie between two probes.

    The environment changes nothing: no proxy, since a probe asks the service itself, and no password of ``.netrc``.

    ``timeout`` in seconds is for the whole probe, from the name's look-up to the last byte.
    """

    def __init__(self, *, timeout: float = 3.0) -> None:
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            # A kept connection would lead to the process from before the restart.
            limits=httpx.Limits(max_keepalive_connections=0),
            # What one service sets would else be sent to every other of its name, on whatever port.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": "aegis-probe", "Accept-Encoding": "identity"},
        )

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        """Ask once. Raises ``VerifyUrlRefused`` only, also where the host's name leads to a refused address."""
        check_url(url)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                good, description = await self._ask(url, only)
        except (TimeoutError, httpx.TimeoutException):
            good, description = False, f"no answer in {self._timeout:g} s"
        except httpx.InvalidURL as error:
            raise VerifyUrlRefused("This verify URL is not used: it cannot be read.") from error
        except (httpx.HTTPError, OSError) as error:
            good, description = False, _why(error)
        return Probe(good, description, round(time.monotonic() - begun, 3))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def _ask(self, url: str, only: frozenset[str]) -> tuple[bool, str]:
        async with self._client.stream("GET", url, extensions={"trace": partial(_check_peer, only)}) as answer:
            if answer.has_redirect_location:
                return False, f"{answer.status_code}, redirects to another address"
            if not answer.is_success:
                return False, str(answer.status_code)
            size = 0
            async for block in answer.aiter_raw():
                size += len(block)
                if size >= MOST_READ_BYTES:
                    break
            return True, str(answer.status_code)


async def _check_peer(only: frozenset[str], event: str, info: Mapping[str, Any]) -> None:
    """Look where a new connection really leads, before anything is sent: a name may lead elsewhere than it did."""
    if event != "connection.connect_tcp.complete":
        return
    stream = info["return_value"]
    peer = stream.get_extra_info("server_addr")
    if not peer or refused_address(str(peer[0])):
        await stream.aclose()
        raise VerifyUrlRefused(
            "This verify URL is not used: its host leads to an address that hands out the machine's own credentials.",
            hint="Look at the host's entry in DNS; a health check never lies there.",
        )
    if only and not is_among(str(peer[0]), only):
        await stream.aclose()
        raise VerifyUrlRefused(
            "This verify URL is not used: its host leads elsewhere than to the container.",
            hint="Name the address in AEGIS_VERIFY_URLS; a label may lead to its own container only.",
        )


def _why(error: BaseException) -> str:
    """Describe in a few words why there was no answer."""
    links = tuple(_chain(error))
    for link in links:
        if isinstance(link, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(link.verify_code, "TLS certificate not trusted")
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (ssl.SSLError, "TLS error"),
        (socket.gaierror, "host name not found"),
        (ConnectionRefusedError, "connection refused"),
        (httpx.ReadError, "connection broken off"),
        (httpx.WriteError, "connection broken off"),
        (httpx.RemoteProtocolError, "no proper HTTP answer"),
        (httpx.ConnectError, "no connection"),
    )
    return next((words for kind, words in kinds if any(isinstance(link, kind) for link in links)), "no answer")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it was made from."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions
