"""Checks of Slack: tokens, scopes, channels and approvers.

They only read; nothing in Slack changes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.doctor.check import SKIPPED, Check, run_check
from bot.domain.eligibility import EVERYBODY, Ineligible, eligibility
from bot.errors import AegisError, SlackError
from bot.settings import TOKENS, Settings
from bot.slack.approvers import MOST_MEMBER_PAGES
from bot.slack.connection.web_api import (
    NO_ANSWER,
    RATE_LIMITED,
    SLACK,
    UNREACHABLE,
    Identity,
    WebApi,
    identify,
    web_client,
)

SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
"""The bot scopes of manifest.yml."""

_INELIGIBLE = {
    Ineligible.DEACTIVATED: "This account is deactivated.",
    Ineligible.BOT: "This is a bot, and only a person can approve.",
    Ineligible.GUEST: "This is a guest, and guests cannot approve.",
    Ineligible.WORKSPACE: "This person belongs to another workspace.",
}


async def run_checks(settings: Settings) -> AsyncIterator[Check]:
    """Check tokens, scopes, channels and people, in the order in which failures should be fixed."""
    bot_token, app_token = (token.get_secret_value() for token in (settings.slack_bot_token, settings.slack_app_token))
    people = [(f"approver {person}", person, "AEGIS_APPROVERS") for person in settings.aegis_approvers]
    people += [(f"escalation {person}", person, "AEGIS_ESCALATION") for person in settings.aegis_escalation]
    async with web_client(bot_token, settings.slack_api_url or SLACK) as client:
        api = WebApi(client, patience=5.0)
        bot_check, own = await _identified(bot_token, client)
        yield bot_check
        yield _scopes(own)
        yield await run_check("app token", _socket_mode, app_token, api)
        if own is None:
            for name in ("channels", *(name for name, _, _ in people)):
                yield Check(name, None, SKIPPED)
            return
        if not settings.aegis_alert_channels:
            yield await run_check("channels", _joined_channels, api)
        for channel in settings.aegis_alert_channels:
            yield await run_check(f"channel {channel}", _channel, channel, api)
        for name, person, setting in people:
            if person == EVERYBODY:
                yield await run_check(name, _members, settings.aegis_alert_channels, api)
            elif person.startswith("S"):
                yield await run_check(name, _group, person, setting, api)
            else:
                yield await run_check(name, _person, person, setting, own.team_id, api)


async def _identified(token: str, client: AsyncWebClient) -> tuple[Check, Identity | None]:
    try:
        _require("SLACK_BOT_TOKEN", token)
        own = await identify(client)
    except AegisError as error:
        return Check("bot token", False, error.message, error.hint), None
    return Check("bot token", True, f"Aegis is {own.bot_user_id} in {own.team_id}"), own


def _scopes(own: Identity | None) -> Check:
    if own is None:
        return Check("scopes", None, SKIPPED)
    if not own.scopes:
        return Check("scopes", None, "Slack did not report the scopes of the token")
    missing = sorted(set(SCOPES) - set(own.scopes))
    if missing:
        hint = "Paste manifest.yml into App Manifest on the app's page in Slack, then reinstall the app."
        return Check("scopes", False, f"missing: {', '.join(missing)}", hint)
    return Check("scopes", True, "all scopes of manifest.yml are granted")


def _require(name: str, token: str) -> None:
    """Raise ``AegisError`` if the token is not set."""
    if not token:
        raise AegisError(f"{name} is not set.", hint=f"Find it on the app's page in Slack: {TOKENS[name]}")


async def _socket_mode(token: str, api: WebApi) -> str:
    """Request a Socket Mode address without using it: Slack lets an unused address expire."""
    _require("SLACK_APP_TOKEN", token)
    try:
        await api.call(api.slack.apps_connections_open, app_token=token)
    except SlackError as error:
        if error.code in (UNREACHABLE, NO_ANSWER, RATE_LIMITED):
            raise
        message = "The app-level token lacks the scope connections:write."
        if error.code != "missing_scope":
            message = f"Slack does not accept the app-level token ({error.code})."
        raise AegisError(
            message,
            hint=f"Create a new token on the app's page: {TOKENS['SLACK_APP_TOKEN']}. Then turn on Socket Mode.",
        ) from error
    return "Socket Mode is available"


async def _channel(channel: str, api: WebApi) -> str:
    info = (await api.call(api.slack.conversations_info, channel=channel)).get("channel") or {}
    name = f"#{info.get('name', channel)}"
    if info.get("is_archived"):
        raise AegisError(f"{name} is archived.", hint="Unarchive it, or remove it from AEGIS_ALERT_CHANNELS.")
    if not info.get("is_member"):
        raise AegisError(f"Aegis is not in {name}.", hint=f"Type /invite @aegis in {name}.")
    return f"Aegis is in {name}"


async def _joined_channels(api: WebApi) -> str:
    answer = await api.call(
        api.slack.users_conversations, types="public_channel,private_channel", exclude_archived=True, limit=200
    )
    names = [f"#{channel.get('name', '')}" for channel in answer.get("channels") or ()]
    if not names:
        raise AegisError(
            "Aegis is not in any channel.", hint="Type /invite @aegis in the channel that receives alerts."
        )
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"AEGIS_ALERT_CHANNELS is not set, so Aegis reads {', '.join(names[:5])}{more}"


async def _person(user_id: str, setting: str, team: str, api: WebApi) -> str:
    hint = f"Remove {user_id} from {setting}, or correct it."
    try:
        user = (await api.call(api.slack.users_info, user=user_id)).get("user") or {}
    except SlackError as error:
        if error.code not in ("user_not_found", "user_not_visible"):
            raise
        raise AegisError("Slack has no user with this id.", hint=hint) from error
    ineligible = eligibility(user, team)
    if ineligible is not None and (setting == "AEGIS_APPROVERS" or ineligible is Ineligible.DEACTIVATED):
        raise AegisError(_INELIGIBLE[ineligible], hint=hint)
    return "is an active user"


async def _members(channels: Sequence[str], api: WebApi) -> str:
    """Count the members of the alert channels, with the call that an approval makes."""
    members: set[str] = set()
    for channel in channels:
        cursor = ""
        for _ in range(MOST_MEMBER_PAGES):
            answer = await api.call(api.slack.conversations_members, channel=channel, limit=1000, cursor=cursor or None)
            members.update(answer.get("members") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
    return f"every member of an alert channel can approve, except bots and guests; {len(members):,} accounts now"


async def _group(group_id: str, setting: str, api: WebApi) -> str:
    try:
        people = (await api.call(api.slack.usergroups_users_list, usergroup=group_id)).get("users") or []
    except SlackError as error:
        if error.code != "no_such_subteam":
            raise
        raise AegisError(
            "Slack has no user group with this id, or the group is disabled.",
            hint=f"Remove {group_id} from {setting}, or correct it.",
        ) from error
    if not people:
        raise AegisError("This user group has no members.", hint=f"Add people to the group, or correct {setting}.")
    return f"{len(people)} {'member' if len(people) == 1 else 'members'}"
