"""Raises the limit of open files and divides it."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)

MOST_FILES = 65_536
"""Files for which the limit is raised; some systems allow a billion, and programs that visit each one then hang."""

MOST_CONNECTIONS = 256
"""Connections at once to the small HTTP server; an orchestrator, Prometheus and some senders need ten."""

FILES_PER_CONNECTION = 4
"""One descriptor of so many may be a connection to the HTTP server; the rest is for engine, database and Slack."""


def raise_limit() -> int:
    """Raise the soft limit of open files as far as the hard limit allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("the limit of open files stays at %d: %s", soft, error)
        return soft
    return wanted


def most_connections() -> int:
    """Return how many connections the HTTP server may hold, by the limit of open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MOST_CONNECTIONS
        if soft == resource.RLIM_INFINITY
        else max(1, min(MOST_CONNECTIONS, soft // FILES_PER_CONNECTION))
    )
