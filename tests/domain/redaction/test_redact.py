import base64
import json
import re
import sys
import time
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.redaction import command_lines, credentials, urls_and_headers, vendor_tokens
from bot.domain.redaction.redact import redact
from tests.domain import redaction_cases

CORPUS = Path(__file__).parents[2] / "corpus"
LINES = [json.loads(line) for line in (CORPUS / "secrets.jsonl").read_text().splitlines()]
SECRET, HARMLESS = [line for line in LINES if "secret" in line], [line for line in LINES if "secret" not in line]
PIECES = """
password = : ' " \\" token abc123DEF456ghi [redacted:password] [redacted: redacted:token] [ ] :// @
user host.com Authorization Bearer Basic Cookie a=b12345678 ; & , secret api_key -----BEGIN -----END
PRIVATE KEY----- -p docker mysql %3D > <password> x@y.io 4111111111111111 AKIAQLI3N4FVU2I5XX2B aws
eyJhbGciOiJIUzI1NiJ9. { } \\n key name: value: login ( ) * . / -
"""
SOUP = st.lists(st.sampled_from([*PIECES.split(), " ", "\n"]) | st.text(max_size=6), max_size=25).map("".join)


def several(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


@pytest.mark.parametrize("case", SECRET, ids=lambda case: f"{case['id']}-{case['kind']}")
def test_a_secret_goes_and_the_line_stays(case: dict[str, object]) -> None:
    clean = redact(str(case["line"]))
    assert [secret for secret in several(case["secret"]) if secret in clean] == []
    assert [kept for kept in several(case.get("keep")) if kept not in clean] == []


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: f"{case['id']}-{case['kind']}")
def test_a_harmless_line_is_untouched(case: dict[str, object]) -> None:
    assert redact(str(case["line"])) == case["line"]


WRITTEN = """
AWS_SECRET_ACCESS_KEY=§wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz3KEYAAAA§
AccountName=shop;AccountKey=§Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4==§;EndpointSuffix=core.windows.net
https://shop.blob.core.windows.net/c/b?sv=2022-11-02&sig=§Zx81abcDEFghiJKLmnoPQRstuVWXyz0123§&sp=r
Cookie: sessionid=§abc123def456ghi789jkl§; theme=dark
{"user":"app","passwd":"§a9-b8-SECRET§"}
msg="login {\\"user\\":\\"a\\",\\"password\\":\\"§hunter2xyz§\\"}"
jdbc:postgresql://db:5432/app?user=app&password=§Winter2026xx§&ssl=true
jdbc:oracle:thin:scott/§tig3rPass§@//db:1521/X
Server=db;User Id=sa;Password=§Str0ng!Pass§;Encrypt=true
app:§Sup3rS3c§@tcp(db:3306)/app
host=db port=5432 user=app password=§kq8sd8fj§ dbname=app
amqp://guest:§gu3stPw§@rabbit:5672/%2f
redis://:§p4ssw0rdXY§@redis-cache:6379/0
mongodb://app:§p@ss/w0rd9§@mongo:27017/x
docker login -u app -p §Gh3im!Xy§ registry.example.com
mysql -h db -u root -p§R00tPass99§ -e 'select 1'
mysqldump --password=§R00tPass99§ app
redis-cli -h redis -a §S3cretRedis§ ping
curl --user admin:§Pw12345§ http://x
password%3D§Pw12345xyz§%26user%3Da
- name: DB_PASSWORD\\n  value: §topSecret9§
args=["--password", "§Kaffee-9fkl§"]
user app, password is §Kaffee-9fkl!GU§
card §4111 1111 1111 1111§ declined
transfer to §GB82 WEST 1234 5698 7654 32§ refused
could not deliver to §jane.doe+x@example.com§: 550
stripe §sk_live_51H8abcDEFghiJKLmnoPQR§ refused
POST https://hooks.slack.com/services/§T0AAAAAAA/B0BBBBBBB/abcdefGHIJKLmnopQRSTuvwx§ 404
CREATE USER app IDENTIFIED BY '§abcDEF12§'
<Password>§Abc123x§</Password>
X-Api-Key: §9f8e7d6c5b4a39281706f5e4d3c2b1a0§
""".strip().splitlines()


