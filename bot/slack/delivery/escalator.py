"""Calls those on call in the incident's thread."""

from __future__ import annotations

from bot.domain import notices
from bot.domain.incident import Incident
from bot.ports.slack import Messenger


class SlackEscalator:
    """Implements ``Escalator``. ``people`` are ids of users and user groups from the settings."""

    def __init__(self, messenger: Messenger, people: tuple[str, ...]) -> None:
        self._messenger = messenger
        self._people = people

    async def call(self, incident: Incident) -> None:
        """Mention those on call in the incident's thread, and ask them to take over."""
        if self._people:
            await self._messenger.say(incident, notices.escalation(str(incident.target)), mention=self._people)
