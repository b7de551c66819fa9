"""Records of what was read about a target."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from bot.domain.target import Target


class Status(StrEnum):
    """How a source of evidence answered. Missing is not zero."""

    OK = "ok"
    EMPTY = "empty"
    DENIED = "denied"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True)
class Source:
    """One source of evidence; ``detail`` is a few words of ours such as ``1,204 lines`` or ``driver none``."""

    name: str
    status: Status
    detail: str = ""


VERIFY_URL = "verify URL"
"""The source that says what is asked after a restart, or why a label is not used."""


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """One of the engine's last health checks of a container. ``output`` is outside text, redacted and cut."""

    at: str
    exit_code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: container side, host side, and whether the engine picked the host's port itself."""

    container: int
    protocol: str
    host_ip: str
    host: int
    random: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """One sample of use against limits; ``None`` where the engine does not say. Bytes, percent of one core's total.

    ``throttled_percent`` is the share of time slices in which the CPU limit held it up, since its start.
    """

    memory: int | None = None
    memory_limit: int | None = None
    cpu_percent: float | None = None
    pids: int | None = None
    pids_limit: int | None = None
    throttled_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at one container. Environment variables and arguments are never read.

    Times are the engine's own strings (RFC 3339, nine digits), compared only with each other; ``""`` is never.
    """

    #: Name of the container, without a slash.
    name: str
    #: Full id of the container.
    container_id: str
    #: The engine's name of its machine.
    host: str
    #: Image as the container names it.
    image: str
    #: Id of the image.
    image_id: str
    #: Time at which the container was created.
    created_at: str
    #: Time of the last start.
    started_at: str
    #: Time at which the process last ended.
    finished_at: str
    #: The engine's word for the state, such as ``exited``.
    status: str
    #: True if the engine reports it as running.
    running: bool
    #: True while the engine waits to start it again.
    restarting: bool
    #: True if it is paused.
    paused: bool
    #: Exit code of the last run.
    exit_code: int
    #: True if the engine reports that it ran out of memory.
    oom_killed: bool
    #: The engine's error at the last start, or ``""``.
    error: str
    #: Automatic restarts by the engine.
    restart_count: int
    #: Restart policy, such as ``always``.
    restart_policy: str
    #: Health state; ``None`` if the image has no health check.
    health: str | None
    #: Seconds that the process has to end before it is killed.
    stop_timeout: int
    #: Log driver of the container.
    log_driver: str = "json-file"
    #: Time at which the image was built.
    image_created_at: str = ""
    #: Last health checks, as the engine keeps them.
    probes: tuple[HealthProbe, ...] = ()
    #: Published ports.
    ports: tuple[Port, ...] = ()
    #: Names of its networks.
    networks: tuple[str, ...] = ()
    #: Its current IP addresses.
    addresses: tuple[str, ...] = ()
    #: Names by which its networks find it.
    aliases: tuple[str, ...] = ()
    #: Labels that start with ``aegis.``, ``com.docker.compose.`` or ``com.docker.swarm.``.
    labels: tuple[tuple[str, str], ...] = ()
    #: Memory limit in bytes; 0 without one.
    memory_limit: int = 0
    #: CPU limit in cores; 0 without one.
    cpu_limit: float = 0.0

    def label(self, name: str) -> str:
        """Return the value of the label ``name``, or ``""``."""
        return dict(self.labels).get(name, "")

    @property
    def swarm_service(self) -> str:
        """Return the Swarm service that owns this container, or ``""``."""
        return self.label("com.docker.swarm.service.name")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A container of the same project or network that is not well, or that the target's log names."""

    name: str
    status: str
    health: str | None = None
    detail: str = ""
    named_in_log: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line kept from a log: its number in the log, its text, how often its shape came, and when last seen.

    ``last`` is the number of the last one of its shape, 0 where it came once or that is not known. ``boundary`` is the
    first line of a later run, ``earlier`` a line of a run before the present one.
    """

    number: int
    text: str
    count: int = 1
    until: str = ""
    boundary: bool = False
    earlier: bool = False
    last: int = 0

    def moved(self, by: int) -> LogLine:
        """Return the line as it stands in a log with ``by`` more lines before it."""
        return replace(self, number=self.number + by, last=self.last + by if self.last else 0)


@dataclass(frozen=True, slots=True)
class LogDigest:
    """What is worth reading in a log of any length. Redacted before it leaves the adapter.

    ``partial``: only the newest lines of a longer log were read; numbers count from the first of them. ``last_at`` is
    the engine's time of the newest line, ``""`` where it is not known.
    """

    lines: tuple[LogLine, ...] = ()
    total_lines: int = 0
    total_bytes: int = 0
    partial: bool = False
    last_at: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was read about one target in one go: redacted, bounded, each source with its status."""

    #: Target that was read about.
    target: Target
    #: Time at which it was read, as RFC 3339.
    gathered_at: str
    #: State of the container; ``None`` if the engine did not report it.
    facts: Facts | None
    #: Digest of the log.
    log: LogDigest = field(default_factory=LogDigest)
    #: Use of memory, CPU and processes; ``None`` if unknown.
    usage: Usage | None = None
    #: Related containers that are in trouble or named in the log.
    neighbours: tuple[Neighbour, ...] = ()
    #: Lines about the engine's events, oldest first.
    events: tuple[str, ...] = ()
    #: Answer of each source.
    sources: tuple[Source, ...] = ()
