"""The Bolt app and its routes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.diagnosis import OFFERED_ACTIONS
from bot.domain.redaction.redact import redact
from bot.errors import AegisError
from bot.incidents.alert_reader import AlertReader
from bot.incidents.api import SlackRequests
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.listeners.actions import ActionListeners
from bot.slack.listeners.events import EventListeners
from bot.slack.listeners.queries import Queries
from bot.slack.members import Members

log = logging.getLogger(__name__)


ANYTHING = re.compile(".*", re.DOTALL)


def make_app(client: AsyncWebClient, own: Identity) -> AsyncApp:
    """Make the app. An event is acknowledged only when its listener is done: then it is on disk.

    Bolt would ask auth.test at each of the first events, and read tokens and OAuth secrets from the environment; it is
    told all that it needs instead.
    """
    result = AuthorizeResult(
        enterprise_id=None,
        team_id=own.team_id,
        bot_user_id=own.bot_user_id,
        bot_id=own.bot_id,
        bot_token=client.token,
    )

    async def authorize() -> AuthorizeResult:
        return result

    nameless = AsyncWebClient(
        base_url=client.base_url, timeout=client.timeout, ssl=client.ssl, session=client.session, retry_handlers=[]
    )
    nameless.proxy = client.proxy
    return AsyncApp(
        name="aegis",
        client=nameless,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


def add_routes(
    app: AsyncApp,
    answers: SlackRequests,
    questions: Queries,
    work: BackgroundTasks,
    *,
    channels: Collection[str],
    own: Identity,
    messenger: SlackMessenger,
    members: Members,
    clock: Callable[[], datetime],
    reading: AlertReader | None = None,
) -> EventListeners:
    """Register the routes with Bolt. ``channels`` are the ids of the alert channels; none means all.

    ``reading`` reads alerts, without their secrets. Returns what takes in alerts, also
    those found in another way, such as by reading a channel back.
    """
    reading = reading or AlertReader(redact)
    listeners = EventListeners(answers, questions, work, channels, own, messenger, members, clock, reading)
    pressed = ActionListeners(answers, work, messenger, members, clock, reading.redact)

    app.event("message")(listeners.message)
    app.event("app_mention")(listeners.mention)
    app.event("app_home_opened")(listeners.home)
    app.command("/aegis")(listeners.command)
    app.shortcut("diagnose_message")(listeners.shortcut)

    for action in OFFERED_ACTIONS:
        app.action(action.value)(pressed.act)
    app.action("ignore")(pressed.ignore)
    app.action("rediagnose")(pressed.rediagnose)
    app.action("evidence")(pressed.evidence)
    app.action("choose")(pressed.choose)
    app.view("ignore")(pressed.ignored)

    # Bolt acknowledges nothing that has no listener, and Slack then warns the user or delivers it again.
    app.event(ANYTHING)(_nothing)
    app.action(ANYTHING)(_nothing)
    app.command(ANYTHING)(_nothing)
    app.shortcut(ANYTHING)(_nothing)
    app.view(ANYTHING)(_nothing)
    app.error(_failed)
    return listeners


async def _failed(error: Exception, body: Mapping[str, Any]) -> None:
    """Leave the envelope unacknowledged, so that Slack delivers an event again, or tells the person who pressed."""
    kind = body.get("type", "request")
    if isinstance(error, AegisError):
        log.warning("a %s was not taken in: %s", kind, error.sentence)
    else:
        log.error("a %s was not taken in", kind, exc_info=error)


async def _nothing(ack: AsyncAck) -> None:
    await ack()
