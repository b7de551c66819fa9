"""Presses, commands, shortcuts and modals, as people do them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.slack.events import Events
from bot.playground.slack.interactions.payloads import Payloads, control
from bot.playground.slack.interactions.responses import Responses
from bot.playground.slack.methods.blocks import check_view
from bot.playground.slack.socket_mode import Delivery, SocketMode
from bot.playground.slack.state.arguments import Arguments, MethodError
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.views import View
from bot.playground.slack.state.workspace_state import WorkspaceState


@dataclass(slots=True)
class Interaction:
    """The result of something that a person did, as Slack shows it to that person.

    ``error`` is empty when the bot acknowledged in time; ``operation_timeout`` or ``dispatch_failed`` (no socket open)
    when the person sees Slack's warning; ``cancelled`` when the person said no in the confirmation ``dialog``; or the
    code of what is wrong with the bot's answer. ``errors`` are what the bot put at a modal's fields, by block_id.
    """

    payload: Json
    delivery: Delivery | None = None
    error: str = ""
    dialog: Json | None = None

    @property
    def ok(self) -> bool:
        """Return True if Slack showed the person no error."""
        return not self.error

    @property
    def answer(self) -> Json:
        """The body of the bot's acknowledgement; empty if there is none."""
        return (self.delivery and self.delivery.answer) or {}

    @property
    def errors(self) -> dict[str, str]:
        """The bot's errors for the fields of a modal."""
        return dict(self.answer.get("errors", {}))


class Press:
    """Actions with the bot's messages, modals and commands. Each returns when the bot acknowledged or Slack gave up."""

    state: WorkspaceState
    socket_mode: SocketMode
    payloads: Payloads
    responses: Responses
    events: Events

    async def press(
        self, user: str, where: Message | Ephemeral | View, action_id: str, *, confirm: bool = True
    ) -> Interaction:
        """Press a button; ``confirm`` is the person's answer to its confirmation dialog, if it has one.

        A ``snapshot()`` stands for what somebody still has on the screen. Raises ``NoSuchControl``.
        """
        return await self._act(user, where, action_id, None, confirm=confirm)

    async def choose(
        self,
        user: str,
        where: Message | Ephemeral | View,
        action_id: str,
        value: str | list[str],
        *,
        confirm: bool = True,
    ) -> Interaction:
        """Choose in a select, an overflow menu and the like; options are named by value or by what is read."""
        return await self._act(user, where, action_id, value, confirm=confirm)

    async def _act(
        self, user: str, where: Message | Ephemeral | View, action_id: str, value: object, *, confirm: bool
    ) -> Interaction:
        if isinstance(where, Ephemeral) and (where.gone or where.user != user):
            raise MethodError("message_not_found")
        _, element = control(where, action_id)
        dialog = element.get("confirm")
        if dialog and not confirm:
            return Interaction({}, error="cancelled", dialog=dialog)
        done = await self._interact(self.payloads.action(user, where, action_id, value))
        done.dialog = dialog
        return done

    async def shortcut(self, user: str, message: Message | None, callback_id: str) -> Interaction:
        """Use a message shortcut, or (without a message) a global one."""
        return await self._interact(self.payloads.shortcut(user, callback_id, message))

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Interaction:
        """Type a slash command; an acknowledgement with content becomes a message for this person alone."""
        payload, grant = self.payloads.command(user, channel, command, text)
        delivery = await self.socket_mode.deliver("slash_commands", payload)
        done = Interaction(payload, delivery, delivery.error)
        if any(done.answer.get(part) for part in ("text", "blocks", "attachments")):
            try:
                self.responses.answer(grant, Arguments(done.answer))
            except MethodError as refused:
                done.error = refused.code
        return done

    async def submit(self, user: str, view: View, values: Mapping[str, Any] | None = None) -> Interaction:
        """Submit a modal with values by action_id. Raises ``MethodError`` for an empty field that must be filled in."""
        self._require_open(user, view)
        payload = self.payloads.submission(view, values or {})
        _require_filled(view, payload["view"]["state"]["values"])
        done = await self._interact(payload)
        if done.ok and not view.closed:
            try:
                self._follow(view, done.answer)
            except MethodError as refused:
                done.error = refused.code
        return done

    async def close(self, user: str, view: View, *, everything: bool = False) -> list[Interaction]:
        """Close a modal; the bot gets an event only if the modal has ``notify_on_close``."""
        self._require_open(user, view)
        interactions = []
        for closed in self.state.views.close(view, everything=everything or bool(view.body["clear_on_close"])):
            self.state.notify("view_closed", closed)
            if closed.body["notify_on_close"]:
                interactions.append(await self._interact(self.payloads.closing(closed, cleared=everything)))
        return interactions

    async def open_home(self, user: str) -> None:
        """Look at the app's home tab."""
        self.events.opened_home(user)

    async def _interact(self, payload: Json) -> Interaction:
        delivery = await self.socket_mode.deliver("interactive", payload)
        return Interaction(payload, delivery, delivery.error)

    def _require_open(self, user: str, view: View) -> None:
        if view not in self.state.views.opened(user):
            raise MethodError("not_found")

    def _follow(self, view: View, answer: Json) -> None:
        match answer.get("response_action"):
            case None:
                self._closed(view, everything=False)
            case "clear":
                self._closed(view, everything=True)
            case "errors":
                fields = {block["block_id"] for block in view.blocks if block["type"] == "input"}
                if not answer.get("errors") or not answer["errors"].keys() <= fields:
                    raise MethodError("invalid_response_errors")
            case "update":
                check_view(answer.get("view"), "modal")
                self.state.views.update(view, answer["view"])
                self.state.notify("view_edit", view)
            case "push":
                check_view(answer.get("view"), "modal")
                self.state.notify("view", self.state.views.open(view.user, answer["view"]))
            case _:
                raise MethodError("invalid_response_action")

    def _closed(self, view: View, *, everything: bool) -> None:
        for closed in self.state.views.close(view, everything=everything):
            self.state.notify("view_closed", closed)


def _require_filled(view: View, values: Json) -> None:
    for block in view.blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        for standing in values.get(block["block_id"], {}).values():
            if not any(value for name, value in standing.items() if name != "type"):
                raise MethodError("field_is_empty", block_id=block["block_id"])
