"""Redacted log with incident ids, and the metrics of /metrics."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

incident_id: ContextVar[str] = ContextVar("incident_id", default="-")
"""The incident that the current task works on."""

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)
"""Buckets: Slack waits 3 s for an acknowledgement, the model has 20 s, a verification a minute or more."""

registry = CollectorRegistry()
ALERTS = Counter("aegis_alerts", "Alerts received, by kind.", ["kind"], registry=registry)
INCIDENTS = Counter("aegis_incidents", "Incidents that reached a state, by state.", ["state"], registry=registry)
OPEN_INCIDENTS = Gauge("aegis_open_incidents", "Incidents that are not closed, by state.", ["state"], registry=registry)
REFUSALS = Counter("aegis_refusals", "Refused presses of Restart, by reason.", ["reason"], registry=registry)
STAGES = Histogram(
    "aegis_stage_duration_seconds", "Duration of a stage, by stage.", ["stage"], buckets=_SECONDS, registry=registry
)
DIAGNOSIS = Histogram(
    "aegis_diagnosis_seconds", "Time from the incident to its diagnosis.", buckets=_SECONDS, registry=registry
)
RECOVERY = Histogram(
    "aegis_recovery_seconds", "Time from the restart to the recovery.", buckets=_SECONDS, registry=registry
)
MODEL_CALLS = Counter("aegis_model_calls", "Requests to the model.", registry=registry)
MODEL_TOKENS = Counter("aegis_model_tokens", "Tokens used by the model.", registry=registry)
MODEL_FALLBACKS = Counter(
    "aegis_model_fallbacks", "Rule-based diagnoses because the model gave no usable answer.", registry=registry
)
MODEL_SKIPPED = Counter(
    "aegis_model_skipped", "Diagnoses for which the model was not asked, by reason.", ["reason"], registry=registry
)
RESTARTS = Counter("aegis_restarts", "Approved restarts, by outcome.", ["outcome"], registry=registry)
RECONNECTS = Counter("aegis_socket_reconnects", "Reconnections to Slack.", registry=registry)
OUTBOX = Gauge("aegis_outbox_depth", "Messages that wait to be posted to Slack.", registry=registry)
SLACK_RATE_LIMITED = Counter(
    "aegis_slack_rate_limited", "Calls that Slack rate-limited, by method.", ["method"], registry=registry
)
SET_ASIDE = Counter("aegis_set_aside", "Alerts and incidents given up after their last failure.", registry=registry)
HTTP_CLOSED = Counter(
    "aegis_http_closed", "Connections closed by the HTTP server, by reason.", ["reason"], registry=registry
)
HTTP_MALFORMED = Counter("aegis_http_malformed", "Malformed HTTP requests.", registry=registry)

MINUTE_S = 60.0
"""Seconds between two lines of one cause that repeats itself."""

_MOST_CAUSES = 500
"""Causes that are told apart; the oldest is forgotten first."""

_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[0-9]+")

_ONCE = "aegis_once_a_minute"

_OUR_LOGGERS = frozenset({"bot", "aegis", "root"})
"""All others log from WARNING on: below it they write payloads, addresses with keys, and hundreds of lines an alert."""

_NO_NEWS = "`token` will be unused"
"""Bolt warns of the token in the environment, though it is the one that its client was given."""

_TICKET = re.compile(r"([?&]ticket=)[^\s&\"'<>)]+")
_RESPONSE_URL = re.compile(r"(/(?:commands|actions|app-actions|workflows|services)/[TEA][A-Z0-9]{1,20}/)[^\s\"'<>)]+")
"""Addresses that open Slack to whoever has them, on any host: tickets of sockets, and addresses for answers."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What outside text could do to a terminal, the line's end and the tab excepted."""


