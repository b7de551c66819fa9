"""The process that reads long texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class TextCalls(Protocol):
    """Calls functions over outside text so that no long text holds the event loop."""

    async def call(self, function: Callable[..., T], *args: object, length: int) -> T:
        """Return ``function(*args)`` over ``length`` characters; raise ``TextOverrun`` if that takes too long."""
