"""Receives alerts at ``POST /webhook/<sender>``; stores them before answering."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from aiohttp import web

from bot.domain.alerts.alert import Kind
from bot.domain.incident import Thread
from bot.errors import AegisError, StoreError
from bot.incidents.alert_reader import AlertReader
from bot.incidents.api import WebhookRequests
from bot.ports.database import IntakeResult, ReceivedAlert
from bot.telemetry import HTTP_MALFORMED

log = logging.getLogger(__name__)

SENDERS = ("alertmanager", "grafana", "uptime-kuma", "datadog", "healthchecks", "keep", "cloudwatch", "plain")

MOST_BYTES = 1_000_000
"""Of one body; a group of hundreds of alerts stays below."""

BODY_S = 10.0
"""Seconds for one body."""

MOST_A_MINUTE = 120
"""Alerts that are taken in; a sender that is told to wait sends again."""

MOST_WRONG_A_MINUTE = 20
"""Requests without the token that are looked at; guessing it is made slow."""

RETRY_WINDOW = timedelta(minutes=10)
"""For so long a body that comes again, byte by byte the same, is a retry and no news."""

SCRIPT_RETRY_WINDOW = timedelta(minutes=2)
"""The same for a script's, whose text may be the same for the next trouble."""

WEBHOOK_KEY_PREFIX = "webhook:"
"""What the keys of deliveries begin with; then come the sender, the body's hash, and the window."""

WEBHOOK_KEY_PARTS = 4

_MOST_KEYS = 2_000
_AMAZON = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """What the webhook needs: its token, the channel for the cards, who takes alerts in, and how work goes on.

    ``redact`` removes secrets from outside text, and ``reading`` reads bodies with it; ``start`` goes on with work
    after the answer. ``taken`` are the keys of what the last run took in lately, and when.
    """

    token: str
    channel: str
    taking: WebhookRequests
    start: Callable[[Coroutine[Any, Any, None], str], object]
    redact: Callable[[str], str]
    clock: Callable[[], datetime]
    taken: Mapping[str, datetime] = field(default_factory=dict)
    reading: AlertReader | None = None


class Webhook:
    """The one route. Without a token there is none."""

    def __init__(self, door: WebhookConfig) -> None:
        self._door = door
        self._taken = _Minute(MOST_A_MINUTE, door.clock)
        self._wrong = _Minute(MOST_WRONG_A_MINUTE, door.clock)
        self._first: OrderedDict[str, datetime] = OrderedDict(
            (key.split(":")[2], at) for key, at in door.taken.items() if key.count(":") == WEBHOOK_KEY_PARTS - 1
        )
        self._unfinished: set[str] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [web.post("/webhook/{sender}", self._on_post)] if self._door.token else []

    async def _on_post(self, request: web.Request) -> web.Response:
        try:
            return await self._answer(request)
        except StoreError as error:
            log.warning("a webhook was not taken in: %s", error.sentence)
            return _no(503, "The alert was not taken in, since it could not be written down. Send it again.", 10)

    async def _answer(self, request: web.Request) -> web.Response:
        if not _may(request.headers.get("Authorization", ""), self._door.token):
            if wait := self._wrong.full():
                return _no(429, "Too many requests without the right token.", wait)
            log.warning("a webhook without the right token came from %s", request.remote)
            answer = _no(401, "Send the token of AEGIS_WEBHOOK_TOKEN: Authorization: Bearer TOKEN.")
            # SNS sends the password of its address only when it is asked for it.
            answer.headers["WWW-Authenticate"] = 'Basic realm="aegis"'
            return answer
        if wait := self._taken.full():
            return _no(429, f"More than {MOST_A_MINUTE} alerts came within a minute.", wait)
        sender = request.match_info["sender"]
        if sender not in SENDERS:
            return _no(404, f"There is no such sender; known are {', '.join(SENDERS)}.")
        content = await _content(request)
        if isinstance(content, web.Response):
            return content
        body = _object(content)
        wrong = "The body is no JSON object." if body is None else _wrong(sender, body)
        if body is None or wrong:
            return _no(400, wrong)
        return await self._take(sender, body, content)

    async def _take(self, sender: str, body: Mapping[str, Any], content: bytes) -> web.Response:
        reading = self._door.reading or AlertReader(self._door.redact)
        alert = await reading.admitted(await reading.webhook(sender, body))
        if alert.kind is Kind.NOISE:
            _tell_what_to_confirm(body)
            return _yes({"incident": None, "incidents": [], "ignored": f"This is no alert: {alert.title or sender}."})
        taking, now = self._door.taking, self._door.clock()
        received = ReceivedAlert(self._key(sender, content, now), Thread(self._door.channel), "", alert, now)
        turn = self._turns.setdefault(received.key, asyncio.Lock())
        async with turn:
            if not await taking.receive(received) and received.key not in self._unfinished:
                return _yes({**_answer_body(await taking.standing(received)), "duplicate": True})
            # Where this fails, the sender's retry goes on here, or the next start does.
            self._unfinished.add(received.key)
            try:
                begun = await taking.begin(received)
            except AegisError:
                raise
            except Exception:
                log.exception("the alert %s was taken in and not begun", received.key)
                self._unfinished.discard(received.key)
                self._door.start(taking.again(received), f"alert {received.key}")
                return _yes({**_answer_body(IntakeResult((), ())), "kind": alert.kind.value})
            self._unfinished.discard(received.key)
        self._door.start(taking.follow(received, begun), f"alert {received.key}")
        log.info("webhook of %s: %s, %d incidents", sender, alert.kind.value, len(begun.incidents))
        return _yes({**_answer_body(begun), "kind": alert.kind.value})

    def _key(self, sender: str, content: bytes, now: datetime) -> str:
        """Return the key of a delivery: the same for its retries, another one when the same comes much later."""
        body = hashlib.sha256(content).hexdigest()
        window = SCRIPT_RETRY_WINDOW if sender == "plain" else RETRY_WINDOW
        first = self._first.get(body)
        if first is None or now - first > window:
            first = self._first[body] = now
            self._first.move_to_end(body)
        while len(self._first) > _MOST_KEYS:
            self._first.popitem(last=False)
        return f"{WEBHOOK_KEY_PREFIX}{sender}:{body}:{int(first.timestamp() // window.total_seconds())}"


