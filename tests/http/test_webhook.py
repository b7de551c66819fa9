"""POST /webhook over a real client against a running bot: what goes in, what comes out, what stands in Slack then."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.alerts.alert import Kind
from bot.domain.target import parse_target
from bot.errors import SettingsError, StoreUnavailable
from bot.http.server import Health, HttpServer
from bot.http.webhook import MOST_A_MINUTE, MOST_BYTES, MOST_WRONG_A_MINUTE, SENDERS, Webhook, WebhookConfig
from bot.playground.slack.state.messages import Message
from bot.playground.slack.workspace import Workspace
from bot.ports.database import IntakeResult, ReceivedAlert
from bot.settings import load
from bot.wiring.application import running
from tests.test_wiring import environment

TOKEN = "a-token-of-32-characters-or-more"
HERE = "127.0.0.1"
ROOT = Path(__file__).parents[2]
KNOWN = "buggy-app-v2,web,db-1,cache,queue,mail-out,search-1"


def free_port() -> int:
    with socket.create_server((HERE, 0)) as one:
        found: int = one.getsockname()[1]
    return found


def in_files(folder: Path, words: bytes) -> bool:
    return any(words in file.read_bytes() for file in folder.glob("aegis.db*"))


@dataclass
class Answer:
    """What the bot answered."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


async def post(
    port: int,
    sender: str,
    body: object,
    *,
    token: str = TOKEN,
    authorization: str = "",
    data: bytes | None = None,
) -> Answer:
    headers = {"Authorization": authorization or f"Bearer {token}"} if token or authorization else {}
    content = json.dumps(body).encode() if data is None else data
    address = f"http://{HERE}:{port}/webhook/{sender}"
    async with aiohttp.ClientSession() as session, session.post(address, data=content, headers=headers) as said:
        text = await said.text()
        return Answer(said.status, json.loads(text) if text.startswith("{") else {"text": text}, dict(said.headers))


@dataclass
class Bot:
    """A running bot, and the workspace that it is in."""

    ws: Workspace
    port: int

    async def post(self, sender: str, body: object, **more: Any) -> Answer:
        return await post(self.port, sender, body, **more)

    def announced(self) -> list[Message]:
        return [one for one in self.ws.messages("C0ALERTS") if not one.thread_ts and "by webhook" in one.words]

    async def cards(self, first: Message | None = None, count: int = 1) -> list[Message]:
        def there() -> list[Message]:
            told = [first] if first else self.announced()
            found = [one for one in (self.ws.thread(told[0]) if told else []) if "rediagnose" in one.buttons]
            return found if len(found) >= count else []

        return await self.ws.wait_for(there)


@pytest.fixture
async def bot(workspace: Workspace, tmp_path: Path) -> AsyncIterator[Bot]:
    port = free_port()
    given = environment(
        workspace,
        tmp_path,
        AEGIS_HTTP_PORT=str(port),
        AEGIS_WEBHOOK_TOKEN=TOKEN,
        AEGIS_ALERT_CHANNELS="C0ALERTS,C0OPS",
        AEGIS_RESTART_ALLOWLIST=KNOWN,
    )
    async with running(load(given, env_file=None)):
        await workspace.connected()
        yield Bot(workspace, port)


def group(*names: str, status: str = "firing") -> dict[str, Any]:
    alerts = [
        {"status": status, "labels": {"alertname": "ContainerDown", "name": name, "severity": "critical"}}
        for name in names
    ]
    return {"version": "4", "status": status, "receiver": "aegis", "alerts": alerts, "groupLabels": {}}


async def test_a_script_gets_the_incident_and_the_card_stands_under_the_alert_in_the_first_channel(bot: Bot) -> None:
    answer = await bot.post(
        "plain", {"container": "buggy-app-v2", "message": "health check failed", "logs": "FATAL: out of <!channel> ink"}
    )
    assert answer.status == 202
    assert answer.body["incident"]
    assert answer.body["targets"] == ["buggy-app-v2"]
    card = (await bot.cards())[0]
    alert = bot.announced()[0]
    assert "health check failed" in alert.words
    assert "buggy-app-v2" in card.words
    assert card.thread_ts == alert.ts
    assert "out of <!channel> ink" in json.dumps(card.body, ensure_ascii=False)
    assert card.pings == set()
    assert bot.ws.messages("C0OPS") == []


