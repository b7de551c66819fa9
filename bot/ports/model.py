"""The model that diagnoses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.domain.llm.prompt import Prompt


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The model's answer, not yet checked."""

    #: Text of the answer (outside text).
    text: str
    #: Name of the model that answered.
    model: str
    #: Tokens that the call used.
    tokens: int
    #: Seconds that the call took.
    seconds: float


class Diagnoser(Protocol):
    """The model. One call for one incident. Every failure is a ``ModelError``."""

    model: str

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        """Return the answer to the first prompt. If it was cut off, ask once more with the next, shorter prompt."""
