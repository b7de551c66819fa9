"""Which past incidents fit a log: on written examples, and on a corpus whose right answers are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.runbook import precedents, ranking
from bot.domain.runbook.synonyms import concepts
from bot.domain.runbook_entry import Entry, Precedent
from tests.domain import retrieval_cases

CORPUS = Path(__file__).parents[2] / "corpus" / "retrieval"
NOW = datetime(2025, 11, 25, tzinfo=UTC)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text().splitlines()]


def entries() -> tuple[Entry, ...]:
    return tuple(
        Entry(row["root_cause"], "ignore", row["resolution"], row["id"], row["date"], row["service"],
              evidence=tuple(row["evidence"].splitlines()))
        for row in rows("runbook.jsonl")
    )  # fmt: skip


def nearest(among: Sequence[Entry], query: dict[str, Any], least: float = 0.0) -> tuple[Precedent, ...]:
    lines = query["evidence"].splitlines()
    return precedents.find_precedents(among, target=query["container"], lines=lines, now=NOW, limit=3, least=least)


@pytest.fixture(scope="module")
def ranks() -> dict[str, list[int]]:
    """The place of the right entry for each query, by kind; 99 where it is not among the first three."""
    found: dict[str, list[int]] = defaultdict(list)
    for query in rows("queries.jsonl"):
        ids = [precedent.entry.id for precedent in nearest(entries(), query)]
        place = [number for number, name in enumerate(ids, start=1) if name in query["relevant"]]
        if query["relevant"]:
            found[query["kind"]].append(place[0] if place else 99)
    return found


def share(places: Sequence[int], within: int) -> float:
    return sum(place <= within for place in places) / len(places)


@pytest.mark.slow
def test_the_same_cause_in_the_same_program_comes_first(ranks: dict[str, list[int]]) -> None:
    assert share(ranks["same"], 1) >= 0.97


def test_it_comes_first_when_it_is_buried_in_noise(ranks: dict[str, list[int]]) -> None:
    assert share(ranks["noisy"], 1) >= 0.96


def test_the_same_cause_in_another_program_is_among_the_first_three(ranks: dict[str, list[int]]) -> None:
    assert share(ranks["cross"], 3) >= 0.5


@pytest.mark.slow
def test_the_score_tells_what_the_runbook_holds_from_what_it_does_not() -> None:
    held = [nearest(entries(), query)[0].score for query in rows("queries.jsonl") if query["relevant"]]
    strange = [nearest(entries(), query)[0].score for query in rows("queries.jsonl") if not query["relevant"]]
    above = [(a > b) + (a == b) / 2 for a in held for b in strange]
    assert sum(above) / len(above) >= 0.9


def test_recurrences_pass_the_bar_for_the_card() -> None:
    missing = [
        q["id"]
        for q in rows("queries.jsonl")
        if q["kind"] in ("same", "noisy") and not nearest(entries(), q, precedents.FITS)
    ]
    assert missing == []


@pytest.fixture(scope="module")
def invented() -> dict[str, list[int]]:
    """The place of the right entry among 500 for each invented trouble, by kind; for those with none, what is shown."""
    past = tuple(retrieval_cases.runbook(500))
    found: dict[str, list[int]] = defaultdict(list)
    for query in retrieval_cases.queries():
        least = 0.0 if query.right else precedents.FITS
        near = precedents.find_precedents(past, target=query.target, lines=query.log, now=NOW, limit=3, least=least)
        ids = [precedent.entry.id for precedent in near]
        place = ids.index(query.right) + 1 if query.right in ids else 99
        found[query.kind].append(place if query.right else len(ids))
    return found


@pytest.mark.slow
def test_invented_troubles_find_their_cause_in_noise_and_in_other_programs(invented: dict[str, list[int]]) -> None:
    assert share(invented["same"], 1) >= 0.97
    assert share(invented["noisy"], 1) >= 0.96
    assert share(invented["cross"], 3) >= 0.8


def test_for_a_trouble_that_was_never_seen_next_to_nothing_is_shown(invented: dict[str, list[int]]) -> None:
    assert len(invented["none"]) >= 60
    assert share(invented["none"], 0) >= 0.95


def test_a_loud_line_that_many_incidents_have_brings_none_of_them_up() -> None:
    common = "ERROR GET /api/basket 500"
    line = "ERROR redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused."
    past = (
        *(
            Entry(f"chore {number}", "ignore", target="shop", evidence=(common,), id=f"c{number}")
            for number in range(9)
        ),
        Entry("redis is down", "restart", target="cart", evidence=(line, common), id="right"),
    )
    found = precedents.find_precedents(past, target="shop", lines=[common, line, common], now=NOW)
    assert [one.entry.id for one in found] == ["right"]


def test_a_flood_of_one_line_changes_nothing() -> None:
    flood = ["ERROR GET /api/orders 500"] * 150
    line = "ERROR redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused."
    past = (
        Entry("redis is down", "restart", evidence=(line,), id="right"),
        Entry("bad release", "restart", evidence=("ERROR GET /api/orders 500",), id="flood"),
    )
    first = precedents.find_precedents(past, target="", lines=[*flood, line], now=NOW)[0]
    assert first.entry.id == "right"


def test_words_are_taken_apart_and_ids_dropped() -> None:
    line = "NoClassDefFoundError id=4ef34b02-6364-41aa-a1c5-9380c7d24163 took 12ms status 503 port 48213 at 10.1.2.3"
    assert ranking.split_terms(line) == [
        "no",
        "class",
        "def",
        "found",
        "error",
        "id",
        "took",
        "status",
        "503",
        "port",
        "at",
    ]


@pytest.mark.parametrize(
    ("one", "other", "concept"),
    [
        ("connect ECONNREFUSED 10.0.0.1:6379", "dial tcp: connection refused", "refused"),
        ("ENOSPC: no space left on device", "flood stage disk watermark exceeded", "disk full"),
        ("ModuleNotFoundError: No module named 'x'", "java.lang.ClassNotFoundException: x", "missing module"),
        ("getaddrinfo EAI_AGAIN db", "Temporary failure in name resolution", "dns"),
        ("NOAUTH Authentication required", "password authentication failed for user app", "login"),
        ("java.lang.OutOfMemoryError: Java heap space", "Killed process 7: Out of memory", "out of memory"),
        ("QueuePool limit of size 20 reached", "FATAL: remaining connection slots are reserved", "pool"),
    ],
)
def test_one_failure_has_one_name_in_many_programs(one: str, other: str, concept: str) -> None:
    assert concept in concepts(ranking.split_terms(one)) & concepts(ranking.split_terms(other))


def test_a_pair_of_words_ranks_the_same_message_above_mere_mentions() -> None:
    past = (
        Entry(
            "mentions", "ignore", evidence=("ERROR statement flow cancelled while timeout watching lock",), id="loose"
        ),
        Entry("message", "ignore", evidence=("ERROR cancelled statement: lock timeout",), id="tight"),
    )
    found = precedents.find_precedents(past, target="", lines=["ERROR cancelled statement: lock timeout"], now=NOW)
    assert found[0].entry.id == "tight"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=[]), max_size=200), max_size=5),
    st.lists(st.text(max_size=60), max_size=5),
)
def test_no_text_whatever_raises_and_scores_stay_between_0_and_1(evidence: list[str], lines: list[str]) -> None:
    past = (Entry("cause", "restart", evidence=tuple(evidence)), Entry("other cause", "ignore"))
    for found in (
        precedents.find_precedents(past, target="x", lines=[*lines, *evidence], now=NOW, least=0.0),
        precedents.search_entries(past, " ".join(lines), NOW),
    ):
        assert all(0 <= precedent.score <= 1 for precedent in found)
