"""Cases of ``aegis eval``: evidence and its right diagnosis.

A file is TOML (or JSON with the same keys). ``target``, ``class``, ``cause`` and ``restart_helps`` are required::

    target = "shop"
    alert = "HighErrorRate shop"
    class = "resource_exhaustion"
    cause = ["pool|connections"]     # the stated cause contains one word of each item; | separates the words
    restart_helps = "yes"            # yes, no or unknown
    keep = ["QueuePool limit"]       # text that the digest of the log must contain
    misleading = "why a quick reader would be wrong"
    log = '''…'''                    # or log_file = "a file in the same folder", plain or .gz
    before = '''…'''                 # the log of the run before
    events = ["10:02:31 oom"]

    [facts]                              # as in aegis diagnose --facts
    [usage]                              # memory, memory_limit, cpu_percent, pids, pids_limit
    [[neighbours]]                       # name, status, health, detail, named_in_log
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.adapters.docker import inspect_file
from bot.domain.diagnosis import PROPOSED_ACTIONS, Action, FailureClass
from bot.domain.evidence import Evidence, LogDigest, Neighbour, Source, Status, Usage
from bot.domain.logs import filters
from bot.domain.logs.digest import join_digests
from bot.domain.target import parse_target
from bot.errors import AegisError

ENDINGS = (".toml", ".json")
EVALUATED_AT = "2026-11-22T12:00:00+00:00"
"""The time of every diagnosis, since a case has no clock."""

MAX_LOG_BYTES = 64 << 20
"""Maximum size of a case's log; the rest is not read."""

_HELPS = {"yes": True, "no": False, "unknown": None}


class Case(BaseModel):
    """One case, as its ``file`` holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    file: Path
    target: str = Field(min_length=1)
    alert: str = ""
    trouble: FailureClass = Field(alias="class")
    cause: tuple[str, ...] = Field(min_length=1)
    restart_helps: Literal["yes", "no", "unknown"]
    action: Action | None = None
    keep: tuple[str, ...] = ()
    misleading: str = ""
    log: str = ""
    log_file: str = ""
    before: str = ""
    events: tuple[str, ...] = ()
    facts: dict[str, Any] | None = None
    usage: Usage | None = None
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def name(self) -> str:
        """Return the file's name without its ending."""
        return self.file.stem

    @property
    def helps(self) -> bool | None:
        """Return True if a restart helps, or ``None`` if nobody can know."""
        return _HELPS[self.restart_helps]

    @property
    def actions(self) -> frozenset[Action]:
        """Return the right actions: all of them if nobody can know whether a restart helps."""
        if self.action is not None:
            return frozenset({self.action})
        return {
            True: frozenset({Action.RESTART}),
            False: frozenset({Action.IGNORE}),
            None: frozenset(PROPOSED_ACTIONS),
        }[self.helps]

    def text(self) -> bytes:
        """Return the log. Raise ``AegisError`` if its file cannot be read."""
        if not self.log_file:
            return self.log.encode()
        path = self.file.parent / self.log_file
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                return stream.read(MAX_LOG_BYTES)
        except (OSError, EOFError) as error:
            raise AegisError(
                f"The log {path} of the case {self.file} cannot be read.", hint="Check that the file exists."
            ) from error

    def evidence(self, secrets: Sequence[str] = ()) -> Evidence:
        """Return the evidence of the case. Raise ``AegisError`` if its facts are invalid."""
        facts = None
        if self.facts is not None:
            facts = inspect_file.read(self.facts, name=self.target, secrets=secrets)
        text = self.text()
        runs = [run for run in (self.before.encode(), text) if run.strip()]
        parts = [filters.digest_blocks([run], secrets) for run in runs]
        log = join_digests(parts) if len(parts) > 1 else parts[0] if parts else LogDigest()
        state = Source("state", Status.OK if facts else Status.EMPTY, "" if facts else "not given")
        lines = Source("logs", Status.OK if log.total_lines else Status.EMPTY, f"{log.total_lines:,} lines")
        return Evidence(
            parse_target(self.target),
            EVALUATED_AT,
            facts,
            log,
            self.usage,
            self.neighbours,
            self.events,
            sources=(state, lines),
        )


def find(paths: Sequence[str]) -> tuple[Path, ...]:
    """Return the given files and the cases in the given folders, in order.

    Raise ``AegisError`` if a path does not exist or there is no case.
    """
    files: list[Path] = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            files += sorted(file for file in path.iterdir() if file.suffix in ENDINGS)
        elif path.is_file():
            files.append(path)
        else:
            raise AegisError(f"{name} does not exist.", hint="Give files or folders of cases.")
    if not files:
        raise AegisError(f"There are no cases in {', '.join(paths)}.", hint="A case is a .toml or .json file.")
    return tuple(dict.fromkeys(files))


def load(file: Path) -> Case:
    """Return one case. Raise ``AegisError`` with the file and its fault."""
    try:
        text = file.read_text(encoding="utf-8")
        values = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        if not isinstance(values, dict):
            raise _invalid(file, "it must be an object")
        return Case.model_validate({**values, "file": file})
    except ValidationError as error:
        places = sorted({".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)})
        raise _invalid(file, f"check {', '.join(places)}") from error
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _invalid(file, "it is not valid TOML or JSON") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AegisError(f"{file} cannot be read.", hint="It must be a readable text file in UTF-8.") from error


def _invalid(file: Path, reason: str) -> AegisError:
    return AegisError(f"The case {file} is invalid: {reason}.", hint="tests/evals/README.md describes the format.")