async def test_secrets_in_a_scripts_log_reach_neither_slack_nor_the_database(bot: Bot, tmp_path: Path) -> None:
    log = "ERROR login with password=hunter2secret failed\n"
    assert (await bot.post("plain", {"container": "web", "message": "pw password=hunter2secret", "logs": log})).status
    card = (await bot.cards())[0]
    shown = json.dumps([card.body, bot.announced()[0].body])
    assert "hunter2secret" not in shown
    assert "login with" in shown
    await bot.ws.settled()
    assert await asyncio.to_thread(in_files, tmp_path, b"login with")
    assert not await asyncio.to_thread(in_files, tmp_path, b"hunter2secret")


async def test_the_line_of_the_readme_works(bot: Bot) -> None:
    line = next(line for line in (ROOT / "docs/webhooks.md").read_text().splitlines() if line.startswith("curl -H"))
    line = re.sub(r"http://127\.0\.0\.1:\d+/", f"http://{HERE}:{bot.port}/", line)
    process = await asyncio.create_subprocess_shell(
        f"{line} -sS --noproxy '*'", env={"PATH": "/usr/bin:/bin", "AEGIS_WEBHOOK_TOKEN": TOKEN}, stdout=-1
    )
    said, _ = await process.communicate()
    assert json.loads(said)["targets"] == ["buggy-app-v2"]


@pytest.mark.fault(24)
async def test_a_retry_of_the_same_delivery_opens_nothing_and_posts_nothing(bot: Bot) -> None:
    first = await bot.post("alertmanager", group("web"))
    await bot.cards()
    again = await bot.post("alertmanager", group("web"))
    assert again.status == 202
    assert again.body["duplicate"] is True
    assert again.body["incident"] == first.body["incident"]
    await bot.ws.settled()
    assert len(bot.announced()) == 1
    assert len(await bot.cards()) == 1


async def test_two_retries_at_once_open_one_incident(bot: Bot) -> None:
    both = await asyncio.gather(*(bot.post("alertmanager", group("web")) for _ in range(4)))
    await bot.cards()
    await bot.ws.settled()
    assert [answer.body.get("duplicate", False) for answer in both].count(False) == 1
    assert len(bot.announced()) == 1


async def test_a_group_gets_a_card_for_each_target_in_one_thread(bot: Bot) -> None:
    answer = await bot.post("alertmanager", group("web", "db-1", "unknown-1"))
    assert answer.body["targets"] == ["web", "db-1"]
    assert len(set(answer.body["incidents"])) == 2
    cards = await bot.cards(count=2)
    assert sorted(name for card in cards for name in ("web", "db-1") if name in card.text) == ["db-1", "web"]
    assert len(bot.announced()) == 1


async def test_of_many_targets_a_few_get_cards_and_the_rest_is_named(bot: Bot) -> None:
    answer = await bot.post("alertmanager", group(*KNOWN.split(",")))
    assert len(answer.body["incidents"]) == 5
    await bot.cards(count=5)
    said = await bot.ws.wait_for(
        lambda: [one for one in bot.ws.thread(bot.announced()[0]) if "/aegis diagnose" in one.words][0]  # noqa: RUF015 - a LookupError is "not yet"
    )
    assert "mail-out, search-1" in said.words


async def test_a_resolved_body_closes_the_cards_of_its_targets(bot: Bot) -> None:
    opened = await bot.post("alertmanager", group("web", "db-1"))
    cards = await bot.cards(count=2)
    await bot.ws.settled()
    over = await bot.post("alertmanager", group("web", "db-1", status="resolved"))
    assert over.body["kind"] == "resolved"
    assert set(over.body["incidents"]) == set(opened.body["incidents"])

    def closed() -> bool:
        return all("restart" not in one.buttons and "Recovered without action" in one.words for one in now())

    def now() -> list[Message]:
        return [bot.ws.message("C0ALERTS", card.ts) for card in cards]

    await bot.ws.wait_for(closed)


