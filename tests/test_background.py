"""What was left undone is tried again and again."""

from __future__ import annotations

import asyncio

import pytest

from bot import background
from bot.errors import StoreUnavailable


async def test_what_is_left_undone_is_tried_again_also_after_the_database_was_away() -> None:
    tries = list[int]()

    async def catch_up() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise StoreUnavailable("away")
        if len(tries) == 3:
            raise asyncio.CancelledError

    async def sleep(_: float) -> None:
        return

    with pytest.raises(asyncio.CancelledError):
        await background.run_periodically(catch_up, sleep)
    assert len(tries) == 3
