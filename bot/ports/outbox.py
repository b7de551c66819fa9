"""Messages that wait in the database until Slack has accepted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.incident import Thread


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that is stored until Slack has accepted it. It is stored by its fields' names."""

    #: Identifier, by which the message is found again in its thread.
    id: str
    #: ``say``, ``say_at``, ``choose``, ``card`` or ``outcome``.
    kind: str
    #: Channel and thread to post to.
    place: Thread
    #: Time at which it was queued.
    at: datetime
    #: Id of the incident that it is about; ``""`` if there is none.
    incident: str = ""
    #: Text to post.
    sentence: str = ""
    #: True to add the button for a new diagnosis.
    offer: bool = False
    #: Ids of users and user groups to mention.
    mention: tuple[str, ...] = ()
    #: Names of a menu, or the newest log lines of an outcome.
    names: tuple[str, ...] = ()
    #: Number of attempts to send it.
    tries: int = 0
    #: Time before which it is not sent.
    due: datetime | None = None

    @property
    def thread(self) -> str:
        """Return the thread within which order is kept; the incident's id if its card begins the thread."""
        return f"{self.place.channel}:{self.place.thread or self.incident}"


class OutboxStore(Protocol):
    """The outbox in the database. On disk when a method returns. Raises ``StoreError``."""

    async def add(self, note: OutboxMessage) -> None:
        """Add a message. A message that is there already stays as it is."""

    async def waiting(self, thread: str = "") -> tuple[OutboxMessage, ...]:
        """Return the waiting messages of one thread or all, oldest first."""

    async def claim(self, note: OutboxMessage, due: datetime) -> OutboxMessage | None:
        """Reserve a message for sending until ``due``. Return ``None`` if another process reserved it before."""

    async def mark_delivered(self, note: OutboxMessage) -> None:
        """Remove a message that Slack accepted."""

    async def depth(self) -> tuple[int, datetime | None]:
        """Return the number of waiting messages and the time of the oldest."""
