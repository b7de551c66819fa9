"""Each folder of tests stands for a package of the bot, or for one of the few other things that are tested."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
BOT = TESTS.parent / "bot"
OTHER = {"support", "security", "faults", "live", "evals", "corpus", "data"}
"""Folders that stand for no package: what tests share, and what is tested across packages."""
HELPERS = {"domain/hard_logs"}
FROM_OUTSIDE = {"http/test_flood.py", "incidents/test_debug_log.py", "playground/test_page_mrkdwn.py"}
"""Use their package as a client or a browser does, and import only what they compare it with."""
FOLDERS = sorted(
    path.relative_to(TESTS).as_posix()
    for path in TESTS.rglob("*")
    if path.is_dir() and any(path.glob("*.py")) and path.relative_to(TESTS).parts[0] not in OTHER
)
MODULES = sorted(
    path.relative_to(TESTS).as_posix() for folder in FOLDERS for path in (TESTS / folder).glob("test_*.py")
)


def test_every_folder_at_the_top_is_known():
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/*.py")}
    assert {name for name in folders - OTHER if not (BOT / name).is_dir()} == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_tests_mirrors_a_package(folder):
    assert (BOT / folder).is_dir() or folder in HELPERS


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("bot.")}


@pytest.mark.parametrize("module", MODULES)
def test_a_test_module_stands_beside_what_it_tests(module):
    """It has the name of a module there, or imports something of that package, or nothing of the bot at all."""
    path = Path(module)
    package = "bot." + ".".join(path.parent.parts)
    imported = _imported(TESTS / path)
    beside = (BOT / path.parent / path.name.removeprefix("test_")).exists()
    own = any(name == package or name.startswith(f"{package}.") for name in imported)
    assert beside or own or not imported or module in FROM_OUTSIDE
