"""The composition root: settings in, running app out. The only place that knows every part by name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from bot import audit_head, background, telemetry
from bot.adapters.database.store import SqlStore
from bot.adapters.docker.containers import DockerContainers
from bot.adapters.http_probe import HttpProber
from bot.adapters.llm.gemini import Gemini, make_diagnoser
from bot.adapters.llm.rate_limit import RateLimitedDiagnoser
from bot.adapters.own_process import Around
from bot.adapters.runbook.file import RunbookFile
from bot.adapters.runbook.table import RunbookTable
from bot.adapters.text_worker.worker import TextWorker
from bot.domain.guard import Policy
from bot.domain.redaction.redact import redact
from bot.domain.target import parse_target
from bot.errors import AegisError, StoreError
from bot.http import health as vitals
from bot.http.open_files import raise_limit
from bot.http.server import Health, HttpServer
from bot.http.webhook import RETRY_WINDOW, WEBHOOK_KEY_PREFIX, Webhook, WebhookConfig
from bot.incidents.alert_reader import FUNCTIONS, Reading
from bot.incidents.approval import ApprovalCheck
from bot.incidents.closing import Closing
from bot.incidents.execution import Execution
from bot.incidents.intake import Intake
from bot.incidents.investigation import Investigator
from bot.incidents.recovery import RecoveryMonitor
from bot.incidents.replies import Replies
from bot.incidents.responder import Responder
from bot.incidents.resume import Resume
from bot.incidents.set_aside import Retrial
from bot.incidents.transitions import Transitions
from bot.incidents.triage import Triage
from bot.incidents.warm_up import read_samples
from bot.ports.database import Store, UnfinishedWork
from bot.ports.engine import Engine
from bot.ports.escalator import Escalator
from bot.ports.http_probe import Prober
from bot.ports.runbook import Runbook
from bot.ports.slack import Approvers, Messenger
from bot.runtime import MonotonicClock, ResponseConfig, Runtime
from bot.settings import Settings
from bot.slack import app
from bot.slack.approvers import SlackApprovers
from bot.slack.connection import checkpoint
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.socket_mode import Connection
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import SLACK, identify, web_client
from bot.slack.delivery.escalator import SlackEscalator
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.delivery.outbox import Outbox
from bot.slack.listeners.backfill import Backfill
from bot.slack.listeners.queries import StatusQueries
from bot.slack.members import Members

log = logging.getLogger(__name__)

_OTHERS = 0o077
"""The rights that no file of Aegis gives to others, unless it says so."""

DRAIN = 8.0
"""Seconds that work in flight may take at the end; orchestrators kill after ten."""


@dataclass(frozen=True, slots=True)
class Components:
    """The edges that need no Slack: for a diagnosis at the command line, for the doctor, and for the bot."""

    containers: DockerContainers
    diagnoser: Gemini | None
    model: RateLimitedDiagnoser | None
    prober: HttpProber
    store: SqlStore
    memory: RunbookFile | RunbookTable
    plan: ResponseConfig
    world: Runtime

    @property
    def examination(self) -> Investigator:
        """Return the examination of targets over these edges."""
        return Investigator(containers=self.containers, diagnoser=self.model, memory=self.memory, world=self.world)

    async def close(self) -> None:
        """Close what is open."""
        await self.prober.aclose()
        await self.store.close()


def parts(settings: Settings) -> Components:
    """Make the edges. Nothing is connected yet."""
    known = settings.secrets
    key = settings.gemini_api_key.get_secret_value()
    diagnoser = (
        make_diagnoser(
            sdk=settings.aegis_gemini_sdk,
            api_key=key,
            model=settings.aegis_gemini_model,
            endpoint=settings.aegis_gemini_endpoint,
            timeout=settings.aegis_gemini_timeout,
        )
        if key
        else None
    )
    return Components(
        containers=DockerContainers(
            docker_host=settings.docker_host,
            tls_verify=settings.docker_tls_verify,
            cert_path=settings.docker_cert_path,
            bundles=settings.aegis_bundles,
            secrets=known,
            restart_timeout=settings.aegis_restart_timeout,
            now=_now,
        ),
        diagnoser=diagnoser,
        model=RateLimitedDiagnoser(diagnoser, _now) if diagnoser else None,
        prober=HttpProber(),
        store=SqlStore(settings.database_url, settings.aegis_audit_key.get_secret_value()),
        memory=RunbookTable(settings.database_url) if settings.shared else RunbookFile(settings.aegis_runbook),
        plan=_plan(settings),
        world=Runtime(
            now=_now,
            sleep=asyncio.sleep,
            name=partial(secrets.token_hex, 8),
            surroundings=Around(_addresses(settings)).look,
        ),
    )


def _addresses(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of the engine and of the database."""
    return settings.docker_host, settings.database_url


