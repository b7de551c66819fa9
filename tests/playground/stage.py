"""A page to look at without the demo's engine: a workspace, a lab that only says that it did things, and a small bot.

``python -m tests.playground.stage [PORT]`` shows it in a browser, with an incident and what led to it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.incident import State, Thread
from bot.errors import EngineUnreachable
from bot.playground.slack.state.messages import Message
from bot.playground.slack.workspace import Workspace
from bot.playground.web.server import routes
from bot.slack.views import card as views
from bot.slack.views import modals
from tests.playground.conftest import app_of, online
from tests.slack.incidents import BAD, BY_STATE, GOOD, PROPOSED

Json = dict[str, Any]

BREAK = (
    ("pool_exhausted", "Connection pool exhausted", "Orders hang and hold every connection. A restart cures it."),
    (
        "memory_leak",
        "Memory leak until it is killed",
        "It grows until the kernel kills it. A restart cures for a while.",
    ),
    ("hang", "Hangs without an error", "It accepts requests and never answers. The log says nothing."),
    ("bad_config", "Bad configuration after a release", "It cannot start any more. A restart does not help."),
    ("database_down", "Database down", "orders-db is stopped: the trouble is the neighbour's."),
    ("flapping", "Flapping", "It dies every few seconds and comes back by itself."),
)
PROMISE = (
    ("two_press", "Two people press at once", "Ona and Sasha press Restart in the same moment. One restart happens."),
    ("behind_back", "Restart it behind Aegis's back", "What the card showed is no longer so: the press is refused."),
    ("cut_connection", "Cut the bot's connection", "Aegis connects again and reads what it missed."),
    ("kill_bot", "Kill the bot and start it again", "It looks what happened before it does anything."),
)

LOG = [
    "2026-11-22T10:01:58Z INFO  GET /orders 200 in 12 ms",
    "2026-11-22T10:02:04Z WARN  pool: 18 of 20 connections in use",
    "2026-11-22T10:02:11Z ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 30.00",
    "2026-11-22T10:02:12Z ERROR GET /orders 500 in 30004 ms",
]

ENTRY: Json = {
    "id": "i0",
    "at": "2026-11-02T10:04:31Z",
    "target": "buggy-app-v2",
    "class": "resource_exhaustion",
    "evidence": [LOG[2]],
    "root_cause": "Twenty of twenty connections were held by hung requests.",
    "action": "restart",
    "justification": "held connections are released when the process restarts",
    "diagnosed_by": "rules",
    "outcome": "resolved",
    "recovered_in_s": 7.4,
    "verification": "200 ×3, healthy",
}


def _service(name: str, image: str, health: str | None, log: list[str], **more: Any) -> Json:
    service: Json = {"name": name, "image": image, "status": "running", "health": health, "restarts": 0, "log": log}
    return service | {"up_since": "2026-11-22T06:52:30Z", "exit_code": None, "memory": 61_000_000} | more


@dataclass
class FakeLab:
    """Has the shape of the demo's lab; an action only leaves a note."""

    done: list[str] = field(default_factory=list)
    services: list[Json] = field(
        default_factory=lambda: [
            _service("buggy-app-v2", "shop/buggy:2.3.1", "unhealthy", list(LOG), restarts=2, memory=320_000_000),
            _service("orders-db", "shop/orders-db:1.0", "healthy", ["2026-11-22T10:01:58Z INFO  20 connections"]),
            _service("web", "shop/web:1.4", None, ["2026-11-22T10:02:11Z WARN  orders answered 500"]),
        ]
    )
    entries: list[Json] = field(default_factory=lambda: [dict(ENTRY)])
    notes: list[Json] = field(default_factory=list)
    disabled: set[str] = field(default_factory=lambda: {"behind_back"})
    bot: str = "connected"
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def state(self) -> Json:
        groups = {"break": BREAK, "promise": PROMISE}
        actions = [
            {"id": name, "label": label, "what": what, "group": group, "enabled": name not in self.disabled}
            for group, rows in groups.items()
            for name, label, what in rows
        ]
        hint = {"id": "all_well", "label": "Make all well", "what": "Everything runs again as at the start."}
        return {
            "services": self.services,
            "actions": [*actions, hint | {"group": "repair", "enabled": True}],
            "bot": {"status": self.bot},
            "diagnoser": "rules",
            "engine": "processes on this machine",
            "runbook": {
                "path": "~/.local/share/aegis-demo/runbook.json",
                "entries": self.entries,
                "text": "[\n  …\n]\n",
            },
            "notes": self.notes,
        }

    async def do(self, action: str) -> str:
        self.done.append(action)
        if action == "database_down":
            raise EngineUnreachable("The engine does not answer.", hint="Start it again.")
        self.notes.append({"at": "2026-11-22T10:02:00Z", "text": f"{action.replace('_', ' ')}: begun"})
        self.changed()
        return "It is broken. The monitor notices within seconds."

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def changed(self) -> None:
        for listener in list(self.listeners):
            listener()


