"""Saves the workspace to a file and loads it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bot.adapters.private_files import create_private
from bot.errors import AegisError
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.workspace_state import File, WorkspaceState

MESSAGES_PER_CHANNEL = 500
"""Newest messages of each channel that are kept."""


def save(state: WorkspaceState, path: Path) -> None:
    """Write the messages that stand in ``state``, whole or not at all. Raises ``AegisError`` if it cannot."""
    content = {
        "messages": {channel: [_written(message) for message in _newest(state, channel)] for channel in state.messages},
        "direct": [sorted(channel.members) for channel in state.channels.values() if channel.kind == "im"],
        "files": [{**asdict(file), "content": file.text} for file in state.files.values()],
    }
    beside = path.with_suffix(".new")
    try:
        create_private(beside)
        beside.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise AegisError(
            f"The demo's messages cannot be written to {path}.", hint="Make room there.", detail=str(error)
        ) from error


def load(state: WorkspaceState, path: Path) -> None:
    """Put what ``save`` wrote into ``state``; nothing where no file is. Raises ``AegisError`` for a broken one."""
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for members in content["direct"]:
            state.direct(next(user for user in members if user != state.seed.bot.user))
        for channel, written in content["messages"].items():
            for entry in written:
                body = entry["body"]
                message = Message(
                    channel, body, entry["metadata"], entry["parse"], reactions=entry["reactions"], versions=[body]
                )
                state.put_back(message)
        for entry in content["files"]:
            state.files[entry["id"]] = File(**{**entry, "content": entry["content"].encode()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        raise AegisError(
            f"{path} cannot be understood.", hint=f"Remove {path.parent}; the demo then begins anew.", detail=str(error)
        ) from error


def _newest(state: WorkspaceState, channel: str) -> list[Message]:
    return state.standing(channel)[-MESSAGES_PER_CHANNEL:]


def _written(message: Message) -> dict[str, object]:
    return {
        "body": message.body,
        "metadata": message.metadata,
        "parse": message.parse,
        "reactions": message.reactions,
    }
