"""The methods that look around: auth.test, conversations.*, users.*, usergroups.*, bots.info."""

from __future__ import annotations

from collections.abc import Callable

from bot.playground.slack.checks import SCOPE_OF, Method, joined_channel, known_channel, page, require_scope
from bot.playground.slack.state.arguments import Arguments, MethodError
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.workspace_state import WorkspaceState


def auth_test(state: WorkspaceState, _args: Arguments) -> Json:
    """auth.test."""
    seed = state.seed
    who: Json = {"url": f"{state.url}/", "team": seed.domain, "user": seed.bot.name, "team_id": seed.team}
    return who | {"user_id": seed.bot.user, "bot_id": seed.bot.bot_id, "is_enterprise_install": False}


def conversation_info(state: WorkspaceState, args: Arguments) -> Json:
    """conversations.info."""
    channel = known_channel(state, args.required("channel"))
    require_scope(state, f"{SCOPE_OF[channel.kind]}:read")
    return {"channel": channel.as_slack(state.seed.bot.user)}


def conversation_list(state: WorkspaceState, args: Arguments) -> Json:
    """conversations.list: public channels, unless ``types`` names others; private ones only where the bot is in."""
    return _channels(state, args, lambda channel: channel.kind == "channel" or state.seed.bot.user in channel.members)


def users_conversations(state: WorkspaceState, args: Arguments) -> Json:
    """users.conversations: where the bot (or ``user``, as far as the bot can see) is in."""
    user = args.text("user", state.seed.bot.user)
    if user not in {*state.users, state.seed.bot.user}:
        raise MethodError("user_not_found")
    own = state.seed.bot.user
    return _channels(
        state, args, lambda channel: user in channel.members and (channel.kind == "channel" or own in channel.members)
    )


_KIND_OF = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def _channels(state: WorkspaceState, args: Arguments, seen: Callable[[Channel], bool]) -> Json:
    kinds = []
    for name in args.text("types", "public_channel").split(","):
        if name.strip() not in _KIND_OF:
            raise MethodError("invalid_types")
        kinds.append(_KIND_OF[name.strip()])
        require_scope(state, f"{SCOPE_OF[kinds[-1]]}:read")
    channels = [channel for channel in state.channels.values() if channel.kind in kinds and seen(channel)]
    if args.flag("exclude_archived"):
        channels = [channel for channel in channels if not channel.archived]
    part, metadata = page(channels, args)
    return {"channels": [channel.as_slack(state.seed.bot.user) for channel in part], "response_metadata": metadata}


def members(state: WorkspaceState, args: Arguments) -> Json:
    """conversations.members."""
    channel = known_channel(state, args.required("channel"))
    require_scope(state, f"{SCOPE_OF[channel.kind]}:read")
    part, metadata = page(sorted(channel.members), args)
    return {"members": part, "response_metadata": metadata}


def history(state: WorkspaceState, args: Arguments) -> Json:
    """conversations.history: newest first, without replies that were not sent to the channel too."""
    channel = joined_channel(state, args.required("channel"))
    require_scope(state, f"{SCOPE_OF[channel.kind]}:history")
    messages = [
        message
        for message in state.standing(channel.id)
        if not message.thread_ts or message.body.get("subtype") == "thread_broadcast"
    ]
    return _messages(_between(messages, args)[::-1], args)


def replies(state: WorkspaceState, args: Arguments) -> Json:
    """conversations.replies: the thread's first message and its replies, oldest first."""
    channel = joined_channel(state, args.required("channel"))
    require_scope(state, f"{SCOPE_OF[channel.kind]}:history")
    named = state.messages[channel.id].get(args.required("ts"))
    if named is None or named.deleted:
        raise MethodError("thread_not_found")
    root = named.thread_ts or named.ts
    first = state.messages[channel.id].get(root)
    parent = [first] if first is not None and not first.deleted else []
    return _messages(parent + _between(state.replies(channel.id, root), args), args)


def _between(messages: list[Message], args: Arguments) -> list[Message]:
    oldest, latest = args.text("oldest", "0"), args.text("latest") or "9999999999.999999"
    try:
        low, high = _micros(oldest), _micros(latest)
    except ValueError as broken:
        raise MethodError("invalid_ts_oldest" if args.has("oldest") else "invalid_ts_latest") from broken
    if args.flag("inclusive"):
        low, high = low - 1, high + 1
    return [message for message in messages if low < _micros(message.ts) < high]


def _micros(ts: str) -> int:
    """Read a ts without the rounding of a float."""
    whole, _, fraction = ts.partition(".")
    return int(whole or 0) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _messages(messages: list[Message], args: Arguments) -> Json:
    part, metadata = page(messages, args, default=1000 if args.has("ts") else 100)
    shown = [message.shown(with_metadata=args.flag("include_all_metadata")) for message in part]
    return {"messages": shown, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def user_info(state: WorkspaceState, args: Arguments) -> Json:
    """users.info."""
    user = state.users.get(args.required("user"))
    if user is None:
        raise MethodError("user_not_found")
    return {"user": user.as_slack(state.seed.team)}


def user_list(state: WorkspaceState, args: Arguments) -> Json:
    """users.list."""
    part, metadata = page(list(state.users.values()), args, default=1000)
    return {"members": [user.as_slack(state.seed.team) for user in part], "response_metadata": metadata}


def group_list(state: WorkspaceState, args: Arguments) -> Json:
    """usergroups.list."""
    wanted = [group for group in state.groups.values() if args.flag("include_disabled") or not group.disabled]
    shown = [group.as_slack(state.seed.team, with_users=args.flag("include_users")) for group in wanted]
    return {"usergroups": shown}


def group_users(state: WorkspaceState, args: Arguments) -> Json:
    """usergroups.users.list."""
    group = state.groups.get(args.required("usergroup"))
    if group is None or (group.disabled and not args.flag("include_disabled")):
        raise MethodError("no_such_subteam")
    return {"users": list(group.users)}


def bot_info(state: WorkspaceState, args: Arguments) -> Json:
    """bots.info."""
    bot = state.seed.bot
    if args.text("bot", bot.bot_id) != bot.bot_id:
        raise MethodError("bot_not_found")
    known: Json = {"id": bot.bot_id, "deleted": False, "name": bot.name, "updated": 1_780_000_000}
    return {"bot": known | {"app_id": bot.app_id, "user_id": bot.user, "icons": {}}}


METHODS = {
    "auth.test": Method(auth_test),
    "conversations.info": Method(conversation_info),
    "conversations.list": Method(conversation_list),
    "conversations.members": Method(members),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "users.conversations": Method(users_conversations),
    "users.info": Method(user_info, "users:read"),
    "users.list": Method(user_list, "users:read"),
    "usergroups.list": Method(group_list, "usergroups:read"),
    "usergroups.users.list": Method(group_users, "usergroups:read"),
    "bots.info": Method(bot_info, "users:read"),
}
