"""What the outbox must do on every database: kept once, in order, taken by one alone, gone when it was heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.adapters.database.store import SqlStore
from bot.domain.incident import Thread
from bot.ports.outbox import OutboxMessage

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def note(number: int, thread: str = "1.1") -> OutboxMessage:
    at = NOW - timedelta(seconds=number)
    return OutboxMessage(f"say-{number}", "say", Thread("C1", thread), at, "i1", f"täglich {number}", mention=("U1",))


class OutboxContract:
    """Run by each database on its own ``store``."""

    async def test_what_is_kept_comes_back_in_order_and_as_it_was_though_the_clock_jumps_back(
        self, store: SqlStore
    ) -> None:
        for number in (1, 2, 3):
            await store.outbox.add(note(number))
        await store.outbox.add(note(4, "2.2"))
        assert [one.id for one in await store.outbox.waiting("C1:1.1")] == ["say-1", "say-2", "say-3"]
        first, *_ = await store.outbox.waiting()
        assert replace(first, due=None) == note(1)
        assert await store.outbox.depth() == (4, note(4).at)

    async def test_the_same_message_is_kept_once(self, store: SqlStore) -> None:
        await store.outbox.add(note(1))
        await store.outbox.add(note(1))
        assert len(await store.outbox.waiting()) == 1

    async def test_of_two_who_take_a_message_one_gets_it(self, store: SqlStore) -> None:
        await store.outbox.add(note(1))
        (waiting,) = await store.outbox.waiting()
        due = NOW + timedelta(seconds=10)
        taken = await store.outbox.claim(waiting, due)
        assert taken is not None
        assert (taken.tries, taken.due) == (1, due)
        assert await store.outbox.claim(waiting, due) is None
        assert await store.outbox.waiting() == (taken,)

    async def test_what_was_heard_is_gone(self, store: SqlStore) -> None:
        await store.outbox.add(note(1))
        await store.outbox.mark_delivered(note(1))
        assert await store.outbox.depth() == (0, None)

    async def test_what_a_database_refuses_is_replaced(self, store: SqlStore) -> None:
        await store.outbox.add(replace(note(1), sentence="a\x00b\ud800c"))
        (waiting,) = await store.outbox.waiting()
        assert waiting.sentence == "a\ufffdb\ufffdc"
