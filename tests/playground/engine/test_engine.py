"""The engine whose containers are processes: what it has that Docker has not, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import docker
import httpx
import psutil
import pytest
import requests

from bot.errors import EngineError
from bot.playground.engine.engine import ProcessEngine, ProcessImage
from bot.playground.engine.processes import usage

T = TypeVar("T")
IMAGE = "shop/any:1"
SERVER = """
import http.server, os, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["PORT"].encode())
    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"])); self.send_response(200); self.end_headers()
        self.wfile.write(sent[::-1])
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""
HOLDER = """
import time
held = bytearray(40_000_000)
while time.process_time() < 0.5: pass
print("held", flush=True)
time.sleep(1000)
"""
TREE = "setsid sleep 4801 & (sleep 4802 & sleep 4803) & trap '' TERM; while :; do sleep 0.1; done"
"""Children that left their session, orphans, and a program that does not want to end."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[ProcessEngine]:
    async with ProcessEngine(tmp_path / "engine") as running:
        running.images[IMAGE] = ProcessImage()
        running.images["shop/server:1"] = ProcessImage(argv=(sys.executable, "-c", SERVER), ports=(8080,))
        yield running


async def ask(engine: ProcessEngine, question: Callable[[docker.APIClient], T]) -> T:
    """Ask through docker-py, which would hold up the engine's own loop."""

    def call() -> T:
        client = docker.APIClient(base_url=engine.host, timeout=30)
        try:
            return question(client)
        finally:
            client.close()

    return await asyncio.to_thread(call)


async def run(engine: ProcessEngine, name: str, command: str = "sleep 1000", **options: Any) -> str:
    def make(client: docker.APIClient) -> str:
        host = client.create_host_config(**options.pop("host", {}))
        line = ["sh", "-c", command] if command else None
        made = client.create_container(options.pop("image", IMAGE), line, name=name, host_config=host, **options)
        client.start(made["Id"])
        return str(made["Id"])

    return await ask(engine, make)


async def look(engine: ProcessEngine, name: str) -> Any:
    return await ask(engine, lambda client: client.inspect_container(name))


async def log(engine: ProcessEngine, name: str) -> str:
    return (await ask(engine, lambda client: client.logs(name))).decode()


async def until(true: Callable[[], Any], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.03)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def stage_in(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", STAGE, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


# -- what a program finds -------------------------------------------------------------------------------------------


async def test_a_program_listens_on_its_port_and_is_reached_on_the_published_one(engine: ProcessEngine):
    await run(engine, "one", "", image="shop/server:1", host={"port_bindings": {8080: ("127.0.0.1",)}})
    (binding,) = (await look(engine, "one"))["NetworkSettings"]["Ports"]["8080/tcp"]
    url = f"http://127.0.0.1:{binding['HostPort']}/"
    async with httpx.AsyncClient(trust_env=False, transport=httpx.AsyncHTTPTransport(retries=0)) as client:

        async def answers() -> bool:
            try:
                return (await client.get(url)).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers)
        assert (await client.get(url)).text != binding["HostPort"]
        sent = bytes(range(256)) * 8192
        assert (await client.post(url, content=sent)).content == sent[::-1]


async def test_a_published_port_is_open_before_its_program_listens(engine: ProcessEngine):
    await run(engine, "one", host={"port_bindings": {8080: ("127.0.0.1",)}}, ports=[8080])
    (binding,) = (await look(engine, "one"))["NetworkSettings"]["Ports"]["8080/tcp"]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(binding["HostPort"]))
    # Docker's own proxy takes the connection too, and drops it.
    assert await reader.read(1) == b""
    writer.close()


async def test_programs_find_each_other_within_a_network(engine: ProcessEngine):
    await ask(engine, lambda client: client.create_network("shop_default"))
    network: Any = {"host": {"network_mode": "shop_default"}}
    await run(engine, "orders-db", 'echo "$PORT"; sleep 1000', ports=[5432], **network)
    await run(engine, "stranger", ports=[5432])
    await run(engine, "web", 'echo "$SHOP_HOSTS"; sleep 1000', ports=[8080, 9090], **network)
    await until(lambda: log(engine, "web"))
    port = (await log(engine, "orders-db")).strip()
    assert (await log(engine, "web")).strip() == f"orders-db:5432=127.0.0.1:{port}"
    # Without a network of its own it finds nobody, as with Docker's DNS.
    await run(engine, "alone", 'echo "hosts=$SHOP_HOSTS"; sleep 1000')
    await until(lambda: log(engine, "alone"))
    assert await log(engine, "alone") == "hosts=\n"


