"""What every test may use: the local workspace; hypothesis without deadlines (``ci`` repeats itself)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.playground.conftest import workspace

__all__ = ["workspace"]

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
