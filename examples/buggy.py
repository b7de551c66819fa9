"""A small web service that breaks on request, to try Aegis on: its connection pool leaks until nothing answers.

GET /health answers 200 while connections are left, 503 after that; GET /leak holds one for ever; a restart cures it.
"""

import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POOL = int(os.environ.get("POOL_SIZE", "5"))
held = 0

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


class Handler(BaseHTTPRequestHandler):
    """Answers /health and /leak."""

    def do_GET(self) -> None:
        """Answer, or say that the pool is empty."""
        global held  # noqa: PLW0603 (the leak is the point of this program)
        if self.path == "/leak":
            held += 1
        if held >= POOL:
            logging.error("QueuePool limit of size %d overflow 0 reached, connection timed out", POOL)
            self.send_response(503)
        else:
            self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{held} of {POOL} connections are held\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        """Log requests like everything else."""
        logging.info(format, *args)


if __name__ == "__main__":
    logging.info("listening on :8080 with a pool of %d", POOL)
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
