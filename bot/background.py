"""Heartbeat and periodic work, and takeover from dead processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.errors import SlackError, StoreError
from bot.ports.database import Store, UnfinishedWork

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
"""Seconds between two signs of life: with the store's lease of 15, what a process left goes on within 20 seconds."""


async def keep_lease(
    store: Store, resume: Callable[[UnfinishedWork], object], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Show again and again that this process is alive, and hand what dead ones left to ``resume``; until cancelled.

    Where the database was away, work of our own may have ended with it: it is given back and taken over anew.
    """
    away = False
    while True:
        await sleep(HEARTBEAT_S)
        try:
            if away:
                await store.release()
            left = await store.take_over()
        except StoreError as error:
            away = True
            log.warning("no sign of life given: %s", error.sentence)
            continue
        away = False
        if left:
            resume(left)


async def release_lease(keeping: asyncio.Task[None], store: Store) -> None:
    """Stop showing that this process is alive, so that others go on at once with what it leaves."""
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    try:
        await store.release()
    except StoreError as error:
        log.warning("the lease runs out by itself: %s", error.sentence)


CATCH_UP_INTERVAL_S = 60.0
"""Seconds between two tries."""


STORE_RETRY_S = 5.0
"""Seconds between two tries to put on disk what Slack said."""


BACKFILL_INTERVAL_S = 300.0
"""Seconds between two looks at the alert channels: Slack gives an event to one socket, and gives up after four."""


async def run_periodically(
    catch_up: Callable[[], Awaitable[None]],
    sleep: Callable[[float], Awaitable[None]],
    every: float = CATCH_UP_INTERVAL_S,
) -> None:
    """Try what is left undone again and again, ``every`` so many seconds; ends only when it is cancelled."""
    while True:
        await sleep(every)
        try:
            await catch_up()
        except (StoreError, SlackError) as error:
            log.warning("left undone, it is tried again: %s", error.sentence)
