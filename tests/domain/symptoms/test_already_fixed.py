"""A restart helps where what broke is mended by now and only the process does not know; not where it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.diagnosis import Action, FailureClass
from bot.domain.evidence import Neighbour
from tests.domain.symptoms.test_diagnose import EXITED, LOOPING
from tests.domain.symptoms.test_timeline import CALM, UNHEALTHY, log
from tests.domain.symptoms.test_timeline import diagnosed as found_in

EXPIRED = ["10:29:00 ERROR tls: certificate has expired"] * 3
DENIED = ["10:29:00 ERROR password authentication failed for user shop"] * 3
NO_ROUTE = ["10:29:00 ERROR dial tcp 10.0.0.9:80: connect: no route to host"] * 3
REFUSED = ["10:29:00 FATAL dial tcp shop-db:5432: connect: connection refused"]
WELL = Neighbour("shop-db", "running", health="healthy", named_in_log=True)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("INFO watcher: /etc/tls/shop.pem was renewed on disk", EXPIRED),
        ("WARN the certificate in memory is older than the file, which is valid until 2027-01-31", EXPIRED),
        ("INFO tls.crt replaced, restart needed to load it", EXPIRED),
        ("INFO secret db-password rotated, new version mounted", DENIED),
        ("INFO agent: lease ended, wrote new credentials to /vault/secrets/db", DENIED),
        ("WARN /run/secrets/db_password changed; the process keeps the password that it read at startup", DENIED),
    ],
)
def test_a_restart_reads_what_was_renewed_on_disk(said: str, trouble: list[str]) -> None:
    found = found_in(UNHEALTHY, log([*CALM, f"10:25:00 {said}", *trouble]))
    assert found.trouble in {FailureClass.TLS_EXPIRED, FailureClass.AUTH}
    assert (found.restart_helps, found.action) == (True, Action.RESTART)
    assert "A restart loads the new one." in found.justification
    assert any(said in quote.text for quote in found.quotes)


@pytest.mark.parametrize(
    "said",
    [
        "ERROR certificate /etc/tls/shop.pem could not be renewed",
        "WARN certificate /etc/tls/shop.pem has to be renewed soon, renewal failed",
        "INFO image shop.png changed on disk",
    ],
)
def test_what_was_not_renewed_is_as_bad_after_a_restart(said: str) -> None:
    found = found_in(UNHEALTHY, log([*CALM, f"10:25:00 {said}", *EXPIRED]))
    assert (found.trouble, found.restart_helps) == (FailureClass.TLS_EXPIRED, False)


@pytest.mark.parametrize("said", ["INFO reloaded certificate", "INFO shop 2.3.1 starting"])
def test_what_was_read_again_since_is_as_bad_after_a_restart(said: str) -> None:
    renewed = "10:25:00 INFO certificate /etc/tls/shop.pem was renewed"
    assert found_in(UNHEALTHY, log([*CALM, renewed, f"10:26:00 {said}", *EXPIRED])).restart_helps is False


def test_a_renewed_file_does_not_mend_the_certificate_of_another() -> None:
    renewed = "10:25:00 INFO certificate /etc/tls/shop.pem was renewed"
    theirs = '10:29:00 ERROR Get "https://bank.example/rates": x509: certificate has expired'
    assert found_in(UNHEALTHY, log([*CALM, renewed, *[theirs] * 3])).restart_helps is False
    read = renewed.replace("was renewed", "renewed and loaded")
    assert found_in(UNHEALTHY, log([*CALM, read, *EXPIRED])).restart_helps is False
    authorities = renewed.replace("shop.pem", "ca-bundle.pem")
    assert found_in(UNHEALTHY, log([*CALM, authorities, *[theirs] * 3])).restart_helps is True


def test_a_rotated_secret_elsewhere_is_not_known_to_help() -> None:
    found = found_in(UNHEALTHY, log([*CALM, "10:25:00 INFO vault: password of shop rotated", *DENIED]))
    assert (found.trouble, found.restart_helps) == (FailureClass.AUTH, None)


def test_starts_that_fail_have_read_what_was_renewed() -> None:
    renewed = "10:25:00 INFO secret /run/secrets/db rotated"
    assert found_in(LOOPING, log([renewed, *DENIED])).restart_helps is False


def test_settings_that_were_changed_and_not_read_lead_what_is_not_reached_since() -> None:
    changed = "10:28:30 WARN /etc/shop/upstreams.conf changed on disk, reload needed"
    found = found_in(UNHEALTHY, log([*CALM, changed, *NO_ROUTE]))
    assert (found.trouble, found.restart_helps) == (FailureClass.CONFIG_ERROR, True)
    assert found.confidence < 0.8
    assert found_in(UNHEALTHY, log([*CALM, *NO_ROUTE, changed])).trouble is FailureClass.NETWORK
    read = "10:28:40 INFO configuration reloaded"
    assert found_in(UNHEALTHY, log([*CALM, changed, read, *NO_ROUTE])).restart_helps is False


def test_settings_that_wait_to_be_read_do_not_explain_that_memory_ran_out() -> None:
    changed = "10:28:30 WARN /etc/shop/shop.yaml changed on disk, restart needed"
    heap = "10:29:00 ERROR java.lang.OutOfMemoryError: Java heap space"
    assert found_in(UNHEALTHY, log([*CALM, changed, heap])).trouble is FailureClass.OOM


def test_a_restart_helps_after_a_neighbour_recovered() -> None:
    found = found_in(EXITED, log([*CALM, *REFUSED]), neighbours=(WELL,))
    assert (found.trouble, found.restart_helps, found.action) == (FailureClass.DEPENDENCY_DOWN, True, Action.RESTART)
    assert "shop-db runs and is healthy now." in found.root_cause
    unprobed = replace(WELL, health=None)
    assert found_in(EXITED, log([*CALM, *REFUSED]), neighbours=(unprobed,)).restart_helps is None


def test_a_neighbour_that_is_away_still_makes_a_restart_useless() -> None:
    for near in (replace(WELL, status="exited", health=None), replace(WELL, health="unhealthy")):
        assert found_in(EXITED, log([*CALM, *REFUSED]), neighbours=(near,)).restart_helps is False
    assert found_in(EXITED, log([*CALM, *REFUSED])).restart_helps is False
    assert found_in(LOOPING, log(REFUSED), neighbours=(WELL,)).restart_helps is False


def test_what_runs_and_gave_up_its_neighbour_for_good_comes_back_by_a_restart() -> None:
    refused = ["10:28:00 ERROR dial tcp shop-db:5432: connect: connection refused"] * 3
    gave_up = "10:29:00 ERROR reconnect attempts exhausted, giving up the connection"
    assert found_in(UNHEALTHY, log([*CALM, *refused, gave_up]), neighbours=(WELL,)).restart_helps is True
    assert found_in(UNHEALTHY, log([*CALM, *refused]), neighbours=(WELL,)).restart_helps is False
