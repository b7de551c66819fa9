"""The filters: no secret comes out however a log is cut into blocks, and memory does not grow with the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.logs import filters
from bot.domain.redaction.canonical import canonical
from bot.domain.redaction.redact import redact

BODY = "MIIEpAIBAAKCAQEAw9Zt5Vd0c3JhbmRvbWtleW1hdGVyaWFsMDEyMzQ1Njc4OWFi"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY[::-1]}\n-----END RSA PRIVATE KEY-----\n"
LOG = (
    "10:00:01 INFO connecting to postgres://app:hunter2222@db:5432/shop as app\n"
    + KEY
    + "  - name: DB_PASSWORD\n  value: s3cr3t-0f-the-shop\n"
    + "10:00:02 ERROR api answered 401 to Authorization: Bearer abcDEF123456ghiJKL7890\n"
    + "10:00:03 ERROR naïve ✗ failed, token=ghp_abcdefghijklmnopqrstuvwxyz0123456789 \n" * 3
)
SECRETS = ["hunter2222", BODY, BODY[::-1], "s3cr3t-0f-the-shop", "abcDEF123456ghiJKL7890", "ghp_abcdefgh"]


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    blocks = []
    for size in sizes:
        blocks.append(data[:size])
        data = data[size:]
    return [*blocks, data]


@given(sizes=st.lists(st.integers(0, 200), max_size=20), piece=st.integers(300, 700))
def test_no_secret_comes_out_however_the_log_is_cut(sizes: list[int], piece: int) -> None:
    out = b"".join(filters.redact_blocks(cut(LOG.encode(), sizes), (), piece=piece)).decode()
    assert [secret for secret in SECRETS if secret in out] == []


@given(sizes=st.lists(st.integers(0, 200), max_size=20))
def test_a_log_below_one_piece_comes_out_as_if_it_had_come_at_once(sizes: list[int]) -> None:
    blocks = [block for block in cut(LOG.encode(), sizes) if block]
    assert b"".join(filters.redact_blocks(blocks, ())) == redact(LOG).encode()


@given(st.binary(max_size=400).filter(lambda data: b"@" not in data))
def test_bytes_that_are_not_text_pass_as_they_are(data: bytes) -> None:
    harmless = data.translate(None, b"=:-")
    text = canonical(harmless.decode("utf-8", "surrogateescape"))
    assert b"".join(filters.redact_blocks([harmless], ())) == text.encode("utf-8", "surrogateescape")


def test_bytes_that_spell_no_character_stay() -> None:
    assert b"".join(filters.redact_blocks([b"\xff a \x80\n\xc3 b"], ())) == b"\xff a \x80\n\xc3 b"


def test_lines_are_handed_on_when_nothing_comes_for_a_moment() -> None:
    blocks = iter([b"first password=hunter2222\nsecond, not ov", b"", b"er yet\n"])
    out = filters.redact_blocks(blocks, ())
    assert next(out) == b"first password=[redacted:password]\n"
    assert list(out) == [b"second, not over yet\n"]


def test_a_key_is_waited_for_until_it_is_over() -> None:
    begin, end = KEY[:60].encode(), KEY[60:].encode()
    out = list(filters.redact_blocks([b"before\n" + begin, b"", b"", end + b"after\n", b""], ()))
    assert out[0] == b"before\n"
    assert BODY.encode()[:20] not in b"".join(out)
    assert out[-1].endswith(b"-----END RSA PRIVATE KEY-----\nafter\n")


def test_a_key_that_never_ends_holds_up_no_more_than_a_key_may_be_long() -> None:
    line = b"a line after a key that was cut off\n"
    out = filters.redact_blocks(iter([b"-----BEGIN PRIVATE KEY-----\n", *[line * 100, b""] * 40]), ())
    assert b"".join(part for _, part in zip(range(1), out, strict=False)).count(line) > 1000


def test_a_log_of_any_length_is_held_in_memory_piece_by_piece() -> None:
    held = 0
    longest = 0

    def blocks() -> Iterator[bytes]:
        nonlocal held
        for _ in range(200):
            held += 1000
            yield b"x" * 499 + b"\n" + b"y" * 499 + b"\n"

    for part in filters.redact_blocks(blocks(), (), piece=10_000):
        held -= len(part)
        longest = max(longest, held)
    assert held == 0
    assert longest <= 12_000


def test_a_line_without_end_is_cut_after_a_word() -> None:
    out = list(filters.redact_blocks([b"word " * 100] * 10, (), piece=1000))
    assert len(out) > 1
    assert all(part.endswith(b" ") for part in out)
    assert b"".join(out) == b"word " * 1000


def test_secrets_of_the_settings_are_taken_out_too() -> None:
    assert (
        b"".join(filters.redact_blocks([b"key is my-own-key-123.\n"], ("my-own-key-123",)))
        == b"key is [redacted:setting].\n"
    )


def test_a_digest_holds_no_secret_that_spans_its_lines() -> None:
    log = filters.digest_blocks([LOG.encode()], ())
    text = "\n".join(line.text for line in log.lines)
    assert [secret for secret in SECRETS if secret in text] == []
    assert log.total_lines == LOG.count("\n")


@pytest.mark.parametrize("log", [b"", b"\n", b"\0" * 100, b"\xff\xfe\xfd"])
def test_a_digest_of_next_to_nothing_is_made_too(log: bytes) -> None:
    assert filters.digest_blocks([log], ()).total_bytes == len(log)
