"""Targets: how people name them, and how they are stored."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.domain.alerts.alert import Alert, Kind, find_targets
from bot.domain.guard import digest
from bot.domain.target import KnownTarget, Target, TargetKind, parse_target, to_stored
from tests.support.fakes import facts

STORED = TypeAdapter(Target)
SERVICE = Target("", TargetKind.SERVICE, "web")
ELSEWHERE = Target("east", TargetKind.CONTAINER, "web")


@pytest.mark.parametrize("name", ["web", "buggy-app-v2", "east/web", "", "never seen is down"])
def test_a_target_of_the_only_engine_is_stored_and_shown_as_its_name(name: str) -> None:
    target = parse_target(name)
    assert str(target) == to_stored(target) == name
    assert STORED.validate_json(json.dumps(name)) == target
    assert bool(target) == bool(name)


@pytest.mark.parametrize("target", [SERVICE, ELSEWHERE])
def test_any_other_target_is_stored_with_all_its_fields(target: Target) -> None:
    assert STORED.validate_json(json.dumps(to_stored(target))) == target


@pytest.mark.parametrize("stored", ["3", "null", "{}", '{"host": "", "kind": "pod", "name": "x"}', "[]"])
def test_what_is_no_target_is_refused(stored: str) -> None:
    with pytest.raises(ValidationError):
        STORED.validate_json(stored)


def test_a_target_of_a_named_engine_is_shown_with_it() -> None:
    assert str(ELSEWHERE) == "east/web"


def test_a_card_of_an_earlier_version_keeps_its_digest() -> None:
    assert digest(parse_target("buggy-app-v2"), facts()) == "821ca7b1312a2c3d"
    assert digest(ELSEWHERE, facts()) != digest(parse_target("web"), facts())


def test_a_label_names_its_target_on_every_engine() -> None:
    alert = Alert(Kind.FIRING, title="down", labels=(("container", "web"),))
    inventory = [KnownTarget("db"), KnownTarget("web"), KnownTarget("web", host="east")]
    assert find_targets(alert, inventory) == (parse_target("web"), ELSEWHERE)


def test_naming_a_target_does_not_import_pydantic() -> None:
    code = "import sys, bot.domain.alerts.alert; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
