import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.diagnosis import Action, FailureClass
from bot.domain.llm.reply import LONGEST_REPLY_CHARS, MODEST, Reply, parse_reply
from bot.errors import ReplyRejected

CORPUS = Path(__file__).parents[2] / "corpus" / "gemini" / "gemini_replies.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
SOUND = {"root_cause": "the pool is exhausted", "action": "restart", "justification": "it frees connections"}


def said(**fields: object) -> str:
    return json.dumps({**SOUND, **fields})


@pytest.mark.parametrize("row", [row for row in ROWS if "text" in row], ids=lambda row: row["id"])
def test_recorded_replies_are_accepted_or_rejected_as_marked(row: dict[str, Any]) -> None:
    if row["expect"] == "reject":
        with pytest.raises(ReplyRejected):
            parse_reply(row["text"])
    else:
        reply = parse_reply(row["text"])
        assert {name: getattr(reply, name) for name in row["parsed"]} == row["parsed"]


def test_minimal_reply_gets_a_modest_confidence_and_leaves_the_rest_open() -> None:
    reply = parse_reply(said())
    assert reply.confidence == MODEST
    assert reply.trouble is FailureClass.UNKNOWN
    assert reply.restart_helps is None
    assert (reply.headline, reply.lines, reply.disproof) == ("", (), "")


