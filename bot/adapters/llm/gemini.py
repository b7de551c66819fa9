"""Calls Gemini with retries under one deadline.

Neither SDK can be cancelled, so each call runs in a thread that nobody waits for once the deadline has passed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import random
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from queue import SimpleQueue
from urllib.parse import urlsplit

from bot.adapters.llm.gemini_sdks import SDKS, Call, CallFailed, ModelAnswer
from bot.domain.llm.prompt import Prompt
from bot.errors import ModelUnavailable, ReplyRejected, SettingsError
from bot.ports.model import ModelReply

GEMINI_RETRY_PAUSES_S = (0.5, 1.0, 2.0)
"""Seconds before the second, third and last try of a call that failed in passing, where Gemini names no time itself."""

GEMINI_CALLS_AT_ONCE = 6
"""Calls at once. A call that hangs keeps its thread until its own time-out, so this bounds what an outage can hold."""

_PROBE = Prompt(
    system="Answer with JSON only.",
    data='Set "ok" to true.',
    schema={"type": "OBJECT", "properties": {"ok": {"type": "BOOLEAN"}}, "required": ["ok"]},
    tokens=20,
)


def make_diagnoser(*, sdk: str, api_key: str, model: str, endpoint: str = "", timeout: float = 20.0) -> Gemini:
    """Return the model as a ``Diagnoser``; nothing is imported or sent before it is first asked.

    ``sdk`` is ``google-generativeai`` or ``google-genai``, ``endpoint`` an ``http(s)://`` address in place of Google's,
    ``timeout`` the seconds for the whole of one ``ask``. Raises ``SettingsError``.
    """
    key, name, address = api_key.strip(), model.strip().removeprefix("models/"), endpoint.strip().rstrip("/")
    if sdk not in SDKS:
        raise SettingsError("AEGIS_GEMINI_SDK is neither google-generativeai nor google-genai.")
    if not re.fullmatch(r"[!-~]+", key):
        raise SettingsError("GEMINI_API_KEY is empty or holds characters that no key has.")
    if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
        raise SettingsError("AEGIS_GEMINI_MODEL is not the name of a model.", hint="Try gemini-3.5-flash-lite.")
    if address and not _is_address(address):
        raise SettingsError("AEGIS_GEMINI_ENDPOINT is not an http:// or https:// address.")
    speaker = SDKS[sdk]
    if importlib.util.find_spec(speaker.package) is None:
        raise SettingsError(
            f"AEGIS_GEMINI_SDK is {sdk}, which is not installed.",
            hint=f"Install it with: pip install '{speaker.install}'.",
        )
    return Gemini(lambda: speaker.connect(key, name, address), model=name, timeout=timeout)


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Gemini:
    """The model behind one SDK; ``connect`` imports it and returns the blocking call."""

    def __init__(self, connect: Callable[[], Call], *, model: str, timeout: float) -> None:
        self.model = model
        self._connect = connect
        self._connecting = threading.Lock()
        self._call: Call | None = None
        self._timeout = timeout
        self._threads = _Threads(GEMINI_CALLS_AT_ONCE)

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        """Ask with the first prompt; with the next, shorter one, at most once, where the answer was cut off.

        Raises ``ModelUnavailable`` or ``ReplyRejected``, never later than the deadline.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(prompts[0], started + self._timeout)
                for shorter in prompts[1:2]:
                    if answer.finish == "MAX_TOKENS":
                        again = await self._answer(shorter, started + self._timeout)
                        answer = replace(again, tokens=answer.tokens + again.tokens)
        except TimeoutError as late:
            raise self._late() from late
        return ModelReply(_text(answer), self.model, answer.tokens, loop.time() - started)

    async def check(self) -> ModelReply:
        """Ask for a trivial JSON object; raises as ``ask``, and ``ReplyRejected`` where something else came."""
        reply = await self.ask((_PROBE,))
        try:
            came = json.loads(reply.text)
        except ValueError:
            came = None
        if not isinstance(came, dict):
            raise ReplyRejected(
                f"{self.model} answers, but not with JSON.", hint="Choose another model in AEGIS_GEMINI_MODEL."
            )
        return reply

    async def _answer(self, prompt: Prompt, deadline: float) -> ModelAnswer:
        """Call until it works, fails for good, or the next try would be too late."""
        clock = asyncio.get_running_loop().time
        for pause in (*GEMINI_RETRY_PAUSES_S, None):
            try:
                return await self._threads.run(lambda: self._once(prompt, deadline - clock()))
            except CallFailed as failed:
                if pause is None or not failed.passing:
                    raise
                wait = pause if failed.wait is None else failed.wait
                wait *= random.uniform(1.0, 1.3)  # noqa: S311 spreads retries, guards nothing
                if clock() + wait >= deadline:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def connect(self) -> Call:
        """Import the SDK, once, and return the call. Nothing is sent. Blocks for some seconds: call it in a thread."""
        with self._connecting:
            if self._call is None:
                self._call = self._connect()
            return self._call

    def _once(self, prompt: Prompt, seconds: float) -> ModelAnswer:
        """Import at the first call, here in the thread, then call; ``seconds`` are what is left of the deadline."""
        if seconds <= 0:
            raise self._late()
        return self.connect()(prompt, seconds + 1)  # so that it is the deadline that ends the wait, not the socket

    def _late(self) -> ModelUnavailable:
        return ModelUnavailable(f"No answer from {self.model} within {self._timeout:g} s.")


def _text(answer: ModelAnswer) -> str:
    """Read why the model stopped, then what it said."""
    if answer.blocked:
        raise ReplyRejected(f"Gemini's filter stopped the question ({_code(answer.blocked)}).")
    if answer.finish == "MAX_TOKENS":
        raise ReplyRejected("Gemini's answer was cut off at its length limit.")
    if answer.finish not in ("STOP", "FINISH_REASON_UNSPECIFIED"):
        raise ReplyRejected(
            f"Gemini stopped without an answer ({_code(answer.finish)})." if answer.finish else "Gemini sent no answer."
        )
    if not answer.text.strip():
        raise ReplyRejected("Gemini's answer holds no text.")
    return answer.text


def _code(reason: str) -> str:
    return reason if re.fullmatch(r"[A-Z_]{1,40}", reason) else "unknown reason"


class _Threads:
    """A bounded number of daemon threads: the process can end while one hangs, and what waits can be given up."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._started = 0
        self._queue: SimpleQueue[tuple[Future[ModelAnswer], Callable[[], ModelAnswer]]] = SimpleQueue()

    async def run(self, work: Callable[[], ModelAnswer]) -> ModelAnswer:
        future: Future[ModelAnswer] = Future()
        self._queue.put((future, work))
        if self._started < self._limit:
            self._started += 1
            threading.Thread(target=self._serve, name="gemini", daemon=True).start()
        return await asyncio.wrap_future(future)

    def _serve(self) -> None:
        while True:
            future, work = self._queue.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 handed over to whoever awaits, as executors do
                future.set_exception(error)
