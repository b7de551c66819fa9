"""Delivers stored messages in order until Slack accepts them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from bot.domain.incident import LIVE, Incident, Thread
from bot.errors import SlackError, StoreError
from bot.ports.database import Store
from bot.ports.outbox import OutboxMessage, OutboxStore
from bot.ports.slack import Asker, Messenger
from bot.runtime import Runtime
from bot.telemetry import OUTBOX

log = logging.getLogger(__name__)

MESSAGE_LEASE = timedelta(seconds=10)
"""For so long a message belongs to whoever took it to send it; another replica, or the next start, waits for that."""

MESSAGE_TTL = timedelta(days=1)
"""After this nobody wants to hear it any more."""

LONGEST_RETRY_PAUSE_S = 300.0
"""Seconds between two tries while Slack takes nothing."""

OUTBOX_POLL_INTERVAL_S = 20.0
"""Seconds between two looks while nothing waits: another replica may have left something."""

DELIVERY_ALARM_AGE = timedelta(minutes=5)
"""Something that waits longer than this is said by /health."""


class Posting(Messenger, Protocol):
    """Slack, as the outbox needs it: all that a responder may say, and a kept message sent by itself."""

    async def send(self, note: OutboxMessage, incident: Incident | None, *, look: bool) -> None:
        """Post a kept message unless it stands already; with ``look``, Slack is asked first.

        Raises ``SlackError``, with ``later`` where the same message may be taken later.
        """

    def shows(self, incident: Incident) -> bool:
        """Return True if the card shows this state or a newer one."""


class Outbox:
    """Implements ``ports.Messenger`` over Slack: what a thread must hear survives Slack's absence and a crash.

    Replies, menus and outcomes are kept first. A card is not: it is drawn anew from its incident, which is on disk;
    only the last picture of an ended one is kept, since nobody looks at that again. What one person alone is told, and
    👀, are of no use later, and are not kept.
    """

    def __init__(self, slack: Posting, queue: OutboxStore, store: Store, world: Runtime) -> None:
        self._slack = slack
        self._queue = queue
        self._store = store
        self._world = world
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wake = asyncio.Event()
        self._taken: set[str] = set()
        self._cards_missing = False
        self.catch_up: Callable[[], Awaitable[None]] | None = None
        """What posts cards that are missing; set once there is somebody who can."""

    # What is kept.

    async def say(self, incident: Incident, sentence: str, *, offer: bool = False, mention: Sequence[str] = ()) -> None:
        """Post a sentence in the incident's thread. Raise ``SlackError`` only if Slack will never accept it."""
        note = self._note("say", incident.place, incident, sentence, offer=offer, mention=tuple(mention))
        await self._hear(note, incident)

    async def say_at(self, place: Thread, sentence: str) -> None:
        """Post a sentence in a thread that belongs to no incident."""
        await self._hear(self._note("say_at", place, None, sentence))

    async def choose(
        self, place: Thread, sentence: str, names: Sequence[str], *, user: str = "", url: str = ""
    ) -> None:
        """Ask which target is meant; what one person alone is asked is not kept."""
        if user:
            await self._slack.choose(place, sentence, names, user=user, url=url)
        else:
            await self._hear(self._note("choose", place, None, sentence, names=tuple(names)))

    async def outcome(self, incident: Incident, newest: Sequence[str] = ()) -> None:
        """Post the outcome in the thread."""
        await self._hear(self._note("outcome", incident.place, incident, names=tuple(newest)), incident)

    async def update(self, incident: Incident) -> None:
        """Update the card."""
        try:
            await self._slack.update(incident)
        finally:
            if incident.state not in LIVE and incident.card and not self._slack.shows(incident):
                with contextlib.suppress(StoreError):
                    await self._queue.add(self._note("card", Thread(incident.place.channel, incident.card), incident))
                    self._wake.set()

    # What is not.

    async def card(self, incident: Incident) -> str:
        """Post the card; where Slack does not take it, it is tried again with everything else that waits."""
        try:
            return await self._slack.card(incident)
        except SlackError:
            self._cards_missing = True
            self._wake.set()
            raise

    async def react(self, place: Thread, message: str) -> None:
        """Put 👀 on a message."""
        await self._slack.react(place, message)

    async def announce(self, incident: Incident) -> str:
        """Post the alert of an incident that came by webhook."""
        return await self._slack.announce(incident)

    async def is_card(self, incident: Incident, ts: str) -> bool:
        """Return True if the message ``ts`` is the incident's card."""
        return await self._slack.is_card(incident, ts)

    async def whisper(self, user: str, place: Thread, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Post a sentence that one person alone sees."""
        await self._slack.whisper(user, place, sentence, mention=mention)

    async def reply(self, asker: Asker, sentence: str, *, about: Incident | None = None) -> None:
        """Post a sentence that the asker alone sees."""
        await self._slack.reply(asker, sentence, about=about)

    async def show_evidence(self, incident: Incident, view: str) -> None:
        """Show all the evidence."""
        await self._slack.show_evidence(incident, view)

    # Sending.

    async def keep_sending(self) -> None:
        """Send what waits, again and again; ends only when it is cancelled."""
        pause = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
            try:
                left = await self.send_waiting()
            except StoreError as error:
                log.warning("the outbox cannot be read: %s", error.sentence)
                left = True
            pause = min(max(1.0, pause * 2), LONGEST_RETRY_PAUSE_S) if left else OUTBOX_POLL_INTERVAL_S

    async def send_waiting(self) -> bool:
        """Try everything that waits once; return whether something is left. Raises ``StoreError``."""
        if self._cards_missing and self.catch_up is not None:
            self._cards_missing = False
            await self.catch_up()
        threads = dict.fromkeys(note.thread for note in await self._queue.waiting())
        for result in await asyncio.gather(*map(self._drain, threads), return_exceptions=True):
            if isinstance(result, SlackError | StoreError):
                log.warning("not sent: %s", result.sentence)
            elif isinstance(result, BaseException):
                raise result
        depth, _ = await self._queue.depth()
        OUTBOX.set(depth)
        return depth > 0 or self._cards_missing

    def wake(self) -> None:
        """Try again now: Slack is back."""
        self._wake.set()

    async def trouble(self) -> str:
        """Return what /health says of it, ``""`` where nothing waits for long. Raises ``StoreError``."""
        depth, oldest = await self._queue.depth()
        OUTBOX.set(depth)
        if oldest is None or self._world.now() - oldest < DELIVERY_ALARM_AGE:
            return ""
        return f"{depth} messages wait for Slack, the oldest since {oldest:%H:%M} UTC"

    def _note(
        self,
        kind: str,
        place: Thread,
        incident: Incident | None,
        sentence: str = "",
        *,
        offer: bool = False,
        mention: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> OutboxMessage:
        # The same words about the same thing are the same message: after a crash it is found, not posted twice.
        about = incident.id if incident else f"{place.channel}:{place.thread}"
        words = hashlib.sha256("\0".join((kind, about, sentence, *mention)).encode(errors="replace")).hexdigest()[:16]
        return OutboxMessage(
            f"{kind}-{words}", kind, place, self._world.now(), incident.id if incident else "", sentence, offer,
            mention, names,
        )  # fmt: skip

    async def _hear(self, note: OutboxMessage, incident: Incident | None = None) -> None:
        try:
            await self._queue.add(note)
        except StoreError as error:
            log.warning("not kept, so said at once or never: %s", error.sentence)
            await self._slack.send(note, incident, look=False)
            return
        try:
            await self._drain(note.thread, note.id)
        except StoreError as error:
            log.warning("kept, but not sent yet: %s", error.sentence)
            self._wake.set()

    async def _about(self, note: OutboxMessage) -> Incident | None:
        return await self._store.get(note.incident) if note.incident else None

    async def _drain(self, thread: str, own: str = "") -> None:
        """Send what waits for a thread, oldest first, until something is not taken.

        Raises the ``SlackError`` by which Slack refuses the message ``own`` for good.
        """
        refused: SlackError | None = None
        async with self._turns.setdefault(thread, asyncio.Lock()):
            for note in await self._queue.waiting(thread):
                now = self._world.now()
                if note.tries and note.id not in self._taken and note.due is not None and note.due > now:
                    break
                taken = await self._queue.claim(note, now + MESSAGE_LEASE)
                if taken is None:
                    break
                self._taken.add(note.id)
                try:
                    await self._slack.send(taken, await self._about(note), look=note.tries > 0)
                except SlackError as error:
                    if error.later and now - note.at < MESSAGE_TTL:
                        log.warning("not heard yet, it is sent again: %s", error.sentence)
                        if not note.tries:
                            self._wake.set()
                        break
                    log.warning("Slack will not hear this: %s (%s)", error.sentence, note.kind)
                    refused = error if note.id == own else refused
                await self._queue.mark_delivered(note)
                self._taken.discard(note.id)
        if refused is not None:
            raise refused
