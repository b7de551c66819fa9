"""The lab of ``aegis demo``: services, actions and monitor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from bot.errors import AegisError, EngineError
from bot.playground.lab.actions import ACTIONS, Conditions
from bot.playground.lab.breaks import Breaks
from bot.playground.lab.experiments import Bot, Experiments
from bot.playground.lab.monitor import Monitor, still_out
from bot.playground.lab.services import API, DATABASE, NEXT, WEB, LabEngine, Services
from bot.playground.slack.state.workspace_state import Change
from bot.playground.slack.workspace import Workspace

Json = dict[str, Any]
log = logging.getLogger(__name__)

LOOK_INTERVAL_S, SHORTEST_LOOK_INTERVAL_S = 1.0, 0.2
"""Seconds between two looks: without news, and with."""
NOTE_LIMIT = 50
APPROVERS = ("U0ONCALL", "U0SECOND")
_CARDS = frozenset({"message", "edit", "delete"})


class Lab:
    """Runs the services, watches them and posts alerts to ``channel``, within ``async with Lab(…) as lab``.

    ``folder`` tells this demo's containers from those of others. ``diagnoser`` is ``rules`` or the model's name.
    ``interval`` is the monitor's, in seconds. Entering raises ``EngineError`` if the services cannot be started.
    """

    def __init__(
        self,
        lab_engine: LabEngine,
        workspace: Workspace,
        bot: Bot,
        *,
        folder: Path,
        runbook: Path,
        diagnoser: str,
        channel: str = "C0ALERTS",
        interval: float = 2.0,
        approvers: Sequence[str] = APPROVERS,
    ) -> None:
        self._lab_engine = lab_engine
        self._workspace = workspace
        self._bot = bot
        self._runbook = runbook
        self._diagnoser = diagnoser
        self._services = Services(lab_engine, folder)
        self._breaks = Breaks(self._services)
        self._experiments = Experiments(workspace, self._services, self._breaks, bot, approvers)
        self.monitor = Monitor(
            {name: self._services.url(name) for name in (API, WEB)},
            lambda attachments: workspace.alert(channel, attachments=attachments),
            link=workspace.url,
            interval=interval,
            firing=still_out(message.body.get("attachments", ()) for message in workspace.messages(channel)),
        )
        self._seen: list[Json] = []
        self._runbook_content: Json = {"path": str(runbook), "entries": [], "text": ""}
        self._written: tuple[int, int] | None = None
        self._notes: deque[Json] = deque(maxlen=NOTE_LIMIT)
        self._card: bool | None = None
        self._busy = ""
        self._last_state: Json = {}
        self._subscribers: list[Callable[[], None]] = []
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._endings: list[Callable[[], None]] = []

    # -- being there ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the services, wait until they answer, then watch them."""
        try:
            await self._services.start()
            await self._breaks.wait_until_healthy()
            await self._look()
        except BaseException:
            await self.stop()
            raise
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._endings = [
            self._workspace.subscribe(self._note_change),
            self._services.listen(wake),
        ]
        self._run(self.monitor.run())
        self._run(self._watch())

    async def stop(self) -> None:
        """End everything and remove the containers."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()
        for end in self._endings:
            await asyncio.to_thread(end)
        self._endings.clear()
        await self._breaks.close()
        try:
            await self._services.stop()
        except EngineError as error:
            log.warning("containers may be left; the next start removes them: %s", error.sentence)

    # -- being looked at --------------------------------------------------------------------------------------------

    def state(self) -> Json:
        """Return how everything is, as the page shows it. Asks nobody: what the last look brought."""
        now = self._now()
        return {
            "services": self._seen,
            "actions": [
                {
                    "id": action.id,
                    "label": action.label,
                    "what": action.what,
                    "group": action.group,
                    "enabled": not self._busy and action.possible(now),
                }
                for action in ACTIONS.values()
            ],
            "bot": {"status": self._bot.status},
            "diagnoser": self._diagnoser,
            "engine": self._lab_engine.engine,
            "runbook": self._runbook_content,
            "notes": list(self._notes),
        }

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` at every change until the returned function is called."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    async def do(self, action: str) -> str:
        """Do an action, one at a time; return what was done and what to look for. Raises ``AegisError``."""
        if action not in ACTIONS:
            raise AegisError("The lab has no such action.", hint="Reload the page.")
        if self._busy:
            raise AegisError(f"“{ACTIONS[self._busy].label}” is still being done.", hint="Wait a moment.")
        self._busy = action
        self._call_subscribers()
        try:
            sentence = await self._do(action)
        finally:
            self._busy = ""
            self._news.set()
        self._notes.append({"at": datetime.now(UTC).isoformat(timespec="seconds"), "text": sentence})
        self._call_subscribers()
        return sentence

    async def _do(self, action: str) -> str:
        if action in self._breaks.does:
            return await self._breaks.begin(action)
        if action in self._experiments.does:
            return await self._experiments.does[action]()
        return await self._breaks.repair()

    def _now(self) -> Conditions:
        services = {service["name"]: service for service in self._seen}
        running = {name for name, service in services.items() if service["status"] == "running"}
        if self._card is None:
            self._card = self._experiments.open_card() is not None
        return Conditions(
            api=API in running,
            database=DATABASE in running,
            released=API in services and services[API]["image"].endswith(f":{NEXT}"),
            card=self._card,
            connected=bool(self._workspace.connections),
            bot=self._bot.status != "stopped",
        )

    # -- watching ---------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._look()
            except EngineError as error:
                log.warning("the services cannot be looked at: %s", error.sentence)
                self._seen = [{**service, "status": "unknown", "health": "none"} for service in self._seen]
            self._call_subscribers()
            await asyncio.sleep(SHORTEST_LOOK_INTERVAL_S)

    async def _look(self) -> None:
        # In trouble Aegis is about to take a sample; it is not to wait for ours.
        self._seen = await self._services.look(sample=not self.monitor.troubled)
        await asyncio.to_thread(self._read_runbook)

    def _read_runbook(self) -> None:
        try:
            about = self._runbook.stat()
            if (about.st_mtime_ns, about.st_size) == self._written:
                return
            self._written = (about.st_mtime_ns, about.st_size)
            text = self._runbook.read_text(encoding="utf-8", errors="replace")
        except OSError:
            # Not written yet, or being replaced.
            text, self._written = "", None
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError):
            entries = []
        self._runbook_content = {
            **self._runbook_content,
            "text": text,
            "entries": entries if isinstance(entries, list) else [],
        }

    def _note_change(self, change: Change) -> None:
        if change.kind in _CARDS:
            self._card = None
            self._news.set()

    def _call_subscribers(self) -> None:
        state = self.state()
        if state == self._last_state:
            return
        self._last_state = state
        for callback in list(self._subscribers):
            callback()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_look_after)
        self._tasks.append(task)


def _look_after(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a part of the lab ended", exc_info=error)
