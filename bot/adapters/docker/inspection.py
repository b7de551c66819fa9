"""Reads ``docker inspect`` into Facts.

Only the keys named here are read; environment, command and arguments are not among them, so they can reach nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.adapters.docker.text import safe
from bot.domain.evidence import Facts, HealthProbe, Port
from bot.errors import EngineError

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
"""Docker's rule for names (moby: daemon/names); what does not fit is never sent to the engine."""
FULL_ID = re.compile(r"[0-9a-f]{64}")
LONGEST_STOP_S = 600
"""Seconds that a container may be given to stop; a stop time-out without end (-1) is cut to this."""
_READ_LABELS = ("aegis.", "com.docker.compose.", "com.docker.swarm.")
_NEVER = "0001-01-01"


class _Part(BaseModel):
    """A part of an answer: unknown keys are dropped, and ``null`` means the default, as Go writes empty values."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        if isinstance(value, Mapping):
            return {key: item for key, item in value.items() if item is not None}
        return value


class _Check(_Part):
    start: str = Field("", alias="Start")
    exit_code: int = Field(0, alias="ExitCode")
    output: str = Field("", alias="Output")


class _Health(_Part):
    status: str = Field("", alias="Status")
    log: tuple[_Check, ...] = Field((), alias="Log")


class _State(_Part):
    status: str = Field("", alias="Status")
    running: bool = Field(False, alias="Running")
    paused: bool = Field(False, alias="Paused")
    restarting: bool = Field(False, alias="Restarting")
    oom_killed: bool = Field(False, alias="OOMKilled")
    exit_code: int = Field(0, alias="ExitCode")
    error: str = Field("", alias="Error")
    started_at: str = Field("", alias="StartedAt")
    finished_at: str = Field("", alias="FinishedAt")
    health: _Health | None = Field(None, alias="Health")


class _Config(_Part):
    image: str = Field("", alias="Image")
    tty: bool = Field(False, alias="Tty")
    stop_timeout: int | None = Field(None, alias="StopTimeout")
    labels: dict[str, str] = Field(default_factory=dict, alias="Labels")


class _Typed(_Part):
    kind: str = Field("", alias="Type")


class _Policy(_Part):
    name: str = Field("", alias="Name")


class _Binding(_Part):
    host_ip: str = Field("", alias="HostIp")
    host_port: str = Field("", alias="HostPort")


class _HostConfig(_Part):
    log: _Typed = Field(default_factory=_Typed, alias="LogConfig")
    policy: _Policy = Field(default_factory=_Policy, alias="RestartPolicy")
    bindings: dict[str, tuple[_Binding, ...] | None] = Field(default_factory=dict, alias="PortBindings")
    memory: int = Field(0, alias="Memory")
    nano_cpus: int = Field(0, alias="NanoCpus")
    cpu_quota: int = Field(0, alias="CpuQuota")
    cpu_period: int = Field(0, alias="CpuPeriod")


class _Endpoint(_Part):
    address: str = Field("", alias="IPAddress")
    address6: str = Field("", alias="GlobalIPv6Address")
    aliases: tuple[str, ...] = Field((), alias="Aliases")
    names: tuple[str, ...] = Field((), alias="DNSNames")


class _NetworkSettings(_Part):
    ports: dict[str, tuple[_Binding, ...] | None] = Field(default_factory=dict, alias="Ports")
    networks: dict[str, _Endpoint | None] = Field(default_factory=dict, alias="Networks")


class Inspection(_Part):
    """One answer to inspect, with what Aegis reads of it."""

    container_id: str = Field("", alias="Id")
    name: str = Field("", alias="Name")
    created: str = Field("", alias="Created")
    image_id: str = Field("", alias="Image")
    restart_count: int = Field(0, alias="RestartCount")
    state: _State = Field(default_factory=_State, alias="State")
    config: _Config = Field(default_factory=_Config, alias="Config")
    host_config: _HostConfig = Field(default_factory=_HostConfig, alias="HostConfig")
    network: _NetworkSettings = Field(default_factory=_NetworkSettings, alias="NetworkSettings")


def read(answer: Mapping[str, Any]) -> Inspection:
    """Read an answer to inspect. Raises ``EngineError`` where it is not one, or its id is not a full one."""
    try:
        inspection = Inspection.model_validate(answer)
    except ValidationError as error:
        raise _nonsense() from error
    if not FULL_ID.fullmatch(inspection.container_id) or not inspection.name.startswith("/"):
        raise _nonsense()
    return inspection


def facts(inspection: Inspection, *, host: str, restart_timeout: int, secrets: Sequence[str] = ()) -> Facts:
    """Put an inspection in our words. ``restart_timeout`` in seconds is for a container without a stop time-out."""
    state, settings = inspection.state, inspection.host_config
    health = state.health if state.health and state.health.status not in ("", "none") else None
    return Facts(
        name=inspection.name.removeprefix("/"),
        container_id=inspection.container_id,
        host=_word(host, 200),
        image=safe(inspection.config.image, 300, secrets),
        image_id=inspection.image_id[:100],
        created_at=_time(inspection.created),
        started_at=_time(state.started_at),
        finished_at=_time(state.finished_at),
        status=_word(state.status, 50),
        running=state.running,
        restarting=state.restarting or state.status == "restarting",
        paused=state.paused or state.status == "paused",
        exit_code=state.exit_code,
        oom_killed=state.oom_killed,
        error=safe(state.error, 500, secrets),
        restart_count=inspection.restart_count,
        restart_policy=_word(settings.policy.name or "no", 50),
        health=_word(health.status, 50) if health else None,
        stop_timeout=_stop_timeout(inspection.config, restart_timeout),
        log_driver=_word(settings.log.kind or "json-file", 50),
        probes=tuple(
            HealthProbe(_time(check.start), check.exit_code, safe(check.output, 500, secrets))
            for check in (health.log[-5:] if health else ())
        ),
        ports=tuple(_ports(inspection)),
        networks=tuple(sorted(inspection.network.networks)),
        addresses=_words(one for end in _endpoints(inspection) for one in (end.address, end.address6)),
        aliases=_words(one for end in _endpoints(inspection) for one in (*end.aliases, *end.names)),
        labels=tuple(sorted(_labels(inspection.config.labels, secrets))),
        memory_limit=max(0, settings.memory),
        cpu_limit=_cores(settings),
    )


def _endpoints(inspection: Inspection) -> list[_Endpoint]:
    return [end for end in inspection.network.networks.values() if end is not None]


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_word(word, 255) for word in words if word}))


def _cores(settings: _HostConfig) -> float:
    """Return the CPU limit in cores, 0 without: given as such, or as a quota of a period (100 ms where none is set)."""
    if settings.nano_cpus > 0:
        return settings.nano_cpus / 1e9
    return settings.cpu_quota / (settings.cpu_period or 100_000) if settings.cpu_quota > 0 else 0.0


def _nonsense() -> EngineError:
    return EngineError(
        "The engine's answer about this container makes no sense.",
        hint="Look at DOCKER_HOST: something else than a Docker Engine may answer there.",
    )


def _word(text: str, limit: int) -> str:
    """Keep a name or number of the engine's own as it is, but bounded and printable."""
    return "".join(sign for sign in text[:limit] if sign.isprintable())


