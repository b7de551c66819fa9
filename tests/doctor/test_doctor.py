"""The doctor: each thing that can be wrong is found, named, and comes with a way to mend it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from aiohttp import web

from bot.adapters.docker.containers import DockerContainers
from bot.doctor import doctor
from bot.doctor.check import Check
from bot.doctor.doctor import examine
from bot.doctor.slack import SCOPES
from bot.domain.evidence import Port
from bot.domain.own_containers import Need, Surroundings
from bot.domain.target import Target
from bot.errors import EngineDenied, EngineError, TargetNotFound
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.people import Channel
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings, load
from bot.wiring import Components, parts
from tests.playground.conftest import without_proxies
from tests.support.fakes import FakeContainers, facts
from tests.support.gemini_endpoint import GeminiEndpoint, fails, gemini_endpoint, says

ROOT = Path(__file__).parents[2]
NAME = "buggy-app-v2"


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    without_proxies(monkeypatch)
    async with Workspace() as workspace:
        yield workspace


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiEndpoint]:
    async with gemini_endpoint() as endpoint:
        endpoint.default = says({"ok": True})
        yield endpoint


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The address of a service: /ok answers 200, every other path 503."""
    async with service() as address:
        yield address


@asynccontextmanager
async def service() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/ok" else 503)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


class Patient:
    """Aegis as it is set up, to be made ill: ``settings`` and ``containers`` may be changed before ``look``."""

    def __init__(self, settings: dict[str, str], containers: FakeContainers) -> None:
        self.settings = settings
        self.containers = containers
        self.around = Surroundings()

    async def look(self, **settings: str) -> dict[str, Check]:
        given = load({**self.settings, **settings}, env_file=None)
        return {check.name: check async for check in examine(given)}

    async def ill(self, name: str, **settings: str) -> Check:
        """Look, and return the one check that is not well."""
        found = await self.look(**settings)
        assert [check.name for check in found.values() if check.well is False] == [name]
        return found[name]


@pytest.fixture
def patient(
    slack: Workspace, gemini: GeminiEndpoint, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Patient:
    containers = FakeContainers()

    async def around() -> Surroundings:
        return made.around

    def with_fakes(settings: Settings) -> Components:
        edges = parts(settings)
        world = replace(edges.world, surroundings=around)
        return replace(edges, containers=cast(DockerContainers, containers), world=world)

    monkeypatch.setattr(doctor, "parts", with_fakes)
    settings = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "GEMINI_API_KEY": "a-key-that-is-not-real",
        "AEGIS_GEMINI_ENDPOINT": gemini.url,
        "AEGIS_ALERT_CHANNELS": "C0ALERTS",
        "AEGIS_APPROVERS": "U0ONCALL,S0ONCALL",
        "AEGIS_ESCALATION": "U0SECOND",
        "AEGIS_VERIFY_URLS": f"{NAME}={url}/ok",
        "AEGIS_DATABASE_URL": f"sqlite:///{tmp_path}/aegis.db",
        "AEGIS_RUNBOOK": str(tmp_path / "runbook.json"),
        "AEGIS_BUNDLES": str(tmp_path / "bundles"),
    }
    made = Patient(settings, containers)
    return made


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert list(SCOPES) == manifest["oauth_config"]["scopes"]["bot"]


async def test_where_everything_is_well_each_thing_was_looked_at_in_turn(patient: Patient) -> None:
    found = await patient.look()
    assert {check.name: check.well for check in found.values()} == {
        "settings": True,
        "bot token": True,
        "scopes": True,
        "app token": True,
        "channel C0ALERTS": True,
        "approver U0ONCALL": True,
        "approver S0ONCALL": True,
        "escalation U0SECOND": True,
        "engine": True,
        "restart calls": True,
        "own containers": True,
        f"target {NAME}": True,
        f"verify URL of {NAME}": True,
        "model": True,
        "runbook": True,
        "database": True,
        "alerts": True,
        "crash bundles": True,
    }
    assert list(found)[:4] == ["settings", "bot token", "scopes", "app token"]
    assert "Docker 20.10.24 on docker-7, API 1.41" in found["engine"].said
    assert found[f"verify URL of {NAME}"].said == "says 200"
    assert re.fullmatch(r"gemini-3.5-flash-lite answers with JSON in \d+\.\d s", found["model"].said)
    assert "2 people are in it" in found["approver S0ONCALL"].said


