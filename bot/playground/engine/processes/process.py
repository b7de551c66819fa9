"""A process tree behind a shim, which never outlives its engine.

It is started with an environment of its own, signalled and waited for.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

SHIM = Path(__file__).with_name("shim.py")
KILLED_EXIT_CODE = 128 + signal.SIGKILL
_BLOCK_BYTES = 64 * 1024
_OUTPUT_LINGER_S = 2.0
"""Seconds to wait for the end of the output, where a process got away from the shim (not on Linux)."""


class NotStarted(Exception):
    """A program that can't be run; ``reason`` in Docker's words, ``code`` its exit code (126 or 127)."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Process:
    """A running process tree. ``await Process.start(...)`` makes one; ``pid`` is its first process."""

    def __init__(self, shim: asyncio.subprocess.Process, engine: socket.socket) -> None:
        self.shim = shim.pid
        self.pid = 0
        self._shim = shim
        self._engine = engine
        self._writer: asyncio.StreamWriter | None = None
        self._pipes: list[asyncio.ReadTransport] = []
        self._outputs: list[asyncio.Task[None]] = []
        self._end: asyncio.Task[int] | None = None

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        output: Callable[[int, bytes], None],
    ) -> Process:
        """Start ``argv`` in ``folder`` with ``env`` and nothing else.

        ``output`` is called with 1 or 2 (standard output, standard error) and what came.
        Raises ``NotStarted``.
        """
        engine_end, shim_end = socket.socketpair()
        # Pipes of our own, since asyncio's would have its wait() wait for whoever inherited them.
        ends = [os.pipe(), os.pipe()]
        try:
            shim = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(SHIM), str(shim_end.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=ends[0][1],
                stderr=ends[1][1],
                env=library_path(),
                pass_fds=(shim_end.fileno(),),
                start_new_session=True,
            )
        except BaseException:
            engine_end.close()
            for read_end, _ in ends:
                os.close(read_end)
            raise
        finally:
            shim_end.close()
            for _, write_end in ends:
                os.close(write_end)
        process = cls(shim, engine_end)
        order = {"argv": list(argv), "env": dict(env), "folder": str(folder)}
        try:
            for number, (read_end, _) in enumerate(ends, 1):
                await process._listen(number, read_end, output)
            await process._begin(order)
        except BaseException:
            await process.close()
            raise
        return process

    async def _listen(self, number: int, read_end: int, output: Callable[[int, bytes], None]) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", 0)
        )
        self._pipes.append(transport)
        self._outputs.append(asyncio.create_task(_pump(number, stream, output)))

    async def _begin(self, order: Mapping[str, object]) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._engine)
        self._writer.write(json.dumps(order).encode() + b"\n")
        answer = await _line(reader)
        if "started" not in answer:
            argv = order["argv"]
            raise _not_started(argv[0] if isinstance(argv, list) else "", answer.get("failed", errno.EIO))
        self.pid = answer["started"]
        self._end = asyncio.create_task(self._until_ended(reader))

    async def wait(self) -> int:
        """Return the exit code when the tree has ended and its output is read."""
        assert self._end is not None  # noqa: S101 - it was started
        return await asyncio.shield(self._end)

    def signal(self, number: int) -> None:
        """Send a signal to the first process, as Docker does; without a handler it may be shielded."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(f"kill {int(number)}\n".encode())

    async def close(self) -> None:
        """Kill the tree, if it still runs, and return when nothing is left of it."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._engine.close()
        await self._shim.wait()
        await self._drain()
        if self._end is not None:
            self._end.cancel()

    async def _drain(self) -> None:
        """Read the output to its end, and no longer where somebody got away with it."""
        if self._outputs:
            await asyncio.wait(self._outputs, timeout=_OUTPUT_LINGER_S)
        for pipe in self._pipes:
            pipe.close()
        for output in self._outputs:
            output.cancel()

    async def _until_ended(self, reader: asyncio.StreamReader) -> int:
        answer = await _line(reader)
        if await self._shim.wait() < 0:
            # Somebody killed the shim; its first process dies with it, others may not.
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._drain()
        if self._writer is not None:
            self._writer.close()
        return answer.get("ended", KILLED_EXIT_CODE)


def library_path() -> dict[str, str]:
    """Return the one variable without which some Pythons do not start: where their shared library is."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


async def _pump(number: int, stream: asyncio.StreamReader, output: Callable[[int, bytes], None]) -> None:
    while block := await stream.read(_BLOCK_BYTES):
        output(number, block)


async def _line(reader: asyncio.StreamReader) -> dict[str, int]:
    try:
        answer: dict[str, int] = json.loads(await reader.readline() or b"{}")
    except ConnectionError:
        return {}
    return answer


def _not_started(program: str, number: int) -> NotStarted:
    exec_ = (
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process"
    )
    if number in (errno.ENOENT, errno.ENOTDIR):
        why = "no such file or directory" if "/" in program else "executable file not found in $PATH"
        return NotStarted(f'{exec_}: exec: "{program}": {why}: unknown', 127)
    return NotStarted(f'{exec_}: exec: "{program}": {os.strerror(number).lower()}: unknown', 126)
