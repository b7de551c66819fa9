"""Experiments with Aegis's promises, for the lab.

Two presses at once, a restart behind Aegis's back, a cut connection, a killed bot.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bot.errors import AegisError
from bot.playground.lab.breaks import Breaks
from bot.playground.lab.services import API, Services
from bot.playground.slack.state.messages import Message
from bot.playground.slack.workspace import Workspace

DISCONNECT_TIMEOUT_S = 3.0
"""Seconds until the workspace has noticed that the other end of a connection is dead."""


class Bot(Protocol):
    """The bot, as its runner sees it."""

    @property
    def status(self) -> str:
        """``connected``, ``starting`` or ``stopped``."""

    async def kill(self) -> None:
        """End it as ``kill -9`` does."""

    async def start(self) -> None:
        """Start it where it does not run."""


class Experiments:
    """Tries promises on ``workspace``, ``services`` and ``bot``; ``approvers`` are two user ids."""

    def __init__(
        self, workspace: Workspace, services: Services, breaks: Breaks, bot: Bot, approvers: Sequence[str]
    ) -> None:
        self._workspace = workspace
        self._services = services
        self._breaks = breaks
        self._bot = bot
        self._approvers = tuple(approvers)
        self.does: dict[str, Callable[[], Awaitable[str]]] = {
            "two_press": self._two_press,
            "behind_back": self._behind_back,
            "cut_connection": self._cut_connection,
            "kill_bot": self._kill_bot,
        }

    def open_card(self) -> Message | None:
        """Return the newest message with a Restart button."""
        state = self._workspace.state
        messages = (message for channel in state.channels for message in state.standing(channel))
        cards = [message for message in messages if message.blocks and "restart" in message.buttons]
        return max(cards, key=lambda card: float(card.ts), default=None)

    async def _two_press(self) -> str:
        seen = self._card().snapshot()
        pressed = await asyncio.gather(
            *(self._workspace.press(user, seen.snapshot(), "restart") for user in self._approvers)
        )
        if not all(press.ok for press in pressed):
            raise AegisError("Aegis did not answer both presses.", hint="See that it is connected, then try again.")
        users, team = self._workspace.state.users, self._workspace.seed.team
        names = " and ".join(users[user].as_slack(team)["real_name"] for user in self._approvers)
        return (
            f"{names} pressed Restart in the same moment. Look in the thread for one restart only; the slower one is "
            "told in private who was faster."
        )

    async def _behind_back(self) -> str:
        self._card()
        await self._services.restart(API)
        again = ", and what was broken is broken again" if await self._breaks.again() else ""
        return (
            f"{API} was restarted by hand{again}. Press Restart on the open card: Aegis "
            "must do nothing, say that it was started again in the meantime, and offer a fresh diagnosis."
        )

    async def _cut_connection(self) -> str:
        self._workspace.cut()
        return (
            "The bot's connection was cut. It connects again by itself within seconds and reads what was said in "
            "between: watch its status here."
        )

    async def _kill_bot(self) -> str:
        await self._bot.kill()
        with contextlib.suppress(TimeoutError):
            await self._workspace.wait_for(lambda: not self._workspace.connections, DISCONNECT_TIMEOUT_S)
        await self._bot.start()
        return (
            "The bot was killed and started again. Its cards are still there and their buttons work in a second or "
            "two; a restart that was under way is verified, never repeated."
        )

    def _card(self) -> Message:
        card = self.open_card()
        if card is None:
            raise AegisError("There is no open card with a Restart button.", hint="Break something first.")
        return card
