"""The methods chat.* and reactions.*: what the bot says."""

from __future__ import annotations

import copy
import re
from typing import Any

from bot.playground.slack.checks import Method, addressed_channel, joined_channel, known_channel, require_open
from bot.playground.slack.methods.blocks import check_blocks
from bot.playground.slack.state.arguments import Arguments, MethodError, invalid_arguments
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import Channel, Json
from bot.playground.slack.state.workspace_state import WorkspaceState


def content(args: Arguments) -> Json:
    """Return text, blocks and attachments as far as they were passed, their form checked."""
    fields: Json = {}
    if args.has("text"):
        fields["text"] = args.text("text")
    if args.has("markdown_text"):
        if fields.get("text") or args.has("blocks"):
            raise MethodError("markdown_text_conflict")
        fields["text"] = args.text("markdown_text")
        if len(fields["text"]) > 12_000:
            raise MethodError("msg_too_long")
    if args.has("blocks"):
        fields["blocks"] = args.structure("blocks", "invalid_blocks_format")
        check_blocks(fields["blocks"])
    if args.has("attachments"):
        fields["attachments"] = _attachments(args.structure("attachments", "invalid_attachments"))
    return fields


def _attachments(attachments: Any) -> list[Json]:  # noqa: ANN401 - any JSON value
    if not isinstance(attachments, list) or not all(isinstance(attachment, dict) for attachment in attachments):
        raise MethodError("invalid_attachments")
    if len(attachments) > 100:
        raise MethodError("too_many_attachments")
    for attachment in attachments:
        if "blocks" in attachment:
            check_blocks(attachment["blocks"])
    return [{"id": number, **attachment} for number, attachment in enumerate(attachments, 1)]


def says_something(body: Json) -> Json:
    """Return the body without its empty parts; ``no_text`` where nothing is left."""
    filled = {name: value for name, value in body.items() if value}
    if not filled:
        raise MethodError("no_text")
    return {"text": "", **filled}


def _parse(args: Arguments, default: str) -> str:
    return "full" if args.flag("link_names") else args.text("parse", default)


def _metadata(args: Arguments) -> Json | None:
    if not args.has("metadata"):
        return None
    metadata = args.structure("metadata", "invalid_metadata_format")
    if not isinstance(metadata, dict):
        raise MethodError("invalid_metadata_format")
    if metadata and not {"event_type", "event_payload"} <= metadata.keys():
        raise MethodError("invalid_metadata_schema")
    return metadata


def thread_of(state: WorkspaceState, channel: Channel, args: Arguments) -> Json:
    """Return the ``thread_ts`` field; the thread's first message must be there."""
    thread = args.text("thread_ts")
    if not thread:
        return {}
    parent = state.messages[channel.id].get(thread)
    if parent is None or parent.deleted or parent.thread_ts:
        raise MethodError("thread_not_found")
    return {"thread_ts": thread}


def post_message(state: WorkspaceState, args: Arguments) -> Json:
    """chat.postMessage."""
    channel = addressed_channel(state, args.required("channel"))
    require_open(channel)
    body = says_something(content(args))
    body["text"] = body["text"][:40_000]
    body |= thread_of(state, channel, args)
    if args.flag("reply_broadcast") and "thread_ts" in body:
        body["subtype"] = "thread_broadcast"
    body |= state.seed.bot.as_author(state.seed.team)
    message = state.post(channel.id, body, metadata=_metadata(args), parse=_parse(args, "none"))
    return {"channel": channel.id, "ts": message.ts, "message": message.shown()}


def update(state: WorkspaceState, args: Arguments) -> Json:
    """chat.update: text alone drops the blocks; neither keeps them; ``metadata`` stays unless it is passed."""
    message = _own(state, args, "cant_update_message")
    new = content(args)
    if not new and not args.has("metadata"):
        raise MethodError("no_text")
    if len(new.get("text", "")) > 4_000:
        raise MethodError("msg_too_long")
    body = copy.deepcopy(message.body)
    if "text" in new and "blocks" not in new:
        body.pop("blocks", None)
    body |= new
    for name in ("blocks", "attachments"):
        if not body.get(name):
            body.pop(name, None)
    if not (body.get("text") or body.get("blocks") or body.get("attachments")):
        raise MethodError("no_text")
    if not body.get("blocks"):
        body["edited"] = {"user": state.seed.bot.user, "ts": state.stamp()}
    metadata = _metadata(args)
    if metadata is not None:
        message.metadata = metadata or None
    state.edit(message, body, parse=_parse(args, "client"))
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.shown()}


def delete(state: WorkspaceState, args: Arguments) -> Json:
    """chat.delete."""
    message = _own(state, args, "cant_delete_message")
    state.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def _own(state: WorkspaceState, args: Arguments, refusal: str) -> Message:
    channel = known_channel(state, args.required("channel"))
    message = state.message(channel.id, args.required("ts"))
    require_open(channel)
    if message.body.get("bot_id") != state.seed.bot.bot_id:
        raise MethodError(refusal)
    return message


def post_ephemeral(state: WorkspaceState, args: Arguments) -> Json:
    """chat.postEphemeral."""
    channel = joined_channel(state, args.required("channel"))
    require_open(channel)
    user = args.required("user")
    if user not in channel.members:
        raise MethodError("user_not_in_channel")
    body = says_something(content(args))
    if len(body["text"].encode()) > 4_000:
        raise MethodError("msg_too_long")
    body |= thread_of(state, channel, args)
    note = state.whisper(user, channel.id, body | state.seed.bot.as_author(state.seed.team))
    return {"message_ts": note.ts}


def permalink(state: WorkspaceState, args: Arguments) -> Json:
    """chat.getPermalink."""
    channel = known_channel(state, args.required("channel"))
    message = state.message(channel.id, args.required("message_ts"))
    address = f"{state.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}


def add_reaction(state: WorkspaceState, args: Arguments) -> Json:
    """reactions.add."""
    name = args.required("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?", name):
        raise MethodError("invalid_name")
    if not args.text("timestamp"):
        raise invalid_arguments("missing required field: timestamp")
    channel = joined_channel(state, args.required("channel"))
    require_open(channel)
    state.react(state.message(channel.id, args.text("timestamp")), state.seed.bot.user, name)
    return {}


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write"),
    "chat.update": Method(update, "chat:write"),
    "chat.delete": Method(delete, "chat:write"),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write"),
    "chat.getPermalink": Method(permalink),
    "reactions.add": Method(add_reaction, "reactions:write"),
}