async def test_where_a_program_listens_outlives_its_restart(engine: ProcessEngine):
    await run(engine, "one", 'echo "$PORT $PORT_9090"; sleep 1000', ports=[8080, 9090])
    await until(lambda: log(engine, "one"))
    await ask(engine, lambda client: client.restart("one", timeout=0))

    async def twice() -> bool:
        return (await log(engine, "one")).count("\n") == 2

    await until(twice)
    first, second = (await log(engine, "one")).splitlines()
    assert first == second
    assert len(set(first.split())) == 2


async def test_who_is_made_anew_is_found_where_it_was(engine: ProcessEngine):
    await run(engine, "orders-db", 'echo "$PORT"; sleep 1000', ports=[5432])
    await until(lambda: log(engine, "orders-db"))
    before = await log(engine, "orders-db")
    await ask(engine, lambda client: client.remove_container("orders-db", force=True))
    await run(engine, "orders-db", 'echo "$PORT"; sleep 1000', ports=[5432])
    await until(lambda: log(engine, "orders-db"))
    assert await log(engine, "orders-db") == before


async def test_an_image_brings_its_program_environment_and_labels(engine: ProcessEngine):
    engine.images["tool"] = engine.images["tool:latest"] = ProcessImage(
        argv=("sh", "-c", 'echo "$0 $1 $MOOD $TONE"; sleep 1000'),
        command=("by", "default"),
        env={"MOOD": "calm", "TONE": "low"},
        labels={"team": "shop", "tier": "web"},
    )
    await run(engine, "one", "", image="tool", environment={"TONE": "high"}, labels={"tier": "api"})
    await until(lambda: log(engine, "one"))
    assert await log(engine, "one") == "by default calm high\n"
    seen = await look(engine, "one")
    assert seen["Config"]["Labels"] == {"team": "shop", "tier": "api"}
    assert seen["Config"]["Env"] == ["MOOD=calm", "TONE=high"]
    assert seen["Path"] == "sh"


async def test_nothing_of_the_operators_environment_or_files_reaches_a_program(
    engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "planted-secret")
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        await run(engine, "one", "ls -l /proc/self/fd; sleep 1000", environment={"OWN": "planted-own"})
    pid = (await look(engine, "one"))["State"]["Pid"]
    for one in (pid, psutil.Process(pid).ppid()):
        assert "planted-secret" not in str(psutil.Process(one).environ())
        assert "planted-own" not in str(psutil.Process(one).cmdline())
    await until(lambda: log(engine, "one"))
    numbers = {line.split()[8] for line in (await log(engine, "one")).splitlines() if "->" in line}
    assert numbers <= {"0", "1", "2", "3"}
    assert str(tmp_path / "open") not in await log(engine, "one")


# -- that nothing is left -------------------------------------------------------------------------------------------


async def test_nothing_runs_when_the_engine_has_ended(tmp_path: Path):
    before = {process.pid for process in below(os.getpid())}
    async with ProcessEngine(tmp_path / "engine") as engine:
        engine.images[IMAGE] = ProcessImage()
        await run(engine, "one", TREE, host={"port_bindings": {8080: ("127.0.0.1",)}}, ports=[8080])
        await run(engine, "two", "exit 1", host={"restart_policy": {"Name": "always"}})
        health = {"test": ["CMD-SHELL", "sleep 4804"], "interval": 10**8}
        await run(engine, "three", healthcheck=health)
        await until(lambda: {"4801", "4802", "4803", "4804"} <= _sleeping(below(os.getpid())))
        ours = [process for process in below(os.getpid()) if process.pid not in before]
    assert [process for process in ours if process.is_running()] == []
    assert [path.name for path in files_in(tmp_path / "engine")] == ["lock"]


