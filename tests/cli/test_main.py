"""The command line as people and programs use it: what is printed where, exit codes, and the errors of beginners."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.command_line import Aegis, command_line
from tests.support.gemini_endpoint import SOUND, Scripted, fails, gemini_endpoint, says

Model = Callable[[Scripted], AbstractContextManager[dict[str, str]]]
LOG = (
    b"10:00:01 INFO started\n"
    + b"10:02:11 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out\n" * 400
    + b"10:03:00 INFO password=hunter2222\n"
)
INSPECTED = {"Id": "c" * 64, "Name": "/web", "State": {"Status": "exited", "OOMKilled": True, "ExitCode": 137}}
EVENT = {
    "type": "message",
    "subtype": "bot_message",
    "bot_id": "B1",
    "username": "Alertmanager",
    "attachments": [
        {
            "color": "a30200",
            "title": "[FIRING:1] ServiceDown (web critical)",
            "text": "*Details:*\n • *alertname:* `ServiceDown`\n • *name:* `web`\n • *severity:* `critical`",
        }
    ],
}
WEBHOOK = {"status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "Down", "container": "web"}}]}
KEYS = {
    *("target", "class", "root_cause", "action", "restart_helps", "justification", "confidence"),
    *("by", "quotes", "sources", "digest", "precedents", "tokens"),
}


@pytest.fixture
def aegis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aegis]:
    with command_line(tmp_path, monkeypatch) as run:
        yield run


@pytest.fixture
def with_model() -> Model:
    """Return what serves a model that always answers alike; in a thread, since the command has its own loop."""

    @contextmanager
    def serve(answer: Scripted) -> Iterator[dict[str, str]]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        endpoint = gemini_endpoint()
        gemini = asyncio.run_coroutine_threadsafe(endpoint.__aenter__(), loop).result()
        gemini.default = answer
        try:
            yield {"GEMINI_API_KEY": "a-key-that-is-not-real", "AEGIS_GEMINI_ENDPOINT": gemini.url}
        finally:
            asyncio.run_coroutine_threadsafe(endpoint.__aexit__(None, None, None), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    return serve


def write(name: str, content: object) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    Path(name).write_bytes(data)
    return name


class TestDiagnose:
    def test_a_log_and_facts_are_enough_for_the_whole_of_a_diagnosis(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--facts", write("facts", [INSPECTED]), "--json")
        assert ended.code == 0
        assert ended.err == ""
        assert ended.json.keys() == KEYS
        assert ended.json["target"] == "web"
        assert ended.json["class"] == "oom"
        assert ended.json["action"] in ("restart", "ignore")
        assert ended.json["restart_helps"] in (True, False, None)
        assert 0 <= ended.json["confidence"] <= 1
        assert ended.json["by"] == "rules"
        assert ended.json["sources"] == {"state": "ok", "logs": "ok"}
        assert "×400" in ended.json["digest"]
        assert ended.json["precedents"] == []
        assert ended.json["tokens"] == 0

    def test_a_log_alone_is_enough_and_missing_facts_are_told(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--json")
        assert ended.json["class"] == "resource_exhaustion"
        assert ended.json["quotes"][0] == LOG.splitlines()[1].decode()
        assert ended.json["sources"] == {"state": "empty", "logs": "ok"}

    def test_facts_alone_are_enough_and_the_missing_log_is_told(self, aegis: Aegis) -> None:
        facts = write("facts", {"exit_code": 137, "oom_killed": True})
        ended = aegis("diagnose", "web", "--facts", facts, "--json")
        assert (ended.json["class"], ended.json["sources"]) == ("oom", {"state": "ok", "logs": "empty"})

    @pytest.mark.parametrize("option", ["--logs", "--facts"])
    def test_a_dash_is_standard_input(self, aegis: Aegis, option: str) -> None:
        stdin = LOG if option == "--logs" else json.dumps(INSPECTED).encode()
        assert aegis("diagnose", "web", option, "-", "--json", stdin=stdin).code == 0

    def test_standard_input_cannot_be_both(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--logs", "-", "--facts", "-", "--json")
        assert (ended.code, ended.out) == (2, "")
        assert "not both" in ended.err

    def test_an_empty_log_is_no_error(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--logs", "-", "--json")
        assert (ended.json["class"], ended.json["sources"]["logs"]) == ("unknown", "empty")

    def test_no_secret_of_a_log_is_printed(self, aegis: Aegis) -> None:
        for options in ([], ["--json"]):
            ended = aegis("diagnose", "web", "--logs", "-", *options, stdin=b"ERROR failed with password=hunter2222\n")
            assert ended.code == 0
            assert "hunter2222" not in ended.out + ended.err

    def test_people_read_it_in_sentences(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--facts", write("facts", INSPECTED))
        assert ended.out.startswith("web: out of memory\n")
        assert "exited · exit code 137 · out of memory" in ended.out
        assert "state ok · logs ok (402 lines)" in ended.out

    def test_it_fits_a_narrow_terminal(self, aegis: Aegis, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        ended = aegis("diagnose", "web", "--logs", write("log", LOG))
        assert max(map(len, ended.out.splitlines())) <= 40

    def test_past_incidents_that_fit_are_named(self, aegis: Aegis) -> None:
        line = LOG.splitlines()[1].decode()
        write("runbook.json", [
            {"id": "p1", "target": "web", "root_cause": "pool used up", "action": "restart", "outcome": "resolved",
             "symptom": "QueuePool limit of size <n> overflow <n> reached, connection timed out", "evidence": [line]},
        ])  # fmt: skip
        ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--json")
        assert ended.json["precedents"] == ["p1"]

    def test_a_broken_runbook_is_a_source_that_failed_and_nothing_more(self, aegis: Aegis) -> None:
        write("runbook.json", b"[{")
        ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--json")
        assert (ended.code, ended.json["sources"]["runbook"]) == (0, "denied")

    def test_without_an_engine_it_says_so(self, aegis: Aegis) -> None:
        ended = aegis("diagnose", "web", "--json")
        assert (ended.code, ended.out) == (1, "")
        assert "There is no Docker socket" in ended.err
        assert "set DOCKER_HOST" in ended.err

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--logs", "nope"), "nope cannot be read: No such file or directory."),
            (("--logs", "."), ". cannot be read: Is a directory."),
            (("--facts", "nope"), "nope cannot be read"),
            (("--facts", "log"), "log is not JSON: line 1, column 3."),
            (("--facts", "list"), "The facts cannot be understood"),
        ],
    )
    def test_files_that_cannot_be_used_are_named(self, aegis: Aegis, options: tuple[str, ...], said: str) -> None:
        write("log", LOG)
        write("list", [1])
        ended = aegis("diagnose", "web", *options, "--json")
        assert (ended.code, ended.out) == (1, "")
        assert said in ended.err
        assert "Traceback" not in ended.err

    def test_a_model_that_is_set_up_is_asked(self, aegis: Aegis, with_model: Model) -> None:
        with with_model(says(SOUND)) as settings:
            ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--json", **settings)
        assert ended.json["by"] == "gemini-3.5-flash-lite"
        assert ended.json["root_cause"] == SOUND["root_cause"]
        assert ended.json["tokens"] == 4321
        assert ended.err == ""

    def test_a_model_that_fails_leaves_it_to_the_rules(self, aegis: Aegis, with_model: Model) -> None:
        with with_model(fails(400, "API key not valid", reason="API_KEY_INVALID")) as settings:
            ended = aegis("diagnose", "web", "--logs", write("log", LOG), "--json", **settings)
        assert (ended.code, ended.json["by"], ended.err) == (0, "rules", "")


class TestAlert:
    def test_one_json_object_on_a_line_for_each_file(self, aegis: Aegis) -> None:
        one = write("one.json", {"event": EVENT, "inventory": ["web", "db"]})
        two = write(
            "two.json", {"event": {**EVENT, "bot_id": None, "user": "U1", "subtype": None}, "inventory": ["web"]}
        )
        ended = aegis("alert", one, two, "--json")
        assert ended.code == 0
        assert ended.lines[0] == {
            "kind": "firing",
            "targets": ["web"],
            "severity": "critical",
            "title": "[FIRING:1] ServiceDown (web critical)",
            "sender": "alertmanager",
        }
        assert ended.lines[1].keys() == ended.lines[0].keys()

    def test_a_bare_event_names_no_target_since_nothing_is_known_to_run(self, aegis: Aegis) -> None:
        ended = aegis("alert", write("event.json", EVENT), "--json")
        assert (ended.json["kind"], ended.json["targets"]) == ("firing", [])

    def test_a_webhooks_body_is_read_by_its_shape(self, aegis: Aegis) -> None:
        given = {"sender": "alertmanager", "body": WEBHOOK, "inventory": ["web"]}
        ended = aegis("alert", write("body.json", given), "--json")
        assert (ended.json["kind"], ended.json["targets"], ended.json["sender"]) == ("firing", ["web"], "alertmanager")

    def test_an_inventory_may_say_more_than_names(self, aegis: Aegis) -> None:
        inventory = [
            {"name": "shop-web-1", "project": "shop", "service": "web", "since": 3},
            "db",
            5,
            {"id": 1},
            {"name": 2},
        ]
        body = {"status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "Down", "service": "web"}}]}
        ended = aegis("alert", "-", "--json", stdin=json.dumps({"body": body, "inventory": inventory}).encode())
        assert ended.json["targets"] == ["shop-web-1"]

    @pytest.mark.parametrize("inventory", [None, "web", {"name": "web"}, 3])
    def test_an_inventory_that_is_no_list_is_none(self, aegis: Aegis, inventory: object) -> None:
        ended = aegis("alert", "-", "--json", stdin=json.dumps({"event": EVENT, "inventory": inventory}).encode())
        assert (ended.code, ended.json["targets"]) == (0, [])

    def test_half_a_sign_is_printed_as_json_writes_it(self, aegis: Aegis) -> None:
        event = {**EVENT, "attachments": [], "text": "firing: \ud800 is down"}
        ended = aegis("alert", "-", "--json", stdin=json.dumps(event).encode())
        assert ended.json["title"] == "firing: \ud800 is down"

    def test_a_file_that_cannot_be_used_does_not_stop_the_others(self, aegis: Aegis) -> None:
        ended = aegis("alert", "nope", write("bad", b"{"), write("list", [1]), write("good", EVENT), "--json")
        assert ended.code == 1
        assert [line["kind"] for line in ended.lines] == ["firing"]
        for said in ("nope cannot be read", "bad is not JSON: line 1, column 2", "an alert is a JSON object"):
            assert said in ended.err

    def test_people_read_one_line_that_cannot_move_their_cursor(self, aegis: Aegis) -> None:
        event = {**EVENT, "attachments": [], "text": "firing: x\x1b[2J [red]is down[/red]"}
        ended = aegis("alert", write("event.json", event))
        assert ended.out.startswith("event.json: kind firing")
        assert "[red]is down[/red]" in ended.out
        assert "\x1b" not in ended.out


class TestDigest:
    def test_it_prints_the_lines_with_number_and_count(self, aegis: Aegis) -> None:
        ended = aegis("digest", "-", stdin=LOG)
        assert ended.code == 0
        assert (
            "2  10:02:11 ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out  ×400" in ended.out
        )
        assert "hunter2222" not in ended.out

    @pytest.mark.parametrize("budget", [100, 500, 2000, 8000])
    def test_it_is_never_longer_than_its_budget(self, aegis: Aegis, budget: int) -> None:
        log = b"".join(b"10:00:%02d ERROR %s failed\n" % (at % 60, os.urandom(9).hex().encode()) for at in range(900))
        ended = aegis("digest", "-", "--budget", str(budget), "--json", stdin=log)
        assert 0 < len(ended.json["digest"]) <= budget

    def test_json_is_one_line_for_each_file(self, aegis: Aegis) -> None:
        ended = aegis("digest", write("a", LOG), write("b", b""), "--json")
        assert [(line["file"], line["lines"], line["bytes"]) for line in ended.lines] == [
            ("a", 402, len(LOG)),
            ("b", 0, 0),
        ]
        assert ended.lines[1]["digest"] == ""

    def test_several_files_are_told_apart(self, aegis: Aegis) -> None:
        ended = aegis("digest", write("a", LOG), write("b", b"ERROR other\n"))
        assert ended.out.startswith("==> a <==\n")
        assert "==> b <==\n1  ERROR other\n" in ended.out

    def test_an_empty_log_prints_nothing(self, aegis: Aegis) -> None:
        ended = aegis("digest", "-")
        assert (ended.code, ended.out) == (0, "")

    def test_nothing_in_a_log_is_markup(self, aegis: Aegis) -> None:
        ended = aegis("digest", "-", stdin=b"ERROR :warning: [bold]x[/bold] [/nothing]\n")
        assert ended.out == "1  ERROR :warning: [bold]x[/bold] [/nothing]\n"

    @pytest.mark.parametrize("budget", ["99", "x", "1000001"])
    def test_a_budget_that_makes_no_sense_is_a_usage_error(self, aegis: Aegis, budget: int) -> None:
        ended = aegis("digest", "-", "--budget", budget)
        assert (ended.code, ended.out) == (2, "")

    def test_a_missing_file_does_not_stop_the_others(self, aegis: Aegis) -> None:
        ended = aegis("digest", "nope", write("a", LOG), "--json")
        assert (ended.code, [line["file"] for line in ended.lines]) == (1, ["a"])
        assert "nope cannot be read" in ended.err

    def test_bad_settings_do_not_keep_it_from_working(self, aegis: Aegis) -> None:
        ended = aegis(
            "digest", "-", stdin=b"ERROR the key is my-own-key-123\n", GEMINI_API_KEY="my-own-key-123", AEGIS_TYPO="1"
        )
        assert ended.code == 0
        assert ended.out == "1  ERROR the key is [redacted:setting]\n"


class TestRedact:
    def test_lines_come_out_clean_and_everything_else_as_it_was(self, aegis: Aegis) -> None:
        stdin = "größer ✗\n\tpassword=hunter2222\r\n\nlast without an end".encode()
        ended = aegis("redact", stdin=stdin)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == "größer ✗\n\tpassword=[redacted:password]\r\n\nlast without an end"

    def test_nothing_in_is_nothing_out(self, aegis: Aegis) -> None:
        ended = aegis("redact")
        assert (ended.code, ended.out, ended.err) == (0, "", "")

    def test_secrets_of_the_settings_are_taken_out_also_where_other_settings_are_bad(self, aegis: Aegis) -> None:
        write(".env", b"AEGIS_WEBHOOK_TOKEN=a-word-of-mine\nAEGIS_RESTART_LIMIT=many\n")
        assert aegis("redact", stdin=b"said a-word-of-mine\n").out == "said [redacted:setting]\n"

    def test_where_it_is_unknown_what_is_secret_nothing_is_let_through(self, aegis: Aegis) -> None:
        write(".env", b"\xff\xfe")
        ended = aegis("redact", stdin=b"a line\n")
        assert (ended.code, ended.out) == (2, "")
        assert ".env cannot be read" in ended.err


class TestErrors:
    def test_without_a_command_the_help_is_shown(self, aegis: Aegis) -> None:
        ended = aegis()
        assert ended.code == 2
        assert "diagnose" in ended.out + ended.err

    @pytest.mark.parametrize(
        "words",
        [("restart",), ("digset", "-"), ("diagnose",), ("digest",), ("alert",), ("doctor", "--jsn"), ("runbook", "x")],
    )
    def test_wrong_usage_ends_with_2_and_prints_no_result(self, aegis: Aegis, words: tuple[str, ...]) -> None:
        ended = aegis(*words)
        assert (ended.code, ended.out) == (2, "")
        assert "Usage: aegis" in ended.err

    @pytest.mark.parametrize(
        "words", [("run",), ("doctor", "--json"), ("diagnose", "web"), ("runbook", "list"), ("health",)]
    )
    def test_bad_settings_end_with_2_and_are_all_named(self, aegis: Aegis, words: tuple[str, ...]) -> None:
        ended = aegis(*words, AEGIS_TYPO="1", AEGIS_RESTART_LIMIT="many")
        assert (ended.code, ended.out) == (2, "")
        assert "AEGIS_TYPO: unknown setting" in ended.err
        assert "AEGIS_RESTART_LIMIT: must be a whole number" in ended.err

    def test_a_broken_line_of_the_env_file_is_named(self, aegis: Aegis) -> None:
        write(".env", b"SLACK_BOT_TOKEN=\nSLACK_APP_TOKEN: xapp-1\n")
        ended = aegis("doctor", "--json")
        assert (ended.code, ended.out) == (2, "")
        assert ".env has invalid syntax: line 2." in ended.err
        assert "xapp-1" not in ended.err

    def test_run_without_tokens_says_where_they_are(self, aegis: Aegis) -> None:
        ended = aegis("run")
        assert (ended.code, ended.out) == (2, "")
        assert "SLACK_BOT_TOKEN: not set. Find it on the app's page in Slack: OAuth & Permissions" in ended.err
        assert "SLACK_APP_TOKEN: not set. Find it on the app's page in Slack: Basic Information" in ended.err

    def test_run_with_slack_out_of_reach_says_so(self, aegis: Aegis) -> None:
        tokens = {
            "SLACK_BOT_TOKEN": "xoxb-1-a",
            "SLACK_APP_TOKEN": "xapp-1-a",
            "SLACK_API_URL": "http://127.0.0.1:9/api/",
        }
        ended = aegis("run", **tokens, HTTPS_PROXY="", HTTP_PROXY="", https_proxy="", http_proxy="")
        assert ended.code == 1
        assert "Slack cannot be reached from here." in ended.err
        assert "Traceback" not in ended.err

    def test_health_without_a_port_says_so(self, aegis: Aegis) -> None:
        ended = aegis("health")
        assert (ended.code, ended.out) == (1, "")
        assert "Set AEGIS_HTTP_PORT." in ended.err


@pytest.mark.slow
class TestAsAProgram:
    """What only a process of its own shows."""

    def run(self, tmp_path: Path, script: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {"PATH": os.environ["PATH"], "A": f"{sys.executable} -m bot", "PYTHONPATH": str(Path.cwd())}
        return subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, input=stdin, capture_output=True, check=False
        )

    def test_who_has_seen_enough_may_leave(self, tmp_path: Path) -> None:
        log = b"".join(b"10:00:00 ERROR %d things failed\n" % number for number in range(100_000))
        ended = self.run(tmp_path, "$A redact | head -n 1", log)
        assert ended.stdout == b"10:00:00 ERROR 0 things failed\n"
        assert ended.stderr == b""

    def test_a_closed_standard_input_and_output_are_told(self, tmp_path: Path) -> None:
        assert b"Standard input is closed." in self.run(tmp_path, "$A digest - <&-").stderr
        ended = self.run(tmp_path, "$A redact >&-", LOG)
        assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, b"Standard output is closed.")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    def test_a_full_disk_is_told(self, tmp_path: Path) -> None:
        for command in ("redact", "digest -", "digest - --json", "diagnose web --logs -"):
            ended = self.run(tmp_path, f"$A {command} > /dev/full", LOG)
            assert ended.returncode == 1
            assert ended.stderr.startswith(b"Standard output cannot be written: No space left on device.")

    def test_a_terminal_without_unicode_does_not_end_it(self, tmp_path: Path) -> None:
        ended = self.run(tmp_path, "PYTHONIOENCODING=ascii LC_ALL=C $A digest -", "ERROR größer ✗\n".encode() * 3)
        assert ended.stdout.decode() == "1  ERROR größer ✗  ×3\n"

    @pytest.mark.parametrize("command", ["--help", "digest log", "redact < log", "alert alert.json"])
    def test_small_commands_start_without_what_is_slow_to_import(self, tmp_path: Path, command: str) -> None:
        (tmp_path / "log").write_bytes(b"10:00:00 ERROR QueuePool limit reached\n")
        (tmp_path / "alert.json").write_text('{"event": {"text": "web is down"}, "inventory": ["web"]}')
        slow = (
            "bot.wiring bot.telemetry bot.incidents bot.domain.signatures "
            "docker sqlalchemy slack_bolt aiohttp httpx prometheus_client"
        )
        (tmp_path / "started.py").write_text(
            "import atexit, os, sys\n"
            "from bot.cli.main import main\n"
            f"slow = {slow.split()!r}\n"
            "if '--help' in sys.argv:\n"
            "    slow += ['bot.settings', 'bot.domain.logs', 'bot.domain.redaction', 'asyncio']\n"
            "atexit.register(lambda: print('slow:', *(one for one in slow if one in sys.modules), file=sys.stderr))\n"
            "main()\n"
        )
        ended = self.run(tmp_path, f"{sys.executable} started.py {command}")
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr.splitlines()[-1].split() == [b"slow:"]

    def test_a_long_log_through_a_pipe_takes_little_memory(self, tmp_path: Path) -> None:
        lines = (b"10:00:00 ERROR %x failed\n" % (number**3) for number in range(300_000))
        (tmp_path / "log.gz").write_bytes(gzip.compress(b"".join(lines)))
        measured = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        script = f"for _ in 1 2 3; do gzip -dc log.gz; done | {sys.executable} -c '{measured}' $A digest - --budget 100"
        ended = self.run(tmp_path, script)
        assert int(ended.stdout.split()[-1]) < 200_000  # kilobytes
