"""Slack's Web API in memory, under the real client's names: messages that stand, edits, people's private notes.

What is sent is held against Slack's limits and Aegis's promises as it comes: nobody is called by outside text, and no
secret is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.playground.slack.state.messages import controls, pings
from tests.faults.simulation.stage import Stage
from tests.slack.blockkit import check_blocks, check_markup

POST, EDIT, READ, NOTE = "slack post", "slack edit", "slack read", "slack note"
FAULTS = ("lost", "lost after", "refused connection", "slow down", "slow down for long", "internal", "archived")

SECRET = "s3cr3t-Hunter2-value"  # no secret: it is planted, and must not arrive
KNOWN = frozenset({"U0ONCALL", "U0SECOND", "U0STRANGER", "S0ONCALL"})
"""Whom Aegis may mention: who pressed or asked, the approvers, the escalation."""


@dataclass
class _Answer:
    """What the SDK's errors carry."""

    status_code: int
    data: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class MemorySlack:
    """Stands in for ``AsyncWebClient``."""

    stage: Stage
    channel: str = "C0ALERTS"
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What stands in the channel, by ts."""
    retry_handlers: list[Any] = field(default_factory=list)
    _last: int = 0

    def __copy__(self) -> MemorySlack:
        return self  # the bot's copy is to see the same channel

    def said_by_a_sender(self) -> str:
        """Let a monitoring sender say something; return its ts."""
        return self._stand({"user": "U0MONITOR", "text": "an alert"}, "")

    def delete(self, ts: str) -> None:
        """Let somebody delete a message."""
        self.messages.pop(ts, None)

    def cards(self, incident: str = "") -> list[dict[str, Any]]:
        """Return the cards that stand, of one incident or all."""
        found = []
        for message in self.messages.values():
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("part") == "card" and incident in ("", payload.get("incident")):
                found.append(message)
        return found

    def acts(self, ts: str) -> bool:
        """Say whether a message has a button that restarts."""
        blocks = list(self.messages.get(ts, {}).get("blocks") or ())
        return any(element["action_id"] == "restart" for _, element in controls(blocks))

    # What the bot calls.

    async def chat_postMessage(self, **said: Any) -> Mapping[str, Any]:  # noqa: N802 - the SDK's name
        async with self.stage.effect(POST) as fault:
            before(fault)
            self._look_at(said)
            ts = self._stand({"bot_id": "B0AEGIS", "user": "U0AEGIS", **said}, said.get("thread_ts") or "")
            after(fault)
            return {"ok": True, "ts": ts}

    async def chat_update(self, **said: Any) -> Mapping[str, Any]:
        async with self.stage.effect(EDIT) as fault:
            before(fault)
            self._look_at(said)
            if said["ts"] not in self.messages:
                raise _refused("message_not_found")
            self.messages[said["ts"]] |= {"text": said["text"], "blocks": said["blocks"]}
            after(fault)
            return {"ok": True, "ts": said["ts"]}

    async def conversations_replies(self, **asked: Any) -> Mapping[str, Any]:
        async with self.stage.effect(READ) as fault:
            before(fault)
            thread = [one for one in self.messages.values() if asked["ts"] in (one["ts"], one.get("thread_ts"))]
            if not thread:
                raise _refused("thread_not_found")
            return {"ok": True, "messages": thread}

    async def conversations_history(self, **asked: Any) -> Mapping[str, Any]:
        async with self.stage.effect(READ) as fault:
            before(fault)
            oldest = float(asked["oldest"])
            said = [one for one in self.messages.values() if not one.get("thread_ts") and float(one["ts"]) >= oldest]
            return {"ok": True, "messages": said[::-1]}

    async def chat_postEphemeral(self, **said: Any) -> Mapping[str, Any]:  # noqa: N802 - the SDK's name
        async with self.stage.effect(NOTE) as fault:
            before(fault)
            self._look_at(said)
            return {"ok": True}

    async def chat_getPermalink(self, **asked: Any) -> Mapping[str, Any]:  # noqa: N802 - the SDK's name
        async with self.stage.effect(READ) as fault:
            before(fault)
            if asked["message_ts"] not in self.messages:
                raise _refused("message_not_found")
            return {"ok": True, "permalink": f"https://aegis.slack.com/archives/{asked['channel']}/p1"}

    async def reactions_add(self, **_: Any) -> Mapping[str, Any]:
        async with self.stage.effect(NOTE) as fault:
            before(fault)
            return {"ok": True}

    def _stand(self, body: dict[str, Any], thread: str) -> str:
        at = max(int(self.stage.true_time().timestamp() * 1e6), self._last + 1)
        self._last = at
        ts = f"{at // 1_000_000}.{at % 1_000_000:06d}"
        self.messages[ts] = {**body, "ts": ts, "thread_ts": thread}
        return ts

    def _look_at(self, said: Mapping[str, Any]) -> None:
        """Hold what is sent against the promises."""
        wrong = pings({"text": said["text"], "blocks": said.get("blocks") or ()}) - KNOWN
        if wrong:
            self.stage.broken.append(f"outside text calls {wrong}: {said}")
        if SECRET in json.dumps(said, default=str):
            self.stage.broken.append(f"a secret was sent: {said}")
        try:
            check_markup(said["text"])
            if said.get("blocks"):
                check_blocks(said["blocks"])
        except AssertionError as error:
            self.stage.broken.append(f"Slack would refuse this, or see markup in it: {error} {said}")


def before(fault: str) -> None:
    """Raise what the SDK raises where nothing was done."""
    if fault == "lost":
        raise aiohttp.ServerDisconnectedError
    if fault == "refused connection":
        key = aiohttp.client_reqrep.ConnectionKey("slack.com", 443, True, True, None, None, None)
        raise aiohttp.ClientConnectorError(key, OSError("refused"))
    if fault.startswith("slow down"):
        seconds = "600" if fault.endswith("long") else "2"
        raise SlackApiError("", _Answer(429, {"error": "ratelimited"}, {"Retry-After": seconds}))
    if fault == "internal":
        raise _refused("internal_error")
    if fault == "archived":
        raise _refused("is_archived")


def after(fault: str) -> None:
    """Raise what the SDK raises where it was done, and the answer was lost."""
    if fault == "lost after":
        raise aiohttp.ServerDisconnectedError


def _refused(code: str) -> SlackApiError:
    return SlackApiError(code, _Answer(200, {"ok": False, "error": code}))
