"""``aegis demo`` as a command: one sentence for whatever goes wrong, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


class Demo:
    """A demo in a process of its own; everything that it starts carries ``mark`` in its environment."""

    def __init__(self, folder: Path, *options: str, cwd: Path | None = None, **settings: str) -> None:
        self.mark = f"AEGIS_DEMO_TEST={folder.name}"
        ours = ("AEGIS_", "SLACK_", "GEMINI_", "DOCKER_", "SSH_", "DISPLAY", "WAYLAND_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--no-browser", "--engine", "process", *options],
            cwd=cwd or folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def url(self) -> str:
        """Wait until the page is there; return its address."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"The demo is at (http://\S+)", line):
                return found.group(1)
        raise AssertionError(self.said)

    def family(self) -> list[psutil.Process]:
        """Return every process that belongs to it."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def end(self, sign: int = signal.SIGINT) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.process.send_signal(sign)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(40)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return code


@contextmanager
def demo(folder: Path, *options: str, cwd: Path | None = None, **settings: str) -> Iterator[Demo]:
    running = Demo(folder, *options, cwd=cwd, **settings)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        if running.process.stdout is not None:
            running.process.stdout.close()


def test_it_serves_its_page_and_ctrl_c_leaves_nothing_running(tmp_path):
    with demo(tmp_path, "--port", "0") as running:
        assert "Aegis" in httpx.get(running.url()).text
        family = running.family()
        # The stage, the leash with the bot, and three services with what watches over them.
        assert len(family) >= 6
        assert running.end() == 0
    assert psutil.wait_procs(family, timeout=15)[1] == []
    assert "Traceback" not in running.said
    assert (tmp_path / "aegis-demo" / "aegis.db").exists()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_any_usual_signal_ends_it_cleanly(tmp_path, sign):
    with demo(tmp_path, "--port", "0") as running:
        running.url()
        family = running.family()
        assert running.end(sign) == 0
    assert psutil.wait_procs(family, timeout=15)[1] == []


def test_it_ends_also_when_the_terminal_was_closed(tmp_path):
    with demo(tmp_path, "--port", "0") as running:
        running.url()
        family = running.family()
        assert running.process.stdout is not None
        running.process.stdout.close()
        running.process.send_signal(signal.SIGHUP)
        running.process.wait(40)
    assert psutil.wait_procs(family, timeout=15)[1] == []


def test_killed_it_leaves_nothing_running_and_the_next_start_works(tmp_path):
    with demo(tmp_path, "--port", "0") as running:
        running.url()
        family = running.family()
        running.process.kill()
        running.process.wait()
    assert psutil.wait_procs(family, timeout=20)[1] == []
    with demo(tmp_path, "--port", "0") as again:
        again.url()
        assert again.end() == 0


@pytest.mark.parametrize("there", ["demo.lock", "engine", "bot.log"])
def test_interrupted_while_it_starts_it_ends_cleanly(tmp_path, there):
    with demo(tmp_path, "--port", "0", DOCKER_HOST="unix:///nowhere.sock") as running:
        while not (tmp_path / "aegis-demo" / there).exists():
            assert running.process.poll() is None
        family = running.family()
        assert running.end() == 0
    assert psutil.wait_procs(family, timeout=20)[1] == []
    assert "Traceback" not in running.said


def test_a_second_demo_is_told_where_the_first_one_is(tmp_path):
    with demo(tmp_path, "--port", "0") as first:
        url = first.url()
        with demo(tmp_path, "--port", "0") as second:
            assert second.ended() == 1
        assert f"The demo is running already at {url}." in " ".join(second.said.split())
        assert first.end() == 0


def test_a_taken_port_that_was_asked_for_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo(tmp_path, "--port", str(port)) as running:
            assert running.ended() == 1
    said = " ".join(running.said.split())
    assert f"Port {port} cannot be used" in said
    assert "--port" in said


def test_a_broken_env_file_is_no_hindrance_and_is_told_once(tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN='never closed\nAEGIS_NONSENSE=1\n")
    with demo(tmp_path, "--port", "0") as running:
        running.url()
        assert running.end() == 0
    assert running.said.count(".env has invalid syntax: line 1") == 1
    assert "never closed" not in running.said


def test_settings_of_another_aegis_do_not_reach_the_demo(tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-real\nAEGIS_RESTART_ALLOWLIST=prod-db\n")
    with demo(
        tmp_path, "--port", "0", AEGIS_APPROVERS="no one!", SLACK_APP_TOKEN="xapp-real", AEGIS_ODD="1"
    ) as running:
        running.url()
        assert running.end() == 0
    assert "xoxb-real" not in (tmp_path / "aegis-demo" / "bot.log").read_text()


def test_over_ssh_the_way_to_the_page_is_told(tmp_path):
    with demo(tmp_path, "--port", "0", SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22") as running:
        port = running.url().rpartition(":")[2]
        assert running.end() == 0
    assert f"ssh -L {port}:127.0.0.1:{port}" in running.said


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "aegis-demo").write_text("a file where the folder goes")
    with demo(tmp_path, "--port", "0") as running:
        assert running.ended() == 1
    assert "cannot be written" in running.said
