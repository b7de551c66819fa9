"""A service that says its secrets in its log, in its health check and on its command line, as services do.

It answers 503 until it was started again, or for good once it was told so. Runs as ``python leaky.py PORT …``.
"""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
import time
from pathlib import Path

STARTS, DOOMED = Path("starts"), Path("doomed")


class Answers(http.server.BaseHTTPRequestHandler):
    """Well after the second start, unless it is doomed."""

    def do_GET(self) -> None:
        """Answer a health check, or be told to stay broken."""
        if self.path.startswith("/doom"):
            DOOMED.touch()
        self.send_response(503 if broken() else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


def broken() -> bool:
    """Say whether a health check fails now."""
    return DOOMED.exists() or len(STARTS.read_text()) < 2


def main() -> None:
    """Serve, and complain once in a while with all that must not be said."""
    STARTS.write_text((STARTS.read_text() if STARTS.exists() else "") + "x")
    lines = json.loads(os.environ["SAID"])
    port = int(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("INFO listening", flush=True)
    while True:
        if broken():
            for line in lines:
                print(line, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main()
