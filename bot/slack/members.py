"""Looks up who somebody is in Slack, without a cache."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain import refusals
from bot.domain.eligibility import eligibility
from bot.domain.guard import Refusal, RefusalReason
from bot.errors import SlackError
from bot.slack.connection.web_api import WebApi

log = logging.getLogger(__name__)

TIME_LIMIT_S = 2.5
"""For the question who somebody is: a person waits for the answer."""

MEMBERS_ONLY = refusals.MEMBERS_ONLY


class Members:
    """Asks Slack who somebody is. ``team`` is the id of Aegis's own workspace."""

    def __init__(self, client: AsyncWebClient, team: str, *, time_limit: float = TIME_LIMIT_S) -> None:
        self._api = WebApi(client, patience=0.0)
        self._team = team
        self._time_limit = time_limit

    async def user(self, user: str) -> Mapping[str, Any]:
        """Return Slack's user object, empty where Slack describes another person. Raises ``SlackError``."""
        answer = await self._api.call(self._api.slack.users_info, again=True, user=user)
        found = answer.get("user")
        return found if isinstance(found, Mapping) and found.get("id") == user else {}

    async def refusal(self, user: str) -> Refusal | None:
        """Return why Aegis shows and does nothing for this person, or ``None``; without an answer, it refuses."""
        try:
            async with asyncio.timeout(self._time_limit):
                found = await self.user(user) if user else {}
        except TimeoutError:
            return Refusal(RefusalReason.UNKNOWN, refusals.MEMBER_TIMED_OUT)
        except SlackError as error:
            log.warning("a person could not be looked up: %s (%s)", error.sentence, error.detail)
            return Refusal(RefusalReason.UNKNOWN, refusals.member_unchecked(error.sentence))
        if not found:
            return Refusal(RefusalReason.UNKNOWN, refusals.MEMBER_UNKNOWN)
        why = eligibility(found, self._team)
        return Refusal(RefusalReason(why.value), MEMBERS_ONLY) if why else None
