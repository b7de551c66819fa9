"""The bot as a process: it can be started, killed and ended, and ends when its holder does."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bot.playground.lab import bot_process
from bot.playground.lab.bot_process import BotProcess

LEASH = [sys.executable, "-m", "bot.playground.lab.child_process"]
WAITING = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_the_command_s_exit_code_is_the_leash_s() -> None:
    with subprocess.Popen([*LEASH, sys.executable, "-c", "raise SystemExit(7)"], stdin=subprocess.PIPE) as leash:
        assert leash.wait(10) == 7


def test_a_command_ends_when_its_holder_is_killed() -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"subprocess.Popen({[*LEASH, *WAITING]!r}, stdin=subprocess.PIPE)\n"
            "time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"up\n"
    family = psutil.Process(holder.pid).children(recursive=True)
    assert len(family) == 2
    holder.kill()
    assert psutil.wait_procs(family, timeout=10)[1] == []
    holder.wait()
    holder.stdout.close()


async def test_it_is_stopped_starting_connected_and_stopped_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = False
    bot = BotProcess(dict(os.environ), tmp_path, tmp_path / "bot.log", lambda: connected)
    monkeypatch.setattr(bot_process, "COMMAND", WAITING)
    assert bot.status == "stopped"
    await bot.start()
    assert bot.status == "starting"
    connected = True
    assert bot.status == "connected"
    await bot.stop()
    assert bot.status == "stopped"
    await bot.start()
    await bot.kill()
    assert bot.status == "stopped"
    assert await bot.ended() == -signal.SIGKILL


async def test_two_starts_at_once_make_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = BotProcess(dict(os.environ), tmp_path, tmp_path / "bot.log", lambda: True)
    monkeypatch.setattr(bot_process, "COMMAND", WAITING)
    before = len(psutil.Process().children())
    await asyncio.gather(bot.start(), bot.start())
    assert len(psutil.Process().children()) == before + 1
    await bot.stop()
