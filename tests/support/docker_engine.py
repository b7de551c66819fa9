"""A private Docker Engine for the live tests: own daemon, bridge and folders, and containers that misbehave on demand.

Everything it leaves on the machine is cleared away by a guard process that waits for this one to end, however it ends.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

REPOSITORY, TAG = "shop/buggy", "2.3.1"
IMAGE = f"{REPOSITORY}:{TAG}"
PORT = 8080

# The app answers on its port by whether it is broken. Broken "for now" lives in memory (/run is cleared at start), so a
# restart cures it; broken "for good" lives in the container's file system, so a restart does not.
APP = r"""#!/bin/sh
trap 'echo "INFO shutting down"; exit 0' TERM INT
rm -rf /run/app; mkdir -p /run/app /var/app
echo "INFO buggy-app 2.3.1 starting, pool size 20"
[ -e /var/app/dies ] && { echo "FATAL settings.yml: key 'database' is missing"; exit 3; }
nc -ll -p 8080 -e /bin/answer &
echo "INFO listening on 8080"
while :; do
  if [ -e /run/app/broken ] || [ -e /var/app/broken ]; then
    echo "ERROR QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 30.00"
  fi
  sleep 1 & wait $!
done
"""

ANSWER = r"""#!/bin/sh
read -r method path rest
while read -r line; do [ "${#line}" -le 1 ] && break; done
say() { printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\n%s\r\n%s\n' "$1" "$3" "$2"; }
case "$path" in
  /break) touch /run/app/broken; say "200 OK" "broken until the next start" ;;
  /break-for-good) touch /var/app/broken; say "200 OK" "broken" ;;
  /mend) rm -f /run/app/broken /var/app/broken; say "200 OK" "mended" ;;
  /health)
    if [ -e /run/app/broken ] || [ -e /var/app/broken ]; then say "503 Service Unavailable" "pool exhausted"
    else say "200 OK" "well"; fi ;;
  *) say "404 Not Found" "no such page" ;;
