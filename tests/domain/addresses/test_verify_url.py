"""Which verify URLs are asked, how the setting is read, and which port is meant after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.addresses.verify_url import check_url, parse_urls, refused_address, resolve_url, verify_address
from bot.domain.evidence import Facts, Port
from bot.errors import VerifyUrlRefused
from tests.support import fakes

ROWS = [json.loads(line) for line in (Path(__file__).parents[2] / "corpus/verify_urls.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in ROWS if row["kind"] == "config"])
def test_a_configured_url_is_used_or_refused_with_a_reason(row: dict[str, Any]) -> None:
    if row["expect"] == "use":
        check_url(row["url"])
        return
    with pytest.raises(VerifyUrlRefused) as told:
        check_url(row["url"])
    assert told.value.sentence.startswith("This verify URL is not used: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/health",
        "http://127.0.0.1:18080/",
        "http://10.0.0.7/health?deep=1",
        "https://shop.example/health",
        "HTTP://web_1:8080",
        "http://xn--pp-fka.example/",
        "http://[fd00::7]:8080/",
        "http://[::ffff:10.0.0.7]/",
        "http://[::ffff:0:10.0.0.7]/",
        "http://[64:ff9b::10.0.0.7]/",
        "http://[2002:a00:7::1]/",
        "http://[2001:db8::5efe:10.0.0.7]/",
        "http://[fd00:ec3::254]/",
        "http://rancher-metadata.shop.example/",
        "http://metadata-service:8080/health",
        "http://web.shop.internal./ok",
        "http://100.100.100.201/",
        "http://1password/",
        "http://host/p%C3%A4th",
    ],
)
def test_services_at_home_and_abroad_may_be_asked(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.169.254.",
        "2852039166",
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.16689662",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fe80::1]",
        "[febf::1]",
        "[fd00:ec2::254]",
        "[FD00:0EC2:0:0:0:0:0:254]",
        "[fd00:ec2::23]",
        "[fd00:ec2:1234::1]",
        "[fd20:ce::254]",
        "[fd00:c1::a9fe:a9fe]",
        "[fd00:42::42]",
        "[fd00:a9fe:a9fe::1]",
        "100.96.0.96",
        "[64:ff9b:1::a9fe:a9fe]",
        "[64:ff9b:1:a9fe:a9:fe00::]",
        "[64:ff9b:1:7:8:9:6464:64c8]",
        "[::ffff:0:169.254.169.254]",
        "[::ffff:0:6464:64c8]",
        "[::ffff:100.100.100.200]",
        "[::ffff:168.63.129.16]",
        "[2002:6464:64c8::1]",
        "[2001:0:a9fe:a9fe::1]",
        "[2001:0:1:2:0:0:5601:5601]",
        "[2001:db8::5efe:169.254.169.254]",
        "[2001:db8::200:5efe:a9fe:a9fe]",
        "100.100.100.200",
        "0x646464c8",
        "192.0.0.192",
        "168.63.129.16",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "metadata",
        "instance-data",
        "instance-data.ec2.internal",
        "instance-data.eu-central-1.compute.internal",
        "rancher-metadata",
        "Rancher-Metadata.",
        "rancher-metadata.rancher.internal",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "api.metadata.cloud.ibm.com",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_clouds_credentials_are_out_of_reach_in_every_writing(scheme: str, host: str) -> None:
    with pytest.raises(VerifyUrlRefused, match="credentials"):
        check_url(f"{scheme}://{host}:80/latest/meta-data/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080/health",
        "//localhost/health",
        "/health",
        "file:///etc/passwd",
        "ftp://host/",
        "javascript:alert(1)",
        "unix:///var/run/docker.sock",
        "http:///health",
        "http://:8080/",
        "http://user:pw@host/",
        "http://token@host/",
        "http://@host/",
        "http://host:0/",
        "http://host:65536/",
        "http://host:-1/",
        "http://host:8o/",
        "http://ho st/",
        " http://host/",
        "http://host/a\nb",
        "http://host/\x00",
        "http://host\t/",
        "http://host\\@169.254.169.254/",
        "http://exa\u2100mple/",
        "http://１２７.0.0.1/",
        "http://host/p\u00e4th",
        "http://[::1/",
        "http://[::1%25eth0]/",
        "http://[v1.x]/",
        "http://ho%73t/",
        "http://a..b/",
        "http://" + "a" * 64 + "/",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        "http://host,b=http/",
        "http://host/" + "a" * 2000,
    ],
)
def test_what_is_no_address_of_a_health_check_is_refused(url: str) -> None:
    with pytest.raises(VerifyUrlRefused):
        check_url(url)


WEB = fakes.facts(
    name="web",
    host="docker-7",
    addresses=("172.18.0.5", "fd00:18::5"),
    aliases=("shop", "web-1"),
    ports=(
        Port(8080, "tcp", "0.0.0.0", 18080),
        Port(9000, "tcp", "127.0.0.1", 19000),
        Port(7000, "tcp", "10.0.0.7", 17000),
        Port(53, "udp", "0.0.0.0", 5353),
        Port(443, "tcp", "0.0.0.0", 443),
    ),
)


def labelled(url: str, look: Facts = WEB) -> Facts:
    return replace(look, labels=(("aegis.verify-url", url),))


@pytest.mark.parametrize(
    ("url", "only"),
    [
        ("http://172.18.0.5:8080/health", ()),
        ("http://172.18.0.5:12345/", ()),
        ("http://[fd00:18::5]:8080/", ()),
        ("http://[fd00:18:0:0:0:0:0:5]:8080/", ()),
        ("http://web:8080/", WEB.addresses),
        ("http://WEB.:8080/", WEB.addresses),
        ("http://shop/", WEB.addresses),
        ("http://web-1:9/", WEB.addresses),
        ("http://localhost:18080/health?deep=1", ()),
        ("http://127.0.0.1:18080/", ()),
        ("http://[::1]:18080/", ()),
        ("http://docker-7:18080/", ()),
        ("http://127.0.0.1:19000/", ()),
        ("http://localhost:19000/", ()),
        ("http://10.0.0.7:17000/", ()),
        ("https://localhost/", ()),
    ],
)
def test_a_label_that_leads_to_its_own_container_is_used(url: str, only: tuple[str, ...]) -> None:
    proof = verify_address("", labelled(url))
    assert (proof.url, proof.ignored, proof.only) == (url, "", frozenset(only))


@pytest.mark.parametrize(
    "url",
    [
        "http://172.18.0.6:8080/",
        "http://attacker.example/health",
        "http://web.attacker.example/",
        "http://other:8080/",
        "http://localhost:8080/",
        "http://localhost/",
        "http://127.0.0.1:17000/",
        "http://localhost:5353/",
        "http://docker-7:19000/",
        "http://docker-7:8081/",
        "http://docker-7.attacker.example:18080/",
        "http://10.0.0.7:18080/",
        "http://10.0.0.8:17000/",
        "http://0x7f.1:2375/",
        "http://socket-proxy:2375/info",
    ],
)
def test_a_label_that_leads_anywhere_else_is_ignored_with_the_reason(url: str) -> None:
    assert "leads elsewhere" in verify_address("", labelled(url)).ignored


def test_a_label_that_no_url_may_be_is_ignored_with_the_reason() -> None:
    assert "credentials" in verify_address("", labelled("http://169.254.169.254/")).ignored
    shared = replace(WEB, addresses=("169.254.169.254",), aliases=("metadata",))
    assert "credentials" in verify_address("", labelled("http://metadata/", shared)).ignored


def test_in_the_host_network_no_label_is_proven() -> None:
    host = replace(WEB, networks=("host",), addresses=(), aliases=(), ports=())
    for url in ("http://localhost:8080/", "http://web:8080/", "http://docker-7:8080/"):
        assert "leads elsewhere" in verify_address("", labelled(url, host)).ignored


def test_while_a_container_is_down_its_label_is_not_judged_and_not_asked() -> None:
    down = replace(WEB, running=False, addresses=(), ports=())
    proof = verify_address("", labelled("http://localhost:18080/", down))
    assert "only while it runs" in proof.ignored


def test_what_the_operator_names_is_asked_whatever_the_label_says() -> None:
    proof = verify_address("http://elsewhere:1/ok", labelled("http://web:8080/"))
    assert (proof.url, proof.ignored, proof.only) == ("http://elsewhere:1/ok", "", frozenset())


def test_a_container_without_either_is_asked_nowhere() -> None:
    assert (verify_address("", WEB).url, verify_address("", WEB).ignored) == ("", "")


def test_a_port_that_the_engine_picks_is_found_for_a_label_too() -> None:
    picked = replace(WEB, ports=(Port(8080, "tcp", "0.0.0.0", 32768, random=True),))
    assert verify_address("", labelled("http://localhost:8080/ok", picked)).url == "http://localhost:32768/ok"


def test_people_see_the_address_without_its_query() -> None:
    assert verify_address("", labelled("http://web:8080/ok?token=abc#x")).shown == "http://web:8080/ok"


@pytest.mark.parametrize("url", [None, 12, ["http://host/"], b"http://host/"])
def test_what_is_no_text_is_refused(url: Any) -> None:
    with pytest.raises(VerifyUrlRefused):
        check_url(url)


@given(
    st.text(max_size=60)
    | st.text(max_size=40).map("http://".__add__)
    | st.text("0123456789abcdefx.:[]%@/", max_size=30).map("http://".__add__)
)
def test_any_text_is_used_or_refused_and_a_refusal_repeats_none_of_it(url: str) -> None:
    refused = ""
    try:
        check_url(url)
    except VerifyUrlRefused as error:
        refused = error.sentence
    assert refused or url.isascii()
    assert len(url) < 12 or url not in refused


@given(st.ip_addresses(network="169.254.0.0/16"))
def test_no_link_local_address_is_let_through(address: Any) -> None:
    number = int(address)
    for written in (str(address), str(number), hex(number), oct(number).replace("o", ""), f"::ffff:{address}"):
        assert refused_address(written)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "2001:db8::1", "93.184.216.34"])
def test_other_addresses_are_let_through(address: str) -> None:
    assert not refused_address(address)


def test_what_cannot_be_read_as_an_address_is_refused() -> None:
    assert refused_address("somewhere")
    assert refused_address("")


def test_the_setting_is_read_as_names_and_urls() -> None:
    assert parse_urls("") == {}
    assert parse_urls("web=http://web:8080/health") == {"web": "http://web:8080/health"}
    assert parse_urls(" web = http://web/?a=1,b=2 , api.v1=https://api/ ,") == {
        "web": "http://web/?a=1,b=2",
        "api.v1": "https://api/",
    }


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("http://web:8080/", "name=url"),
        ("web", "name=url"),
        ("-web=http://web/", "name=url"),
        ("web=http://a/,web=http://b/", "web is there twice"),
        ("web=http://a/,api=gopher://b/", "api: This verify URL is not used: only http and https"),
        ("web=", "web: This verify URL is not used"),
    ],
)
def test_a_wrong_entry_is_named(setting: str, told: str) -> None:
    with pytest.raises(VerifyUrlRefused, match=told):
        parse_urls(setting)


def test_all_wrong_entries_are_named_at_once_without_their_passwords() -> None:
    with pytest.raises(VerifyUrlRefused) as refused:
        parse_urls("web=http://me:hunter2@a/,api=ftp://b/")
    assert "web: " in refused.value.message
    assert "api: " in refused.value.message
    assert "hunter2" not in refused.value.sentence


def facts(*ports: Port) -> Facts:
    return replace(EMPTY, ports=ports)


EMPTY = Facts(
    **dict.fromkeys(("name", "container_id", "host", "image", "image_id", "created_at", "started_at"), ""),  # type: ignore[arg-type]
    **dict.fromkeys(("finished_at", "status", "error", "restart_policy"), ""),  # type: ignore[arg-type]
    **dict.fromkeys(("running", "restarting", "paused", "oom_killed"), False),  # type: ignore[arg-type]
    exit_code=0,
    restart_count=0,
    health=None,
    stop_timeout=10,
)
BEFORE = facts(Port(8080, "tcp", "127.0.0.1", 32768, random=True))
NOW = facts(Port(8080, "tcp", "127.0.0.1", 32801, random=True))


@pytest.mark.parametrize(
    ("url", "today"),
    [
        ("http://127.0.0.1:32768/health?x=1", "http://127.0.0.1:32801/health?x=1"),
        ("http://localhost:32768", "http://localhost:32801"),
        ("http://LOCALHOST:8080/", "http://localhost:32801/"),
        ("http://[::1]:32768/", "http://[::1]:32801/"),
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/"),
        ("http://web:32768/", "http://web:32768/"),
        ("http://10.0.0.7:8080/", "http://10.0.0.7:8080/"),
    ],
)
def test_a_port_that_the_engine_picked_is_looked_up_anew(url: str, today: str) -> None:
    assert resolve_url(url, BEFORE, NOW) == today


def test_without_a_look_before_the_containers_own_port_still_leads_there() -> None:
    assert resolve_url("http://127.0.0.1:8080/", None, NOW) == "http://127.0.0.1:32801/"
    assert (
        resolve_url("http://127.0.0.1/", None, facts(Port(80, "tcp", "", 32900, random=True)))
        == "http://127.0.0.1:32900/"
    )


def test_a_port_published_by_number_is_never_replaced() -> None:
    fixed = facts(Port(8080, "tcp", "127.0.0.1", 8080), Port(8080, "tcp", "127.0.0.1", 32801, random=True))
    assert resolve_url("http://127.0.0.1:8080/", fixed, fixed) == "http://127.0.0.1:8080/"


def test_a_port_of_another_protocol_is_not_meant() -> None:
    udp = facts(Port(8080, "udp", "127.0.0.1", 32801, random=True))
    assert resolve_url("http://127.0.0.1:8080/", None, udp) == "http://127.0.0.1:8080/"


def test_the_port_of_the_same_kind_of_address_is_taken() -> None:
    both = facts(Port(8080, "tcp", "::", 40006, random=True), Port(8080, "tcp", "0.0.0.0", 40004, random=True))
    assert resolve_url("http://127.0.0.1:8080/", None, both) == "http://127.0.0.1:40004/"
    assert resolve_url("http://[::1]:8080/", None, both) == "http://[::1]:40006/"


def test_of_two_ports_to_the_same_place_the_one_that_changes_is_looked_up() -> None:
    now = facts(Port(8080, "tcp", "127.0.0.1", 9000), Port(8080, "tcp", "127.0.0.1", 32801, random=True))
    assert resolve_url("http://127.0.0.1:32768/", BEFORE, now) == "http://127.0.0.1:32801/"


def test_while_the_container_is_down_the_url_stays() -> None:
    assert resolve_url("http://127.0.0.1:32768/", BEFORE, facts()) == "http://127.0.0.1:32768/"
