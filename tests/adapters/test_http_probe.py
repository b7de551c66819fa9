"""One GET to servers that answer well, badly, slowly, for ever, or are somebody else."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.adapters.http_probe import MOST_READ_BYTES, HttpProber
from bot.errors import VerifyUrlRefused

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Service:
    """A server on loopback that keeps the requests it got."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.sent = 0
        self.url = ""


@asynccontextmanager
async def service(answer: Answer | bytes, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    seen = Service()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    seen.url = f"{'https' if tls else 'http'}://localhost:{port}/health"
    try:
        yield seen
    finally:
        server.close()


@pytest.fixture
async def prober() -> AsyncIterator[HttpProber]:
    probing = HttpProber(timeout=0.5)
    yield probing
    await probing.aclose()


def reply(status: str, headers: str = "", body: str = "ok") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


@pytest.mark.fault(60)
@pytest.mark.parametrize(
    ("answer", "good", "said"),
    [
        (reply("200 OK"), True, "200"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True, "204"),
        (reply("503 Service Unavailable"), False, "503"),
        (reply("404 Not Found"), False, "404"),
        (reply("302 Found", "Location: http://169.254.169.254/\r\n"), False, "302, redirects to another address"),
        (reply("308 Permanent Redirect", "Location: /login\r\n"), False, "308, redirects to another address"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", False, "no proper HTTP answer"),
        (b"", False, "no proper HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", False, "no proper HTTP answer"),
    ],
)
async def test_an_answer_is_good_or_bad_in_few_words(answer: bytes, good: bool, said: str, prober: HttpProber) -> None:
    async with service(answer) as seen:
        probe = await prober.probe(seen.url)
    assert (probe.good, probe.answer) == (good, said)
    assert len(seen.requests) == 1
    assert probe.seconds >= 0


async def test_nobody_listening_is_a_refused_connection(prober: HttpProber) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        probe = await prober.probe(f"http://127.0.0.1:{port}/")
        named = await prober.probe(f"http://localhost:{port}/")
    assert (probe.good, probe.answer) == (False, "connection refused")
    assert named.answer == "connection refused"


async def test_an_unknown_host_is_named_so(prober: HttpProber, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    assert (await prober.probe("http://no-such-host.invalid/")).answer == "host name not found"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripping_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.fault(60)
@pytest.mark.parametrize("answer", [silent, drip, dripping_headers])
async def test_what_takes_too_long_in_all_is_no_answer(answer: Answer, prober: HttpProber) -> None:
    async with service(answer) as seen:
        probe = await prober.probe(seen.url)
    assert (probe.good, probe.answer) == (False, "no answer in 0.5 s")


@pytest.mark.fault(60)
async def test_an_endless_answer_is_read_in_part_only(prober: HttpProber) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with service(flood) as seen:
        probe = await prober.probe(seen.url)
    assert (probe.good, probe.answer) == (True, "200")
    # Beyond what is read, only the buffers of both ends are filled.
    assert sent < MOST_READ_BYTES + 16 * 1024 * 1024


async def test_a_compressed_bomb_is_not_unpacked(prober: HttpProber) -> None:
    async with service(reply("200 OK", "Content-Encoding: gzip\r\n", "not gzip at all")) as seen:
        assert (await prober.probe(seen.url)).good
    assert b"accept-encoding: identity" in seen.requests[0].lower()


@pytest.mark.fault(60)
@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "::ffff:169.254.169.254", "::ffff:0:169.254.169.254", "fd00:ec2::254", "fd00:ec2:7::1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::", "2001:0:1:2:0:0:5601:5601", "fe80::1%eth0"),
    ],
)
async def test_a_metadata_address_is_refused_before_a_request(
    address: str, prober: HttpProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A connection that says it leads there stands for a name that was made to lead there.
    async with service(reply("200 OK")) as seen:
        monkeypatch.setattr(
            "anyio._backends._asyncio.SocketStream.extra_attributes",
            property(lambda stream: peers(stream, address)),
        )
        with pytest.raises(VerifyUrlRefused, match="credentials"):
            await prober.probe(seen.url)
    assert seen.requests == []


def peers(stream: Any, address: str) -> dict[Any, Callable[[], Any]]:
    from anyio.abc import SocketAttribute  # noqa: PLC0415 only this test looks into anyio

    return {
        SocketAttribute.remote_address: lambda: (address, 80),
        SocketAttribute.raw_socket: lambda: stream._raw_socket,
    }


@pytest.mark.parametrize(
    ("only", "let"), [({"127.0.0.1"}, True), ({"::ffff:127.0.0.1", "10.0.0.7"}, True), ({"10.0.0.7"}, False)]
)
async def test_a_name_from_a_label_leads_to_the_container_or_is_not_asked(
    only: set[str], let: bool, prober: HttpProber
) -> None:
    async with service(reply("200 OK")) as seen:
        if let:
            assert (await prober.probe(seen.url, frozenset(only))).good
        else:
            with pytest.raises(VerifyUrlRefused, match="elsewhere than to the container"):
                await prober.probe(seen.url, frozenset(only))
    assert len(seen.requests) == let


async def test_a_refused_url_is_not_asked(prober: HttpProber) -> None:
    for url in ("http://169.254.169.254/", "file:///etc/passwd", "http://me:secret@localhost/"):
        with pytest.raises(VerifyUrlRefused):
            await prober.probe(url)


async def test_no_proxy_of_the_environment_is_used(prober: HttpProber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    probing = HttpProber(timeout=0.5)
    async with service(reply("200 OK")) as seen:
        assert (await probing.probe(seen.url)).good
    await probing.aclose()


async def test_no_probe_sends_what_an_earlier_answer_had_it_keep(prober: HttpProber) -> None:
    cookies = "Set-Cookie: session=abc; Path=/\r\nSet-Cookie: wide=1; Domain=localhost; Path=/\r\n"
    async with (
        service(reply("200 OK", cookies)) as first,
        service(reply("302 Found", f"{cookies}Location: /\r\n")) as other,
    ):
        for url in (first.url, other.url, first.url, other.url):
            await prober.probe(url)
    assert len(first.requests) == len(other.requests) == 2
    assert [request for request in first.requests + other.requests if b"cookie" in request.lower()] == []


async def test_no_password_of_the_netrc_file_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    probing = HttpProber(timeout=0.5)
    async with service(reply("200 OK")) as seen:
        assert (await probing.probe(seen.url)).good
    await probing.aclose()
    assert b"authorization" not in seen.requests[0].lower()


@pytest.mark.fault(60)
async def test_each_probe_makes_its_own_connection(prober: HttpProber) -> None:
    connections: set[Any] = set()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername"))
        writer.write(reply("200 OK"))
        await writer.drain()
        await reader.read()

    async with service(note) as seen:
        for _ in range(3):
            await prober.probe(seen.url)
    assert len(connections) == 3


def certificate(folder: Path, *, name: str, days: int) -> Path:
    """Write a certificate that signs itself, and its key, to one file; it ends ``days`` from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.mark.fault(60)
@pytest.mark.parametrize(
    ("name", "days", "trusted", "said"),
    [
        ("localhost", 30, True, "200"),
        ("localhost", -1, True, "TLS certificate expired"),
        ("elsewhere.test", 30, True, "TLS certificate for another name"),
        ("localhost", 30, False, "TLS certificate self-signed"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said(
    name: str, days: int, trusted: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, name=name, days=days)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    probing = HttpProber(timeout=2.0)
    async with service(reply("200 OK"), tls=context) as seen:
        probe = await probing.probe(seen.url)
    await probing.aclose()
    assert (probe.good, probe.answer) == (said == "200", said)


async def test_plain_http_where_tls_was_meant_is_said(prober: HttpProber) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply("400 Bad Request"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        probe = await prober.probe(f"https://127.0.0.1:{port}/")
    assert (probe.good, probe.answer) == (False, "TLS error")