esac
"""


class Engine:
    """A running daemon, and what tests do with it."""

    def __init__(self, root: Path, bridge: str, net: int) -> None:
        self.root = root
        self.socket = root / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._bridge = bridge
        self._net = net
        self._daemon: subprocess.Popen[bytes] | None = None
        self._client: docker.DockerClient | None = None
        self._networks = 0

    @property
    def client(self) -> docker.DockerClient:
        """A client of the tests' own, for looking past what is tested."""
        if self._client is None:
            self._client = docker.DockerClient(base_url=self.url, timeout=60)
        return self._client

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        assert self._daemon is not None
        return self._daemon.pid

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        (self.root / "docker.pid").unlink(missing_ok=True)
        with (self.root / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [
                    *("dockerd", "--host", self.url, "--pidfile", str(self.root / "docker.pid")),
                    *("--data-root", str(self.root / "data"), "--exec-root", str(self.root / "exec")),
                    *("--bridge", self._bridge, "--default-address-pool", f"base=10.{self._net}.128.0/17,size=24"),
                    *("--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip", "127.0.0.1"),
                    *("--containerd-namespace", self._bridge, "--containerd-plugins-namespace", f"{self._bridge}p"),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        wait_until(self._answers, 60, "the daemon answers")

    def _answers(self) -> bool:
        assert self._daemon is not None
        if self._daemon.poll() is not None:
            raise RuntimeError(f"dockerd ended: {(self.root / 'dockerd.log').read_text(errors='replace')[-2000:]}")
        try:
            return bool(docker.APIClient(base_url=self.url, timeout=5).ping())
        except (docker.errors.DockerException, OSError):
            return False

    def stop(self) -> None:
        """Stop the daemon in good order; its containers end with it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the daemon; its containers go on."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        assert self._daemon is not None
        self._daemon.send_signal(how)
        self._daemon.wait(60)
        self._client = None
        # Its containerd dies with it, but a little later, and a new daemon would wait for the dying one.
        note = self.root / "exec/containerd/containerd.pid"
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            containerd = psutil.Process(int(note.read_text()))
            wait_until(lambda: not _alive(containerd), 20, "containerd ended")
        note.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the daemon from running, without ending it, while the block runs."""
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED, 10, "the daemon stands still")
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def load_image(self) -> None:
        """Import the image of busybox and the app."""
        self.client.api.import_image_from_data(_image(), repository=REPOSITORY, tag=TAG)

    def create(self, name: str, command: str | Sequence[str] = "sleep 1000", **options: Any) -> str:
        """Create a container of the busybox image without starting it; return its id.

        ``command`` as a string runs in ``sh -c``. ``options`` are docker-py's of ``containers.create``.
        """
        line = ["sh", "-c", command] if isinstance(command, str) else list(command)
        options.setdefault("image", IMAGE)
        made = self.client.containers.create(command=line, name=name, **options)
        assert made.id is not None
        return made.id

    def run(self, name: str, command: str | Sequence[str] = "sleep 1000", **options: Any) -> str:
        """Create a container and start it; return its id."""
        container = self.create(name, command, **options)
        self.client.api.start(container)
        return container

    def app(
        self, name: str = "buggy-app-v2", *, host_port: int | None = None, health: bool = False, **options: Any
    ) -> str:
        """Start the app with its port published on loopback (``None``: the engine picks one); return the id.

        ``health`` adds a health check each second. Waits until the app answers.
        """
        if health:
            second = 10**9
            check = ["CMD-SHELL", f"wget -q -O - http://127.0.0.1:{PORT}/health"]
            options["healthcheck"] = {"test": check, "interval": second, "timeout": second * 2, "retries": 2}
        container = self.run(name, ["/bin/buggy-app"], ports={f"{PORT}/tcp": ("127.0.0.1", host_port)}, **options)
        wait_until(
            lambda: self.shell(container, f"wget -q -O - http://127.0.0.1:{PORT}/")[0] != 127, 20, "the app runs"
        )
        wait_until(lambda: b"listening" in self.client.api.logs(container), 20, "the app listens")
        return container

    def break_app(self, container: str = "buggy-app-v2", *, for_good: bool = False) -> None:
        """Break the app: a restart cures it, or with ``for_good`` does not."""
        self.shell(container, "touch /var/app/broken" if for_good else "touch /run/app/broken")

    def doom_app(self, container: str = "buggy-app-v2") -> None:
        """Make the app end with exit code 3 from its next start on."""
        self.shell(container, "touch /var/app/dies")

    def shell(self, container: str, script: str) -> tuple[int, bytes]:
        """Run ``script`` in a running container; return its exit code and output."""
        answer = self.client.containers.get(container).exec_run(["sh", "-c", script])
        assert isinstance(answer.output, bytes)
        return answer.exit_code or 0, answer.output

    def port(self, container: str = "buggy-app-v2", inside: int = PORT) -> int:
        """Return the port on this machine's loopback that leads to the container's port."""
        return int(self.inspect(container)["NetworkSettings"]["Ports"][f"{inside}/tcp"][0]["HostPort"])

    def inspect(self, container: str) -> dict[str, Any]:
        """Return all that the engine says of a container."""
        answer: dict[str, Any] = self.client.api.inspect_container(container)
        return answer

    def network(self, name: str) -> str:
        """Make a network of the user's own; return its name."""
        self._networks += 1
        options = {"com.docker.network.bridge.name": f"{self._bridge}n{self._networks}"}
        self.client.networks.create(name, driver="bridge", options=options)
        return name

    def events(self, container: str, since: int) -> list[str]:
        """Return the actions (``start``, ``die``, …) that the engine tells of a container since the epoch second."""
        told = self.client.api.events(
            since=since, until=int(time.time()) + 1, filters={"container": container}, decode=True
        )
        return [event["Action"] for event in told if event["Type"] == "container"]

    def wait_status(self, container: str, status: str, seconds: float = 20) -> None:
        """Wait until a container's status is ``status``."""
        wait_until(lambda: self.inspect(container)["State"]["Status"] == status, seconds, f"{container} is {status}")

    def wait_health(self, container: str, health: str, seconds: float = 30) -> None:
        """Wait until a container's health check says ``health``."""
        wait_until(
            lambda: self.inspect(container)["State"]["Health"]["Status"] == health, seconds, f"{container} is {health}"
        )

    def clear(self) -> None:
        """Remove all containers and networks of one's own, for the next test."""
        for container in self.client.api.containers(all=True):
            with suppress(docker.errors.APIError):
                self.client.api.remove_container(container["Id"], force=True, v=True)
        for network in self.client.networks.list():
            if network.name not in ("bridge", "host", "none"):
                network.remove()


def wait_until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until ``true()`` holds; fail with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def why_not() -> str:
    """Say why no engine can be started here, or ``""``."""
    missing = [tool for tool in ("dockerd", "ip", "busybox") if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: docker.io, iproute2, busybox-static)"
    return "" if os.geteuid() == 0 else "an engine can be started by root only"


def skip_or_fail() -> None:
    """Skip the test where no engine can be started here; fail it where live tests are required."""
    reason = why_not()
    if reason and os.environ.get("AEGIS_TEST_LIVE") == "required":
        pytest.fail(f"live tests are required, but {reason}")
    if reason:
        pytest.skip(reason)


def engine_or_skip() -> Iterator[Engine]:
    """Start an engine for a fixture and clear it away after; skip, or fail where live tests are required."""
    skip_or_fail()
    with running_engine() as engine:
        yield engine


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Run an engine with the image loaded while the block runs."""
    root = Path(tempfile.mkdtemp(prefix="aegis-engine-"))
    bridge = f"ae{secrets.token_hex(3)}"
    # Its own process group, so that Ctrl-C does not end the guard before it has done its work.
    guard = subprocess.Popen(
        [sys.executable, str(Path(__file__)), str(root), bridge], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        net = _add_bridge(bridge)
        engine = Engine(root, bridge, net)
        engine.start()
        engine.load_image()
        yield engine
        with suppress(docker.errors.DockerException, OSError):
            engine.clear()
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(90)


def _add_bridge(bridge: str) -> int:
    """Make the bridge with an address nobody uses; return the second number of its network ``10.N.0.0``."""
    routes = json.loads(subprocess.run(["ip", "-j", "route"], check=True, capture_output=True).stdout or "[]")
    used = {str(route["dst"]) for route in routes}
    free = [n for n in range(100, 250) if not any(dst.startswith(f"10.{n}.") for dst in used)]
    net = secrets.choice(free)
    subprocess.run(["ip", "link", "add", "name", bridge, "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", f"10.{net}.0.1/24", "dev", bridge], check=True)
    subprocess.run(["ip", "link", "set", bridge, "up"], check=True)
    return net


def _image() -> bytes:
    busybox = shutil.which("busybox")
    assert busybox is not None
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "run", "var", "var/app"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        _add_file(tar, "bin/busybox", Path(busybox).read_bytes(), 0o755)
        _add_file(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)
        _add_file(tar, "bin/buggy-app", APP.encode(), 0o755)
        _add_file(tar, "bin/answer", ANSWER.encode(), 0o755)
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
    return tar_bytes.getvalue()


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _guard(root: Path, bridge: str) -> None:
    """Wait until the other end of standard input is closed, then clear away everything that the engine left."""
    sys.stdin.buffer.read()
    ours = _processes(root)
    for process in ours:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGCONT)
    daemons = [process for process in ours if process.name() == "dockerd"]
    _end(daemons, signal.SIGTERM, 20)
    _end(_processes(root), signal.SIGKILL, 10)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{root}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
    for link in Path("/sys/class/net").iterdir():
        if link.name.startswith(bridge):
            subprocess.run(["ip", "link", "delete", link.name], check=False)
    shutil.rmtree(root, ignore_errors=True)


def _processes(root: Path) -> list[psutil.Process]:
    """Return all processes of the engine: those that name its folder, and all that they started."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and any(str(root) in word for word in process.cmdline()):
                found[process.pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
    return [process for process in found.values() if process.pid != os.getpid()]


def _end(processes: list[psutil.Process], how: signal.Signals, seconds: float) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(how)
    end = time.monotonic() + seconds
    while any(_alive(process) for process in processes) and time.monotonic() < end:
        time.sleep(0.02)


def _alive(process: psutil.Process) -> bool:
    try:
        # The tests' own process may not have taken note yet that its daemon ended.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), sys.argv[2])
