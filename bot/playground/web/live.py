"""The live connection of one open page.

It sends a snapshot first and every change after that, and answers each action of the person.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence

from aiohttp import WSMsgType, web

from bot.playground.slack.socket_mode import Connection
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.views import View
from bot.playground.slack.state.workspace_state import Change
from bot.playground.slack.workspace import Workspace
from bot.playground.web import snapshot as web_shown
from bot.playground.web.actions import PageActions
from bot.playground.web.snapshot import LabView, Person

GATHER_S = 0.05
"""Seconds for which changes are gathered into one frame; a person does not notice them."""


class Viewer:
    """Shows the workspace and the lab to ``user`` over ``socket``.

    Frames to the page: ``snapshot`` (everything), ``changes`` (messages and ephemerals as they are now, and those parts
    of ``modals``, ``home`` and ``lab`` that differ from what was sent), ``answer`` (to a frame with the same ``id``).
    What is sent is how things are when it is sent: a slow page gets fewer frames, not old ones.
    """

    def __init__(
        self, workspace: Workspace, lab: LabView, people: Sequence[Person], user: str, socket: web.WebSocketResponse
    ) -> None:
        self._workspace = workspace
        self._lab = lab
        self._people = people
        self._user = user
        self._socket = socket
        self._acts = PageActions(workspace, lab, user)
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._messages: dict[tuple[str, str], Message | Ephemeral] = {}
        self._other: set[str] = set()
        self._sent_lab: dict[str, str] = {}

    async def run(self) -> None:
        """Show and listen until the page goes away. What was begun by then is still done, as in Slack."""
        unsubscribe = [self._workspace.subscribe(self._note_change), self._lab.subscribe(self._note_lab_change)]
        try:
            snapshot = {"type": "snapshot", **web_shown.everything(self._workspace, self._people, self._user)}
            await self._send(snapshot | {"lab": self._lab_changes()})
            async with asyncio.TaskGroup() as doing:
                showing = doing.create_task(self._show())
                async for frame in self._socket:
                    if frame.type is WSMsgType.TEXT:
                        doing.create_task(self._do(frame.data))
                showing.cancel()
        finally:
            for stop in unsubscribe:
                stop()

    async def _do(self, text: str) -> None:
        await self._send({"type": "answer", **await self._acts.do(text)})

    async def _send(self, frame: Json) -> None:
        # To a page that is gone nothing is said. It comes back by itself and then gets a new snapshot.
        with contextlib.suppress(ConnectionResetError):
            await self._socket.send_json(frame)

    def _note_change(self, change: Change) -> None:
        match change.subject:
            case Message() as message if self._user in self._workspace.state.channels[message.channel].members:
                self._messages[message.channel, message.ts] = message
                self._changed.set()
            case Ephemeral() as note if note.user == self._user:
                self._messages[note.channel, note.ts] = note
                self._changed.set()
            case View() as view if view.user == self._user:
                self._touch("home" if view.body["type"] == "home" else "modals")
            case Channel():
                self._touch("everything")
            case Connection():
                self._touch("lab")

    def _note_lab_change(self) -> None:
        # The lab may call from the threads that look at the engine.
        self._loop.call_soon_threadsafe(self._touch, "lab")

    def _touch(self, part: str) -> None:
        self._other.add(part)
        self._changed.set()

    async def _show(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(GATHER_S)
            self._changed.clear()
            frame = self._take()
            if len(frame) > 1:
                await self._send(frame)

    def _take(self) -> Json:
        """Return what is to be shown now, and forget that it was."""
        messages, other = list(self._messages.values()), self._other
        self._messages, self._other = {}, set()
        frame: Json = {"type": "changes"}
        if "lab" in other and (changes := self._lab_changes()):
            frame["lab"] = changes
        if "everything" in other:
            everything = web_shown.everything(self._workspace, self._people, self._user)
            return frame | {"type": "snapshot"} | everything
        if messages:
            frame["messages"] = [
                web_shown.message(message) if isinstance(message, Message) else web_shown.ephemeral(message)
                for message in messages
            ]
        if "modals" in other:
            frame["modals"] = web_shown.modals(self._workspace, self._user)
        if "home" in other:
            frame["home"] = web_shown.home(self._workspace, self._user)
        return frame

    def _lab_changes(self) -> Json:
        """Return the parts of the lab's state that are not as they were sent the last time."""
        state = self._lab.state()
        written = {part: json.dumps(value) for part, value in state.items()}
        changed = {part: state[part] for part in state if self._sent_lab.get(part) != written[part]}
        self._sent_lab = written
        return changed
