"""``make bench``: what an on-call engineer waits for, and what the bot costs while nobody does.

Slack is the local workspace, Gemini a local endpoint that answers at once, the engine a real one. The bots run as
processes of their own; Aegis and the bare echo bot are measured in the same run, so the ratio holds on any machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.state.workspace_state import Change
from bot.playground.slack.workspace import Workspace
from tests.support.docker_engine import Engine, running_engine
from tests.support.gemini_endpoint import GeminiEndpoint, gemini_endpoint

NAMES = tuple(f"bench-{number:02d}" for number in range(50))
ROUNDS = 12
APART = 1.5
"""Seconds between two single alerts, and between two presses."""

RESULTS = Path("bench/results/loop.json")


@asynccontextmanager
async def process(arguments: list[str], environment: Mapping[str, str]) -> AsyncIterator[psutil.Process]:
    """Run a bot as a process of its own, and end it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**os.environ, **environment, "PYTHONPATH": str(Path.cwd())}
    )
    try:
        yield psutil.Process(child.pid)
    finally:
        with suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def attachment(name: str) -> dict[str, str]:
    """Return what Alertmanager posts for a container."""
    title = f"[FIRING:1] ServiceDown ({name} critical)"
    return {"color": "a30200", "title": title, "fallback": title, "text": f"*Details:*\n • *name:* `{name}`"}


async def storm(slack: Workspace) -> dict[str, float]:
    """Post 50 alerts at once; return how late their acknowledgements and the last finished card came."""
    sent: dict[int, float] = {}
    late: list[float] = []

    def note(change: Change) -> None:
        if change.kind == "delivery" and _is_alert(change.subject):
            sent[id(change.subject)] = time.perf_counter()
        elif change.kind == "acknowledged" and _is_alert(change.subject):
            late.append((time.perf_counter() - sent.get(id(change.subject), time.perf_counter())) * 1000)

    unsubscribe = slack.subscribe(note)
    edits = len(slack.called("chat.update"))
    started = time.perf_counter()
    await asyncio.gather(*(slack.alert("C0ALERTS", attachments=[attachment(name)], sender=MONITOR) for name in NAMES))
    await slack.wait_for(lambda: len(slack.called("chat.update")) - edits >= len(NAMES), 120)
    unsubscribe()
    return {
        "ack_p50_ms": statistics.median(late),
        "ack_p99_ms": quantile(late, 0.99),
        "fifty_cards_s": time.perf_counter() - started,
    }


def _is_alert(delivery: object) -> bool:
    payload = getattr(delivery, "payload", None) or {}
    return bool((payload.get("event") or {}).get("bot_id") == MONITOR.bot_id)


async def single(slack: Workspace) -> list[float]:
    """Post alerts one by one; return the ms from each alert to its finished card (the edit after the first post).

    They are apart, since older engines take a sample of use at most once a second, whatever form it is asked in.
    """
    took = []
    for name in NAMES[:ROUNDS]:
        await asyncio.sleep(APART)
        edits = len(slack.called("chat.update"))
        started = time.perf_counter()
        await slack.alert("C0ALERTS", attachments=[attachment(name)], sender=MONITOR)
        await slack.wait_for(partial(_edited, slack, edits), 30)
        took.append((time.perf_counter() - started) * 1000)
    return took


def _edited(slack: Workspace, before: int) -> bool:
    return len(slack.called("chat.update")) > before


async def press(slack: Workspace, engine: Engine) -> list[float]:
    """Press Restart on each card; return the ms until the engine began to stop the container."""
    took = []
    for name in NAMES[:ROUNDS]:
        card = next(
            one for one in reversed(slack.messages("C0ALERTS")) if "restart" in one.buttons and name in one.words
        )
        await asyncio.sleep(APART)
        since = time.time()
        pressed = asyncio.create_task(slack.press("U0ONCALL", card, "restart"))
        kill = await asyncio.to_thread(first_kill, engine, name, since)
        await pressed
        took.append((kill - since) * 1000)
    return took


def first_kill(engine: Engine, name: str, since: float) -> float:
    """Return when the engine first signalled the container after ``since``; its clock is this machine's."""
    filters = {"container": name, "event": "kill"}
    for event in engine.client.api.events(since=int(since), until=int(since) + 30, filters=filters, decode=True):
        if event["timeNano"] / 1e9 >= since:
            return float(event["timeNano"] / 1e9)
    raise RuntimeError(f"{name} was not restarted within 30 s")


