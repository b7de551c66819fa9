import asyncio
import logging

import pytest

from bot.errors import StoreUnavailable
from bot.slack.connection.tasks import BackgroundTasks


async def test_a_failure_is_logged_with_what_it_was_about(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise StoreUnavailable("The database is away.", hint="Bring it back.")

    work = BackgroundTasks()
    with caplog.at_level(logging.WARNING):
        work.start(fail(), "restart of i1")
        await work.wait_until_idle()
    assert "restart of i1: The database is away. Bring it back." in caplog.text
    assert len(work) == 0


async def test_a_bug_is_logged_with_its_traceback_and_takes_nothing_else_down(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()

    async def fail() -> None:
        raise KeyError("bug")

    async def go_on() -> None:
        await asyncio.sleep(0)
        done.set()

    work = BackgroundTasks()
    work.start(fail(), "a")
    work.start(go_on(), "b")
    await work.wait_until_idle()
    assert done.is_set()
    assert "KeyError" in caplog.text


async def test_closing_waits_for_what_is_under_way_and_for_what_that_starts() -> None:
    work = BackgroundTasks()
    told: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0)
        told.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        work.start(second(), "second")

    work.start(first(), "first")
    assert await work.close(5) == 0
    assert told == ["second"]


async def test_closing_stops_what_takes_too_long_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    work = BackgroundTasks()
    task = work.start(asyncio.Event().wait(), "restart of i1")
    assert await work.close(0.01) == 1
    assert task.cancelled()
    assert "restart of i1" in caplog.text
