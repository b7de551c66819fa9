"""What reads, redacts, diagnoses or shows outside text takes time in proportion to the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.alerts import label_syntax, severity, status, title_targets, webhook_bodies
from bot.domain.evidence import Evidence, LogDigest, LogLine
from bot.domain.llm import prompt
from bot.domain.logs import digest
from bot.domain.redaction.redact import redact
from bot.domain.symptoms import diagnose
from bot.slack.views import card, modals, replies
from tests.security.parsers import KNOWN, attachment, blocks, edited, evidence, read_alert, said, tried
from tests.slack.incidents import BY_STATE, PROPOSED
from tests.support import linear

UNITS = (
    "a", "A", "1", " ", "\n", "\t", "é", "語", "😀", "\u200b", "\x1b[31m",
    "-", "_", ".", "/", ":", "=", "`", "*", "<", "&lt;", "{", "[", "(", '"', "\\", "|", "@", "%", ",",
    "a ", "a\n", "a.", "a-", "a/", "a:", "a=", "a_1", "1.", "a: b, ", "a=b ", "a=b\n", "k: v\n", "\r\n", " \n",
    "password=", "Bearer ", "eyJhbGci.", "AKIA", "-----BEGIN ", "xoxb-1-", "http://a:b@", "https://", "://", "a:b@",
    "[FIRING:1] ", "resolved ", "container: ", "*name:* ", "<http://a|b> ", "<!here> ", "ERROR ", "is down ",
    "error: failed to connect to ", "2026-11-22T10:02:11Z ERROR ", '{"level":"error",', '"a":{', 'name="a",',
    "at a.b(c:1)\n", "Traceback (most recent call last):\n", "exit code 137 ", "&amp;",
    "a b c: ", "(a) [b] ", "' ", "``` ",
)  # fmt: skip
"""What is repeated to make a hostile text."""

LINES: dict[str, Callable[[int], str]] = {
    "one long line behind short ones": lambda size: "ERROR a\n" * 20 + "b" * size,
    "deep brackets": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "deep objects": lambda size: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
    "different words": lambda size: " ".join(f"w{n}" for n in range(size // 6)),
    "different lines": lambda size: "\n".join(f"ERROR w{n} failed" for n in range(size // 18)),
    "different labels": lambda size: "\n".join(f"k{n}: v{n}" for n in range(size // 12)),
    "different addresses": lambda size: " ".join(f"http://h{n}.x/?token=t{n}" for n in range(size // 26)),
}

TEXTS: dict[str, Callable[[int], str]] = {
    **{repr(unit): lambda size, unit=unit: linear.repeated(unit, size) for unit in UNITS},  # type: ignore[misc]
    **LINES,
}
assert len(TEXTS) >= 30


def _status_and_names(text: str) -> Any:
    message = status.state_in(text), title_targets.in_title(text, ("web", "prod-db"))
    return message, title_targets.is_group_head(text), title_targets.container_of(text, ("web", "prod-db"))


def _labels(text: str) -> Any:
    found = list(label_syntax.pairs_in(text)), list(label_syntax.map_pairs(text)), list(label_syntax.tag_pairs(text))
    return (
        found,
        label_syntax.key_of(text),
        label_syntax.value_of(text),
        severity.severity_of_pairs((("severity", text),), text),
    )


def _webhook(text: str) -> Any:
    member = {"status": "firing", "labels": {"alertname": text, "name": text}, "annotations": {"summary": text}}
    script = {"container": "web", "message": text, "logs": text}
    return [
        read_alert(said(webhook_bodies.read_webhook("s", body).text))
        for body in ({"status": "firing", "alerts": [member]}, script)
    ]


def _digest(text: str) -> Any:
    return digest.digest_log([text.encode("utf-8", "replace")], secrets=KNOWN)


def _logged(text: str) -> Evidence:
    lines = tuple(LogLine(number, line, 1) for number, line in enumerate(text.split("\n"), 1))
    return replace(evidence("x"), log=LogDigest(lines, len(lines)))


def _diagnosed(text: str) -> Any:
    looked = _logged(text)
    return diagnose.diagnose_by_rules(looked, diagnose.find_symptoms(looked, text), ())


def _prompt(text: str) -> Any:
    looked = _logged(text)
    return prompt.build_prompts(looked, (), (), alert=text, title=text, nonce="n0nce4you")


def _shown(text: str) -> Any:
    found = PROPOSED.diagnosis
    assert found is not None
    said_by = replace(found, headline=text, root_cause=text, justification=text, caveats=(text,))
    held: dict[str, Any] = dict.fromkeys(("target", "title", "alert_text", "closing", "reason", "bundle"), text)
    made = [replace(one, **held, diagnosis=said_by, evidence=_logged(text)) for one in list(BY_STATE.values())[:1]]
    waiting = replace(PROPOSED, **held, diagnosis=said_by, evidence=_logged(text))
    return (
        [card.card(one) for one in (*made, waiting)],
        modals.evidence(waiting), modals.evidence_text(waiting), modals.ignore(waiting),
        replies.outcome(waiting, [text]), replies.notice(text), replies.announcement(waiting),
    )  # fmt: skip


ENTRY_POINTS: dict[str, Callable[[str], Any]] = {
    "an alert's text": lambda text: read_alert(said(text)),
    "an alert's attachment": lambda text: read_alert(attachment(text)),
    "an alert's blocks": lambda text: read_alert(blocks(text)),
    "an edited alert": edited,
    "a webhook": _webhook,
    "labels": _labels,
    "titles": _status_and_names,
    "log digest": _digest,
    "diagnosis by rules": _diagnosed,
    "redaction": lambda text: redact(text, KNOWN),
    "prompt": _prompt,
    "card views": _shown,
}

FLOOR_S = 0.02
"""Reading a text of 24,000 characters in less than this delays nobody."""


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_an_entry_point_is_linear(entry: Callable[[str], Any]) -> None:
    tried(entry, "what is loaded and remembered once is not measured")

    def over(text: Callable[[int], str]) -> Callable[[int], Callable[[], object]]:
        def reading(size: int) -> Callable[[], object]:
            given = text(size)
            return lambda: tried(entry, given)

        return reading

    found = {name: took for name, text in TEXTS.items() if (took := linear.growth(over(text), FLOOR_S))}
    assert not found
