"""The doctor: looks at each thing that Aegis needs, in turn, and says how to mend what is wrong."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.adapters.llm.gemini import Gemini
from bot.doctor import slack
from bot.doctor.check import SKIPPED, Check, asked
from bot.domain import guard, own_containers
from bot.domain.addresses.verify_url import verify_address
from bot.domain.alerts.alert import nearest
from bot.domain.evidence import Facts
from bot.domain.guard import History, Refusal
from bot.errors import AegisError, EngineDenied, TargetNotFound
from bot.settings import Settings
from bot.wiring import Components, parts

RECENT = timedelta(days=7)
"""For so long the doctor names alerts that were set aside."""


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Look at one thing after the other and yield what was found, in the order in which it should be mended."""
    edges = parts(settings)
    try:
        yield _settings(settings)
        async for check in slack.examine(settings):
            yield check
        async for check in _engine(settings, edges):
            yield check
        yield await _model(edges)
        yield await asked("runbook", _runbook, edges)
        yield (database := await asked("database", _database, edges))
        yield await _set_aside(edges) if database.well else Check("alerts", None, SKIPPED)
        yield await asked("crash bundles", asyncio.to_thread, _bundles, settings.aegis_bundles)
    finally:
        await edges.close()


def _settings(settings: Settings) -> Check:
    if not settings.aegis_approvers:
        return Check(
            "settings",
            False,
            "Nobody may press Restart: AEGIS_APPROVERS is empty.",
            "Put user ids (U…) or user group ids (S…) into AEGIS_APPROVERS.",
        )
    if not settings.aegis_restart_allowlist:
        return Check("settings", None, "read; AEGIS_RESTART_ALLOWLIST is empty, so nothing is ever restarted")
    return Check("settings", True, "read; dry run, so nothing is restarted" if settings.aegis_dry_run else "read")


async def _engine(settings: Settings, edges: Components) -> AsyncIterator[Check]:
    engine = await asked("engine", _reached, edges)
    yield engine
    yield await _restart_calls(settings, edges) if engine.well else Check("restart calls", None, SKIPPED)
    yield await asked("own containers", _own, edges) if engine.well else Check("own containers", None, SKIPPED)
    for name in settings.aegis_restart_allowlist:
        if not engine.well:
            yield Check(f"target {name}", None, SKIPPED)
            continue
        try:
            facts = await edges.containers.facts(name)
        except TargetNotFound:
            yield await asked(f"target {name}", _missing, name, edges)
        except AegisError as error:
            yield Check(f"target {name}", False, error.what, error.hint)
        else:
            yield await asked(f"target {name}", _target, facts, edges)
            yield await asked(f"verify URL of {name}", _verified, facts, settings, edges)


async def _reached(edges: Components) -> str:
    info = await edges.containers.info()
    return f"Docker {info.version} on {info.host}, API {info.api}"


async def _restart_calls(settings: Settings, edges: Components) -> Check:
    """Find out whether the calls of a press get through; without it that would be known only after the press."""
    if settings.aegis_dry_run or not settings.aegis_restart_allowlist:
        return Check("restart calls", None, "not asked, since nothing is restarted")
    try:
        await edges.containers.check_restart_calls()
    except EngineDenied as error:
        return Check("restart calls", False, f"Each press of Restart would be refused: {error.what}", error.hint)
    except AegisError as error:
        unknown = f"It is unknown whether a press of Restart would get through: {error.what}"
        return Check("restart calls", False, unknown, error.hint)
    return Check("restart calls", True, "let through")


async def _own(edges: Components) -> str:
    """Say which containers are never restarted, since Aegis is or needs them, and what cannot be known of that."""
    inventory = await edges.containers.inventory()
    mine = own_containers.own(inventory, edges.plan.hosts, await edges.world.surroundings())
    if mine.unknown:
        raise AegisError(
            " ".join(mine.unknown),
            hint="Put the label aegis.protect=true on Aegis, its database and its socket proxy: it always protects.",
        )
    names = [target.name for target in inventory if target.name in mine.words]
    return f"never restarted: {', '.join(names)}" if names else "Aegis needs no container of this engine"


