"""Limits the model's calls at once and per minute."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.domain.llm.prompt import Prompt
from bot.errors import ModelError, ModelUnavailable
from bot.ports.model import Diagnoser, ModelReply
from bot.telemetry import MODEL_CALLS, MODEL_SKIPPED, MODEL_TOKENS, STAGES

MODEL_CALLS_AT_ONCE = 4
"""Questions under way; the others wait their turn, oldest first."""

MODEL_CALLS_A_MINUTE = 20
"""Questions that are begun within a minute: more than one person can read, and below what Gemini's free tier takes."""

MODEL_QUEUE_TIMEOUT_S = 30.0
"""Seconds that a question waits for its turn. A card from the rules now is worth more than a better one later."""


class RateLimitedDiagnoser:
    """Implements ``ports.Diagnoser`` over another one. ``now`` is the clock."""

    def __init__(
        self,
        diagnoser: Diagnoser,
        now: Callable[[], datetime],
        *,
        at_once: int = MODEL_CALLS_AT_ONCE,
        a_minute: int = MODEL_CALLS_A_MINUTE,
        patience: float = MODEL_QUEUE_TIMEOUT_S,
    ) -> None:
        self.model = diagnoser.model
        self.trouble = ""
        """Why the last question had no usable answer; empty where it had, or none was asked."""
        self._diagnoser = diagnoser
        self._now = now
        self._turns = asyncio.Semaphore(at_once)
        self._a_minute = a_minute
        self._patience = patience
        self._begun: deque[datetime] = deque()

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        """Ask where the ration allows it; raises ``ModelUnavailable`` where not, and what the model raises."""
        if not self._spend():
            MODEL_SKIPPED.labels("rate_limit").inc()
            raise ModelUnavailable(f"The model was asked {self._a_minute} times within a minute.")
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError as late:
            MODEL_SKIPPED.labels("busy").inc()
            raise ModelUnavailable(f"The model was busy with other incidents for {self._patience:g} s.") from late
        try:
            MODEL_CALLS.inc()
            with STAGES.labels("model").time():
                reply = await self._diagnoser.ask(prompts)
        except ModelError as error:
            self.trouble = error.sentence
            raise
        finally:
            self._turns.release()
        self.trouble = ""
        MODEL_TOKENS.inc(reply.tokens)
        return reply

    def _spend(self) -> bool:
        """Count one more question of this minute; ``False`` where there were enough."""
        now = self._now()
        while self._begun and not timedelta(0) <= now - self._begun[0] < timedelta(minutes=1):
            self._begun.popleft()
        if len(self._begun) >= self._a_minute:
            return False
        self._begun.append(now)
        return True
