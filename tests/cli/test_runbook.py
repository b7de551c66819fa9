"""``aegis runbook``: searched by words and by logs, checked, added to, taken elsewhere and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Aegis, command_line

POOL = "10:02:11 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"
DISK = "10:02:11 ERROR could not write block 17: No space left on device"
ENTRIES: list[dict[str, Any]] = [
    {
        "id": "pool",
        "at": "2026-11-20T10:00:00Z",
        "target": "web",
        "symptom": "QueuePool limit of size <n> overflow <n> reached, connection timed out",
        "class": "resource_exhaustion",
        "evidence": [POOL],
        "root_cause": "hung requests held every connection",
        "action": "restart",
        "outcome": "resolved",
    },
    {
        "id": "disk",
        "target": "db",
        "symptom": "could not write block <n>: No space left on device",
        "class": "disk_full",
        "evidence": [DISK],
        "root_cause": "the volume was full",
        "action": "ignore",
    },
    {"root_cause": "an old, short entry", "action": "restart", "justification": "it helped"},
]


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        Path("runbook.json").write_text(json.dumps(ENTRIES))
        yield run


def log(name: str, line: str) -> str:
    Path(name).write_text("10:00:00 INFO started\n" + f"{line}\n" * 30)
    return name


def test_words_find_entries_best_first_with_why(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "connection", "volume", "full", "--json")
    assert ended.code == 0
    assert [found["id"] for found in ended.json] == ["disk", "pool"]
    assert all(found.keys() == {"id", "score", "why"} for found in ended.json)
    assert ended.json[0]["score"] > ended.json[1]["score"]


def test_a_log_finds_what_is_like_it(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--logs", log("log", POOL), "--target", "web", "--json")
    assert [found["id"] for found in ended.json] == ["pool"]
    assert ended.json[0]["why"]


def test_several_logs_give_one_line_each(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--logs", log("a", POOL), "--logs", log("b", DISK), "--json")
    assert [[found["id"] for found in line] for line in ended.lines] == [["pool"], ["disk"]]


def test_a_shells_pattern_may_follow_logs(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--logs", log("a", POOL), log("b", DISK), log("c", "nothing known"), "--json")
    assert [[found["id"] for found in line] for line in ended.lines] == [["pool"], ["disk"], []]


def test_a_log_comes_from_standard_input_too(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--logs", "-", "--json", stdin=f"{DISK}\n".encode() * 9)
    assert [found["id"] for found in ended.json] == ["disk"]


def test_a_log_that_cannot_be_read_does_not_stop_the_others(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--logs", "nope", log("b", DISK), "--json")
    assert (ended.code, len(ended.lines)) == (1, 1)
    assert "nope cannot be read" in ended.err


def test_no_more_than_the_limit_is_found(aegis: Aegis) -> None:
    assert len(aegis("runbook", "search", "a", "--limit", "1", "--json").json) == 1


def test_nothing_that_fits_is_an_empty_list(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "zebra", "--json")
    assert (ended.code, ended.json) == (0, [])
    assert aegis("runbook", "search", "zebra").out == "No runbook entry matches.\n"


def test_a_search_needs_words_or_logs(aegis: Aegis) -> None:
    ended = aegis("runbook", "search", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert "give words, or a log with --logs" in ended.err


def test_people_read_a_table(aegis: Aegis) -> None:
    out = aegis("runbook", "search", "volume").out
    assert "the volume was full" in out
    assert "disk" in out


def test_the_newest_entries_are_listed_newest_last(aegis: Aegis) -> None:
    ended = aegis("runbook", "list", "--limit", "2", "--json")
    assert [entry["root_cause"] for entry in ended.json] == ["the volume was full", "an old, short entry"]
    assert aegis("runbook", "list").out.index("hung requests") < aegis("runbook", "list").out.index("an old, short")


def test_without_a_runbook_it_is_empty(aegis: Aegis) -> None:
    Path("runbook.json").unlink()
    assert aegis("runbook", "list").out == "The runbook is empty.\n"
    assert aegis("runbook", "search", "--logs", log("a", POOL), "--json").json == []


def test_a_good_runbook_is_checked(aegis: Aegis) -> None:
    ended = aegis("runbook", "check")
    assert (ended.code, ended.out) == (0, "3 valid entries.\n")


def test_entries_that_cannot_be_used_are_named(aegis: Aegis) -> None:
    Path("runbook.json").write_text(json.dumps([*ENTRIES, {"action": "restart"}, 5]))
    ended = aegis("runbook", "check")
    assert ended.code == 1
    assert "entry 3 (the first is 0) is not used: it has no text for root_cause." in ended.out
    assert "entry 4 (the first is 0) is not used: it is not an object" in ended.out


@pytest.mark.parametrize("words", [("check",), ("list", "--json"), ("search", "x", "--json"), ("export",)])
def test_a_broken_runbook_is_named_with_its_place_and_left_alone(aegis: Aegis, words: tuple[str, ...]) -> None:
    broken = '[\n  {"root_cause": "x" "action": "restart"}\n]'
    Path("runbook.json").write_text(broken)
    ended = aegis("runbook", *words)
    assert (ended.code, ended.out) == (1, "")
    assert "runbook.json cannot be understood: line 2, column 22" in ended.err
    assert Path("runbook.json").read_text() == broken


def test_an_entry_is_added_by_hand_and_found_again_by_its_line(aegis: Aegis) -> None:
    line = "2026-11-22 10:00:00 ERROR worker 17 lost its lease after 30 s"
    ended = aegis(
        "runbook", "add", "--root-cause", "clock skew", "--justification", "NTP was off", "--action", "ignore",
        "--target", "web", "--symptom", line,
    )  # fmt: skip
    assert ended.code == 0
    added = json.loads(Path("runbook.json").read_text())[-1]
    assert ended.out == f"Added entry {added['id']}.\n"
    assert (added["root_cause"], added["action"], added["target"]) == ("clock skew", "ignore", "web")
    found = aegis("runbook", "search", "--logs", log("a", line.replace("17", "99")), "--target", "web", "--json")
    assert found.json[0]["id"] == added["id"]


def test_a_root_cause_that_is_not_given_is_asked_for(aegis: Aegis) -> None:
    ended = aegis("runbook", "add", stdin=b"clock skew\n")
    assert ended.code == 0
    assert json.loads(Path("runbook.json").read_text())[-1]["root_cause"] == "clock skew"


def test_what_was_exported_comes_in_elsewhere_once(aegis: Aegis) -> None:
    exported = aegis("runbook", "export")
    assert [entry["root_cause"] for entry in exported.json] == [entry["root_cause"] for entry in ENTRIES]
    Path("other.json").write_text(exported.out)
    Path("runbook.json").unlink()
    assert aegis("runbook", "import", "other.json").out == "3 added, 0 already present.\n"
    assert aegis("runbook", "import", "other.json").out == "0 added, 3 already present.\n"
    assert [entry["root_cause"] for entry in json.loads(Path("runbook.json").read_text())] == [
        entry["root_cause"] for entry in ENTRIES
    ]


def test_what_cannot_be_imported_is_told_and_nothing_is_added(aegis: Aegis) -> None:
    Path("broken.json").write_text("[{")
    before = Path("runbook.json").read_bytes()
    for name, said in (
        ("nope.json", "nope.json does not exist."),
        ("broken.json", "broken.json cannot be understood"),
    ):
        ended = aegis("runbook", "import", name)
        assert ended.code == 1
        assert said in ended.err
    assert Path("runbook.json").read_bytes() == before


def test_the_runbook_of_the_settings_is_used(aegis: Aegis) -> None:
    Path("elsewhere.json").write_text("[]")
    assert aegis("runbook", "list", AEGIS_RUNBOOK="elsewhere.json").out == "The runbook is empty.\n"
