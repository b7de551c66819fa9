"""Protocols through which Slack and the webhook call the responder."""

from __future__ import annotations

from typing import Protocol

from bot.domain.guard import Refusal
from bot.domain.incident import Press, Thread
from bot.ports.database import IntakeResult, ReceivedAlert


class SlackRequests(Protocol):
    """What the listeners hand over to; the responder implements it. None of these raises for what people can cause.

    ``receive`` is quick and on disk when it returns, so that it can run before the event is acknowledged; all others
    may take as long as the work takes and run after the acknowledgement.
    """

    async def receive(self, received: ReceivedAlert) -> bool:
        """Take an alert in; ``False`` where it was taken in before."""

    async def answer(self, received: ReceivedAlert, url: str = "") -> None:
        """Do all that an alert needs: find its target, open the incident, diagnose, or close what resolved.

        ``url`` is the asker's own reply address. Raises ``SlackError`` where somebody asked and Slack took no card:
        only that address can say so.
        """

    async def diagnose(self, name: str, place: Thread, user: str, url: str = "") -> None:
        """Diagnose on request; where a card of the target stands, bring it up to date there, and link to it.

        An unknown name is answered to ``user`` alone, with the nearest names; ``url`` is their own reply address.

        Raises ``SlackError`` where the card cannot be posted: only the asker's own reply address can say so.
        """

    async def rediagnose(self, press: Press) -> None:
        """Look again: the same card while it is proposed, else a new incident in the same thread."""

    async def act(self, press: Press) -> None:
        """Check, claim, restart, verify, tell, remember."""

    async def ignore(self, press: Press, reason: str) -> None:
        """Close the incident because somebody says so."""

    async def refuse(self, press: Press, refusal: Refusal) -> None:
        """Keep that a press was refused, and tell the person who pressed why."""

    async def evidence(self, press: Press, view: str) -> None:
        """Fill the opened modal ``view`` with all the evidence."""


class WebhookRequests(Protocol):
    """What the webhook hands over to; the responder implements it. All raise ``StoreError``."""

    async def receive(self, received: ReceivedAlert) -> bool:
        """Take an alert in, on disk; ``False`` where it was taken in before."""

    async def begin(self, received: ReceivedAlert) -> IntakeResult:
        """Open what an alert needs, on disk; nothing is said in Slack yet."""

    async def again(self, received: ReceivedAlert) -> None:
        """Try an alert again whose first try failed; after the last one it is set aside."""

    async def standing(self, received: ReceivedAlert) -> IntakeResult:
        """Return what an alert that was taken in before led to; nothing is opened."""

    async def follow(self, received: ReceivedAlert, begun: IntakeResult) -> None:
        """Do the rest of what an alert needs: say it in Slack, diagnose, or close what resolved."""
