"""Actions, failure classes and the diagnosis record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What can be done about a target. There is nothing else, whatever a model says."""

    RESTART = "restart"
    START = "start"
    IGNORE = "ignore"


PROPOSED_ACTIONS = (Action.RESTART, Action.IGNORE)
"""What a diagnosis may propose. ``START`` only ends a restart that stopped in its middle."""


OFFERED_ACTIONS = (Action.RESTART,)
"""What a card has a button for. The id of the button is the action's value."""


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
    """What broke and why, what to do, and how certain that is."""

    #: What broke in a few plain words, for the card's header.
    headline: str
    #: Why it broke.
    root_cause: str
    #: The action that is proposed.
    action: Action
    #: Why this action is proposed.
    justification: str
    #: The confidence after all checks, from 0 to 1.
    confidence: float
    #: The class of failure.
    trouble: FailureClass
    #: Whether a restart helps; ``None`` if that is unknown.
    restart_helps: bool | None
    #: ``rules``, or the name of the model.
    by: str = RULES
    #: The lines of the evidence that support the diagnosis.
    quotes: tuple[Quote, ...] = ()
    #: Sentences about a contradiction with a fact, or a quotation that does not exist.
    caveats: tuple[str, ...] = ()
    #: Why the diagnosis is rule-based although a model was asked or could have been.
    why_rules: str = ""
    #: The tokens that the model used.
    tokens: int = 0
    #: The time that the model took, in seconds.
    seconds: float = 0.0
    #: What would show that the diagnosis is wrong.
    disproof: str = ""
