"""Aegis's own log opens nothing: no socket ticket, no response address and no token, whatever its level."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from functools import partial

import pytest

from bot import telemetry
from bot.domain.redaction.redact import redact
from bot.playground.slack.faults import Fault
from tests.support.hostile_workspace import NAME


@pytest.fixture(params=["DEBUG", "INFO", "WARNING", "ERROR"])
def written(request, monkeypatch):
    """Start the log as the bot does, at each level and in both forms; return what reads all that was written."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root.handlers = []
    telemetry.start_log(request.param, partial(redact, known=()))
    yield out.getvalue
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


async def test_a_connection_and_what_people_do_leave_nothing_that_opens_slack(stage, written):
    slack, tickets = stage.slack, []
    issue = slack.socket_mode.ticket_url

    def noted() -> str:
        address = str(issue())
        tickets.append(address.partition("ticket=")[2].partition("&")[0])
        return address

    stage.patch.setattr(slack.socket_mode, "ticket_url", noted)
    async with stage.bot():
        card = await stage.card(await stage.alert())
        await slack.slash("U0ONCALL", "C0ALERTS", "/aegis", "status")
        await stage.whisper("U0ONCALL", "Approvers")
        slack.fail("chat.postEphemeral", Fault(status=500), times=9)
        await slack.slash("U0ONCALL", "C0OPS", "/aegis", f"diagnose {NAME}")
        await slack.press("U0ONCALL", card, "evidence")
        await slack.wait_for(lambda: slack.called("chat.getPermalink"))
        await slack.press("U0STRANGER", card, "restart")
    assert tickets
    opens = [
        *tickets,
        *slack.state.grants.response_urls,
        slack.bot_token,
        slack.app_token,
        *slack.state.grants.triggers,
    ]
    text = written()
    assert [one for one in opens if one in text] == []


@pytest.mark.parametrize(
    "address",
    [
        "wss://wss-primary.slack.com/link/?ticket=4f1c9d0e-77ab-4e&app_id=A012",
        "ws://127.0.0.1:4711/link/?app_id=A012&ticket=4f1c9d0e-77ab-4e",
        "https://hooks.slack.com/commands/T0123ABCD/111222/4f1c9d0e-77ab-4e",
        "https://hooks.slack.com/actions/T0123ABCD/1232321423432/4f1c9d0e-77ab-4e",
        "https://hooks.slack.com/app-actions/T0123ABCD/219/4f1c9d0e-77ab-4e",
        "http://127.0.0.1:4711/commands/T0PLAY/4f1c9d0e-77ab-4e",
    ],
)
@pytest.mark.parametrize("logger", ["slack_sdk.socket_mode.aiohttp", "asyncio", "bot.slack.connection.socket_mode"])
async def test_an_address_that_opens_slack_is_hidden_in_errors_and_tracebacks_too(written, logger, address):
    log = logging.getLogger(logger)
    log.error("Failed to connect (error: 403, url='%s'); Retrying...", address)
    log.error("broken off", exc_info=ConnectionError(address))
    await asyncio.sleep(0)
    text = written()
    assert "Failed to connect" in text
    assert "4f1c9d0e" not in text
