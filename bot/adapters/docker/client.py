"""Docker Engine connection for all threads, with deadlines and our errors."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, cast

import docker
from docker.utils import kwargs_from_env

from bot.adapters.docker import stream as container_stream
from bot.adapters.docker.errors import too_late, translate, translate_act
from bot.domain.addresses.credentials import address_credentials, has_clear_parts, without_credentials
from bot.errors import EngineError, EngineUnreachable

T = TypeVar("T")

DEFAULT_HOST = "unix:///var/run/docker.sock"
ENGINE_CALLS_AT_ONCE = 16
MOST_HANGING_CALLS = 64
_BLOCK_BYTES = 64 * 1024
ACTION_TIMEOUT_S = 35
"""What an act may take beyond the container's stop time-out; the engine needs up to 30 s around it."""


class _DirectClient(docker.APIClient):
    """Asks the engine itself, whatever the environment says of the web.

    ``HTTP_PROXY`` would take the calls elsewhere, ``REQUESTS_CA_BUNDLE`` would replace the engine's CA, and ``.netrc``
    would add a password. docker-py asks for the version while it is made, so this holds from the start.
    """

    @property
    def trust_env(self) -> bool:
        """Ignore the environment's proxies: always False."""
        return False

    @trust_env.setter
    def trust_env(self, _: bool) -> None:
        """Leave it as it is, though ``requests`` sets it."""

    @property
    def max_redirects(self) -> int:
        """Return 0: a redirect could send an act a second time, or a question to another container."""
        return 0

    @max_redirects.setter
    def max_redirects(self, _: int) -> None:
        """Leave it as it is, though ``requests`` sets it."""


class EngineClient:
    """Runs calls to the engine in threads. Raises ``EngineError`` only.

    A call that does not come back is left behind in its own daemon thread, so that it takes nobody's place and does not
    hold up the end of the process; the client's socket time-out ends it.
    """

    def __init__(self, *, docker_host: str, tls_verify: bool, cert_path: str, deadline: float) -> None:
        self._environment = {
            "DOCKER_HOST": docker_host or DEFAULT_HOST,
            "DOCKER_TLS_VERIFY": "1" if tls_verify else "",
            "DOCKER_CERT_PATH": cert_path,
        }
        self._deadline = deadline
        self._client: docker.APIClient | None = None
        self._making = threading.Lock()
        self._room = asyncio.Semaphore(ENGINE_CALLS_AT_ONCE)
        self._hanging: set[threading.Thread] = set()

    @property
    def address(self) -> str:
        """Where the engine is looked for."""
        return self._environment["DOCKER_HOST"]

    @property
    def _shown(self) -> str:
        """Return the address for people: an engine behind a proxy may want a password in it."""
        return without_credentials(self.address)

    def _error(self, translated: Callable[[BaseException, str], EngineError], error: BaseException) -> EngineError:
        """Return our error; of what the client says, nothing of the address's credentials."""
        mapped = translated(error, self._shown)
        if not has_clear_parts(self.address) and address_credentials(self.address):
            mapped.detail = ""
        for secret in address_credentials(self.address):
            mapped.detail = mapped.detail.replace(secret, "***")
        return mapped

    async def ask(self, question: Callable[[docker.APIClient], T], seconds: float | None = None) -> T:
        """Run a reading call; ``seconds`` for all of it, waiting for its turn included (default: the deadline)."""
        limit = self._deadline if seconds is None else seconds

        def call() -> T:
            try:
                return question(self._shared())
            except EngineError:
                raise
            except Exception as error:
                mapped = self._error(translate, error)
                if isinstance(mapped, EngineUnreachable):
                    # The next engine at this address may speak another version, so it is negotiated anew.
                    self._client = None
                raise mapped from error

        try:
            async with asyncio.timeout(limit), self._room:
                return await self._in_thread(call)
        except TimeoutError as late:
            raise too_late(self._shown) from late

    async def act(self, deed: Callable[[docker.APIClient], None], stop_timeout: int) -> None:
        """Run a call that changes something, once, on a connection of its own.

        A connection kept from before could turn out to be dead only after the call was written to it.
        """

        def call() -> None:
            try:
                client = self._make(ACTION_TIMEOUT_S)
            except Exception as error:
                raise self._error(translate, error) from error
            try:
                deed(client)
            except Exception as error:
                raise self._error(translate_act, error) from error
            finally:
                client.close()

        try:
            async with asyncio.timeout(stop_timeout + 2 * ACTION_TIMEOUT_S):
                await self._in_thread(call)
        except TimeoutError as late:
            raise too_late(self._shown) from late

    async def _in_thread(self, call: Callable[[], T]) -> T:
        if len(self._hanging) >= MOST_HANGING_CALLS:
            raise too_late(self._shown)
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def work() -> None:
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001 it is raised again where the answer is awaited
                answer.set_exception(error)
            finally:
                self._hanging.discard(threading.current_thread())

        thread = threading.Thread(target=work, name="aegis-engine", daemon=True)
        # Never cancelled from outside: the thread could not be stopped, and would fail to deliver its answer.
        answer.set_running_or_notify_cancel()
        self._hanging.add(thread)
        thread.start()
        return await asyncio.wrap_future(answer)

    def stream(
        self, client: docker.APIClient, path: str, params: Mapping[str, str | int], *, silence: float, ends: float
    ) -> Iterator[bytes]:
        """Yield the body of a GET as it comes.

        ``silence`` is the seconds that may pass between two pieces, ``ends`` the moment of ``time.monotonic()`` when it
        must be over, however well it flows: nobody waits for it any longer, and its thread would never end.
        docker-py's own streams switch their time-out off, and read a terminal's output byte by byte.
        """
        path = f"/v{client.api_version}{path}"
        direct = container_stream.direct(self.address, tls=client.base_url.startswith("https"))
        blocks = container_stream.blocks(self.address, path, params, silence) if direct else None
        try:
            for block in blocks or _through(client, path, params, silence):
                yield block
                if time.monotonic() >= ends:
                    break
        except Exception as error:
            raise self._error(translate, error) from error
        if time.monotonic() >= ends:
            raise too_late(self._shown)

    def _shared(self) -> docker.APIClient:
        client = self._client
        if client is not None:
            return client
        if not self._making.acquire(timeout=self._deadline):
            raise too_late(self._shown)
        try:
            if self._client is None:
                self._client = self._make(self._deadline)
            return self._client
        finally:
            self._making.release()

    def _make(self, timeout: float) -> docker.APIClient:
        options = kwargs_from_env(environment=self._environment)
        # A part of a second is fine for requests, whatever docker-py's types say.
        return _DirectClient(timeout=cast(int, timeout), max_pool_size=ENGINE_CALLS_AT_ONCE * 2, **options)


def _through(client: docker.APIClient, path: str, params: Mapping[str, str | int], silence: float) -> Iterator[bytes]:
    """Yield the body of a GET through docker-py's connection."""
    with client.get(
        f"{client.base_url}{path}", params=dict(params), stream=True, timeout=(silence, silence)
    ) as response:
        response.raise_for_status()
        if response.raw.chunked:
            yield from response.iter_content(_BLOCK_BYTES)
        else:
            # Where a proxy took the chunks away, iter_content would wait for a whole block, and a slow log seem silent.
            yield from iter(lambda: response.raw.read1(_BLOCK_BYTES), b"")
