"""Mounts for tests; where nothing can be mounted, the test is skipped with the reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def mount(*words: object) -> None:
    done = subprocess.run(["mount", *map(str, words)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def unmount(point: Path) -> None:
    subprocess.run(["umount", "-l", point], check=True)
