"""Databases of earlier versions open, and their incidents go on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.database.rows import from_text, to_text
from bot.adapters.database.store import SqlStore
from bot.domain.audit.trail import TrailCheck
from bot.domain.incident import State
from bot.domain.target import parse_target
from tests.adapters.store_contract import an_incident
from tests.support.fakes import names_of

DUMPS = Path(__file__).parents[2] / "corpus" / "store"


@pytest.fixture(params=["schema_3_trail_1", "schema_5_trail_2"])
def dump(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(tmp_path: Path, dump: str) -> str:
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.executescript((DUMPS / f"{dump}.sql").read_text())
    return f"sqlite:///{tmp_path / 'aegis.db'}"


async def test_incidents_in_every_state_open(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    assert {incident.state for incident in await store.recent(limit=100)} == set(State)
    await store.close()


async def test_an_incident_in_the_middle_of_a_restart_goes_on(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    (acting,) = [one for one in (await store.take_over(everything=True)).live if one.state is State.ACTING]
    assert acting.approval is not None
    assert acting.approval.action.value == "restart"
    verifying = await store.save_if_unchanged(acting, replace(acting, state=State.VERIFYING))
    assert verifying is not None
    assert verifying.state is State.VERIFYING
    await store.close()


async def test_a_target_of_an_earlier_version_is_the_same_target_now(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    for known in await store.live():
        assert known.target == parse_target(known.target.name)
        assert not (await store.open(replace(an_incident(99), target=known.target))).new
    await store.close()


async def test_the_trail_of_an_earlier_version_verifies_and_goes_on(url: str) -> None:
    store = SqlStore(url)
    await store.start()
    await store.begin_trail()
    (proposed,) = [one for one in await store.live() if one.state is State.PROPOSED]
    await store.take_over(everything=True)
    newest = await store.get(proposed.id)
    assert newest is not None
    assert await store.save_if_unchanged(newest, replace(newest, state=State.IGNORED))
    check = TrailCheck()
    rows = await store.trail()
    assert check.read(rows) == check.end() == ""
    assert rows[-1].act.target == proposed.target.name
    await store.close()


@pytest.mark.parametrize("dump", ["schema_5_trail_2"], indirect=True)
async def test_a_body_is_written_as_the_version_before_targets_wrote_it(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM incidents")]
    assert len(bodies) == len(State)
    assert [to_text(from_text(body)) for body in bodies] == bodies


def test_a_body_with_the_former_names_of_fields_loads() -> None:
    former = {
        "told": True,
        "remembered": True,
        "along": ["a", "b"],
        "common": "They went down together.",
        "before": ["2026-11-22T09:00:00Z", ""],
        "flaps": 3,
    }
    current = json.loads(to_text(replace(an_incident(), alert_text='"told": of the alert')))
    names = ("announced", "finalized", "grouped_targets", "group_reason", "times_before", "flap_count")
    unnamed = {name: value for name, value in current.items() if name not in names}
    incident = from_text(json.dumps(unnamed | former, separators=(",", ":")))
    assert (incident.announced, incident.finalized, incident.flap_count) == (True, True, 3)
    assert (names_of(incident.grouped_targets), incident.group_reason) == (("a", "b"), "They went down together.")
    assert incident.times_before == ("2026-11-22T09:00:00Z", "")
    assert incident.alert_text == '"told": of the alert'
    written = json.loads(to_text(incident))
    assert not former.keys() & written.keys()
    assert from_text(to_text(incident)) == incident


@pytest.mark.parametrize("dump", ["schema_3_trail_1"], indirect=True)
async def test_what_was_announced_before_the_update_stays_announced(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "aegis.db")) as connection:
        connection.execute("""UPDATE incidents SET body = replace(body, '"told": false', '"told": true')""")
        connection.commit()
    store = SqlStore(url)
    await store.start()
    incidents = await store.recent(limit=100)
    assert [incident.announced for incident in incidents] == [True] * len(State)
    await store.close()


def test_a_body_that_is_no_incident_is_refused() -> None:
    for body in ('["told": 1]', '{"told": 1}', '"told":', "[]"):
        with pytest.raises(ValueError, match=r".+"):
            from_text(body)