@pytest.mark.parametrize("line", WRITTEN)
def test_a_secret_goes_in_every_way_of_writing_and_what_stands_around_it_stays(line: str) -> None:
    line = line.replace("\\n", "\n")
    before, secret, after = line.split("§")
    clean = redact(before + secret + after)
    assert secret not in clean
    assert clean.startswith(before.split("4111")[0])
    assert clean.endswith(after)


@pytest.mark.parametrize(
    "line",
    [
        'FATAL: password authentication failed for user "app"',
        "SyntaxError: Unexpected token < in JSON at position 0",
        "prompt_tokens=812 completion_tokens=91",
        "image: registry.example.com/app@sha256:c07c678040eb77fb3557037ebf6fc9cb2232bbe9ef615f76d87a7cd94268c7bf",
        "git clone git@github.com:acme/app.git",
        "ssh deploy@db.example.com",
        "rabbit@rabbitmq-0.rabbit.svc.cluster.local is down",
        'duplicate key value violates unique constraint "users_email_key"',
        "DB_PASSWORD_FILE=/run/secrets/db_password",
        "token_type=bearer expires_in=3600",
        "pass=12 fail=3 skip=0",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "order 4111111111111112 not found",
        "password: null",
        "password=${DB_PASSWORD}",
        "at com.example.auth.TokenService.refresh(TokenService.java:88)",
        "https://example.com:8443/path@v2/x",
    ],
)
def test_what_a_diagnosis_needs_is_untouched(line: str) -> None:
    assert redact(line) == line


BODY = "MIIEpAIBAAKCAQEA1c7z9Pad7OejecsQ0bu3aumwQ3NtQmDq1pV4fAbCdEfGhI9z"


def test_a_key_goes_line_by_line_also_without_its_end_and_past_other_lines() -> None:
    text = f"12:00 -----BEGIN RSA PRIVATE KEY-----\n12:00 GET /health 200\n12:00 {BODY}\n12:00 tls: handshake failed"
    clean = redact(text)
    assert BODY not in clean
    assert "GET /health 200" in clean
    assert "tls: handshake failed" in clean


def test_a_key_goes_when_its_line_breaks_are_escaped() -> None:
    text = f'{{"private_key":"-----BEGIN PRIVATE KEY-----\\n{BODY}\\nabc=\\n-----END PRIVATE KEY-----\\n","id":7}}'
    clean = redact(text)
    assert BODY not in clean
    assert "abc=" not in clean
    assert clean.endswith('\\n","id":7}')


def test_a_line_of_a_key_whose_head_is_not_there_goes() -> None:
    assert BODY not in redact(f"12:00 loading\n{BODY}\n12:00 done")


def test_a_certificate_stays() -> None:
    text = f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----"
    assert redact(text) == text


def test_known_secrets_go_in_every_form() -> None:
    secret = 'tr1cky/§+ val"ue'
    coded = base64.b64encode(f"user:{secret}".encode()).decode()
    text = f"plain {secret} url {quote(secret, safe='')} basic {coded}"
    clean = redact(text, [secret])
    assert secret not in clean
    assert quote(secret, safe="") not in clean
    assert coded not in clean


def test_a_longer_known_secret_goes_before_a_shorter_within_it() -> None:
    assert redact("x abcdef-123456 y", ["abcdef", "abcdef-123456"]) == "x [redacted:setting] y"


def test_known_secrets_too_short_to_be_told_from_words_are_left() -> None:
    assert redact("the pool is full", ["pool", ""]) == "the pool is full"


LOG = """
2026-11-22 10:02:11,001 ERROR [app.db] QueuePool limit of size 20 overflow 0 reached, connection timed out
{"level":50,"reqId":"a79b02aa-56c9-4e5c-a070-86f3b2016912","msg":"token expired","kid":"2026-11"}
2026-11-22T10:02:12Z level=error msg="auth failed" user=app host=10.0.3.14:5432 session=41 code=28P01
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
10.0.0.9 - - [22/Nov/2026:10:02:13 +0000] "GET /api/tokens?page=2&sort=key HTTP/1.1" 500 12 "-" "curl/8.5.0"
org.postgresql.util.PSQLException: FATAL: password authentication failed for user "app"
\tat com.example.auth.TokenService.refresh(TokenService.java:88)
[2026-11-16T15:32:46,581][INFO ][o.e.n.Node] [lumen-18] cache hit key=shipping:67579:profile
panic: open /run/secrets/db_password: permission denied [recovered] goroutine 1 [running]: main.go:41 +0x1d
Session 0x7ffee4b5a6c0 closed, image sha256:c07c678040eb77fb3557037ebf6fc9cb2232bbe9ef615f76d87a7cd94268c7bf
"""


