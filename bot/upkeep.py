"""What is due is done each minute: what Slack or the runbook did not take before, and cards whose time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.errors import SlackError, StoreError

EVERY = 60.0
"""Seconds between two tries."""

SOON = 5.0
"""Seconds between two tries to put on disk what Slack said."""

READ_BACK = 300.0
"""Seconds between two looks at the alert channels: Slack gives an event to one socket, and gives up after four."""


async def run_periodically(
    catch_up: Callable[[], Awaitable[None]], sleep: Callable[[float], Awaitable[None]], every: float = EVERY
) -> None:
    """Try what is left undone again and again, ``every`` so many seconds; ends only when it is cancelled."""
    while True:
        await sleep(every)
        try:
            await catch_up()
        except (StoreError, SlackError) as error:
            log.warning("left undone, it is tried again: %s", error.sentence)
