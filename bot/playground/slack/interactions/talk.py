"""Messages and commands of people and alert senders.

They post, edit, delete, join, leave and archive.
"""

from __future__ import annotations

import copy
import html
import re
import uuid
from collections.abc import Sequence

from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import WEBHOOK, Json, Sender
from bot.playground.slack.state.workspace_state import WorkspaceState

_MENTION = re.compile(r"<@([UW]\w+)(?:\|[^>]*)?>")
_PLACE = frozenset({"type", "ts", "channel", "event_ts", "channel_type", "hidden"})


class Talk:
    """Actions in channels. Text is in Slack's written form: ``&lt;`` for ``<``, ``<@U…>`` for a mention."""

    state: WorkspaceState

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str = "") -> Message:
        """Post a message as a person."""
        known = self.state.channels[channel]
        if user not in known.members or known.archived:
            raise MethodError("is_archived" if known.archived else "not_in_channel")
        body: Json = {"user": user, "text": text, "client_msg_id": str(uuid.uuid4()), "team": self.state.seed.team}
        body["blocks"] = [_as_typed(text)]
        return self.state.post(channel, body | ({"thread_ts": thread_ts} if thread_ts else {}))

    async def alert(
        self,
        channel: str,
        text: str = "",
        *,
        sender: Sender = WEBHOOK,
        blocks: Sequence[Json] = (),
        attachments: Sequence[Json] = (),
        thread_ts: str = "",
    ) -> Message:
        """Post a message as a monitoring sender."""
        body: Json = {**sender.as_author(self.state.seed.team), "text": text}
        if blocks:
            body["blocks"] = list(blocks)
        if attachments:
            body["attachments"] = [{"id": number, **attachment} for number, attachment in enumerate(attachments, 1)]
        return self.state.post(channel, body | ({"thread_ts": thread_ts} if thread_ts else {}))

    async def edit(
        self,
        message: Message,
        text: str | None = None,
        *,
        blocks: Sequence[Json] | None = None,
        attachments: Sequence[Json] | None = None,
    ) -> Message:
        """Edit a message as its author; parts that are not given stay."""
        body = copy.deepcopy(message.body)
        if text is not None:
            body["text"] = text
            if "client_msg_id" in body:
                body["blocks"] = [_as_typed(text)]
        if blocks is not None:
            body["blocks"] = list(blocks)
        if attachments is not None:
            body["attachments"] = [{"id": number, **attachment} for number, attachment in enumerate(attachments, 1)]
        body["edited"] = {"user": message.user or str(message.body.get("bot_id")), "ts": self.state.stamp()}
        self.state.edit(message, body)
        return message

    async def delete(self, message: Message) -> None:
        """Delete a message as its author (or an administrator)."""
        self.state.delete(message)

    async def unfurl(self, message: Message, attachments: Sequence[Json]) -> Message:
        """Add link previews to a message as Slack does: an edit that nobody made."""
        body = copy.deepcopy(message.body)
        body["attachments"] = [*body.get("attachments", ()), *attachments]
        self.state.edit(message, body)
        return message

    async def replay(self, event: Json, channel: str) -> Message:
        """Post what a recorded message event tells, here and now, with a new ts.

        A recorded edit or deletion puts its previous message in place unseen, unless this workspace posted it itself.
        """
        subtype = event.get("subtype")
        if subtype not in {"message_changed", "message_deleted"}:
            message = self.state.post(channel, _without_place(event))
            self.state.replayed[str(event.get("ts"))] = message
            return message
        before = event["previous_message"]
        known = self.state.replayed.get(str(before.get("ts")))
        message = known or self.state.place(channel, _without_place(before))
        self.state.replayed[str(before.get("ts"))] = message
        if subtype == "message_deleted":
            self.state.delete(message)
        else:
            self.state.edit(message, {**_without_place(event["message"]), "type": "message", "ts": message.ts})
        return message

    async def join(self, user: str, channel: str) -> Message:
        """Add a person (or the bot) to a channel, with the line that Slack writes about it."""
        self.state.channels[channel].members.add(user)
        self.state.notify("channel", self.state.channels[channel])
        text = f"<@{user}> has joined the channel"
        return self.state.post(channel, {"subtype": "channel_join", "user": user, "text": text})

    async def leave(self, user: str, channel: str) -> None:
        """Take a person (or the bot) out of a channel."""
        self.state.channels[channel].members.discard(user)
        self.state.notify("channel", self.state.channels[channel])

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        self.state.channels[channel].archived = archived
        self.state.notify("channel", self.state.channels[channel])


def _without_place(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in _PLACE}


def _as_typed(text: str) -> Json:
    parts: list[Json] = []
    for number, piece in enumerate(_MENTION.split(text)):
        if number % 2:
            parts.append({"type": "user", "user_id": piece})
        elif piece:
            parts.append({"type": "text", "text": html.unescape(piece)})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}