async def test_looking_changes_nothing_in_slack(patient: Patient, slack: Workspace) -> None:
    await patient.look()
    assert {call.method for call in slack.calls} == {
        *("auth.test", "apps.connections.open", "conversations.info", "users.info", "usergroups.users.list")
    }


async def test_an_empty_list_of_approvers_is_told(patient: Patient) -> None:
    check = await patient.ill("settings", AEGIS_APPROVERS="")
    assert "Nobody may press Restart" in check.said
    assert "AEGIS_APPROVERS" in check.hint


async def test_an_empty_allow_list_is_told_and_is_no_fault(patient: Patient) -> None:
    found = await patient.look(AEGIS_RESTART_ALLOWLIST="", AEGIS_VERIFY_URLS="")
    assert found["settings"].well is None
    assert "nothing is ever restarted" in found["settings"].said
    assert all(check.well is not False for check in found.values())


async def test_a_dry_run_is_told(patient: Patient) -> None:
    assert "dry run" in (await patient.look(AEGIS_DRY_RUN="yes"))["settings"].said


async def test_missing_tokens_are_told_with_where_they_are(patient: Patient) -> None:
    found = await patient.look(SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")
    assert (found["bot token"].said, found["app token"].said) == (
        "SLACK_BOT_TOKEN is not set.",
        "SLACK_APP_TOKEN is not set.",
    )
    assert "OAuth & Permissions" in found["bot token"].hint
    assert "connections:write" in found["app token"].hint
    assert {found[name].well for name in ("scopes", "channels", "approver U0ONCALL")} == {None}
    assert found["model"].well is True


async def test_a_bot_token_that_slack_does_not_know_is_told(patient: Patient) -> None:
    found = await patient.look(SLACK_BOT_TOKEN="xoxb-1-of-another-place")
    assert found["bot token"].well is False
    assert found["bot token"].said == "Slack does not accept the bot token."
    assert "SLACK_BOT_TOKEN" in found["bot token"].hint
    assert found["app token"].well is True
    assert found["scopes"].well is None


async def test_a_revoked_bot_token_is_told(patient: Patient, slack: Workspace) -> None:
    slack.revoke(slack.bot_token)
    found = await patient.look()
    assert found["bot token"].said == "The bot token was revoked."
    assert "SLACK_BOT_TOKEN" in found["bot token"].hint


async def test_an_app_token_that_slack_does_not_know_is_told_as_such(patient: Patient) -> None:
    check = await patient.ill("app token", SLACK_APP_TOKEN="xapp-1-of-another-place")
    assert check.said == "Slack does not accept the app-level token (invalid_auth)."
    assert "Basic Information → App-Level Tokens" in check.hint
    assert "bot token" not in check.said + check.hint


async def test_an_app_token_without_its_scope_is_told(patient: Patient, slack: Workspace) -> None:
    slack.seed.app_scopes.discard("connections:write")
    check = await patient.ill("app token")
    assert check.said == "The app-level token lacks the scope connections:write."
    assert "Make a new one" in check.hint


async def test_missing_scopes_are_named(patient: Patient, slack: Workspace) -> None:
    slack.seed.scopes -= {"files:write", "reactions:write"}
    check = await patient.ill("scopes")
    assert check.said == "missing: files:write, reactions:write"
    assert "manifest.yml" in check.hint


async def test_a_missing_scope_also_shows_where_it_hurts(patient: Patient, slack: Workspace) -> None:
    slack.seed.scopes -= {"usergroups:read"}
    found = await patient.look()
    assert found["scopes"].said == "missing: usergroups:read"
    assert found["approver S0ONCALL"].said == "The Slack app lacks a permission."


async def test_a_channel_that_aegis_is_not_in_is_told(patient: Patient, slack: Workspace) -> None:
    await slack.leave(slack.bot_user, "C0ALERTS")
    check = await patient.ill("channel C0ALERTS")
    assert check.said == "Aegis is not in #alerts."
    assert check.hint == "Type /invite @aegis in #alerts."


async def test_an_archived_channel_is_told(patient: Patient, slack: Workspace) -> None:
    await slack.archive("C0ALERTS")
    check = await patient.ill("channel C0ALERTS")
    assert check.said == "#alerts is archived."
    assert "AEGIS_ALERT_CHANNELS" in check.hint


async def test_a_channel_that_is_not_there_is_told(patient: Patient) -> None:
    check = await patient.ill("channel C0NOWHERE", AEGIS_ALERT_CHANNELS="C0ALERTS,C0NOWHERE")
    assert "does not know this channel" in check.said
    assert "AEGIS_ALERT_CHANNELS" in check.hint


async def test_without_a_list_of_channels_those_it_is_in_are_named(patient: Patient, slack: Workspace) -> None:
    slack.state.channels["C0OLD"] = Channel("C0OLD", "old", {slack.bot_user}, archived=True)
    found = await patient.look(AEGIS_ALERT_CHANNELS="")
    assert found["channels"].said == "listens in #alerts, #ops, since AEGIS_ALERT_CHANNELS is not set"


async def test_being_in_no_channel_is_told(patient: Patient, slack: Workspace) -> None:
    for channel in ("C0ALERTS", "C0OPS"):
        await slack.leave(slack.bot_user, channel)
    check = await patient.ill("channels", AEGIS_ALERT_CHANNELS="")
    assert check.said == "Aegis is in no channel."
    assert "/invite @aegis" in check.hint


@pytest.mark.parametrize(("setting", "name"), [("AEGIS_APPROVERS", "approver"), ("AEGIS_ESCALATION", "escalation")])
async def test_people_and_groups_that_slack_does_not_know_are_told_by_setting(
    patient: Patient, setting: str, name: str
) -> None:
    found = await patient.look(**{setting: "U0NOBODY,S0NOBODY"})
    assert found[f"{name} U0NOBODY"].said == "Slack knows nobody with this id."
    assert found[f"{name} S0NOBODY"].said == "Slack knows no such user group, or it is disabled."
    for one in ("U0NOBODY", "S0NOBODY"):
        assert found[f"{name} {one}"].hint == f"Take {one} out of {setting}, or correct it."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deleted": True}, "deactivated"),
        ({"is_bot": True}, "a bot"),
        ({"is_restricted": True}, "a guest"),
        ({"is_ultra_restricted": True}, "a guest"),
        ({"is_stranger": True}, "another workspace"),
        ({"team_id": "T0OTHER"}, "another workspace"),
    ],
)
async def test_people_whose_press_would_be_refused_are_told(
    patient: Patient, slack: Workspace, change: dict[str, Any], said: str
) -> None:
    for name, value in change.items():
        setattr(slack.state.users["U0ONCALL"], name, value)
    assert said in (await patient.ill("approver U0ONCALL")).said


