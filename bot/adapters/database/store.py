"""Stores incidents, approvals and refusals in SQLite or PostgreSQL.

When a method returns, its change is on disk.

Every write may have to be sent twice, since a connection that is lost at COMMIT leaves the outcome unknown. Each
carries a token by which the second finds the first: nothing happens twice, and nobody who won hears that they lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import audit, errors, replicas, steps
from bot.adapters.database.engine import READS, insert_new
from bot.adapters.database.inbox import Inbox
from bot.adapters.database.outbox import SqlOutbox
from bot.adapters.database.rows import ENDED_ROWS, LIVE_ROWS, as_stored, replace_unstorable, to_incident
from bot.adapters.database.tables import approvals, incidents, last_contacts, refusals
from bot.adapters.database.transactions import Database
from bot.domain.audit.tables import Tables
from bot.domain.audit.trail import AuditEvent, AuditRow, Verdict
from bot.domain.guard import History, Refusal
from bot.domain.incident import TRANSITIONS, Approval, Incident, Press, State
from bot.domain.target import Target
from bot.errors import StoreUnavailable
from bot.ports.database import OpenResult, ReceivedAlert, UnfinishedWork

MOST_CLOSED_AT_ONCE = 10
"""Incidents that are closed at once to make room: each costs two messages."""

_APPROVABLE = {(State.PROPOSED, State.PROPOSED), (State.PROPOSED, State.ACTING)}
"""The steps of an approval; in the first, it waits for that of somebody else."""


class SqlStore(Database):
    """The database behind ``AEGIS_DATABASE_URL``: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    ``start`` comes first, ``close`` last. All methods raise ``StoreError``. ``audit_key`` seals the audit trail.
    """

    def __init__(self, url: str, audit_key: str = "") -> None:
        super().__init__(url, audit_key)
        self._owner = uuid4().hex
        self._inbox = Inbox(self._run, self._owner)
        self.outbox = SqlOutbox(self._run)
        """What Slack must still hear."""

    async def receive(self, received: ReceivedAlert) -> bool:
        """Store an alert. Return False if its key was stored before."""
        return await self._inbox.receive(received)

    async def mark_handled(self, key: str) -> None:
        """Mark an alert as handled."""
        await self._inbox.mark_handled(key)

    async def count_attempt(self, key: str) -> int:
        """Count one more attempt at an alert and return its number; 0 if the alert is handled."""
        return await self._inbox.count_attempt(key)

    async def count_investigation(self, incident: str) -> int:
        """Count one more investigation of an incident and return its number."""
        change = (
            update(incidents).where(incidents.c.id == replace_unstorable(incident)).values(tries=incidents.c.tries + 1)
        )
        asked = change.returning(incidents.c.tries)
        return int(await self._run(lambda connection: connection.scalar(asked)) or 0)

    async def set_aside(self, key: str, act: AuditEvent) -> bool:
        """Set an alert aside and add the audit event. Return False if the alert was handled already."""
        return await self._inbox.set_aside(key, act)

    async def set_aside_since(self, since: datetime) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that were set aside since then, oldest first."""
        return await self._inbox.set_aside_since(since)

    async def unhandled(self) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that are stored and not handled, oldest first."""
        return await self._inbox.unhandled()

    async def taken_in(self, prefix: str, since: datetime) -> dict[str, datetime]:
        """Return the keys with this prefix that were taken in since then, and when, oldest first."""
        return await self._inbox.taken_in(prefix, since)

    async def save_last_contact(self, at: datetime) -> None:
        """Save the time of the last contact with Slack. An earlier time changes nothing."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert_new(connection, last_contacts).values(name="slack", at=at))
            await connection.execute(
                update(last_contacts).where(last_contacts.c.name == "slack", last_contacts.c.at < at).values(at=at)
            )

        await self._run(work)

    async def last_contact(self) -> datetime | None:
        """Return the time of the last contact with Slack; ``None`` at the first start."""
        asked = select(last_contacts.c.at).where(last_contacts.c.name == "slack")
        return await self._run(lambda connection: connection.scalar(asked), begin=READS)

    async def open(self, incident: Incident) -> OpenResult:
        """Open an incident, or count one more alert to the live incident of its target.

        Where a connection is lost at COMMIT, the alert may be counted twice; the incident is opened once.
        """
        new = as_stored(incident)
        row = {
            **steps.columns(new),
            "id": new.id,
            "host": new.target.host,
            "kind": new.target.kind.value,
            "target": new.target.name,
            "opened_at": new.opened_at,
            "writer": uuid4().hex,
            "tries": 1,
        }
        row |= {"owner": self._owner, "epoch": new.epoch, "revision": new.revision, "alerts": new.alerts}
        live = *_of(new.target), incidents.c.state.in_(LIVE_ROWS)

        async def work(connection: AsyncConnection) -> OpenResult | None:
            if await connection.scalar(insert_new(connection, incidents).values(row).returning(incidents.c.id)):
                await audit.add(connection, [steps.opened(new)])
            mine = (await connection.execute(select(incidents).where(incidents.c.id == new.id))).one_or_none()
            if mine is not None:
                return OpenResult(to_incident(mine), new=True)
            count = update(incidents).where(*live).values(alerts=incidents.c.alerts + 1).returning(incidents)
            counted = (await connection.execute(count)).one_or_none()
            return None if counted is None else OpenResult(to_incident(counted), new=False)

        for _ in range(5):
            opened = await self._run(work)
            if opened is not None:
                return opened
        raise StoreUnavailable(
            f"The incident of {new.target} could not be opened: others opened and ended it meanwhile."
        )

    async def get(self, incident: str) -> Incident | None:
        """Return an incident."""
        matches = await self._incidents(select(incidents).where(incidents.c.id == replace_unstorable(incident)))
        return matches[0] if matches else None

    async def take_over(self, *, everything: bool = False) -> UnfinishedWork:
        """Renew the lease on what is ours, and make ours what a process left whose lease has run out.

        That may be this very process, after a pause: what it had under way is then refused, and begun anew.
        ``everything`` takes all that is not finished, whoever has it.
        """
        taken = False

        async def work(connection: AsyncConnection) -> UnfinishedWork:
            nonlocal taken
            if taken:
                # The first try may have been committed: what it made ours would then be nobody's to begin.
                await replicas.resign(connection, self._owner)
                await replicas.give_back(connection, self._owner)
            left = await replicas.take_over(connection, self._owner, everything)
            taken = True
            return left

        return await self._run(work)

    async def cancel_attempts(self) -> None:
        """Uncount the attempts that an orderly stop interrupts, since nothing failed."""
        await self._run(lambda connection: replicas.give_back(connection, self._owner))

    async def release(self) -> None:
        """Give up this process's lease, so that others take its work over at once."""
        await self._run(lambda connection: replicas.resign(connection, self._owner))

    async def owns(self, incident: Incident) -> bool:
        """Return True if no other process took this incident over since it was read or saved."""
        asked = select(incidents.c.id).where(steps.owned(incident, self._owner))
        return await self._run(lambda connection: connection.scalar(asked), begin=READS) is not None

    async def log_engine_call(self, incident: Incident, act: AuditEvent) -> bool:
        """Add an engine call to the audit trail before it is made. Return False if another process owns it."""
        token = uuid4().hex
        row = {"updated_at": datetime.now(UTC), "writer": token}
        still = update(incidents).where(steps.owned(incident, self._owner)).values(row)
        added = select(incidents.c.id).where(
            incidents.c.id == replace_unstorable(incident.id), incidents.c.writer == token
        )

        async def work(connection: AsyncConnection) -> bool:
            if await connection.scalar(added):
                return True
            if (await connection.execute(still)).rowcount != 1:
                return False
            await audit.add(connection, [act])
            return True

        return await self._run(work)

    async def engine_call_logged(self, incident: str) -> bool:
        """Return True if an engine call is on record for this incident. False means none was sent."""
        return await self._run(lambda connection: audit.has(connection, "engine", incident), begin=READS)

    async def save_if_unchanged(
        self, before: Incident, after: Incident, approval: Approval | None = None, token: str = ""
    ) -> Incident | None:
        """Save ``after`` if the stored one still is ``before``, with the approval, in one commit; else ``None``.

        Whoever asks again after a ``StoreError`` gives the same ``token`` as before, and wins what was saved already.
        """
        if (before.id, before.target) != (after.id, after.target):
            raise ValueError(f"{after.id} of {after.target} is not {before.id} of {before.target}")
        if after.state not in {before.state, *TRANSITIONS[before.state]}:
            raise ValueError(f"{after.state} does not follow {before.state}")
        if approval is not None and (before.state, after.state) not in _APPROVABLE:
            raise ValueError(f"an approval leads from PROPOSED to ACTING, not from {before.state} to {after.state}")
        token = token or uuid4().hex
        row = {**steps.columns(as_stored(after)), "revision": before.revision + 1, "writer": token, "tries": 1}
        row |= steps.to(self._owner)
        still = steps.unchanged(before)
        if not steps.anyone(before, after):
            still = and_(still, incidents.c.owner == self._owner)
        won = and_(incidents.c.id == replace_unstorable(before.id), incidents.c.writer == token)

        async def work(connection: AsyncConnection) -> Incident | None:
            changed = await connection.execute(update(incidents).where(still).values(row))
            if changed.rowcount == 1 and approval is not None:
                await connection.execute(insert(approvals).values(steps.approved(before, approval, token)))
            if changed.rowcount == 1:
                await audit.add(connection, steps.step(before, after, approval))
            saved = (await connection.execute(select(incidents).where(won))).one_or_none()
            return None if saved is None else to_incident(saved)

        try:
            return await self._run(work)
        except errors.Conflict:
            return None

    async def refine(self, before: Incident, after: Incident) -> bool:
        """Save what ``after`` says more of an incident that is PROPOSED, if the stored one still is ``before``."""
        if {before.state, after.state} != {State.PROPOSED} or (before.id, before.digest) != (after.id, after.digest):
            raise ValueError(f"{after.id} is more than a closer look at {before.id}")
        row = steps.columns(as_stored(after))
        still = steps.unchanged(before)
        changed = await self._run(lambda connection: connection.execute(update(incidents).where(still).values(row)))
        return changed.rowcount == 1

    async def save_refusal(self, press: Press, refusal: Refusal, at: datetime) -> None:
        """Save a refused press: who, when, what, why."""
        values = {"incident": press.incident, "person": press.user, "team": press.team, "channel": press.place.channel}
        values |= {"card": press.card, "digest": press.digest, "rule": refusal.rule.value, "reason": refusal.reason}
        row = {name: replace_unstorable(value) for name, value in values.items()} | {"token": uuid4().hex, "at": at}
        act = AuditEvent(
            "press", at, Verdict.DENIED, refusal.rule.value, press.user, press.incident, said=refusal.reason
        )

        async def work(connection: AsyncConnection) -> None:
            if await connection.scalar(insert_new(connection, refusals).values(row).returning(refusals.c.token)):
                await audit.add(connection, [act])

        await self._run(work)

    async def add_audit_event(self, act: AuditEvent) -> None:
        """Add an act to the audit trail; where a connection is lost at COMMIT, it may stand there twice."""
        await self._run(lambda connection: audit.add(connection, [act]))

    async def trail(self, after: int = 0, limit: int = 1000) -> tuple[AuditRow, ...]:
        """Return the audit trail's rows after the number ``after``, at most ``limit``."""
        return await self._run(lambda connection: audit.read(connection, after, limit), begin=READS)

    async def begin_trail(self) -> None:
        """Continue the audit trail by this process's rule and record the change. Raise ``StoreError``."""
        await self._run(audit.begin)

    async def head(self) -> tuple[int, str]:
        """Return the number and the hash of the audit trail's newest row; 0 and ``""`` where there is none."""
        return await self._run(audit.head, begin=READS)

    async def audit_tables(self) -> Tables:
        """Return what the audit trail must agree with, as it stands at one moment."""
        return await self._run(audit.tables, begin=READS)

    async def live(self, target: Target | None = None) -> tuple[Incident, ...]:
        """Return the live incidents, of one target or all, oldest first."""
        asked = select(incidents).where(incidents.c.state.in_(LIVE_ROWS), *_of(target))
        return await self._incidents(asked.order_by(incidents.c.opened_at, incidents.c.id))

    async def oldest_beyond(self, keep: int) -> tuple[Incident, ...]:
        """Return proposed incidents beyond the newest ``keep``; a few at a time."""
        proposed = select(incidents.c.id).where(incidents.c.state == State.PROPOSED.value)
        beyond = (
            proposed.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc())
            .offset(keep)
            .limit(MOST_CLOSED_AT_ONCE)
        )
        return await self._incidents(select(incidents).where(incidents.c.id.in_(beyond)))

    async def recent(self, target: Target | None = None, limit: int = 10) -> tuple[Incident, ...]:
        """Return incidents, newest first."""
        asked = select(incidents).where(*_of(target))
        return await self._incidents(asked.order_by(incidents.c.opened_at.desc(), incidents.c.id.desc()).limit(limit))

    async def unfinalized(self) -> tuple[Incident, ...]:
        """Return ended incidents of ours with something left to say or to remember, oldest first."""
        is_own = incidents.c.owner == self._owner
        asked = select(incidents).where(incidents.c.remembered == 0, incidents.c.state.in_(ENDED_ROWS), is_own)
        return await self._incidents(asked.order_by(incidents.c.opened_at, incidents.c.id))

    async def history(self, target: Target, now: datetime) -> History:
        """Return when and how often Aegis restarted ``target``, and which incident restarts it now."""
        within_hour = func.count().filter(incidents.c.restarted_at > now - timedelta(hours=1))
        asked = select(func.max(incidents.c.restarted_at), within_hour).where(*_of(target))
        midst = select(incidents.c.id).where(*_of(target), incidents.c.state == State.ACTING.value)

        async def work(connection: AsyncConnection) -> History:
            last, restarts = (await connection.execute(asked)).one()
            return History(last, restarts, str(await connection.scalar(midst) or ""))

        return await self._run(work, begin=READS)

    async def _incidents(self, asked: Select[tuple[object, ...]]) -> tuple[Incident, ...]:
        async def work(connection: AsyncConnection) -> tuple[Incident, ...]:
            return tuple(to_incident(row) for row in await connection.execute(asked))

        return await self._run(work, begin=READS)


def _of(target: Target | None) -> tuple[ColumnElement[bool], ...]:
    if target is None:
        return ()
    return (
        incidents.c.host == replace_unstorable(target.host),
        incidents.c.kind == target.kind.value,
        incidents.c.target == replace_unstorable(target.name),
    )
