"""Client of the bot's /health endpoint.

The health check of the container runs it often, so it imports little.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException

from bot.errors import AegisError

TIMEOUT_S = 4.0
"""Time limit of the request; the image's health check stops after five seconds."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound here: the bot can listen on these
_MAX_ANSWER_BYTES = 10_000


def ask(host: str, port: int) -> dict[str, str]:
    """Return the answer of the bot's /health. Raise ``AegisError`` if there is no valid answer."""
    if not port:
        raise AegisError("The bot serves no /health, because AEGIS_HTTP_PORT is 0.", hint="Set AEGIS_HTTP_PORT.")
    connection = HTTPConnection(_LOOPBACK.get(host, host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read(_MAX_ANSWER_BYTES))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise AegisError(
            f"Aegis does not answer at {host}:{port}.", hint="Start it with aegis run, or correct AEGIS_HTTP_PORT."
        ) from error
    finally:
        connection.close()
    if not isinstance(answer, dict) or "status" not in answer:
        raise AegisError(f"Another program answers at {host}:{port}, not Aegis.", hint="Correct AEGIS_HTTP_PORT.")
    return {str(name): str(value) for name, value in answer.items()}
