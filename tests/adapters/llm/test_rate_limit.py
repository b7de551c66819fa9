"""The model's ration: how many at once, how many a minute, and what is said past it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.adapters.llm.rate_limit import RateLimitedDiagnoser
from bot.domain.llm.prompt import Prompt
from bot.errors import ModelUnavailable
from bot.ports.model import ModelReply
from tests.support.fakes import Clock, FakeDiagnoser


class Slow(FakeDiagnoser):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.under_way = 0
        self.most = 0

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.go.wait()
        self.under_way -= 1
        return await super().ask(prompts)


@pytest.mark.fault(66)
async def test_past_the_budget_of_a_minute_the_model_is_skipped() -> None:
    clock, model = Clock(), FakeDiagnoser()
    ration = RateLimitedDiagnoser(model, clock.now, a_minute=3)
    for _ in range(3):
        await ration.ask(())
    with pytest.raises(ModelUnavailable, match="asked 3 times within a minute"):
        await ration.ask(())
    assert len(model.asked) == 3
    clock.at += timedelta(minutes=1)
    await ration.ask(())
    assert len(model.asked) == 4


async def test_a_clock_that_jumps_back_does_not_lock_the_model_out() -> None:
    clock, model = Clock(), FakeDiagnoser()
    ration = RateLimitedDiagnoser(model, clock.now, a_minute=1)
    await ration.ask(())
    clock.at -= timedelta(hours=3)
    await ration.ask(())
    assert len(model.asked) == 2


async def test_four_ask_at_once_and_the_others_wait_their_turn() -> None:
    model = Slow()
    ration = RateLimitedDiagnoser(model, Clock().now)
    asking = [asyncio.create_task(ration.ask(())) for _ in range(9)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert model.under_way == 4
    model.go.set()
    await asyncio.gather(*asking)
    assert (model.most, len(model.asked)) == (4, 9)


async def test_who_waits_too_long_for_a_turn_gets_the_rules() -> None:
    model = Slow()
    ration = RateLimitedDiagnoser(model, Clock().now, at_once=1, patience=0.01)
    first = asyncio.create_task(ration.ask(()))
    await asyncio.sleep(0)
    with pytest.raises(ModelUnavailable, match="busy with other incidents"):
        await ration.ask(())
    model.go.set()
    await first


async def test_the_last_trouble_is_kept_until_the_model_answers_again() -> None:
    model = FakeDiagnoser(error=ModelUnavailable("It is down."))
    ration = RateLimitedDiagnoser(model, Clock().now)
    with pytest.raises(ModelUnavailable):
        await ration.ask(())
    assert ration.trouble == "It is down."
    model.error = None
    await ration.ask(())
    assert ration.trouble == ""
