"""What Aegis and the demo's lab ask of a Docker Engine, asked of a real one and of the demo's own.

Every test runs on both, through docker-py and through Aegis's own adapter. Where they differ, the imitation is wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from bot.adapters.docker.containers import DockerContainers
from bot.domain.diagnosis import Action
from bot.domain.evidence import Status
from bot.domain.target import TargetId, parse_target
from bot.errors import RestartFailed, TargetNotFound
from bot.playground.engine.engine import ProcessEngine, ProcessImage
from tests.support.docker_engine import wait_until
from tests.support.fakes import bundle, restart

IMAGE = "shop/buggy:2.3.1"
SECOND = 10**9
WAITS = "trap 'exit 4' TERM; while :; do sleep 0.05; done"
"""Runs until it is told to stop, and then ends with 4."""
READY = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done"
"""The same, and says when it can be told."""
FRAME = struct.Struct(">BxxxL")


class Box:
    """An engine, and what a test does with it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = docker.APIClient(base_url=url, timeout=60)
        self.born = time.time() - 0.001

    def raw(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask without docker-py's own ideas of what is right."""
        answer = self.client.request(method, f"{self.client.base_url}/v1.41{path}", timeout=30, **options)
        assert isinstance(answer, requests.Response)
        return answer

    def create(self, name: str, command: str | Sequence[str] = WAITS, **options: Any) -> str:
        line = ["sh", "-c", command] if isinstance(command, str) else list(command)
        host = self.client.create_host_config(**options.pop("host", {}))
        made = self.client.create_container(IMAGE, line, name=name, host_config=host, **options)
        return str(made["Id"])

    def run(self, name: str, command: str | Sequence[str] = WAITS, **options: Any) -> str:
        container = self.create(name, command, **options)
        self.client.start(container)
        return container

    def look(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.inspect_container(name)
        return found

    def state(self, name: str) -> dict[str, Any]:
        state: dict[str, Any] = self.look(name)["State"]
        return state

    def status(self, name: str) -> str:
        return str(self.state(name)["Status"])

    def row(self, name: str) -> dict[str, Any]:
        rows = [row for row in self.client.containers(all=True) if f"/{name}" in row["Names"]]
        assert len(rows) == 1
        return dict(rows[0])

    def until(self, true: Callable[[], object], what: str = "it is so", seconds: float = 15) -> None:
        wait_until(true, seconds, what)

    def until_status(self, name: str, status: str) -> None:
        self.until(lambda: self.status(name) == status, f"{name} is {status}")

    def exit_code(self, name: str) -> int:
        """Wait until a container has ended, and return its exit code."""
        self.until_status(name, "exited")
        return int(self.state(name)["ExitCode"])

    def until_said(self, name: str, words: bytes) -> None:
        self.until(lambda: words in self.client.logs(name), f"{name} says {words!r}")

    def events(self, since: float | None = None, **filters: list[str]) -> list[dict[str, Any]]:
        span: Any = {"since": f"{since or self.born:.9f}", "until": f"{time.time():.9f}"}
        return list(self.client.events(**span, filters=filters, decode=True))

    def happened(self, name: str, since: float | None = None) -> list[str]:
        """Return what was told of a container, without its health probes."""
        told = self.events(since, container=[name], type=["container"])
        return [event["Action"] for event in told if not event["Action"].startswith("exec")]

    def run_out_of_memory(self, name: str) -> None:
        """Run a container that takes more than it may until the engine has heard why it ended.

        The kernel's notice can reach dockerd after the exit, and is then missing in the state for good.
        """
        self.create(name, ["tail", "/dev/zero"], host=LIMIT)
        for _ in range(25):
            self.client.start(name)
            assert self.exit_code(name) == 137
            if self.state(name)["OOMKilled"]:
                return
        raise AssertionError("the engine never heard that the memory ran out")

    def clear(self) -> None:
        for row in self.client.containers(all=True):
            with suppress(docker.errors.APIError):
                self.client.remove_container(row["Id"], force=True, v=True)
        for network in self.client.networks():
            if network["Name"] not in ("bridge", "host", "none"):
                self.client.remove_network(network["Id"])


@contextmanager
def processes(folder: Path) -> Iterator[str]:
    """Run the imitation in a thread and loop of its own, and say where it is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    engine = ProcessEngine(folder)
    engine.images[IMAGE] = ProcessImage()
    try:
        asyncio.run_coroutine_threadsafe(engine.start(), loop).result(20)
        yield engine.host
    finally:
        asyncio.run_coroutine_threadsafe(engine.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def imitation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with processes(tmp_path_factory.mktemp("engine")) as url:
        yield url


@pytest.fixture(params=["processes", pytest.param("docker", marks=pytest.mark.live)])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """An engine without containers; it is cleared again after the test."""
    name = {"processes": "imitation", "docker": "running_engine"}[request.param]
    engine = request.getfixturevalue(name)
    box = Box(engine if isinstance(engine, str) else engine.url)
    box.clear()
    box.born = time.time() - 0.001
    yield box
    box.clear()
    box.client.close()


@pytest.fixture
def containers(box: Box, tmp_path: Path) -> DockerContainers:
    return DockerContainers(docker_host=box.url, bundles=tmp_path / "bundles", now=lambda: datetime.now(UTC))


# -- the engine -----------------------------------------------------------------------------------------------------


def test_docker_py_agrees_with_it_on_a_version(box: Box):
    assert box.client.api_version == box.client.version()["ApiVersion"] == "1.41"
    assert box.client.version()["Version"].startswith("20.10")


def test_it_says_who_it_is_and_what_time_it_has(box: Box):
    box.run("one")
    box.create("two")
    said = box.client.info()
    assert (said["Containers"], said["ContainersRunning"], said["ContainersStopped"]) == (2, 1, 1)
    assert said["Name"] == socket.gethostname()
    assert abs(datetime.fromisoformat(said["SystemTime"]).timestamp() - time.time()) < 5
    assert said["MemTotal"] > 0
    assert said["Images"] == 1


@pytest.mark.parametrize(("version", "words"), [("1.99", "too new"), ("1.2", "too old")])
def test_another_version_is_refused(box: Box, version: str, words: str):
    answer = box.client.get(f"{box.client.base_url}/v{version}/version")
    assert answer.status_code == 400
    assert words in answer.text


# -- what it says to mistakes ---------------------------------------------------------------------------------------

REFUSALS = [
    ("GET", "/containers/nope/json", 404, "No such container: nope"),
    ("GET", "/containers/nope/logs?stdout=1", 404, "No such container: nope"),
    ("GET", "/containers/nope/stats?stream=false", 404, "No such container: nope"),
    ("GET", "/containers/nope/top", 404, "No such container: nope"),
    ("POST", "/containers/nope/start", 404, "No such container: nope"),
    ("POST", "/containers/nope/kill", 404, "Cannot kill container: nope: No such container: nope"),
    ("DELETE", "/containers/nope", 404, "No such container: nope"),
    ("GET", "/nothing", 404, "page not found"),
    ("GET", "/containers/down/logs", 400, "Bad parameters: you must choose at least one stream"),
    ("GET", "/containers/down/top", 409, "Container {id} is not running"),
    ("POST", "/containers/down/kill", 409, "Cannot kill container: down: Container {id} is not running"),
    ("POST", "/containers/down/restart?t=abc", 500, 'strconv.Atoi: parsing "abc": invalid syntax'),
    ("GET", '/containers/json?filters={"bogus":["x"]}', 400, "Invalid filter 'bogus'"),
    ("GET", "/images/nope/json", 404, "no such image: nope: No such image: nope:latest"),
    ("DELETE", "/networks/bridge", 403, "bridge is a pre-defined network and cannot be removed"),
    ("GET", "/events?since=9&until=8", 400, "`since` time (9) cannot be after `until` time (8)"),
    ("GET", "/events?since=abc&until=8", 500, 'strconv.ParseInt: parsing "abc": invalid syntax'),
]


@pytest.mark.parametrize(("method", "path", "status", "message"), REFUSALS)
def test_a_mistake_is_refused_in_dockers_words(box: Box, method: str, path: str, status: int, message: str):
    container = box.create("down")
    answer = box.raw(method, path)
    assert (answer.status_code, answer.json()) == (status, {"message": message.replace("{id}", container)})
    assert answer.headers["Content-Type"] == "application/json"


def test_a_name_is_given_once_and_has_dockers_form(box: Box):
    container = box.create("one")
    body = {"Image": IMAGE, "Cmd": ["true"]}
    taken = box.raw("POST", "/containers/create?name=one", json=body)
    assert taken.status_code == 409
    assert f'The container name "/one" is already in use by container "{container}"' in taken.json()["message"]
    assert box.raw("POST", "/containers/create?name=a", json=body).status_code == 400
    missing = box.raw("POST", "/containers/create?name=two", json={"Image": "nope"})
    assert (missing.status_code, missing.json()) == (404, {"message": "No such image: nope:latest"})
    nothing = box.raw("POST", "/containers/create?name=two", json={"Image": IMAGE})
    assert (nothing.status_code, nothing.json()) == (400, {"message": "No command specified"})


def test_a_container_is_found_by_id_then_by_name_then_by_the_beginning_of_its_id(box: Box):
    first = box.create("number-0")
    assert box.look(first[:12])["Id"] == first
    assert box.look("/number-0")["Id"] == first
    # A name is stronger than the beginning of another one's id.
    named = box.create(first[:12])
    assert box.look(first[:12])["Id"] == named
    assert box.look(first[:13])["Id"] == first


# -- how a container is ---------------------------------------------------------------------------------------------

NEVER = "0001-01-01T00:00:00Z"


def test_a_new_container_has_never_run(box: Box):
    box.create("one")
    assert box.state("one") == {
        **{"Status": "created", "Running": False, "Paused": False, "Restarting": False, "OOMKilled": False},
        **{"Dead": False, "Pid": 0, "ExitCode": 0, "Error": "", "StartedAt": NEVER, "FinishedAt": NEVER},
    }
    assert (box.row("one")["State"], box.row("one")["Status"]) == ("created", "Created")
    assert box.client.logs("one") == b""


def test_what_was_ordered_is_shown_again(box: Box):
    box.run(
        "one",
        ["sh", "-c", WAITS, "it's"],
        environment={"A": "b c"},
        labels={"com.docker.compose.project": "shop"},
        ports=[8080, 9090],
        host={
            "port_bindings": {8080: ("127.0.0.1",)},
            "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 2},
            "mem_limit": "64m",
        },
        healthcheck={"test": ["CMD", "true"], "interval": 5 * SECOND},
    )
    seen = box.look("one")
    assert (seen["Name"], seen["Path"], seen["Args"][0]) == ("/one", "sh", "-c")
    config = seen["Config"]
    assert (config["Env"], config["Labels"], config["Image"]) == (
        ["A=b c"],
        {"com.docker.compose.project": "shop"},
        IMAGE,
    )
    assert (config["Hostname"], config["Tty"]) == (seen["Id"][:12], False)
    assert config["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 5 * SECOND}
    assert config["ExposedPorts"] == {"8080/tcp": {}, "9090/tcp": {}}
    host = seen["HostConfig"]
    assert (host["Memory"], host["NetworkMode"], host["LogConfig"]["Type"]) == (64 * 2**20, "default", "json-file")
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert seen["NetworkSettings"]["Ports"]["9090/tcp"] is None
    row = box.row("one")
    assert row["Command"] == f"""sh -c "{WAITS}" 'it'"'"'s'""" or row["Command"].startswith("sh -c ")
    assert {port["PrivatePort"] for port in row["Ports"]} == {8080, 9090}
    assert row["NetworkSettings"]["Networks"].keys() == seen["NetworkSettings"]["Networks"].keys() == {"bridge"}


def test_a_program_that_ends_leaves_its_exit_code_and_times(box: Box):
    box.run("one", "exit 7")
    assert box.exit_code("one") == 7
    state = box.state("one")
    assert (state["Status"], state["Running"], state["Pid"], state["ExitCode"]) == ("exited", False, 0, 7)
    started, finished = (datetime.fromisoformat(state[name]) for name in ("StartedAt", "FinishedAt"))
    assert finished >= started or (started - finished).total_seconds() < 0.1
    assert re.fullmatch(r"Exited \(7\) (Less than a second|\d seconds?) ago", box.row("one")["Status"])
    assert box.happened("one") == ["create", "start", "die"]


@pytest.mark.parametrize(
    ("command", "code"),
    [("kill -SEGV $$; sleep 9", 139), ("(kill -9 $$); exit 3", 137), ("exit 255", 255)],
)
def test_a_death_by_a_signal_is_128_and_its_number(box: Box, command: str, code: int):
    inner = command if "$$" not in command else f"sh -c '{command}'; exit $?"
    box.run("one", inner)
    assert box.exit_code("one") == code


def test_a_running_container_says_since_when(box: Box):
    box.run("one")
    state = box.state("one")
    assert (state["Status"], state["Running"], state["ExitCode"], state["FinishedAt"]) == ("running", True, 0, NEVER)
    assert state["Pid"] > 1
    assert Path(f"/proc/{state['Pid']}").exists()
    assert re.fullmatch(r"Up (Less than a second|\d seconds?)", box.row("one")["Status"])


@pytest.mark.parametrize(("program", "code"), [("nosuchprogram", 127), ("/", 126), ("/no/such/program", 127)])
def test_a_program_that_cannot_be_run_is_told_at_start(box: Box, program: str, code: int):
    box.create("one", [program])
    started = box.raw("POST", "/containers/one/start")
    assert started.status_code == 400
    why = started.json()["message"]
    assert f'exec: "{program}": ' in why
    state = box.state("one")
    assert (state["Status"], state["ExitCode"], state["Error"], state["StartedAt"]) == ("created", code, why, NEVER)
    again = box.raw("POST", "/containers/one/restart")
    assert (again.status_code, again.json()["message"]) == (500, f"Cannot restart container one: {why}")
    assert box.happened("one") == ["create"]


def test_files_outlive_a_restart_and_not_the_container(box: Box):
    box.run("one", "ls; touch kept-file; echo ready; sleep 9")
    box.until_said("one", b"ready")
    box.client.restart("one", timeout=0)
    box.until_said("one", b"kept-file")
    box.client.remove_container("one", force=True)
    box.run("one", "ls; echo end")
    box.until_status("one", "exited")
    assert b"kept-file" not in box.client.logs("one")


# -- what can be done with it ---------------------------------------------------------------------------------------


def test_a_program_without_a_handler_is_killed_when_the_time_is_up(box: Box):
    # The kernel shields the first process of a container from signals that it has no handler for.
    box.run("one", ["sleep", "100"])
    box.client.restart("one", timeout=1)
    assert box.happened("one") == ["create", "start", "kill", "kill", "die", "stop", "start", "restart"]
    told = {event["Action"]: event["timeNano"] for event in box.events(event=["start", "die"])}
    (first, _) = box.events(event=["kill"])
    assert told["die"] - first["timeNano"] >= SECOND
    assert [event["Actor"]["Attributes"]["exitCode"] for event in box.events(event=["die"])] == ["137"]
    assert [event["Actor"]["Attributes"]["signal"] for event in box.events(event=["kill"])] == ["15", "9"]


def test_all_its_processes_end_with_the_first(box: Box):
    box.run("one", "sleep 4711 & (sleep 4712 & sleep 4713) & exec sleep 1000")
    box.until(lambda: len(box.client.top("one")["Processes"]) >= 4)
    pids = [int(row[1]) for row in box.client.top("one")["Processes"]]
    box.client.kill("one")
    box.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_restart_stops_and_starts_with_new_times(box: Box):
    box.run("one", READY)
    box.until_said("one", b"ready")
    before = box.state("one")
    box.client.restart("one", timeout=5)
    after = box.state("one")
    assert after["StartedAt"] > after["FinishedAt"] > before["StartedAt"]
    assert (after["Status"], after["ExitCode"], box.look("one")["RestartCount"]) == ("running", 0, 0)
    assert after["Pid"] != before["Pid"]
    assert box.happened("one") == ["create", "start", "kill", "die", "stop", "start", "restart"]
    assert [event["Actor"]["Attributes"]["exitCode"] for event in box.events(event=["die"])] == ["4"]


def test_restart_starts_what_is_down(box: Box):
    box.create("one")
    box.client.restart("one")
    assert box.status("one") == "running"
    assert box.happened("one") == ["create", "start", "restart"]
    assert box.raw("POST", "/containers/one/start").status_code == 304
    box.client.kill("one")
    box.client.restart("one")
    assert box.status("one") == "running"


def test_two_restarts_at_once_are_one(box: Box):
    box.run("one", ["sleep", "100"])

    def restart(seconds: int) -> threading.Thread:
        thread = threading.Thread(target=lambda: docker.APIClient(base_url=box.url).restart("one", timeout=seconds))
        thread.start()
        return thread

    # Only one of them loses patience: of two that kill at the same moment, an engine may refuse one as "not running".
    first = restart(4)
    box.until(lambda: "kill" in box.happened("one"), "the first has begun")
    second = restart(60)
    first.join()
    second.join()
    told = box.happened("one")
    assert (told.count("start"), told.count("die"), told.count("restart")) == (2, 1, 2)


def test_a_restart_goes_on_when_its_caller_has_gone(box: Box):
    box.run("one", "trap 'sleep 1; exit 4' TERM; echo ready; while :; do sleep 0.05; done")
    box.until_said("one", b"ready")
    before = box.state("one")["StartedAt"]
    impatient = docker.APIClient(base_url=box.url)
    with pytest.raises(requests.exceptions.RequestException):
        impatient.post(f"{impatient.base_url}/v1.41/containers/one/restart?t=9", timeout=0.3)
    impatient.close()
    box.until(lambda: box.state("one")["StartedAt"] != before and box.status("one") == "running")


def test_removing_takes_force_while_it_runs(box: Box):
    container = box.run("one", ["sleep", "100"])
    refused = box.raw("DELETE", "/containers/one")
    assert (refused.status_code, refused.json()["message"]) == (
        409,
        f"You cannot remove a running container {container}. "
        "Stop the container before attempting removal or force remove",
    )
    box.client.remove_container("one", force=True)
    assert box.raw("GET", f"/containers/{container}/json").status_code == 404
    told = [event["Action"] for event in box.events(container=[container], type=["container"])]
    assert told == ["create", "start", "kill", "die", "destroy"]


# -- restart policies -----------------------------------------------------------------------------------------------


def test_a_policy_gives_up_after_so_many_retries(box: Box):
    box.run("one", "exit 3", host={"restart_policy": {"Name": "on-failure", "MaximumRetryCount": 2}})
    box.until_status("one", "exited")
    assert (box.look("one")["RestartCount"], box.state("one")["ExitCode"]) == (2, 3)
    assert box.happened("one") == ["create", "start", "die", "start", "die", "start", "die"]


def crash_loop(box: Box, name: str = "one") -> dict[str, Any]:
    box.run(name, "exit 3", host={"restart_policy": {"Name": "always"}})
    seen: list[dict[str, Any]] = []

    def between() -> bool:
        seen.append(box.look(name))
        return bool(seen[-1]["State"]["Restarting"]) and seen[-1]["RestartCount"] >= 3

    box.until(between, "it waits for its next run")
    return seen[-1]


def test_between_two_runs_it_counts_as_running(box: Box):
    seen = crash_loop(box)
    state = seen["State"]
    assert (state["Status"], state["Running"], state["Restarting"], state["Pid"]) == ("restarting", True, True, 0)
    assert state["ExitCode"] == 3
    assert box.row("one")["Status"].startswith("Restarting (3) ")
    assert box.raw("POST", "/containers/one/start").status_code == 304
    restarting = f"Container {seen['Id']} is restarting, wait until the container is running"
    assert box.raw("GET", "/containers/one/top").json()["message"] == restarting
    refused = box.raw("DELETE", "/containers/one").json()["message"]
    assert refused.startswith("You cannot remove a restarting container")


def test_a_restart_by_hand_counts_anew(box: Box):
    crash_loop(box)
    box.client.restart("one", timeout=1)
    assert box.look("one")["RestartCount"] <= 1


@pytest.mark.parametrize("policy", ["always", "on-failure"])
def test_what_was_killed_by_hand_stays_down(box: Box, policy: str):
    box.run("one", READY, host={"restart_policy": {"Name": policy}})
    box.until_said("one", b"ready")
    box.client.kill("one")
    assert box.state("one")["ExitCode"] == 137
    box.until_status("one", "exited")
    time.sleep(0.4)
    assert box.status("one") == "exited"


def test_a_killed_process_comes_back_under_a_policy(box: Box):
    box.run("one", ["sleep", "100"], host={"restart_policy": {"Name": "unless-stopped"}})
    before = box.state("one")
    os.kill(before["Pid"], 9)
    box.until(lambda: box.look("one")["RestartCount"] == 1 and box.status("one") == "running")
    assert box.state("one")["StartedAt"] > before["StartedAt"]
    assert box.happened("one") == ["create", "start", "die", "start"]


# -- memory ---------------------------------------------------------------------------------------------------------

LIMIT = {"mem_limit": "16m", "memswap_limit": "16m"}


def without_repeats(actions: Sequence[str]) -> list[str]:
    """Return the actions in order; the kernel may report one out-of-memory kill twice."""
    return [action for action, _ in groupby(actions)]


def test_too_much_memory_is_its_end(box: Box):
    box.run_out_of_memory("one")
    box.until(lambda: box.happened("one")[-1] == "die")
    assert without_repeats(box.happened("one"))[-3:] == ["start", "oom", "die"]


# -- health ---------------------------------------------------------------------------------------------------------


def check(test: list[str], **options: Any) -> dict[str, Any]:
    return {"test": test, "interval": SECOND // 4, "timeout": 2 * SECOND, "retries": 2, **options}


def test_a_container_without_a_check_has_no_health(box: Box):
    box.run("one")
    box.run("two", healthcheck={"test": ["NONE"]})
    assert "Health" not in box.state("one")
    assert "Health" not in box.state("two")


def test_health_follows_its_probes(box: Box):
    box.run("one", healthcheck=check(["CMD-SHELL", "echo seen; ! test -e sick"]))
    assert box.state("one")["Health"]["Status"] == "starting"
    assert box.row("one")["Status"].endswith("(health: starting)")
    box.until(lambda: box.state("one")["Health"]["Status"] == "healthy")
    assert box.row("one")["Status"].endswith("(healthy)")
    box.until(lambda: len(box.state("one")["Health"]["Log"]) == 5, "the log is full")
    newest = box.state("one")["Health"]["Log"][-1]
    assert (newest["ExitCode"], newest["Output"]) == (0, "seen\n")
    assert newest["End"] > newest["Start"]
    assert box.happened("one") == ["create", "start", "health_status: healthy"]
    box.client.kill("one")
    assert box.state("one")["Health"]["Status"] == "unhealthy"
    box.client.start("one")
    health = box.state("one")["Health"]
    assert (health["Status"], health["FailingStreak"], len(health["Log"])) == ("starting", 0, 5)


def test_it_is_unhealthy_after_so_many_failures(box: Box):
    box.run("one", healthcheck=check(["CMD", "false"]))
    box.until(lambda: box.state("one")["Health"]["Status"] == "unhealthy")
    health = box.state("one")["Health"]
    assert health["FailingStreak"] >= 2
    assert {probe["ExitCode"] for probe in health["Log"]} == {1}
    assert box.row("one")["Status"].endswith("(unhealthy)")
    assert box.happened("one") == ["create", "start", "health_status: unhealthy"]
    probes = [event["Action"] for event in box.events() if event["Action"].startswith("exec")][:3]
    assert probes == ["exec_create: false ", "exec_start: false ", "exec_die"]


def test_a_probe_that_hangs_or_cannot_run_has_failed(box: Box):
    box.run("one", healthcheck=check(["CMD-SHELL", "sleep 30"], timeout=SECOND // 2, retries=1))
    box.run("two", healthcheck=check(["CMD", "nosuch"], retries=1))
    box.run("three", healthcheck=check(["CMD-SHELL", "head -c 5000 /dev/zero | tr '\\0' x"]))
    box.until(lambda: box.state("one")["Health"]["Log"] and box.state("two")["Health"]["Log"])
    hung, missing = box.state("one")["Health"], box.state("two")["Health"]
    assert (hung["Status"], hung["Log"][0]["ExitCode"]) == ("unhealthy", -1)
    assert hung["Log"][0]["Output"] == "Health check exceeded timeout (500ms)"
    assert (missing["Status"], missing["Log"][0]["ExitCode"]) == ("unhealthy", -1)
    assert 'exec: "nosuch": executable file not found in $PATH' in missing["Log"][0]["Output"]
    box.until(lambda: box.state("three")["Health"]["Log"])
    assert box.state("three")["Health"]["Log"][0]["Output"] == "x" * 4096 + "..."


# -- logs -----------------------------------------------------------------------------------------------------------


def frames(raw: bytes) -> list[tuple[int, bytes]]:
    found = []
    while raw:
        stream, length = FRAME.unpack_from(raw)
        found.append((stream, raw[8 : 8 + length]))
        raw = raw[8 + length :]
    return found


def log(box: Box, name: str, query: str = "") -> list[tuple[int, bytes]]:
    return frames(box.raw("GET", f"/containers/{name}/logs?stdout=1&stderr=1&{query}").content)


LINES = "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; sleep 0.1; printf four"


def test_a_log_comes_in_frames(box: Box):
    box.run("one", LINES)
    box.until_status("one", "exited")
    box.until(lambda: len(log(box, "one")) == 4)
    assert log(box, "one") == [(1, b"one\n"), (2, b"two\n"), (1, b"three\n"), (1, b"four")]
    assert box.client.logs("one", stdout=False) == b"two\n"
    assert box.client.logs("one", stderr=False) == b"one\nthree\nfour"


def test_a_tail_counts_the_lines_of_both_streams_and_lines_have_times(box: Box):
    box.run("one", LINES)
    box.until_status("one", "exited")
    box.until(lambda: len(log(box, "one")) == 4)
    assert log(box, "one", "tail=2") == [(1, b"three\n"), (1, b"four")]
    assert log(box, "one", "tail=0") == []
    assert len(log(box, "one", "tail=99")) == len(log(box, "one", "tail=all")) == 4
    stamps = [text.partition(b" ")[0].decode() for _, text in log(box, "one", "timestamps=1")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", stamp) for stamp in stamps)
    assert stamps == sorted(stamps)
    assert box.client.logs("one", stdout=False, tail=3) == b"two\n"
    assert box.client.logs("one", stdout=False, tail=2) == b""


def test_a_long_line_comes_in_pieces_of_16_kib(box: Box):
    box.run("one", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end")
    box.until_status("one", "exited")
    box.until_said("one", b"end")
    pieces = [text for _, text in log(box, "one")]
    assert b"".join(pieces) == b"x" * 40_000 + b"\nend\n"
    assert [len(piece) for piece in pieces] == [16_384, 16_384, 7_233, 4]


def test_what_is_no_utf_8_is_marked(box: Box):
    box.run("one", r"printf 'a\377\376b\303\251\033[1m\n'")
    box.until_status("one", "exited")
    box.until_said("one", b"b")
    assert log(box, "one") == [(1, "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}bé\x1b[1m\n".encode())]


def test_the_lines_of_earlier_runs_are_kept(box: Box):
    box.run("one", "echo run; sleep 100")
    box.until_said("one", b"run")
    box.client.restart("one", timeout=0)
    box.until(lambda: box.client.logs("one") == b"run\nrun\n")


# -- use, processes, ports ------------------------------------------------------------------------------------------


def test_statistics_are_of_this_container(box: Box):
    container = box.run("one", f"sleep 100 & {WAITS}", host={"mem_limit": "64m"})
    box.until(lambda: box.client.stats("one", stream=False, one_shot=True)["pids_stats"].get("current", 0) >= 2)
    sample = box.client.stats("one", stream=False, one_shot=True)
    assert (sample["name"], sample["id"]) == ("/one", container)
    assert 0 < sample["memory_stats"]["usage"] < 64 * 2**20 == sample["memory_stats"]["limit"]
    assert sample["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert sample["preread"] == NEVER
    assert sample["cpu_stats"]["system_cpu_usage"] > sample["cpu_stats"]["cpu_usage"]["total_usage"] >= 0
    assert sample["cpu_stats"]["online_cpus"] >= 1


def test_what_is_down_uses_nothing(box: Box):
    box.create("one")
    sample = box.client.stats("one", stream=False, one_shot=True)
    assert (sample["read"], sample["memory_stats"], sample["pids_stats"]) == (NEVER, {}, {})


def test_top_shows_the_processes_as_ps_does(box: Box):
    box.run("one", f"sleep 4714 & {WAITS}")
    box.until(lambda: "sleep 4714" in [row[-1] for row in box.client.top("one")["Processes"]])
    told = box.client.top("one", ps_args="-eo pid,ppid,user,stat,etime,rss,comm")
    assert told["Titles"] == ["PID", "PPID", "USER", "STAT", "ELAPSED", "RSS", "COMMAND"]
    assert str(box.state("one")["Pid"]) in [row[0] for row in told["Processes"]]
    assert {row[-1] for row in told["Processes"]} == {"sh", "sleep"}
    refused = box.raw("GET", "/containers/one/top?ps_args=-bogus")
    assert (refused.status_code, refused.json()["message"]) == (500, "ps: error: unsupported SysV option")


def test_a_published_port_is_open_while_it_runs_and_another_one_after(box: Box):
    box.run("one", ports=[8080], host={"port_bindings": {8080: ("127.0.0.1",)}})
    (binding,) = box.look("one")["NetworkSettings"]["Ports"]["8080/tcp"]
    assert binding["HostIp"] == "127.0.0.1"
    socket.create_connection(("127.0.0.1", int(binding["HostPort"])), 5).close()
    (row,) = box.row("one")["Ports"]
    assert row == {"IP": "127.0.0.1", "PrivatePort": 8080, "PublicPort": int(binding["HostPort"]), "Type": "tcp"}
    box.client.kill("one")
    assert (box.look("one")["NetworkSettings"]["Ports"], box.row("one")["Ports"]) == ({}, [])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(binding["HostPort"])), 5)
    box.client.start("one")
    (other,) = box.look("one")["NetworkSettings"]["Ports"]["8080/tcp"]
    assert other["HostPort"] != binding["HostPort"]


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_a_port_that_is_taken_is_told_at_start(box: Box):
    port = free_port()
    options: dict[str, Any] = {"ports": [8080], "host": {"port_bindings": {8080: ("127.0.0.1", port)}}}
    box.run("one", **options)
    box.create("two", **options)
    refused = box.raw("POST", "/containers/two/start")
    assert refused.status_code == 500
    why = refused.json()["message"]
    assert re.fullmatch(
        rf"driver failed programming external connectivity on endpoint two \([0-9a-f]{{64}}\): "
        rf"Bind for 127.0.0.1:{port} failed: port is already allocated",
        why,
    )
    state = box.state("two")
    assert (state["Status"], state["ExitCode"], state["Error"]) == ("created", 128, why)
    box.client.remove_container("one", force=True)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        why = box.raw("POST", "/containers/two/start").json()["message"]
        assert f"listen tcp4 127.0.0.1:{port}: bind: address already in use" in why
    box.client.start("two")
    assert (box.status("two"), box.state("two")["Error"]) == ("running", "")


# -- lists, events, images, networks --------------------------------------------------------------------------------


def test_the_list_has_what_runs_or_all_and_is_filtered_by_labels(box: Box):
    box.run("buggy-app-v2", labels={"team": "shop", "tier": "web"})
    box.run("xbuggy-app-v2", "exit 7", labels={"team": "shop"})
    box.until_status("xbuggy-app-v2", "exited")
    box.create("other")

    def names(**options: Any) -> list[str]:
        return [row["Names"][0] for row in box.client.containers(**options)]

    assert names() == ["/buggy-app-v2"]
    assert names(all=True) == ["/other", "/xbuggy-app-v2", "/buggy-app-v2"]
    assert names(all=True, filters={"label": "team"}) == ["/xbuggy-app-v2", "/buggy-app-v2"]
    assert names(all=True, filters={"label": ["team=shop", "tier"]}) == ["/buggy-app-v2"]


def test_an_event_names_the_container_its_image_and_labels(box: Box):
    container = box.run("one", "exit 7", labels={"team": "shop"})
    box.until_status("one", "exited")
    (died,) = box.events(event=["die"], type=["container"])
    assert died["time"] == died["timeNano"] // 10**9
    assert died["Actor"]["ID"] == died["id"] == container
    attributes = died["Actor"]["Attributes"]
    assert attributes == {"exitCode": "7", "image": IMAGE, "name": "one", "team": "shop"}
    assert (died["status"], died["from"], died["scope"]) == ("die", IMAGE, "local")
    assert [event["Action"] for event in box.events(container=[container[:12]], event=["start", "die"])] == [
        "start",
        "die",
    ]
    assert box.events(container=["nope"]) == []
    assert box.events(label=["team=other"]) == []
    connected = box.events(type=["network"])
    assert [event["Action"] for event in connected] == ["connect", "disconnect"]
    assert connected[0]["Actor"]["Attributes"] == {"container": container, "name": "bridge", "type": "bridge"}


def test_events_are_heard_as_they_happen(box: Box):
    heard: list[str] = []
    stream = box.client.events(decode=True, filters={"type": "container"})
    listening = threading.Thread(target=lambda: heard.extend(_actions(stream, 3)))
    listening.start()
    box.run("one", "exit 0")
    box.until_status("one", "exited")
    listening.join(10)
    assert heard == ["create", "start", "die"]
    stream.close()


def test_an_image_says_what_it_is(box: Box):
    seen = box.client.inspect_image(IMAGE)
    assert seen["RepoTags"] == [IMAGE]
    assert datetime.fromisoformat(seen["Created"]) <= datetime.now(UTC)
    assert box.client.inspect_image(seen["Id"])["Id"] == box.client.inspect_image(seen["Id"][7:19])["Id"] == seen["Id"]
    box.create("one")
    assert box.look("one")["Image"] == box.row("one")["ImageID"] == seen["Id"]
    assert box.row("one")["Image"] == IMAGE


def test_networks_have_names_members_and_an_end(box: Box):
    assert {network["Name"] for network in box.client.networks()} == {"bridge", "host", "none"}
    made = box.client.create_network("shop_default", labels={"team": "shop"}, check_duplicate=True)
    again = box.raw("POST", "/networks/create", json={"Name": "shop_default", "CheckDuplicate": True})
    assert (again.status_code, again.json()["message"]) == (409, "network with name shop_default already exists")
    endpoints: Any = {"shop_default": box.client.create_endpoint_config(aliases=["db"])}
    config = box.client.create_networking_config(endpoints)
    container = box.run("one", host={"network_mode": "shop_default"}, networking_config=config)
    seen = box.look("one")["NetworkSettings"]["Networks"]
    assert seen.keys() == {"shop_default"}
    assert (seen["shop_default"]["NetworkID"], seen["shop_default"]["Aliases"]) == (made["Id"], ["db", container[:12]])
    assert [network["Id"] for network in box.client.networks(filters={"label": "team=shop"})] == [made["Id"]]
    refused = box.raw("DELETE", "/networks/shop_default")
    assert (refused.status_code, "has active endpoints" in refused.json()["message"]) == (403, True)
    box.client.remove_container("one", force=True)
    box.client.remove_network("shop_default")
    box.create("two", host={"network_mode": "nonet"})
    refused = box.raw("POST", "/containers/two/start")
    assert (refused.status_code, refused.json()["message"]) == (404, "network nonet not found")
    assert box.state("two")["ExitCode"] == 128


# -- through Aegis's adapter ----------------------------------------------------------------------------------------


async def test_aegis_sees_the_container_as_it_is(box: Box, containers: DockerContainers):
    container = box.run(
        "buggy-app-v2",
        f"echo 'INFO starting'; sleep 0.2; echo 'ERROR pool exhausted' >&2; {WAITS}",
        labels={"aegis.verify-url": "http://127.0.0.1:1/", "com.docker.compose.project": "shop"},
        ports=[8080],
        host={
            "port_bindings": {8080: ("127.0.0.1",)},
            "restart_policy": {"Name": "unless-stopped"},
            "mem_limit": "64m",
        },
        healthcheck=check(["CMD", "true"]),
    )
    box.until(lambda: box.state("buggy-app-v2")["Health"]["Status"] == "healthy")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    for _ in range(20):
        # The sample has a quarter of a second, which a busy machine may not give.
        evidence = evidence if evidence.usage else await containers.evidence(parse_target("buggy-app-v2"))
    facts = evidence.facts
    assert facts is not None
    assert (facts.container_id, facts.image, facts.status, facts.running) == (container, IMAGE, "running", True)
    assert (facts.health, facts.restart_policy, facts.memory_limit) == ("healthy", "unless-stopped", 64 * 2**20)
    assert (facts.ports[0].container, facts.ports[0].random) == (8080, True)
    assert (facts.networks, facts.stop_timeout, facts.log_driver) == (("bridge",), 10, "json-file")
    assert facts.image_created_at
    answered = dict.fromkeys(("state", "health", "image", "stats", "logs", "events", "neighbours"), Status.OK)
    # Only some storage drivers tell how much room is left.
    assert {source.name: source.status for source in evidence.sources} == {**answered, "disk": Status.EMPTY}
    assert [line.text for line in evidence.log.lines] == ["INFO starting", "ERROR pool exhausted"]
    assert evidence.usage is not None
    assert 0 < (evidence.usage.memory or 0) < 64 * 2**20
    assert evidence.usage.pids
    assert [line.partition(" ")[2] for line in evidence.events] == ["create", "start", "health_status: healthy"]
    assert (await containers.info()).host == socket.gethostname()


async def test_aegis_lists_every_container_and_takes_exact_names_only(box: Box, containers: DockerContainers):
    container = box.run("buggy-app-v2", labels={"com.docker.compose.project": "shop"})
    box.create("orders-db")
    found = await containers.inventory()
    assert [(target.name, target.status, target.project) for target in found] == [
        ("buggy-app-v2", "running", "shop"),
        ("orders-db", "created", ""),
    ]
    assert (await containers.facts_of(TargetId("", container))).name == "buggy-app-v2"
    for wrong in ("buggy-app", container[:12], "nope"):
        with pytest.raises(TargetNotFound):
            await containers.facts(parse_target(wrong))


async def test_aegis_restarts_it_once_and_sees_the_new_start(box: Box, containers: DockerContainers):
    box.run("buggy-app-v2", READY)
    box.until_said("buggy-app-v2", b"ready")
    before = await containers.facts(parse_target("buggy-app-v2"))
    saved = json.loads(text_of(await bundle(containers, before, "i1")))
    assert saved["log"] == ["ready"]
    assert any("sleep" in line or "sh" in line for line in saved["processes"])
    await restart(containers, before)
    after = await containers.facts(parse_target("buggy-app-v2"))
    assert after.started_at > before.started_at
    assert (after.running, after.restart_count, after.container_id) == (True, 0, before.container_id)
    box.until(lambda: box.client.logs("buggy-app-v2") == b"ready\nready\n")
    assert await containers.newest_lines(TargetId("", after.container_id), 5) == ("ready", "ready")
    box.client.kill("buggy-app-v2")
    await containers.act(Action.START, TargetId("", before.container_id))
    assert (await containers.facts(parse_target("buggy-app-v2"))).running


async def test_aegis_tells_the_lines_of_this_run_from_those_before(box: Box, containers: DockerContainers):
    box.run("buggy-app-v2", f"test -e old && echo 'INFO new' || echo 'ERROR old'; touch old; {WAITS}")
    box.until_said("buggy-app-v2", b"ERROR old")
    box.client.restart("buggy-app-v2", timeout=2)
    box.until_said("buggy-app-v2", b"INFO new")
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert [line.text for line in evidence.log.lines if line.text.startswith(("ERROR", "INFO"))] == [
        "ERROR old",
        "INFO new",
    ]
    assert {source.name: source.detail for source in evidence.sources}["logs"] == "2 lines"


async def test_aegis_reads_a_crash_loop_and_an_out_of_memory(box: Box, containers: DockerContainers):
    crash_loop(box, "loop")
    facts = await containers.facts(parse_target("loop"))
    assert (facts.restart_count >= 3, facts.exit_code, facts.restart_policy) == (True, 3, "always")
    box.run_out_of_memory("leak")
    leak = await containers.facts(parse_target("leak"))
    assert (leak.oom_killed, leak.exit_code, leak.status) == (True, 137, "exited")
    evidence = await containers.evidence(parse_target("leak"))
    told = without_repeats([line.partition(" ")[2] for line in evidence.events])
    assert told[-3:] == ["start", "oom", "die, exit code 137"]


async def test_aegis_hears_that_a_restart_failed(box: Box, containers: DockerContainers):
    box.create("one", ["nosuchprogram"])
    with pytest.raises(RestartFailed) as failed:
        await restart(containers, await containers.facts(parse_target("one")))
    assert "executable file not found" in failed.value.detail


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _actions(stream: Any, count: int) -> Iterator[str]:
    for _ in range(count):
        yield next(stream)["Action"]
