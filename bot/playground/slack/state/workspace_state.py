"""The state of the local workspace, and its subscribers.

No network here.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.clock import Clock, Pace
from bot.playground.slack.state.grants import Grants
from bot.playground.slack.state.messages import Ephemeral, Message
from bot.playground.slack.state.people import Channel, Json, Seed, User
from bot.playground.slack.state.views import Views, with_block_ids


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened; ``subject`` is what it happened to: a Message, Ephemeral, View, Call, Delivery and so on.

    ``kind`` is one of ``message``, ``edit``, ``delete``, ``ephemeral``, ``ephemeral_edit``, ``reaction``, ``view``,
    ``view_edit``, ``view_closed``, ``home``, ``file``, ``channel``, ``call``, ``connection``, ``delivery``,
    ``acknowledged``.
    """

    kind: str
    at: float
    subject: object


@dataclass(slots=True)
class File:
    """An uploaded file; ``channel`` is empty until the upload is completed."""

    id: str
    name: str
    length: int
    title: str = ""
    content: bytes | None = None
    channel: str = ""
    thread_ts: str = ""
    comment: str = ""
    snippet_type: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        return (self.content or b"").decode("utf-8", "replace")

    def as_slack(self, url: str) -> Json:
        """Return the file object."""
        shown: Json = {"id": self.id, "name": self.name, "title": self.title or self.name, "size": self.length}
        return shown | {"permalink": f"{url}/files/{self.id}", "url_private": f"{url}/files/{self.id}"}


class WorkspaceState:
    """The workspace's contents. Methods change it and call every subscriber; they check no permissions."""

    def __init__(self, seed: Seed, clock: Clock, pace: Pace) -> None:
        self.seed = seed
        self.clock = clock
        self.pace = pace
        self.url = ""
        self.users = {user.id: user for user in seed.users}
        self.users.setdefault(seed.bot.user, User(seed.bot.user, seed.bot.name, is_bot=True))
        self.channels = {channel.id: channel for channel in seed.channels}
        self.groups = {group.id: group for group in seed.groups}
        self.messages: defaultdict[str, dict[str, Message]] = defaultdict(dict)
        self._replies: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self.ephemerals: list[Ephemeral] = []
        self.files: dict[str, File] = {}
        self.views = Views(seed)
        self.grants = Grants(clock, pace)
        self.replayed: dict[str, Message] = {}
        self.revoked: set[str] = set()
        self._last_ts = 0
        self._subscribers: list[Callable[[Change], None]] = []

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback`` at every change, from now until the returned function is called."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def notify(self, kind: str, subject: object) -> None:
        """Call every subscriber with a change."""
        change = Change(kind, self.clock.now(), subject)
        for callback in list(self._subscribers):
            callback(change)

    def stamp(self) -> str:
        """Return a new ts, later than every other."""
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"

    def message(self, channel: str, ts: str) -> Message:
        """Return a message that is there; ``message_not_found`` otherwise."""
        message = self.messages[channel].get(ts)
        if message is None or message.deleted:
            raise MethodError("message_not_found")
        return message

    def standing(self, channel: str) -> list[Message]:
        """Return the messages of a channel that are not deleted, replies too, oldest first."""
        return [message for message in self.messages[channel].values() if not message.deleted]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """Return the replies to a message that are not deleted, oldest first."""
        return [message for message in self._replies[channel, ts] if not message.deleted]

    def direct(self, user: str) -> Channel:
        """Return the direct conversation of a person with the bot, opening it the first time."""
        name = f"D{user[1:]}"
        if name not in self.channels:
            self.channels[name] = Channel(name, "directmessage", {user, self.seed.bot.user}, kind="im")
        return self.channels[name]

    def post(self, channel: str, body: Json, *, metadata: Json | None = None, parse: str = "none") -> Message:
        """Put a message into a channel; ``body`` holds all but type and ts."""
        message = self.place(channel, body, metadata=metadata, parse=parse)
        self.notify("message", message)
        return message

    def place(self, channel: str, body: Json, *, metadata: Json | None = None, parse: str = "none") -> Message:
        """Put a message into a channel without calling any subscriber."""
        full: Json = {"type": "message", **copy.deepcopy(body), "ts": self.stamp()}
        if "blocks" in full:
            full["blocks"] = with_block_ids(full["blocks"])
        parent = self.messages[channel].get(full.get("thread_ts", ""))
        message = Message(channel, full, copy.deepcopy(metadata), parse)
        message.versions.append(copy.deepcopy(full))
        self._keep(message)
        if parent is not None and not parent.deleted:
            self._count_reply(parent, message)
        return message

    def put_back(self, message: Message) -> None:
        """Restore a message of an earlier run; every later ``ts`` comes after it."""
        seconds, millionths = message.ts.split(".")
        self._last_ts = max(self._last_ts, int(seconds) * 1_000_000 + int(millionths))
        self._keep(message)

    def _keep(self, message: Message) -> None:
        self.messages[message.channel][message.ts] = message
        if message.thread_ts:
            self._replies[message.channel, message.thread_ts].append(message)

    def _count_reply(self, parent: Message, reply: Message) -> None:
        author = reply.user or str(reply.body.get("bot_id", ""))
        reply.body["parent_user_id"] = parent.user
        users = [*parent.body.get("reply_users", ()), author]
        parent.body |= {
            "thread_ts": parent.ts,
            "reply_count": parent.body.get("reply_count", 0) + 1,
            "reply_users": list(dict.fromkeys(users)),
            "latest_reply": reply.ts,
        }
        parent.body["reply_users_count"] = len(parent.body["reply_users"])

    def edit(self, message: Message, body: Json, *, parse: str = "none") -> None:
        """Give a message another body; its ts and thread stay."""
        message.body = copy.deepcopy(body)
        if "blocks" in message.body:
            message.body["blocks"] = with_block_ids(message.body["blocks"])
        message.parse = parse
        message.versions.append(copy.deepcopy(message.body))
        self.notify("edit", message)

    def delete(self, message: Message) -> None:
        """Take a message away."""
        message.deleted = True
        self.notify("delete", message)

    def whisper(self, user: str, channel: str, body: Json) -> Ephemeral:
        """Show a message to one person alone."""
        full: Json = {"type": "message", **copy.deepcopy(body)}
        if "blocks" in full:
            full["blocks"] = with_block_ids(full["blocks"])
        note = Ephemeral(user, channel, self.stamp(), full)
        self.ephemerals.append(note)
        self.notify("ephemeral", note)
        return note

    def rewrite(self, note: Ephemeral, body: Json | None) -> None:
        """Replace what one person sees, or (``None``) take it away."""
        note.gone = body is None
        if body is not None:
            note.body = {"type": "message", **copy.deepcopy(body)}
            if "blocks" in note.body:
                note.body["blocks"] = with_block_ids(note.body["blocks"])
        self.notify("ephemeral_edit", note)

    def react(self, message: Message, user: str, name: str) -> None:
        """Put a reaction on a message."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise MethodError("already_reacted")
        users.append(user)
        self.notify("reaction", message)
