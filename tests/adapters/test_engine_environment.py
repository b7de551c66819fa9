"""The engine is asked directly: no proxy, no certificates and no password of the environment get between."""

from __future__ import annotations

import datetime
import ipaddress
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.docker.containers import DockerContainers
from bot.domain.diagnosis import Action
from bot.domain.target import TargetId, parse_target
from tests.adapters.conftest import FakeEngine, Handler
from tests.support.fakes import START, bundle, restart

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Endpoint(socketserver.ThreadingTCPServer):
    """An engine at a port on loopback."""

    daemon_threads = True
    allow_reuse_address = True
    engine: FakeEngine

    def handle_error(self, *_: object) -> None:
        """Clients go away in the middle on purpose here."""


class WithHeaders(Handler):
    """Keeps the headers of each call beside it."""

    headers_of_calls: list[str]

    def _answer(self) -> None:
        self.headers_of_calls.append(str(self.headers))
        super()._answer()


@contextmanager
def listening(engine: FakeEngine, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    headers: list[str] = []
    handler = type("Kept", (WithHeaders,), {"headers_of_calls": headers})
    with Endpoint(("127.0.0.1", 0), handler) as server:
        server.engine = engine
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1], headers
        server.shutdown()


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The address of a proxy to which nothing may come, and what came."""
    with tempfile.TemporaryDirectory(prefix="ae") as folder:
        engine = FakeEngine(Path(folder))
        with listening(engine) as (port, _):
            yield f"http://127.0.0.1:{port}", engine.journal


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


async def use(containers: DockerContainers) -> None:
    """Make every kind of call: questions, streams and acts."""
    await containers.info()
    await containers.inventory()
    evidence = await containers.evidence(parse_target("buggy-app-v2"))
    assert evidence.facts is not None
    await containers.newest_lines(TargetId("", evidence.facts.container_id), 5)
    await bundle(containers, evidence.facts, "incident")
    await restart(containers, evidence.facts)
    await containers.act(Action.START, TargetId("", evidence.facts.container_id))


@pytest.mark.parametrize("scheme", ["tcp", "http"])
@pytest.mark.parametrize("spelling", [str.upper, str.lower])
async def test_a_proxy_of_the_environment_gets_none_of_the_engines_calls(
    scheme: str,
    spelling: type[str],
    engine: FakeEngine,
    trap: tuple[str, list[tuple[str, str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, came = trap
    for name in PROXIES:
        monkeypatch.setenv(spelling(name), address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    engine.say("POST /.*(restart|start)", 204)
    with listening(engine) as (port, _):
        await use(DockerContainers(docker_host=f"{scheme}://127.0.0.1:{port}", bundles=tmp_path, now=lambda: START))
    assert came == []
    assert engine.calls("GET /version") >= 1
    assert engine.calls("POST .*/restart") == 1


async def test_no_password_of_the_netrc_file_goes_to_the_engine(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    engine.say("POST /.*(restart|start)", 204)
    with listening(engine) as (port, headers):
        await use(DockerContainers(docker_host=f"tcp://127.0.0.1:{port}", bundles=tmp_path, now=lambda: START))
    assert headers
    assert [one for one in headers if "authorization" in one.lower()] == []


def certificates(folder: Path) -> Path:
    """Write a CA that is the engine's and the client's certificate too, as Docker names the files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engine")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    folder.mkdir()
    (folder / "ca.pem").write_bytes(pem)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_certificates_of_the_environment_do_not_replace_the_engines(
    variable: str,
    engine: FakeEngine,
    trap: tuple[str, list[tuple[str, str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = certificates(tmp_path / "mine")
    monkeypatch.setenv(variable, str(certificates(tmp_path / "company") / "ca.pem"))
    for name in PROXIES:
        monkeypatch.setenv(name, trap[0])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=mine / "ca.pem")
    tls.load_cert_chain(mine / "cert.pem", mine / "key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    engine.say("POST /.*(restart|start)", 204)
    with listening(engine, tls) as (port, _):
        containers = DockerContainers(
            docker_host=f"tcp://127.0.0.1:{port}",
            tls_verify=True,
            cert_path=str(mine),
            bundles=tmp_path,
            now=lambda: START,
        )
        await use(containers)
    assert trap[1] == []