@dataclass
class Stage:
    """What a test holds in its hand."""

    workspace: Workspace
    lab: FakeLab

    async def alert(self, title: str = "BuggyAppDown", channel: str = "C0ALERTS") -> Message:
        """Let the monitoring sender post as Alertmanager does."""
        attachment = {
            "color": "a30200",
            "title": f"[FIRING:1] {title} (buggy-app-v2 critical)",
            "title_link": "http://alertmanager.example:9093/#/alerts",
            "text": "*Description:* buggy-app-v2 answers 503 since two minutes\n*Severity:* `critical`",
            "fallback": f"[FIRING:1] {title} (buggy-app-v2 critical)",
            "mrkdwn_in": ["text"],
        }
        return await self.workspace.alert(channel, attachments=[attachment])

    async def answer(self, alert: Message) -> Message:
        """Put 👀 on an alert and Aegis's card into its thread, as the bot does."""
        client = AsyncWebClient(token=self.workspace.bot_token, base_url=self.workspace.api_url)
        await client.reactions_add(channel=alert.channel, timestamp=alert.ts, name="eyes")
        card = views.card(replace(PROPOSED, place=Thread(alert.channel, alert.ts), card="1.2"))
        posted = await client.chat_postMessage(
            channel=alert.channel, thread_ts=alert.ts, text=card.text, blocks=card.blocks
        )
        return self.workspace.message(alert.channel, posted["ts"])


def small_bot(workspace: Workspace) -> AsyncApp:
    """A bot with Aegis's manners: a stranger is refused in private, Ignore asks why, a command is answered alone."""
    app = app_of(workspace)

    async def tell(client: AsyncWebClient, body: Json, state: State, **more: Any) -> None:
        place = Thread(body["channel"]["id"], body["message"]["thread_ts"])
        incident = replace(BY_STATE[state], place=place, **more)
        card = views.card(incident)
        await client.chat_update(channel=place.channel, ts=body["message"]["ts"], text=card.text, blocks=card.blocks)

    @app.action("restart")
    async def restart(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        user, channel = body["user"]["id"], body["channel"]["id"]
        if user == "U0STRANGER":
            thread = body["message"]["thread_ts"]
            sentence = "You may not restart buggy-app-v2. Ask one of the people on call."
            await client.chat_postEphemeral(channel=channel, user=user, text=sentence, thread_ts=thread)
            return
        await tell(client, body, State.ACTING)

    @app.action("ignore")
    async def ignore(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modals.ignore(PROPOSED))

    @app.view("ignore")
    async def ignored(ack: Any) -> None:
        await ack()

    @app.action("evidence")
    async def evidence(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        shown = modals.evidence(PROPOSED)
        assert shown is not None
        await client.views_open(trigger_id=body["trigger_id"], view=shown)

    @app.command("/aegis")
    async def command(ack: Any, command: Json, respond: Any) -> None:
        await ack()
        await respond(text=f"Asked: `{command['text']}`. Nothing is open.")

    @app.event("app_home_opened")
    async def opened(event: Json, client: AsyncWebClient) -> None:
        heading = {"type": "header", "text": {"type": "plain_text", "text": "No open incident"}}
        text = {
            "type": "mrkdwn",
            "text": f"<@{event['user']}> may restart *buggy-app-v2*. Since this morning all is quiet.",
        }
        view: Json = {"type": "home", "blocks": [heading, {"type": "section", "text": text}]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.event("message")
    async def message(ack: Any) -> None:
        await ack()

    return app


@asynccontextmanager
async def stage(port: int = 0) -> AsyncIterator[Stage]:
    """Run workspace, page and bot."""
    workspace, lab = Workspace(address=("127.0.0.1", port)), FakeLab()
    workspace.serve(routes(workspace, lab))
    async with workspace, online(workspace, small_bot(workspace)):
        yield Stage(workspace, lab)


async def _play(port: int) -> None:
    async with stage(port) as one:
        ws = one.workspace
        await ws.say("U0SECOND", "C0ALERTS", "Deploying 2.3.1 of buggy-app-v2 now. <@U0ONCALL> fyi")
        await ws.say("U0SECOND", "C0ALERTS", "Done. `docker ps` looks fine.")
        await ws.say("U0STRANGER", "C0OPS", "Anyone knows why the shop is slow?")
        alert = await one.alert()
        card = await one.answer(alert)
        await ws.say("U0ONCALL", "C0ALERTS", "Looking.", thread_ts=alert.ts)
        await ws.slash("U0ONCALL", "C0ALERTS", "/aegis", "status")
        client = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)
        resolved = views.outcome(replace(BY_STATE[State.UNRESOLVED], verification=BAD))
        await client.chat_postMessage(channel="C0ALERTS", text=resolved.text, blocks=resolved.blocks)
        good = views.outcome(replace(BY_STATE[State.RESOLVED], verification=GOOD))
        await client.chat_postMessage(channel="C0ALERTS", thread_ts=alert.ts, text=good.text, blocks=good.blocks)
        one.lab.notes.append({"at": "2026-11-22T10:02:00Z", "text": "Connection pool exhausted: begun"})
        print(ws.url, card.ts, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_play(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
