"""Runs the bot: settings in, running app out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

from bot import audit_head, background, telemetry
from bot.adapters.database.store import SqlStore
from bot.adapters.text_worker.worker import TextWorker
from bot.domain.redaction.redact import redact
from bot.errors import AegisError, StoreError
from bot.http import health as vitals
from bot.http.open_files import raise_limit
from bot.http.server import Health, HttpServer
from bot.http.webhook import RETRY_WINDOW, WEBHOOK_KEY_PREFIX, Webhook, WebhookConfig
from bot.incidents.alert_reader import FUNCTIONS, AlertReader
from bot.incidents.warm_up import read_samples
from bot.ports.database import UnfinishedWork
from bot.settings import Settings
from bot.slack import app
from bot.slack.approvers import SlackApprovers
from bot.slack.connection import checkpoint
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.socket_mode import SocketModeConnection
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import SLACK, identify, web_client
from bot.slack.delivery.escalator import SlackEscalator
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.delivery.outbox import Outbox
from bot.slack.listeners.backfill import Backfill
from bot.slack.listeners.queries import StatusQueries
from bot.slack.members import Members
from bot.wiring.components import Components, parts
from bot.wiring.incident_path import incident_path

log = logging.getLogger(__name__)

_OTHERS = 0o077
"""The rights that no file of Aegis gives to others, unless it says so."""

DRAIN_S = 8.0
"""Seconds that work in flight may take at the end; orchestrators kill after ten."""


@contextlib.asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[AlertReader]:
    """Return what reads alerts, with the process for long texts begun."""
    long_texts = TextWorker(FUNCTIONS)
    long_texts.start()
    try:
        yield AlertReader(partial(redact, known=settings.secrets), long_texts)
    finally:
        await long_texts.close()


def _prepare(edges: Components, work: BackgroundTasks) -> None:
    """Start what the first alert is not to wait for, such as the index of a large runbook."""
    work.start(edges.memory.entries(), "reading the runbook")
    work.start(edges.memory.check_writable(), "looking whether the runbook can be written")
    work.start(asyncio.to_thread(_warm_up, edges), "warming up")


def _warm_up(edges: Components) -> None:
    """Import and compile what the first alert needs; a model that cannot be imported fails when it is asked."""
    read_samples()
    if edges.diagnoser is not None:
        with contextlib.suppress(AegisError, ImportError):
            edges.diagnoser.connect()


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[SocketModeConnection]:
    """Run the bot inside the ``async with``: connected when it is entered, ended cleanly when it is left.

    Raises the ``AegisError`` that keeps it from starting.
    """
    token = settings.slack_bot_token.get_secret_value()
    async with contextlib.AsyncExitStack() as ending:
        edges = parts(settings)
        now = edges.world.now
        ending.push_async_callback(edges.close)
        await edges.store.start()
        await edges.store.begin_trail()
        await audit_head.write(edges.store)
        ending.push_async_callback(audit_head.write, edges.store)
        client = await ending.enter_async_context(web_client(token, settings.slack_api_url or SLACK))
        own = await identify(client)
        work = BackgroundTasks()
        messenger = SlackMessenger(client, own, work, now)
        outbox = Outbox(messenger, edges.store.outbox, edges.store, edges.world)
        approvers = SlackApprovers(
            client, settings.aegis_approvers, team=own.team_id, channels=settings.aegis_alert_channels
        )
        escalator = SlackEscalator(outbox, settings.aegis_escalation)
        path = incident_path(edges, messenger=outbox, approvers=approvers, escalator=escalator)
        responder, resume = path.responder, path.resume

        async def reconnected() -> None:
            outbox.wake()
            await resume.catch_up()

        desk = StatusQueries(
            containers=edges.containers,
            store=edges.store,
            memory=edges.memory,
            approvers=approvers,
            model=edges.diagnoser.model if edges.diagnoser else "",
            plan=edges.plan,
            world=edges.world,
        )
        reading = await ending.enter_async_context(_reading(settings))
        bolt = app.make_app(client, own)
        listeners = app.add_routes(
            bolt,
            responder,
            desk,
            work,
            channels=settings.aegis_alert_channels,
            own=own,
            messenger=messenger,
            members=Members(client, own.team_id),
            clock=now,
            reading=reading,
        )
        clock = SlackClock(now)
        missed = Backfill(client, own, settings.aegis_alert_channels, clock, listeners.take, reading)
        connection = SocketModeConnection(
            bolt,
            settings.slack_app_token.get_secret_value(),
            on_reconnect=reconnected,
            on_gap=missed.read_back,
            since=await edges.store.last_contact(),
            clock=clock,
        )
        health = Health(
            connected=lambda: connection.connected,
            store=edges.store,
            parts=(
                *vitals.parts(edges.containers, edges.model, edges.memory, outbox, lambda: clock.trouble),
                vitals.alerts(edges.store, edges.world),
            ),
            link=lambda: vitals.ages(connection, clock()),
            count=partial(vitals.count, edges.store, outbox),
        )
        door = WebhookConfig(
            token=settings.aegis_webhook_token.get_secret_value(),
            channel=next(iter(settings.aegis_alert_channels), ""),
            taking=responder,
            start=work.start,
            redact=partial(redact, known=settings.secrets),
            reading=reading,
            clock=now,
            taken=await edges.store.taken_in(WEBHOOK_KEY_PREFIX, now() - RETRY_WINDOW),
        )
        await ending.enter_async_context(
            HttpServer(settings.aegis_http_host, settings.aegis_http_port, health, Webhook(door).routes)
        )
        left = await resume.unfinished()
        if edges.store.shared:

            def go_on(orphans: UnfinishedWork) -> None:
                work.start(resume.recover(orphans, responder), "going on with what another replica left")

            keeping = asyncio.create_task(background.keep_lease(edges.store, go_on, asyncio.sleep))
            ending.push_async_callback(background.release_lease, keeping, edges.store)
        await connection.start()
        ending.push_async_callback(_stop, connection, work, edges.store)
        work.start(resume.recover(left, responder), "going on where the last run ended")
        _prepare(edges, work)
        sending = asyncio.create_task(outbox.keep_sending(), name="outbox")
        ending.callback(sending.cancel)

        async def look_back() -> None:
            await missed.read_back(clock() - timedelta(seconds=background.BACKFILL_INTERVAL_S))

        for due, every in (
            (resume.catch_up, background.CATCH_UP_INTERVAL_S),
            (listeners.take_waiting, background.STORE_RETRY_S),
            (look_back, background.BACKFILL_INTERVAL_S),
            (partial(audit_head.write, edges.store), audit_head.EVERY_S),
        ):
            trying = asyncio.create_task(background.run_periodically(due, asyncio.sleep, every), name="upkeep")
            ending.callback(trying.cancel)
        await ending.enter_async_context(checkpoint.checkpoints(connection, edges.store))
        yield connection


async def _stop(connection: SocketModeConnection, work: BackgroundTasks, store: SqlStore) -> None:
    """Stop what is under way, and count none of it as a failure."""
    await connection.close(work, DRAIN_S)
    try:
        await store.cancel_attempts()
    except StoreError as error:
        log.warning("what was under way counts as tried: %s", error.sentence)


async def run(settings: Settings) -> None:
    """Run the bot until SIGTERM or SIGINT."""
    telemetry.start_log(settings.aegis_log_level, partial(redact, known=settings.secrets), settings.aegis_log_format)
    raise_limit()
    os.umask(_OTHERS)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    async with running(settings) as connection:
        log.info("running, %s", "connected to Slack" if connection.connected else "waiting for Slack")
        await ended.wait()
        log.info("ending; what is not done yet goes on at the next start")