def _time(engine_time: str) -> str:
    return "" if engine_time.startswith(_NEVER) else _word(engine_time, 40)


def _stop_timeout(config: _Config, otherwise: int) -> int:
    wanted = config.labels.get("aegis.stop-timeout", "").strip()
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 6:
        return min(int(wanted), LONGEST_STOP_S)
    if config.stop_timeout is None:
        return otherwise
    return LONGEST_STOP_S if config.stop_timeout < 0 else min(config.stop_timeout, LONGEST_STOP_S)


def _ports(inspection: Inspection) -> list[Port]:
    found: dict[tuple[int, str, str, int], Port] = {}
    for inside, bindings in inspection.network.ports.items():
        number, _, protocol = inside.partition("/")
        asked = {binding.host_port for binding in inspection.host_config.bindings.get(inside) or ()}
        for binding in bindings or ():
            if _is_port(number) and _is_port(binding.host_port):
                # What nobody asked for by number (nothing, 0, a range, or "publish all") the engine has picked.
                port = Port(
                    container=int(number),
                    protocol=protocol or "tcp",
                    host_ip=_word(binding.host_ip, 50),
                    host=int(binding.host_port),
                    random=binding.host_port not in asked or binding.host_port == "0",
                )
                found[(port.container, port.protocol, port.host_ip, port.host)] = port
    return [found[key] for key in sorted(found)]


def _is_port(number: str) -> bool:
    return len(number) < 6 and number.isdecimal()


def without_secrets(look: Facts, secrets: Sequence[str] = ()) -> Facts:
    """Return a look that may be kept and shown; one that is acted on has our own labels as they are."""
    return replace(look, labels=tuple((name, _shown(name, value, secrets)) for name, value in look.labels))


def _shown(name: str, value: str, secrets: Sequence[str]) -> str:
    # A secret is often known by its name alone, so both are looked at together.
    before = f"{name}="
    both = safe(before + value, len(before) + 500, secrets)
    return both.removeprefix(before) if both.startswith(before) else safe(value, 500, secrets)


def _labels(labels: Mapping[str, str], secrets: Sequence[str]) -> list[tuple[str, str]]:
    """Keep the labels that mean something to us; ``aegis.`` ones stay as they are, since they are used."""
    return [
        (name[:200], value[:1000] if name.startswith("aegis.") else _shown(name, value, secrets))
        for name, value in labels.items()
        if name.startswith(_READ_LABELS)
    ]
