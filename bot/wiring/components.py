"""Makes the edges that need no Slack."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.adapters.database.store import SqlStore
from bot.adapters.docker.containers import DockerContainers
from bot.adapters.http_probe import HttpProber
from bot.adapters.llm.gemini import Gemini
from bot.adapters.llm.rate_limit import RateLimitedDiagnoser
from bot.adapters.runbook.file import RunbookFile
from bot.adapters.runbook.table import RunbookTable
from bot.domain.guard import Policy
from bot.domain.target import parse_target
from bot.incidents.investigation import Investigator
from bot.runtime import ResponseConfig, Runtime
from bot.settings import Settings
from bot.wiring.diagnosis import clock, make_model, make_runbook, make_runtime


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
    diagnoser = make_model(settings)
    return Components(
        containers=DockerContainers(
            docker_host=settings.docker_host,
            tls_verify=settings.docker_tls_verify,
            cert_path=settings.docker_cert_path,
            bundles=settings.aegis_bundles,
            secrets=settings.secrets,
            restart_timeout=settings.aegis_restart_timeout,
            now=clock,
        ),
        diagnoser=diagnoser,
        model=RateLimitedDiagnoser(diagnoser, clock) if diagnoser else None,
        prober=HttpProber(),
        store=SqlStore(settings.database_url, settings.aegis_audit_key.get_secret_value()),
        memory=make_runbook(settings),
        plan=_plan(settings),
        world=make_runtime(settings),
    )


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
        hosts=(
            socket.gethostname(),
            *(urlsplit(address).hostname or "" for address in (settings.docker_host, settings.database_url)),
        ),
    )
