"""The doctor and the diagnosis at the command line, before a real Docker Engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.doctor.check import Check
from bot.doctor.doctor import run_checks
from bot.settings import load
from tests.support.command_line import Aegis, command_line
from tests.support.docker_engine import Engine

pytestmark = pytest.mark.live

NAME = "buggy-app-v2"


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


def look(engine: Engine, folder: Path, **settings: str) -> dict[str, Check]:
    given = {
        "DOCKER_HOST": engine.url,
        "AEGIS_DATABASE_URL": f"sqlite:///{folder}/aegis.db",
        "AEGIS_RUNBOOK": f"{folder}/runbook.json",
        "AEGIS_BUNDLES": f"{folder}/bundles",
        **settings,
    }

    async def examined() -> dict[str, Check]:
        return {check.name: check async for check in run_checks(load(given, env_file=None))}

    return asyncio.run(examined())


def test_a_running_target_with_its_verify_url_passes(engine: Engine, tmp_path: Path) -> None:
    engine.app(NAME)
    found = look(engine, tmp_path, AEGIS_VERIFY_URLS=f"{NAME}=http://127.0.0.1:{engine.port(NAME)}/health")
    docker = engine.client.info()
    assert found["engine"].detail.startswith(f"Docker {docker['ServerVersion']} on {docker['Name']}, API 1.")
    assert (found[f"target {NAME}"].ok, found[f"target {NAME}"].detail) == (True, "running")
    assert (found[f"verify URL of {NAME}"].ok, found[f"verify URL of {NAME}"].detail) == (True, "returned 200")


def test_a_verify_url_in_the_label_is_asked_on_todays_port(engine: Engine, tmp_path: Path) -> None:
    engine.app(NAME, labels={"aegis.verify-url": "http://127.0.0.1:8080/health"})
    assert look(engine, tmp_path)[f"verify URL of {NAME}"].detail == "returned 200"
    engine.break_app(NAME)
    found = look(engine, tmp_path)[f"verify URL of {NAME}"]
    assert (found.ok, found.detail) == (False, "The URL did not return success: 503.")


def test_a_target_with_another_name_is_reported_with_a_suggestion(engine: Engine, tmp_path: Path) -> None:
    engine.run("buggy-app-v3")
    found = look(engine, tmp_path)[f"target {NAME}"]
    assert found.ok is False
    assert "Did you mean buggy-app-v3?" in found.hint


def test_a_protected_target_is_reported(engine: Engine, tmp_path: Path) -> None:
    engine.run(NAME, labels={"aegis.protect": "true"})
    assert "aegis.protect" in look(engine, tmp_path)[f"target {NAME}"].detail


def test_an_engine_that_hangs_is_reported_in_time(engine: Engine, tmp_path: Path) -> None:
    with engine.frozen():
        found = look(engine, tmp_path)
    assert found["engine"].ok is False
    assert "did not answer in time" in found["engine"].detail
    assert found[f"target {NAME}"].ok is None
    assert found["database"].ok is True


def test_the_command_prints_what_the_doctor_found(engine: Engine, aegis: Aegis) -> None:
    engine.run(NAME)
    ended = aegis("doctor", "--json", DOCKER_HOST=engine.url)
    assert (ended.code, ended.err) == (1, "")
    checks = {check["name"]: check for check in ended.json}
    assert all(check.keys() == {"name", "ok", "detail", "hint"} for check in checks.values())
    assert (checks["engine"]["ok"], checks["bot token"]["ok"], checks["model"]["ok"]) == (True, False, None)
    shown = aegis("doctor", DOCKER_HOST=engine.url)
    assert shown.code == 1
    assert "OK    engine: Docker " in shown.out
    assert "FAIL  bot token: SLACK_BOT_TOKEN is not set.\n      → Find it on the app's page in Slack:" in shown.out
    assert shown.out.endswith(" checks failed.\n")


def test_a_container_is_diagnosed_without_slack(engine: Engine, aegis: Aegis) -> None:
    container = engine.run(NAME, "echo 'FATAL could not write: No space left on device password=hunter2222'; exit 3")
    engine.wait_status(NAME, "exited")
    ended = aegis("diagnose", NAME, "--json", DOCKER_HOST=engine.url)
    assert (ended.code, ended.err) == (0, "")
    assert (ended.json["target"], ended.json["by"], ended.json["class"]) == (NAME, "rules", "disk_full")
    assert ended.json["sources"]["state"] == ended.json["sources"]["logs"] == "ok"
    assert "No space left on device" in ended.json["digest"]
    assert "hunter2222" not in ended.out
    inspected = json.dumps([engine.client.api.inspect_container(container)]).encode()
    again = aegis("diagnose", NAME, "--facts", "-", "--json", stdin=inspected)
    assert again.json["sources"]["state"] == "ok"


def test_a_name_that_is_no_containers_is_reported(engine: Engine, aegis: Aegis) -> None:
    ended = aegis("diagnose", "buggy", "--json", DOCKER_HOST=engine.url)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip()
    assert "Traceback" not in ended.err
