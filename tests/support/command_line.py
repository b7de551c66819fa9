"""The command line in this process: arguments and standard input in, exit code and both outputs out."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.cli import console
from bot.cli.main import main

Aegis = Callable[..., "Ended"]
"""``aegis("digest", "-", stdin=b"…", SOME_SETTING="…")`` runs one command."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that was printed, and nothing else."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values that were printed, one on each line."""
        return [json.loads(line) for line in self.out.splitlines()]


@contextmanager
def command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    """Return what runs ``aegis`` in ``folder`` with no settings but those that are given."""
    for name in [name for name in os.environ if name.startswith(("AEGIS_", "SLACK_", "GEMINI_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    for one in (console.out, console.err):
        # A test runner's own COLUMNS would hold for ever, since rich reads it when it is imported.
        monkeypatch.setattr(one, "_width", None)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/no-engine.sock")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words: str, stdin: bytes = b"", **settings: str) -> Ended:
        given = folder / ".stdin"
        given.write_bytes(stdin)
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
        with monkeypatch.context() as here, given.open("rb") as reading:
            for name, value in settings.items():
                here.setenv(name, value)
            here.setattr(sys, "argv", ["aegis", *words])
            here.setattr(sys, "stdin", io.TextIOWrapper(reading))
            here.setattr(sys, "stdout", out)
            here.setattr(sys, "stderr", err)
            root.handlers = []
            with pytest.raises(SystemExit) as ended:
                main()
            out.flush()
            err.flush()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, _text(out), _text(err))

    yield run
    root.handlers, root.level = handlers, level


def _text(stream: io.TextIOWrapper) -> str:
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode()
