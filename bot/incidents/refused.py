"""A refused press: its reason, and what becomes of the card."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.guard import Refusal
from bot.domain.incident import Incident


class CardChange(StrEnum):
    """What becomes of the card when a press on it is refused."""

    KEEP = "keep"
    REFRESH = "refresh"
    EXPIRE = "expire"
    CLOSE = "close"
    ABORT = "abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class PressRefused:
    """A press that does nothing, and what follows from it."""

    #: Why, for the record and for the person who pressed.
    refusal: Refusal
    #: The incident as it is now; ``None`` where there is none.
    incident: Incident | None = None
    #: Ids of users and user groups named behind the reason.
    mentions: tuple[str, ...] = ()
    card: CardChange = CardChange.KEEP
    #: False where the database cannot be asked, or knows no such incident.
    recorded: bool = True
