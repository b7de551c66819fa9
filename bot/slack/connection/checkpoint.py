"""Stores the time of the last contact with Slack, for backfill."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Protocol

from bot.errors import StoreError
from bot.ports.database import Store

log = logging.getLogger(__name__)

CHECKPOINT_INTERVAL_S = 20.0
"""Seconds between two notes: what a kill can make the next start read twice, which is harmless."""


class Listening(Protocol):
    """The connection to Slack: whether it stands, and until when it was seen to."""

    @property
    def connected(self) -> bool:
        """Return True if Slack can reach Aegis now."""

    @property
    def last_contact(self) -> datetime:
        """Return when the connection was last seen to stand."""


@asynccontextmanager
async def checkpoints(connection: Listening, store: Store) -> AsyncIterator[None]:
    """Note again and again until when Slack was heard, while inside the block."""
    ended = asyncio.Event()

    async def keep() -> None:
        while not ended.is_set():
            if connection.connected:
                await _note(connection, store)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), CHECKPOINT_INTERVAL_S)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        ended.set()
        await keeping


async def _note(connection: Listening, store: Store) -> None:
    """Note until when Slack was heard; a store that is away makes the next start read back more, nothing worse."""
    try:
        await store.save_last_contact(connection.last_contact)
    except StoreError as error:
        log.warning("not noted until when Slack was heard: %s", error.sentence)
