"""A clock that stands still until it is moved."""

from __future__ import annotations

import asyncio

from bot.playground.slack.state.clock import ManualClock, Pace, within


async def test_sleepers_wake_in_their_order_and_not_before_their_time() -> None:
    clock = ManualClock(start=100.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleeper("late", 60)), asyncio.create_task(sleeper("early", 3))]
    await clock.advance(2)
    assert woken == []
    await clock.advance(58)
    assert woken == [("early", 103.0), ("late", 160.0)]
    await asyncio.gather(*tasks)


async def test_answer_in_time_is_returned_and_a_late_one_is_not() -> None:
    clock = ManualClock()
    answer = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(within(clock, 3, answer))
    await clock.advance(2)
    answer.set_result("here")
    assert await waiting == "here"
    waiting = asyncio.create_task(within(clock, 3, asyncio.get_running_loop().create_future()))
    await clock.advance(3)
    assert await waiting is None


def test_scaled_pace_keeps_what_people_need_to_answer() -> None:
    pace = Pace().scaled(0.01)
    assert pace.acknowledge == 0.03
    assert pace.retries == (0.0, 0.6, 3.0)
    assert (pace.trigger, pace.response_url) == (3.0, 1800.0)
