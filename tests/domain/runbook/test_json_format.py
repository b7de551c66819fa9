"""runbook.json as text: what loads, what is named and where, and that an append changes nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.runbook.json_format import (
    DEEPEST,
    LARGEST_FILE_BYTES,
    add_entry,
    append_entry,
    entry_to_json,
    parse_runbook,
    stream_entries,
)
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookBroken

GOOD = '{"root_cause": "a", "action": "restart"}'
FULL = Entry(
    "Pool exhausted", "restart", "released", "inc-1", "2026-11-22T10:04:31Z", "buggy-app-v2", "shop/buggy:2.3.1",
    "QueuePool limit of size <n>", "resource_exhaustion", ("ERROR QueuePool limit of size 20",), "rules", "resolved",
    "U0ONCALL", 7.4, "200 ×3, healthy", "U0NIGHT",
)  # fmt: skip


def broken(data: bytes | str) -> str:
    with pytest.raises(RunbookBroken) as caught:
        parse_runbook(data if isinstance(data, bytes) else data.encode(), "memory.json")
    assert caught.value.hint
    assert "memory.json" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("[", "line 1, column 2"),
        (f"[{GOOD},\n {GOOD[:20]}", "line 2"),
        (f"[{GOOD},\n]", "line 2, column 1"),
        (f"[\n{GOOD}\n{GOOD}\n]", "line 3, column 1"),
        ("[\n {'root_cause': 'a'}]", "line 2, column 3"),
        ('[{"root_cause": "a\nb"}]', "line 1"),
        ("[] []", "line 1, column 4"),
        (f"\n{GOOD}", "line 2, column 1: the whole file must be one array"),
        ('"text"', "one array"),
        ("null", "one array"),
        ('[{"a": "NaN",\n "b": NaN}]', "line 2, column 7: NaN is not JSON"),
        ('[{"a": "\\"Infinity",\n "b": -Infinity}]', "line 2, column 7: -Infinity is not JSON"),
        ("// mine\n[]", "line 1, column 1"),
        ("<<<<<<< HEAD\n[]", "line 1, column 1"),
        ("[" * 100_000, "column 101: too many brackets"),
        ('[{"x": "[[[",\n"a":' + '{"a":' * 100_000, "line 2"),
        ("\0" * 400, "line 1, column 1"),
    ],
)
def test_what_is_broken_is_named_with_line_and_column(text: str, where: str) -> None:
    assert where in broken(text)


def test_the_place_of_the_first_wrong_byte_is_named() -> None:
    assert "not UTF-8 at byte 19 (line 2)" in broken(b'[{"root_cause":"a"\n\xe9}]')


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named_as_such(codec: str) -> None:
    assert "UTF-16, not UTF-8" in broken(f"[{GOOD}]".encode(codec))


def test_what_is_far_too_large_is_not_even_read() -> None:
    assert "larger than 512 MB" in broken(b" " * (LARGEST_FILE_BYTES + 1))


def test_a_byte_order_mark_does_no_harm() -> None:
    data = b"\xef\xbb\xbf[" + GOOD.encode() + b"]"
    assert len(parse_runbook(data).entries) == 1
    assert json.loads(add_entry(data, FULL))[0] == json.loads(GOOD)


def test_a_short_old_entry_loads() -> None:
    assert parse_runbook(b'[{"root_cause": "a", "action": "restart", "justification": "b"}]').entries == (
        Entry("a", "restart", "b"),
    )


def test_items_that_are_no_entries_are_skipped_and_named_by_their_place() -> None:
    bad = [
        "1",
        '"text"',
        "null",
        "[]",
        "{}",
        '{"root_cause": 1, "action": "restart"}',
        '{"root_cause": "a", "action": " "}',
    ]
    runbook = parse_runbook(f"[{', '.join([*bad, GOOD])}]".encode())
    assert runbook.entries == (Entry("a", "restart"),)
    assert len(runbook.warnings) == len(bad)
    for number, warning in enumerate(runbook.warnings):
        assert f"entry {number} " in warning
    assert "root_cause and action" in runbook.warnings[4]


def test_a_doubled_key_and_a_doubled_id_are_named() -> None:
    twice = '{"id": "x", "root_cause": "a", "root_cause": "b", "action": "restart"}'
    runbook = parse_runbook(f"[{twice}, {twice.replace('root_cause', 'root_cause', 1)}]".encode())
    assert [entry.root_cause for entry in runbook.entries] == ["b", "b"]
    assert "entry 0 " in runbook.warnings[0]
    assert "root_cause" in runbook.warnings[0]
    assert "'x'" in runbook.warnings[-1]


def test_values_of_a_wrong_kind_are_empty_and_the_entry_stays() -> None:
    text = """[{"root_cause": "a", "action": "restart", "id": 7, "target": null, "evidence": [1, "line", {}],
        "outcome": "verified", "recovered_in_s": "soon", "at": []}, {"root_cause": "a", "action": "restart",
        "evidence": "one\\ntwo", "recovered_in_s": 1e999}]"""
    first, second = parse_runbook(text.encode()).entries
    assert first == Entry("a", "restart", evidence=("line",))
    assert second == Entry("a", "restart", evidence=("one", "two"))


def test_a_number_of_ten_thousand_digits_does_no_harm() -> None:
    assert (
        len(parse_runbook(f'[{{"root_cause": "a", "action": "restart", "n": {"9" * 10_000}}}]'.encode()).entries) == 1
    )


def test_controls_turners_and_lone_surrogates_are_taken_out() -> None:
    text = (
        r'[{"root_cause": "\u202egnp\u202c \u200b\u001b[31m\u0000x", "action": "ignore", "justification": "\ud800y"}]'
    )
    (entry,) = parse_runbook(text.encode()).entries
    assert (entry.root_cause, entry.justification) == ("gnp [31mx", "y")


def test_an_entry_is_written_with_the_keys_of_the_file_and_comes_back() -> None:
    assert list(entry_to_json(FULL)) == [
        "id", "at", "target", "image", "symptom", "class", "evidence", "root_cause", "action", "justification",
        "diagnosed_by", "outcome", "approved_by", "ignored_by", "recovered_in_s", "verification",
    ]  # fmt: skip
    assert parse_runbook(add_entry(b"[]", FULL)).entries == (FULL,)
    assert list(entry_to_json(Entry("a", "ignore"))) == ["root_cause", "action"]


def test_an_entry_deep_enough_for_people_loads() -> None:
    deep = "[" * (DEEPEST - 2) + "]" * (DEEPEST - 2)
    assert len(parse_runbook(f'[{{"root_cause": "a", "action": "restart", "x": {deep}}}]'.encode()).entries) == 1


anything = st.text(st.characters(exclude_categories=[]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_but_that_the_runbook_is_broken(data: bytes) -> None:
    with suppress(RunbookBroken):
        parse_runbook(data)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
values = plain | st.lists(plain, max_size=3) | st.dictionaries(words, plain | st.lists(plain, max_size=2), max_size=3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(words, values, max_size=4)), st.sampled_from([None, 1, 4]), st.booleans())
def test_whatever_people_wrote_an_append_leaves_it_and_adds_one(
    theirs: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    data = json.dumps(theirs, indent=indent, ensure_ascii=ascii_only).encode()
    after = add_entry(data, FULL)
    assert json.loads(after) == [*theirs, entry_to_json(FULL)]
    assert after.startswith(data.rstrip()[:-1].rstrip())
    assert json.loads(add_entry(after, Entry("b", "ignore"))) == [
        *theirs,
        entry_to_json(FULL),
        entry_to_json(Entry("b", "ignore")),
    ]


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        Entry,
        root_cause=anything,
        action=st.just("restart"),
        justification=anything,
        evidence=st.lists(anything).map(tuple),
        recovered_in_s=st.none() | st.floats(),
    )
)
def test_any_entry_can_be_added(entry: Entry) -> None:
    data = add_entry(b"[]", entry)
    data.decode()
    assert len(json.loads(data)) == 1
    parse_runbook(data)


@given(st.lists(st.builds(Entry, st.text(min_size=1).filter(str.strip), st.just("restart"), st.text()), max_size=4))
def test_one_after_another_the_entries_are_those_of_the_whole_file(entries: list[Entry]) -> None:
    data = b"[]"
    for entry in entries:
        assert append_entry(data, entry) == add_entry(data, entry)
        data = add_entry(data, entry)
    assert tuple(stream_entries(data)) == parse_runbook(data).entries


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[", "[1 2]", "[{}", '[{"a": NaN}]', "[] x", "[1,]", "[,1]", "[{'a': 1}]", "[" * 5000, "null", " [ ] ,"],
)
def test_one_after_another_a_fault_is_named_as_in_the_whole_file(text: str) -> None:
    with pytest.raises(RunbookBroken) as whole:
        parse_runbook(text.encode())
    with pytest.raises(RunbookBroken) as parts:
        list(stream_entries(text.encode()))
    assert parts.value.sentence == whole.value.sentence


@pytest.mark.parametrize(
    "text", ["[]", " [ ] ", "\ufeff[1]", '[{"root_cause": "x"}, {"root_cause": "a", "action": "b"}\n]\n']
)
def test_one_after_another_the_blanks_and_what_is_no_entry_are_passed(text: str) -> None:
    assert tuple(stream_entries(text.encode())) == parse_runbook(text.encode()).entries
