"""Kinds of secrets that more than their own line or their own letters give away.

In the files a secret stands between two §, ⏎ ends a line; a text without § holds no secret.
"""

from pathlib import Path

import pytest

from bot.domain.redaction.redact import redact

FILES = sorted((Path(__file__).parents[2] / "corpus" / "redaction").glob("kind-*.txt"))
TEXTS = [
    pytest.param(line.replace("⏎", "\n"), id=f"{path.stem}-{number}")
    for path in FILES
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
]


@pytest.mark.parametrize("text", TEXTS)
def test_each_secret_goes_and_everything_else_stays(text: str) -> None:
    parts = text.split("§")
    cleaned = redact("".join(parts))
    assert [secret for secret in parts[1::2] if secret in cleaned] == []
    assert [kept for kept in parts[::2] if kept.strip() and kept not in cleaned] == []
    assert redact(cleaned) == cleaned
