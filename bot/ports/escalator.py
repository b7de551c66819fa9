"""Whoever is called when Aegis cannot help."""

from __future__ import annotations

from typing import Protocol

from bot.domain.incident import Incident


class Escalator(Protocol):
    """Whoever is called when Aegis cannot help. Nobody at all is an escalator too."""

    async def call(self, incident: Incident) -> None:
        """Call somebody who takes the incident over. Raise ``SlackError`` as every message does."""
