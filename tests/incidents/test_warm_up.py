"""What the first alert needs is made ready before it comes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.adapters.llm.gemini import Gemini
from bot.errors import ModelUnavailable
from bot.wiring import application


def test_the_model_is_imported_once_before_the_first_alert_and_nothing_is_sent() -> None:
    connections: list[str] = []
    calls: list[object] = []

    def connect() -> object:
        connections.append("connected")
        return lambda prompt, seconds: calls.append(prompt)

    gemini = Gemini(connect, model="m", timeout=1.0)  # type: ignore[arg-type]  # the answer is not used
    application._warm_up(SimpleNamespace(diagnoser=gemini))  # type: ignore[arg-type]  # the one part that it uses
    assert (connections, calls) == (["connected"], [])
    gemini.connect()
    assert connections == ["connected"]


@pytest.mark.parametrize("error", [ModelUnavailable("no SDK"), ImportError("no SDK")])
def test_a_model_that_cannot_be_imported_does_not_end_the_warm_up(error: Exception) -> None:
    def connect() -> object:
        raise error

    application._warm_up(SimpleNamespace(diagnoser=Gemini(connect, model="m", timeout=1.0)))  # type: ignore[arg-type]


def test_without_a_model_the_rules_alone_are_warmed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(application, "read_samples", lambda: read.append("read"))
    application._warm_up(SimpleNamespace(diagnoser=None))  # type: ignore[arg-type]
    assert read == ["read"]
