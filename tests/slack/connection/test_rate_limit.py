"""Who goes next where Slack asks to slow down, and where too much is under way."""

from __future__ import annotations

import asyncio

import pytest

from bot.slack.connection.rate_limit import EDIT, POST, PROGRESS, REFUSAL, PriorityLimiter

KEY = ("chat_postMessage", "C0ALERTS")
OTHER = ("chat_postMessage", "C0OPS")


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def wait_until_all_wait(tasks: list[asyncio.Task[None]]) -> None:
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_where_too_much_is_under_way_refusals_pass_posts_and_posts_pass_edits_and_edits_pass_progress() -> None:
    turns, order, hold = PriorityLimiter(at_once=1), [], asyncio.Event()

    async def first() -> None:
        async with turns.turn(("views_open", ""), POST, soon()):
            await hold.wait()

    async def call(urgency: int, number: int) -> None:
        async with turns.turn(("m", str(number)), urgency, soon()):
            order.append((urgency, number))

    tasks = [asyncio.create_task(first())]
    await asyncio.sleep(0)
    calls = [(PROGRESS, 1), (EDIT, 2), (POST, 3), (EDIT, 4), (REFUSAL, 5), (POST, 6)]
    tasks += [asyncio.create_task(call(*one)) for one in calls]
    await wait_until_all_wait(tasks)
    hold.set()
    await asyncio.gather(*tasks)
    assert order == [(REFUSAL, 5), (POST, 3), (POST, 6), (EDIT, 2), (EDIT, 4), (PROGRESS, 1)]


async def test_a_closed_line_lets_one_call_try_at_a_time_and_the_urgent_one_first() -> None:
    turns, order, under_way = PriorityLimiter(), [], 0
    turns.close(KEY, 0.05)

    async def call(urgency: int, number: int) -> None:
        nonlocal under_way
        async with turns.turn(KEY, urgency, soon()):
            under_way += 1
            assert under_way == 1
            order.append(number)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(call(POST, 1), call(EDIT, 2), call(POST, 3), call(REFUSAL, 4))
    assert order == [1, 4, 3, 2]


@pytest.mark.fault(31)
async def test_other_channels_go_on_while_one_is_closed() -> None:
    turns = PriorityLimiter()
    turns.close(KEY, 60)
    async with asyncio.timeout(1), turns.turn(OTHER, POST, soon()):
        pass


async def test_who_cannot_wait_hears_at_once_that_it_is_too_long() -> None:
    turns = PriorityLimiter()
    turns.close(KEY, 60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), turns.turn(KEY, PROGRESS, soon(0)):
            pass


async def test_a_call_that_is_stopped_while_it_waits_blocks_nobody() -> None:
    turns = PriorityLimiter(at_once=1)
    turns.close(KEY, 0.05)

    async def call() -> None:
        async with turns.turn(KEY, POST, soon()):
            await asyncio.sleep(0)

    stopped = [asyncio.create_task(call()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in stopped[:2]:
        task.cancel()
    await asyncio.gather(*stopped, return_exceptions=True)
    async with asyncio.timeout(1):
        await asyncio.gather(*(call() for _ in range(3)))


async def test_calls_go_side_by_side_again_once_slack_took_one() -> None:
    turns, most, under_way = PriorityLimiter(), 0, 0
    turns.close(KEY, 0.01)

    async def call() -> None:
        nonlocal most, under_way
        async with turns.turn(KEY, POST, soon()):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await call()
    await asyncio.gather(*(call() for _ in range(4)))
    assert most == 4
