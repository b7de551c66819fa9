"""A stage for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import without_proxies
from tests.support.hostile_workspace import Stage


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    without_proxies(monkeypatch)
    async with Workspace() as slack:
        yield Stage(slack, tmp_path, monkeypatch)