def test_a_log_without_secrets_is_untouched() -> None:
    assert redact(LOG) == LOG


def test_only_the_line_with_the_secret_changes() -> None:
    lines = [*LOG.splitlines(), "connecting with postgresql://app:Sup3r-S3cret@db-main:5432/shop", *LOG.splitlines()]
    clean = redact("\n".join(lines)).split("\n")
    assert [number for number, pair in enumerate(zip(lines, clean, strict=True)) if pair[0] != pair[1]] == [
        len(LOG.splitlines())
    ]


def calls(text: str) -> int:
    """Count the calls that redacting ``text`` makes, in Python and in C."""
    seen = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        redact(text)
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize(
    "piece", ["password=x ", 'a="b" token=abcDEF123 ', "Cookie: a=b; ", "https://u:p@h/ ", "key: ", "a@b.io "]
)
def test_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    few, many = calls(piece * 100), calls(piece * 800)
    assert many <= 10 * few


@given(SOUP)
@settings(max_examples=400)
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(max_size=300), st.lists(st.text(min_size=6, max_size=20), max_size=3))
def test_any_text_is_redacted_without_an_error(text: str, known: list[str]) -> None:
    assert isinstance(redact(text, known), str)


def test_no_pattern_repeats_without_a_bound_unless_it_never_goes_back() -> None:
    shapes = (
        *vendor_tokens.SHAPES,
        *urls_and_headers.ADDRESSES,
        *urls_and_headers.HEADERS,
        *command_lines.COMMANDS,
        *command_lines.PROSE,
        *credentials.SHAPES,
    )
    nested = re.compile(r"\([^()]*[+*](?!\+)[^()]*\)[+*](?!\+)")
    assert [shape.pattern.pattern for shape in shapes if nested.search(shape.pattern.pattern)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "password=",
        'password=\\"',
        "key: ",
        "://u:",
        "Cookie: a=",
        "eyJ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "mysql -",
        "a@b.",
        "A1b2",
        "token ",
        "key=",
        "auth=('a', '",
        "x:5432:a:b:",
        "insert into a (password) values (",
        "$2y$10$",
    ],
)
def test_a_line_of_a_megabyte_is_redacted(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
    assert len(redact(text)) <= 4 * len(text)


@pytest.mark.parametrize("name", ["1", "2", "3", "4", "5"])
@pytest.mark.parametrize("seed", [0, 7])
def test_nearly_every_secret_of_many_forms_goes_and_stays_gone(name: str, seed: int) -> None:
    cases = redaction_cases.secrets(f"secrets-{name}.txt", seed)
    cleaned = [redact(case.text) for case in cases]
    left = [case.text for case, text in zip(cases, cleaned, strict=True) if redaction_cases.remains(case, text)]
    assert len(left) <= 0.03 * len(cases), left
    assert [redact(text) for text in cleaned] == cleaned


@pytest.mark.parametrize("name", ["1", "2", "3", "4", "5"])
def test_nearly_every_harmless_line_is_untouched(name: str) -> None:
    cases = redaction_cases.harmless(f"harmless-{name}.txt")
    touched = [case.text for case in cases if redact(case.text) != case.text]
    assert len(touched) <= 0.01 * len(cases), touched


@pytest.mark.parametrize("name", ["1", "2", "3", "4", "5"])
def test_secrets_go_from_among_other_lines_as_they_go_alone(name: str) -> None:
    cases = redaction_cases.secrets(f"secrets-{name}.txt", 1)
    quiet = "INFO served GET /orders 200\n"
    text = redact("".join(f"{quiet}{case.text}\n{quiet}{quiet}" for case in cases if "-----" not in case.text))
    # The whole secret is looked for: short pieces of the invented ones are alike.
    left = [case.text for case in cases if "-----" not in case.text and any(one in text for one in case.secrets)]
    assert len(left) <= 0.03 * len(cases), left
    assert text.count(quiet) == 3 * sum("-----" not in case.text for case in cases)


def test_a_secret_that_is_named_once_goes_from_the_whole_text() -> None:
    text = (
        "login(ops, sunshine77x) failed\nDB_PASSWORD=sunshine77x\n"
        + "served\n" * 50
        + "got 'sunshine77x', my-sunshine77xy"
    )
    cleaned = redact(text)
    assert cleaned.count("sunshine77x") == 1
    assert cleaned.endswith("got '[redacted:password]', my-sunshine77xy")
    assert (
        redact("user app2 at host\nDB_PASSWORD=hostname2\n") == "user app2 at host\nDB_PASSWORD=[redacted:password]\n"
    )


def test_lines_far_from_a_hint_are_not_looked_at_and_those_near_are() -> None:
    text = "name: DB_PASSWORD\n\nvalue: Abc12345!\n" + "served\n" * 50 + "value: Xyz98765!"
    assert redact(text) == text.replace("Abc12345!", "[redacted:password]")


@pytest.mark.slow
@pytest.mark.parametrize("filler", ["served GET /orders 200 ", '{"a":1}, ', "x" * 40 + " "])
def test_a_secret_far_inside_a_long_line_goes_as_it_goes_alone(filler: str) -> None:
    cases = [case for case in redaction_cases.secrets("secrets-4.txt") if "\n" not in case.text]
    text = "".join(f"{case.text} {filler * 150}" for case in cases)
    clean = redact(text)
    left = [one for case in cases for one in case.secrets if len(one) > 7 and one in clean]
    assert len(left) <= 0.03 * len(cases), left


def test_what_a_marker_frees_far_from_the_first_lines_goes_too() -> None:
    # The second token starts a word only once the first is a marker.
    text = "served\n" * 100 + f"got AKIA{'QLI3' * 4}eyJhbGciOiJIUzI1NiJ9.x\n" + "served\n" * 100
    clean = redact(text)
    assert "got [redacted:aws-key-id][redacted:jwt]\n" in clean
    assert clean.count("served\n") == 200


def cpu_s(text: str) -> float:
    start = time.process_time()
    redact(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "piece", ["mariadb-", "mariadba-", "sk-", "eyJ-", "eyJabcdefghij-", "AWS4-HMAC-SHA256=", "ldapa-"]
)
@pytest.mark.parametrize("end", ["", "\n"], ids=["one line", "many lines"])
def test_a_word_that_opens_a_secret_and_never_ends_it_takes_linear_time(piece: str, end: str) -> None:
    texts = [(piece * (size // len(piece)))[:size].replace(piece * 20, piece * 20 + end) for size in (6_000, 24_000)]
    few, many = (min(cpu_s(text) for _ in range(3)) for text in texts)
    assert many <= max(6 * few, 0.05)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (
            "POST https://hooks.slack.com/commands/T012AB3CD/7180712345678/qWe4RtY7uIo1pAs2dFg3 404",
            "qWe4RtY7uIo1pAs2dFg3",
        ),
        ("to https://hooks.slack.com/actions/T012AB3CD/71807/zXc5vBn6mQw7eRt8 failed", "zXc5vBn6mQw7eRt8"),
        ("wss://wss-primary.slack.com/link/?ticket=0b1c2d3e-4f5a-6b7c&app_id=9f8e", "0b1c2d3e-4f5a-6b7c"),
        ("ws open wss://x.example.com/s?app_id=9f8e&ticket=Zq81LmNo22", "Zq81LmNo22"),
        ("sms sent: your code is 482913.", "482913"),
        ("Your Shop verification code is: 482-913", "482-913"),
        ("use code 918273 to sign in", "918273"),
        ("recovery code a1b2c/d3e4f used", "a1b2c/d3e4f"),
    ],
)
def test_addresses_that_let_in_and_codes_in_sentences_go(line: str, secret: str) -> None:
    assert secret not in redact(line)


@pytest.mark.parametrize(
    "line", ["the exit code is 137137", "the status code is 500500.", "your error code 123456", "use zip code 123456"]
)
def test_codes_that_let_nobody_in_stay(line: str) -> None:
    assert redact(line) == line
