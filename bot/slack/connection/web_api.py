"""Slack's Web API: one session, no blind retries, our errors."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackError
from bot.slack.connection.rate_limit import POST, PriorityLimiter
from bot.telemetry import SLACK_RATE_LIMITED

log = logging.getLogger(__name__)

SLACK = "https://slack.com/api/"

NO_ANSWER = "no_answer"
"""Our code where nobody knows whether Slack did what was asked: the answer is missing."""

UNREACHABLE = "unreachable"
"""Our code where nothing was sent, since no connection could be made."""

RATE_LIMITED = "ratelimited"

_INVITE = "Type /invite @aegis in that channel, or mend AEGIS_ALERT_CHANNELS."
_BOT_TOKEN = "Install the app again and put its bot token (xoxb-…) into SLACK_BOT_TOKEN."  # noqa: S105 - no token, a sentence

_EXPLANATIONS = {
    "channel_not_found": ("Slack does not know this channel, or Aegis is not in it.", _INVITE),
    "not_in_channel": ("Aegis is not in this channel.", _INVITE),
    "is_archived": ("This channel is archived.", "Unarchive it, or name another one in AEGIS_ALERT_CHANNELS."),
    "restricted_action": ("This workspace does not let Aegis post here.", "Ask a workspace admin for permission."),
    "missing_scope": ("The Slack app lacks a permission.", "Update the app from manifest.yml and install it again."),
    "token_revoked": ("The bot token was revoked.", _BOT_TOKEN),
    "token_expired": ("The bot token has expired.", _BOT_TOKEN),
    "account_inactive": ("The Slack app was removed from this workspace.", _BOT_TOKEN),
    "invalid_auth": ("Slack does not accept the bot token.", _BOT_TOKEN),
    "not_authed": ("There is no bot token.", _BOT_TOKEN),
    "not_allowed_token_type": ("This is the wrong kind of token.", _BOT_TOKEN),
    "message_not_found": ("The message is gone.", ""),
    "thread_not_found": ("The thread is gone.", ""),
    "user_not_in_channel": ("This person is not in the channel.", ""),
    "expired_trigger_id": ("The window came too late; Slack gives three seconds for it.", "Press again."),
    "no_such_subteam": ("There is no such user group.", "Mend AEGIS_APPROVERS."),
    "plan_upgrade_required": ("This workspace's plan has no user groups.", "Name people in AEGIS_APPROVERS."),
    RATE_LIMITED: ("Slack asks Aegis to slow down.", "Try again in a minute."),
    NO_ANSWER: ("Slack did not answer, so it is unknown whether it was done.", "Look before trying again."),
    UNREACHABLE: ("Slack cannot be reached from here.", "Check the network, the proxy, and SLACK_API_URL."),
}
_EXPLANATIONS |= dict.fromkeys(("exchanged_trigger_id", "invalid_trigger_id"), _EXPLANATIONS["expired_trigger_id"])
"""Slack's error codes -> what happened, and what to do. Codes: docs.slack.dev, "Errors" of each method."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who Aegis is in this workspace. ``app_id`` may be empty: every payload names it as ``api_app_id``."""

    bot_user_id: str
    bot_id: str
    app_id: str
    team_id: str
    scopes: tuple[str, ...] = ()


