"""A real browser for tests of the page: where there is none they are skipped, or fail if they are required."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path(os.environ.get("AEGIS_TEST_CHROMIUM", "/usr/bin/chromium"))


def chromium_or_skip() -> Iterator[Browser]:
    """Give a browser, or say why there is none."""
    if not CHROMIUM.exists():
        reason = f"there is no Chromium at {CHROMIUM}; AEGIS_TEST_CHROMIUM says where it is"
        if os.environ.get("AEGIS_TEST_LIVE") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
