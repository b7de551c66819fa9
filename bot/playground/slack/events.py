"""Sends Slack's events about channels to the bot.

Only for channels that the bot is in, and only events that it subscribed to and has the scope for.
"""

from __future__ import annotations

import copy

from bot.playground.slack.checks import SCOPE_OF
from bot.playground.slack.socket_mode import SocketMode
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.workspace_state import Change, WorkspaceState

_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}
_LEFT_OUT = frozenset({"reply_count", "reply_users", "reply_users_count", "latest_reply"})


class Events:
    """Listens to the state and announces what the bot's app is subscribed to."""

    def __init__(self, state: WorkspaceState, socket_mode: SocketMode) -> None:
        self._state = state
        self._socket_mode = socket_mode
        state.subscribe(self.on_change)

    def on_change(self, change: Change) -> None:
        """Announce a change of a message, if it is one."""
        message = change.subject
        if not isinstance(message, Message) or change.kind == "reaction":
            return
        channel = self._state.channels[message.channel]
        if self._state.seed.bot.user not in channel.members:
            return
        if change.kind == "message":
            self._posted(channel, message)
        elif change.kind == "edit":
            self._hidden(channel, "message_changed", message, {"message": _event_body(message.body)})
        elif change.kind == "delete":
            self._hidden(channel, "message_deleted", message, {"deleted_ts": message.ts})

    def opened_home(self, user: str) -> None:
        """Announce that somebody looks at the app's home tab."""
        if "app_home_opened" not in self._state.seed.events:
            return
        channel = self._state.direct(user).id
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel, "tab": "home"}
        event["event_ts"] = self._state.stamp()
        home = self._state.views.homes.get(user)
        if home is not None:
            event["view"] = copy.deepcopy(home.body)
        self._socket_mode.announce(event)

    def _posted(self, channel: Channel, message: Message) -> None:
        place: Json = {"channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind}
        body = _event_body(message.body)
        if self._subscribed(channel):
            self._socket_mode.announce({**body, **place})
        seed = self._state.seed
        mentioned = f"<@{seed.bot.user}>" in message.text and message.body.get("bot_id") != seed.bot.bot_id
        if mentioned and channel.kind != "im" and "app_mention" in seed.events and "app_mentions:read" in seed.scopes:
            content = {name: value for name, value in body.items() if name not in {"subtype", "hidden"}}
            self._socket_mode.announce(
                {**content, "type": "app_mention", "channel": channel.id, "event_ts": message.ts}
            )

    def _hidden(self, channel: Channel, subtype: str, message: Message, now: Json) -> None:
        if not self._subscribed(channel):
            return
        before = message.versions[-1 if subtype == "message_deleted" else -2]
        ts = self._state.stamp()
        event: Json = {"type": "message", "subtype": subtype, "hidden": True, **now}
        event |= {"previous_message": _event_body(before), "channel": channel.id, "ts": ts, "event_ts": ts}
        self._socket_mode.announce({**event, "channel_type": channel.kind})

    def _subscribed(self, channel: Channel) -> bool:
        seed = self._state.seed
        return _SUBSCRIPTION[channel.kind] in seed.events and f"{SCOPE_OF[channel.kind]}:history" in seed.scopes


def _event_body(body: Json) -> Json:
    return {name: copy.deepcopy(value) for name, value in body.items() if name not in _LEFT_OUT}
