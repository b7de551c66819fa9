"""The payloads of presses, choices, submissions and slash commands."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from bot.playground.slack.state.grants import ResponseUrl
from bot.playground.slack.state.messages import Ephemeral, Message, controls
from bot.playground.slack.state.people import Json
from bot.playground.slack.state.views import View
from bot.playground.slack.state.workspace_state import WorkspaceState

_CHOSEN = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_INITIAL = {"selected_date": "initial_date", "selected_time": "initial_time", "selected_date_time": "initial_date_time"}


class NoSuchControl(LookupError):
    """Nothing with this action_id, or no such option, can be seen there."""


def control(where: Message | Ephemeral | View, action_id: str) -> tuple[Json, Json]:
    """Return the block and the element that somebody means by an action_id."""
    for block, element in controls(where.blocks):
        if element["action_id"] == action_id:
            return block, element
    raise NoSuchControl(f"there is no {action_id!r} among {where.buttons}")


def chosen(element: Json, value: Any) -> Json:  # noqa: ANN401 - a text, a list of texts, or nothing
    """Return the field that tells what was chosen in an element; options are named by value or by what is read."""
    field = _CHOSEN.get(element["type"], "value")
    if field == "selected_option":
        return {field: None if value is None else _option(element, str(value))}
    if field == "selected_options":
        return {field: [_option(element, str(item)) for item in value or ()]}
    return {field: (value or []) if field.endswith("s") else value}


def _option(element: Json, wanted: str) -> Json:
    groups = [group["options"] for group in element.get("option_groups", ())]
    options = [*element.get("options", ()), *(option for group in groups for option in group)]
    for option in options:
        if wanted in {option["value"], option["text"]["text"]}:
            chosen_option: Json = copy.deepcopy(option)
            return chosen_option
    raise NoSuchControl(f"{wanted!r} is not among {[option['value'] for option in options]}")


def state_values(blocks: list[Json], filled: Mapping[str, Any]) -> Json:
    """Return ``state.values``: what stands in every field, by block_id and action_id; ``filled`` is by action_id."""
    values: Json = {}
    for block, element in controls(blocks):
        if element["type"] in {"button", "overflow"}:
            continue
        name = element["action_id"]
        standing = chosen(element, filled[name]) if name in filled else _initial(element)
        values.setdefault(block["block_id"], {})[name] = {"type": element["type"], **standing}
    return values


def _initial(element: Json) -> Json:
    field = _CHOSEN.get(element["type"], "value")
    initial = _INITIAL.get(field) or field.replace("selected", "initial")
    if field == "value":
        initial = "initial_value"
    return {field: copy.deepcopy(element.get(initial, [] if field.endswith("s") else None))}


class Payloads:
    """Builds payloads with what all of them have in common."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state

    def _common(self, kind: str, user: str) -> Json:
        seed = self._state.seed
        name = self._state.users[user].name
        return {
            "type": kind,
            "user": {
                "id": user,
                "username": name,
                "name": name,
                "team_id": self._state.users[user].team_id or seed.team,
            },
            "api_app_id": seed.bot.app_id,
            "token": "verification-token",
            "team": {"id": seed.team, "domain": seed.domain},
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._state.grants.trigger(user),
        }

    def _channel(self, channel: str) -> Json:
        known = self._state.channels[channel]
        return {"id": channel, "name": {"im": "directmessage", "group": "privategroup"}.get(known.kind, known.name)}

    def _address(self, kind: str, grant: ResponseUrl) -> str:
        return f"{self._state.url}/{kind}/{self._state.seed.team}/{grant.id}"

    def action(self, user: str, where: Message | Ephemeral | View, action_id: str, value: Any = None) -> Json:  # noqa: ANN401
        """Build block_actions; ``value`` is what was chosen, ``None`` for a button."""
        block, element = control(where, action_id)
        action: Json = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
        if element["type"] == "button":
            action |= {name: element[name] for name in ("text", "value", "style", "url") if name in element}
        else:
            action |= chosen(element, value)
            action |= {name: element[name] for name in ("placeholder",) if name in element}
        action["action_ts"] = self._state.stamp()
        filled = {} if element["type"] in {"button", "overflow"} else {action_id: value}
        payload = self._common("block_actions", user) | {"actions": [copy.deepcopy(action)]}
        payload["state"] = {"values": state_values(where.blocks, filled)}
        if isinstance(where, View):
            return payload | {"container": {"type": "view", "view_id": where.id}, "view": copy.deepcopy(where.body)}
        container: Json = {"type": "message", "message_ts": where.ts, "channel_id": where.channel}
        container["is_ephemeral"] = isinstance(where, Ephemeral)
        if where.thread_ts:
            container["thread_ts"] = where.thread_ts
        if isinstance(where, Message):
            payload["message"] = where.shown()
        source = where if isinstance(where, Ephemeral) else self._state.messages[where.channel].get(where.ts)
        grant = self._state.grants.response_url(user, where.channel, source)
        place = {"container": container, "channel": self._channel(where.channel)}
        return payload | place | {"response_url": self._address("actions", grant)}

    def shortcut(self, user: str, callback_id: str, message: Message | None = None) -> Json:
        """Build a message shortcut, or a global one where there is no message."""
        payload = self._common("shortcut" if message is None else "message_action", user)
        payload |= {"callback_id": callback_id, "action_ts": self._state.stamp()}
        if message is None:
            return payload
        grant = self._state.grants.response_url(user, message.channel)
        payload |= {"channel": self._channel(message.channel), "message_ts": message.ts, "message": message.shown()}
        return payload | {"response_url": self._address("app-actions", grant)}

    def submission(self, view: View, filled: Mapping[str, Any]) -> Json:
        """Build view_submission with what stands in the fields."""
        body = copy.deepcopy(view.body)
        body["state"] = {"values": state_values(view.blocks, filled)}
        return self._common("view_submission", view.user) | {"view": body, "response_urls": []}

    def closing(self, view: View, *, cleared: bool) -> Json:
        """Build view_closed."""
        payload = self._common("view_closed", view.user)
        payload.pop("trigger_id")
        return payload | {"view": copy.deepcopy(view.body), "is_cleared": cleared}

    def command(self, user: str, channel: str, command: str, text: str) -> tuple[Json, ResponseUrl]:
        """Build a slash command, and say which response_url goes with it."""
        seed = self._state.seed
        grant = self._state.grants.response_url(user, channel)
        payload: Json = {
            "token": "verification-token",
            "team_id": seed.team,
            "team_domain": seed.domain,
            "channel_id": channel,
            "channel_name": self._channel(channel)["name"],
            "user_id": user,
            "user_name": self._state.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": seed.bot.app_id,
            "is_enterprise_install": "false",
            "response_url": self._address("commands", grant),
            "trigger_id": self._state.grants.trigger(user),
        }
        return payload, grant