@pytest.mark.parametrize("change", [{"team_id": "T0HOME"}, {"team_shown": False}])
async def test_a_member_of_the_organisation_in_another_home_workspace_is_an_approver_as_at_the_press(
    patient: Patient, slack: Workspace, change: dict[str, Any]
) -> None:
    for name, value in {**change, "teams": ("T0HOME", "T0PLAY")}.items():
        setattr(slack.state.users["U0ONCALL"], name, value)
    assert (await patient.look())["approver U0ONCALL"].well is True


async def test_a_guest_may_be_told_when_a_restart_did_not_help(patient: Patient, slack: Workspace) -> None:
    slack.state.users["U0SECOND"].is_restricted = True
    assert (await patient.look())["escalation U0SECOND"].well is True
    slack.state.users["U0SECOND"].deleted = True
    assert "AEGIS_ESCALATION" in (await patient.ill("escalation U0SECOND")).hint


async def test_a_user_group_without_people_is_told(patient: Patient, slack: Workspace) -> None:
    slack.state.groups["S0ONCALL"].users = ()
    check = await patient.ill("approver S0ONCALL")
    assert check.said == "Nobody is in this user group."
    assert "AEGIS_APPROVERS" in check.hint


async def test_with_a_star_the_members_of_the_alert_channels_are_counted(patient: Patient, slack: Workspace) -> None:
    slack.state.channels["C0OPS"].members.add("U0EXTRA")
    found = await patient.look(AEGIS_APPROVERS="*", AEGIS_ALERT_CHANNELS="C0ALERTS,C0OPS")
    assert found["approver *"].well is True
    assert found["approver *"].said == "every member of an alert channel may, 5 accounts now, bots and guests excepted"