async def test_an_alert_that_names_nothing_known_is_asked_about_under_its_message(bot: Bot) -> None:
    answer = await bot.post("plain", {"container": "not-here", "message": "it is down"})
    assert answer.status == 202
    assert answer.body["incident"] is None
    menu = await bot.ws.wait_for(
        lambda: [one for one in bot.ws.thread(bot.announced()[0]) if "choose" in one.buttons][0]  # noqa: RUF015 - as above
    )
    assert "Which one is it about?" in menu.words


async def test_what_is_no_alert_is_answered_with_why_and_posts_nothing(bot: Bot) -> None:
    answer = await bot.post("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": "My alert testing"})
    assert answer.status == 202
    assert "no alert" in answer.body["ignored"]
    await bot.ws.settled()
    assert bot.announced() == []


async def test_slack_away_does_not_keep_an_alert_from_being_taken_in(bot: Bot) -> None:
    bot.ws.fail("chat.postMessage", "fatal_error", times=100)
    answer = await bot.post("plain", {"container": "web", "message": "down"})
    assert answer.body["incident"]


async def test_killed_between_answer_and_card_the_next_start_posts_alert_and_card_once(
    workspace: Workspace, tmp_path: Path
) -> None:
    port = free_port()
    given = environment(
        workspace,
        tmp_path,
        AEGIS_HTTP_PORT=str(port),
        AEGIS_WEBHOOK_TOKEN=TOKEN,
        AEGIS_ALERT_CHANNELS="C0ALERTS",
        AEGIS_RESTART_ALLOWLIST=KNOWN,
    )
    workspace.fail("chat.postMessage", "fatal_error", times=1000)
    async with running(load(given, env_file=None)):
        await workspace.connected()
        assert len((await post(port, "alertmanager", group("web", "db-1"))).body["incidents"]) == 2
        await workspace.settled()
    workspace.faults.clear()
    async with running(load(given, env_file=None)):
        bot = Bot(workspace, port)
        await bot.cards(count=2)
        await workspace.settled()
    assert len(bot.announced()) == 1
    assert len(await bot.cards(count=2)) == 2


def test_a_token_and_a_port_need_a_channel_and_a_token_that_cannot_be_guessed() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"AEGIS_WEBHOOK_TOKEN": "short", "AEGIS_HTTP_PORT": "8080"}, env_file=None)
    assert "AEGIS_WEBHOOK_TOKEN: must have at least 16 characters" in caught.value.message
    assert "AEGIS_ALERT_CHANNELS: not set" in caught.value.message
    assert "short" not in caught.value.message.replace("shorter", "")
    load({"AEGIS_WEBHOOK_TOKEN": TOKEN}, env_file=None)


@dataclass
class Recording:
    """Takes alerts in and keeps them; ``broken`` is raised once by ``begin``."""

    taken: dict[str, ReceivedAlert] = field(default_factory=dict)
    begun: list[ReceivedAlert] = field(default_factory=list)
    broken: Exception | None = None
    tried_again: list[ReceivedAlert] = field(default_factory=list)

    async def receive(self, received: ReceivedAlert) -> bool:
        return self.taken.setdefault(received.key, received) is received

    async def begin(self, received: ReceivedAlert) -> IntakeResult:
        if self.broken is not None:
            broken, self.broken = self.broken, None
            raise broken
        self.begun.append(received)
        return IntakeResult((parse_target("web"),), ())

    async def again(self, received: ReceivedAlert) -> None:
        self.tried_again.append(received)

    async def standing(self, received: ReceivedAlert) -> IntakeResult:
        return IntakeResult((parse_target("web"),), ())

    async def follow(self, received: ReceivedAlert, begun: IntakeResult) -> None:
        return None


class Well:
    """A database that works."""

    async def check(self) -> str:
        return "SQLite"


@dataclass
class Served:
    """A door with a clock of its own."""

    port: int
    taking: Recording
    at: list[datetime]

    async def post(self, sender: str, body: object = None, **more: Any) -> Answer:
        return await post(self.port, sender, {"container": "web"} if body is None else body, **more)

    def later(self, **more: float) -> None:
        self.at[0] += timedelta(**more)


