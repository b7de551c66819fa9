"""Breaks and repairs the demo's services.

Requests hit the faults that are built into the services; the engine does the rest. What an action breaks lasts until
it is repaired; ``current`` is the action that was begun last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import httpx

from bot.errors import AegisError
from bot.playground.lab.services import API, DATABASE, NEXT, WEB, Services
from bot.playground.lab.shop import ROWS_A_SECOND

BURST_REQUESTS = 20
"""Faulty reports at once; each of the pool's connections is lost to one of them."""
REQUEST_TIMEOUT_S = 1.5
"""Seconds after which a request counts as not answered."""
FAST_LEAK_INTERVAL_S, SLOW_LEAK_INTERVAL_S = 0.03, 1.7
"""Seconds between two searches: memory (about 70 results of 1 MB) is full after three seconds, or after two minutes."""
WAVE_S, WAVE_COUNT = 15.0, 10
EXPORT_REQUESTS = 6
"""Exports at once, one more than the pool has connections; each takes ``WAVE_S`` seconds."""
RECOVERY_TIMEOUT_S, SELF_RECOVERY_TIMEOUT_S = 20.0, 4.0
RETRY_COUNT = 2
"""Starts by the engine after a bad release. With no end to them it would be started again between the card and a press,
and Aegis would rightly do nothing instead of trying and failing."""


