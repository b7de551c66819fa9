"""A symptom: one thing that the evidence proves or suggests."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.diagnosis import FailureClass, Quote

PROVEN = 0.75
"""How sure a hard symptom has to be to overrule a model."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that the evidence proves or suggests.

    ``headline`` names it in plain words, ``cause`` explains it, ``instead`` says what to do where a restart does not
    help. ``sure`` is 0 to 1. ``hard`` means that it rests on the engine's facts or on what was lived through.
    ``futile`` means that one more start ends like the last ones; ``cause`` then holds the numbers. ``gain`` says what
    a restart does, where that is known of this one.
    """

    trouble: FailureClass
    headline: str
    cause: str
    sure: float
    restart_helps: bool | None
    instead: str = ""
    hard: bool = False
    quotes: tuple[Quote, ...] = ()
    futile: bool = False
    gain: str = ""

    @property
    def proven(self) -> bool:
        """Say whether it is certain enough to overrule a model; an exit code alone is a hint."""
        return self.hard and self.sure >= PROVEN