async def measure(slack: Workspace, gemini: GeminiEndpoint, engine: Engine, folder: Path) -> dict[str, object]:
    """Measure Aegis, then the bare echo bot."""
    tokens = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "HTTP_PROXY": "",
        "HTTPS_PROXY": "",
    }
    settings = {
        **tokens,
        "GEMINI_API_KEY": "no-real-key-for-this",
        "AEGIS_GEMINI_ENDPOINT": gemini.url,
        "DOCKER_HOST": engine.url,
        "AEGIS_APPROVERS": "U0ONCALL",
        "AEGIS_RESTART_ALLOWLIST": ",".join(NAMES),
        "AEGIS_DATABASE_URL": f"sqlite:///{folder}/aegis.db",
        "AEGIS_RUNBOOK": str(folder / "runbook.json"),
        "AEGIS_BUNDLES": str(folder / "bundles"),
        "AEGIS_LOG_LEVEL": "ERROR",
    }
    found: dict[str, object] = {}
    started = time.perf_counter()
    async with process(["-m", "bot", "run"], settings) as aegis:
        await slack.connected()
        found["start_to_connected_s"] = time.perf_counter() - started
        await asyncio.sleep(2)
        found["rss_idle_mb"] = aegis.memory_info().rss / 1e6
        cards = await single(slack)
        found["alert_to_card_p50_ms"] = statistics.median(cards[1:])
        found["alert_to_card_first_ms"] = cards[0]
        pressed = await press(slack, engine)
        found["press_to_restart_p50_ms"] = statistics.median(pressed)
        found["press_to_restart_max_ms"] = max(pressed)
        found["storm"] = await storm(slack)
        found["rss_after_storm_mb"] = aegis.memory_info().rss / 1e6
    await slack.wait_for(lambda: not slack.connections, 20)
    started = time.perf_counter()
    async with process(["-m", "bench.echo"], tokens) as echo:
        await slack.connected()
        bare: dict[str, object] = {"start_to_connected_s": time.perf_counter() - started}
        await asyncio.sleep(2)
        bare["rss_idle_mb"] = echo.memory_info().rss / 1e6
        bare["alert_to_card_p50_ms"] = statistics.median((await single(slack))[1:])
        bare["storm"] = await storm(slack)
    found["echo_bot"] = bare
    return found


def show(found: dict[str, object]) -> None:
    """Print the table, with the wanted figures beside."""
    bare = found["echo_bot"]
    storms = found["storm"]
    assert isinstance(bare, dict)
    assert isinstance(storms, dict)
    table = Table("figure", "Aegis", "wanted", "bare echo bot", "ratio", title="The loop, over the local workspace")
    rows = [
        ("acknowledgement p99, 50 alerts at once (ms)", storms["ack_p99_ms"], 100, bare["storm"]["ack_p99_ms"]),
        ("alert to card with diagnosis, p50 (ms)", found["alert_to_card_p50_ms"], 300, bare["alert_to_card_p50_ms"]),
        ("press to the engine's restart, p50 (ms)", found["press_to_restart_p50_ms"], 150, None),
        ("50 cards at once (s)", storms["fifty_cards_s"], None, bare["storm"]["fifty_cards_s"]),
        ("start to connected (s)", found["start_to_connected_s"], 2, bare["start_to_connected_s"]),
        ("resident memory, idle (MB)", found["rss_idle_mb"], 150, bare["rss_idle_mb"]),
    ]
    for name, ours, wanted, theirs in rows:
        ratio = f"{ours / theirs:.1f}" if theirs else ""
        shown = f"{theirs:.1f}" if theirs else ""
        table.add_row(name, f"{ours:.1f}", f"< {wanted}" if wanted else "", shown, ratio)
    Console(width=120).print(table)


async def main() -> dict[str, object]:
    """Make the scene, and measure in it."""
    with running_engine() as engine, tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            engine.run(name, "trap 'exit 0' TERM; while true; do echo serving; sleep 20 & wait; done")
        async with Workspace() as slack, gemini_endpoint() as gemini:
            found = await measure(slack, gemini, engine, Path(folder))
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
    return {"machine": machine, **found}


if __name__ == "__main__":
    figures = asyncio.run(main())
    text = json.dumps(figures, indent=2)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    show(figures)
    Console(width=120).print_json(text)
