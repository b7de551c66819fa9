"""Logs the head of the audit trail, outside the database's reach."""

from __future__ import annotations

import logging
from typing import Protocol

from bot.domain.audit.head import LOGGER, head_line
from bot.errors import StoreError

EVERY_S = 86_400.0
"""Seconds between two lines: rows that were cut off are missed from the day after on."""

log = logging.getLogger(LOGGER)
log.setLevel(logging.INFO)
"""Whatever level the rest of the log begins at: a trail whose head no log has seen can be cut off."""


class Trail(Protocol):
    """What knows the newest row."""

    async def head(self) -> tuple[int, str]:
        """Return the number and the hash of the newest row; 0 and ``""`` where there is none."""


async def write(trail: Trail) -> None:
    """Write the line; where the database is away, one that says so."""
    try:
        log.info("%s", head_line(*await trail.head()))
    except StoreError as error:
        log.warning("the audit trail's head is not known now: %s", error.sentence)
