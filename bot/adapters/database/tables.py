"""Tables of the database.

The numbered migrations make them out of any older version.

A migration never changes once it is released: a new version is a new line at the end of ``MIGRATIONS``. The statements
are understood by SQLite and PostgreSQL alike. Moments are text of one fixed width, in UTC: they sort as they stand.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Dialect, Double, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A moment as text: UTC, always with microseconds."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy passes it by name
        """Write a moment; one without a zone is taken as UTC."""
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Read a moment."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

versions = Table("schema_version", metadata, Column("version", Integer), Column("at", Moment))

alerts = Table(
    "alerts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("receipt", Text),
    Column("at", Moment),
    Column("handled_at", Moment),
    Column("body", Text),
    Column("owner", Text),
    Column("tries", Integer),
    Column("set_aside_at", Moment),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text),
    Column("kind", Text),
    Column("target", Text),
    Column("state", Text),
    Column("revision", Integer),
    Column("writer", Text),
    Column("opened_at", Moment),
    Column("updated_at", Moment),
    Column("restarted_at", Moment),
    Column("alerts", Integer),
    Column("remembered", Integer),
    Column("body", Text),
    Column("owner", Text),
    Column("epoch", Integer),
    Column("tries", Integer),
)

approvals = Table(
    "approvals",
    metadata,
    Column("token", Text, primary_key=True),
    Column("incident", Text),
    Column("revision", Integer),
    Column("person", Text),
    Column("at", Moment),
    Column("digest", Text),
    Column("action", Text),
)

refusals = Table(
    "refusals",
    metadata,
    Column("token", Text, primary_key=True),
    Column("incident", Text),
    Column("person", Text),
    Column("team", Text),
    Column("channel", Text),
    Column("card", Text),
    Column("digest", Text),
    Column("rule", Text),
    Column("reason", Text),
    Column("at", Moment),
)


audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Moment),
    Column("kind", Text),
    Column("verdict", Text),
    Column("rule", Text),
    Column("actor", Text),
    Column("incident", Text),
    Column("target", Text),
    Column("said", Text),
    Column("previous", Text),
    Column("hash", Text),
)

replicas = Table("replicas", metadata, Column("owner", Text, primary_key=True), Column("seen_at", Double))

runbook = Table(
    "runbook",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text),
    Column("changed", Integer),
    Column("body", Text),
)

last_contacts = Table("heard", metadata, Column("name", Text, primary_key=True), Column("at", Moment))

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer),
    Column("thread", Text),
    Column("at", Moment),
    Column("due", Moment),
    Column("tries", Integer),
    Column("body", Text),
)
