"""The guard permits one restart of an allowed target and refuses everything else with a reason for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.diagnosis import Action
from bot.domain.guard import History, Permit, Policy, Refusal, changed, check, digest
from bot.domain.target import parse_target
from bot.domain.times import format_duration
from tests.support.fakes import CONTAINER, START, facts

POLICY = Policy(frozenset(map(parse_target, {"buggy-app-v2"})), cooldown=300, limit=3, expiry=3600, dry_run=False)


def test_allowed_running_target_is_permitted():
    assert check(parse_target("buggy-app-v2"), facts(), History(), POLICY, START) == Permit()


def test_dry_run_is_a_permit_that_says_so():
    assert check(parse_target("buggy-app-v2"), facts(), History(), replace(POLICY, dry_run=True), START) == Permit(
        dry_run=True
    )


@pytest.mark.parametrize(
    ("rule", "target", "look", "history", "policy"),
    [
        ("allowlist", "prod-db", facts("prod-db"), History(), POLICY),
        ("allowlist", "buggy-app-v2", facts(), History(), replace(POLICY, allowlist=frozenset())),
        ("allowlist", "Buggy-App-V2", facts("Buggy-App-V2"), History(), POLICY),
        ("facts", "buggy-app-v2", None, History(), POLICY),
        ("facts", "buggy-app-v2", facts(status=""), History(), POLICY),
        ("name", "buggy-app-v2", facts("buggy-app-v2-canary"), History(), POLICY),
        ("own", "buggy-app-v2", facts(), History(), replace(POLICY, own=frozenset({"buggy-app-v2"}))),
        ("own", "buggy-app-v2", facts(), History(), replace(POLICY, own=frozenset({CONTAINER}))),
        ("protect", "buggy-app-v2", facts(labels=(("aegis.protect", "true"),)), History(), POLICY),
        ("protect", "buggy-app-v2", facts(labels=(("aegis.protect", "yes please"),)), History(), POLICY),
        ("swarm", "buggy-app-v2", facts(labels=(("com.docker.swarm.service.name", "web"),)), History(), POLICY),
        ("paused", "buggy-app-v2", facts(paused=True, status="paused"), History(), POLICY),
        ("state", "buggy-app-v2", facts(status="dead", running=False), History(), POLICY),
        ("state", "buggy-app-v2", facts(status="removing", running=False), History(), POLICY),
        ("history", "buggy-app-v2", facts(), None, POLICY),
        ("busy", "buggy-app-v2", facts(), History(restarting="other"), POLICY),
        ("cooldown", "buggy-app-v2", facts(), History(START - timedelta(seconds=299), 1), POLICY),
        ("limit", "buggy-app-v2", facts(), History(START - timedelta(seconds=301), 3), POLICY),
    ],
)
def test_everything_else_is_refused_with_a_reason(rule, target, look, history, policy):
    verdict = check(parse_target(target), look, history, policy, START)
    assert isinstance(verdict, Refusal)
    assert verdict.rule == rule
    assert verdict.reason.endswith((".", "web"))
    assert len(verdict.reason) > 20


def test_cooldown_ends_when_it_is_over():
    assert (
        check(parse_target("buggy-app-v2"), facts(), History(START - timedelta(seconds=300), 1), POLICY, START)
        == Permit()
    )


@pytest.mark.fault(28)
def test_a_last_restart_in_the_future_still_holds_the_cooldown():
    verdict = check(parse_target("buggy-app-v2"), facts(), History(START + timedelta(seconds=60), 1), POLICY, START)
    assert isinstance(verdict, Refusal)
    assert verdict.rule == "cooldown"


def test_protect_label_set_to_false_protects_nothing():
    assert (
        check(parse_target("buggy-app-v2"), facts(labels=(("aegis.protect", "false"),)), History(), POLICY, START)
        == Permit()
    )


@given(st.text(max_size=80))
def test_no_name_but_the_exact_one_is_ever_permitted(name):
    verdict = check(parse_target(name), facts(name), History(), POLICY, START)
    assert isinstance(verdict, Permit) == (name == "buggy-app-v2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"container_id": "d" * 64}, "re-created"),
        ({"image_id": "sha256:2"}, "another image"),
        ({"started_at": "2026-11-22T02:00:00Z"}, "started again"),
    ],
)
def test_digest_and_words_differ_where_the_container_differs(change, said):
    now = facts(**change)
    assert digest(parse_target("buggy-app-v2"), now) != digest(parse_target("buggy-app-v2"), facts())
    assert said in changed(facts(), now)


def test_health_may_change_between_card_and_press():
    assert digest(parse_target("buggy-app-v2"), facts(health="healthy")) == digest(
        parse_target("buggy-app-v2"), facts()
    )
    assert changed(facts(), facts(health="healthy")) == ""


def test_what_is_not_known_to_be_no_part_of_aegis_is_not_restarted():
    verdict = check(parse_target("buggy-app-v2"), facts(), History(), replace(POLICY, own=None), START)
    assert isinstance(verdict, Refusal)
    assert (verdict.rule, "not known" in verdict.reason) == ("own", True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (7, "7 s"), (240, "4 min"), (11520, "3 h 12 min"), (4 * 86400, "4 days"), (-5, "0 s")],
)
def test_spans_are_written_for_people(seconds, said):
    assert format_duration(timedelta(seconds=seconds)) == said


def test_an_action_that_is_not_offered_is_refused():
    verdict = check(parse_target("buggy-app-v2"), facts(), History(), POLICY, START, Action.IGNORE)
    assert isinstance(verdict, Refusal)
    assert verdict.rule == "action"
    policy = replace(POLICY, actions=frozenset())
    assert isinstance(check(parse_target("buggy-app-v2"), facts(), History(), policy, START), Refusal)
