import asyncio
import gc
import json
import logging
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.llm import gemini as adapter
from bot.adapters.llm.gemini import make_diagnoser
from bot.domain.llm.prompt import SCHEMA, Prompt
from bot.domain.llm.reply import parse_reply
from bot.errors import ModelError, ModelUnavailable, ReplyRejected, SettingsError
from tests.support.gemini_endpoint import (
    SOUND,
    GeminiEndpoint,
    Scripted,
    blocks,
    calls,
    disconnects,
    drips,
    fails,
    gemini_endpoint,
    hangs,
    raw,
    response,
    says,
    stops,
)

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "corpus" / "gemini" / "gemini_replies.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
KEY = "AIza-not-a-real-key-0123456789"
FULL = Prompt("the instructions", "all the evidence", SCHEMA, 5_000)
SHORTER = Prompt("the instructions", "less evidence", SCHEMA, 2_700)
NOW = 0.0
"""Seconds that the endpoint asks to wait where a test does not want to."""


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiEndpoint]:
    async with gemini_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(params=["google-generativeai", "google-genai"])
def sdk(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(gemini: GeminiEndpoint, sdk: str) -> adapter.Gemini:
    return make_diagnoser(sdk=sdk, api_key=KEY, model="gemini-3.5-flash-lite", endpoint=gemini.url, timeout=10)


def impatient(gemini: GeminiEndpoint, sdk: str) -> adapter.Gemini:
    return make_diagnoser(sdk=sdk, api_key=KEY, model="gemini-3.5-flash-lite", endpoint=gemini.url, timeout=0.5)


async def test_the_reply_comes_back_with_model_tokens_and_seconds(
    gemini: GeminiEndpoint, model: adapter.Gemini
) -> None:
    reply = await model.ask((FULL, SHORTER))
    assert json.loads(reply.text) == SOUND
    assert (reply.model, reply.tokens) == ("gemini-3.5-flash-lite", 4321)
    assert reply.seconds > 0
    assert len(gemini.requests) == 1


async def test_the_request_is_json_mode_with_the_schema_and_room_for_thoughts(
    gemini: GeminiEndpoint, model: adapter.Gemini
) -> None:
    await model.ask((FULL,))
    sent = gemini.requests[0]
    assert (sent.model, sent.system, sent.text) == ("gemini-3.5-flash-lite", "the instructions", "all the evidence")
    assert sent.config["responseMimeType"] == "application/json"
    assert sent.config["maxOutputTokens"] >= 4096
    assert {name: inner["type"] for name, inner in sent.schema["properties"].items()} == {
        name: inner["type"]
        for name, inner in SCHEMA["properties"].items()  # type: ignore[attr-defined]
    }
    assert sent.schema["properties"]["action"]["enum"] == ["restart", "ignore"]
    assert sorted(sent.schema["required"]) == sorted(SCHEMA["required"])  # type: ignore[call-overload]
    assert "tools" not in sent.body
    assert "temperature" not in sent.config


async def test_the_key_goes_in_a_header_and_not_in_the_address(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    await model.ask((FULL,))
    assert gemini.requests[0].key == KEY
    assert "key=" not in gemini.requests[0].query


async def test_asking_leaves_the_schema_as_it_was(model: adapter.Gemini) -> None:
    before = json.dumps(SCHEMA)
    await model.ask((FULL,))
    assert json.dumps(SCHEMA) == before


async def test_text_in_several_parts_is_joined(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.script(says(SOUND, parts=7))
    assert json.loads((await model.ask((FULL,))).text) == SOUND


@pytest.mark.parametrize("row", [row for row in ROWS if "response" in row], ids=lambda row: row["id"])
async def test_recorded_responses_are_accepted_or_rejected_as_marked(
    gemini: GeminiEndpoint, model: adapter.Gemini, row: dict[str, Any]
) -> None:
    gemini.script(response(row["response"]))
    if row["expect"] == "reject":
        with pytest.raises(ModelError):
            parse_reply((await model.ask((FULL,))).text)
    else:
        assert parse_reply((await model.ask((FULL,))).text).root_cause == row["parsed"]["root_cause"]


@pytest.mark.fault(37)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_passes_is_tried_again(gemini: GeminiEndpoint, model: adapter.Gemini, status: int) -> None:
    gemini.script(fails(status, retry_after=NOW), fails(status, retry_after=NOW))
    assert (await model.ask((FULL,))).tokens == 4321
    assert len(gemini.requests) == 3


async def test_tries_without_a_named_wait_are_spread_and_end(
    gemini: GeminiEndpoint, model: adapter.Gemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("bot.adapters.llm.gemini.asyncio.sleep", sleep)
    gemini.default = fails(503)
    with pytest.raises(ModelUnavailable, match="overloaded or down"):
        await model.ask((FULL,))
    assert len(gemini.requests) == 4
    assert all(pause <= wait <= 1.3 * pause for pause, wait in zip(adapter.GEMINI_RETRY_PAUSES_S, waits, strict=True))


@pytest.mark.fault(37)
async def test_a_wait_that_does_not_fit_is_not_begun(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.script(fails(429, "quota", retry_after=37.5))
    with pytest.raises(ModelUnavailable, match="rate limit or quota"):
        await model.ask((FULL,))
    assert len(gemini.requests) == 1


async def test_a_connection_that_breaks_is_tried_again(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.script(disconnects())
    assert (await model.ask((FULL,))).tokens == 4321


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        (fails(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID"), "GEMINI_API_KEY"),
        (fails(401, "no"), "GEMINI_API_KEY"),
        (fails(403, "Your API key was reported as leaked."), "GEMINI_API_KEY"),
        (fails(404, "models/gemini-x is not found for API version v1beta"), "AEGIS_GEMINI_MODEL"),
        (fails(400, "JSON mode is not enabled for this model"), "AEGIS_GEMINI_MODEL"),
        (fails(400, "User location is not supported for the API use."), "AEGIS_GEMINI_ENDPOINT"),
    ],
)
async def test_a_wrong_setting_is_named_and_not_tried_again(
    gemini: GeminiEndpoint, model: adapter.Gemini, answer: Scripted, setting: str
) -> None:
    gemini.default = answer
    with pytest.raises(ModelUnavailable) as failed:
        await model.ask((FULL,))
    assert setting in failed.value.sentence
    assert len(gemini.requests) <= 3  # google-auth itself asks again after a 401


@pytest.mark.fault(39)
@pytest.mark.parametrize("status", [400, 403, 404, 429])
async def test_the_key_is_in_no_error_and_no_log(
    gemini: GeminiEndpoint, model: adapter.Gemini, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gemini.default = fails(status, f"bad key {KEY} at https://x/?key={KEY}", reason=KEY, retry_after=60)
    with pytest.raises(ModelUnavailable) as failed:
        await model.ask((FULL,))
    assert KEY not in "".join(traceback.format_exception(failed.value))
    assert KEY not in failed.value.sentence + failed.value.detail + repr(failed.value)
    assert KEY not in "".join(record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG)


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    "answer",
    [
        raw(b"<!DOCTYPE html><html><body>Sign in to the WiFi</body></html>"),
        raw(b"", content_type="application/json"),
        raw(b"[1, 2]", content_type="application/json"),
        raw(b'{"candidates": "none"}', content_type="application/json"),
        raw(b'{"candidates": [{"content": {"parts": "x"}, "finishReason": "STOP"}]}', content_type="application/json"),
        raw(b"\xff\xfe\x00", content_type="application/json"),
        raw(b'{"candidates": [' + b"[" * 5_000, content_type="application/json"),
        raw(b"not found", status=404),
        raw(b'[{"error": {"code": 400}}]', status=400, content_type="application/json"),
        raw(b'"no"', status=418, content_type="application/json"),
        response({}),
        response({"candidates": []}),
        response({"candidates": [{}]}),
        response({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]}),
        says(""),
        says("  \n"),
        calls("docker_restart", container="prod-db"),
        stops("SAFETY"),
        stops("RECITATION"),
        stops("SPII"),
        stops("MAX_TOKENS"),
        stops("A_REASON_OF_NEXT_YEAR"),
        says(SOUND, finish="SAFETY"),
        says(SOUND, finish="OTHER"),
        blocks("SAFETY"),
        blocks("A_REASON_OF_NEXT_YEAR"),
    ],
)
async def test_anything_but_an_answer_is_a_model_error(
    gemini: GeminiEndpoint, model: adapter.Gemini, answer: Scripted
) -> None:
    gemini.default = answer
    with pytest.raises(ModelError) as failed:
        await model.ask((FULL,))
    assert failed.value.sentence.endswith(".")
    assert "Traceback" not in failed.value.sentence
    assert len(gemini.requests) == 1


async def test_a_blocked_question_says_so(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.script(blocks("PROHIBITED_CONTENT"))
    with pytest.raises(ReplyRejected, match=r"filter stopped the question \(PROHIBITED_CONTENT\)"):
        await model.ask((FULL,))


@pytest.mark.fault(40)
@pytest.mark.parametrize("cut", [stops("MAX_TOKENS"), says('{"root_cause": "it ', finish="MAX_TOKENS")])
async def test_an_answer_cut_off_is_asked_for_once_more_with_less_evidence(
    gemini: GeminiEndpoint, model: adapter.Gemini, cut: Scripted
) -> None:
    gemini.script(cut)
    reply = await model.ask((FULL, SHORTER))
    assert [sent.text for sent in gemini.requests] == ["all the evidence", "less evidence"]
    assert json.loads(reply.text) == SOUND
    assert reply.tokens > 4321


@pytest.mark.fault(40)
async def test_an_answer_cut_off_twice_is_given_up(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.default = stops("MAX_TOKENS")
    with pytest.raises(ReplyRejected, match="cut off"):
        await model.ask((FULL, SHORTER, SHORTER))
    assert len(gemini.requests) == 2


@pytest.mark.fault(38)
@pytest.mark.parametrize("answer", [hangs(), drips()], ids=["hangs", "drips"])
async def test_silence_ends_at_the_deadline(gemini: GeminiEndpoint, sdk: str, answer: Scripted) -> None:
    gemini.default = answer
    with pytest.raises(ModelUnavailable, match=r"No answer from .* within 0\.5 s"):
        await impatient(gemini, sdk).ask((FULL, SHORTER))


@pytest.mark.fault(37)
async def test_retries_and_the_shorter_prompt_share_the_one_deadline(gemini: GeminiEndpoint, sdk: str) -> None:
    gemini.script(fails(503, retry_after=NOW), stops("MAX_TOKENS"), hangs())
    with pytest.raises(ModelUnavailable, match="No answer from"):
        await impatient(gemini, sdk).ask((FULL, SHORTER))
    assert len(gemini.requests) <= 3


@pytest.mark.fault(38)
async def test_hung_calls_hold_a_bounded_number_of_threads(gemini: GeminiEndpoint, sdk: str) -> None:
    model = impatient(gemini, sdk)
    gemini.default = drips()
    before = threading.active_count()
    asked = await asyncio.gather(*(model.ask((FULL,)) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, ModelUnavailable) for answer in asked)
    assert threading.active_count() - before <= adapter.GEMINI_CALLS_AT_ONCE
    assert len(gemini.requests) <= adapter.GEMINI_CALLS_AT_ONCE


async def test_threads_are_free_again_once_the_hung_calls_end(gemini: GeminiEndpoint, sdk: str) -> None:
    model = impatient(gemini, sdk)
    gemini.script(*[hangs()] * adapter.GEMINI_CALLS_AT_ONCE)
    await asyncio.gather(*(model.ask((FULL,)) for _ in range(adapter.GEMINI_CALLS_AT_ONCE)), return_exceptions=True)
    gemini.release()
    patient = make_diagnoser(sdk=sdk, api_key=KEY, model="m", endpoint=gemini.url, timeout=10)
    patient._threads = model._threads  # the very threads that hung
    assert (await patient.ask((FULL,))).tokens == 4321


async def test_giving_up_waiting_does_not_wait_for_the_thread(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.default = hangs()
    asking = asyncio.create_task(model.ask((FULL,)))
    await gemini.asked()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_many_incidents_ask_side_by_side(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    replies = await asyncio.gather(*(model.ask((FULL,)) for _ in range(30)))
    assert len(replies) == len(gemini.requests) == 30


async def test_no_answer_from_the_address_says_that_it_cannot_be_reached(
    sdk: str, unused_tcp_port_factory: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "GEMINI_RETRY_PAUSES_S", ())
    address = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    model = make_diagnoser(sdk=sdk, api_key=KEY, model="m", endpoint=address, timeout=10)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await model.ask((FULL,))


async def test_no_proxy_is_respected(
    gemini: GeminiEndpoint, sdk: str, monkeypatch: pytest.MonkeyPatch, unused_tcp_port_factory: Callable[[], int]
) -> None:
    nowhere = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, nowhere)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    model = make_diagnoser(sdk=sdk, api_key=KEY, model="m", endpoint=gemini.url, timeout=10)
    assert (await model.ask((FULL,))).tokens == 4321


async def test_an_endpoint_below_a_path_or_with_a_slash_works(gemini: GeminiEndpoint, sdk: str) -> None:
    model = make_diagnoser(sdk=sdk, api_key=KEY, model="models/m", endpoint=f"{gemini.url}/", timeout=10)
    assert (await model.ask((FULL,))).model == "m"


async def test_the_server_is_not_told_a_deadline_that_it_refuses(gemini: GeminiEndpoint, sdk: str) -> None:
    await make_diagnoser(sdk=sdk, api_key=KEY, model="m", endpoint=gemini.url, timeout=3).ask((FULL,))
    assert int(gemini.requests[0].headers.get("X-Server-Timeout", "10")) >= 10


async def test_check_is_content_with_any_json_object(gemini: GeminiEndpoint, model: adapter.Gemini) -> None:
    gemini.script(says({"ok": True}))
    assert (await model.check()).model == "gemini-3.5-flash-lite"
    assert "evidence" not in gemini.requests[0].text


@pytest.mark.parametrize("said", ["yes, of course", "[true]", "null"])
async def test_check_says_that_no_json_came(gemini: GeminiEndpoint, model: adapter.Gemini, said: str) -> None:
    gemini.script(says(said))
    with pytest.raises(ReplyRejected, match="not with JSON") as failed:
        await model.check()
    assert "AEGIS_GEMINI_MODEL" in failed.value.sentence


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"sdk": "openai"}, "AEGIS_GEMINI_SDK"),
        ({"api_key": ""}, "GEMINI_API_KEY"),
        ({"api_key": "two words"}, "GEMINI_API_KEY"),
        ({"api_key": "ключ"}, "GEMINI_API_KEY"),
        ({"model": ""}, "AEGIS_GEMINI_MODEL"),
        ({"model": "gemini/../x"}, "AEGIS_GEMINI_MODEL"),
        ({"endpoint": "localhost:8080"}, "AEGIS_GEMINI_ENDPOINT"),
        ({"endpoint": "ftp://x"}, "AEGIS_GEMINI_ENDPOINT"),
        ({"endpoint": "http://x:99999"}, "AEGIS_GEMINI_ENDPOINT"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_once(wrong: dict[str, str], named: str) -> None:
    settings = {"sdk": "google-generativeai", "api_key": KEY, "model": "m", "endpoint": "", **wrong}
    with pytest.raises(SettingsError, match=named):
        make_diagnoser(**settings)  # type: ignore[arg-type]


def test_a_missing_sdk_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(SettingsError, match="AEGIS_GEMINI_SDK is google-genai") as missing:
        make_diagnoser(sdk="google-genai", api_key=KEY, model="m")
    assert "aegis-oncall[genai]" in missing.value.sentence


ASK = """
import asyncio, sys, threading, warnings
from bot.adapters.llm.gemini import make_diagnoser
from bot.domain.llm.prompt import Prompt, SCHEMA
model = make_diagnoser(sdk=sys.argv[1], api_key="k", model="m", endpoint=sys.argv[2], timeout=float(sys.argv[3]))
assert not [name for name in sys.modules if name.startswith(("google.gen", "google.api", "google.ai", "grpc"))]
try:
    print(asyncio.run(model.ask((Prompt("s", "d", SCHEMA, 1),))).tokens)
except Exception as failed:
    print(type(failed).__name__)
if sys.argv[-1] == "warn":
    warnings.warn("of somebody else", FutureWarning)
"""


async def run_apart(sdk: str, url: str, seconds: str, *more: str, **env: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASK, sdk, url, seconds, *more),
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return out.decode(), err.decode()


@pytest.mark.slow
async def test_nothing_is_imported_early_and_nothing_reaches_the_terminal(gemini: GeminiEndpoint, sdk: str) -> None:
    gemini.script(says(SOUND))
    env = {"GOOGLE_API_KEY": "another", "GEMINI_API_KEY": "k"}
    assert await run_apart(sdk, gemini.url, "30", **env) == ("4321\n", "")


@pytest.mark.slow
async def test_a_reason_that_the_sdk_does_not_know_reaches_the_terminal_neither(
    gemini: GeminiEndpoint, sdk: str
) -> None:
    gemini.script(stops("A_REASON_OF_NEXT_YEAR"))
    assert await run_apart(sdk, gemini.url, "30") == ("ReplyRejected\n", "")


@pytest.mark.slow
async def test_other_peoples_warnings_are_not_muted(gemini: GeminiEndpoint, sdk: str) -> None:
    _, err = await run_apart(sdk, gemini.url, "30", "warn")
    assert "FutureWarning: of somebody else" in err


@pytest.mark.slow
async def test_the_process_ends_while_a_call_hangs(gemini: GeminiEndpoint, sdk: str) -> None:
    gemini.default = drips()
    assert await run_apart(sdk, gemini.url, "3") == ("ModelUnavailable\n", "")


async def test_an_abandoned_call_that_fails_later_disturbs_nobody(
    gemini: GeminiEndpoint, sdk: str, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.default = hangs()
    with pytest.raises(ModelUnavailable):
        await impatient(gemini, sdk).ask((FULL,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gemini.release()
        gc.collect()
        await asyncio.sleep(0)
    assert not [record for record in caplog.records if record.name == "asyncio"]
