"""What can be proposed, the classes of trouble, and a diagnosis: what broke and why, how sure, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What can be proposed. There is nothing else, whatever a model says."""

    RESTART = "restart"
    IGNORE = "ignore"


class FailureClass(StrEnum):
    """Classes of trouble."""

    OOM = "oom"
    CRASHLOOP = "crashloop"
    DEPENDENCY_DOWN = "dependency_down"
    CONFIG_ERROR = "config_error"
    BAD_RELEASE = "bad_release"
    DISK_FULL = "disk_full"
    PORT_CONFLICT = "port_conflict"
    TLS_EXPIRED = "tls_expired"
    PERMISSION = "permission"
    DEADLOCK = "deadlock"
    DNS = "dns"
    NETWORK = "network"
    TIMEOUT = "timeout"
    RESOURCE_EXHAUSTION = "resource_exhaustion"
    RATE_LIMIT = "rate_limit"
    AUTH = "auth"
    DATA_ERROR = "data_error"
    NONE = "none"
    UNKNOWN = "unknown"


RULES = "rules"

UNKNOWN_CAUSE_CONFIDENCE = 0.15
"""How sure the rules are where nothing that was read says what broke; nobody is surer without evidence."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A line of the evidence, printed by us as it stands there, with how often its shape came."""

    number: int
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What broke and why, what to do, how sure, and who says so.

    ``headline`` is what broke in plain words, for the card's header. ``by`` is ``rules`` or the model's name.
    ``confidence`` is 0 to 1, after all checks. ``restart_helps`` is ``None`` where nobody can say. ``caveats`` are
    sentences of ours: a contradiction with a hard fact, a quotation that does not exist. ``why_rules`` says why the
    model did not speak, where the rules speak instead. ``disproof`` is what would show that it is wrong.
    """

    headline: str
    root_cause: str
    action: Action
    justification: str
    confidence: float
    trouble: FailureClass
    restart_helps: bool | None
    by: str = RULES
    quotes: tuple[Quote, ...] = ()
    caveats: tuple[str, ...] = ()
    why_rules: str = ""
    tokens: int = 0
    seconds: float = 0.0
    disproof: str = ""
