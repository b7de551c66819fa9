"""Messages of the local workspace, with their history and controls."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.slack.state.people import Json

_LIVE = re.compile(r"<(?:!(here|channel|everyone)(?:\|[^>]*)?|!subteam\^(S\w+)(?:\|[^>]*)?|@([UW]\w+)(?:\|[^>]*)?)>")
_AUTOMATIC = re.compile(r"(?<![\w`])@(here|channel|everyone)\b")
_READ = frozenset({"text", "pretext", "title", "value", "fallback", "alt_text", "footer"})


class Readable:
    """The visible part of a message or a view; ``body`` is what Slack would return."""

    __slots__ = ()
    body: Json

    @property
    def text(self) -> str:
        """The top-level text."""
        return str(self.body.get("text", ""))

    @property
    def blocks(self) -> list[Json]:
        """The blocks, perhaps none."""
        return list(self.body.get("blocks", ()))

    @property
    def words(self) -> str:
        """All that can be read in the blocks (or, without any, the text and the attachments), line by line."""
        return words(self.body)

    @property
    def buttons(self) -> list[str]:
        """The ``action_id`` of everything that can be pressed, chosen or filled in, in order."""
        return [element["action_id"] for _, element in controls(self.blocks)]


@dataclass(slots=True)
class Message(Readable):
    """One message. ``versions`` holds every body, the newest last."""

    channel: str
    body: Json
    metadata: Json | None = None
    parse: str = "none"
    deleted: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)
    versions: list[Json] = field(default_factory=list)

    @property
    def ts(self) -> str:
        """The message's id within its channel."""
        return str(self.body["ts"])

    @property
    def thread_ts(self) -> str:
        """The thread it is a reply in; empty for a message of the channel itself."""
        thread = str(self.body.get("thread_ts", ""))
        return "" if thread == self.ts else thread

    @property
    def user(self) -> str:
        """The author's user id; empty for a webhook."""
        return str(self.body.get("user", ""))

    @property
    def pings(self) -> set[str]:
        """Whom the message notifies: user ids, group ids, ``here``, ``channel``, ``everyone``."""
        return pings(self.body, self.parse)

    def snapshot(self) -> Message:
        """Return a copy that no edit changes: what somebody still has on the screen."""
        return copy.deepcopy(self)

    def shown(self, *, with_metadata: bool = False) -> Json:
        """Return the message object of conversations.history."""
        body = copy.deepcopy(self.body)
        if self.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if with_metadata and self.metadata is not None:
            body["metadata"] = copy.deepcopy(self.metadata)
        return body


@dataclass(slots=True)
class Ephemeral(Readable):
    """A message that one person alone sees, until it is replaced or the page is loaded again."""

    user: str
    channel: str
    ts: str
    body: Json
    gone: bool = False

    @property
    def thread_ts(self) -> str:
        """The thread in which it is shown, if any."""
        return str(self.body.get("thread_ts", ""))


def controls(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Give every block with each of its elements that carries an ``action_id``."""
    for block in blocks:
        candidates = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def words(body: Mapping[str, Any]) -> str:
    """Give all that can be read, line by line: the blocks, else text and attachments."""
    if body.get("blocks"):
        return "\n".join(_leaves(body["blocks"]))
    return "\n".join(filter(None, [str(body.get("text", "")), *_leaves(body.get("attachments", []))]))


def _leaves(node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        for item in node:
            yield from _leaves(item)
    elif isinstance(node, dict):
        if str(node.get("type", "")).startswith("rich_text_") and node["type"] != "rich_text_list":
            yield "".join(str(part.get("text") or part.get("url") or "") for part in node.get("elements", ()))
            return
        for key, value in node.items():
            if isinstance(value, str):
                if key in _READ and (key != "value" or "title" in node):
                    yield value
            elif isinstance(value, dict | list):
                yield from _leaves(value)


def pings(body: Mapping[str, Any], parse: str = "none") -> set[str]:
    """Return the people whom a body notifies.

    With a ``parse`` other than ``none``, a bare ``@here`` in the text notifies too.
    """
    pinged = _in_text(str(body.get("text", "")), automatic=parse != "none")
    for attachment in body.get("attachments", ()):
        for key in ("text", "pretext", "fallback"):
            pinged |= _in_text(str(attachment.get(key, "")), automatic=parse != "none")
    for node in _nodes(body.get("blocks", [])):
        match node.get("type"):
            case "mrkdwn":
                pinged |= _in_text(str(node.get("text", "")), automatic=not node.get("verbatim", False))
            case "markdown":
                pinged |= _in_text(str(node.get("text", "")), automatic=True)
            case "broadcast":
                pinged.add(str(node.get("range")))
            case "user" | "usergroup":
                pinged.add(str(node.get("user_id") or node.get("usergroup_id")))
    return pinged


def _in_text(text: str, *, automatic: bool) -> set[str]:
    mentions = {next(filter(None, match.groups())) for match in _LIVE.finditer(text)}
    return mentions | set(_AUTOMATIC.findall(text)) if automatic else mentions


def _nodes(node: Any) -> Iterator[Json]:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)
