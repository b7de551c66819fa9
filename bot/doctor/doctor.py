"""Checks of ``aegis doctor``, each with a hint."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.adapters.llm.gemini import Gemini
from bot.doctor import slack
from bot.doctor.check import SKIPPED, Check, run_check
from bot.domain import guard, own_containers
from bot.domain.addresses.verify_url import verify_address
from bot.domain.alerts.alert import similar_names
from bot.domain.evidence import Facts
from bot.domain.guard import History, Refusal
from bot.domain.target import parse_target
from bot.errors import AegisError, EngineDenied, TargetNotFound
from bot.settings import Settings
from bot.wiring.components import Components, parts

SET_ASIDE_PERIOD = timedelta(days=7)
"""How far back the doctor reports alerts that Aegis could not handle."""


async def run_checks(settings: Settings) -> AsyncIterator[Check]:
    """Run every check and yield its result, in the order in which failures should be fixed."""
    components = parts(settings)
    try:
        yield _settings(settings)
        async for check in slack.run_checks(settings):
            yield check
        async for check in _engine(settings, components):
            yield check
        yield await _model(components)
        yield await run_check("runbook", _runbook, components)
        yield (database := await run_check("database", _database, components))
        yield await _set_aside(components) if database.ok else Check("alerts", None, SKIPPED)
        yield await run_check("crash bundles", asyncio.to_thread, _bundles, settings.aegis_bundles)
    finally:
        await components.close()


def _settings(settings: Settings) -> Check:
    if not settings.aegis_approvers:
        return Check(
            "settings",
            False,
            "AEGIS_APPROVERS is empty, so nobody can approve a restart.",
            "Set AEGIS_APPROVERS to user ids (U…) or user group ids (S…).",
        )
    if not settings.aegis_restart_allowlist:
        return Check("settings", None, "valid; AEGIS_RESTART_ALLOWLIST is empty, so Aegis never restarts a container")
    return Check("settings", True, "valid; dry run, so Aegis restarts nothing" if settings.aegis_dry_run else "valid")


async def _engine(settings: Settings, components: Components) -> AsyncIterator[Check]:
    engine = await run_check("engine", _engine_version, components)
    yield engine
    yield await _restart_calls(settings, components) if engine.ok else Check("restart calls", None, SKIPPED)
    yield (
        await run_check("own containers", _own_containers, components)
        if engine.ok
        else Check("own containers", None, SKIPPED)
    )
    for name in settings.aegis_restart_allowlist:
        if not engine.ok:
            yield Check(f"target {name}", None, SKIPPED)
            continue
        try:
            facts = await components.containers.facts(parse_target(name))
        except TargetNotFound:
            yield await run_check(f"target {name}", _target_not_found, name, components)
        except AegisError as error:
            yield Check(f"target {name}", False, error.message, error.hint)
        else:
            yield await run_check(f"target {name}", _target, facts, components)
            yield await run_check(f"verify URL of {name}", _verify_url, facts, settings, components)


async def _engine_version(components: Components) -> str:
    info = await components.containers.info()
    return f"Docker {info.version} on {info.host}, API {info.api}"


async def _restart_calls(settings: Settings, components: Components) -> Check:
    """Check before the first approval that the engine accepts the calls of a restart."""
    if settings.aegis_dry_run or not settings.aegis_restart_allowlist:
        return Check("restart calls", None, "skipped (Aegis restarts nothing with these settings)")
    try:
        await components.containers.check_restart_calls()
    except EngineDenied as error:
        return Check("restart calls", False, f"The engine would refuse every restart: {error.message}", error.hint)
    except AegisError as error:
        unknown = f"Aegis could not find out if the engine accepts a restart: {error.message}"
        return Check("restart calls", False, unknown, error.hint)
    return Check("restart calls", True, "the engine accepts them")


async def _own_containers(components: Components) -> str:
    """Return the containers that Aegis never restarts: its own and those that it needs. Raise if that is unknown."""
    inventory = await components.containers.inventory()
    mine = own_containers.find_own_containers(inventory, components.plan.hosts, await components.world.surroundings())
    if mine.unknown:
        raise AegisError(
            " ".join(mine.unknown),
            hint="Add the label aegis.protect=true to the containers of Aegis, its database and its socket proxy.",
        )
    names = [target.name for target in inventory if target.name in mine.words]
    return f"never restarted: {', '.join(names)}" if names else "Aegis needs no container on this engine"


async def _target_not_found(name: str, components: Components) -> str:
    near = similar_names(name, [target.name for target in await components.containers.inventory()])
    suggestion = f"Did you mean {' or '.join(near)}? " if near else ""
    raise AegisError(
        "The engine has no container with exactly this name.",
        hint=f"{suggestion}Correct AEGIS_RESTART_ALLOWLIST, or create the container.",
    )


async def _target(facts: Facts, components: Components) -> str:
    """Return the target's status. Raise if Aegis would refuse to restart it now."""
    mine = own_containers.find_own_containers(
        await components.containers.inventory(), components.plan.hosts, await components.world.surroundings()
    )
    policy = replace(components.plan.policy, own=mine.protected(facts.name))
    decision = guard.check(parse_target(facts.name), facts, History(), policy, components.world.now())
    if isinstance(decision, Refusal):
        raise AegisError(decision.reason, hint="If Aegis must not restart it, remove it from AEGIS_RESTART_ALLOWLIST.")
    return facts.status


