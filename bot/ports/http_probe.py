"""The verify URL over HTTP."""

from __future__ import annotations

from typing import Protocol

from bot.domain.verification import Probe


class Prober(Protocol):
    """The verify URL over HTTP."""

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        """Send a request, bounded in time and bytes. A bad answer is a ``Probe``. Raise only ``VerifyUrlRefused``.

        ``only`` are the IP addresses that may be connected to. Empty means any but a cloud's metadata service.
        """
