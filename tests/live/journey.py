"""``aegis demo`` as a person uses it: the command in a process of its own, and browser windows that are watched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import docker
import psutil
from playwright.sync_api import Browser, Error, Locator, expect

ROOT = Path(__file__).parents[2]
API = "buggy-app-v2"

HERE = Path(__file__).parent
CONTRAST, NARROW, FOCUS = ((HERE / name).read_text("utf-8") for name in ("contrast.js", "narrow.js", "focus.js"))

PROPOSAL = re.compile(r"\d+ repl(y|ies).*(Suggested: restart|A restart will not help) · \d+% confidence")
"""How the line about a thread reads while its card waits for a decision."""

PATIENCE = 30_000
"""Milliseconds for what the demo does by itself: an alert, a card, a recovery. On an idle machine it takes a third."""

Json = dict[str, Any]
T = TypeVar("T")


class Demo:
    """The demo with its state below ``home``; after ``end`` it may be started again, as somebody would the next day."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "aegis-demo"
        self._home = home
        self.url = ""
        self.opened = False

    def start(self) -> Self:
        """Type the command, and wait for the line with the address."""
        ours = ("AEGIS_", "SLACK_", "GEMINI_", "DOCKER_", "SSH_", "DISPLAY", "WAYLAND_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {"XDG_STATE_HOME": str(self._home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [*(sys.executable, "-m", "bot", "demo"), *("--no-browser", "--engine", "process", "--port", "0")],
            cwd=self._home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self.url, self.opened = self._address(), False
            self.engine = docker.APIClient(base_url=self.bot()[0].environ()["DOCKER_HOST"], timeout=60)
        except BaseException:
            self._process.kill()
            raise
        return self

    def _address(self) -> str:
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            if found := re.search(r"The demo is at (http://\S+)", line):
                return found[1]
        raise AssertionError(said)

    def end(self) -> None:
        """Press Ctrl-C, unless that was done; it has to have run until then, and to end cleanly."""
        if self.url:
            self.url = ""
            self.engine.close()
            self._process.send_signal(signal.SIGINT)
            try:
                said, _ = self._process.communicate(timeout=60)
            finally:
                self._process.kill()
            assert self._process.returncode == 0, said
            assert "Traceback" not in said

    def bot(self) -> list[psutil.Process]:
        """Return the bot's processes: itself, and what holds it."""
        return [one for one, words in self._ask(psutil.Process.cmdline) if "run" in words]

    def elsewhere(self) -> set[str]:
        """Return the machines that the demo's processes are connected with, this one apart."""
        asked = self._ask(lambda process: process.net_connections("inet"))
        return {one.raddr.ip for _, found in asked for one in found if one.raddr} - {"127.0.0.1", "::1"}

    def _ask(self, question: Callable[[psutil.Process], T]) -> Iterator[tuple[psutil.Process, T]]:
        """Ask each of the demo's processes something; health checks come and go meanwhile."""
        stage = psutil.Process(self._process.pid)
        for process in (stage, *stage.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                yield process, question(process)

    def started_at(self) -> str:
        """Return since when the service runs, as the engine says it."""
        return str(self.engine.inspect_container(API)["State"]["StartedAt"])

    def starts(self, since: float) -> int:
        """Return how often the engine started the service since a moment (seconds since 1970)."""
        return len(list(self.starting(since, until=f"{time.time():.6f}")))

    def starting(self, since: float, **until: Any) -> Any:
        """Return the engine's events of starts of the service since a moment; without an end, those to come too."""
        only = {"event": "start", "container": API}
        # docker-py passes on what Docker takes: fractions of a second.
        moments: Json = {"since": f"{since:.6f}", **until}
        return self.engine.events(decode=True, filters=only, **moments)

    def entries(self) -> list[Json]:
        """Return the runbook as the file has it."""
        path = self.folder / "runbook.json"
        return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


class Window:
    """A browser window at the demo. What it does is what a person does; what it sees is what is on the screen."""

    def __init__(self, browser: Browser, demo: Demo, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.demo = demo
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda line: self._hear(line.type, line.text))
        self.page.on("pageerror", lambda error: self._hear("error", str(error)))
        self.context.on("request", lambda request: self._ask(request.url))
        self.page.on("websocket", lambda socket: self._ask(socket.url))
        self.thread = self.page.get_by_role("complementary", name="Thread", exact=True)
        self.stream = self.page.get_by_label("Messages in #alerts")

    def open(self, user: str = "") -> Self:
        """Open the page, as somebody else than the first one where ``user`` names them."""
        for last in (False, True):
            try:
                self.page.goto(self.demo.url)
                expect(self.page.locator("#title")).to_contain_text("alerts")
                break
            except (AssertionError, Error):
                # Chromium gives up requests while another test makes a network interface come or go.
                if last:
                    raise
        if user:
            self.be(user)
        return self

    def be(self, user: str) -> None:
        """Switch to another person."""
        who = self.page.get_by_label("You are")
        who.select_option(label=user)
        expect(who.locator("option:checked")).to_have_text(user)

    # -- the channel and the thread

    def alerts(self, status: str) -> Locator:
        """Return the monitor's messages about the service with this status, oldest first."""
        return self.stream.get_by_role("article").filter(has_text=re.compile(rf"\[{status}[:\]].*{API}"))

    def proposal(self) -> Locator:
        """Return the line about the newest thread whose last message is a card that waits for a decision."""
        return self.stream.get_by_role("button", name=PROPOSAL).last

    def has_alert(self) -> None:
        """Wait for a card that waits for a decision; what is not broken yet is broken in the lab."""
        if self.demo.opened:
            told = self.alerts("FIRING").count()
            if self.alerts("RESOLVED").count() == told:
                self.lab("Connection pool exhausted")
                expect(self.alerts("FIRING")).to_have_count(told + 1, timeout=PATIENCE)
        self.demo.opened = True
        expect(self.proposal()).to_be_visible(timeout=PATIENCE)

    def is_over(self) -> None:
        """Wait until the monitor said of every alert that it is over."""
        expect(self.alerts("RESOLVED")).to_have_count(self.alerts("FIRING").count(), timeout=PATIENCE)

    def open_thread(self) -> None:
        """Open the thread of the card that waits for a decision."""
        self.proposal().click()
        expect(self.page.get_by_role("heading", name="Thread")).to_be_visible()

    def card(self, words: str | re.Pattern[str] = API) -> Locator:
        """Return the newest of Aegis's messages in the thread that has these words."""
        return self.thread.get_by_role("article", name=re.compile("^Aegis,")).filter(has_text=words).last

    def button(self, words: str) -> Locator:
        """Return the newest button in the thread with these words on it."""
        return self.thread.locator("button", has_text=words).last

    def confirm(self) -> None:
        """Say yes to what is asked before a restart."""
        question = self.page.get_by_role("alertdialog", name=f"Restart {API}?")
        expect(question).to_contain_text(f"container {API} on host")
        question.get_by_role("button", name="Restart", exact=True).click()
        expect(question).to_have_count(0)

    # -- the panel

    def panel(self, name: str) -> Locator:
        """Bring the lab or the runbook into sight."""
        part = self.page.get_by_role("tabpanel", name=name)
        if not part.is_visible():
            self.page.get_by_role("main").get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(part).to_be_visible()
        return part

    def lab(self, action: str) -> None:
        """Press a button of the lab, and wait until it is done."""
        button = self.panel("Lab").get_by_role("button", name=re.compile(f"^{action}"))
        expect(button).to_have_attribute("aria-disabled", "false", timeout=PATIENCE)
        button.click()
        said = self.page.locator(".lab-said")
        expect(said).to_have_text(re.compile(r"[.!]$"), timeout=PATIENCE)
        expect(said).not_to_have_class(re.compile("wrong"))

    # -- looking closely

    def contrast(self) -> list[str]:
        """Return the texts on the screen that are too faint."""
        looked = self.page.evaluate(CONTRAST)
        assert looked["looked"] > 10
        return list(looked["found"])

    def narrow(self) -> list[str]:
        """Return what is too wide or too small for a finger."""
        return list(self.page.evaluate(NARROW))

    def focus(self) -> Json:
        """Return where the keyboard is: ``name``, ``role``, and whether that is ``visible``."""
        return dict(self.page.evaluate(FOCUS))

    # -- watching

    def close(self) -> None:
        """Close the window; it must not have complained, nor asked anything of another machine."""
        self.context.close()
        assert self.complaints == []
        assert self.elsewhere == []

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "ERR_NETWORK_CHANGED" not in text:
            self.complaints.append(text)

    def _ask(self, url: str) -> None:
        if not url.startswith("data:") and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            self.elsewhere.append(url)
