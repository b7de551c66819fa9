"""Cases for ``aegis eval``: one file is one trouble, what was to be seen of it, and what a good diagnosis says.

A file is TOML (or JSON with the same keys). ``target``, ``class``, ``cause`` and ``restart_helps`` have to be there::

    target = "shop"
    alert = "HighErrorRate shop"
    class = "resource_exhaustion"
    cause = ["pool|connections"]     # of each item, the stated cause holds one of the words between the bars
    restart_helps = "yes"            # yes, no or unknown
    keep = ["QueuePool limit"]       # what the digest of the log has to hold
    misleading = "why, where a hasty reader would be wrong"
    log = '''…'''                    # or log_file = "a file beside this one", plain or .gz
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
from bot.domain.diagnosis import Action, FailureClass
from bot.domain.evidence import Evidence, LogDigest, Neighbour, Source, Status, Usage
from bot.domain.logs import filters
from bot.domain.logs.digest import join
from bot.errors import AegisError

ENDINGS = (".toml", ".json")
MOMENT = "2026-11-22T12:00:00+00:00"
"""When every case is looked at: a case has no clock of its own."""

LARGEST = 64 << 20
"""Bytes of a case's log."""

_HELPS = {"yes": True, "no": False, "unknown": None}


class Case(BaseModel):
    """One case as its file has it; ``file`` is where it came from."""

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
        """Say whether a restart can help; ``None`` where nobody can know."""
        return _HELPS[self.restart_helps]

    @property
    def actions(self) -> frozenset[Action]:
        """Return the actions that are right: any, where nobody can know whether a restart helps."""
        if self.action is not None:
            return frozenset({self.action})
        return {
            True: frozenset({Action.RESTART}),
            False: frozenset({Action.IGNORE}),
            None: frozenset(Action),
        }[self.helps]

    def text(self) -> bytes:
        """Return the log as it was; raises ``AegisError`` where its file cannot be read."""
        if not self.log_file:
            return self.log.encode()
        path = self.file.parent / self.log_file
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                return stream.read(LARGEST)
        except (OSError, EOFError) as error:
            raise AegisError(f"The log {path} of {self.file} cannot be read.", hint="Is it there?") from error

    def evidence(self, secrets: Sequence[str] = ()) -> Evidence:
        """Return what Aegis would have read; raises ``AegisError`` for facts that cannot be understood."""
        facts = None
        if self.facts is not None:
            facts = inspect_file.read(self.facts, name=self.target, secrets=secrets)
        text = self.text()
        runs = [run for run in (self.before.encode(), text) if run.strip()]
        parts = [filters.digested([run], secrets) for run in runs]
        log = join(parts) if len(parts) > 1 else parts[0] if parts else LogDigest()
        state = Source("state", Status.OK if facts else Status.EMPTY, "" if facts else "not given")
        lines = Source("logs", Status.OK if log.total_lines else Status.EMPTY, f"{log.total_lines:,} lines")
        return Evidence(
            self.target, MOMENT, facts, log, self.usage, self.neighbours, self.events, sources=(state, lines)
        )


def find(given: Sequence[str]) -> tuple[Path, ...]:
    """Return the files of cases that are named, and those in folders that are named, in order.

    Raises ``AegisError`` for what is not there, and where there is no case at all.
    """
    found: list[Path] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            found += sorted(one for one in path.iterdir() if one.suffix in ENDINGS)
        elif path.is_file():
            found.append(path)
        else:
            raise AegisError(f"There is no {name}.", hint="Name files of cases, or a folder of them.")
    if not found:
        raise AegisError("There are no cases here.", hint="A case is a .toml or .json file.")
    return tuple(dict.fromkeys(found))


def read(file: Path) -> Case:
    """Read one case; raises ``AegisError`` that names the file and what is wrong with it."""
    try:
        text = file.read_text(encoding="utf-8")
        given = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        if not isinstance(given, dict):
            raise _unclear(file, "it has to be an object")
        return Case.model_validate({**given, "file": file})
    except ValidationError as error:
        places = sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)})
        raise _unclear(file, f"look at {', '.join(places)}") from error
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _unclear(file, "it is neither TOML nor JSON") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AegisError(f"{file} cannot be read.", hint="Is it a text file in UTF-8?") from error


def _unclear(file: Path, why: str) -> AegisError:
    return AegisError(
        f"The case {file} cannot be understood: {why}.", hint="tests/evals/README.md shows what a case holds."
    )
