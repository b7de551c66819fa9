"""The wheel that the image is made of: all of Aegis, and nothing of the playground."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

IMPORT_ALL = """
import importlib, pkgutil, bot
names = sorted(module.name for module in pkgutil.walk_packages(bot.__path__, "bot.") if "__main__" not in module.name)
for name in names:
    importlib.import_module(name)
print(bot.__file__, *names)
"""


def copied(dockerfile: str) -> list[str]:
    """Return what the Dockerfile's build stage copies from the checkout."""
    stage = dockerfile.split("\nFROM ")[1]
    return [name for line in re.findall(r"^COPY (.*) \S+$", stage, re.MULTILINE) for name in line.split()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the Dockerfile's files by the Dockerfile's command."""
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in copied(dockerfile):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    command = re.search(r"\bpip (wheel .*) -w \S+ \.", dockerfile)
    assert command is not None
    subprocess.run([sys.executable, "-m", "pip", *command[1].split(), "-q", "-w", folder, "."], cwd=source, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed), "XDG_STATE_HOME": str(installed)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_wheel_holds_all_but_the_playground(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("bot/")}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bot").rglob("*") if path.is_file()}
    assert packed == {name for name in there if "__pycache__" not in name and not name.startswith("bot/playground/")}


def test_nothing_in_the_wheel_needs_the_playground(installed: Path) -> None:
    done = run(installed, "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{installed}{os.sep}")
    assert "bot.playground" not in done.stdout


def test_the_demo_command_says_where_the_demo_runs(installed: Path) -> None:
    done = run(installed, "-m", "bot", "demo", "--no-browser")
    assert done.returncode == 1
    assert "checkout" in done.stderr
    assert "make demo" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_error_inside_the_playground_is_not_taken_for_its_absence(installed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "installed"
    shutil.copytree(installed, broken)
    (broken / "bot" / "playground").mkdir()
    (broken / "bot" / "playground" / "__init__.py").touch()
    (broken / "bot" / "playground" / "demo.py").write_text("import no_such_module_at_all\n")
    done = run(broken, "-m", "bot", "demo", "--no-browser")
    assert done.returncode == 1
    assert "no_such_module_at_all" in done.stderr
    assert "make demo" not in done.stderr
