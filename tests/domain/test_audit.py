"""The audit trail: what was changed, taken out or cut off afterwards is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit import Act, Examined, Row, Verdict, as_json, sealed

AT = datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)


def trail(*acts: Act) -> list[Row]:
    rows: list[Row] = []
    for act in acts:
        rows.append(sealed(len(rows) + 1, act, rows[-1].hash if rows else ""))
    return rows


def three() -> list[Row]:
    return trail(
        Act("alert", AT, said="firing: buggy-app-v2 is down"),
        Act("press", AT, Verdict.DENIED, "approver", "U0STRANGER", "i1", "buggy-app-v2", "Not on the list."),
        Act("press", AT, Verdict.ALLOWED, "approver", "U0ONCALL", "i1", "buggy-app-v2"),
    )


def wrong(rows: list[Row], head: str = "") -> str:
    examined = Examined(head)
    return examined.read(rows) or examined.end()


def test_an_untouched_trail_is_whole() -> None:
    examined = Examined()
    assert (examined.read(three()), examined.end(), examined.count) == ("", "", 3)
    assert examined.last == three()[-1].hash
    assert wrong([]) == ""


def test_a_trail_may_be_read_in_pieces() -> None:
    examined = Examined()
    assert [examined.read([row]) for row in three()] == ["", "", ""]


@pytest.mark.parametrize(
    "change",
    [
        lambda act: replace(act, verdict=Verdict.ALLOWED),
        lambda act: replace(act, actor="U0ONCALL"),
        lambda act: replace(act, rule=""),
        lambda act: replace(act, said="-"),
        lambda act: replace(act, at=AT.replace(minute=5)),
    ],
)
def test_a_changed_row_is_named(change: Callable[[Act], Act]) -> None:
    rows = three()
    rows[1] = replace(rows[1], act=change(rows[1].act))
    assert wrong(rows) == "Row 2 was changed after it was written."


def test_a_changed_row_with_a_new_hash_does_not_fit_the_next() -> None:
    rows = three()
    rows[1] = sealed(2, replace(rows[1].act, verdict=Verdict.ALLOWED), rows[0].hash)
    assert wrong(rows).startswith("Row 3 does not follow row 2")


def test_a_row_taken_out_is_missed_also_when_the_others_are_numbered_anew() -> None:
    rows = three()
    assert wrong([rows[0], rows[2]]) == "Row 2 is missing: after 1 comes 3."
    assert wrong([rows[0], replace(rows[2], number=2)]).startswith("Row 2 does not follow row 1")
    assert wrong(rows[1:]) == "Row 1 is missing: after 0 comes 2."


def test_rows_cut_off_at_the_end_are_missed_by_whoever_noted_the_head() -> None:
    rows = three()
    assert wrong(rows[:2]) == ""
    assert "taken away" in wrong(rows[:2], head=rows[2].hash)
    assert wrong(rows, head=rows[1].hash) == ""


@given(st.lists(st.builds(Act, st.text(), st.datetimes(), st.sampled_from(Verdict), st.text(), st.text()), max_size=6))
def test_any_text_can_stand_in_a_trail(acts: list[Act]) -> None:
    rows = trail(*acts)
    assert wrong(rows) == ""
    assert [as_json(row)["number"] for row in rows] == list(range(1, len(acts) + 1))
