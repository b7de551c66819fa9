import pytest

from bot.domain.redaction.redact import redact

WITH_SECRETS = """
mc alias set backup https://minio.example.com:9000 §backupadmin§ §Zq7mN2pXc8vL4sTk§
mc --insecure alias set backup https://minio:9000 §admin§ "§Kaffee-9fkl§"
docker exec s3 mc config host add local http://localhost:9000 §minioadmin§ §minioadmin§ --api S3v4
mc alias set local http://localhost:9000 "$MINIO_ROOT_USER" §Kaffee9fkl§
b2 authorize --application-key §K005xQ7fT2mW9pLrA8sVbNcYzHdKe3U§
the application key is §K005xQ7fT2mW9pLrA8sVbNcYzHdKe3U§
RESTIC_B2_APPLICATION_KEY §K005xQ7fT2mW9pLrA8sVbNcYzHdKe3U§
verified with the HMAC key §kq8sD8fjW2mnQ7xZp4rT§
"""


@pytest.mark.parametrize("line", WITH_SECRETS.strip().splitlines())
def test_what_a_command_or_a_sentence_gives_away_goes_and_the_rest_stays(line: str) -> None:
    parts = line.split("§")
    clean = redact("".join(parts))
    assert [secret for secret in parts[1::2] if secret in clean] == []
    assert [kept for kept in parts[::2] if kept not in clean] == []


@pytest.mark.parametrize(
    "line",
    [
        "mc alias set local http://localhost:9000 $MINIO_USER $MINIO_PASS",
        "usage: mc alias set ALIAS URL ACCESSKEY SECRETKEY",
        "mc alias set backup https://minio.example.com:9000 --api S3v4",
        "mc config host list",
        "application key not found for app web-1",
        "HMAC key rotated at 2026-11-22T10:00Z",
    ],
)
def test_a_command_or_a_sentence_without_a_secret_is_untouched(line: str) -> None:
    assert redact(line) == line
