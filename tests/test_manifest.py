"""The Slack app that manifest.yml creates asks for what the code uses, all of it and nothing else."""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

ROOT = Path(__file__).parent.parent
CODE = [path for path in sorted((ROOT / "bot").rglob("*.py")) if "playground" not in path.parts]

# docs.slack.dev/reference/methods: the bot scopes of each method. Conversations need one for public, one for private.
SCOPES: dict[str, set[str]] = {
    "apps_connections_open": set(),  # connections:write of the app token, which no manifest can ask for
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_members": {"channels:read", "groups:read"},
    "conversations_replies": {"channels:history", "groups:history"},
    "files_upload_v2": {"files:write"},
    "reactions_add": {"reactions:write"},
    "usergroups_list": {"usergroups:read"},
    "usergroups_users_list": {"usergroups:read"},
    "users_conversations": {"channels:read", "groups:read"},
    "users_info": {"users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_update": set(),
}

# docs.slack.dev/reference/events: the events that bring what a listener hears, and the scope that each needs, if any.
EVENTS: dict[str, dict[str, str]] = {
    "message": {"message.channels": "channels:history", "message.groups": "groups:history"},
    "app_mention": {"app_mention": "app_mentions:read"},
    "app_home_opened": {"app_home_opened": ""},
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return loaded


def nodes(folder: Path = ROOT / "bot") -> Iterator[ast.AST]:
    for path in CODE:
        if path.is_relative_to(folder):
            yield from ast.walk(ast.parse(path.read_text()))


def methods_in_the_code() -> set[str]:
    """Every attribute in the code that is the name of a method of Slack's Web API."""
    named = {
        name for name, _ in inspect.getmembers(AsyncWebClient, inspect.iscoroutinefunction) if "_" in name.strip("_")
    }
    return {node.attr for node in nodes() if isinstance(node, ast.Attribute)} & (named - {"api_call"})


def routes_in_the_code(kind: str) -> set[str]:
    """Return the literal names that listeners are registered for, as in ``app.event("message")``."""
    return {
        node.args[0].value
        for node in nodes(ROOT / "bot" / "slack")
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) == ("app", kind)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_it_is_valid_by_slacks_own_schema(manifest: dict[str, Any], version: str) -> None:
    schema = json.loads((ROOT / "tests" / "data" / f"manifest.schema.{version}.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(manifest)] == []


def test_each_event_has_a_listener_and_each_listener_its_events(manifest: dict[str, Any]) -> None:
    heard = {event for listener in routes_in_the_code("event") for event in EVENTS[listener]}
    assert heard == set(manifest["settings"]["event_subscriptions"]["bot_events"])


def test_it_asks_for_exactly_the_scopes_that_the_code_needs(manifest: dict[str, Any]) -> None:
    needed = {scope for method in methods_in_the_code() for scope in SCOPES[method]}
    needed |= {scope for listener in routes_in_the_code("event") for scope in EVENTS[listener].values() if scope}
    if routes_in_the_code("command") or routes_in_the_code("shortcut"):
        needed.add("commands")
    assert needed == set(manifest["oauth_config"]["scopes"]["bot"])


def test_the_methods_that_are_looked_for_are_really_found() -> None:
    assert {"chat_postMessage", "chat_update", "views_open", "users_info"} <= methods_in_the_code()


def test_each_command_and_shortcut_has_a_listener(manifest: dict[str, Any]) -> None:
    features = manifest["features"]
    assert {command["command"] for command in features["slash_commands"]} == routes_in_the_code("command")
    assert {shortcut["callback_id"] for shortcut in features["shortcuts"]} == routes_in_the_code("shortcut")


def test_commands_arrive_with_ids_instead_of_names(manifest: dict[str, Any]) -> None:
    assert all(command["should_escape"] for command in manifest["features"]["slash_commands"])


def test_buttons_and_the_socket_are_switched_on(manifest: dict[str, Any]) -> None:
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in json.dumps(manifest)
