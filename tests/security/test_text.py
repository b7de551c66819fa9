"""No outside text says anything to Slack: it mentions nobody, links nowhere, forms nothing, on any path."""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from bot.domain.diagnosis import Action
from bot.domain.evidence import Evidence, Facts, HealthProbe, LogDigest, LogLine, Neighbour, Source, Status
from bot.domain.target import KnownTarget, Target, TargetId
from bot.domain.verification import Probe
from bot.playground.slack.state.messages import pings
from tests.slack.blockkit import check_blocks, check_markup, check_view
from tests.slack.hostile import NASTY
from tests.support.fakes import FakeContainers, facts
from tests.support.hostile_workspace import NAME, Stage, decoded
from tests.support.mrkdwn_sources import Door, Module, modules

BOT = Path(__file__).parents[2] / "bot"
CORPUS = [
    json.loads(row)["text"]
    for row in (Path(__file__).parents[1] / "corpus/slack_markup.jsonl").read_text().splitlines()
]
KNOWN = {"U0ONCALL", "U0SECOND", "U0STRANGER", "S0ONCALL"}
"""Whom Aegis may mention: who pressed or asked, the approvers and the escalation of the settings."""


# The sources: mrkdwn.py is the only door.


def test_no_module_builds_mrkdwn_from_outside_text():
    assert [str(leak) for leak in Door.of(BOT).leaks()] == []


@cache
def sources() -> list[Module]:
    return modules(BOT)


def planted(body: str, more: str = "") -> list[str]:
    source = f"""
from bot.slack.views import mrkdwn
from bot.slack.views.blocks import section, small, text, offer
from bot.slack.views.phrases import STATES
{more}
def made(incident, words, count):
{body}
"""
    known = {module.name: module for module in sources()}
    return [leak.code for leak in Door(known | {"planted": Module.read("planted", source)}).leaks("planted")]


@pytest.mark.parametrize(
    "line",
    [
        "return section(incident.title)",
        "return section(words)",
        "return section(f'*{words}*')",
        "return small(mrkdwn.line(words), incident.reason)",
        "return section(mrkdwn.clean(words))",
        "return section(mrkdwn.plain(words, 10))",
        "return section(mrkdwn.raw(words))",
        "return section(mrkdwn.clip(words, 10))",
        "return section(wording.facts(incident))",
        "return section(helped(words))",
        "return section(', '.join(words))",
        "return section(*[word for word in words])",
        "return section('a' if count else words)",
        "return section(words or 'nothing')",
        "return section('*%s*' % words)",
        "return section('{}'.format(words))",
        "return section(f'{words:>10}')",
        "return section(f'{words!r}')",
        "said = mrkdwn.line(words)\n    said += words\n    return section(said)",
        "lines = []\n    lines.append(words)\n    return section(*lines)",
        "for word in words:\n        section(word)",
        "if (said := words):\n        return section(said)",
        "one, two = mrkdwn.line(words), words\n    return section(two)",
        "return MarkdownTextObject(text=words) if count else MarkdownTextObject(words)",
        "return blocks.text(words)",
        "return offer(words, incident, 'name')",
        "return section(html(words))",
    ],
)
def test_a_planted_leak_is_found(line):
    more = (
        "from bot.slack.views import blocks\nfrom html import escape as html\nfrom slack_sdk.models.blocks import "
        "MarkdownTextObject\ndef helped(text):\n    return f'{text}.'\n"
    )
    assert planted(f"    {line}", more)


@pytest.mark.parametrize(
    "line",
    [
        "return section('*Dry run*', f'{count:,} alerts', mrkdwn.line(words))",
        "said = mrkdwn.prose(words) or mrkdwn.DASH\n    return small(f'*{said}*'.rstrip())",
        "return section(', '.join(mrkdwn.mention(word) for word in words))",
        "return section(helped(mrkdwn.line(words)), STATES[incident.state])",
    ],
)
def test_what_is_escaped_passes(line):
    assert planted(f"    {line}", "def helped(text):\n    return f'{text}.'\n") == []


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for file in sorted((BOT / "slack").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            yield file.stem, node


def test_what_notifies_or_links_is_written_in_one_module():
    written = {
        (module, str(part.value))
        for module, node in nodes()
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant) and "<" in str(part.value)
    }
    # The listeners take their own mention out of what was said to them.
    assert {module for module, _ in written} <= {"mrkdwn", "events"}
    assert [text for module, text in written if module == "events"] == ["<@"]


