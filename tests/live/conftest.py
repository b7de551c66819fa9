"""A private Docker Engine for all live tests of a run, and an empty one for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.docker_engine import Engine, engine_or_skip


@pytest.fixture(scope="session")
def running_engine() -> Iterator[Engine]:
    yield from engine_or_skip()


@pytest.fixture
def engine(running_engine: Engine) -> Iterator[Engine]:
    """The engine without containers; it is cleared again after the test."""
    running_engine.clear()
    yield running_engine
    running_engine.clear()
