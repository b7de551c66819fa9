"""A Gemini endpoint on this machine: the REST form of ``generateContent``, scripted by the test that runs it.

The bot knows nothing of it but ``AEGIS_GEMINI_ENDPOINT``::

    async with gemini_endpoint() as gemini:
        gemini.script(fails(503), says({"root_cause": "…", "action": "restart", "justification": "…"}))
        … make_diagnoser(endpoint=gemini.url, …) …
        assert gemini.requests[0].key == "the key"

Answers are taken in the order of ``script``; after the last one ``gemini.default`` answers for ever.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SOUND = {
    "root_cause": "Every connection of the pool is held by a hung request.",
    "headline": "connection pool exhausted",
    "action": "restart",
    "justification": "Held connections are released when the process restarts.",
    "confidence": 0.86,
    "class": "resource_exhaustion",
    "restart_helps": "yes",
    "lines": [1],
    "disproof": "Free connections in the pool.",
}
"""A reply that uses every field of the schema."""


_TYPES = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT")
_FINISH = {"STOP": 1, "MAX_TOKENS": 2, "SAFETY": 3, "RECITATION": 4, "OTHER": 5, "PROHIBITED_CONTENT": 8, "SPII": 9}
_BLOCK = {"SAFETY": 1, "OTHER": 2, "BLOCKLIST": 3, "PROHIBITED_CONTENT": 4}


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer: its HTTP status and body; ``manner`` is ``whole``, ``hang``, ``drip`` or ``cut``."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    manner: str = "whole"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came in."""

    model: str
    key: str
    query: str
    system: str
    text: str
    schema: Mapping[str, Any]
    config: Mapping[str, Any]
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def response(body: Mapping[str, Any], status: int = 200) -> Scripted:
    """Answer with any JSON object."""
    return Scripted(json.dumps(body).encode(), status)


def says(reply: str | Mapping[str, Any], *, finish: str = "STOP", parts: int = 1, tokens: int = 4321) -> Scripted:
    """Answer with a candidate that says ``reply``, cut into ``parts`` parts; ``tokens`` is the total of the usage."""
    text = reply if isinstance(reply, str) else json.dumps(reply)
    size = -(-len(text) // parts) or 1
    pieces = [text[at : at + size] for at in range(0, len(text), size)] or [""]
    return response(
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": piece} for piece in pieces]},
                    "finishReason": finish,
                    "index": 0,
                }
            ],
            "usageMetadata": {
                "promptTokenCount": tokens - 21,
                "candidatesTokenCount": 21,
                "totalTokenCount": tokens,
            },
            "modelVersion": "loopback",
        }
    )


def stops(finish: str = "SAFETY") -> Scripted:
    """Answer with a candidate that holds nothing but a finish reason; ``MAX_TOKENS`` is thoughts that ate the room."""
    return response({"candidates": [{"finishReason": finish, "index": 0}], "usageMetadata": {"totalTokenCount": 99}})


def blocks(reason: str = "SAFETY") -> Scripted:
    """Answer that the prompt was blocked: no candidates at all."""
    return response({"promptFeedback": {"blockReason": reason}, "usageMetadata": {"totalTokenCount": 90}})


def calls(name: str, **args: Any) -> Scripted:
    """Answer with a function call in place of text."""
    part = {"functionCall": {"name": name, "args": args}}
    return response({"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]})


def fails(status: int, message: str = "", *, reason: str = "", retry_after: float | None = None) -> Scripted:
    """Answer with Google's error form, with ``reason`` in an ErrorInfo and ``retry_after`` seconds in a RetryInfo."""
    details: list[dict[str, Any]] = []
    if reason:
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason})
    if retry_after is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"})
    error = {"code": status, "message": message or f"error {status}", "status": "ERROR", "details": details}
    return response({"error": error}, status)


def raw(body: bytes, *, status: int = 200, content_type: str = "text/html") -> Scripted:
    """Answer with any bytes."""
    return Scripted(body, status, content_type)


def hangs() -> Scripted:
    """Take the request and never send a byte."""
    return Scripted(manner="hang")


