from __future__ import annotations

from datetime import timedelta

import pytest

from bot.runtime import MonotonicClock
from tests.support.fakes import START


class Machine:
    """Two clocks: what the machine says, and the seconds that have passed."""

    def __init__(self) -> None:
        self.wall = START
        self.passed = 100.0

    def let(self, seconds: float, *, jump: float = 0.0) -> None:
        self.passed += seconds
        self.wall += timedelta(seconds=seconds + jump)

    def clock(self) -> MonotonicClock:
        return MonotonicClock(lambda: self.wall, lambda: self.passed)


@pytest.mark.fault(28)
def test_28_time_goes_on_while_the_machines_clock_is_put_back():
    machine = Machine()
    clock = machine.clock()
    machine.let(10)
    assert clock() == START + timedelta(seconds=10)
    machine.let(5, jump=-7200)
    assert clock() == START + timedelta(seconds=15)
    machine.let(3600)
    assert clock() == START + timedelta(seconds=3615)


def test_28_a_clock_that_jumps_forward_is_followed():
    machine = Machine()
    clock = machine.clock()
    machine.let(1, jump=600)
    assert clock() == START + timedelta(seconds=601)
