"""Actions of the demo page on the workspace and the lab.

Actions are read from JSON and answered with a plain sentence.
"""

from __future__ import annotations

import html
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.errors import AegisError
from bot.playground.slack.interactions.payloads import NoSuchControl
from bot.playground.slack.interactions.press import Interaction
from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.views import View
from bot.playground.slack.workspace import Workspace
from bot.playground.web.snapshot import LabView

COMMAND = "/aegis"

SENTENCES = {
    "dispatch_failed": "Aegis is not connected, so this did not reach it. Try again when it is back.",
    "operation_timeout": "Aegis did not answer within three seconds. Look what happened before you try again.",
    "message_not_found": "This message is gone.",
    "not_found": "This window is closed already.",
    "not_in_channel": "You are not in this channel.",
    "is_archived": "This channel is archived.",
    "push_limit_reached": "Three windows are open already. Close one first.",
}
"""The sentence for each of Slack's error codes."""

_NAMED = re.compile(r"(?<![\w@.])@([A-Za-z0-9][\w.-]*)")


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: int


class Say(_Act):
    """Post a message; ``text`` as it was typed."""

    do: Literal["say"]
    channel: str
    text: str = Field(min_length=1, max_length=12_000)
    thread_ts: str = ""


class Slash(_Act):
    """Type a command; ``text`` with the command itself."""

    do: Literal["slash"]
    channel: str
    text: str = Field(min_length=2, max_length=4_000)


class Place(BaseModel):
    """Where something is pressed: a message or an ephemeral (``channel`` and ``ts``), or a view.

    ``version`` is the version of the message that was on the screen; 0 for the newest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str = ""
    ts: str = ""
    version: int = Field(default=0, ge=0)
    view: str = ""


class PressButton(_Act):
    """Press a button (no ``value``) or choose something; the page has asked for confirmation before."""

    do: Literal["press"]
    where: Place
    action_id: str
    value: str | list[str] | None = None


class Shortcut(_Act):
    """Use a message shortcut."""

    do: Literal["shortcut"]
    channel: str
    ts: str
    callback_id: str


class Submit(_Act):
    """Submit a modal; ``values`` by action_id."""

    do: Literal["submit"]
    view: str
    values: dict[str, Any] = {}


class Close(_Act):
    """Close a modal."""

    do: Literal["close"]
    view: str


class Home(_Act):
    """Look at Aegis's home tab."""

    do: Literal["home"]


class Try(_Act):
    """Do something to the demo's services."""

    do: Literal["lab"]
    action: str


Act: TypeAlias = Annotated[
    Say | Slash | PressButton | Shortcut | Submit | Close | Home | Try, Field(discriminator="do")
]
_ACT: TypeAdapter[Act] = TypeAdapter(Act)


