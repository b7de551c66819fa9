"""The demo's monitoring: when it speaks, and that Aegis understands it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from aiohttp import web

from bot.domain.alerts import alert
from bot.domain.target import KnownTarget
from bot.playground.lab.monitor import Json, Monitor, ProbeHistory, attachments, still_out
from bot.playground.slack.state.messages import words
from bot.playground.slack.state.people import WEBHOOK
from bot.playground.slack.workspace import Workspace
from tests.support.fakes import names_of

NAME = "buggy-app-v2"
INVENTORY = [KnownTarget(name) for name in ("web", "orders-db", NAME, "buggy-app", "blackbox")]


@pytest.mark.parametrize(("firing", "kind"), [(True, alert.Kind.FIRING), (False, alert.Kind.RESOLVED)])
async def test_aegis_reads_the_message_as_about_this_service_and_no_other(firing, kind):
    workspace = Workspace()
    posted = await workspace.alert(
        "C0ALERTS", sender=WEBHOOK, attachments=attachments(NAME, "127.0.0.1:8080", "http://127.0.0.1:1", firing=firing)
    )
    read = alert.read_alert(posted.body)
    assert read.kind is kind
    assert names_of(alert.find_targets(read, INVENTORY)) == (NAME,)
    assert (read.sender, read.severity) == ("alertmanager", "critical")


def test_it_looks_as_alertmanagers_default_template_does():
    (firing,) = attachments(NAME, "127.0.0.1:8080", "http://127.0.0.1:1", firing=True)
    assert firing == {
        "color": "a30200",
        "title": "[FIRING:1] ServiceDown buggy-app-v2 (127.0.0.1:8080 blackbox critical)",
        "title_link": "http://127.0.0.1:1/#/alerts?receiver=slack",
        "fallback": "[FIRING:1] ServiceDown buggy-app-v2 (127.0.0.1:8080 blackbox critical)"
        " | http://127.0.0.1:1/#/alerts?receiver=slack",
        "mrkdwn_in": ["pretext", "text"],
    }


@pytest.mark.parametrize(
    ("probes", "told"),
    [
        ("+++", ""),
        ("+-+-+-", ""),
        ("--", " !"),
        ("-----", " !   "),
        ("--++", " ! ."),
        ("--+-++", " !   ."),
        ("--++--++", " ! . ! ."),
    ],
)
def test_an_alert_begins_and_ends_with_two_probes_in_a_row(probes, told):
    watched = ProbeHistory()
    heard = ""
    for probe in probes:
        changed = watched.see(good=probe == "+", fires_after=2, resolves_after=2)
        heard += ("!" if watched.firing else ".") if changed else " "
    assert heard.rstrip() == told.rstrip()


class Service:
    """A service whose answer the test chooses."""

    def __init__(self) -> None:
        self.status = 200
        self.waits = False
        self.url = ""
        self._never = asyncio.Event()

    async def answer(self, _request: web.Request) -> web.Response:
        if self.waits:
            await self._never.wait()
        return web.Response(status=self.status)

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/health", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/health"
        return runner


@pytest.mark.parametrize("trouble", ["503", "silence", "refused"])
async def test_a_service_that_does_not_answer_well_is_told_once_and_once_more_when_it_is_over(trouble):
    service, told = Service(), asyncio.Queue[str]()
    runner = await service.start()

    async def post(what: Sequence[Json]) -> None:
        told.put_nowait(words({"attachments": list(what)}))

    urls = {NAME: service.url, "web": service.url.replace("/health", "/nowhere")}
    monitor = Monitor(urls, post, link="http://127.0.0.1:1", interval=0.02, timeout=0.2)
    watching = asyncio.create_task(monitor.run())
    assert "[FIRING:1] ServiceDown web" in await asyncio.wait_for(told.get(), 10)
    assert monitor.firing == ("web",)
    if trouble == "refused":
        await runner.cleanup()
    service.status, service.waits = (503 if trouble == "503" else 200), trouble == "silence"
    assert f"[FIRING:1] ServiceDown {NAME}" in await asyncio.wait_for(told.get(), 10)
    assert monitor.troubled
    if trouble != "refused":
        service.status, service.waits = 200, False
        assert f"[RESOLVED] ServiceDown {NAME}" in await asyncio.wait_for(told.get(), 10)
    assert told.empty()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await runner.cleanup()


def test_an_alert_that_an_earlier_run_left_out_is_found_by_its_newest_message():
    def told(name: str, *, firing: bool) -> list[Json]:
        return attachments(name, "127.0.0.1:1", "http://here", firing=firing)

    posted = [told("a", firing=True), told("b", firing=True), [{"text": "FIRING"}], told("a", firing=False)]
    assert still_out(posted) == {"b"}
    assert still_out([*posted, told("a", firing=True), told("b", firing=False)]) == {"a"}