class _Minute:
    """How many came within the last minute."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._clock = clock
        self._came: deque[datetime] = deque()

    def full(self) -> int:
        """Count one more, or return the seconds after which one more may come."""
        now = self._clock()
        while self._came and now - self._came[0] >= timedelta(minutes=1):
            self._came.popleft()
        if len(self._came) < self._most:
            self._came.append(now)
            return 0
        return max(1, 60 - int((now - self._came[0]).total_seconds()))


def _may(header: str, token: str) -> bool:
    """Return True if a request carries the token, as bearer or password. Takes the same time for every token."""
    scheme, _, given = header.partition(" ")
    given = given.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
    elif scheme.lower() != "bearer":
        given = ""
    return hmac.compare_digest(*(hashlib.sha256(one.encode(errors="replace")).digest() for one in (given, token)))


def _declared(request: web.Request) -> int:
    return request.content_length or 0


def _object(content: bytes) -> Mapping[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


async def _content(request: web.Request) -> bytes | web.Response:
    """Return the body, or the answer to one that is too large or too slow, however its bytes come."""
    content = b""
    try:
        async with asyncio.timeout(BODY_S):
            while _declared(request) <= MOST_BYTES >= len(content) and not request.content.at_eof():
                if request.transport is None:
                    # aiohttp raises RuntimeError where the connection ended before anybody read.
                    raise ConnectionResetError
                content += await request.content.read(MOST_BYTES + 1 - len(content))
    except TimeoutError:
        late = _no(408, f"The body was not there within {BODY_S:g} s.")
        late.force_close()
        return late
    except ConnectionError:
        return _no(400, "The connection ended before the body did.")
    except web.RequestPayloadError:
        HTTP_MALFORMED.inc()
        return _no(400, "The body cannot be read: its length or its encoding is wrong.")
    if max(_declared(request), len(content)) > MOST_BYTES:
        return _no(413, f"The body is larger than {MOST_BYTES:,} bytes.")
    return content


def _wrong(sender: str, body: Mapping[str, Any]) -> str:
    """Return why a body is not what its sender sends, or ``""``."""
    if sender == "plain" and not (isinstance(body.get("container"), str) and body["container"].strip()):
        return 'A script sends {"container": "NAME", "message": "…", "logs": "…"}; container is missing.'
    if sender == "alertmanager" and not isinstance(body.get("alerts"), list):
        return "Alertmanager's body has a list called alerts; it is missing."
    if sender == "cloudwatch" and not {"Type", "AlarmName"} & body.keys():
        return "SNS sends a body with Type and Message; neither that nor an AlarmName is there."
    if sender == "uptime-kuma" and not {"heartbeat", "monitor", "msg"} & body.keys():
        return "Uptime Kuma's body has heartbeat, monitor and msg; none of these is there."
    return "" if body else "The body is empty."


def _tell_what_to_confirm(body: Mapping[str, Any]) -> None:
    """Log which SNS topic waits to be confirmed. Its address is never called, since it may be anybody's."""
    if body.get("Type") != "SubscriptionConfirmation":
        return
    host = urlsplit(str(body.get("SubscribeURL") or "")).hostname or ""
    if _AMAZON.fullmatch(host):
        log.warning(
            "Amazon SNS waits until the subscription of the topic %s is confirmed. If that is yours, confirm it by the "
            "token %s: aws sns confirm-subscription --topic-arn ARN --token TOKEN",
            body.get("TopicArn"),
            body.get("Token"),
        )
    else:
        log.warning("somebody asks to confirm a subscription at %s, which is not Amazon; nothing is done", host)


def _answer_body(begun: IntakeResult) -> dict[str, object]:
    ids = [opened.incident.id for opened in begun.incidents]
    return {"incident": ids[0] if ids else None, "incidents": ids, "targets": [str(target) for target in begun.targets]}


def _yes(body: Mapping[str, object]) -> web.Response:
    return web.json_response(body, status=202)


def _no(status: int, reason: str, wait: int = 0) -> web.Response:
    return web.json_response({"error": reason}, status=status, headers={"Retry-After": str(wait)} if wait else {})