@asynccontextmanager
async def web_client(token: str, api_url: str = SLACK, seconds: float = 30.0) -> AsyncIterator[AsyncWebClient]:
    """Open the one client, with a session that keeps connections open; each call may take ``seconds``.

    The SDK takes the proxy of the environment even for addresses that NO_PROXY excludes; here they go straight.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session:
        client = AsyncWebClient(token=token, base_url=api_url, session=session, timeout=round(seconds))
        if proxy_bypass(urlsplit(api_url).netloc):
            client.proxy = None
        yield client


class WebApi:
    """Calls methods of the Web API, waiting where Slack asks to slow down.

    Nothing is sent twice by itself: a post whose answer was lost may have been done. ``patience`` is how many seconds
    all the waiting of one call may take.
    """

    def __init__(self, client: AsyncWebClient, *, patience: float = 60.0) -> None:
        self.slack = copy.copy(client)
        self.slack.retry_handlers = []
        self._patience = patience
        self._turns = PriorityLimiter()

    async def call(
        self,
        method: Callable[..., Awaitable[AsyncSlackResponse]],
        *,
        patience: float | None = None,
        again: bool = False,
        urgency: int = POST,
        **arguments: Any,  # noqa: ANN401 - whatever the method takes
    ) -> AsyncSlackResponse:
        """Call ``method`` (one of ``self.slack``'s). ``again`` repeats it once where the answer is missing.

        Where Slack asks to slow down, it asks this method in this channel; all others go on. Raises ``SlackError``.
        """
        key = getattr(method, "__name__", ""), str(arguments.get("channel", ""))
        loop = asyncio.get_running_loop()
        give_up = loop.time() + (self._patience if patience is None else patience)
        while True:
            try:
                async with self._turns.turn(key, urgency, give_up):
                    try:
                        return await method(**arguments)
                    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                        mapped = translate(error)
                        if mapped.code == RATE_LIMITED:
                            SLACK_RATE_LIMITED.labels(key[0]).inc()
                            self._turns.close(key, _retry_after(error))
                        elif again and mapped.code in (NO_ANSWER, UNREACHABLE):
                            again = False
                        else:
                            raise mapped from error
            except TimeoutError as late:
                raise explain(RATE_LIMITED) from late
            if loop.time() >= give_up:
                raise explain(RATE_LIMITED)


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who this token is, and what it may do. Raises ``SlackError`` for a bad token or no answer."""
    api = WebApi(client, patience=10.0)
    answer = await api.call(api.slack.auth_test, again=True)
    if not answer.get("bot_id"):
        raise explain("not_allowed_token_type")
    scopes = header(answer.headers, "X-OAuth-Scopes")
    return Identity(
        bot_user_id=str(answer.get("user_id", "")),
        bot_id=str(answer.get("bot_id", "")),
        app_id=str(answer.get("app_id") or ""),
        team_id=str(answer.get("team_id", "")),
        scopes=tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


def header(headers: Mapping[str, object], name: str) -> str:
    """Return a header of an answer, however its name is spelt; ``""`` where there is none."""
    return next((str(value) for each, value in headers.items() if each.lower() == name.lower()), "")


def explain(code: str, detail: str = "") -> SlackError:
    """Turn an error code of Slack's (or ours) into an error with a sentence that says what to do."""
    what, hint = _EXPLANATIONS.get(code, ("Slack refused what Aegis asked for.", ""))
    return SlackError(what, hint=hint, detail=detail or code, code=code)


def translate(error: Exception) -> SlackError:
    """Turn what the SDK or the connection raised into ours; the token is in none of it."""
    if isinstance(error, SlackApiError):
        return _refused(error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return explain(UNREACHABLE, type(error).__name__)
    return explain(NO_ANSWER, type(error).__name__)


def _refused(error: SlackApiError) -> SlackError:
    status = getattr(error.response, "status_code", 200)
    if status == 429:
        return explain(RATE_LIMITED)
    data = getattr(error.response, "data", None)
    body: dict[str, Any] = data if isinstance(data, dict) else {}
    code = str(body.get("error") or "")
    if not code or status >= 500:
        return explain(NO_ANSWER, f"HTTP {status} {code}".strip())
    details = (body.get("response_metadata") or {}).get("messages") or body.get("errors") or ()
    needed = f" (needed: {body['needed']})" if body.get("needed") else ""
    return explain(code, f"{code}{needed} {' '.join(map(str, details))}".strip())


def _retry_after(error: Exception) -> float:
    """Return the seconds that Slack asks for; one where it does not say."""
    delay = header(getattr(getattr(error, "response", None), "headers", None) or {}, "Retry-After")
    return float(delay) if delay.isascii() and delay.isdigit() else 1.0