async def test_with_a_star_a_channel_whose_members_cannot_be_read_is_told(patient: Patient, slack: Workspace) -> None:
    slack.fail("conversations.members", "missing_scope", times=9)
    assert (await patient.ill("approver *", AEGIS_APPROVERS="*")).said.startswith("The Slack app lacks a permission")


async def test_an_error_of_slacks_that_has_no_sentence_is_named_by_its_code(patient: Patient, slack: Workspace) -> None:
    slack.fail("conversations.info", "team_access_not_granted")
    assert (
        await patient.ill("channel C0ALERTS")
    ).said == "Slack refused what Aegis asked for. (team_access_not_granted)"


async def test_slack_out_of_reach_is_told_as_such_for_both_tokens(patient: Patient) -> None:
    found = await patient.look(SLACK_API_URL="http://127.0.0.1:9/api/")
    for name in ("bot token", "app token"):
        assert found[name].said == "Slack cannot be reached from here."
        assert "SLACK_API_URL" in found[name].hint


async def test_slack_that_answers_nonsense_is_told(patient: Patient, slack: Workspace) -> None:
    slack.fail("auth.test", Fault(status=502), times=2)
    assert (await patient.look())["bot token"].well is False


async def test_an_engine_that_is_down_is_told_and_its_targets_are_not_looked_at(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "parts", parts)
    check = await patient.ill("engine", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert check.said == f"There is no Docker socket at unix://{tmp_path}/no.sock."
    assert "DOCKER_HOST" in check.hint
    assert (await patient.look(DOCKER_HOST=f"unix://{tmp_path}/no.sock"))[f"target {NAME}"].well is None


@pytest.mark.parametrize("deed", ["restart", "start"])
async def test_a_proxy_that_refuses_what_a_press_needs_is_found_before_the_press(patient: Patient, deed: str) -> None:
    refusal = EngineDenied("tcp://proxy:2375 refuses this call (HTTP 403).", hint="Let it pass the calls.")
    patient.containers.refused = {deed: refusal}
    check = await patient.ill("restart calls")
    assert check.said == f"Each press of Restart would be refused: {refusal.what}"
    assert check.hint == refusal.hint
    assert patient.containers.writes == []


async def test_an_engine_that_fails_at_the_restart_call_is_told(patient: Patient) -> None:
    patient.containers.refused = {"restart": EngineError("It failed (HTTP 500).", hint="Look into its log.")}
    check = await patient.ill("restart calls")
    assert check.said == "It is unknown whether a press of Restart would get through: It failed (HTTP 500)."


async def test_without_a_restart_to_be_done_the_restart_call_is_no_fault(patient: Patient) -> None:
    patient.containers.refused = {"restart": EngineDenied("It refuses.", hint="Let it pass.")}
    assert (await patient.look(AEGIS_DRY_RUN="true"))["restart calls"].well is None
    assert (await patient.look(AEGIS_RESTART_ALLOWLIST=","))["restart calls"].well is None


async def test_a_target_that_is_not_there_is_told_with_names_that_are_like_it(patient: Patient) -> None:
    patient.containers.looks = [TargetNotFound("No such container.")]
    check = await patient.ill("target bugy-app-v2", AEGIS_RESTART_ALLOWLIST="bugy-app-v2", AEGIS_VERIFY_URLS="")
    assert check.said == "The engine has no container of exactly this name."
    assert check.hint == "Is buggy-app-v2 meant? Correct AEGIS_RESTART_ALLOWLIST, or create the container."


async def test_a_target_that_the_engine_refuses_to_show_is_told(patient: Patient) -> None:
    patient.containers.looks = [EngineDenied("The proxy refuses.", hint="Let it pass the calls.")]
    check = await patient.ill(f"target {NAME}")
    assert (check.said, check.hint) == ("The proxy refuses.", "Let it pass the calls.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": (("aegis.protect", "true"),)}, "aegis.protect"),
        ({"labels": (("com.docker.swarm.service.name", "web"),)}, "Swarm owns this container"),
        ({"paused": True, "status": "paused"}, "was paused"),
    ],
)
async def test_a_target_that_nobody_could_restart_is_told(patient: Patient, change: dict[str, Any], said: str) -> None:
    patient.containers.looks = [facts(**change)]
    check = await patient.ill(f"target {NAME}")
    assert said in check.said
    assert "AEGIS_RESTART_ALLOWLIST" in check.hint


