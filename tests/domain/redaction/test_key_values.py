import pytest

from bot.domain.redaction.redact import redact

WITH_SECRETS = """
B2_APPLICATION_KEY=§K005xQ7fT2mW9pLrA8sVbNcYzHdKe3U§
X-Ovh-Application-Key: §7kbG7Bk7S9Nt7ZSV§
"applicationKey": "§kq8sd8fjwq§"
application key: §7kbG7Bk7S9Nt7ZSV§
HMAC key: §9f86d081884c7d659a2feaa0c55ad015§
HMAC key = '§kq8sD8fjW2§'
webhook_hmac_key=§kq8sD8fjW2§
"""


@pytest.mark.parametrize("line", WITH_SECRETS.strip().splitlines())
def test_the_value_of_a_key_for_an_application_or_for_signing_goes(line: str) -> None:
    before, secret, after = line.split("§")
    clean = redact(before + secret + after)
    assert secret not in clean
    assert clean.startswith(before)
    assert clean.endswith(after)


@pytest.mark.parametrize(
    "line",
    [
        "HMAC key: missing",
        "HMAC key: hmac-sha256",
        "HMAC key id: 2026-11",
        "B2_APPLICATION_KEY_ID=0051a2b3c4d5e6f0000000001",
        "APPLICATION_KEY=${B2_KEY}",
        "application key: invalid",
        "redis application-key: orders:1",
    ],
)
def test_what_is_said_of_such_a_key_stays(line: str) -> None:
    assert redact(line) == line
