"""What is told to be new about a container."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.evidence import Evidence, Facts, Source, Status
from bot.domain.recent_changes import find_changes
from bot.domain.runbook_entry import Entry
from bot.domain.target import parse_target
from tests.support.fakes import facts

SEEN = facts(created_at="2026-11-20T08:00:00.123456789Z", image_created_at="2026-11-18T08:00:00Z")
PAST = Entry("pool", "restart", target="buggy-app-v2", at="2026-11-10T03:00:00Z", image="shop/buggy:2.3.0")


def told(seen: Facts | None, *entries: Entry, at: str = "2026-11-22T03:00:00+00:00") -> Source:
    return find_changes(Evidence(parse_target("buggy-app-v2"), at, seen), entries)


def test_an_old_container_that_was_never_in_trouble_is_nothing_new() -> None:
    assert told(SEEN) == Source("changes", Status.EMPTY, "none that is known")


def test_what_was_made_within_the_hour_is_told_with_its_age() -> None:
    fresh = replace(SEEN, created_at="2026-11-22T02:48:00.5Z", image_created_at="2026-11-22T02:15:00Z")
    assert told(fresh).detail == "container created 11 min ago, image built 45 min ago"


def test_a_new_image_or_container_since_the_last_incident_is_listed() -> None:
    assert told(SEEN, PAST).detail == (
        "image was shop/buggy:2.3.0 in the incident of 10 Nov, re-created since the incident of 10 Nov"
    )


def test_the_last_incident_of_the_same_target_counts() -> None:
    later = replace(PAST, at="2026-11-21T03:00:00Z", image=SEEN.image)
    other = replace(PAST, target="prod-db")
    assert told(SEEN, PAST, later, other).status is Status.EMPTY


@pytest.mark.parametrize("nonsense", ["", "soon", "2026-99-99"])
def test_times_that_are_none_tell_nothing(nonsense: str) -> None:
    assert told(replace(SEEN, created_at=nonsense), replace(PAST, at=nonsense)).status is Status.EMPTY
    assert told(SEEN, at=nonsense).status is Status.EMPTY


def test_without_facts_it_is_unknown_not_unchanged() -> None:
    assert told(None, PAST).status is Status.DENIED
