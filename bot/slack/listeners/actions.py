"""Buttons, menus and windows: acknowledged at once, read, handed over."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.diagnosis import Action
from bot.domain.incident import Incident, Press, State, Thread
from bot.domain.target import local_container
from bot.errors import AegisError, SlackError
from bot.incidents.api import SlackRequests
from bot.ports.slack import Asker
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.members import Members
from bot.slack.views import modals
from bot.slack.views.card import notice
from bot.slack.views.replies import place_of

log = logging.getLogger(__name__)

_VALUE = re.compile(r"([A-Za-z0-9_-]{1,64}):([0-9a-f]{0,64})(?::([A-Za-z0-9][\w.-]{0,127}))?", re.ASCII)
"""What a button carries: ``incident:digest``, and behind it the name of a neighbour that is to be looked at."""


class ActionListeners:
    """What people press. Who may is asked later, by the responder; here nothing is decided.

    Bolt passes arguments by their names: ``ack``, ``body``, ``action``, ``view``.
    """

    def __init__(
        self,
        answers: SlackRequests,
        work: BackgroundTasks,
        messenger: SlackMessenger,
        members: Members,
        clock: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._answers = answers
        self._work = work
        self._messenger = messenger
        self._members = members
        self._clock = clock
        self._redact = redact

    async def act(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Hand over a press of a button that acts on the target; its id is the action."""
        await ack()
        press = await self._press(body, action)
        if press is not None:
            press = replace(press, action=Action(action["action_id"]))
            self._work.start(self._answers.act(press), f"{press.action.value} of {press.incident}")

    async def rediagnose(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Hand over a press of Diagnose again, or of the button that offers a neighbour's diagnosis in the thread."""
        await ack()
        press = await self._press(body, action)
        if press is None:
            return
        if name := _neighbour(action):
            thread = press.place.thread or press.card
            asked = self._answers.diagnose(name, Thread(press.place.channel, thread), press.user)
            self._go_on(press, self._of_member(press, asked), f"diagnosis of {name} beside {press.incident}")
        else:
            asked = self._answers.rediagnose(press)
            self._go_on(press, self._of_member(press, asked), f"fresh diagnosis for {press.incident}")

    async def evidence(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Open a window at once, and have it filled."""
        await ack()
        press = await self._press(body, action)
        if press is None:
            return

        async def show() -> None:
            window = await self._open(press, body, modals.loading("Evidence"))
            refusal = await self._members.refusal(press.user) if window else None
            if refusal is not None:
                # The window is open already: Slack gives three seconds for that, and the question may take longer.
                await self._messenger.show(window, modals.message("Evidence", refusal.reason))
            elif window:
                await self._answers.evidence(press, window)

        self._go_on(press, show(), f"evidence of {press.incident}")

    async def ignore(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Ask why, in a window that remembers which press it belongs to."""
        await ack()
        press = await self._press(body, action)
        if press is not None:
            window = modals.ignore(_about(press, self._messenger.known(press.incident), self._clock()))
            self._work.start(self._open(press, body, window), f"asking why {press.incident} is ignored")

    async def ignored(self, ack: AsyncAck, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Hand over the reason that the window was sent with."""
        await ack()
        press = _carried(view, *_who(body))
        if press is None:
            log.warning("a window came back without its incident; nothing was done")
        else:
            ignoring = self._answers.ignore(press, self._redact(_typed(view)))
            self._go_on(press, self._of_member(press, ignoring), f"ignoring {press.incident}")

    async def choose(self, ack: AsyncAck, body: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Diagnose what was chosen in a menu, and take the menu away."""
        await ack()
        name = str((action.get("selected_option") or {}).get("value") or "")
        place, (user, _) = place_of(str(action.get("block_id") or "")), _who(body)
        if not (name and place.channel and user):
            return
        alone = bool((body.get("container") or {}).get("is_ephemeral"))

        url = str(body.get("response_url") or "")
        asker = Asker(user, place, url)

        async def chosen() -> None:
            refusal = await self._members.refusal(user)
            if refusal is not None:
                await self._messenger.reply(asker, refusal.reason)
                return
            if url:
                tell = notice(f"Looking at {name}, as asked by", mention=(user,))
                await self._messenger.answer(url, tell, replace=True, alone=alone)
            try:
                await self._answers.diagnose(name, place, user, url)
            except AegisError as error:
                await self._messenger.reply(asker, error.sentence)

        self._work.start(chosen(), f"{name} chosen by {user}")

    async def _of_member(self, press: Press, work: Coroutine[Any, Any, None]) -> None:
        """Do what was asked for by a press, if a member pressed; else refuse it."""
        refusal = await self._members.refusal(press.user)
        if refusal is None:
            await work
        else:
            work.close()
            await self._answers.refuse(press, refusal)

    def _go_on(self, press: Press, work: Coroutine[Any, Any, None], about: str) -> None:
        """Do what was asked for by a press; what goes wrong is told to whoever pressed."""

        async def tell() -> None:
            try:
                await work
            except AegisError as error:
                log.warning("%s: %s", about, error.sentence)
                words = f"This went wrong on the way: {error.sentence} The card shows how it stands."
                await self._messenger.whisper(press.user, press.place, words)

        self._work.start(tell(), about)

    async def _press(self, body: Mapping[str, Any], action: Mapping[str, Any]) -> Press | None:
        """Read who pressed what; a button that is none of ours is answered politely."""
        carried = _carries(action)
        user, team = _who(body)
        place = _place(body)
        if carried and user and place.channel:
            card = str((body.get("container") or {}).get("message_ts") or "")
            return Press(user, team, place, carried[1], carried[2], card)
        log.warning("a button without an incident was pressed")
        if user and place.channel:
            tell = "Aegis does not know this button. Ask for a new card with /aegis diagnose NAME."
            self._work.start(self._messenger.whisper(user, place, tell), "a word about a strange button")
        return None

    async def _open(self, press: Press, body: Mapping[str, Any], window: Mapping[str, Any]) -> str:
        """Open a window, before anything else: Slack gives three seconds. Returns ``""`` where it did not open."""
        try:
            return await self._messenger.open(str(body.get("trigger_id") or ""), window)
        except SlackError as error:
            log.warning("no window: %s (%s)", error.sentence, error.detail)
            await self._messenger.whisper(press.user, press.place, error.sentence)
            return ""


def _carries(action: Mapping[str, Any]) -> re.Match[str] | None:
    """Return what a button carries, or ``None`` for one that is none of ours."""
    return _VALUE.fullmatch(str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""))


def _neighbour(action: Mapping[str, Any]) -> str:
    """Return the neighbour that a button names, or ``""``."""
    carried = _carries(action)
    return (carried[3] or "") if carried else ""


def _who(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the presser's id and workspace."""
    user = body.get("user") or {}
    return str(user.get("id") or ""), str(user.get("team_id") or (body.get("team") or {}).get("id") or "")


def _place(body: Mapping[str, Any]) -> Thread:
    """Return where it was pressed; the thread is empty where the button stands in the channel itself."""
    container = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or ""
    thread = container.get("thread_ts") or (body.get("message") or {}).get("thread_ts") or ""
    return Thread(str(channel), "" if thread == container.get("message_ts") else str(thread))


def _about(press: Press, known: Incident | None, now: datetime) -> Incident:
    """Return what a window has to know of the incident; looking it up would cost the window its three seconds."""
    target = known.target if known else local_container("this container")
    return Incident(press.incident, target, press.place, State.PROPOSED, now, card=press.card, digest=press.digest)


def _carried(view: Mapping[str, Any], user: str, team: str) -> Press | None:
    """Read the press that ``modals.ignore`` wrote into its window; ``None`` for anything else."""
    try:
        carried = json.loads(view.get("private_metadata") or "")
        incident, digest, channel, thread, card = (
            str(carried[name]) for name in ("incident", "digest", "channel", "thread", "card")
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return Press(user, team, Thread(channel, thread), incident, digest, card) if user and incident else None


def _typed(view: Mapping[str, Any]) -> str:
    """Return what was typed into the window's one field; ``""`` for nothing."""
    values = (view.get("state") or {}).get("values") or {}
    fields = [field for block in values.values() for field in block.values()]
    return next((str(field["value"]).strip() for field in fields if field.get("value")), "")