def door(taking: Recording, clock: Callable[[], datetime], token: str = TOKEN) -> WebhookConfig:
    return WebhookConfig(token, "C0ALERTS", taking, lambda work, _about: work.close(), lambda text: text, clock)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    at, taking, port = [datetime(2026, 11, 22, 3, 0, tzinfo=UTC)], Recording(), free_port()
    routes = Webhook(door(taking, lambda: at[0])).routes
    async with HttpServer(HERE, port, Health(connected=lambda: True, store=Well()), routes):
        yield Served(port, taking, at)


async def test_an_alert_that_cannot_be_begun_is_taken_in_and_tried_again_by_us(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taking, port, started = Recording(broken=RecursionError("too deep")), free_port(), list[asyncio.Task[None]]()

    def start(work: Any, _about: str) -> None:
        started.append(asyncio.create_task(work))

    given = WebhookConfig(TOKEN, "C0ALERTS", taking, start, lambda text: text, lambda: datetime.now(UTC))
    async with HttpServer(HERE, port, Health(connected=lambda: True, store=Well()), Webhook(given).routes):
        answer = await post(port, "plain", {"container": "web"})
    assert (answer.status, answer.body["incidents"]) == (202, [])
    await asyncio.gather(*started)
    assert [one.alert.title for one in taking.tried_again] == ["web"]
    assert "too deep" in caplog.text


async def test_without_a_token_there_is_no_webhook() -> None:
    port = free_port()
    routes = Webhook(door(Recording(), lambda: datetime.now(UTC), token="")).routes
    async with HttpServer(HERE, port, Health(connected=lambda: True, store=Well()), routes):
        assert (await post(port, "plain", {"container": "web"}, token="")).status == 404


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Token {TOKEN}",
        "Basic !!!",
        "Bearer \u00fc",
    ],
)
async def test_without_the_token_nobody_is_let_in(served: Served, authorization: str) -> None:
    answer = await served.post("plain", token="", authorization=authorization)
    assert answer.status == 401
    assert "AEGIS_WEBHOOK_TOKEN" in answer.body["error"]
    assert served.taking.taken == {}


async def test_the_token_may_be_the_password_of_an_address(served: Served) -> None:
    given = base64.b64encode(f"aegis:{TOKEN}".encode()).decode()
    assert (await served.post("plain", authorization=f"Basic {given}")).status == 202


async def test_guessing_the_token_is_made_slow_and_does_not_keep_senders_out(served: Served) -> None:
    for _ in range(MOST_WRONG_A_MINUTE):
        assert (await served.post("plain", token="wrong")).status == 401
    answer = await served.post("plain", token="wrong")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert (await served.post("plain")).status == 202


@pytest.mark.fault(23)
async def test_23_guesses_are_in_the_log_with_where_they_came_from_but_not_without_end(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MOST_WRONG_A_MINUTE * 2):
        await served.post("plain", token=f"guess-{number}")
    told = [record.getMessage() for record in caplog.records if "without the right token" in record.getMessage()]
    assert len(told) == MOST_WRONG_A_MINUTE
    assert HERE in told[0]
    assert "guess-" not in caplog.text


async def test_an_unknown_sender_hears_the_known_ones(served: Served) -> None:
    answer = await served.post("zabbix")
    assert answer.status == 404
    assert all(sender in answer.body["error"] for sender in SENDERS)


@pytest.mark.parametrize(
    ("sender", "content", "said"),
    [
        ("plain", b"", "no JSON object"),
        ("plain", b"container=web", "no JSON object"),
        ("plain", b"[1]", "no JSON object"),
        ("plain", b"\xff\xfe", "no JSON object"),
        ("plain", b"[" * 100_000, "no JSON object"),
        ("plain", b"{}", "container is missing"),
        ("plain", b'{"container": ["web"]}', "container is missing"),
        ("plain", b'{"container": " "}', "container is missing"),
        ("alertmanager", b'{"status": "firing"}', "list called alerts"),
        ("cloudwatch", b'{"a": 1}', "SNS sends"),
        ("uptime-kuma", b'{"a": 1}', "heartbeat"),
        ("grafana", b"{}", "empty"),
    ],
)
async def test_a_bad_body_is_told_what_is_wrong(served: Served, sender: str, content: bytes, said: str) -> None:
    answer = await served.post(sender, data=content)
    assert answer.status == 400
    assert said in answer.body["error"]
    assert served.taking.taken == {}


