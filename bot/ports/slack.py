"""Slack: messages, and who may approve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Incident, Press, Thread


class Approvers(Protocol):
    """The approvers. Checked at every press, never cached."""

    async def check(self, press: Press) -> Permit | Refusal:
        """Return a permit if this person may press. An empty list, no answer from Slack or no permission refuses."""

    def names(self) -> tuple[str, ...]:
        """Return the ids of the approvers and approver groups in the settings, or ``*``."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who asks for something."""

    #: User id.
    user: str
    #: Channel and thread in which they asked.
    place: Thread
    #: Slack's address for answers to them alone. Never stored or logged, since anybody who has it may post there.
    url: str = field(default="", repr=False)


class Messenger(Protocol):
    """All messages of Aegis in Slack. Raises ``SlackError``. Every sentence is plain text and is escaped there.

    ``mention`` takes ids of users and user groups; they come from the settings or a payload's own fields only.
    """

    async def react(self, place: Thread, message: str) -> None:
        """Add 👀 to a message, once."""

    async def announce(self, incident: Incident) -> str:
        """Post the alert of an incident by webhook, once for all its incidents. Return the message's timestamp."""

    async def card(self, incident: Incident) -> str:
        """Post the incident's card, in its thread if it has one. Return the card's timestamp."""

    async def update(self, incident: Incident) -> None:
        """Update the card."""

    async def is_card(self, incident: Incident, ts: str) -> bool:
        """Return True if the message ``ts`` is the incident's card. Asks Slack."""

    async def outcome(self, incident: Incident, newest: Sequence[str] = ()) -> None:
        """Post the outcome in the thread with its numbers, and the newest log lines if it did not recover."""

    async def say(self, incident: Incident, sentence: str, *, offer: bool = False, mention: Sequence[str] = ()) -> None:
        """Post a sentence in the incident's thread; ``offer`` adds the button for a new diagnosis."""

    async def say_at(self, place: Thread, sentence: str) -> None:
        """Post a sentence in a thread that belongs to no incident."""

    async def whisper(self, user: str, place: Thread, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Post a sentence that one person alone sees."""

    async def reply(self, asker: Asker, sentence: str, *, about: Incident | None = None) -> None:
        """Post a sentence that the asker alone sees, with a link to the card of ``about`` if Slack gives one."""

    async def choose(
        self, place: Thread, sentence: str, names: Sequence[str], *, user: str = "", url: str = ""
    ) -> None:
        """Post a menu of ``names`` that asks which target is meant. With ``user``, that person alone sees it.

        ``url`` is that person's reply address.
        """

    async def show_evidence(self, incident: Incident, view: str) -> None:
        """Show all evidence in the open modal ``view``, or as a file in the thread if it is too long."""
