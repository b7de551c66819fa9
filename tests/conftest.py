"""Fixtures of every test, the order of files, and hypothesis without deadlines (``ci`` repeats itself)."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests.playground.conftest import workspace

__all__ = ["workspace"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with most slow and live tests first: a long file that starts last keeps one worker alone."""
    long = Counter(item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("live"))
    items.sort(key=lambda item: -min(long[item.path], 1))


settings.register_profile("default", deadline=None)
# On a busy machine generating may be slow without anything being wrong.
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "torture",
    deadline=None,
    max_examples=2000,
    stateful_step_count=60,
    print_blob=True,
    suppress_health_check=[*HealthCheck],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
