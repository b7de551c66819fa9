"""The doctor's look at Slack: tokens, scopes, channels, approvers. It only asks; nothing in Slack changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.doctor.check import SKIPPED, Check, asked
from bot.domain.eligibility import EVERYBODY, Ineligible, eligibility
from bot.errors import AegisError, SlackError
from bot.settings import TOKENS, Settings
from bot.slack.approvers import PAGES
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
    Ineligible.BOT: "This is a bot; a person has to press.",
    Ineligible.GUEST: "This is a guest, and guests may not restart.",
    Ineligible.WORKSPACE: "This person belongs to another workspace.",
}


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Look at tokens, scopes, channels and people, in the order in which they should be mended."""
    bot_token, app_token = (token.get_secret_value() for token in (settings.slack_bot_token, settings.slack_app_token))
    people = [(f"approver {one}", one, "AEGIS_APPROVERS") for one in settings.aegis_approvers]
    people += [(f"escalation {one}", one, "AEGIS_ESCALATION") for one in settings.aegis_escalation]
    async with web_client(bot_token, settings.slack_api_url or SLACK) as client:
        api = WebApi(client, patience=5.0)
        known, own = await _identified(bot_token, client)
        yield known
        yield _scopes(own)
        yield await asked("app token", _opened, app_token, api)
        if own is None:
            for name in ("channels", *(name for name, _, _ in people)):
                yield Check(name, None, SKIPPED)
            return
        if not settings.aegis_alert_channels:
            yield await asked("channels", _anywhere, api)
        for channel in settings.aegis_alert_channels:
            yield await asked(f"channel {channel}", _joined, channel, api)
        for name, one, setting in people:
            if one == EVERYBODY:
                yield await asked(name, _members, settings.aegis_alert_channels, api)
            elif one.startswith("S"):
                yield await asked(name, _group, one, setting, api)
            else:
                yield await asked(name, _person, one, setting, own.team_id, api)


async def _identified(token: str, client: AsyncWebClient) -> tuple[Check, Identity | None]:
    try:
        _there("SLACK_BOT_TOKEN", token)
        own = await identify(client)
    except AegisError as error:
        return Check("bot token", False, error.what, error.hint), None
    return Check("bot token", True, f"Aegis is {own.bot_user_id} in {own.team_id}"), own


def _scopes(own: Identity | None) -> Check:
    if own is None:
        return Check("scopes", None, SKIPPED)
    if not own.scopes:
        return Check("scopes", None, "Slack did not say which scopes the token has")
    missing = sorted(set(SCOPES) - set(own.scopes))
    if missing:
        hint = "Update the app from manifest.yml (App Manifest in the app's page) and install it again."
        return Check("scopes", False, f"missing: {', '.join(missing)}", hint)
    return Check("scopes", True, "all of manifest.yml are granted")


def _there(name: str, token: str) -> None:
    if not token:
        raise AegisError(f"{name} is not set.", hint=f"In the app's page: {TOKENS[name]}")


async def _opened(token: str, api: WebApi) -> str:
    """Ask for a Socket Mode connection and leave it alone; the address is good once and ends by itself."""
    _there("SLACK_APP_TOKEN", token)
    try:
        await api.call(api.slack.apps_connections_open, app_token=token)
    except SlackError as error:
        if error.code in (UNREACHABLE, NO_ANSWER, RATE_LIMITED):
            raise
        what = "The app-level token lacks the scope connections:write."
        if error.code != "missing_scope":
            what = f"Slack does not accept the app-level token ({error.code})."
        raise AegisError(
            what, hint=f"Make a new one in the app's page: {TOKENS['SLACK_APP_TOKEN']}, and switch Socket Mode on."
        ) from error
    return "Socket Mode can be opened"


async def _joined(channel: str, api: WebApi) -> str:
    said = (await api.call(api.slack.conversations_info, channel=channel)).get("channel") or {}
    name = f"#{said.get('name', channel)}"
    if said.get("is_archived"):
        raise AegisError(f"{name} is archived.", hint="Unarchive it, or take it out of AEGIS_ALERT_CHANNELS.")
    if not said.get("is_member"):
        raise AegisError(f"Aegis is not in {name}.", hint=f"Type /invite @aegis in {name}.")
    return f"{name} is joined"


async def _anywhere(api: WebApi) -> str:
    answer = await api.call(
        api.slack.users_conversations, types="public_channel,private_channel", exclude_archived=True, limit=200
    )
    names = [f"#{channel.get('name', '')}" for channel in answer.get("channels") or ()]
    if not names:
        raise AegisError("Aegis is in no channel.", hint="Type /invite @aegis in the channel where alerts come in.")
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"listens in {', '.join(names[:5])}{more}, since AEGIS_ALERT_CHANNELS is not set"


async def _person(one: str, setting: str, team: str, api: WebApi) -> str:
    hint = f"Take {one} out of {setting}, or correct it."
    try:
        user = (await api.call(api.slack.users_info, user=one)).get("user") or {}
    except SlackError as error:
        if error.code not in ("user_not_found", "user_not_visible"):
            raise
        raise AegisError("Slack knows nobody with this id.", hint=hint) from error
    why = eligibility(user, team)
    if why is not None and (setting == "AEGIS_APPROVERS" or why is Ineligible.DEACTIVATED):
        raise AegisError(_INELIGIBLE[why], hint=hint)
    return "is there"


async def _members(channels: Sequence[str], api: WebApi) -> str:
    """Count who is in the alert channels, as a press asks it."""
    found: set[str] = set()
    for channel in channels:
        cursor = ""
        for _ in range(PAGES):
            answer = await api.call(api.slack.conversations_members, channel=channel, limit=1000, cursor=cursor or None)
            found.update(answer.get("members") or ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
    return f"every member of an alert channel may, {len(found):,} accounts now, bots and guests excepted"


async def _group(one: str, setting: str, api: WebApi) -> str:
    try:
        people = (await api.call(api.slack.usergroups_users_list, usergroup=one)).get("users") or []
    except SlackError as error:
        if error.code != "no_such_subteam":
            raise
        raise AegisError(
            "Slack knows no such user group, or it is disabled.", hint=f"Take {one} out of {setting}, or correct it."
        ) from error
    if not people:
        raise AegisError("Nobody is in this user group.", hint=f"Add people to it, or correct {setting}.")
    return f"{len(people)} {'person is' if len(people) == 1 else 'people are'} in it"