async def _verify_url(facts: Facts, settings: Settings, components: Components) -> str:
    address = verify_address(settings.verify_urls.get(facts.name, ""), facts)
    if address.ignored:
        raise AegisError(
            address.ignored, hint=f"Set AEGIS_VERIFY_URLS={facts.name}=http://…, or correct the label aegis.verify-url."
        )
    if not address.url:
        proof = "its Docker health check" if facts.health else "whether it runs"
        raise AegisError(
            f"Not set: after a restart Aegis can check only {proof}.",
            hint=f"Set AEGIS_VERIFY_URLS={facts.name}=http://…, or the label aegis.verify-url on the container.",
        )
    probe = await components.prober.probe(address.url, address.only)
    if not probe.good:
        raise AegisError(
            f"The URL did not return success: {probe.answer}.",
            hint="Expected while the service is down. Otherwise correct AEGIS_VERIFY_URLS.",
        )
    return f"returned {probe.answer}"


async def _model(components: Components) -> Check:
    if components.diagnoser is None:
        return Check("model", None, "GEMINI_API_KEY is not set, so diagnoses are rule-based")
    return await run_check("model", _model_reply, components.diagnoser)


async def _model_reply(model: Gemini) -> str:
    reply = await model.check()
    return f"{reply.model} answered with JSON in {reply.seconds:.1f} s"


async def _runbook(components: Components) -> str:
    entries = await components.memory.entries()
    warnings = await components.memory.check()
    if warnings:
        raise AegisError("\n".join(warnings), hint="Correct them in the file. Aegis uses the other entries.")
    await components.memory.check_writable()
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}, readable and writable"


async def _set_aside(components: Components) -> Check:
    """Report the alerts that Aegis could not handle and that nobody may have seen."""
    try:
        given_up = await components.store.set_aside_since(components.world.now() - SET_ASIDE_PERIOD)
    except AegisError as error:
        return Check("alerts", False, error.message, error.hint)
    if not given_up:
        return Check("alerts", True, f"none was set aside in the last {SET_ASIDE_PERIOD.days} days")
    last = given_up[-1]
    count = f"Aegis could not handle {len(given_up)} and set {'them' if len(given_up) > 1 else 'it'} aside"
    about = (
        f"the last one from {last.alert.sender or 'unknown'} at {last.at:%Y-%m-%d %H:%M} UTC: {last.alert.title[:80]}"
    )
    return Check("alerts", None, f"{count}; {about}")


async def _database(components: Components) -> str:
    await components.store.start()
    return await components.store.check()


def _bundles(folder: Path) -> str:
    """Check that ``folder``, or its nearest existing parent, accepts a file; access rights alone do not prove it."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise AegisError(
            f"Aegis cannot write to {existing}: {error.strerror or 'unknown error'}.",
            hint="Give the user of Aegis write access, or set AEGIS_BUNDLES to another folder.",
            detail=str(error),
        ) from error
    return f"{folder} {'is writable' if existing == folder else 'can be created'}"