def drips() -> Scripted:
    """Send the head of an answer, then spaces for ever."""
    return Scripted(manner="drip")


def disconnects() -> Scripted:
    """Close the connection in the midst of the answer."""
    return Scripted(manner="cut")


@dataclass(slots=True)
class GeminiEndpoint:
    """The running endpoint: where it is, what it was asked, and what it will answer, after ``pause`` seconds."""

    url: str = ""
    requests: list[Recorded] = field(default_factory=list)
    default: Scripted = field(default_factory=lambda: says(SOUND))
    pause: float = 0.0
    most_at_once: int = 0
    _under_way: int = 0
    _script: deque[Scripted] = field(default_factory=deque)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def script(self, *answers: Scripted) -> None:
        """Add answers to the end of the script."""
        self._script.extend(answers)

    async def asked(self, times: int = 1) -> None:
        """Wait until the endpoint was asked so many times in all."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.requests) >= times)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Record one request and play the next answer."""
        self.requests.append(_recorded(request, await request.json()))
        async with self._came:
            self._came.notify_all()
        answer = self._script.popleft() if self._script else self.default
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        if self.pause:
            await asyncio.sleep(self.pause)
        self._under_way -= 1
        if answer.manner == "whole":
            body = _numbered(answer.body) if "enum-encoding=int" in request.query.get("$alt", "") else answer.body
            return web.Response(body=body, status=answer.status, content_type=answer.content_type)
        head = web.StreamResponse(headers={"Content-Type": "application/json"})
        with suppress(ConnectionResetError):  # the bot gave up, as it should
            await self._partly(request, answer, head)
        return head

    async def _partly(self, request: web.Request, answer: Scripted, head: web.StreamResponse) -> None:
        if answer.manner == "hang":
            await self._stop.wait()
        await head.prepare(request)
        await head.write(b"{")
        while answer.manner == "drip" and not self._stop.is_set():
            await head.write(b" ")
            await asyncio.sleep(0.02)
        if request.transport is not None:
            request.transport.abort()

    def release(self) -> None:
        """End what hangs and drips."""
        self._stop.set()


def _recorded(request: web.Request, body: dict[str, Any]) -> Recorded:
    config = body.get("generationConfig", {})
    return Recorded(
        model=request.match_info["model"],
        key=request.headers.get("x-goog-api-key", ""),
        query=request.query_string,
        system=_text(body.get("systemInstruction", {})),
        text="".join(_text(content) for content in body.get("contents", [])),
        schema=_named(config.get("responseSchema", {})),
        config=config,
        body=body,
        headers=dict(request.headers),
    )


def _numbered(body: bytes) -> bytes:
    """Write the reasons as numbers, as Google does for a client that asks for enums as integers."""
    try:
        message = json.loads(body)
        for candidate in message.get("candidates", []):
            candidate["finishReason"] = _FINISH.get(candidate["finishReason"], 99)
        feedback = message.get("promptFeedback", {})
        if "blockReason" in feedback:
            feedback["blockReason"] = _BLOCK.get(feedback["blockReason"], 99)
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return body
    return json.dumps(message).encode()


def _named(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Write a schema's types as names, whichever way the client wrote them."""
    named = dict(schema)
    if isinstance(named.get("type"), int):
        named["type"] = _TYPES[named["type"]]
    if "items" in named:
        named["items"] = _named(named["items"])
    if "properties" in named:
        named["properties"] = {name: _named(inner) for name, inner in named["properties"].items()}
    return named


def _text(content: Mapping[str, Any]) -> str:
    return "".join(part.get("text", "") for part in content.get("parts", []))


@asynccontextmanager
async def gemini_endpoint() -> AsyncIterator[GeminiEndpoint]:
    """Run an endpoint on a free port of 127.0.0.1 for the length of the block."""
    gemini = GeminiEndpoint()
    app = web.Application(client_max_size=50 * 2**20)
    app.router.add_post("/v1beta/models/{model}:generateContent", gemini.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        gemini.url = f"http://{host}:{port}"
        yield gemini
    finally:
        gemini.release()
        await runner.cleanup()
