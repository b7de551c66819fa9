"""The bot's own log: the incident in each line, no secret in any, and no library that logs what people wrote."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.logger import get_bolt_logger

from bot import telemetry
from bot.domain.redaction.redact import redact

Log = Callable[[str], io.StringIO]
TOKEN = "xoxb-123456789012-abcdefghijklmnop"
KEY = "the-key-of-the-model"
LIBRARIES = (
    "slack_bolt",
    "slack_sdk",
    "httpx",
    "docker",
    "urllib3",
    "aiohttp",
    "google",
    "aiosqlite",
    "sqlalchemy",
    "asyncio",
)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Return what starts the log; everything global is put back after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def start(level: str) -> io.StringIO:
        out = io.StringIO()
        monkeypatch.setattr(sys, "stderr", out)
        telemetry.start_log(level, partial(redact, known=(KEY,)))
        return out

    yield start
    root.handlers, root.level = handlers, level


@pytest.fixture
def objects(log: Log, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, str]]]:
    """Start the log as JSON; return what reads its lines."""
    plain = telemetry.start_log
    monkeypatch.setattr(telemetry, "start_log", lambda level, clean: plain(level, clean, "json"))
    out = log("INFO")
    return lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def broken(words: str) -> None:
    raise ValueError(words)


def test_each_line_carries_the_incident_that_it_is_about(log: Log) -> None:
    out = log("INFO")
    logging.getLogger("bot").info("before")
    token = telemetry.incident_id.set("a1b2c3")
    logging.getLogger("bot").info("during")
    telemetry.incident_id.reset(token)
    before, during = out.getvalue().splitlines()
    assert "[-] before" in before
    assert "[a1b2c3] during" in during


@pytest.mark.fault(81)
def test_no_secret_is_in_a_message_its_arguments_or_a_traceback(log: Log) -> None:
    out = log("INFO")
    try:
        broken(f"bad answer with {TOKEN} and {KEY}")
    except ValueError:
        logging.getLogger("bot").exception("failed with %s and password=%s", KEY, "hunter2222")
    said = out.getvalue()
    assert "Traceback" in said
    assert "failed with" in said
    assert [secret for secret in (TOKEN, KEY, "hunter2222") if secret in said] == []


def test_a_secret_that_spans_lines_is_taken_out_as_a_whole(log: Log) -> None:
    out = log("INFO")
    body = "MIIEpAIBAAKCAQEAw9Zt5Vd0c3JhbmRvbWtleW1hdGVyaWFsMDEyMzQ1Njc4OWFi"
    logging.getLogger("bot").info("%s", f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----")
    assert body not in out.getvalue()


def test_every_line_of_a_traceback_carries_the_incident(log: Log) -> None:
    out = log("INFO")
    telemetry_token = telemetry.incident_id.set("a1b2c3")
    try:
        broken("two\nlines")
    except ValueError:
        logging.getLogger("bot").exception("failed")
    telemetry.incident_id.reset(telemetry_token)
    lines = out.getvalue().splitlines()
    assert len(lines) > 3
    assert all("[a1b2c3]" in line for line in lines)


def test_outside_text_can_neither_pass_for_a_line_nor_move_the_cursor(log: Log) -> None:
    out = log("INFO")
    logging.getLogger("bot").info("said: %s", "x\n2026-11-22 03:00:00,000 INFO    bot [-] all is well\r\x1b[2J\x9b31m")
    _, forged = out.getvalue().splitlines()
    assert forged.startswith("  [-] ")
    assert not set(out.getvalue()) & set("\r\x1b\x9b")


@pytest.mark.fault(81)
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_that_log_bodies_are_silent_below_warnings(
    log: Log, library: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Google's libraries keep their messages to themselves once they are imported, as other tests may have done.
    monkeypatch.setattr(logging.getLogger(library), "propagate", True)
    out = log(level)
    logging.getLogger(f"{library}.inner").info("the whole body")
    logging.getLogger(f"{library}.inner").debug("the whole body")
    assert out.getvalue() == ""
    logging.getLogger(f"{library}.inner").warning("something is wrong")
    assert "something is wrong" in out.getvalue()


@pytest.mark.fault(81)
def test_a_library_that_sets_its_own_level_is_silent_too(log: Log) -> None:
    out = log("INFO")
    of_bolt = get_bolt_logger(AsyncApp)
    assert of_bolt.isEnabledFor(logging.INFO)
    of_bolt.info("the whole body")
    assert out.getvalue() == ""


def test_debug_adds_the_lines_of_aegis_itself(log: Log) -> None:
    out = log("DEBUG")
    logging.getLogger("bot.inner").debug("a detail")
    assert "a detail" in out.getvalue()


def test_the_level_is_kept(log: Log) -> None:
    out = log("ERROR")
    logging.getLogger("bot").warning("not this")
    logging.getLogger("bot").error("this")
    assert "not this" not in out.getvalue()
    assert "this" in out.getvalue()


def test_what_ends_the_process_unforeseen_is_logged_without_secrets(log: Log) -> None:
    out = log("INFO")
    error = RuntimeError(f"broke with {TOKEN}")
    sys.excepthook(RuntimeError, error, None)
    assert "CRITICAL" in out.getvalue()
    assert "RuntimeError: broke with [redacted" in out.getvalue()
    assert TOKEN not in out.getvalue()


def test_an_interrupt_is_no_crash(log: Log) -> None:
    out = log("INFO")
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "CRITICAL" not in out.getvalue()


def test_as_json_each_line_is_one_object_with_the_incident(objects: Callable[[], list[dict[str, str]]]) -> None:
    token = telemetry.incident_id.set("a1b2c3")
    logging.getLogger("bot.x").warning("said: %s", 'two\nlines and "quotes" \x1b[2J')
    telemetry.incident_id.reset(token)
    (said,) = objects()
    assert said["message"] == 'said: two\nlines and "quotes" '
    assert (said["incident"], said["level"], said["logger"]) == ("a1b2c3", "WARNING", "bot.x")
    assert said["time"].endswith("+00:00")


def test_as_json_a_traceback_is_in_its_own_field_and_no_secret_is_in_either(
    objects: Callable[[], list[dict[str, str]]],
) -> None:
    body = "MIIEpAIBAAKCAQEAw9Zt5Vd0c3JhbmRvbWtleW1hdGVyaWFsMDEyMzQ1Njc4OWFi"
    try:
        broken(f"bad answer with {TOKEN} and {KEY}\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----")
    except ValueError:
        logging.getLogger("bot").exception("failed with %s and password=%s", KEY, "hunter2222")
    (said,) = objects()
    assert "Traceback" in said["error"]
    assert [secret for secret in (TOKEN, KEY, "hunter2222", body) if secret in json.dumps(said)] == []


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def sparing() -> Iterator[tuple[logging.Logger, Clock, io.StringIO]]:
    """Yield a logger of another program over the handler under test, its clock, and what is written."""
    clock, out = Clock(), io.StringIO()
    handler = telemetry.Sparing(clock)
    handler.setStream(out)
    logger = logging.getLogger("asyncio.under.test")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, clock, out
    logger.removeHandler(handler)
    logger.propagate = True


def test_an_error_of_another_program_that_repeats_itself_is_one_line_a_minute(sparing) -> None:
    logger, clock, out = sparing
    for number in range(1000):
        clock.at = number * 0.05
        try:
            broken(f"number {number}")
        except ValueError:
            logger.exception("accept %d failed\nsocket: %d" % (number, number))  # noqa: UP031 - as asyncio does
    assert out.getvalue().count("Traceback") == 1
    clock.at = 100.0
    logger.warning("something else")
    assert out.getvalue().splitlines()[-2:] == ["accept 999 failed (999 more like this)", "something else"]
    logger.error("accept failed\nsocket: %d", 1, exc_info=None)
    assert out.getvalue().splitlines()[-2:] == ["accept failed", "socket: 1"]


def test_two_causes_have_a_line_each(sparing) -> None:
    logger, _, out = sparing
    for words, fault in (("one", ValueError), ("one", KeyError), ("two", KeyError)) * 5:
        try:
            raise fault("x")
        except (ValueError, KeyError):
            logger.exception(words)
    assert out.getvalue().count("Traceback") == 3


def test_what_was_left_out_is_told_at_the_end_too(sparing) -> None:
    logger, _, out = sparing
    for _ in range(3):
        logger.warning("again")
    logger.handlers[0].close()
    assert out.getvalue().splitlines() == ["again", "again (2 more like this)"]


def test_causes_without_number_take_no_memory_without_end(sparing) -> None:
    logger, _, out = sparing
    for number in range(5000):
        logger.warning(f"words of a peer: {chr(0x4E00 + number)}")
    assert len(out.getvalue().splitlines()) == 5000
    handler = logger.handlers[0]
    assert isinstance(handler, telemetry.Sparing)
    assert handler.causes <= 500


def test_lines_of_ours_all_come_but_for_those_that_ask_to_be_spared(log: Log) -> None:
    out = log("INFO")
    ours = logging.getLogger("bot.somewhere")
    for number in range(5):
        ours.warning("each counts %d", number)
        ours.warning("a peer did it again: %d", number, extra=telemetry.once_a_minute())
    assert out.getvalue().count("each counts") == 5
    assert out.getvalue().count("a peer did it again") == 1


def test_the_count_of_what_was_left_out_has_the_form_of_the_log(objects: Callable[[], list[dict[str, str]]]) -> None:
    for _ in range(3):
        logging.getLogger("bot").warning("again with password=%s", "hunter2222", extra=telemetry.once_a_minute())
    logging.getLogger().handlers[0].close()
    assert [one["message"] for one in objects()] == [
        "again with password=[redacted:password]",
        "again with password=[redacted:password] (2 more like this)",
    ]