class Breaks:
    """Breaks and repairs ``services``. Raises ``AegisError`` if that did not work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._client = httpx.AsyncClient(trust_env=False)
        self._traffic: asyncio.Task[None] | None = None
        self._searches = count()
        self.current = ""
        self.does: dict[str, Callable[[], Awaitable[str]]] = {
            "pool_exhausted": self._pool_exhausted,
            "memory_leak": self._memory_leak,
            "hang": self._hang,
            "bad_config": self._bad_config,
            "database_down": self._database_down,
            "flapping": self._flapping,
        }

    async def close(self) -> None:
        """End all requests."""
        await self._quiet()
        await self._client.aclose()

    async def begin(self, action: str) -> str:
        """Break something; return what was done and what to look for."""
        await self._quiet()
        sentence = await self.does[action]()
        self.current = action
        return sentence

    async def again(self) -> bool:
        """Break the same again if something may have cured it since; return True if it was broken again."""
        cured = self.current in {"pool_exhausted", "memory_leak", "hang"}
        if cured:
            await self.wait_until_healthy()
            await self.begin(self.current)
        return cured

    async def repair(self) -> str:
        """Repair everything; return what was done."""
        await self._quiet()
        broken, self.current = self.current, ""
        states = {service["name"]: service for service in await self._services.look()}
        done = []
        for name in (DATABASE, WEB):
            if states[name]["status"] != "running":
                await self._services.begin(name)
                done.append(f"{name} was started")
        released = states[API]["image"].endswith(f":{NEXT}")
        heals = bool(done) and await self._good_within(SELF_RECOVERY_TIMEOUT_S)
        if released or broken == "memory_leak" or not (heals or await self._good()):
            await self._services.fresh(API)
            done.append(f"{API} was {'rolled back to the release before' if released else 'made anew'}")
        await self.wait_until_healthy()
        return f"All is well: {' and '.join(done)}." if done else "All is well already; nothing had to be done."

    async def wait_until_healthy(self) -> None:
        """Wait until the health check of the API succeeds. Raises ``AegisError`` if it does not in time."""
        if not await self._good_within(RECOVERY_TIMEOUT_S):
            raise AegisError(
                f"{API} does not answer well after {RECOVERY_TIMEOUT_S:.0f} seconds.",
                hint="Look at its log, or try again.",
            )

    # -- breaking ---------------------------------------------------------------------------------------------------

    async def _pool_exhausted(self) -> str:
        await self._require_good()
        await asyncio.gather(*(self._get("/reports/daily?day=2026-02-30", 5) for _ in range(BURST_REQUESTS)))
        return (
            f"{BURST_REQUESTS} requests for a report of 30 February went to {API}. Each that fails keeps its "
            "connection, so the pool is empty now: look for QueuePool in the log and for 503. The alert comes in a few "
            "seconds."
        )

    async def _memory_leak(self) -> str:
        await self._require_good()
        self._traffic = asyncio.create_task(self._leak())
        return (
            f"Searches now fill the cache of {API} until the engine kills it (exit code 137, out of memory). After a "
            "restart the searches are slow: it lasts about two minutes, then it is killed again."
        )

    async def _leak(self) -> None:
        pause = FAST_LEAK_INTERVAL_S
        while True:
            if not await self._get(f"/search?q=item-{next(self._searches)}", REQUEST_TIMEOUT_S):
                pause = SLOW_LEAK_INTERVAL_S
            await asyncio.sleep(pause)

    async def _hang(self) -> str:
        for _ in range(3):
            await self._require_good()
            await asyncio.gather(
                self._get("/stock/move?from=A&to=B", REQUEST_TIMEOUT_S),
                self._get("/stock/move?from=B&to=A", REQUEST_TIMEOUT_S),
            )
            if not await self._get("/health", REQUEST_TIMEOUT_S):
                return (
                    f"Two stock moves in {API} wait for each other's lock now, and every other request waits behind "
                    "them. Look how little its log says; the health check and the monitor get no answer."
                )
        raise AegisError(f"{API} did not hang.", hint="Try again.")

    async def _bad_config(self) -> str:
        await self._services.fresh(API, NEXT, retries=RETRY_COUNT, POOL_TIMEOUT="30s")
        return (
            f"{API} was released as {NEXT} with POOL_TIMEOUT=30s, which it cannot read. It ends at every start, and "
            f"after {RETRY_COUNT} more the engine gave up. The card must say that a restart does not help; restarted "
            "all the same, the verification must say so. All well rolls back."
        )

    async def _database_down(self) -> str:
        await self._services.kill(DATABASE)
        return (
            f"{DATABASE} was killed. {API} answers 503 because its database is gone: look whether the card blames the "
            f"neighbour. A restart of {API} does not help; All well starts the database."
        )

    async def _flapping(self) -> str:
        await self._require_good()
        self._traffic = asyncio.create_task(self._waves())
        return (
            f"Large exports now take all connections of {API} for {WAVE_S:.0f} seconds, leave it alone as long, and "
            f"come back, {WAVE_COUNT} times. A restart helps until the next one only."
        )

    async def _waves(self) -> None:
        export = f"/reports/export?rows={int(WAVE_S * ROWS_A_SECOND)}"
        for _ in range(WAVE_COUNT):
            # A restart ends the exports early; the next wave comes at its time all the same.
            await asyncio.gather(
                asyncio.sleep(2 * WAVE_S),
                *(self._get(export, WAVE_S + REQUEST_TIMEOUT_S) for _ in range(EXPORT_REQUESTS)),
            )
        self.current = ""

    # -- asking -----------------------------------------------------------------------------------------------------

    async def _good_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not await self._good():  # noqa: ASYNC110 - only asking tells
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return False
        return True

    async def _require_good(self) -> None:
        if not await self._good():
            raise AegisError(f"{API} does not answer well, so this cannot be tried.", hint="Press All well first.")

    async def _good(self) -> bool:
        return await self._get("/health", REQUEST_TIMEOUT_S) == 200

    async def _get(self, path: str, seconds: float) -> int:
        """Send a request to the API; return the status, 0 where there was no answer."""
        try:
            async with asyncio.timeout(seconds):
                return (await self._client.get(self._services.url(API, path), timeout=seconds)).status_code
        except (httpx.HTTPError, TimeoutError):
            return 0

    async def _quiet(self) -> None:
        """End the requests of the break before."""
        if self._traffic is not None:
            self._traffic.cancel()
            await asyncio.wait([self._traffic])
            self._traffic = None