async def test_what_cannot_be_known_of_aegis_own_container_is_told_with_the_label_that_protects(
    patient: Patient,
) -> None:
    patient.around = Surroundings(ids=frozenset({"9" * 64}), contained=True)
    check = await patient.ill("own containers")
    assert check.said == "Aegis runs in a container, but which one cannot be told from inside."
    assert "aegis.protect=true" in check.hint


async def test_a_host_that_cannot_be_resolved_may_be_any_container(patient: Patient) -> None:
    patient.around = Surroundings(needs=(Need("db.internal", 5432, None),))
    found = await patient.look()
    assert found["own containers"].said == "The host db.internal cannot be resolved, so it may be any container."
    assert "It is not known whether" in found[f"target {NAME}"].said


async def test_aegis_own_containers_are_named(patient: Patient) -> None:
    patient.containers.others = (Target("renamed", "9" * 64),)
    patient.around = Surroundings(ids=frozenset({"9" * 64}), contained=True)
    assert (await patient.look())["own containers"].said == "never restarted: renamed"


async def test_what_aegis_needs_to_run_is_no_target(patient: Patient) -> None:
    check = await patient.ill(f"target {NAME}", DOCKER_HOST=f"tcp://{NAME}:2375")
    assert "something that Aegis needs to run" in check.said


