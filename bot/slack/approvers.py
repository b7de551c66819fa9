"""Checks with Slack at every press whether a person is an approver."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain import refusals
from bot.domain.eligibility import EVERYBODY, Ineligible, eligibility, workspaces
from bot.domain.guard import Permit, Refusal, RefusalReason
from bot.domain.incident import Press
from bot.errors import SlackError
from bot.slack.connection.web_api import WebApi
from bot.slack.members import Members

log = logging.getLogger(__name__)

APPROVER_CHECK_TIMEOUT_S = 2.5
"""Seconds for all questions of one press: the presser waits."""

MOST_MEMBER_PAGES = 20
"""Pages of 1,000 members that are read to find out whether somebody is in a channel."""

_REFUSALS = {
    Ineligible.DEACTIVATED: refusals.DEACTIVATED,
    Ineligible.BOT: refusals.BOT,
    Ineligible.GUEST: refusals.GUEST,
    Ineligible.WORKSPACE: refusals.WORKSPACE,
}


class SlackApprovers:
    """Implements ``ports.Approvers``.

    ``configured`` are ids of users (``U…``, ``W…``) and user groups (``S…``), or ``*`` for every member of one of the
    alert ``channels``, wherever the card is. ``team`` is the id of Aegis's own workspace. ``time_limit`` in seconds.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        configured: Sequence[str],
        *,
        team: str,
        channels: Sequence[str] = (),
        time_limit: float = APPROVER_CHECK_TIMEOUT_S,
    ) -> None:
        self._api = WebApi(client, patience=0.0)
        self._members = Members(client, team)
        self._configured = tuple(dict.fromkeys(entry.strip() for entry in configured if entry.strip()))
        self._team = team
        self._channels = tuple(channels)
        self._time_limit = time_limit

    def names(self) -> tuple[str, ...]:
        """Return the ids of users and user groups who may, or ``*``, as they stand in the settings."""
        return self._configured

    async def check(self, press: Press) -> Permit | Refusal:
        """Return a permit if this person may press. An empty list, no answer from Slack or no permission refuses."""
        if not self._configured:
            return Refusal(RefusalReason.APPROVERS, refusals.NO_APPROVERS)
        if not press.user or not self._team or not press.team:
            return Refusal(RefusalReason.WORKSPACE, _REFUSALS[Ineligible.WORKSPACE])
        try:
            async with asyncio.timeout(self._time_limit):
                return await self._stranger(press) or await self._listed(press)
        except TimeoutError:
            return Refusal(RefusalReason.UNKNOWN, refusals.IDENTITY_TIMED_OUT)
        except SlackError as error:
            log.warning("approvers could not be looked up: %s (%s)", error.sentence, error.detail)
            return Refusal(RefusalReason.UNKNOWN, refusals.approvers_unchecked(error.sentence))

    async def _stranger(self, press: Press) -> Refusal | None:
        """Refuse whoever is no full, active, human member of this workspace, whatever the list says."""
        user = await self._members.user(press.user)
        if not user:
            return Refusal(RefusalReason.UNKNOWN, refusals.IDENTITY_UNKNOWN)
        why = eligibility(user, self._team)
        if why is None and press.team not in workspaces(user):
            why = Ineligible.WORKSPACE
        return Refusal(RefusalReason(why.value), _REFUSALS[why]) if why else None

    async def _listed(self, press: Press) -> Permit | Refusal:
        if press.user in self._configured:
            return Permit()
        groups = [entry for entry in self._configured if entry.startswith("S")]
        ways = [self._in_group(group, press.user) for group in groups]
        if EVERYBODY in self._configured:
            ways += [self._in_channel(channel, press.user) for channel in self._channels]
        answers = await asyncio.gather(*ways, return_exceptions=True)
        if True in answers:
            return Permit()
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        if EVERYBODY in self._configured:
            return Refusal(RefusalReason.APPROVERS, refusals.NOT_IN_ALERT_CHANNEL)
        return Refusal(RefusalReason.APPROVERS, refusals.NOT_AN_APPROVER)

    async def _in_group(self, group: str, user: str) -> bool:
        answer = await self._api.call(self._api.slack.usergroups_users_list, again=True, usergroup=group)
        return user in (answer.get("users") or ())

    async def _in_channel(self, channel: str, user: str) -> bool:
        cursor = ""
        for _ in range(MOST_MEMBER_PAGES):
            answer = await self._api.call(
                self._api.slack.conversations_members,
                again=True,
                channel=channel,
                limit=1000,
                cursor=cursor or None,
            )
            if user in (answer.get("members") or ()):
                return True
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return False
        return False
