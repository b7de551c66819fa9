"""The audit trail: what was changed, taken out, put in or cut off afterwards is found."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit.seal import Cell, Seal, rule_of
from bot.domain.audit.trail import SWITCH, AuditEvent, AuditRow, TrailCheck, Verdict, row_to_json, seal_events

AT = datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)
KEY = "correct horse battery staple"
COLUMNS = [one.name for one in fields(AuditRow) if one.name != "number"]


def trail(*acts: AuditEvent, key: str = "") -> list[AuditRow]:
    return seal_events(acts, None, Seal(key), AT)


def three(key: str = "") -> list[AuditRow]:
    return trail(
        AuditEvent("alert", AT, said="firing: buggy-app-v2 is down"),
        AuditEvent("press", AT, Verdict.DENIED, "approver", "U0STRANGER", "i1", "buggy-app-v2", "Not on the list."),
        AuditEvent("press", AT, Verdict.ALLOWED, "approver", "U0ONCALL", "i1", "buggy-app-v2"),
        key=key,
    )


def wrong(rows: list[AuditRow], head: str = "", key: str = "", heads: dict[int, frozenset[str]] | None = None) -> str:
    examined = TrailCheck(head, heads, key)
    return examined.read(rows) or examined.end()


def seen(rows: list[AuditRow]) -> dict[int, frozenset[str]]:
    """Return what a log has of a trail that ended with each of these rows."""
    return {row.number: frozenset({str(row.hash)}) for row in rows}


def test_an_untouched_trail_is_whole() -> None:
    examined = TrailCheck()
    assert (examined.read(three()), examined.end(), examined.count) == ("", "", 3)
    assert examined.last == three()[-1].hash
    assert wrong([]) == ""


def test_a_trail_may_be_read_in_pieces() -> None:
    examined = TrailCheck()
    assert [examined.read([row]) for row in three()] == ["", "", ""]


@pytest.mark.parametrize("key", ["", KEY])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("cell", [None, "", "x", "no rule", "allowed", b"approver", b"", "\udcff", "?"])
def test_a_changed_cell_is_named_whatever_stood_there(column: str, cell: Cell, key: str) -> None:
    for place, row in enumerate(three(key)):
        if getattr(row, column) == cell:
            continue
        rows = three(key)
        rows[place] = replace(row, **{column: cell})  # type: ignore[arg-type]
        said = wrong(rows, key=key)
        assert said.startswith((f"Row {place + 1} was changed", f"Row {place + 1} does not follow")), said


def test_a_changed_row_with_a_new_hash_does_not_fit_the_next() -> None:
    rows = three()
    rows[1:2] = seal_events([replace(rows[1].act, verdict=Verdict.ALLOWED)], rows[0], Seal(), AT)
    assert wrong(rows).startswith("Row 3 does not follow row 2")


def test_a_row_taken_out_is_missed_also_when_the_others_are_numbered_anew() -> None:
    rows = three()
    assert wrong([rows[0], rows[2]]) == "Row 2 is missing: after 1 comes 3."
    assert wrong([rows[0], replace(rows[2], number=2)]).startswith("Row 2 does not follow row 1")
    assert wrong(rows[1:]) == "Row 1 is missing: after 0 comes 2."


def test_rows_cut_off_at_the_end_are_missed_by_whoever_noted_the_head() -> None:
    rows = three()
    assert wrong(rows[:2]) == ""
    assert "taken away" in wrong(rows[:2], head=str(rows[2].hash))
    assert wrong(rows, head=str(rows[1].hash)) == ""


def test_a_trail_written_anew_is_not_the_one_that_a_log_has_seen() -> None:
    rows = three()
    anew = trail(*(replace(row.act, actor="U0ONCALL") for row in rows))
    assert wrong(anew) == ""
    assert wrong(rows, heads=seen(rows)) == ""
    assert (
        wrong(anew, heads=seen(rows[1:2])) == "Row 2 is not the one that the log has seen: the trail was written anew."
    )
    assert "has seen row 3, the trail ends with row 2" in wrong(rows[:2], heads=seen(rows))
    assert "has seen row 3, the trail ends with row 0" in wrong([], heads=seen(rows))


acts = st.lists(
    st.builds(AuditEvent, st.text(), st.datetimes(), st.sampled_from(Verdict), st.text(), st.text()), max_size=6
)


@given(acts, st.sampled_from(["", KEY]))
def test_any_text_can_stand_in_a_trail(given_acts: list[AuditEvent], key: str) -> None:
    rows = trail(*given_acts, key=key)
    assert wrong(rows, key=key) == ""
    assert [row_to_json(row)["number"] for row in rows] == list(range(1, len(given_acts) + 1))


cells = st.none() | st.text(st.characters(exclude_categories=[]), max_size=3) | st.binary(max_size=3)


@given(acts.filter(bool), st.sampled_from(["", KEY]), st.data())
def test_any_single_change_is_named(given_acts: list[AuditEvent], key: str, data: st.DataObject) -> None:
    rows = trail(*given_acts, key=key)
    place = data.draw(st.integers(0, len(rows) - 1))
    changed = list(rows)
    kind = data.draw(st.sampled_from(["cell", "take out", "put in", "move", "cut off"]))
    if kind == "cell":
        column = data.draw(st.sampled_from(COLUMNS))
        changed[place] = replace(rows[place], **{column: data.draw(cells)})  # type: ignore[arg-type]
    elif kind == "take out":
        del changed[place]
    elif kind == "put in":
        changed.insert(place, replace(rows[data.draw(st.integers(0, len(rows) - 1))], number=place + 1))
    elif kind == "move":
        changed.insert(data.draw(st.integers(0, len(rows) - 1)), changed.pop(place))
    else:
        changed = changed[:place]
    if changed != rows:
        assert wrong(changed, key=key, heads=seen(rows[-1:]))
        if kind == "cell":
            assert f"Row {place + 1} " in wrong(changed, key=key)


# The rules, and how a trail goes from one to a stronger one


def after_switch(*, old: str = "", new: str = KEY) -> list[AuditRow]:
    rows = three(old)
    return [*rows, *seal_events([AuditEvent("press", AT, Verdict.ALLOWED, "approver", "U1")], rows[-1], Seal(new), AT)]


def test_the_change_of_the_rule_is_a_row_of_the_trail() -> None:
    rows = after_switch()
    assert [row.kind for row in rows[3:]] == [SWITCH, "press"]
    assert [row.sealed_by for row in rows] == ["2", "2", "2", Seal(KEY).rule, Seal(KEY).rule]
    assert wrong(rows, key=KEY) == ""
    assert KEY not in f"{rows}{Seal(KEY)}"


def test_a_row_from_before_the_key_is_held_by_the_rows_after_it() -> None:
    rows = after_switch()
    anew = trail(*(replace(row.act, actor="U0ONCALL") for row in rows[:3]))
    assert wrong([*anew, *rows[3:]], key=KEY).startswith("Row 4 does not follow row 3")


def test_without_the_key_only_the_order_is_checked_and_that_is_counted() -> None:
    rows = after_switch()
    examined = TrailCheck()
    assert (examined.read(rows), examined.end(), examined.unchecked) == ("", "", 2)
    assert TrailCheck().read([*rows[:4], replace(rows[4], previous="")]) != ""


def test_rows_cannot_go_on_by_a_weaker_rule() -> None:
    rows = after_switch()
    with pytest.raises(ValueError, match="key"):
        seal_events([], rows[-1], Seal(), AT)
    forged = seal_events([AuditEvent(SWITCH, AT)], None, Seal(), AT)[0]
    cells_of = {**row_to_json(forged), "number": 6, "previous": rows[-1].hash}
    cells_of.pop("hash")
    weak = replace(forged, number=6, previous=rows[-1].hash, hash=Seal().sealed(cells_of))  # type: ignore[arg-type]
    assert wrong([*rows, weak]).startswith("Row 6 is sealed by rule 2, though row 5 is by rule 2k")


def test_a_rule_does_not_change_without_the_row_that_records_it() -> None:
    rows = three()
    keyed = seal_events([AuditEvent("press", AT)], rows[-1], Seal(KEY), AT)
    bare = {**row_to_json(keyed[1]), "number": 4, "previous": rows[-1].hash}
    bare.pop("hash")
    row = replace(keyed[1], number=4, previous=rows[-1].hash, hash=Seal(KEY).sealed(bare))  # type: ignore[arg-type]
    assert wrong([*rows, row], key=KEY).startswith("Row 4 is sealed by rule 2k")


def test_with_the_key_a_trail_without_it_is_not_whole() -> None:
    assert wrong(three(), key=KEY).startswith("Row 3 is not sealed with the key that is set")
    assert wrong(after_switch(new="another key of sixteen"), key=KEY).startswith("Row 5 is not sealed with the key")


def test_a_row_cannot_be_moved_to_another_rule_by_its_hash_alone() -> None:
    rows = three()
    for begin in ("", f"{Seal(KEY).rule}:", "2: ", "3:"):
        bare = str(rows[0].hash).removeprefix("2:")
        assert wrong([replace(rows[0], hash=begin + bare)], key=KEY)
    assert rule_of("0" * 63) == ""
