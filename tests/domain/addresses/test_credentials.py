"""Addresses with credentials: a password never counts as part of the host, whatever signs it holds."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.addresses.credentials import address_credentials, has_clear_parts, with_password, without_credentials

SIGNS = st.text(st.sampled_from("ab:@/?#%[]!$&'()*+,;= \\ä"), min_size=1, max_size=12)


@given(SIGNS)
def test_no_piece_of_a_password_that_was_not_encoded_is_ever_shown(password: str) -> None:
    secret = f"zq{password}qz"
    address = f"postgresql://aegis:{secret}@postgres:5432/aegis"
    shown = without_credentials(address)
    assert shown in ("postgresql://postgres:5432/aegis", "postgresql://…")
    if any(sign in password for sign in "@/?#"):
        assert not has_clear_parts(address)
    hidden = address
    for one in sorted(address_credentials(address), key=len, reverse=True):
        hidden = hidden.replace(one, "***")
    assert "zq" not in hidden
    assert "qz" not in hidden


@given(SIGNS)
def test_a_password_of_any_signs_is_put_into_an_address_encoded(password: str) -> None:
    address = with_password("postgresql://aegis@postgres/aegis?sslmode=require", password)
    assert has_clear_parts(address)
    assert address == f"postgresql://aegis:{quote(password, safe='')}@postgres/aegis?sslmode=require"
    assert password in address_credentials(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("tcp://user:hunter2@10.0.0.1:2376", "tcp://10.0.0.1:2376"),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("https://u:hunter2@[2001:db8::1]:443/api/?token=hunter2", "https://[2001:db8::1]:443/api/"),
        ("ssh://root@host", "ssh://host"),
        ("postgresql://u:hunter2@h1,h2:5432/db?password=hunter2", "postgresql://h1,h2:5432/db"),
        ("postgresql://u:hunter2@/db?host=/run", "postgresql:///db"),
        ("tcp://u:p@hunter2/x:y@host:1", "tcp://…"),
        ("tcp://host:hunter2", "tcp://…"),
        ("hunter2@host", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_credentials(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p@h/db",
        "postgresql://u:a:b@h:1/db",
        "postgresql://u@%2Frun/db",
        "postgresql:///db",
        "sqlite:///a.db",
    ],
)
def test_what_can_be_read_in_one_way_only_is_clear(address: str) -> None:
    assert has_clear_parts(address)


@pytest.mark.parametrize("address", ["postgresql:///db", "postgresql://u:p@h/db", "no address"])
def test_a_password_is_put_only_beside_a_user_without_one(address: str) -> None:
    with pytest.raises(ValueError, match="no"):
        with_password(address, "x")
