"""Runs a command that ends together with its parent.

``python -m bot.playground.lab.child_process COMMAND…``: the parent keeps the other end of standard input. When that
closes, even because the parent was killed, the command is asked to end, and killed if it has not within ``GRACE_S``.
The exit code is the command's own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 12.0
"""Seconds: the bot takes at most ten to end."""


def main(command: list[str]) -> int:
    """Run ``command`` on the leash; return its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the holder's own command
    # The holder's Ctrl-C is not ours: the holder says when it is over by letting go.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_until_let_go, args=(child,), daemon=True).start()
    return child.wait()


def _until_let_go(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
