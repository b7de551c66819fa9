"""A small program between the engine and one process tree.

Run as ``python -I -S shim.py FD``, where FD is a socket to the engine. The engine writes a line of JSON,
``{"argv", "env", "folder"}``, then lines ``kill N`` (signal N to the first process). The shim writes
``{"started": pid}`` or ``{"failed": errno}``, and in the end ``{"ended": exit code}``, where a death by signal N is
128 + N. When the first process ends, or the engine does in any way, the shim kills what is left of the tree, as in a
container.

It imports little, because it has to start quickly, and nothing of this package.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress

LINUX = sys.platform == "linux"
_SET_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36
"""prctl(2): PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER."""
_DEADLY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends other programs does not end the shim: it goes when the engine or its tree does."""


def main(number: int) -> None:
    """Look after one process tree for the engine at the other end of the socket ``number``."""
    engine = socket.socket(fileno=number)
    engine.set_inheritable(False)
    for deadly in _DEADLY:
        signal.signal(deadly, signal.SIG_IGN)
    orders = engine.makefile("rb")
    line = orders.readline()
    if not line:
        return
    order = json.loads(line)
    if LINUX:
        _prctl(_SET_SUBREAPER, 1)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        first = _start(order)
    except OSError as error:
        _report(engine, {"failed": error.errno})
        return
    _report(engine, {"started": first})
    try:
        status = _look_after(first, engine, woken)
    finally:
        _kill_rest(first)
    _report(engine, {"ended": status})


def _look_after(first: int, engine: socket.socket, woken: int) -> int:
    """Pass signals on until the first process has ended; return its exit code."""
    rest = b""
    while True:
        ready, _, _ = select.select([engine.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            status = _reap(first)
            if status is not None:
                return status
        if engine.fileno() in ready:
            block = engine.recv(4096)
            if not block:
                _kill_rest(first)
                return 128 + signal.SIGKILL
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                _send(first, int(line.split()[1]))


def _start(order: dict[str, object]) -> int:
    """Start the first process in a session of its own; raises ``OSError`` if it can't be run."""
    argv, env = order["argv"], order["env"]
    if not isinstance(argv, list) or not isinstance(env, dict):
        raise TypeError("an order has argv and env")
    trouble, hint = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if LINUX:
                _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
            os.chdir(str(order["folder"]))
            for changed in (*_DEADLY, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
                signal.signal(changed, signal.SIG_DFL)
            os.execvpe(argv[0], argv, env)  # noqa: S606 - a container's program is run as it is written
        except OSError as error:
            os.write(hint, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(hint)
    number = os.read(trouble, 20)
    os.close(trouble)
    if number:
        os.waitpid(child, 0)
        raise OSError(int(number), os.strerror(int(number)))
    # What was inherited for the tree would keep its output open after its end.
    nothing = os.open(os.devnull, os.O_RDWR)
    for inherited in (0, 1, 2):
        os.dup2(nothing, inherited)
    return child


def _reap(first: int) -> int | None:
    """Take note of every process that has ended; return the exit code where the first is among them."""
    ended = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == first:
                code = os.waitstatus_to_exitcode(status)
                ended = code if code >= 0 else 128 - code
    return ended


def _send(first: int, number: int) -> None:
    with suppress(OSError):
        if number == signal.SIGKILL or _catches(first, number):
            os.kill(first, number)


def _catches(pid: int, number: int) -> bool:
    """Return True if a signal reaches a process as it would reach the first one of a container.

    The kernel shields process 1 from every signal that it has no handler for, SIGKILL apart
    (pid_namespaces(7)). Where the handlers can't be read, the signal is sent.
    """
    if not LINUX:
        return True
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - pathlib is slow to import
        for line in status:
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return True


def _kill_rest(first: int) -> None:
    """Kill what is left of the tree until nothing is."""
    with suppress(OSError):
        os.killpg(first, signal.SIGKILL)
    while LINUX and (children := _children()):
        for pid in children:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    """Return the shim's own children, which orphans of the tree become too (Linux only)."""
    mine, children = str(os.getpid()), []
    for name in os.listdir("/proc") if LINUX else ():  # noqa: PTH208 - pathlib is slow to import
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123
                if stat.read().rpartition(")")[2].split()[1] == mine:
                    children.append(int(name))
    return children


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _report(engine: socket.socket, what: dict[str, int | None]) -> None:
    with suppress(OSError):
        engine.sendall(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
