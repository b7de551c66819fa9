"""A running loopback workspace, and real Bolt apps connected to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.lab.lab import Lab
from bot.playground.slack.workspace import Workspace


@pytest.fixture
async def workspace(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """A workspace with Slack's own pace."""
    without_proxies(monkeypatch)
    async with Workspace() as ws:
        yield ws


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would send even loopback traffic through a proxy: it ignores NO_PROXY."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "")


async def until(lab: Lab, true: Callable[[], object], seconds: float) -> None:
    """Wait until something is so, looking again at each change of the lab."""
    changed = asyncio.Event()
    unsubscribe = lab.subscribe(changed.set)
    try:
        async with asyncio.timeout(seconds):
            while not true():
                changed.clear()
                await changed.wait()
    finally:
        unsubscribe()


def client_of(ws: Workspace) -> AsyncWebClient:
    """The real client, as the bot makes it."""
    return AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)


def app_of(ws: Workspace) -> AsyncApp:
    """A real Bolt app that talks to the workspace."""
    return AsyncApp(client=client_of(ws))


@asynccontextmanager
async def online(ws: Workspace, app: AsyncApp, *, sockets: int = 1) -> AsyncIterator[list[AsyncSocketModeHandler]]:
    """Connect an app by real Socket Mode handlers for a while."""
    async with AsyncExitStack() as closing:
        handlers = []
        before = len(ws.connections)
        for _ in range(sockets):
            handler = AsyncSocketModeHandler(app, ws.app_token, ping_interval=0.5)
            closing.push_async_callback(handler.close_async)
            await handler.connect_async()
            handlers.append(handler)
        await ws.connected(before + sockets)
        yield handlers


@pytest.fixture
def client(workspace: Workspace) -> AsyncWebClient:
    return client_of(workspace)


@pytest.fixture
def app(workspace: Workspace) -> AsyncApp:
    return app_of(workspace)
