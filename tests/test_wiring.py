"""The bot as it starts, over the local workspace: what it needs, what it says when something is wrong, how it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot import background
from bot.background import run_periodically
from bot.domain.audit.head import head_line
from bot.errors import SchemaTooNew, SlackError, StoreUnavailable
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.wiring.application import running
from tests.faults.mounts import mount, unmount

NOWHERE = "unix:///nowhere/docker.sock"
ALERT = {"title": "[FIRING:1] Down (buggy-app-v2 critical)", "text": "*name:* `buggy-app-v2`", "color": "a30200"}


def environment(ws: Workspace, folder: Path, **changes: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": ws.bot_token,
        "SLACK_APP_TOKEN": ws.app_token,
        "SLACK_API_URL": ws.api_url,
        "DOCKER_HOST": NOWHERE,
        "AEGIS_APPROVERS": "S0ONCALL",
        "AEGIS_DATABASE_URL": f"sqlite:///{folder}/aegis.db",
        "AEGIS_RUNBOOK": str(folder / "runbook.json"),
        "AEGIS_BUNDLES": str(folder / "bundles"),
        **changes,
    }


def bot(ws: Workspace, folder: Path, **changes: str) -> AbstractAsyncContextManager[object]:
    return running(load(environment(ws, folder, **changes), env_file=None))


@pytest.mark.fault(44)
async def test_engine_down_at_start_does_not_keep_the_bot_from_starting(workspace, tmp_path):
    async with bot(workspace, tmp_path):
        await workspace.connected()
        await workspace.slash("U0ONCALL", "C0OPS", "/aegis", "status")
        told = await workspace.wait_for(lambda: workspace.ephemerals("U0ONCALL")[0])
        assert "ngine" in told.words
        assert "nowhere" in told.words


@pytest.mark.fault(45)
async def test_an_alert_with_the_engine_down_still_gets_a_card_without_a_restart(workspace, tmp_path):
    async with bot(workspace, tmp_path):
        await workspace.connected()
        alert = await workspace.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)
        card = await workspace.wait_for(
            lambda: next((one for one in workspace.thread(alert) if "rediagnose" in one.buttons), None)
        )
        assert "restart" not in card.buttons
        assert "buggy-app-v2" in card.text


@pytest.mark.fault(78)
@pytest.mark.parametrize("how", ["a folder", "read-only", "mounted alone"])
async def test_78_a_runbook_that_cannot_be_written_is_named_at_the_start_and_the_bot_runs(
    workspace, tmp_path, caplog, how
):
    place = tmp_path / "memory"
    place.mkdir()
    runbook = place / "runbook.json"
    if how == "a folder":
        runbook.mkdir()
    else:
        runbook.write_text("[]")
        mount("--bind", *(2 * (place if how == "read-only" else runbook,)))
    if how == "read-only":
        mount("-o", "remount,bind,ro", place)
    try:
        async with bot(workspace, tmp_path, AEGIS_RUNBOOK=str(runbook)):
            await workspace.connected()
            said = {"a folder": "is a folder", "read-only": "takes no writes", "mounted alone": "is mounted by itself"}
            for _ in range(500):
                if f"{runbook} " in caplog.text and said[how] in caplog.text:
                    break
                await asyncio.sleep(0.02)
            else:
                raise AssertionError(caplog.text)
    finally:
        if how != "a folder":
            unmount(place if how == "read-only" else runbook)


async def test_an_alert_of_which_slack_told_nobody_is_found_in_its_channel(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "BACKFILL_INTERVAL_S", 0.2)
    async with bot(workspace, tmp_path):
        await workspace.connected()
        body = {**MONITOR.as_author(workspace.state.seed.team), "text": "", "attachments": [{"id": 1, **ALERT}]}
        alert = workspace.state.place("C0ALERTS", body)
        await workspace.wait_for(lambda: workspace.thread(alert))
        asked = len(workspace.called("conversations.history"))
        await workspace.wait_for(lambda: len(workspace.called("conversations.history")) > asked + 4)
        assert len(workspace.thread(alert)) == 1


@pytest.mark.fault(25)
async def test_people_who_chat_start_nothing(workspace, tmp_path):
    async with bot(workspace, tmp_path):
        await workspace.connected()
        said = await workspace.say("U0ONCALL", "C0ALERTS", "name: buggy-app-v2 is down, can somebody look?")
        await workspace.settled()
        assert workspace.thread(said) == []
        assert workspace.reactions(said) == set()


@pytest.mark.parametrize("which", ["bot_token", "app_token"])
async def test_a_revoked_token_ends_the_start_with_a_sentence(workspace, tmp_path, which):
    workspace.revoke(getattr(workspace, which))
    with pytest.raises(SlackError) as caught:
        async with bot(workspace, tmp_path):
            pass
    assert "token" in caught.value.sentence
    assert getattr(workspace, which) not in caught.value.sentence


@pytest.mark.fault(71)
async def test_a_database_of_a_newer_aegis_is_refused_and_left_alone(workspace, tmp_path):
    async with bot(workspace, tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as database:
        database.execute("UPDATE schema_version SET version = 999")
        database.commit()
    with pytest.raises(SchemaTooNew):
        async with bot(workspace, tmp_path):
            pass


async def test_a_database_that_is_a_folder_is_named(workspace, tmp_path):
    (tmp_path / "aegis.db").mkdir()
    with pytest.raises(StoreUnavailable, match=r"aegis\.db"):
        async with bot(workspace, tmp_path):
            pass


async def start(ws: Workspace, folder: Path, **changes: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parent.parent),
            **environment(ws, folder, **changes),
        },
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.fault(13)
async def test_sigterm_ends_the_bot_cleanly(workspace, tmp_path):
    process = await start(workspace, tmp_path)
    await workspace.connected()
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert b"WARNING" not in said
    assert workspace.bot_token.encode() not in said


async def test_a_beginner_without_tokens_reads_what_to_do(workspace, tmp_path):
    process = await start(workspace, tmp_path, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"SLACK_BOT_TOKEN" in said
    assert b"SLACK_APP_TOKEN" in said
    assert b".env" in said
    assert b"Traceback" not in said


async def test_killed_between_alert_and_card_the_next_start_answers_it_once(workspace, tmp_path):
    workspace.fail("chat.postMessage", "fatal_error", times=100)
    process = await start(workspace, tmp_path)
    await workspace.connected()
    alert = await workspace.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)
    await workspace.settled()
    process.kill()
    await process.communicate()
    workspace.faults.clear()
    async with bot(workspace, tmp_path):
        await workspace.wait_for(lambda: [one for one in workspace.thread(alert) if "rediagnose" in one.buttons])
        assert len(workspace.thread(alert)) == 1


async def test_what_was_said_while_no_bot_ran_gets_one_card_each(workspace, tmp_path):
    def cards(alert):
        return [one for one in workspace.thread(alert) if "rediagnose" in one.buttons]

    async with bot(workspace, tmp_path):
        await workspace.connected()
        before = await workspace.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)
        await workspace.wait_for(lambda: cards(before))
    other = {**ALERT, "text": "*name:* `web`"}
    missed = await workspace.alert("C0ALERTS", attachments=[other], sender=MONITOR)
    async with bot(workspace, tmp_path, AEGIS_RESTART_ALLOWLIST="buggy-app-v2,web"):
        await workspace.wait_for(lambda: cards(missed))
    assert (len(cards(before)), len(cards(missed))) == (1, 1)


@pytest.mark.fault(14)
async def test_14_a_start_with_bad_settings_asks_nobody_and_touches_nothing(workspace, tmp_path):
    process = await start(workspace, tmp_path, AEGIS_RESTART_ALLOWLIST="web,*", AEGIS_APPROVERS="everyone")
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"AEGIS_RESTART_ALLOWLIST" in said
    assert b"AEGIS_APPROVERS" in said
    assert b"Traceback" not in said
    assert workspace.calls == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
async def test_the_head_of_the_audit_trail_is_logged_at_start_and_end_whatever_the_level(
    workspace, tmp_path, caplog, monkeypatch, level
):
    monkeypatch.setattr(logging.getLogger(), "level", logging.getLevelName(level))
    every: list[float] = []

    async def kept(due, sleep, seconds):
        every.append(seconds)
        await run_periodically(due, sleep, seconds)

    monkeypatch.setattr(background, "run_periodically", kept)
    async with bot(workspace, tmp_path):
        await workspace.connected()
        alert = await workspace.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)
        await workspace.wait_for(lambda: workspace.thread(alert))
    heads = [record.getMessage() for record in caplog.records if record.name == "bot.audit_head"]
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        newest = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    assert heads == [head_line(0, ""), head_line(*newest)]
    assert newest[0] >= 2
    assert 86_400 in every


async def test_with_a_key_a_trail_goes_on_by_it_from_the_start_and_never_again_without(workspace, tmp_path):
    async with bot(workspace, tmp_path):
        await workspace.connected()
        alert = await workspace.alert("C0ALERTS", attachments=[ALERT], sender=MONITOR)
        await workspace.wait_for(lambda: workspace.thread(alert))
    async with bot(workspace, tmp_path, AEGIS_AUDIT_KEY="k" * 16):
        pass
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        newest = connection.execute("SELECT kind, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    assert (newest[0], newest[1][:2]) == ("trail", "2k")
    with pytest.raises(StoreUnavailable, match="AEGIS_AUDIT_KEY is not set"):
        async with bot(workspace, tmp_path):
            pass