async def test_a_body_that_is_too_large_is_not_read_on(served: Served) -> None:
    answer = await served.post("plain", data=b'{"container":"' + b"x" * MOST_BYTES + b'"}')
    assert answer.status == 413
    assert "1,000,000" in answer.body["error"]
    assert (await served.post("plain", {"container": "web", "logs": "x" * (MOST_BYTES - 100)})).status == 202


async def test_a_body_in_chunks_is_read_whole_and_bounded(served: Served) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        yield b'{"container": "web", "logs": "'
        for _ in range(count):
            yield b"x" * 10_000
        yield b'"}'

    address, headers = f"http://{HERE}:{served.port}/webhook/plain", {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(address, data=pieces(50)) as answer:
            assert answer.status == 202
        async with session.post(address, data=pieces(200)) as answer:
            assert answer.status == 413


async def test_a_storm_is_told_when_to_come_again(served: Served) -> None:
    for number in range(MOST_A_MINUTE):
        assert (await served.post("plain", {"container": "web", "message": str(number)})).status == 202
    answer = await served.post("plain", {"container": "web", "message": "one more"})
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    served.later(seconds=int(answer.headers["Retry-After"]))
    assert (await served.post("plain", {"container": "web", "message": "one more"})).status == 202


async def test_the_same_body_much_later_is_news(served: Served) -> None:
    await served.post("plain")
    served.later(seconds=30)
    assert (await served.post("plain")).body["duplicate"] is True
    served.later(minutes=11)
    assert "duplicate" not in (await served.post("plain")).body
    assert len(served.taking.begun) == 2


async def test_a_retry_across_any_moment_is_a_retry(served: Served) -> None:
    served.later(minutes=9, seconds=59)
    await served.post("alertmanager", group("web"))
    served.later(seconds=2)
    assert (await served.post("alertmanager", group("web"))).body["duplicate"] is True


async def test_where_the_database_fails_in_the_middle_the_retry_goes_on(served: Served) -> None:
    served.taking.broken = StoreUnavailable("The disk is full.")
    answer = await served.post("plain")
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "duplicate" not in (await served.post("plain")).body
    assert len(served.taking.begun) == 1


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("sns.eu-west-1.amazonaws.com", "arn:aws:sns:eu-west-1:1:alarms"),
        ("sns.eu-west-1.amazonaws.com.evil.example", "not Amazon"),
    ],
)
async def test_a_subscription_is_answered_and_named_in_the_log_and_its_address_never_called(
    served: Served, caplog: pytest.LogCaptureFixture, host: str, told: str
) -> None:
    body = {
        "Type": "SubscriptionConfirmation",
        "TopicArn": "arn:aws:sns:eu-west-1:1:alarms",
        "Token": "2336412f37",
        "SubscribeURL": f"https://{host}/?Action=ConfirmSubscription",
    }
    answer = await served.post("cloudwatch", body)
    assert answer.status == 202
    assert answer.body["incident"] is None
    assert told in caplog.text
    assert served.taking.taken == {}


async def test_an_alarm_of_cloudwatch_over_sns_is_taken_in(served: Served) -> None:
    alarm = {
        "AlarmName": "web-memory",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold crossed",
        "Trigger": {"Dimensions": [{"name": "ContainerName", "value": "web"}]},
    }
    body = {"Type": "Notification", "MessageId": "m-1", "Message": json.dumps(alarm)}
    assert (await served.post("cloudwatch", body)).status == 202
    received = served.taking.begun[0]
    assert received.alert.kind is Kind.FIRING
    assert ("containername", "web") in received.alert.labels
    assert received.place.channel == "C0ALERTS"
