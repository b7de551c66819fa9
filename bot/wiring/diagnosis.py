"""Builds the model, the runbook and the clock of a diagnosis."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from bot.adapters.llm.gemini import Gemini, make_diagnoser
from bot.adapters.llm.rate_limit import RateLimitedDiagnoser
from bot.adapters.own_process import Around
from bot.adapters.runbook.file import RunbookFile
from bot.incidents.investigation import Diagnostician
from bot.runtime import MonotonicClock, Runtime
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.runbook.table import RunbookTable

clock = MonotonicClock(partial(datetime.now, UTC), time.monotonic)


def make_model(settings: Settings) -> Gemini | None:
    """Return the model, or ``None`` if there is no key."""
    key = settings.gemini_api_key.get_secret_value()
    if not key:
        return None
    return make_diagnoser(
        sdk=settings.aegis_gemini_sdk,
        api_key=key,
        model=settings.aegis_gemini_model,
        endpoint=settings.aegis_gemini_endpoint,
        timeout=settings.aegis_gemini_timeout,
    )


def make_runbook(settings: Settings) -> RunbookFile | RunbookTable:
    """Return the runbook: the file, or the table that replicas share."""
    if not settings.shared:
        return RunbookFile(settings.aegis_runbook)
    from bot.adapters.runbook.table import RunbookTable  # noqa: PLC0415 - a database library that the file needs not

    return RunbookTable(settings.database_url)


def make_runtime(settings: Settings) -> Runtime:
    """Return clock, sleep, names and surroundings of this process."""
    return Runtime(
        now=clock,
        sleep=asyncio.sleep,
        name=partial(secrets.token_hex, 8),
        surroundings=Around((settings.docker_host, settings.database_url)).look,
    )


def make_diagnostician(settings: Settings) -> Diagnostician:
    """Return what diagnoses evidence from files, without an engine and without the bot's database."""
    model = make_model(settings)
    return Diagnostician(
        diagnoser=RateLimitedDiagnoser(model, clock) if model else None,
        memory=make_runbook(settings),
        world=make_runtime(settings),
    )