class _ActionRefused(Exception):
    """It was not done; the sentence says why. ``errors`` belong to fields of a modal, by block_id."""

    def __init__(self, sentence: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.errors = errors or {}


class PageActions:
    """Does what ``user`` does at the page."""

    def __init__(self, workspace: Workspace, lab: LabView, user: str) -> None:
        self._workspace = workspace
        self._lab = lab
        self._user = user

    async def do(self, text: str) -> Json:
        """Do what a frame of the page says; return its ``id``, ``ok``, a ``sentence``, and ``errors`` of fields."""
        try:
            act = _ACT.validate_json(text)
        except ValidationError:
            return {
                "id": _id(text),
                "ok": False,
                "sentence": "The page and the demo do not understand each other. Reload it.",
            }
        try:
            return {"id": act.id, "ok": True, "sentence": await self._perform(act)}
        except _ActionRefused as no:
            return {"id": act.id, "ok": False, "sentence": no.sentence, "errors": no.errors}
        except AegisError as error:
            return {"id": act.id, "ok": False, "sentence": error.sentence}
        except NoSuchControl:
            sentence = "This is not there any more: the message has changed."
            return {"id": act.id, "ok": False, "sentence": sentence}
        except MethodError as refused:
            return {"id": act.id, "ok": False, "sentence": _sentence(refused.code), "errors": _field_errors(refused)}

    async def _perform(self, act: Act) -> str:
        workspace, user = self._workspace, self._user
        match act:
            case Say():
                channel = self._channel(act.channel)
                await workspace.say(user, channel.id, self._written(act.text), thread_ts=act.thread_ts)
            case Slash():
                await self._slash(act)
            case PressButton():
                await self._press(act)
            case Shortcut():
                message = workspace.state.message(self._channel(act.channel).id, act.ts)
                _require_ok(await workspace.shortcut(user, message, act.callback_id))
            case Submit():
                await self._submit(act)
            case Close():
                for interaction in await workspace.close(user, self._modal(act.view)):
                    _require_ok(interaction)
            case Home():
                await workspace.open_home(user)
            case Try():
                return await self._try(act.action)
        return ""

    async def _slash(self, act: Slash) -> None:
        channel = self._channel(act.channel)
        command, _, words = act.text.strip().partition(" ")
        if command != COMMAND:
            raise _ActionRefused(f"{command} is not a command here. Aegis listens to {COMMAND}.")
        _require_ok(await self._workspace.slash(self._user, channel.id, command, words.strip()))

    async def _press(self, act: PressButton) -> None:
        where = self._shown(act.where)
        if act.value is None:
            _require_ok(await self._workspace.press(self._user, where, act.action_id))
        else:
            _require_ok(await self._workspace.choose(self._user, where, act.action_id, act.value))

    async def _submit(self, act: Submit) -> None:
        done = await self._workspace.submit(self._user, self._modal(act.view), act.values)
        if done.errors:
            raise _ActionRefused("", done.errors)
        _require_ok(done)

    async def _try(self, action: str) -> str:
        actions = {known["id"]: known for known in self._lab.state()["actions"]}
        if action not in actions:
            raise _ActionRefused("The lab does not know this. Reload the page.")
        if not actions[action]["enabled"]:
            raise _ActionRefused(f"“{actions[action]['label']}” is not possible just now.")
        return await self._lab.do(action)

    def _channel(self, name: str) -> Channel:
        channel = self._workspace.state.channels.get(name)
        if channel is None or self._user not in channel.members:
            raise MethodError("not_in_channel")
        return channel

    def _shown(self, where: Place) -> Message | Ephemeral | View:
        if where.view:
            return self._view(where.view)
        channel = self._channel(where.channel)
        for note in self._workspace.ephemerals(self._user, channel.id):
            if note.ts == where.ts:
                return note
        message = self._workspace.state.message(channel.id, where.ts)
        if 0 < where.version < len(message.versions):
            seen = message.snapshot()
            seen.body = seen.versions[where.version - 1]
            return seen
        return message

    def _view(self, name: str) -> View:
        home = self._workspace.state.views.homes.get(self._user)
        return home if home is not None and home.id == name else self._modal(name)

    def _modal(self, name: str) -> View:
        for view in self._workspace.modals(self._user):
            if view.id == name:
                return view
        raise MethodError("not_found")

    def _written(self, typed: str) -> str:
        """Return a typed text in Slack's written form, with known names as mentions."""
        users = {user.name.lower(): user.id for user in self._workspace.state.users.values()}

        def mention(match: re.Match[str]) -> str:
            name = match[1].rstrip(".-")
            user = users.get(name.lower())
            return f"<@{user}>{match[1][len(name) :]}" if user else match[0]

        return _NAMED.sub(mention, html.escape(typed, quote=False))


def _id(text: str) -> int:
    """Return the id of a frame that is not understood otherwise; 0 where it has none."""
    try:
        return _Act.model_validate_json(text, extra="ignore").id
    except ValidationError:
        return 0


def _require_ok(done: Interaction) -> None:
    if not done.ok:
        raise _ActionRefused(_sentence(done.error))


def _sentence(code: str) -> str:
    return SENTENCES.get(code, f"Slack would not accept this: {code.replace('_', ' ')}.")


def _field_errors(refused: MethodError) -> dict[str, str]:
    block = refused.fields.get("block_id") if refused.code == "field_is_empty" else None
    return {str(block): "Please fill this in."} if block else {}
