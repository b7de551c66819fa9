"""Cases, marks and the run of ``aegis eval``; the project's own cases by the rules, as the README says."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.diagnosis import PROPOSED_ACTIONS, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, LogDigest, LogLine
from bot.domain.target import parse_target
from bot.errors import AegisError
from bot.evals import case as eval_case
from bot.evals.case import Case
from bot.evals.grade import Mark, mark, stated, total
from bot.evals.report import totals
from bot.evals.run import Report
from tests.support.command_line import Aegis, command_line
from tests.support.gemini_endpoint import SOUND, GeminiEndpoint, fails, gemini_endpoint, says

EVALS = Path(__file__).parents[1] / "evals"
ROOT = Path(__file__).parents[2]
POOL = "10:02:11 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out"
CASE = f"""
target = "shop"
alert = "HighErrorRate shop"
class = "resource_exhaustion"
cause = ["pool|connections"]
restart_helps = "yes"
keep = ["QueuePool limit"]
log = '''
10:00:00 INFO served
{POOL}
'''
[facts]
status = "running"
health = "unhealthy"
[usage]
memory = 5
memory_limit = 10
[[neighbours]]
name = "shop-db"
status = "running"
"""
SAID = Diagnosis(
    headline="connection pool exhausted",
    root_cause="All connections of the pool are in use.",
    action=Action.RESTART,
    justification="Because.",
    confidence=0.8,
    trouble=FailureClass.RESOURCE_EXHAUSTION,
    restart_helps=True,
    quotes=(Quote(2, POOL),),
)


def written(folder: Path, text: str = CASE, name: str = "pool.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def marked(said: Diagnosis, folder: Path, text: str = CASE, **more: Any) -> Mark:
    case = eval_case.load(written(folder, text))
    return mark(case, case.evidence(), said, seconds=0.1, model=more.pop("model", False))


# A case


def test_a_case_becomes_the_evidence_that_aegis_would_have_read(tmp_path: Path) -> None:
    case = eval_case.load(written(tmp_path))
    evidence = case.evidence()
    assert (case.name, case.trouble, case.helps) == ("pool", FailureClass.RESOURCE_EXHAUSTION, True)
    assert list(case.actions) == [Action.RESTART]
    assert evidence.facts is not None
    assert (evidence.facts.name, evidence.facts.health) == ("shop", "unhealthy")
    assert POOL in [line.text for line in evidence.log.lines]
    assert evidence.usage is not None
    assert [one.name for one in evidence.neighbours] == ["shop-db"]
    assert {source.name: source.status.value for source in evidence.sources} == {"state": "ok", "logs": "ok"}


def test_a_case_may_be_json_with_its_log_beside_it(tmp_path: Path) -> None:
    (tmp_path / "x.log.gz").write_bytes(gzip.compress(POOL.encode() + b"\n"))
    given = {"target": "a", "class": "none", "cause": ["x"], "restart_helps": "unknown", "log_file": "x.log.gz"}
    case = eval_case.load(written(tmp_path, json.dumps(given), "x.json"))
    assert case.evidence().log.total_lines == 1
    assert case.helps is None
    assert set(case.actions) == set(PROPOSED_ACTIONS)


def test_a_log_of_a_case_is_redacted_like_any_other(tmp_path: Path) -> None:
    case = eval_case.load(written(tmp_path, CASE.replace("INFO served", "INFO db_password=hunter2secret")))
    assert not any("hunter2secret" in line.text for line in case.evidence().log.lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target = ", "not valid TOML or JSON"),
        (CASE.replace('target = "shop"\n', ""), "check target"),
        (CASE.replace("resource_exhaustion", "bad_luck"), "check class"),
        (CASE.replace('cause = ["pool|connections"]', "cause = []"), "check cause"),
        (f"colour = 1\n{CASE}", "check colour"),
    ],
)
def test_a_case_that_cannot_be_understood_is_named_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(AegisError, match=said) as error:
        eval_case.load(written(tmp_path, text))
    assert "pool.toml" in error.value.message


def test_a_log_that_is_missing_is_named(tmp_path: Path) -> None:
    case = eval_case.load(written(tmp_path, f'log_file = "gone.log"\n{CASE}'))
    with pytest.raises(AegisError, match=r"gone\.log"):
        case.evidence()


def test_cases_are_found_in_folders_and_by_name_once_each(tmp_path: Path) -> None:
    first, second = written(tmp_path, name="b.toml"), written(tmp_path, name="a.toml")
    written(tmp_path, name="notes.md")
    assert eval_case.find([str(tmp_path), str(first)]) == (second, first)
    with pytest.raises(AegisError, match="nowhere does not exist"):
        eval_case.find(["nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(AegisError, match="no cases"):
        eval_case.find([str(tmp_path / "empty")])


# Marks


def test_a_right_diagnosis_gets_all_marks(tmp_path: Path) -> None:
    one = marked(SAID, tmp_path)
    assert (one.trouble, one.cause, one.action, one.helps, one.digest_complete, one.verbatim) == (True,) * 6
    assert one.fell_back == ""


def test_words_of_the_log_in_quotation_marks_are_not_a_stated_cause(tmp_path: Path) -> None:
    quoting = replace(
        SAID, headline="something broke", root_cause='The log says "connections of the pool are used up".'
    )
    assert "pool" not in stated(quoting)
    assert not marked(quoting, tmp_path).cause


def test_every_item_of_the_cause_has_to_be_stated(tmp_path: Path) -> None:
    text = CASE.replace('["pool|connections"]', '["pool|connections", "twenty|20"]')
    assert not marked(SAID, tmp_path, text).cause
    assert marked(replace(SAID, root_cause="Twenty of 20 connections are in use."), tmp_path, text).cause


def test_a_word_within_another_does_not_count(tmp_path: Path) -> None:
    assert not marked(replace(SAID, headline="a whirlpool", root_cause="A carpool."), tmp_path).cause


def test_a_printed_line_that_is_not_in_the_log_is_seen(tmp_path: Path) -> None:
    assert not marked(replace(SAID, quotes=(Quote(2, POOL.upper()),)), tmp_path).verbatim


def test_a_line_that_did_not_survive_is_seen(tmp_path: Path) -> None:
    case = eval_case.load(written(tmp_path))
    evidence = Evidence(parse_target("shop"), "", None, log=LogDigest((LogLine(1, "10:00:00 INFO served"),), 2))
    assert not mark(case, evidence, replace(SAID, quotes=()), seconds=0, model=False).digest_complete


def test_where_nobody_can_know_whether_a_restart_helps_any_action_is_right(tmp_path: Path) -> None:
    text = CASE.replace('restart_helps = "yes"', 'restart_helps = "unknown"')
    assert marked(replace(SAID, action=Action.IGNORE, restart_helps=None), tmp_path, text).action
    assert not marked(replace(SAID, action=Action.IGNORE), tmp_path).action


def test_report_keeps_its_keys(tmp_path: Path) -> None:
    mark = marked(SAID, tmp_path)
    report = Report("rules", 1, (mark,), total([mark])).json()
    assert set(report) == {"brain", "times", "total", "results"}
    assert {"class", "restart_helps", "kept", "sure_and_wrong", "verbatim", "fell_back"} <= set(report["total"])  # type: ignore[call-overload]
    assert {"said", "action_said", "helps_said"} <= set(report["results"][0])  # type: ignore[index]


def test_marks_are_added_up(tmp_path: Path) -> None:
    right = marked(SAID, tmp_path)
    wrong = replace(right, trouble=False, misleading=True, confidence=0.6, tokens=10)
    added = total([right, wrong, wrong])
    assert (added.cases, added.runs, added.trouble, added.confident_errors) == (1, 3, 0.3333, 2)
    assert (added.misled, added.misleading, added.tokens) == (2, 0.0, 20)
    with pytest.raises(ValueError, match="no marks"):
        total([])


# The command


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


def test_the_table_says_what_was_wrong(aegis: Aegis, tmp_path: Path) -> None:
    written(tmp_path, CASE.replace("resource_exhaustion", "dns"), "other.toml")
    written(tmp_path)
    ended = aegis("eval", ".")
    assert ended.code == 0
    assert "resource_exhaustion, not dns" in " ".join(ended.out.split())
    assert "2 cases, rule-based" in ended.out
    assert "right class: 50%" in ended.out


def test_the_report_is_json(aegis: Aegis, tmp_path: Path) -> None:
    written(tmp_path)
    ended = aegis("eval", "pool.toml", "--times", "3", "--json", "-")
    report = ended.json
    assert (report["brain"], report["times"], len(report["results"])) == ("rules", 3, 3)
    assert report["total"]["class"] == report["total"]["restart_helps"] == 1.0
    assert {"case", "class", "cause", "action", "restart_helps", "verbatim", "tokens", "seconds"} <= set(
        report["results"][0]
    )
    assert aegis("eval", "pool.toml", "--json", "report.json").code == 0
    assert json.loads((tmp_path / "report.json").read_text())["total"]["cases"] == 1


def test_a_share_that_is_too_low_fails(aegis: Aegis, tmp_path: Path) -> None:
    written(tmp_path, CASE.replace("resource_exhaustion", "dns"))
    assert aegis("eval", ".").code == 0
    for option in ("--min-class-accuracy", "--at-least"):
        ended = aegis("eval", ".", option, "75")
        assert ended.code == 1
        assert "class accuracy 0.0%, required 75%" in ended.err
    assert aegis("eval", ".", "--min-restart-accuracy", "75").code == 0
    written(tmp_path, CASE.replace('restart_helps = "yes"', 'restart_helps = "no"'))
    for option in ("--min-restart-accuracy", "--helps-at-least"):
        assert "restart accuracy 0.0%, required 75%" in aegis("eval", ".", option, "75").err


def test_the_old_names_of_options_are_not_in_the_help(aegis: Aegis) -> None:
    shown = aegis("eval", "--help").out
    assert "--min-class-accuracy" in shown
    assert "at-least" not in shown


@pytest.mark.parametrize("words", [("nowhere",), (".",), ("pool.toml", "--json", "no/such/folder.json")])
def test_what_cannot_be_used_is_said_in_a_sentence(aegis: Aegis, tmp_path: Path, words: tuple[str, ...]) -> None:
    if words != (".",):
        written(tmp_path)
    ended = aegis("eval", *words)
    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_facts_that_cannot_be_understood_are_said_in_a_sentence(aegis: Aegis, tmp_path: Path) -> None:
    written(tmp_path, CASE.replace('status = "running"', "exit_code = [1]", 1))
    ended = aegis("eval", ".")
    assert (ended.code, "Traceback" in ended.err) == (1, False)
    assert "facts cannot be understood" in ended.err


# By the model


@pytest.fixture
async def gemini() -> Any:
    async with gemini_endpoint() as running:
        yield running


async def test_the_model_is_asked_and_its_tokens_are_counted(
    gemini: GeminiEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await evaluated(gemini, tmp_path, monkeypatch, says({**SOUND, "lines": [2]}, tokens=4321))
    (result,) = report.marks
    assert (report.diagnoser, result.by, result.tokens, result.trouble) == ("gemini-3.5-flash-lite",) * 2 + (4321, True)
    assert POOL in gemini.requests[0].text
    assert report.total.fell_back == 0


async def test_a_model_that_fails_is_told_from_the_rules(
    gemini: GeminiEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await evaluated(gemini, tmp_path, monkeypatch, fails(400))
    (result,) = report.marks
    assert (result.by, bool(result.fell_back), report.total.fell_back) == ("rules", True, 1)
    shown = "\n".join(str(line) for line in totals(report.diagnoser, 1, report.total))
    assert "the model gave no usable answer: 1" in shown


async def evaluated(gemini: GeminiEndpoint, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: Any) -> Any:
    from bot.evals.run import run  # noqa: PLC0415 - beside its one use
    from bot.settings import load  # noqa: PLC0415
    from bot.wiring.diagnosis import make_model, make_runtime  # noqa: PLC0415

    gemini.script(answer)
    monkeypatch.chdir(folder)
    settings = load({"GEMINI_API_KEY": "not-a-real-key", "AEGIS_GEMINI_ENDPOINT": gemini.url})
    seen: list[Mark] = []
    cases = [eval_case.load(written(folder))]
    report = await run(make_model(settings), make_runtime(settings), cases, times=1, jobs=2, done=seen.append)
    assert tuple(seen) == report.marks
    return report


# The project's own cases


def test_the_log_of_the_run_before_is_told_from_the_present_one(tmp_path: Path) -> None:
    before = "before = '''\n09:00:00 ERROR disk full\n'''\n[facts]"
    case = eval_case.load(written(tmp_path, CASE.replace("[facts]", before)))
    lines = case.evidence().log.lines
    assert [line.earlier for line in lines] == [True, False, False]
    assert [line.number for line in lines] == [1, 2, 3]


@pytest.fixture(scope="module")
def own() -> list[Case]:
    return [eval_case.load(file) for file in eval_case.find([str(EVALS)])]


def test_there_are_cases_of_every_class_and_many_that_mislead(own: list[Case]) -> None:
    assert {case.trouble for case in own} == set(FailureClass)
    assert len(own) >= 30
    assert sum(1 for case in own if case.misleading) >= 8


def test_no_case_leaves_its_lines_to_be_guessed(own: list[Case]) -> None:
    for case in own:
        assert case.keep or case.facts is not None or not case.log.strip() or case.trouble is FailureClass.UNKNOWN, (
            case.name
        )
        assert case.text().decode().count("\n") < 10_000, case.name


def test_the_rules_are_as_good_as_documented(aegis: Aegis) -> None:
    report = aegis("eval", str(EVALS), "--json", "-", "--min-class-accuracy", "75", "--min-restart-accuracy", "85").json
    counted = report["total"]
    document = (ROOT / "docs/accuracy.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z ]+?) \| ([\d.]+) ?%? \|$", document, re.MULTILINE))
    figures = {
        "cases": counted["cases"],
        "cases that mislead": counted["misled"],
        "right class": 100 * counted["class"],
        "right class where the evidence misleads": 100 * counted["misleading"],
        "stated cause": 100 * counted["cause"],
        "right action": 100 * counted["action"],
        "whether a restart helps": 100 * counted["restart_helps"],
        "decisive lines kept": 100 * counted["kept"],
        "printed lines word for word": 100 * counted["verbatim"],
    }
    assert {name: rows.get(name) for name in figures} == {
        name: f"{value:.1f}".removesuffix(".0") for name, value in figures.items()
    }