def test_mrkdwn_objects_are_made_in_one_place():
    makers = {module for module, node in nodes() if isinstance(node, ast.Name) and node.id == "MarkdownTextObject"}
    assert makers == {"blocks"}
    typed = {
        module
        for module, node in nodes()
        if isinstance(node, ast.Dict)
        for value in node.values
        if isinstance(value, ast.Constant) and value.value in ("mrkdwn", "markdown")
    }
    assert typed == set()


def test_rich_text_holds_plain_text_only():
    used = {
        node.attr
        for _, node in nodes()
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "RichTextElementParts"
    }
    assert used == {"Text"}


def test_messages_are_made_in_one_place_and_sent_with_their_own_text():
    makers = {
        module
        for module, node in nodes()
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Message"
    }
    assert makers == {"blocks"}


def test_slack_is_never_asked_to_look_for_names_or_links():
    passed = [(module, node.arg, node.value) for module, node in nodes() if isinstance(node, ast.keyword)]
    assert not [module for module, name, _ in passed if name in ("link_names", "markdown_text", "attachments")]
    assert {getattr(value, "value", None) for _, name, value in passed if name == "parse"} == {"none"}
    for unfurl in ("unfurl_links", "unfurl_media"):
        assert {getattr(value, "value", None) for _, name, value in passed if name == unfurl} == {False}


# The whole way: everything from outside holds one hostile text, and what arrives at Slack is looked at.


@dataclass
class Hostile(FakeContainers):
    """An engine of which every word is ``text``."""

    text: str = ""
    starts: int = 0

    def _facts(self) -> Facts:
        return facts(
            host=self.text,
            image=self.text,
            error=self.text,
            health=self.text,
            restart_policy=self.text,
            log_driver=self.text,
            started_at=f"2026-11-22T02:{self.starts % 60:02}:00.000000000Z",
            probes=(HealthProbe(self.text, 1, self.text),),
            networks=(self.text,),
            labels=(("com.docker.compose.project", self.text), (f"aegis.{self.text}", self.text)),
        )

    async def inventory(self) -> tuple[KnownTarget, ...]:
        return (*await super().inventory(), KnownTarget(self.text, "e" * 64))

    async def evidence(self, target: Target) -> Evidence:
        lines = tuple(LogLine(number, self.text, number, self.text) for number in range(1, 4))
        return Evidence(
            target,
            self.text,
            self._facts(),
            LogDigest(lines, 3),
            neighbours=(Neighbour(self.text, self.text, self.text, self.text, named_in_log=True),),
            events=(self.text,),
            sources=(Source(self.text, Status.OK, self.text), Source("logs", Status.DENIED, self.text)),
        )

    async def facts(self, target: Target) -> Facts:
        return self._facts()

    async def facts_of(self, target_id: TargetId) -> Facts:
        return self._facts()

    async def newest_lines(self, target_id: TargetId, count: int) -> tuple[str, ...]:
        return (self.text,) * count

    async def act(self, action: Action, target_id: TargetId, *, stop_timeout: int = 0) -> None:
        self.writes.append((action.value, target_id.id))
        self.starts += 1


def reply(text: str) -> str:
    said = {
        "root_cause": f"cause {text}",
        "headline": text,
        "justification": text,
        "disproof": text,
        "class": text,
        "confidence": text,
        "lines": [1, text],
    }
    return json.dumps({**said, "action": "restart"})


def remembered(text: str) -> str:
    entry = {
        "id": "old",
        "at": "2026-11-20T10:00:00Z",
        "target": NAME,
        "root_cause": f"cause {text}",
        "action": "restart",
        "justification": text,
        "symptom": text,
        "class": "deadlock",
        "evidence": [text],
        "outcome": "resolved",
        "approved_by": text,
        "diagnosed_by": text,
        "verification": text,
        "image": text,
    }
    return json.dumps([entry, {**entry, "id": "other", "at": text, "target": text, "outcome": text}])


