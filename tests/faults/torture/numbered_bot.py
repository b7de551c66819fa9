"""The real bot over the seam, as a process of its own that is forked from one that has imported everything already."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from pathlib import Path

import bot.adapters.database.transactions
import bot.adapters.docker.client
import bot.adapters.runbook.file
import bot.background
import bot.domain.incident
import bot.incidents.recovery
import bot.slack.delivery.cards
import bot.slack.delivery.outbox
from bot.adapters.docker.containers import DockerContainers
from bot.errors import AegisError
from bot.settings import load
from bot.slack.connection.web_api import web_client
from bot.wiring import application, components
from tests.faults.torture.seam import Fault, Seam

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its publisher has ended support, and says so
    import google.generativeai.generative_models  # noqa: F401 - 0.3 s, once for all processes

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def hasten() -> None:
    """Shorten the deadlines that are no settings; each is still the edge's own, and none overtakes another."""
    bot.adapters.docker.client.ACTION_TIMEOUT_S = 5
    bot.domain.incident.STOP_GRACE_S = 3
    bot.adapters.database.transactions.TRANSACTION_TIMEOUT_S = 4.0
    bot.incidents.recovery.PROBE_INTERVAL_S = 0.2
    bot.slack.delivery.cards.CARD_EDIT_INTERVAL_S = 0.2
    bot.slack.delivery.outbox.MESSAGE_LEASE = timedelta(seconds=3)
    bot.background.CATCH_UP_INTERVAL_S = 5.0
    bot.adapters.runbook.file.APPEND_TIMEOUT_S = 5.0
    vars(application).update(web_client=partial(web_client, seconds=4.0))
    vars(components).update(DockerContainers=partial(DockerContainers, deadline=4.0))


def live(environment: Mapping[str, str], folder: Path, fault: Fault | None) -> None:
    """Be the bot, as ``aegis run`` is, until SIGTERM; what it does is written to ``folder``."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    log = os.open(folder / "bot.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    hasten()
    Seam(folder / "journal", fault).install()
    try:
        asyncio.run(application.run(load(environment, env_file=None)))
    except AegisError as error:
        print(error.sentence, file=sys.stderr)
        os._exit(1)
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)


class NumberedBot:
    """One bot after the other, as an orchestrator keeps them: one that has ended is started again."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = dict(environment)
        self._folder = folder
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self, fault: Fault | None = None) -> None:
        """Start one."""
        self._process = FORKS.Process(target=live, args=(self._environment, self._folder, fault))
        self._process.start()

    async def ended(self) -> int:
        """Wait until it has ended, however that may be; return its exit code."""
        process, loop, over = self._process, asyncio.get_running_loop(), asyncio.Event()
        if process is None:
            return 0
        loop.add_reader(process.sentinel, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(process.sentinel)
        process.join()
        return process.exitcode or 0

    async def keep(self, faults: Sequence[Fault]) -> None:
        """Start it again whenever it has ended, each with the next of the ``faults``, until cancelled."""
        for fault in chain(faults, repeat(None)):
            await self.ended()
            self.start(fault)

    def signal(self, sign: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.pid is not None and self._process.exitcode is None:
            os.kill(self._process.pid, sign)
