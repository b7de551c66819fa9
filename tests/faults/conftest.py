"""A stage for each test: the bot here, its engine, model and clock in memory."""

from __future__ import annotations

from tests.security.conftest import stage

__all__ = ["stage"]
