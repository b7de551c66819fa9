"""The doctor reports each fault with a hint."""

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
from bot.doctor.doctor import run_checks
from bot.doctor.slack import SCOPES
from bot.domain.evidence import Port
from bot.domain.own_containers import NeededAddress, Surroundings
from bot.domain.target import KnownTarget
from bot.errors import EngineDenied, EngineError, TargetNotFound
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.people import Channel
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings, load
from bot.wiring.components import Components, parts
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


class Installation:
    """Aegis as it is set up, which a test breaks by its ``settings`` and ``containers``."""

    def __init__(self, settings: dict[str, str], containers: FakeContainers) -> None:
        self.settings = settings
        self.containers = containers
        self.around = Surroundings()

    async def check_all(self, **settings: str) -> dict[str, Check]:
        given = load({**self.settings, **settings}, env_file=None)
        return {check.name: check async for check in run_checks(given)}

    async def only_failure(self, name: str, **settings: str) -> Check:
        """Run all checks and return the only one that failed."""
        found = await self.check_all(**settings)
        assert [check.name for check in found.values() if check.ok is False] == [name]
        return found[name]


@pytest.fixture
def installation(
    slack: Workspace, gemini: GeminiEndpoint, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
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
    made = Installation(settings, containers)
    return made


def test_the_scopes_are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert list(SCOPES) == manifest["oauth_config"]["scopes"]["bot"]


async def test_without_a_fault_each_check_passes_in_its_order(installation: Installation) -> None:
    found = await installation.check_all()
    assert {check.name: check.ok for check in found.values()} == {
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
    assert "Docker 20.10.24 on docker-7, API 1.41" in found["engine"].detail
    assert found[f"verify URL of {NAME}"].detail == "returned 200"
    assert re.fullmatch(r"gemini-3.5-flash-lite answered with JSON in \d+\.\d s", found["model"].detail)
    assert "2 members" in found["approver S0ONCALL"].detail


async def test_the_checks_change_nothing_in_slack(installation: Installation, slack: Workspace) -> None:
    await installation.check_all()
    assert {call.method for call in slack.calls} == {
        *("auth.test", "apps.connections.open", "conversations.info", "users.info", "usergroups.users.list")
    }


async def test_an_empty_list_of_approvers_is_reported(installation: Installation) -> None:
    check = await installation.only_failure("settings", AEGIS_APPROVERS="")
    assert "nobody can approve a restart" in check.detail
    assert "AEGIS_APPROVERS" in check.hint


async def test_an_empty_allow_list_is_reported_and_is_no_fault(installation: Installation) -> None:
    found = await installation.check_all(AEGIS_RESTART_ALLOWLIST="", AEGIS_VERIFY_URLS="")
    assert found["settings"].ok is None
    assert "Aegis never restarts a container" in found["settings"].detail
    assert all(check.ok is not False for check in found.values())


async def test_a_dry_run_is_reported(installation: Installation) -> None:
    assert "dry run" in (await installation.check_all(AEGIS_DRY_RUN="yes"))["settings"].detail


async def test_missing_tokens_are_reported_with_where_they_are(installation: Installation) -> None:
    found = await installation.check_all(SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")
    assert (found["bot token"].detail, found["app token"].detail) == (
        "SLACK_BOT_TOKEN is not set.",
        "SLACK_APP_TOKEN is not set.",
    )
    assert "OAuth & Permissions" in found["bot token"].hint
    assert "connections:write" in found["app token"].hint
    assert {found[name].ok for name in ("scopes", "channels", "approver U0ONCALL")} == {None}
    assert found["model"].ok is True


async def test_a_bot_token_that_slack_does_not_know_is_reported(installation: Installation) -> None:
    found = await installation.check_all(SLACK_BOT_TOKEN="xoxb-1-of-another-place")
    assert found["bot token"].ok is False
    assert found["bot token"].detail == "Slack does not accept the bot token."
    assert "SLACK_BOT_TOKEN" in found["bot token"].hint
    assert found["app token"].ok is True
    assert found["scopes"].ok is None


async def test_a_revoked_bot_token_is_reported(installation: Installation, slack: Workspace) -> None:
    slack.revoke(slack.bot_token)
    found = await installation.check_all()
    assert found["bot token"].detail == "The bot token was revoked."
    assert "SLACK_BOT_TOKEN" in found["bot token"].hint


async def test_an_app_token_that_slack_does_not_know_is_reported_as_such(installation: Installation) -> None:
    check = await installation.only_failure("app token", SLACK_APP_TOKEN="xapp-1-of-another-place")
    assert check.detail == "Slack does not accept the app-level token (invalid_auth)."
    assert "Basic Information → App-Level Tokens" in check.hint
    assert "bot token" not in check.detail + check.hint


async def test_an_app_token_without_its_scope_is_reported(installation: Installation, slack: Workspace) -> None:
    slack.seed.app_scopes.discard("connections:write")
    check = await installation.only_failure("app token")
    assert check.detail == "The app-level token lacks the scope connections:write."
    assert "Create a new token" in check.hint


async def test_missing_scopes_are_named(installation: Installation, slack: Workspace) -> None:
    slack.seed.scopes -= {"files:write", "reactions:write"}
    check = await installation.only_failure("scopes")
    assert check.detail == "missing: files:write, reactions:write"
    assert "manifest.yml" in check.hint


async def test_a_missing_scope_also_shows_where_it_hurts(installation: Installation, slack: Workspace) -> None:
    slack.seed.scopes -= {"usergroups:read"}
    found = await installation.check_all()
    assert found["scopes"].detail == "missing: usergroups:read"
    assert found["approver S0ONCALL"].detail == "The Slack app lacks a permission."


async def test_a_channel_that_aegis_is_not_in_is_reported(installation: Installation, slack: Workspace) -> None:
    await slack.leave(slack.bot_user, "C0ALERTS")
    check = await installation.only_failure("channel C0ALERTS")
    assert check.detail == "Aegis is not in #alerts."
    assert check.hint == "Type /invite @aegis in #alerts."


async def test_an_archived_channel_is_reported(installation: Installation, slack: Workspace) -> None:
    await slack.archive("C0ALERTS")
    check = await installation.only_failure("channel C0ALERTS")
    assert check.detail == "#alerts is archived."
    assert "AEGIS_ALERT_CHANNELS" in check.hint


async def test_a_channel_that_is_not_there_is_reported(installation: Installation) -> None:
    check = await installation.only_failure("channel C0NOWHERE", AEGIS_ALERT_CHANNELS="C0ALERTS,C0NOWHERE")
    assert "does not know this channel" in check.detail
    assert "AEGIS_ALERT_CHANNELS" in check.hint


async def test_without_a_list_of_channels_those_it_is_in_are_named(
    installation: Installation, slack: Workspace
) -> None:
    slack.state.channels["C0OLD"] = Channel("C0OLD", "old", {slack.bot_user}, archived=True)
    found = await installation.check_all(AEGIS_ALERT_CHANNELS="")
    assert found["channels"].detail == "AEGIS_ALERT_CHANNELS is not set, so Aegis reads #alerts, #ops"


async def test_being_in_no_channel_is_reported(installation: Installation, slack: Workspace) -> None:
    for channel in ("C0ALERTS", "C0OPS"):
        await slack.leave(slack.bot_user, channel)
    check = await installation.only_failure("channels", AEGIS_ALERT_CHANNELS="")
    assert check.detail == "Aegis is not in any channel."
    assert "/invite @aegis" in check.hint


@pytest.mark.parametrize(("setting", "name"), [("AEGIS_APPROVERS", "approver"), ("AEGIS_ESCALATION", "escalation")])
async def test_people_and_groups_that_slack_does_not_know_are_reported_by_setting(
    installation: Installation, setting: str, name: str
) -> None:
    found = await installation.check_all(**{setting: "U0NOBODY,S0NOBODY"})
    assert found[f"{name} U0NOBODY"].detail == "Slack has no user with this id."
    assert found[f"{name} S0NOBODY"].detail == "Slack has no user group with this id, or the group is disabled."
    for one in ("U0NOBODY", "S0NOBODY"):
        assert found[f"{name} {one}"].hint == f"Remove {one} from {setting}, or correct it."


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
async def test_people_whose_press_would_be_refused_are_reported(
    installation: Installation, slack: Workspace, change: dict[str, Any], said: str
) -> None:
    for name, value in change.items():
        setattr(slack.state.users["U0ONCALL"], name, value)
    assert said in (await installation.only_failure("approver U0ONCALL")).detail


@pytest.mark.parametrize("change", [{"team_id": "T0HOME"}, {"team_shown": False}])
async def test_a_member_of_the_organisation_in_another_home_workspace_is_an_approver_as_at_the_press(
    installation: Installation, slack: Workspace, change: dict[str, Any]
) -> None:
    for name, value in {**change, "teams": ("T0HOME", "T0PLAY")}.items():
        setattr(slack.state.users["U0ONCALL"], name, value)
    assert (await installation.check_all())["approver U0ONCALL"].ok is True


async def test_a_guest_may_be_an_escalation_contact(installation: Installation, slack: Workspace) -> None:
    slack.state.users["U0SECOND"].is_restricted = True
    assert (await installation.check_all())["escalation U0SECOND"].ok is True
    slack.state.users["U0SECOND"].deleted = True
    assert "AEGIS_ESCALATION" in (await installation.only_failure("escalation U0SECOND")).hint


async def test_a_user_group_without_people_is_reported(installation: Installation, slack: Workspace) -> None:
    slack.state.groups["S0ONCALL"].users = ()
    check = await installation.only_failure("approver S0ONCALL")
    assert check.detail == "This user group has no members."
    assert "AEGIS_APPROVERS" in check.hint


async def test_with_a_star_the_members_of_the_alert_channels_are_counted(
    installation: Installation, slack: Workspace
) -> None:
    slack.state.channels["C0OPS"].members.add("U0EXTRA")
    found = await installation.check_all(AEGIS_APPROVERS="*", AEGIS_ALERT_CHANNELS="C0ALERTS,C0OPS")
    assert found["approver *"].ok is True
    assert (
        found["approver *"].detail
        == "every member of an alert channel can approve, except bots and guests; 5 accounts now"
    )


async def test_with_a_star_a_channel_whose_members_cannot_be_read_is_reported(
    installation: Installation, slack: Workspace
) -> None:
    slack.fail("conversations.members", "missing_scope", times=9)
    assert (await installation.only_failure("approver *", AEGIS_APPROVERS="*")).detail.startswith(
        "The Slack app lacks a permission"
    )


async def test_an_error_of_slacks_that_has_no_sentence_is_named_by_its_code(
    installation: Installation, slack: Workspace
) -> None:
    slack.fail("conversations.info", "team_access_not_granted")
    assert (
        await installation.only_failure("channel C0ALERTS")
    ).detail == "Slack refused what Aegis asked for. (team_access_not_granted)"


async def test_slack_out_of_reach_is_reported_as_such_for_both_tokens(installation: Installation) -> None:
    found = await installation.check_all(SLACK_API_URL="http://127.0.0.1:9/api/")
    for name in ("bot token", "app token"):
        assert found[name].detail == "Slack cannot be reached from here."
        assert "SLACK_API_URL" in found[name].hint


async def test_slack_that_answers_nonsense_is_reported(installation: Installation, slack: Workspace) -> None:
    slack.fail("auth.test", Fault(status=502), times=2)
    assert (await installation.check_all())["bot token"].ok is False


async def test_an_engine_that_is_down_is_reported_and_the_checks_of_its_targets_are_skipped(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "parts", parts)
    check = await installation.only_failure("engine", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert check.detail == f"There is no Docker socket at unix://{tmp_path}/no.sock."
    assert "DOCKER_HOST" in check.hint
    assert (await installation.check_all(DOCKER_HOST=f"unix://{tmp_path}/no.sock"))[f"target {NAME}"].ok is None


@pytest.mark.parametrize("deed", ["restart", "start"])
async def test_a_proxy_that_refuses_what_a_press_needs_is_found_before_the_press(
    installation: Installation, deed: str
) -> None:
    refusal = EngineDenied("tcp://proxy:2375 refuses this call (HTTP 403).", hint="Let it pass the calls.")
    installation.containers.refused = {deed: refusal}
    check = await installation.only_failure("restart calls")
    assert check.detail == f"The engine would refuse every restart: {refusal.message}"
    assert check.hint == refusal.hint
    assert installation.containers.writes == []


async def test_an_engine_that_fails_at_the_restart_call_is_reported(installation: Installation) -> None:
    installation.containers.refused = {"restart": EngineError("It failed (HTTP 500).", hint="Look into its log.")}
    check = await installation.only_failure("restart calls")
    assert check.detail == "Aegis could not find out if the engine accepts a restart: It failed (HTTP 500)."


async def test_without_a_restart_to_be_done_the_restart_call_is_no_fault(installation: Installation) -> None:
    installation.containers.refused = {"restart": EngineDenied("It refuses.", hint="Let it pass.")}
    assert (await installation.check_all(AEGIS_DRY_RUN="true"))["restart calls"].ok is None
    assert (await installation.check_all(AEGIS_RESTART_ALLOWLIST=","))["restart calls"].ok is None


async def test_a_target_that_is_not_there_is_reported_with_names_that_are_like_it(installation: Installation) -> None:
    installation.containers.looks = [TargetNotFound("No such container.")]
    check = await installation.only_failure(
        "target bugy-app-v2", AEGIS_RESTART_ALLOWLIST="bugy-app-v2", AEGIS_VERIFY_URLS=""
    )
    assert check.detail == "The engine has no container with exactly this name."
    assert check.hint == "Did you mean buggy-app-v2? Correct AEGIS_RESTART_ALLOWLIST, or create the container."


async def test_a_target_that_the_engine_refuses_to_show_is_reported(installation: Installation) -> None:
    installation.containers.looks = [EngineDenied("The proxy refuses.", hint="Let it pass the calls.")]
    check = await installation.only_failure(f"target {NAME}")
    assert (check.detail, check.hint) == ("The proxy refuses.", "Let it pass the calls.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": (("aegis.protect", "true"),)}, "aegis.protect"),
        ({"labels": (("com.docker.swarm.service.name", "web"),)}, "Swarm owns this container"),
        ({"paused": True, "status": "paused"}, "is paused"),
    ],
)
async def test_a_target_that_nobody_could_restart_is_reported(
    installation: Installation, change: dict[str, Any], said: str
) -> None:
    installation.containers.looks = [facts(**change)]
    check = await installation.only_failure(f"target {NAME}")
    assert said in check.detail
    assert "AEGIS_RESTART_ALLOWLIST" in check.hint


async def test_what_cannot_be_known_of_aegis_own_container_is_reported_with_the_label_that_protects(
    installation: Installation,
) -> None:
    installation.around = Surroundings(ids=frozenset({"9" * 64}), contained=True)
    check = await installation.only_failure("own containers")
    assert check.detail == "Aegis runs in a container, but which one cannot be told from inside."
    assert "aegis.protect=true" in check.hint


async def test_a_host_that_cannot_be_resolved_may_be_any_container(installation: Installation) -> None:
    installation.around = Surroundings(needs=(NeededAddress("db.internal", 5432, None),))
    found = await installation.check_all()
    assert found["own containers"].detail == "The host db.internal cannot be resolved, so it may be any container."
    assert "It is not known whether" in found[f"target {NAME}"].detail


async def test_aegis_own_containers_are_named(installation: Installation) -> None:
    installation.containers.others = (KnownTarget("renamed", "9" * 64),)
    installation.around = Surroundings(ids=frozenset({"9" * 64}), contained=True)
    assert (await installation.check_all())["own containers"].detail == "never restarted: renamed"


@pytest.mark.fault(84)
async def test_what_aegis_needs_to_run_is_no_target(installation: Installation) -> None:
    check = await installation.only_failure(f"target {NAME}", DOCKER_HOST=f"tcp://{NAME}:2375")
    assert "something that Aegis needs to run" in check.detail


@pytest.mark.parametrize(("health", "proof"), [("healthy", "its Docker health check"), (None, "whether it runs")])
async def test_a_target_without_a_verify_url_is_reported_with_the_check_that_remains(
    installation: Installation, health: str | None, proof: str
) -> None:
    installation.containers.looks = [facts(health=health)]
    check = await installation.only_failure(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert check.detail == f"Not set: after a restart Aegis can check only {proof}."
    assert f"AEGIS_VERIFY_URLS={NAME}=http://…" in check.hint


async def test_a_verify_url_may_stand_in_the_label(installation: Installation, url: str) -> None:
    port = int(url.rpartition(":")[2])
    published = (Port(8080, "tcp", "127.0.0.1", port),)
    installation.containers.looks = [facts(labels=(("aegis.verify-url", f"{url}/ok"),), ports=published)]
    assert (await installation.check_all(AEGIS_VERIFY_URLS=""))[f"verify URL of {NAME}"].ok is True


async def test_a_label_that_leads_elsewhere_is_reported_and_not_asked(installation: Installation, url: str) -> None:
    installation.containers.looks = [facts(labels=(("aegis.verify-url", f"{url}/ok"),))]
    check = await installation.only_failure(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert "leads elsewhere" in check.detail
    assert f"AEGIS_VERIFY_URLS={NAME}=http://…" in check.hint


async def test_a_verify_url_that_says_503_is_reported(installation: Installation, url: str) -> None:
    check = await installation.only_failure(f"verify URL of {NAME}", AEGIS_VERIFY_URLS=f"{NAME}={url}/broken")
    assert check.detail == "The URL did not return success: 503."
    assert "AEGIS_VERIFY_URLS" in check.hint


async def test_a_verify_url_that_nobody_answers_is_reported(installation: Installation) -> None:
    check = await installation.only_failure(f"verify URL of {NAME}", AEGIS_VERIFY_URLS=f"{NAME}=http://127.0.0.1:9/")
    assert check.detail == "The URL did not return success: connection refused."


async def test_a_verify_url_that_aegis_will_not_ask_is_reported_why(installation: Installation) -> None:
    installation.containers.looks = [facts(labels=(("aegis.verify-url", "http://169.254.169.254/"),))]
    check = await installation.only_failure(f"verify URL of {NAME}", AEGIS_VERIFY_URLS="")
    assert "hands out the machine's own credentials" in check.detail


async def test_without_a_model_the_rules_are_named_and_that_is_no_fault(installation: Installation) -> None:
    found = await installation.check_all(GEMINI_API_KEY="")
    assert found["model"].ok is None
    assert "diagnoses are rule-based" in found["model"].detail


async def test_a_wrong_key_of_the_model_is_reported(installation: Installation, gemini: GeminiEndpoint) -> None:
    gemini.default = fails(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
    check = await installation.only_failure("model")
    assert check.detail == "Gemini refuses the key."
    assert "GEMINI_API_KEY" in check.hint


async def test_a_model_that_answers_prose_is_reported(installation: Installation, gemini: GeminiEndpoint) -> None:
    gemini.default = says("Of course! Here is your JSON.")
    check = await installation.only_failure("model")
    assert check.detail == "gemini-3.5-flash-lite answers, but not with JSON."
    assert "AEGIS_GEMINI_MODEL" in check.hint


async def test_a_broken_runbook_is_named_with_line_and_column(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "runbook.json").write_text('[\n {"root_cause": "x",}\n]')
    check = await installation.only_failure("runbook")
    assert re.search(r"runbook\.json cannot be understood: line 2, column \d+", check.detail)
    assert "Correct it there" in check.hint


async def test_entries_that_are_not_used_are_named(installation: Installation, tmp_path: Path) -> None:
    entry = {"root_cause": "x", "action": "restart"}
    (tmp_path / "runbook.json").write_text(json.dumps([entry, {"action": "restart"}]))
    check = await installation.only_failure("runbook")
    assert "entry 1 (the first is 0) is not used" in check.detail
    assert "Correct them" in check.hint


NOT_FOR_ROOT = pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="/sys refuses even root; there is none here")


@NOT_FOR_ROOT
async def test_a_runbook_that_cannot_be_written_is_reported_to_root_too(installation: Installation) -> None:
    check = await installation.only_failure("runbook", AEGIS_RUNBOOK="/sys/runbook.json")
    assert "/sys/runbook.json" in check.detail
    assert check.hint


@NOT_FOR_ROOT
async def test_a_folder_that_takes_no_bundles_is_reported_to_root_too(installation: Installation) -> None:
    check = await installation.only_failure("crash bundles", AEGIS_BUNDLES="/sys/bundles")
    assert check.detail.startswith("Aegis cannot write to /sys: ")
    assert "AEGIS_BUNDLES" in check.hint


async def test_a_file_in_the_place_of_the_bundles_folder_is_reported(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "bundles").write_text("")
    check = await installation.only_failure("crash bundles")
    assert check.detail == f"Aegis cannot write to {tmp_path}/bundles: Not a directory."


async def test_a_folder_of_bundles_is_tried_and_left_empty(installation: Installation, tmp_path: Path) -> None:
    assert "can be created" in (await installation.check_all())["crash bundles"].detail
    (tmp_path / "bundles").mkdir()
    assert "is writable" in (await installation.check_all())["crash bundles"].detail
    assert list((tmp_path / "bundles").iterdir()) == []


async def test_a_folder_in_the_databases_place_is_reported(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "aegis.db").mkdir()
    check = await installation.only_failure("database")
    assert check.detail == f"{tmp_path}/aegis.db is a folder; the database is a file."
    assert check.hint


async def test_no_check_shows_a_secret(installation: Installation) -> None:
    tokens = {
        "SLACK_BOT_TOKEN": "xoxb-1-wrong-one",
        "SLACK_APP_TOKEN": "xapp-1-wrong-one",
        "GEMINI_API_KEY": "wrong-one",
    }
    found = await installation.check_all(**tokens)
    assert "wrong-one" not in repr(found)


async def test_each_fault_comes_with_a_hint(installation: Installation, slack: Workspace, url: str) -> None:
    slack.seed.scopes.clear()
    installation.containers.looks = [facts(labels=(("aegis.protect", "1"),))]
    found = await installation.check_all(
        AEGIS_APPROVERS="U0NOBODY,S0NOBODY", AEGIS_VERIFY_URLS=f"{NAME}={url}/no", SLACK_APP_TOKEN="xapp-1-wrong"
    )
    faults = [check for check in found.values() if check.ok is False]
    assert len(faults) >= 6
    assert [check.name for check in faults if not check.hint] == []