async def _missing(name: str, edges: Components) -> str:
    near = nearest(name, [target.name for target in await edges.containers.inventory()])
    meant = f"Is {' or '.join(near)} meant? " if near else ""
    raise AegisError(
        "The engine has no container of exactly this name.",
        hint=f"{meant}Correct AEGIS_RESTART_ALLOWLIST, or create the container.",
    )


async def _target(facts: Facts, edges: Components) -> str:
    """Say how the target is, and whether the guard would let anybody restart it now."""
    mine = own_containers.own(await edges.containers.inventory(), edges.plan.hosts, await edges.world.surroundings())
    policy = replace(edges.plan.policy, own=mine.protected(facts.name))
    said = guard.check(facts.name, facts, History(), policy, edges.world.now())
    if isinstance(said, Refusal):
        raise AegisError(said.reason, hint="If that is meant, take it out of AEGIS_RESTART_ALLOWLIST.")
    return facts.status


async def _verified(facts: Facts, settings: Settings, edges: Components) -> str:
    address = verify_address(settings.verify_urls.get(facts.name, ""), facts)
    if address.ignored:
        raise AegisError(address.ignored, hint=f"Set AEGIS_VERIFY_URLS={facts.name}=http://…, or correct the label.")
    if not address.url:
        proof = "its health check" if facts.health else "that it runs"
        raise AegisError(
            f"There is none, so {proof} is all that can prove a recovery.",
            hint=f"Set AEGIS_VERIFY_URLS={facts.name}=http://…, or the label aegis.verify-url on the container.",
        )
    probe = await edges.prober.probe(address.url, address.only)
    if not probe.good:
        raise AegisError(
            f"It says: {probe.said}.", hint="Right while the service is down; else correct AEGIS_VERIFY_URLS."
        )
    return f"says {probe.said}"


async def _model(edges: Components) -> Check:
    if edges.diagnoser is None:
        return Check("model", None, "none is set up (GEMINI_API_KEY), so the rules diagnose")
    return await asked("model", _answered, edges.diagnoser)


async def _answered(model: Gemini) -> str:
    reply = await model.check()
    return f"{reply.model} answers with JSON in {reply.seconds:.1f} s"


async def _runbook(edges: Components) -> str:
    entries = await edges.memory.entries()
    warnings = await edges.memory.check()
    if warnings:
        raise AegisError("\n".join(warnings), hint="Correct them in the file; the other entries are used.")
    await edges.memory.check_writable()
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}, readable and writable"


async def _set_aside(edges: Components) -> Check:
    """Look for alerts that were given up and that nobody may have seen."""
    try:
        given_up = await edges.store.set_aside_since(edges.world.now() - RECENT)
    except AegisError as error:
        return Check("alerts", False, error.what, error.hint)
    if not given_up:
        return Check("alerts", True, f"none was set aside within {RECENT.days} days")
    last = given_up[-1]
    told = f"{len(given_up)} could not be handled and {'were' if len(given_up) > 1 else 'was'} set aside"
    about = f"the last one of {last.alert.sender or 'unknown'} at {last.at:%Y-%m-%d %H:%M} UTC: {last.alert.title[:80]}"
    return Check("alerts", None, f"{told}; {about}")


async def _database(edges: Components) -> str:
    await edges.store.start()
    return await edges.store.check()


def _bundles(folder: Path) -> str:
    """Write a file where bundles go, or where their folder would be made: trying tells more than rights do."""
    folder = folder.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise AegisError(
            f"{there} takes no files: {error.strerror or 'the disk refused'}.",
            hint="Let Aegis's user write there, or set AEGIS_BUNDLES to another folder.",
            detail=str(error),
        ) from error
    return f"{folder} {'is writable' if there == folder else 'can be made'}"
