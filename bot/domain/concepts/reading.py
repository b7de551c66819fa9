"""A reading: the class and sentence of one log statement."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.diagnosis import FailureClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one statement says. ``weight`` is how much it counts against other readings, from 0 to 1."""

    #: The concept or signature that was recognized.
    concept: str
    trouble: FailureClass
    headline: str
    cause: str
    remedy: str
    restart_helps: bool | None
    weight: float
    #: The path, address, setting, version … that the sentence names.
    names: tuple[str, ...] = ()
