"""Short-lived permissions that come with a payload.

A ``trigger_id`` opens one modal; a ``response_url`` takes answers for a while.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.clock import Clock, Pace
from bot.playground.slack.state.messages import Ephemeral, Message


@dataclass(slots=True)
class Trigger:
    """One trigger_id: whose, since when, and whether it was used."""

    id: str
    user: str
    at: float
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """One response_url: who caused it, where, and the message that it may replace."""

    id: str
    user: str
    channel: str
    at: float
    source: Message | Ephemeral | None = None
    uses: int = 0


class Grants:
    """All trigger_ids and response_urls that were ever given out."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: str) -> str:
        """Return a new trigger_id."""
        name = f"{len(self.triggers) + 1}.{int(self._clock.now())}.{secrets.token_hex(16)}"
        self.triggers[name] = Trigger(name, user, self._clock.now())
        return name

    def exchange(self, name: str) -> str:
        """Use a trigger_id up and return whose it was; Slack's code for a late, used or unknown one."""
        trigger = self.triggers.get(name)
        if trigger is None:
            raise MethodError("invalid_trigger_id")
        if trigger.used:
            raise MethodError("exchanged_trigger_id")
        if self._clock.now() - trigger.at > self._pace.trigger:
            raise MethodError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def response_url(self, user: str, channel: str, source: Message | Ephemeral | None = None) -> ResponseUrl:
        """Return a new response_url's record; its ``id`` is the last part of the address."""
        grant = ResponseUrl(secrets.token_hex(12), user, channel, self._clock.now(), source)
        self.response_urls[grant.id] = grant
        return grant

    def respond(self, name: str) -> ResponseUrl:
        """Count one answer by a response_url; five within thirty minutes are allowed."""
        grant = self.response_urls.get(name)
        if grant is None or self._clock.now() - grant.at > self._pace.response_url:
            raise MethodError("expired_url")
        if grant.uses >= 5:
            raise MethodError("used_url")
        grant.uses += 1
        return grant
