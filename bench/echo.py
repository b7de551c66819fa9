"""A bare Bolt bot that makes the same Slack calls for an alert as Aegis (reaction, post, edit) and nothing else."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


async def main() -> None:
    """Run until it is killed."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"], proxy="")
    app = AsyncApp(client=client)

    @app.event("message")
    async def echo(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event.get("subtype") == "message_changed":
            return
        channel, ts = event["channel"], event["ts"]
        await client.reactions_add(channel=channel, timestamp=ts, name="eyes")
        posted = await client.chat_postMessage(channel=channel, thread_ts=ts, text="Looking …")
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "done"}}]
        await client.chat_update(channel=channel, ts=posted["ts"], text="done", blocks=blocks)

    handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
    await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK has no annotation here
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