@dataclass
class Seen:
    """What arrived at Slack since the last look."""

    stage: Stage
    calls: int = 0
    messages: set[str] = field(default_factory=set)

    def check(self) -> None:
        for call in self.stage.slack.calls[self.calls :]:
            arguments = {name: decoded(value) for name, value in call.arguments.items()}
            assert not call.error.startswith("invalid_"), (call.method, call.answer)
            assert not arguments.get("link_names")
            assert not arguments.get("attachments")
            assert arguments.get("parse", "none") == "none"
            if call.method in ("chat.postMessage", "response_url"):
                assert arguments["unfurl_links"] is arguments["unfurl_media"] is False
            if "text" in arguments:
                check_markup(call.arguments["text"])
            if arguments.get("blocks"):
                check_blocks(arguments["blocks"])
            if call.method in ("views.open", "views.update"):
                check_view(arguments["view"])
            if call.method == "views.publish":
                check_blocks(arguments["view"]["blocks"], 100)
            assert pings({**arguments, "attachments": ()}) <= KNOWN
            view = arguments.get("view") or {}
            assert pings({"blocks": view.get("blocks", ())}) <= KNOWN
        self.calls = len(self.stage.slack.calls)
        for message in self.stage.slack.messages("C0ALERTS"):
            if message.user == self.stage.slack.bot_user:
                assert message.pings <= KNOWN


async def everything(stage: Stage, text: str) -> None:
    """Let ``text`` in by every way that there is, and have Aegis show all that it shows."""
    slack = stage.slack
    assert isinstance(stage.engine, Hostile)
    stage.engine.text = text
    stage.model.text = reply(text)
    stage.model.model = text or "none"
    stage.prober.answers = [Probe(False, text)]
    (stage.folder / "runbook.json").write_text(remembered(text))
    slack.state.users["U0ONCALL"].name = slack.state.users["U0ONCALL"].real_name = text

    alert = await stage.alert(text=text)
    card = await stage.card(alert)
    await slack.press("U0STRANGER", card, "evidence")
    await slack.wait_for(lambda: slack.modal("U0STRANGER").words.count("\n") > 3 or slack.files)
    await slack.close("U0STRANGER", slack.modal("U0STRANGER"), everything=True)
    await slack.press("U0ONCALL", card, "ignore")
    view = await slack.wait_for(lambda: slack.modal("U0ONCALL"))
    await slack.submit("U0ONCALL", view, {"reason": text[:500]})
    await slack.wait_for(lambda: not slack.message("C0ALERTS", card.ts).buttons)

    again = await stage.alert(text=text)
    await slack.press("U0ONCALL", await stage.card(again), "restart")
    await slack.wait_for(lambda: [one for one in slack.thread(again) if "take over" in one.words], 20)

    # A name that nobody has, and a sender who names none: a menu of all names.
    other = await stage.alert(name="nobody", text=text)
    await slack.wait_for(lambda: slack.thread(other))
    for words in (f"diagnose {text}", f"runbook {text}", f"history {text}", text, "runbook cause", "status", "history"):
        await slack.slash("U0ONCALL", "C0ALERTS", "/aegis", words)
    await slack.say("U0ONCALL", "C0ALERTS", f"<@{slack.bot_user}> runbook {text}")
    await slack.open_home("U0ONCALL")
    await slack.settled()
    await slack.wait_for(lambda: slack.home("U0ONCALL"))


async def walked(stage: Stage, texts: list[str]) -> None:
    stage.engine = Hostile()
    seen = Seen(stage)
    async with stage.bot(AEGIS_ESCALATION="U0SECOND", AEGIS_RESTART_LIMIT="100", AEGIS_VERIFY_URLS=f"{NAME}=http://x/"):
        for text in texts:
            await everything(stage, text)
            await asyncio.sleep(0)
            seen.check()
    seen.check()


async def test_all_hostile_texts_at_once_say_nothing_to_slack(stage):
    await walked(stage, [" ".join(CORPUS + [text[:300] for text in NASTY])[:2500]])


@pytest.mark.slow
async def test_each_text_of_the_corpus_says_nothing_to_slack(stage):
    await walked(stage, CORPUS)


@pytest.mark.slow
async def test_each_nasty_text_says_nothing_to_slack(stage):
    await walked(stage, list(NASTY))
