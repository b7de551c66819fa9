"""The model of all settings: typed, frozen and masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, SecretStr, field_validator

from bot.domain.addresses.credentials import address_credentials, with_password
from bot.domain.addresses.verify_url import parse_urls
from bot.domain.eligibility import EVERYBODY
from bot.errors import VerifyUrlRefused
from bot.settings.database_url import check_database_url

MIN_SECRET_CHARS = 16
"""Minimum characters of the webhook's token and the audit key; shorter ones can be guessed."""

DAY_S = 86_400

_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_APPROVER = re.compile(r"[UWS][A-Z0-9]{2,}")
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


def split_names(value: object) -> object:
    """Return the parts of a comma-separated value, without blanks and empty parts."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _is_set(value: object) -> object:
    """Return True for any text, even ``0``: the docker command reads its switches so."""
    return bool(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(split_names)]
Switch = Annotated[bool, BeforeValidator(_is_set)]


class Settings(BaseModel):
    """The values of all settings. Printing a ``SecretStr`` shows asterisks."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_api_url: str = ""
    gemini_api_key: SecretStr = SecretStr("")
    aegis_gemini_model: str = Field("gemini-3.5-flash-lite", min_length=1)
    aegis_gemini_sdk: Literal["google-generativeai", "google-genai"] = "google-generativeai"
    aegis_gemini_endpoint: str = ""
    aegis_gemini_timeout: FiniteFloat = Field(20, gt=0, le=300)
    docker_host: str = ""
    docker_tls_verify: Switch = False
    docker_cert_path: str = ""
    aegis_alert_channels: Names = ()
    aegis_approvers: Names = ()
    aegis_escalation: Names = ()
    aegis_restart_allowlist: Names = ("buggy-app-v2",)
    aegis_restart_cooldown: int = Field(300, ge=0, le=7 * DAY_S)
    aegis_restart_limit: int = Field(3, ge=1, le=1000)
    aegis_restart_timeout: int = Field(10, ge=0, le=3600)
    aegis_approval_expiry: int = Field(3600, ge=10, le=7 * DAY_S)
    aegis_verify_urls: str = ""
    aegis_verify_delay: FiniteFloat = Field(5, ge=0, le=3600)
    aegis_verify_timeout: FiniteFloat = Field(60, gt=0, le=3600)
    aegis_verify_successes: int = Field(3, ge=1, le=100)
    aegis_dry_run: bool = False
    aegis_database_url: SecretStr = SecretStr("sqlite:///aegis.db")
    aegis_database_password: SecretStr = SecretStr("")
    aegis_database_password_file: Path | None = None
    aegis_audit_key: SecretStr = SecretStr("")
    aegis_runbook: Path = Path("runbook.json")
    aegis_bundles: Path = Path("bundles")
    aegis_http_host: str = "127.0.0.1"
    aegis_http_port: int = Field(0, ge=0, le=65535)
    aegis_webhook_token: SecretStr = SecretStr("")
    aegis_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    aegis_log_format: Literal["text", "json"] = "text"

    @field_validator("slack_bot_token")
    @classmethod
    def _bot_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith("xoxb-"):
            raise ValueError("must be the bot token, which starts with xoxb- (on the app's page: OAuth & Permissions)")
        return value

    @field_validator("slack_app_token")
    @classmethod
    def _app_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith("xapp-"):
            raise ValueError(
                "must be the app-level token, which starts with xapp- (on the app's page: Basic Information)"
            )
        return value

    @field_validator("slack_api_url", "aegis_gemini_endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _URL.fullmatch(value):
            raise ValueError("must be a URL that starts with http:// or https://")
        return value

    @field_validator("aegis_alert_channels")
    @classmethod
    def _channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _check_all(
            value, _CHANNEL, "channel ids such as C0123ABC (in Slack: at the bottom of the channel's details)"
        )

    @field_validator("aegis_approvers")
    @classmethod
    def _approvers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return (
            value
            if value == (EVERYBODY,)
            else _check_all(value, _APPROVER, "user ids (U…), user group ids (S…), or * alone")
        )

    @field_validator("aegis_escalation")
    @classmethod
    def _escalation(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _check_all(value, _APPROVER, "user ids (U…) or user group ids (S…)")

    @field_validator("aegis_restart_allowlist")
    @classmethod
    def _allowlist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _check_all(value, _CONTAINER, "exact container names without wildcards")

    @field_validator("aegis_verify_urls")
    @classmethod
    def _verify_urls(cls, value: str) -> str:
        try:
            parse_urls(value)
        except VerifyUrlRefused as error:
            raise ValueError(error.sentence) from error
        return value

    @field_validator("aegis_database_url")
    @classmethod
    def _database_url(cls, value: SecretStr) -> SecretStr:
        check_database_url(value.get_secret_value())
        return value

    @field_validator("aegis_audit_key")
    @classmethod
    def _audit_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            check_length(value.get_secret_value())
        return value

    @field_validator("aegis_log_level", mode="before")
    @classmethod
    def _level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def verify_urls(self) -> dict[str, str]:
        """Return the health URL of each container in AEGIS_VERIFY_URLS."""
        return parse_urls(self.aegis_verify_urls)

    @property
    def database_url(self) -> str:
        """Return the URL of the database, with the password of AEGIS_DATABASE_PASSWORD."""
        url = self.aegis_database_url.get_secret_value()
        password = self.aegis_database_password.get_secret_value()
        return with_password(url, password) if password else url

    @property
    def shared(self) -> bool:
        """Return True if several replicas can share the database, which is a server and not a file."""
        return self.aegis_database_url.get_secret_value().startswith("postgres")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every value that the redactor must replace."""
        values = {name: getattr(self, name) for name in (*_SECRETS, *_URLS)}
        return secret_values(
            {
                name: value.get_secret_value() if isinstance(value, SecretStr) else value
                for name, value in values.items()
            }
        )


_SECRETS = tuple(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)

_URLS = ("aegis_database_url", "docker_host", "slack_api_url", "aegis_gemini_endpoint")
"""Settings whose URL can hold a user and a password."""


def secret_values(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets among the values of settings. The path of a SQLite file is not a secret."""
    secrets = [values.get(name, "") for name in _SECRETS if name != "aegis_database_url"]
    secrets.append(quote(values.get("aegis_database_password", ""), safe=""))  # as the URL holds it
    for name in _URLS:
        url = values.get(name, "")
        if name != "aegis_database_url":
            secrets.extend(address_credentials(url))
        elif not url.startswith("sqlite"):
            secrets.extend((*address_credentials(url), url))
    return tuple(secret for secret in secrets if secret)


def check_length(secret: str) -> None:
    """Raise ``ValueError`` if a key or token is short enough to be guessed."""
    if len(secret) < MIN_SECRET_CHARS:
        raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters; try: openssl rand -hex 32")


def _check_all(values: tuple[str, ...], pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    if not all(pattern.fullmatch(value) for value in values):
        raise ValueError(f"must be {expected}, separated by commas")
    return values
