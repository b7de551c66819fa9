"""Checks that many Web API methods share.

The channel exists and is open, the bot is in it, and the token has the scope.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.playground.slack.state.arguments import Arguments, MethodError
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.workspace_state import WorkspaceState

T = TypeVar("T")
SCOPE_OF = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True, slots=True)
class Method:
    """One Web API method: what carries it out and the bot scope that it always needs (perhaps none)."""

    run: Callable[[WorkspaceState, Arguments], Json]
    scope: str = ""


def require_scope(state: WorkspaceState, scope: str) -> None:
    """Refuse with ``missing_scope`` unless the bot token has this scope."""
    if scope and scope not in state.seed.scopes:
        raise MethodError("missing_scope", needed=scope, provided=",".join(sorted(state.seed.scopes)))


def known_channel(state: WorkspaceState, name: str) -> Channel:
    """Return the channel of this id, if the bot may know of it."""
    channel = state.channels.get(name)
    if channel is None or (channel.kind != "channel" and state.seed.bot.user not in channel.members):
        raise MethodError("channel_not_found")
    return channel


def joined_channel(state: WorkspaceState, name: str) -> Channel:
    """Return the channel of this id, if the bot is in it."""
    channel = known_channel(state, name)
    if state.seed.bot.user not in channel.members:
        raise MethodError("not_in_channel")
    return channel


def addressed_channel(state: WorkspaceState, name: str) -> Channel:
    """Return the channel that a message is for: by id, by ``#name``, or a person's id for a direct message."""
    if name in state.users:
        return state.direct(name)
    for channel in state.channels.values():
        if channel.kind in {"channel", "group"} and channel.name == name.removeprefix("#"):
            name = channel.id
    channel = known_channel(state, name)
    if state.seed.bot.user not in channel.members and "chat:write.public" not in state.seed.scopes:
        raise MethodError("not_in_channel")
    return channel


def require_open(channel: Channel) -> None:
    """Refuse with ``is_archived`` where nothing may be written any more."""
    if channel.archived:
        raise MethodError("is_archived")


def page(items: list[T], args: Arguments, default: int = 100) -> tuple[list[T], Json]:
    """Cut a list by ``limit`` and ``cursor``; the second value goes into ``response_metadata``."""
    limit = args.number("limit", default) or default
    start = 0
    cursor = args.text("cursor")
    if cursor:
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except (binascii.Error, ValueError) as broken:
            raise MethodError("invalid_cursor") from broken
    following = start + min(limit, 1000)
    more = base64.b64encode(f"next:{following}".encode()).decode() if following < len(items) else ""
    return items[start:following], {"next_cursor": more}
