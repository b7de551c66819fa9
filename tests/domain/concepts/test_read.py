"""Every statement of the table is read as its class, with the names in its sentence; ordinary ones say nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.concepts.read import read_concepts

TABLE = Path(__file__).parents[2] / "corpus" / "concepts" / "statements.tsv"
ROWS = [row.split("\t") for row in TABLE.read_text(encoding="utf-8").splitlines()]
FAULTS = [row for row in ROWS if row[0] != "-"]


@pytest.mark.parametrize(("trouble", "names", "statement"), FAULTS, ids=[row[2][:50] for row in FAULTS])
def test_statement_is_read_as_its_class(trouble: str, names: str, statement: str) -> None:
    readings = read_concepts(statement)
    assert readings
    first = readings[0]
    assert first.trouble.value == trouble, readings
    said = f"{first.headline}. {first.cause}"
    assert all(name in said for name in filter(None, names.split(";"))), said


@pytest.mark.parametrize("statement", [row[2] for row in ROWS if row[0] == "-"])
def test_ordinary_statement_says_nothing(statement: str) -> None:
    assert read_concepts(statement) == ()


@pytest.mark.parametrize("code", ["_AUTO_CURSOR_RESET", "QUOTA_PRESET", "PRECONDITION_FAILED", "INVALID_ARGUMENT"])
def test_code_in_capitals_is_a_name_and_not_prose(code: str) -> None:
    assert all(reading.trouble.value != "config_error" for reading in read_concepts(f"the broker answered {code}"))


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    for reading in read_concepts(text):
        assert reading.cause.endswith(".")
        assert len(reading.headline) <= 60
        assert 0 < reading.weight < 1
