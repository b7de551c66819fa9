"""How the bot on this machine is, asked over its own /health; for the container's health check, which runs often."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException

from bot.errors import AegisError

TIMEOUT = 4.0
"""Seconds; the image's health check gives up after five."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here, it is where the bot may listen
_LONGEST = 10_000


def ask(host: str, port: int) -> dict[str, str]:
    """Return what /health of the bot at ``host`` and ``port`` says; raises ``AegisError`` where nobody answers."""
    if not port:
        raise AegisError("There is no /health to ask.", hint="Set AEGIS_HTTP_PORT.")
    connection = HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health")
        said = json.loads(connection.getresponse().read(_LONGEST))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise AegisError(f"No answer from {host}:{port}.", hint="Does aegis run, with this AEGIS_HTTP_PORT?") from error
    finally:
        connection.close()
    if not isinstance(said, dict) or "status" not in said:
        raise AegisError(f"What answers at {host}:{port} is not Aegis.", hint="Mend AEGIS_HTTP_PORT.")
    return {str(name): str(value) for name, value in said.items()}
