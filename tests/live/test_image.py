"""The image, built from the Dockerfile and run as compose.yaml runs it: no root, no shell, no capability, read-only."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.http.test_webhook import free_port
from tests.live.test_whole_loop import NAME, Scene, broken, scene
from tests.support.docker_engine import Engine, wait_until

__all__ = ["broken", "scene"]

pytestmark = [pytest.mark.live, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["aegis"]
APT = (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*")))
REACHES_PACKAGES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""What this machine may need to reach a package index."""


def debian(folder: Path) -> bytes:
    """Return a stand-in for the image that a registry would give: the Debian that the Dockerfile names, with Python."""
    suite = re.search(r"^ARG PYTHON=\S+-slim-(\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert suite is not None
    sources = "\n".join(path.read_text() for path in APT if path.is_file())
    mirror = re.findall(r"^(?:URIs:|deb(?: \[[^]]*\])?) +(https?://\S+)", sources, re.MULTILINE)[:1]
    packages = "--include=python3,python3-venv,python3-pip,ca-certificates"
    subprocess.run(["debootstrap", "--variant=minbase", packages, suite[1], folder, *mirror], check=True)
    (folder / "usr/bin/python").symlink_to("python3")
    for note in folder.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        note.unlink()
    for name in filter(os.path.isfile, REACHES_PACKAGES):
        shutil.copy(name, folder / name.lstrip("/"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(folder, "")
    return packed.getvalue()


@pytest.fixture(scope="module")
def image(running_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("debootstrap") is None:
        reason = "not installed: debootstrap"
        (pytest.fail if os.environ.get("AEGIS_TEST_LIVE") == "required" else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("debian")
    running_engine.client.api.import_image_from_data(debian(folder), repository="python", tag="slim")
    shutil.rmtree(folder)
    built, _ = running_engine.client.images.build(
        path=str(ROOT), buildargs={"PYTHON": "python:slim"}, network_mode="host", rm=True, tag="aegis"
    )
    assert built.id is not None
    return built.id


class Bot:
    """Aegis in its container."""

    def __init__(self, engine: Engine, container: str) -> None:
        self.engine, self.container = engine, container

    def status(self) -> dict[str, str]:
        """Return what the kernel says of the bot's own process."""
        pid = self.engine.inspect(self.container)["State"]["Pid"]
        return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())

    def does(self, *command: str) -> tuple[int, str]:
        answer = self.engine.client.containers.get(self.container).exec_run(list(command))
        assert isinstance(answer.output, bytes)
        return answer.exit_code or 0, answer.output.decode()


@pytest.fixture
async def bot(scene: Scene, broken: str, image: str, tmp_path: Path) -> AsyncIterator[Bot]:
    """The bot, as compose.yaml runs it, but for the way to Slack and engine: this machine's loopback and the socket."""
    api = scene.engine.client.api
    given = {
        **{name: value for name, value in scene.environment().items() if str(tmp_path) not in value},
        "DOCKER_HOST": "unix:///engine/docker.sock",
        "AEGIS_VERIFY_URLS": scene.url,
        "AEGIS_HTTP_PORT": str(free_port()),
    }
    container = api.create_container(
        image,
        name="aegis",
        environment=given,
        labels=COMPOSE["labels"],
        volumes=["/engine"],
        host_config=api.create_host_config(
            network_mode="host",
            binds=[f"{scene.engine.root}:/engine"],
            group_add=[str(scene.engine.socket.stat().st_gid)],
            read_only=COMPOSE["read_only"],
            tmpfs=COMPOSE["tmpfs"],
            cap_drop=COMPOSE["cap_drop"],
            security_opt=COMPOSE["security_opt"],
        ),
    )["Id"]
    scene.engine.root.chmod(0o711)
    api.start(container)
    await scene.slack.connected(timeout=30)
    yield Bot(scene.engine, container)
    print(api.logs(container).decode())


async def test_an_alert_is_answered_and_a_restart_proved_from_the_image(scene: Scene, broken: str, bot: Bot) -> None:
    alert = await scene.alert()
    card = await scene.card(alert)
    assert (await scene.slack.press("U0ONCALL", card, "restart")).ok
    assert "ecovered" in (await scene.said(alert, "200 ×3")).words
    assert scene.starts(broken) == 2
    wait_until(lambda: NAME in bot.does("cat", "/data/runbook.json")[1], 10, "the runbook has its entry")
    assert bot.does("aegis", "health")[0] == 0
    assert bot.does("aegis", "audit", "verify")[0] == 0


async def test_it_has_no_root_no_shell_no_capability_and_nothing_to_write_on_but_its_data(bot: Bot) -> None:
    status = bot.status()
    assert {*status["Uid"].split(), *status["Gid"].split()} == {"10001"}
    assert {int(status[name], 16) for name in status if name.startswith("Cap")} == {0}
    assert status["NoNewPrivs"] == "1"
    assert bot.does("getent", "passwd", "10001")[1].endswith("/usr/sbin/nologin\n")
    assert bot.does("touch", "/data/new")[0] == 0
    for place in ("/new", "/opt/aegis/new", "/usr/local/new", "/var/tmp/new"):
        assert "Read-only" in bot.does("touch", place)[1]


async def test_it_holds_no_demo_and_says_where_that_runs(bot: Bot) -> None:
    code, output = bot.does("aegis", "demo")
    assert code == 1
    assert "make demo" in output
    assert "Traceback" not in output
    assert bot.does("find", "/opt/aegis", "-path", "*playground*") == (0, "")


async def test_it_ends_cleanly_when_it_is_told_to(bot: Bot) -> None:
    bot.engine.client.api.stop(bot.container, timeout=14)
    assert bot.engine.inspect(bot.container)["State"]["ExitCode"] == 0
