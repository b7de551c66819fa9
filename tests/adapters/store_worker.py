"""A process of its own for the tests of the store: races others for incidents, or writes until it is killed."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import audit, transactions
from bot.adapters.database.store import SqlStore
from bot.adapters.database.tables import incidents
from bot.domain.audit.trail import AuditEvent
from bot.domain.incident import Approval, Incident, State, Thread
from bot.domain.target import parse_target
from bot.errors import StoreError


async def race(store: SqlStore, name: str) -> None:
    """Press Restart on every proposed incident; print those that were won."""
    for incident in await store.live():
        if incident.state is not State.PROPOSED:
            continue  # somebody was faster before this process looked
        approval = Approval(name, datetime.now(UTC), "ab12")
        after = replace(incident, state=State.ACTING, approval=approval)
        if await store.save_if_unchanged(incident, after, approval) is not None:
            print(incident.id, flush=True)


async def write(store: SqlStore, name: str) -> None:
    """Open and propose incidents for ever; print what the store said is on disk."""
    number = 0
    while True:
        number += 1
        ours = f"{name}-{number}"
        opened = await store.open(
            Incident(ours, parse_target(ours), Thread("C1"), State.OPEN, datetime.now(UTC), title="x" * 3000)
        )
        sys.stdout.write(f"{ours} OPEN\n")
        sys.stdout.flush()
        await store.save_if_unchanged(opened.incident, replace(opened.incident, state=State.PROPOSED))
        sys.stdout.write(f"{ours} PROPOSED\n")
        sys.stdout.flush()


async def hold(store: SqlStore, name: str) -> None:
    """Begin a step and stop in the middle of its transaction, with the incident's row and the audit trail locked."""
    incident = await store.get(name)
    assert incident is not None

    async def work(connection: AsyncConnection) -> bool:
        await connection.execute(update(incidents).where(incidents.c.id == name).values(owner="paused"))
        await audit.add(connection, [AuditEvent("state", datetime.now(UTC), incident=name)])
        print("holding", flush=True)
        await asyncio.sleep(1)
        await connection.execute(update(incidents).where(incidents.c.id == name).values(state="RESOLVED"))
        return True

    transactions.RETRY_PAUSES_S = ()
    try:
        await store._run(work)
    except StoreError:
        print("refused", flush=True)


async def main(what: str, url: str, name: str) -> None:
    """Open the store, wait for the word, then work."""
    store = SqlStore(url)
    await store.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await {"race": race, "write": write, "hold": hold}[what](store, name)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
