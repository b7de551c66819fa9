"""Long texts are read in a child process that can be ended, while the event loop goes on."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest

from bot.adapters.text_worker.worker import INLINE_CHARACTERS, TextWorker
from bot.domain.redaction.redact import redact
from bot.errors import TextOverrun
from bot.incidents.alert_reader import FUNCTIONS, AlertReader

LONG = INLINE_CHARACTERS + 1


def process() -> int:
    return os.getpid()


def stuck() -> None:
    """Hold the interpreter's lock for hours."""
    re.match(r"(?:a|a)*b", "a" * 100)


def wrong() -> None:
    raise KeyError("name")


def environment() -> dict[str, str]:
    return dict(os.environ)


@pytest.fixture
async def worker():
    made = TextWorker((process, stuck, wrong, environment, *FUNCTIONS), deadline_s=1.0)
    yield made
    await made.close()


async def patiently(worker: TextWorker, function, *args):
    """Call in the child, again while it starts on a busy machine."""
    while True:
        try:
            return await worker.call(function, *args, length=LONG)
        except TextOverrun:
            await asyncio.sleep(0)


async def test_short_text_is_read_here_and_long_text_in_the_child(worker):
    assert await worker.call(process, length=INLINE_CHARACTERS) == os.getpid()
    assert worker.pid is None
    assert await patiently(worker, process) == worker.pid != os.getpid()


async def test_only_listed_functions_are_called(worker):
    with pytest.raises(ValueError, match="not on the list"):
        await worker.call(os.getcwd, length=1)


async def test_an_error_comes_back(worker):
    await patiently(worker, process)
    with pytest.raises(KeyError, match="name"):
        await worker.call(wrong, length=LONG)
    assert await patiently(worker, process) == worker.pid


async def test_the_child_gets_no_setting(worker, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    assert "SLACK_BOT_TOKEN" not in await patiently(worker, environment)


async def test_a_stuck_child_is_replaced_and_blocks_nothing(worker):
    first = await patiently(worker, process)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    counting = asyncio.create_task(count())
    with pytest.raises(TextOverrun):
        await worker.call(stuck, length=LONG)
    counting.cancel()
    # Were the loop held, none would have come; a machine that is busy lets some of two hundred through.
    assert turns > 10
    _wait_for_end(first)
    assert await patiently(worker, process) != first


async def test_a_child_that_was_killed_is_replaced(worker):
    first = await patiently(worker, process)
    os.kill(first, signal.SIGKILL)
    assert await patiently(worker, process) != first


async def test_a_start_that_failed_is_tried_again(worker, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(TextOverrun, match="does not start"):
            await worker.call(process, length=LONG)
    assert await patiently(worker, process) == worker.pid


async def test_a_start_that_took_too_long_is_tried_again(worker, monkeypatch):
    with monkeypatch.context() as slow:
        slow.setattr("bot.adapters.text_worker.worker.START_S", 0.0)
        with pytest.raises(TextOverrun):
            await worker.call(process, length=LONG)
    assert await patiently(worker, process) == worker.pid


async def test_who_gives_up_leaves_no_answer_for_the_next(worker):
    await patiently(worker, process)
    asking = asyncio.create_task(worker.call(stuck, length=LONG))
    await asyncio.sleep(0.05)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert await patiently(worker, process) == worker.pid


async def test_a_long_text_waits_for_its_turn_only_so_long(worker):
    await patiently(worker, process)
    answers = await asyncio.gather(*(worker.call(stuck, length=LONG) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, TextOverrun) for answer in answers)


_PARENT = """
import asyncio, sys
from bot.adapters.text_worker.worker import TextWorker
from tests.adapters.text_worker import test_worker as those

async def main():
    worker = TextWorker((those.process, those.stuck), deadline_s=60.0)
    print(await those.patiently(worker, those.process), flush=True)
    await worker.call(those.stuck, length=those.LONG)

asyncio.run(main())
"""


def test_the_child_dies_with_the_bot_even_where_it_is_stuck():
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as bot:
        assert bot.stdout is not None
        child = int(bot.stdout.readline())
        bot.send_signal(signal.SIGKILL)
    _wait_for_end(child)


def _wait_for_end(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(timeout=20)


class Never:
    """No call is done in time."""

    async def call(self, function, *args, length):
        raise TextOverrun("A long text was not read within 1 s.")


SECRET = "xoxb-123456789012-123456789012-AbCdEfGhIjKlMnOpQrStUvWx"


async def test_what_is_not_read_in_time_is_cut_and_has_no_secret():
    reading = AlertReader(partial(redact, known=()), Never())
    event = {
        "type": "message", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x " * 40_000}}],
        "bot_id": "B1", "text": f"[FIRING:1] ContainerDown shop-api-1 {SECRET}\n" + "mariadb-" * 8_000,
    }  # fmt: skip
    found = await reading.admitted(await reading.message(event))
    assert found.kind == "firing"
    assert found.title.startswith("[FIRING:1] ContainerDown shop-api-1")
    assert found.text == "[text could not be read in time]"
    assert SECRET not in str(found)
    assert len(str(found)) < 5_000


async def test_a_webhook_that_is_not_read_in_time_keeps_its_container():
    reading = AlertReader(partial(redact, known=()), Never())
    body = {"container": "shop-api-1", "message": "down", "logs": f"{SECRET} " + "sk-" * 40_000}
    found = await reading.admitted(await reading.webhook("plain", body))
    assert ("container", "shop-api-1") in found.labels
    assert not found.logs
    assert SECRET not in str(found)


async def test_the_same_is_read_in_the_child_as_here(worker):
    clean = partial(redact, known=("hunter2hunter2",))
    body = {"container": "shop-api-1", "message": "down hunter2hunter2", "logs": "2026-12-01 ERROR no route\n" * 400}
    await patiently(worker, process)
    there, here = AlertReader(clean, worker), AlertReader(clean)
    expected = await here.admitted(await here.webhook("plain", body))
    assert await there.admitted(await there.webhook("plain", body)) == expected
    assert "hunter2" not in expected.text
