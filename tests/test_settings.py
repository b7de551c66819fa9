"""Settings: every invalid one is reported at once, no value is shown, and the documents agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import TABLE, Settings, for_slack, load, secrets

ROOT = Path(__file__).parent.parent
BOT = "xoxb-" + "1" * 12
APP = "xapp-" + "1" * 12


def read(**environment: str) -> Settings:
    return load(environment, env_file=None)


def bad(**environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(**environment)
    return caught.value.sentence


def test_defaults_are_those_of_the_table() -> None:
    settings = read()
    for row in TABLE:
        value = getattr(settings, row.name.lower())
        default = row.default.removesuffix(" (off)").removesuffix("/")
        if default in {"–", "none", "nobody", "Slack's", "Google's", "as docker", "every channel it is in"}:
            assert not (value.get_secret_value() if hasattr(value, "get_secret_value") else value), row.name
        elif isinstance(value, bool):
            assert str(value).lower() == default
        elif isinstance(value, tuple):
            assert ",".join(value) == default
        elif hasattr(value, "get_secret_value"):
            assert value.get_secret_value() == default
        else:
            assert str(value).removesuffix(".0") == default, row.name


def test_table_and_model_hold_the_same_settings() -> None:
    assert {row.name.lower() for row in TABLE} == set(Settings.model_fields)


@pytest.mark.fault(14)
def test_every_bad_setting_is_named_at_once() -> None:
    said = bad(
        SLACK_BOT_TOKEN="xoxp-123456789",
        AEGIS_RESTART_LIMIT="many",
        AEGIS_APPROVERS="anna",
        AEGIS_VERIFY_URLS="buggy-app-v2=ftp://x",
        AEGIS_APROVERS="U0ONCALL",
    )
    for name in ("SLACK_BOT_TOKEN", "AEGIS_RESTART_LIMIT", "AEGIS_APPROVERS", "AEGIS_VERIFY_URLS", "AEGIS_APROVERS"):
        assert name in said
    assert "did you mean AEGIS_APPROVERS?" in said


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "GEMINI_API_KEY", "AEGIS_WEBHOOK_TOKEN"])
def test_no_value_of_a_secret_is_shown(name: str) -> None:
    secret = "sUp3rs3cretvalue"
    said = bad(**{name: secret, "AEGIS_RESTART_LIMIT": secret})
    assert secret not in said
    shown = read(**{name: {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP}.get(name, secret)})
    assert secret not in repr(shown)
    assert BOT not in repr(shown)
    assert APP not in repr(shown)


def test_swapped_tokens_are_told_apart() -> None:
    said = bad(SLACK_BOT_TOKEN=APP, SLACK_APP_TOKEN=BOT)
    assert "starts with xoxb-" in said
    assert "starts with xapp-" in said


def test_missing_tokens_are_named_with_where_to_find_them() -> None:
    with pytest.raises(SettingsError) as caught:
        for_slack(read(SLACK_BOT_TOKEN=BOT))
    assert "SLACK_APP_TOKEN" in caught.value.message
    assert "connections:write" in caught.value.message
    assert "SLACK_BOT_TOKEN:" not in caught.value.message


def test_names_are_split_at_commas_and_blanks_do_not_count() -> None:
    assert read(AEGIS_RESTART_ALLOWLIST=" api , worker ,").aegis_restart_allowlist == ("api", "worker")


@pytest.mark.parametrize("names", ["*", "api,*", "../x", "a b", "api;rm"])
def test_the_allow_list_takes_exact_names_only(names: str) -> None:
    assert "AEGIS_RESTART_ALLOWLIST" in bad(AEGIS_RESTART_ALLOWLIST=names)


def test_star_for_approvers_stands_alone() -> None:
    assert read(AEGIS_APPROVERS="*", AEGIS_ALERT_CHANNELS="C0ALERTS").aegis_approvers == ("*",)
    assert "AEGIS_APPROVERS" in bad(AEGIS_APPROVERS="*,U0ONCALL")


@pytest.mark.parametrize("channels", ["", " , "])
@pytest.mark.parametrize("star", ["*", " * ", "*,"])
def test_a_star_for_approvers_needs_an_alert_channel_and_is_named_with_the_other_bad_settings(star, channels):
    said = bad(AEGIS_APPROVERS=star, AEGIS_ALERT_CHANNELS=channels)
    assert "AEGIS_APPROVERS: * means every member of an alert channel" in said
    said = bad(AEGIS_APPROVERS=star, AEGIS_RESTART_LIMIT="many", AEGIS_WEBHOOK_TOKEN="short", AEGIS_HTTP_PORT="8080")
    assert "AEGIS_APPROVERS: * means" in said
    assert "AEGIS_RESTART_LIMIT" in said


def test_an_empty_value_counts_as_not_set() -> None:
    assert read(AEGIS_RESTART_LIMIT="", AEGIS_DRY_RUN=" ") == read()


@pytest.mark.fault(14)
@pytest.mark.parametrize("nothing", ["", " ", ",", " , "])
def test_an_empty_allow_list_allows_nothing(nothing: str) -> None:
    assert read(AEGIS_RESTART_ALLOWLIST=nothing).aegis_restart_allowlist == ()


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "on"])
def test_dry_run_is_switched_on_by_any_usual_word(word: str) -> None:
    assert read(AEGIS_DRY_RUN=word).aegis_dry_run is True


@pytest.mark.parametrize("word", ["false", "FALSE", "0", "no", "off"])
def test_dry_run_is_switched_off_by_any_usual_word(word: str) -> None:
    assert read(AEGIS_DRY_RUN=word).aegis_dry_run is False


def test_dry_run_is_never_guessed() -> None:
    assert "AEGIS_DRY_RUN: must be true or false" in bad(AEGIS_DRY_RUN="maybe")


@pytest.mark.parametrize(("word", "on"), [("1", True), ("0", True), ("false", True), ("", False)])
def test_tls_is_switched_on_as_docker_does_it_by_any_word(word: str, on: bool) -> None:
    assert read(DOCKER_TLS_VERIFY=word).docker_tls_verify is on


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("AEGIS_RESTART_LIMIT", "many", "must be a whole number"),
        ("AEGIS_RESTART_LIMIT", "1.5", "must be a whole number"),
        ("AEGIS_RESTART_LIMIT", "0", "must be at least 1"),
        ("AEGIS_RESTART_COOLDOWN", "9" * 5000, "must be a smaller number"),
        ("AEGIS_RESTART_COOLDOWN", "604801", "must be at most 604800"),
        ("AEGIS_GEMINI_TIMEOUT", "0", "must be more than 0"),
        ("AEGIS_GEMINI_TIMEOUT", "soon", "must be a number"),
        ("AEGIS_VERIFY_TIMEOUT", "inf", "must be a number"),
        ("AEGIS_VERIFY_DELAY", "nan", "must be a number"),
        ("AEGIS_HTTP_PORT", "65536", "must be at most 65535"),
        ("AEGIS_LOG_LEVEL", "loud", "must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("AEGIS_GEMINI_SDK", "openai", "must be 'google-generativeai' or 'google-genai'"),
        ("SLACK_API_URL", "slack.com/api", "must be a URL that starts with http:// or https://"),
    ],
)
def test_a_wrong_value_is_told_what_it_must_be(name: str, value: str, wanted: str) -> None:
    assert f"{name}: {wanted}\n" in bad(**{name: value}).replace(" See .env.example.", "\n")


def test_a_setting_in_small_letters_is_named_too() -> None:
    assert "aegis_dry_run: unknown setting; did you mean AEGIS_DRY_RUN?" in bad(aegis_dry_run="true")


def test_log_level_is_taken_in_any_case() -> None:
    assert read(AEGIS_LOG_LEVEL="debug").aegis_log_level == "DEBUG"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("AEGIS_RESTART_LIMIT=7\nAEGIS_RESTART_COOLDOWN=60\n")
    settings = load({"AEGIS_RESTART_LIMIT": "5"}, env_file=file)
    assert (settings.aegis_restart_limit, settings.aegis_restart_cooldown) == (5, 60)


SECRETS = {BOT, "g-key-123456", "postgresql://u:p%40ssw0rd@db/x", "p@ssw0rd", "p%40ssw0rd"}


def test_secrets_for_the_redactor_are_all_that_are_set_and_the_databases_password_by_itself() -> None:
    url = "postgresql://u:p%40ssw0rd@db/x"
    settings = read(SLACK_BOT_TOKEN=BOT, GEMINI_API_KEY="g-key-123456", AEGIS_DATABASE_URL=url)
    assert set(settings.secrets) == SECRETS


def test_where_a_database_file_lies_is_no_secret() -> None:
    assert read(AEGIS_DATABASE_URL="sqlite:////data/aegis.db").secrets == ()


def test_secrets_are_known_where_other_settings_are_bad(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("GEMINI_API_KEY=g-key-123456\nAEGIS_RESTART_LIMIT=many\nAEGIS_TYPO=1\n")
    environment = {"SLACK_BOT_TOKEN": BOT, "AEGIS_DATABASE_URL": "postgresql://u:p%40ssw0rd@db/x"}
    assert set(secrets(environment, env_file=file)) == SECRETS


def test_an_address_that_cannot_be_read_is_secret_as_a_whole() -> None:
    assert secrets({"AEGIS_DATABASE_URL": "postgres://u:pw@[db"}, env_file=None) == ("pw", "postgres://u:pw@[db")


def test_env_example_names_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    found = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert list(found) == [row.name for row in TABLE]
    settings = load({name: value for name, value in found.items() if value}, env_file=None)
    assert settings == read()


def test_documents_have_the_table_of_settings() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert [(name, default.strip("`"), meaning) for name, default, meaning in rows] == [
        (row.name, row.default, row.meaning) for row in TABLE
    ]


MISREAD = "postgresql://aegis:p@ss/w:rd@postgres/aegis"


@pytest.mark.parametrize(
    "url",
    [MISREAD, "postgresql://aegis:pa/ss-w0rd@h/aegis", "postgres://aegis:w0rd#x@h/aegis", "postgresql://aegis:w0rd?@h/a",
     "postgresql://aegis:w0rd", "postgresql://aegis:a@w0rd@h/aegis"],
)  # fmt: skip
def test_a_password_that_is_not_encoded_is_a_bad_setting_with_the_command_that_encodes_it(url: str) -> None:
    said = bad(AEGIS_DATABASE_URL=url)
    assert "AEGIS_DATABASE_URL: is ambiguous" in said
    assert "urllib.parse.quote" in said
    assert "w:rd" not in said
    assert "w0rd" not in said


def test_the_databases_password_is_a_setting_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("p@ss/w:rd \n")
    for given in ({"AEGIS_DATABASE_PASSWORD": "p@ss/w:rd"}, {"AEGIS_DATABASE_PASSWORD_FILE": str(file)}):
        environment = {"AEGIS_DATABASE_URL": "postgresql://aegis@db:5432/aegis", **given}
        settings = load(environment, env_file=None)
        password = settings.aegis_database_password.get_secret_value()
        assert password.strip() == "p@ss/w:rd"
        assert settings.database_url.startswith("postgresql://aegis:p%40ss%2Fw%3Ard")
        assert settings.database_url.endswith("@db:5432/aegis")
        assert password in settings.secrets
        assert password in secrets(environment, env_file=None)
        assert "p@ss" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AEGIS_DATABASE_PASSWORD": "hunter2x"}, "only PostgreSQL has a password"),
        ({"AEGIS_DATABASE_PASSWORD_FILE": "no-such-file"}, "cannot be read"),
        ({"AEGIS_DATABASE_PASSWORD_FILE": "/dev/null"}, "on one line"),
        ({"AEGIS_DATABASE_PASSWORD": "hunter2x", "AEGIS_DATABASE_PASSWORD_FILE": "/dev/null"}, "set only one of them"),
        (
            {"AEGIS_DATABASE_URL": "postgresql://u:hunter2y@h/db", "AEGIS_DATABASE_PASSWORD": "hunter2x"},
            "must be postgresql://USER@HOST/NAME",
        ),
        ({"AEGIS_AUDIT_KEY": "hunter2x"}, "AEGIS_AUDIT_KEY: must have at least 16 characters"),
    ],
)
def test_a_password_or_key_that_cannot_be_used_is_named_and_not_shown(changes: dict[str, str], said: str) -> None:
    error = bad(**changes)
    assert said in error
    assert "hunter2" not in error


def test_credentials_in_any_address_are_secrets() -> None:
    environment = {
        "DOCKER_HOST": "tcp://u:engine-w0rd@h:2376",
        "SLACK_API_URL": "http://u:slack-w0rd@h/api/",
        "AEGIS_GEMINI_ENDPOINT": "https://u:model%2Dw0rd@h",
        "AEGIS_DATABASE_URL": "postgresql://u:data-w0rd@h/db?sslpassword=tls-w0rd",
    }
    for found in (load(environment, env_file=None).secrets, secrets(environment, env_file=None)):
        assert {"engine-w0rd", "slack-w0rd", "model-w0rd", "data-w0rd", "tls-w0rd"} <= set(found)
