"""How often the tests of chance do what they do: enough to see a fault in CI, or as often as ``make torture`` wants."""

from __future__ import annotations

import os

LONG = os.environ.get("TORTURE") == "long"


def often(usual: int, long: int) -> int:
    """Return ``usual``, or ``long`` where the long form is asked for."""
    return long if LONG else usual