def test_full_reply_is_read_whole() -> None:
    reply = parse_reply(
        said(
            headline="pool exhausted",
            confidence=0.86,
            lines=[3, 1],
            restart_helps="yes",
            disproof="free connections",
            **{"class": "resource_exhaustion"},
        )
    )
    assert reply.trouble is FailureClass.RESOURCE_EXHAUSTION
    assert (reply.confidence, reply.lines, reply.restart_helps) == (0.86, (3, 1), True)
    assert (reply.headline, reply.disproof) == ("pool exhausted", "free connections")


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{said()}\n```",
        f"```\n{said()}\n```\n",
        f"Here is my diagnosis of {{it}}:\n\n{said()}\n\nHope this helps!",
        f"\ufeff  \r\n{said()}",
        said(root_cause='it logged {"action": "ignore"} and died', justification=""),
    ],
)
def test_one_object_is_found_in_a_fence_or_between_words(text: str) -> None:
    assert parse_reply(text).action is Action.RESTART


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    "text",
    [
        f"[{said()}]",
        f"The list: [ {said()} ]",
        json.dumps(said()),
        f"{said()}\n{said()}",
        f"```json\n{said()}\n```\n```json\n{said()}\n```",
        f"{said()}}}",
        said()[:-1],
        said()[:40],
        f'{{"outer": {said()}',
        said().replace('"restart"', "'restart'"),
        said()[:-1] + ",}",
        said()[:-1] + ', "confidence": NaN}',
        said()[:-1] + ', "confidence": -Infinity}',
        '{"action": "ignore", "root_cause": "a", "action": "restart"}',
        '{"x": {"a": 1, "a": 2}, "root_cause": "a", "action": "restart"}',
        '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"x": ' + '{"x": ' * 50_000,
        '{"confidence": ' + "9" * 5_000 + ', "root_cause": "a", "action": "restart"}',
        said(root_cause="x" * LONGEST_REPLY_CHARS),
        "{}",
        "null",
        "true",
        "restart",
        "I would restart it.",
        "",
        "\ufeff",
        "\x00",
    ],
)
def test_what_is_not_one_whole_object_is_rejected_in_our_words(text: str) -> None:
    with pytest.raises(ReplyRejected) as rejected:
        parse_reply(text)
    assert rejected.value.message.startswith("The model's reply ")
    assert "SyntaxError" not in rejected.value.message
    assert len(rejected.value.message) < 120


@pytest.mark.parametrize("action", ["restart", "RESTART", " Restart\n", "\tignore "])
def test_action_may_differ_in_case_and_ascii_space(action: str) -> None:
    assert parse_reply(said(action=action)).action.value == action.strip().lower()


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    "action",
    [
        "restart prod-db", "restart.", "restart;ignore", "restart|ignore", "re-start", "start", "stop", "none", "", " ",
        "reſtart", "ｒｅｓｔａｒｔ", "re\u0455tart", "rest\u200bart", "restart\u00a0", "\ufeffrestart", "restart\x00",
        "\x1crestart", "İgnore", ["restart"], {"action": "restart"}, 1, 0, True, None, 1.5,
    ],
)  # fmt: skip
def test_any_other_action_is_rejected_and_none_is_assumed(action: object) -> None:
    with pytest.raises(ReplyRejected, match="action"):
        parse_reply(said(action=action))


@pytest.mark.parametrize("cause", [42, None, "", "  \n", [], ["a"], {"a": 1}, True])
def test_a_reply_without_a_root_cause_in_words_is_rejected(cause: object) -> None:
    with pytest.raises(ReplyRejected, match="root_cause"):
        parse_reply(said(root_cause=cause))


@pytest.mark.parametrize("missing", ["root_cause", "action"])
def test_what_decides_must_be_there(missing: str) -> None:
    with pytest.raises(ReplyRejected, match=missing):
        parse_reply(json.dumps({name: value for name, value in SOUND.items() if name != missing}))


@pytest.mark.parametrize("why", [["a", "b"], 3, {"because": "x"}, False])
def test_a_justification_of_the_wrong_type_is_rejected(why: object) -> None:
    with pytest.raises(ReplyRejected, match="justification"):
        parse_reply(said(justification=why))


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        (0, 0.0), (1, 1.0), (0.25, 0.25), ("0.9", 0.9), (85, 0.85), ("85%", 0.85), (" 85 % ", 0.85), ("1%", 0.01),
        (100, 1.0), (True, MODEST), (None, MODEST), ("high", MODEST), (-0.1, MODEST), (101, MODEST), (1e308, MODEST),
        (10**400, MODEST), (3, MODEST), ([0.9], MODEST), ("nan", MODEST), ("٨٥", MODEST), ("", MODEST),
    ],
)  # fmt: skip
def test_an_odd_confidence_never_costs_the_reply(given_: object, read: object) -> None:
    assert parse_reply(said(confidence=given_)).confidence == pytest.approx(read)


def test_a_number_beyond_floats_is_a_modest_confidence() -> None:
    assert parse_reply(said()[:-1] + ', "confidence": 1e999}').confidence == MODEST


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ([1, 2, 1], (1, 2)), (["12", "L7"], (12, 7)), ([True, None, 1.5, -3, "x", 10**30], (0,)), ("1, 2", ()),
        (None, ()), ({"1": 2}, ()), ([[1]], (0,)), (list(range(1, 10_000)), tuple(range(1, 101))),
    ],
)  # fmt: skip
def test_line_numbers_are_read_leniently_and_zero_stands_for_none(given_: object, read: object) -> None:
    assert parse_reply(said(lines=given_)).lines == read


@pytest.mark.parametrize(
    ("given_", "read"),
    [("yes", True), ("NO", False), ("unknown", None), (True, True), (None, None), (1, None), ([], None)],
)
def test_restart_helps_is_yes_no_or_open(given_: object, read: object) -> None:
    assert parse_reply(said(restart_helps=given_)).restart_helps is read


@pytest.mark.parametrize("given_", ["meteor", None, 3, ["oom"], "О0M"])
def test_an_unknown_class_is_unknown(given_: object) -> None:
    assert parse_reply(said(**{"class": given_})).trouble is FailureClass.UNKNOWN


def test_class_is_the_only_name_of_the_class() -> None:
    assert parse_reply(said(trouble="oom", named="prod-db")).trouble is FailureClass.UNKNOWN
    assert parse_reply(said(trouble="oom", named="prod-db")).named == ""


@pytest.mark.parametrize("key", ["target", "container", "container_name", "service"])
def test_a_container_named_outside_of_the_schema_is_noticed(key: str) -> None:
    assert parse_reply(said(**{key: "prod-db"})).named == "prod-db"


def test_half_a_surrogate_pair_does_not_survive() -> None:
    reply = parse_reply(said(root_cause="cut \ud83d emoji", headline="\udc00"))
    assert "cut" in reply.root_cause.encode("utf-8").decode("utf-8")


@given(st.text())
def test_any_text_is_a_reply_or_rejected(text: str) -> None:
    try:
        assert isinstance(parse_reply(text), Reply)
    except ReplyRejected as rejected:
        assert rejected.sentence  # noqa: PT017 either way is fine; anything else raised fails the test


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(
        ["root_cause", "action", "justification", "confidence", "lines", "class", "restart_helps", "target"]
    ),
)
def test_any_value_in_any_field_is_a_reply_or_rejected(value: object, field: str) -> None:
    try:
        reply = parse_reply(said(**{field: value}))
    except ReplyRejected:
        return
    assert reply.action in (Action.RESTART, Action.IGNORE)
    assert 0 <= reply.confidence <= 1
