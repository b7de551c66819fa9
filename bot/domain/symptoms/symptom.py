"""A symptom: one thing that the evidence proves or suggests."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.diagnosis import FailureClass, Quote

OVERRULING_CONFIDENCE = 0.75
"""The confidence from which a proven symptom overrules a model."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that the evidence proves or suggests."""

    #: The class of failure that the symptom belongs to.
    trouble: FailureClass
    #: A few plain words for the card's header.
    headline: str
    #: A sentence that explains the cause.
    cause: str
    #: How certain the symptom is, from 0 to 1.
    confidence: float
    #: Whether a restart helps; ``None`` if that is unknown.
    restart_helps: bool | None
    #: What to do if a restart does not help.
    remedy: str = ""
    #: True if the symptom rests on the engine's facts or on an earlier restart, not on words of a log.
    proven: bool = False
    #: The lines of the log that show the symptom.
    quotes: tuple[Quote, ...] = ()
    #: What the cause names: a path, an address, a setting, a version.
    names: tuple[str, ...] = ()
    #: False for a signature that no concept supports.
    supported: bool = True
    #: True if one more start would end like the last ones; ``cause`` then holds the numbers.
    restart_futile: bool = False
    #: What a restart does in this case, if it is known.
    restart_effect: str = ""

    @property
    def overrules_model(self) -> bool:
        """Return True if the symptom is certain enough to overrule a model; an exit code alone is a hint."""
        return self.proven and self.confidence >= OVERRULING_CONFIDENCE