def _plan(settings: Settings) -> ResponseConfig:
    policy = Policy(
        allowlist=frozenset(map(parse_target, settings.aegis_restart_allowlist)),
        cooldown=settings.aegis_restart_cooldown,
        limit=settings.aegis_restart_limit,
        expiry=settings.aegis_approval_expiry,
        dry_run=settings.aegis_dry_run,
    )
    return ResponseConfig(
        policy=policy,
        delay=settings.aegis_verify_delay,
        timeout=settings.aegis_verify_timeout,
        successes=settings.aegis_verify_successes,
        urls={parse_target(name): url for name, url in settings.verify_urls.items()},
        watched=settings.aegis_alert_channels,
        hosts=(socket.gethostname(), *(urlsplit(address).hostname or "" for address in _addresses(settings))),
    )


@contextlib.asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[Reading]:
    """Return what reads alerts, with the process for long texts begun."""
    long_texts = TextWorker(FUNCTIONS)
    long_texts.start()
    try:
        yield Reading(partial(redact, known=settings.secrets), long_texts)
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


_now = MonotonicClock(partial(datetime.now, UTC), time.monotonic)


@dataclass(frozen=True, slots=True)
class IncidentPath:
    """What answers alerts, requests and presses, and what goes on with unfinished ones after a start."""

    responder: Responder
    resume: Resume


class Edges(Protocol):
    """The edges over which incidents are worked on."""

    @property
    def containers(self) -> Engine: ...  # noqa: D102 - named by its type
    @property
    def store(self) -> Store: ...  # noqa: D102
    @property
    def memory(self) -> Runbook: ...  # noqa: D102
    @property
    def prober(self) -> Prober: ...  # noqa: D102
    @property
    def examination(self) -> Investigator: ...  # noqa: D102
    @property
    def plan(self) -> ResponseConfig: ...  # noqa: D102
    @property
    def world(self) -> Runtime: ...  # noqa: D102


def incident_path(edges: Edges, *, messenger: Messenger, approvers: Approvers, escalator: Escalator) -> IncidentPath:
    """Put together what works on incidents, over ``edges`` and what talks to people."""
    containers, store, plan, world = edges.containers, edges.store, edges.plan, edges.world
    transitions = Transitions(store=store, world=world)
    replies = Replies(store=store, messenger=messenger, world=world)
    closing = Closing(
        store=store,
        messenger=messenger,
        memory=edges.memory,
        containers=containers,
        transitions=transitions,
        replies=replies,
        escalator=escalator,
        world=world,
    )
    approval = ApprovalCheck(
        containers=containers,
        store=store,
        messenger=messenger,
        approvers=approvers,
        transitions=transitions,
        plan=plan,
        world=world,
    )
    intake = Intake(
        containers=containers, store=store, transitions=transitions, closing=closing, plan=plan, world=world
    )
    triage = Triage(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        approval=approval,
        examination=edges.examination,
        alerts=intake,
        plan=plan,
        world=world,
    )
    execution = Execution(
        containers=containers,
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        watch=RecoveryMonitor(containers=containers, prober=edges.prober, plan=plan, world=world),
    )
    retrial = Retrial(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        world=world,
    )
    resume = Resume(
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        triage=triage,
        execution=execution,
        retrial=retrial,
        plan=plan,
        world=world,
    )
    responder = Responder(
        containers=containers,
        store=store,
        messenger=messenger,
        transitions=transitions,
        closing=closing,
        replies=replies,
        intake=intake,
        triage=triage,
        approval=approval,
        execution=execution,
        retrial=retrial,
        resume=resume,
        world=world,
    )
    return IncidentPath(responder, resume)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Connection]:
    """Run the bot inside the ``async with``: connected when it is entered, ended cleanly when it is left.

    Raises the ``AegisError`` that keeps it from starting.
    """
    token = settings.slack_bot_token.get_secret_value()
    async with contextlib.AsyncExitStack() as ending:
        edges = parts(settings)
        ending.push_async_callback(edges.close)
        await edges.store.start()
        await edges.store.begin_trail()
        await audit_head.write(edges.store)
        ending.push_async_callback(audit_head.write, edges.store)
        client = await ending.enter_async_context(web_client(token, settings.slack_api_url or SLACK))
        own = await identify(client)
        work = BackgroundTasks()
        messenger = SlackMessenger(client, own, work, _now)
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
            clock=_now,
            reading=reading,
        )
        clock = SlackClock(_now)
        missed = Backfill(client, own, settings.aegis_alert_channels, clock, listeners.take, reading)
        connection = Connection(
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
            clock=_now,
            taken=await edges.store.taken_in(WEBHOOK_KEY_PREFIX, _now() - RETRY_WINDOW),
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


async def _stop(connection: Connection, work: BackgroundTasks, store: SqlStore) -> None:
    """Stop what is under way, and count none of it as a failure."""
    await connection.close(work, DRAIN)
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
