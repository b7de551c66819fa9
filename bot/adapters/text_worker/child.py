"""Child process of the text worker: reads jobs, writes answers."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import signal
import sys
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """Ask the kernel to end this process with its parent. Without that, the end of the pipe does it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit


def _serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    answers.write(b"!")
    answers.flush()
    while head := jobs.read(8):
        deadline_s, function, args = pickle.loads(jobs.read(int.from_bytes(head, "big")))  # noqa: S301 - the bot's own
        # Not handled, so the kernel ends this process even in the midst of a pattern, and without the bot.
        signal.setitimer(signal.ITIMER_REAL, deadline_s * 2)
        try:
            answer = pickle.dumps((True, function(*args)))
        except Exception as error:  # noqa: BLE001 - handed on to the caller, whatever it is
            answer = pickle.dumps((False, error))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(len(answer).to_bytes(8, "big") + answer)
        answers.flush()


def main() -> None:
    """Work until the input ends."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.SIG_IGN)  # a terminal or a supervisor signals the whole group; the bot ends this
    _die_with(int(sys.argv[1]))
    for name in sys.argv[2:]:
        importlib.import_module(name)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints is no answer
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