@pytest.mark.parametrize(("health", "proof"), [("healthy", "its health check"), (None, "that it runs")])
async def test_a_target_without_a_verify_url_is_told_what_is_left(
    patient: Patient, health: str | None, proof: str
) -> None:
    patient.containers.looks = [facts(health=health)]
    check = await patient.ill(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert check.said == f"There is none, so {proof} is all that can prove a recovery."
    assert f"AEGIS_VERIFY_URLS={NAME}=http://…" in check.hint


async def test_a_verify_url_may_stand_in_the_label(patient: Patient, url: str) -> None:
    port = int(url.rpartition(":")[2])
    published = (Port(8080, "tcp", "127.0.0.1", port),)
    patient.containers.looks = [facts(labels=(("aegis.verify-url", f"{url}/ok"),), ports=published)]
    assert (await patient.look(AEGIS_VERIFY_URLS=""))[f"verify URL of {NAME}"].well is True


async def test_a_label_that_leads_elsewhere_is_told_and_not_asked(patient: Patient, url: str) -> None:
    patient.containers.looks = [facts(labels=(("aegis.verify-url", f"{url}/ok"),))]
    check = await patient.ill(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert "leads elsewhere" in check.said
    assert f"AEGIS_VERIFY_URLS={NAME}=http://…" in check.hint


async def test_a_verify_url_that_says_503_is_told(patient: Patient, url: str) -> None:
    check = await patient.ill(f"verify URL of {NAME}", AEGIS_VERIFY_URLS=f"{NAME}={url}/broken")
    assert check.said == "It says: 503."
    assert "AEGIS_VERIFY_URLS" in check.hint


async def test_a_verify_url_that_nobody_answers_is_told(patient: Patient) -> None:
    check = await patient.ill(f"verify URL of {NAME}", AEGIS_VERIFY_URLS=f"{NAME}=http://127.0.0.1:9/")
    assert check.said == "It says: connection refused."


async def test_a_verify_url_that_aegis_will_not_ask_is_told_why(patient: Patient) -> None:
    patient.containers.looks = [facts(labels=(("aegis.verify-url", "http://169.254.169.254/"),))]
    check = await patient.ill(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert "hands out the machine's own credentials" in check.said


async def test_without_a_model_the_rules_are_named_and_that_is_no_fault(patient: Patient) -> None:
    found = await patient.look(GEMINI_API_KEY="")
    assert found["model"].well is None
    assert "the rules diagnose" in found["model"].said


async def test_a_wrong_key_of_the_model_is_told(patient: Patient, gemini: GeminiEndpoint) -> None:
    gemini.default = fails(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
    check = await patient.ill("model")
    assert check.said == "Gemini refuses the key."
    assert "GEMINI_API_KEY" in check.hint


async def test_a_model_that_answers_prose_is_told(patient: Patient, gemini: GeminiEndpoint) -> None:
    gemini.default = says("Of course! Here is your JSON.")
    check = await patient.ill("model")
    assert check.said == "gemini-3.5-flash-lite answers, but not with JSON."
    assert "AEGIS_GEMINI_MODEL" in check.hint


async def test_a_broken_runbook_is_named_with_line_and_column(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "runbook.json").write_text('[\n {"root_cause": "x",}\n]')
    check = await patient.ill("runbook")
    assert re.search(r"runbook\.json cannot be understood: line 2, column \d+", check.said)
    assert "Correct it there" in check.hint


async def test_entries_that_are_not_used_are_named(patient: Patient, tmp_path: Path) -> None:
    entry = {"root_cause": "x", "action": "restart"}
    (tmp_path / "runbook.json").write_text(json.dumps([entry, {"action": "restart"}]))
    check = await patient.ill("runbook")
    assert "entry 1 (the first is 0) is not used" in check.said
    assert "Correct them" in check.hint


NOT_FOR_ROOT = pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="/sys refuses even root; there is none here")


@NOT_FOR_ROOT
async def test_a_runbook_that_cannot_be_written_is_told_to_root_too(patient: Patient) -> None:
    check = await patient.ill("runbook", AEGIS_RUNBOOK="/sys/runbook.json")
    assert "/sys/runbook.json" in check.said
    assert check.hint


@NOT_FOR_ROOT
async def test_a_folder_that_takes_no_bundles_is_told_to_root_too(patient: Patient) -> None:
    check = await patient.ill("crash bundles", AEGIS_BUNDLES="/sys/bundles")
    assert check.said.startswith("/sys takes no files: ")
    assert "AEGIS_BUNDLES" in check.hint


async def test_a_file_in_the_place_of_the_bundles_folder_is_told(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "bundles").write_text("")
    check = await patient.ill("crash bundles")
    assert check.said == f"{tmp_path}/bundles takes no files: Not a directory."


async def test_a_folder_of_bundles_is_tried_and_left_empty(patient: Patient, tmp_path: Path) -> None:
    assert "can be made" in (await patient.look())["crash bundles"].said
    (tmp_path / "bundles").mkdir()
    assert "is writable" in (await patient.look())["crash bundles"].said
    assert list((tmp_path / "bundles").iterdir()) == []


async def test_a_folder_in_the_databases_place_is_told(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "aegis.db").mkdir()
    check = await patient.ill("database")
    assert check.said == f"{tmp_path}/aegis.db is a folder; the database is a file."
    assert check.hint


async def test_no_check_shows_a_secret(patient: Patient) -> None:
    tokens = {
        "SLACK_BOT_TOKEN": "xoxb-1-wrong-one",
        "SLACK_APP_TOKEN": "xapp-1-wrong-one",
        "GEMINI_API_KEY": "wrong-one",
    }
    found = await patient.look(**tokens)
    assert "wrong-one" not in repr(found)


async def test_each_fault_comes_with_a_way_to_mend_it(patient: Patient, slack: Workspace, url: str) -> None:
    slack.seed.scopes.clear()
    patient.containers.looks = [facts(labels=(("aegis.protect", "1"),))]
    found = await patient.look(
        AEGIS_APPROVERS="U0NOBODY,S0NOBODY", AEGIS_VERIFY_URLS=f"{NAME}={url}/no", SLACK_APP_TOKEN="xapp-1-wrong"
    )
    faults = [check for check in found.values() if check.well is False]
    assert len(faults) >= 6
    assert [check.name for check in faults if not check.hint] == []
