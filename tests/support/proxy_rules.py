"""The rules of the socket proxy in the Compose files, applied as the proxy applies them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).parents[2]
FILES = ("compose.yaml", "compose.replicas.yaml")


@cache
def proxy(file: str) -> dict[str, Any]:
    """Return the service of the socket proxy in a Compose file."""
    service: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"]["socket-proxy"]
    return service


@cache
def rules(file: str) -> dict[str, str]:
    """Return the rules of a Compose file by HTTP method, as they are written."""
    return dict(re.findall(r"^-allow([A-Z]+)=(.*)$", "\n".join(proxy(file)["command"]), re.MULTILINE))


def allows(file: str, method: str, target: str) -> bool:
    """Return True if the proxy lets a request through.

    The proxy puts ^ and $ around the text of a rule and compares it with the decoded path, without the query. In Go, $
    is the end of the text, which Python writes as \\Z.
    """
    rule = rules(file).get(method)
    path = unquote(urlsplit(target).path)
    return rule is not None and re.search(f"^{rule}\\Z", path, re.ASCII) is not None