class _Lines(logging.Formatter):
    """Every line of a record with the incident's id, everything redacted, tracebacks included."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s [%(incident)s] %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        incident = record.incident = incident_id.get()
        # Redacted as a whole, since some secrets span lines.
        text = _CONTROL.sub("?", self._redact(super().format(record)))
        # No text from outside can pass for a line of its own, and a search for the incident finds the traceback too.
        return text.replace("\n", f"\n  [{incident}] ")


class _Objects(logging.Formatter):
    """Every record as one JSON object on one line: time, level, logger, incident, message, and error with its trace."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "incident": incident_id.get(),
            # Redacted before it becomes JSON, whose escapes would hide a secret that spans lines.
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            fields["error"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=True)


def once_a_minute() -> dict[str, object]:
    """Return the ``extra`` of a log call whose text repeats itself: once a minute a line, and the others counted."""
    return {_ONCE: True}


class _Cause:
    """One cause: until when it is silent, how many lines were left out, and the last of them."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.more = 0
        self.last: logging.LogRecord | None = None


class Sparing(logging.StreamHandler[TextIO]):
    """Writes one line a minute of each cause that repeats itself, and how many were left out.

    These are records with ``once_a_minute``, and warnings and errors of other programs' loggers. What was left out is
    told with the next record of any cause, or at the end.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._causes: OrderedDict[tuple[object, ...], _Cause] = OrderedDict()

    @property
    def causes(self) -> int:
        """Return how many causes are told apart now."""
        return len(self._causes)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless its cause had a line within the last minute."""
        now = self._clock()
        self._tell(now)
        if not _repeats(record):
            super().emit(record)
            return
        key = _cause(record)
        cause = self._causes.get(key)
        if cause is not None:
            cause.more += 1
            cause.last = record
            return
        self._causes[key] = _Cause(now + MINUTE_S)
        while len(self._causes) > _MOST_CAUSES:
            self._write(self._causes.popitem(last=False)[1])
        super().emit(record)

    def close(self) -> None:
        """Write how many lines were left out."""
        self._tell(float("inf"))
        super().close()

    def _tell(self, now: float) -> None:
        for key in [key for key, cause in self._causes.items() if cause.until <= now]:
            self._write(self._causes.pop(key))

    def _write(self, cause: _Cause) -> None:
        if cause.last is None:
            return
        record = copy(cause.last)
        first = record.getMessage().partition("\n")[0]
        record.msg, record.args, record.exc_info = f"{first} ({cause.more} more like this)", (), None
        record.exc_text = record.stack_info = None
        super().emit(record)


def _repeats(record: logging.LogRecord) -> bool:
    if getattr(record, _ONCE, False):
        return True
    return record.levelno >= logging.WARNING and record.name.partition(".")[0] not in _OUR_LOGGERS


def _cause(record: logging.LogRecord) -> tuple[object, ...]:
    """Return what two records of one cause have in common: the text without its numbers, and where it was raised."""
    kind, trace = (record.exc_info[0], record.exc_info[2]) if record.exc_info else (None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else None
    words = _NUMBER.sub("#", str(record.msg).partition("\n")[0])
    return (record.name, record.levelno, words, kind, where)


def start_log(level: str, redact: Callable[[str], str], form: str = "text") -> None:
    """Log to standard error from ``level`` on; ``redact`` removes secrets from every line, tracebacks included.

    ``form`` is ``text`` or ``json``. What ends the process unforeseen is logged in the same way.
    """
    redact = partial(_sealed, redact)
    handler = Sparing()
    handler.setFormatter(_Objects(redact) if form == "json" else _Lines(redact))
    handler.addFilter(lambda record: _NO_NEWS not in str(record.msg))
    # Not by the loggers' levels: Bolt sets those of its own loggers to the root's. At DEBUG too.
    handler.addFilter(_worth_a_line)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _log_crash


def _sealed(redact: Callable[[str], str], text: str) -> str:
    """Return a text without secrets, and without addresses by which anybody could act in Slack."""
    return redact(_RESPONSE_URL.sub(r"\1***", _TICKET.sub(r"\1***", text)))


def _worth_a_line(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OUR_LOGGERS


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("aegis").critical("Aegis broke off", exc_info=(kind, error, trace))
