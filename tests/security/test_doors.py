"""A token with unseen characters in it leaves by no door: card, prompt, runbook, log, webhook, command line."""

from __future__ import annotations

import io
import logging
import sys
import unicodedata
from dataclasses import replace

import pytest

from bot import telemetry
from bot.domain.alerts.admission import admit_alert
from bot.domain.alerts.alert import Alert, Kind
from bot.domain.diagnosis import Quote
from bot.domain.incident import Incident, State
from bot.domain.llm.prompt import build_prompt
from bot.domain.logs.digest import digest_log
from bot.domain.logs.filters import digest_blocks, redact_blocks
from bot.domain.redaction.redact import redact
from bot.domain.runbook import from_incident
from bot.slack.views import card as views
from bot.slack.views import modals
from tests.slack.conftest import incident

TOKEN = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
UNSEEN = ("\u200b", "\u2060", "\u00ad")
HIDDEN = [
    *(TOKEN[:at] + unseen + TOKEN[at:] for unseen in UNSEEN for at in (1, 4, 14, 39)),
    "\u200b".join(TOKEN),
    "\u2060\u00ad".join((TOKEN[:9], TOKEN[9:20], TOKEN[20:])),
]

pytestmark = pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)


def stays_in(out: object) -> str:
    """Fail where a part of the token, as it stands or without what is not seen, is in ``out``."""
    text = out if isinstance(out, str) else repr(out)
    for unseen in UNSEEN:
        text = text.replace(ascii(unseen)[1:-1], "")
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    assert not [at for at in range(4, len(TOKEN) - 8) if TOKEN[at : at + 8] in seen]
    return text


def refuse(hidden: str) -> None:
    raise ValueError(f"bad {hidden}")


def admitted(hidden: str) -> Alert:
    said = f"login failed with {hidden} at 10.0.0.4"
    alert = Alert(Kind.FIRING, said, said, said, said, (("container", "app"), (hidden, said)), logs=f"ERROR {said}")
    return admit_alert(replace(alert, members=(alert.labels,)), redact)


def opened(hidden: str) -> Incident:
    """Return an incident whose alert and log passed the doors."""
    alert = admitted(hidden)
    log = digest_log([f"ERROR cannot clone with {hidden}\nFATAL gave up on {hidden}\n".encode()])
    made = incident(title=alert.title, severity=alert.severity, alert_text=alert.text, alert_logs=alert.logs)
    assert made.evidence is not None
    assert made.diagnosis is not None
    quotes = tuple(Quote(line.number, line.text, line.count) for line in log.lines)
    found = replace(made.diagnosis, quotes=quotes, root_cause=log.lines[0].text, justification=alert.text)
    return replace(made, evidence=replace(made.evidence, log=log), diagnosis=found)


def test_redact_takes_it_out(hidden: str) -> None:
    assert stays_in(redact(f"cloning with {hidden} now")) == "cloning with [redacted:github-token] now"


def test_a_webhook_alert_is_admitted_without_it(hidden: str) -> None:
    assert "redacted:github-token" in stays_in(admitted(hidden))


def test_no_card_and_no_view_shows_it(hidden: str) -> None:
    made = opened(hidden)
    ended = replace(made, state=State.IGNORED, closed_at=made.opened_at, closing="Ignored.")
    for shown in (views.card(made), views.card(ended), modals.evidence(made), modals.evidence_text(made)):
        stays_in(shown)
    assert "redacted:github-token" in repr(views.card(made))


def test_the_prompt_does_not_hold_it(hidden: str) -> None:
    made = opened(hidden)
    assert made.evidence is not None
    raw = f"title {hidden}"
    prompt = build_prompt(made.evidence, (), (), alert=f"{raw}\n{raw}", title=raw, nonce="abcdefgh")
    assert "redacted:github-token" in stays_in(prompt.data)


def test_the_runbook_does_not_hold_it(hidden: str) -> None:
    made = opened(hidden)
    assert made.diagnosis is not None
    raw = replace(made.diagnosis, root_cause=f"used {hidden} twice", justification=hidden)
    ended = replace(made, state=State.IGNORED, closed_at=made.opened_at, reason=hidden, diagnosis=raw)
    entry = from_incident.entry_from(ended)
    assert "redacted:github-token" in stays_in(entry)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_does_not_hold_it(hidden: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root.handlers = []
    try:
        telemetry.start_log("INFO", redact, form)
        try:
            refuse(hidden)
        except ValueError:
            logging.getLogger("bot.doors").exception("refused %s", hidden)
    finally:
        root.handlers, root.level = before
    assert stays_in(out.getvalue()).count("redacted:github-token") >= 2


def test_the_filters_of_the_command_line_take_it_out(hidden: str) -> None:
    block = f"first\nERROR clone with {hidden} failed\nlast\n".encode()
    for size in (1 << 20, 7):
        written = b"".join(redact_blocks([block[:20], block[20:]], (), piece=size)).decode()
        assert "redacted:github-token" in stays_in(written)
    stays_in(digest_blocks([block], ()))
