"""All errors that Aegis raises, each with a sentence for people.

AegisError
├── SettingsError             a setting is missing, misspelt or invalid
├── EngineError               the Docker Engine
│   ├── EngineUnreachable     no answer from the engine's address
│   ├── EngineDenied          the socket or its proxy refuses access
│   ├── EngineTimeout         no answer in time; the result of the call is unknown
│   ├── TargetNotFound        no container with exactly this name or id
│   └── RestartFailed         the engine reported that the restart failed
├── ModelError                no usable answer from Gemini; the diagnosis is rule-based
│   ├── ModelUnavailable      down, slow or rate limited, or the key or the model's name is wrong
│   └── ReplyRejected         the answer is not a usable diagnosis
├── StoreError                the database
│   ├── StoreUnavailable      the database cannot be read or written now
│   └── SchemaTooNew          a newer version of Aegis wrote the database
├── RunbookError              runbook.json
│   ├── RunbookBroken         the file cannot be parsed; Aegis does not change it
│   └── RunbookUnwritable     the file cannot be written
├── SlackError                Slack refused a request or did not answer
├── VerifyUrlRefused          an address that Aegis does not probe
├── TextOverrun               a long text took too long to process
└── BundleFailed              the crash bundle could not be written
"""

from __future__ import annotations


class AegisError(Exception):
    """Base of all errors of Aegis: a message, a hint what to do, and the detail from outside.

    ``message`` and ``hint`` are written by Aegis and are safe to show. ``detail`` is outside text: redact and escape it
    before you show it. The foreign exception, if any, is the ``__cause__``.
    """

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    @property
    def sentence(self) -> str:
        """Return the message and the hint, without outside text."""
        return f"{self.message} {self.hint}".strip()


class SettingsError(AegisError):
    """A setting is missing, misspelt or invalid; ``message`` names all of them."""


class EngineError(AegisError):
    """A call to the Docker Engine failed."""


class EngineUnreachable(EngineError):
    """The engine's address does not answer."""


class EngineDenied(EngineError):
    """The socket's permissions or its proxy refuse access."""


class EngineTimeout(EngineError):
    """The engine did not answer in time; the result of the call is unknown, so check the state first."""


class TargetNotFound(EngineError):
    """The engine has no container with exactly this name or id."""


class RestartFailed(EngineError):
    """The engine reported that the restart failed; the container may be down."""


class ModelError(AegisError):
    """Gemini gave no usable answer; the diagnosis is rule-based."""


class ModelUnavailable(ModelError):
    """The model is down, slow, rate limited or blocked, or its key or name is wrong."""


class ReplyRejected(ModelError):
    """The model's answer is not a usable diagnosis."""


class StoreError(AegisError):
    """A call to the database failed."""


class StoreUnavailable(StoreError):
    """The database cannot be read or written now."""


class SchemaTooNew(StoreError):
    """A newer version of Aegis wrote this database."""


class RunbookError(AegisError):
    """Reading or writing runbook.json failed."""


class RunbookBroken(RunbookError):
    """runbook.json cannot be parsed; Aegis does not change it."""


class RunbookUnwritable(RunbookError):
    """runbook.json cannot be written."""


class SlackError(AegisError):
    """Slack refused a request or did not answer. ``code`` is Slack's error code, if any."""

    def __init__(self, message: str, *, hint: str = "", detail: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.code = code

    @property
    def later(self) -> bool:
        """Return True if the same request can succeed later, after Slack recovers or a person fixes the app."""
        return self.code in _LATER


_LATER = frozenset(
    {
        *("no_answer", "unreachable", "ratelimited"),
        *("internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout"),
        *("token_revoked", "token_expired", "invalid_auth", "account_inactive", "missing_scope", "not_in_channel"),
    }
)


class VerifyUrlRefused(AegisError):
    """Aegis does not probe this address."""


class BundleFailed(AegisError):
    """The crash bundle could not be written, so Aegis restarts nothing."""


class TextOverrun(AegisError):
    """A long outside text took too long to process; Aegis reads less of it."""