STAGE = """
import asyncio, sys
from pathlib import Path
from bot.playground.engine.engine import ProcessEngine, ProcessImage
async def main():
    async with ProcessEngine(Path(sys.argv[1])) as engine:
        engine.images["shop/any:1"] = ProcessImage()
        print(engine.host, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_nothing_runs_when_its_process_was_killed(tmp_path: Path, how: signal.Signals):
    stage = stage_in(tmp_path / "engine")
    assert stage.stdout is not None
    host = (await asyncio.to_thread(stage.stdout.readline)).decode().strip()
    try:
        client = docker.APIClient(base_url=host)

        def start() -> None:
            made = client.create_container(IMAGE, ["sh", "-c", TREE], name="one")
            client.start(made["Id"])

        await asyncio.to_thread(start)
        await until(lambda: {"4801", "4802", "4803"} <= _sleeping(below(stage.pid)))
        ours = below(stage.pid)
        assert len(ours) >= 5
    finally:
        stage.send_signal(how)
        await asyncio.to_thread(stage.wait, 20)
        stage.stdout.close()
        client.close()
    await until(lambda: not any(_lives(process) for process in ours))
    # And the folder can be used again at once, whatever was left in it.
    async with ProcessEngine(tmp_path / "engine") as engine:
        assert await ask(engine, lambda again: again.version())


async def test_a_killed_shim_takes_its_processes_along(engine: ProcessEngine):
    await run(engine, "one", "sleep 4805 & sleep 4806; :", host={"restart_policy": {"Name": "always"}})
    pid = (await look(engine, "one"))["State"]["Pid"]
    shim = psutil.Process(pid).parent()
    assert shim is not None
    await until(lambda: {"4805", "4806"} <= _sleeping(shim.children(recursive=True)))
    ours = shim.children(recursive=True)
    shim.send_signal(signal.SIGTERM)
    assert shim.is_running()
    shim.kill()
    await until(lambda: not any(_lives(process) for process in ours))

    async def again() -> bool:
        seen = await look(engine, "one")
        return (seen["RestartCount"], seen["State"]["Status"]) == (1, "running")

    await until(again)
    assert (await look(engine, "one"))["State"]["Pid"] != pid


async def test_any_order_of_acts_leaves_nothing_but_what_it_says(engine: ProcessEngine):
    """Many at once on the same containers: none hangs, and in the end the states are true."""
    names = [f"number-{count}" for count in range(3)]
    for name in names:
        await run(
            engine,
            name,
            "trap 'exit 0' TERM; while :; do sleep 0.02; done",
            host={"restart_policy": {"Name": "always"}},
        )

    def act(client: docker.APIClient, name: str, what: str) -> requests.Response:
        return client.post(f"{client.base_url}/v1.41/containers/{name}/{what}?t=0")

    acts = ["start", "restart", "kill", "restart", "start", "kill", "start", "restart"]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(ask(engine, partial(act, name=name, what=what)) for what in acts for name in names)
        )
    for answer in answers:
        assert answer.status_code in {204, 304} or "is not running" in answer.text
    for name in names:
        state = (await look(engine, name))["State"]
        assert state["Running"] == (state["Pid"] > 0)
        assert not state["Pid"] or psutil.pid_exists(state["Pid"])
        await ask(engine, partial(docker.APIClient.remove_container, container=name, force=True))
    assert await ask(engine, lambda client: client.containers(all=True)) == []


async def test_it_can_be_started_in_the_moment_in_which_it_has_ended(engine: ProcessEngine):
    def again_and_again(client: docker.APIClient) -> list[str]:
        client.create_network("shop_default")
        host = client.create_host_config(network_mode="shop_default")
        client.create_container(IMAGE, ["true"], name="one", host_config=host)
        for _ in range(15):
            client.start("one")
            while client.inspect_container("one")["State"]["Running"]:
                time.sleep(0.01)
        told = client.events(since=1, until=4_000_000_000, filters={"event": ["start", "die"]}, decode=True)
        seen = [next(told)["Action"] for _ in range(30)]
        told.close()
        return seen

    assert await ask(engine, again_and_again) == ["start", "die"] * 15


# -- its folder and address -----------------------------------------------------------------------------------------


async def test_its_address_is_for_its_owner_alone(engine: ProcessEngine):
    path = Path(engine.host.removeprefix("unix://"))
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


async def test_a_folder_with_a_long_name_has_its_address_elsewhere(tmp_path: Path):
    deep = tmp_path / ("d" * 120) / "engine"
    async with ProcessEngine(deep) as engine:
        path = Path(engine.host.removeprefix("unix://"))
        assert len(os.fsencode(path)) < 100
        assert mode(path.parent) == 0o700
        assert await ask(engine, lambda client: client.version())
    assert not path.parent.exists()


async def test_two_engines_do_not_share_a_folder(engine: ProcessEngine, tmp_path: Path):
    with pytest.raises(EngineError, match="Another engine of processes runs in"):
        await ProcessEngine(tmp_path / "engine").start()
    assert await ask(engine, lambda client: client.version())


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"/file/engine cannot be used: Not a directory\."):
        await ProcessEngine(tmp_path / "file/engine").start()


async def test_it_ends_quickly_though_somebody_listens(tmp_path: Path):
    engine = ProcessEngine(tmp_path / "engine")
    await engine.start()
    engine.images[IMAGE] = ProcessImage()
    await run(engine, "one")
    reader, writer = await asyncio.open_unix_connection(engine.host.removeprefix("unix://"))
    writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    async with asyncio.timeout(5):
        await engine.stop()
    writer.close()


async def test_who_leaves_in_the_middle_is_no_error(engine: ProcessEngine, caplog: pytest.LogCaptureFixture):
    reader, writer = await asyncio.open_unix_connection(engine.host.removeprefix("unix://"))
    writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.transport.abort()
    await run(engine, "one", "exit 0")
    await until(lambda: _no_listeners(engine))
    assert [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []


async def test_what_is_no_json_is_refused(engine: ProcessEngine):
    transport = httpx.AsyncHTTPTransport(uds=engine.host.removeprefix("unix://"))
    async with httpx.AsyncClient(transport=transport, base_url="http://docker") as client:
        for content, kind in ((b"{bad", "application/json"), (b"[1]", "application/json"), (b"{}", "text/plain")):
            answer = await client.post("/containers/create", content=content, headers={"Content-Type": kind})
            assert answer.status_code in {400, 500}
            assert set(answer.json()) == {"message"}
        for filters in ("{bad", "[]", '{"name": 5}'):
            answer = await client.get("/v1.41/containers/json", params={"filters": filters})
            assert (answer.status_code, list(answer.json())) == (500, ["message"])


# -- where /proc is not ---------------------------------------------------------------------------------------------


async def test_memory_is_asked_of_ps_where_the_kernel_lists_no_children(
    engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch
):
    await run(engine, "one", "sleep 4807 & (sleep 4808 & sleep 4809); :")
    pid = (await look(engine, "one"))["State"]["Pid"]
    shim = psutil.Process(pid).ppid()
    await until(lambda: {"4807", "4808", "4809"} <= _sleeping(below(shim)))
    listed = await usage.read_usage(shim)
    monkeypatch.setattr(usage, "KERNEL_LISTS_CHILDREN", False)
    asked = await usage.read_usage(shim)
    assert listed is not None
    assert asked is not None
    assert set(asked.memory_of) == set(listed.memory_of) == {process.pid for process in below(shim)}
    assert asked.memory > 0
    assert asked.user is None
    sample = await ask(engine, lambda client: client.stats("one", stream=False, one_shot=True))
    assert sample["memory_stats"]["usage"] > 0
    assert sample["pids_stats"] == {}
    assert sample["cpu_stats"]["cpu_usage"]["total_usage"] == 0
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert await usage.read_usage(shim) is None


async def test_statistics_agree_with_the_systems_own(engine: ProcessEngine):
    engine.images["holder:1"] = ProcessImage(argv=(sys.executable, "-c", HOLDER))
    await run(engine, "one", "", image="holder:1")
    await until(lambda: log(engine, "one"))
    sample = await ask(engine, lambda client: client.stats("one", stream=False, one_shot=True))
    process = psutil.Process((await look(engine, "one"))["State"]["Pid"])
    assert sample["memory_stats"]["usage"] == pytest.approx(process.memory_info().rss, rel=0.1)
    assert sample["memory_stats"]["usage"] > 40_000_000
    times = process.cpu_times()
    assert sample["cpu_stats"]["cpu_usage"]["total_usage"] == pytest.approx((times.user + times.system) * 1e9, rel=0.2)
    assert sample["memory_stats"]["limit"] == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    assert json.dumps(sample)


async def _no_listeners(engine: ProcessEngine) -> bool:
    # An event finds out that nobody listens any more.
    await ask(engine, lambda client: client.create_network(f"net-{time.monotonic_ns()}"))
    return bool((await ask(engine, lambda client: client.info()))["NEventsListener"] == 0)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _sleeping(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        try:
            found.add(process.cmdline()[-1])
        except (psutil.Error, IndexError):
            continue
    return found
