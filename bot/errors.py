"""Every error that Aegis raises on purpose: one tree, each with a sentence for people.

AegisError
├── SettingsError             a setting is missing, misspelt or wrong
├── EngineError               the Docker Engine
│   ├── EngineUnreachable     no answer from the engine's address
│   ├── EngineDenied          the socket or its proxy refuses
│   ├── EngineTimeout         no answer in time: what happened is unknown
│   ├── TargetNotFound        no container of exactly this name or id
│   └── RestartFailed         the engine said that the restart did not work
├── ModelError                Gemini gave no usable answer; the rules speak instead
│   ├── ModelUnavailable      down, slow, rate limited, or the key or the model's name is wrong
│   └── ReplyRejected         it answered, but not with a diagnosis that can be used
├── StoreError                the database
│   ├── StoreUnavailable      it cannot be read or written now
│   └── SchemaTooNew          a newer Aegis wrote it
├── RunbookError              runbook.json
│   ├── RunbookBroken         it cannot be understood; it is left untouched
│   └── RunbookUnwritable     it cannot be written
├── SlackError                Slack said no, or nothing
├── VerifyUrlRefused          an address that Aegis will not probe
├── TextOverrun               a long text could not be read in time
└── BundleFailed              the crash bundle could not be written
"""

from __future__ import annotations


class AegisError(Exception):
    """What happened and to what, what to do next, and (apart) what the outside said.

    ``what`` and ``hint`` are our own words and may be shown anywhere. ``detail`` is outside text: redact and escape it
    before it is shown. The foreign exception, where there is one, is the ``__cause__``.
    """

    def __init__(self, what: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.detail = detail

    @property
    def sentence(self) -> str:
        """What happened and what to do next, in our words only."""
        return f"{self.what} {self.hint}".strip()


class SettingsError(AegisError):
    """A setting is missing, misspelt or wrong; ``what`` names every bad one."""


class EngineError(AegisError):
    """The Docker Engine did not do what was asked."""


class EngineUnreachable(EngineError):
    """No answer from the engine's address."""


class EngineDenied(EngineError):
    """The socket's permissions or a proxy in front of it refuse."""


class EngineTimeout(EngineError):
    """No answer in time: whether it happened is unknown, so look before doing anything."""


class TargetNotFound(EngineError):
    """No container of exactly this name or id."""


class RestartFailed(EngineError):
    """The engine said that the restart did not work; the container may be down."""


class ModelError(AegisError):
    """Gemini gave no usable answer; the rules speak instead."""


class ModelUnavailable(ModelError):
    """Down, slow, rate limited, blocked, or the key or the model's name is wrong."""


class ReplyRejected(ModelError):
    """The model answered, but not with a diagnosis that can be used."""


class StoreError(AegisError):
    """The database did not do what was asked."""


class StoreUnavailable(StoreError):
    """The database cannot be read or written now."""


class SchemaTooNew(StoreError):
    """A newer Aegis wrote this database."""


class RunbookError(AegisError):
    """Something is wrong with runbook.json."""


class RunbookBroken(RunbookError):
    """runbook.json cannot be understood; it is left untouched."""


class RunbookUnwritable(RunbookError):
    """runbook.json cannot be written."""


class SlackError(AegisError):
    """Slack said no, or nothing. ``code`` is Slack's error code where there was one."""

    def __init__(self, what: str, *, hint: str = "", detail: str = "", code: str = "") -> None:
        super().__init__(what, hint=hint, detail=detail)
        self.code = code

    @property
    def later(self) -> bool:
        """Say whether the same request may be taken later: Slack is away or busy, or a person has to mend something."""
        return self.code in _LATER


_LATER = frozenset(
    {
        *("no_answer", "unreachable", "ratelimited"),
        *("internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout"),
        *("token_revoked", "token_expired", "invalid_auth", "account_inactive", "missing_scope", "not_in_channel"),
    }
)


class VerifyUrlRefused(AegisError):
    """An address that Aegis will not probe."""


class BundleFailed(AegisError):
    """The crash bundle could not be written, so nothing is restarted."""


class TextOverrun(AegisError):
    """A long outside text could not be read in time; less of it is read."""
