"""Every setting of Aegis, typed, frozen and masked; the only reader of the environment.

``TABLE`` is what people see: the README's table and ``.env.example`` are tested against it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    SecretStr,
    ValidationError,
    field_validator,
)

from bot.domain.addresses.credentials import ENCODE, clear, credentials, with_password
from bot.domain.addresses.verify_url import parse_urls
from bot.domain.eligibility import EVERYBODY
from bot.errors import SettingsError, VerifyUrlRefused


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as people see it."""

    name: str
    default: str
    meaning: str


TABLE = (
    Row("SLACK_BOT_TOKEN", "–", "the bot's token, `xoxb-…`"),
    Row("SLACK_APP_TOKEN", "–", "the app-level token with `connections:write`, `xapp-…`"),
    Row("SLACK_API_URL", "Slack's", "base address of the Web API, for a local workspace"),
    Row("GEMINI_API_KEY", "none", "without it the rules diagnose"),
    Row("AEGIS_GEMINI_MODEL", "gemini-3.5-flash-lite", "a pinned model, since `-latest` aliases move unseen"),
    Row("AEGIS_GEMINI_SDK", "google-generativeai", "or `google-genai` (extra `genai`)"),
    Row("AEGIS_GEMINI_ENDPOINT", "Google's", "another address of the API; `http://` works"),
    Row("AEGIS_GEMINI_TIMEOUT", "20", "seconds for the whole of asking, retries included"),
    Row("DOCKER_HOST", "as docker", "the engine's address"),
    Row("DOCKER_TLS_VERIFY", "as docker", "check the engine's certificate"),
    Row("DOCKER_CERT_PATH", "as docker", "folder of the client's certificates"),
    Row(
        "AEGIS_ALERT_CHANNELS",
        "every channel it is in",
        "channel ids where senders' messages are alerts; the first also gets what comes by webhook",
    ),
    Row(
        "AEGIS_APPROVERS",
        "nobody",
        "user ids (`U…`), user groups (`S…`; whoever may edit one may approve), or `*`: every member of an "
        "`AEGIS_ALERT_CHANNELS` channel",
    ),
    Row("AEGIS_ESCALATION", "none", "user or user group named when a restart did not help"),
    Row("AEGIS_RESTART_ALLOWLIST", "buggy-app-v2", "exact target names; nothing else is ever restarted"),
    Row("AEGIS_RESTART_COOLDOWN", "300", "seconds between restarts of a target"),
    Row("AEGIS_RESTART_LIMIT", "3", "restarts of a target within an hour"),
    Row("AEGIS_RESTART_TIMEOUT", "10", "seconds Docker gives the container to stop"),
    Row("AEGIS_APPROVAL_EXPIRY", "3600", "seconds after which a card's button no longer acts"),
    Row("AEGIS_VERIFY_URLS", "none", "`name=url,name=url`; also the label `aegis.verify-url` on a container"),
    Row("AEGIS_VERIFY_DELAY", "5", "seconds until the first probe"),
    Row("AEGIS_VERIFY_TIMEOUT", "60", "seconds until it counts as not recovered"),
    Row("AEGIS_VERIFY_SUCCESSES", "3", "good probes in a row"),
    Row("AEGIS_DRY_RUN", "false", "everything but the restart itself"),
    Row("AEGIS_DATABASE_URL", "sqlite:///aegis.db", "`postgresql://…` for replicas (extra `postgres`)"),
    Row(
        "AEGIS_DATABASE_PASSWORD",
        "none",
        "PostgreSQL's password as it is, beside an address without one",
    ),
    Row("AEGIS_DATABASE_PASSWORD_FILE", "none", "or the file that holds it, such as a Docker secret"),
    Row("AEGIS_AUDIT_KEY", "none", "seals the audit trail; at least 16 characters, the same in all replicas, for ever"),
    Row("AEGIS_RUNBOOK", "runbook.json", "the memory, for people to read and edit"),
    Row("AEGIS_BUNDLES", "bundles/", "where crash bundles go"),
    Row("AEGIS_HTTP_HOST", "127.0.0.1", "address of /health, /metrics and /webhook"),
    Row("AEGIS_HTTP_PORT", "0 (off)", "their port"),
    Row("AEGIS_WEBHOOK_TOKEN", "none (off)", "what senders of webhooks show; at least 16 characters"),
    Row("AEGIS_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR"),
    Row("AEGIS_LOG_FORMAT", "text", "or `json`: one object on each line"),
)

ENV_FILE = Path(".env")

SHORTEST_TOKEN = 16
"""Characters of the webhook's token and of the audit trail's key; shorter ones can be guessed."""

TOKENS = {
    "SLACK_BOT_TOKEN": "OAuth & Permissions → Bot User OAuth Token (xoxb-…)",
    "SLACK_APP_TOKEN": "Basic Information → App-Level Tokens, scope connections:write (xapp-…)",
}
"""Where in the app's page (api.slack.com/apps) each token is."""

_MAY_BE_EMPTY = frozenset({"AEGIS_RESTART_ALLOWLIST"})
"""Everywhere else an empty value counts as not set, so that a line of .env may stay empty. Here it means: nothing."""

_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_APPROVER = re.compile(r"[UWS][A-Z0-9]{2,}")
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


def _split(value: object) -> object:
    """Split a comma-separated setting; blanks around and empty parts do not count."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _any_word(value: object) -> object:
    """Read a switch as the docker command does: any word at all switches it on, ``0`` too."""
    return bool(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Switch = Annotated[bool, BeforeValidator(_any_word)]

DAY = 86_400


class Settings(BaseModel):
    """What the operator set. Secrets are ``SecretStr``: printing shows stars."""

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
    aegis_restart_cooldown: int = Field(300, ge=0, le=7 * DAY)
    aegis_restart_limit: int = Field(3, ge=1, le=1000)
    aegis_restart_timeout: int = Field(10, ge=0, le=3600)
    aegis_approval_expiry: int = Field(3600, ge=10, le=7 * DAY)
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
            raise ValueError("must be the bot token, which starts with xoxb- (OAuth & Permissions in the app's page)")
        return value

    @field_validator("slack_app_token")
    @classmethod
    def _app_token(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith("xapp-"):
            raise ValueError("must be the app-level token, which starts with xapp- (Basic Information)")
        return value

    @field_validator("slack_api_url", "aegis_gemini_endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("must be an address that starts with http:// or https://")
        return value

    @field_validator("aegis_alert_channels")
    @classmethod
    def _channels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all(value, _CHANNEL, "channel ids such as C0123ABC (in Slack: the channel's details, at the bottom)")

    @field_validator("aegis_approvers")
    @classmethod
    def _approvers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return (
            value if value == (EVERYBODY,) else _all(value, _APPROVER, "user ids (U…), user group ids (S…), or * alone")
        )

    @field_validator("aegis_escalation")
    @classmethod
    def _escalation(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all(value, _APPROVER, "user ids (U…) or user group ids (S…)")

    @field_validator("aegis_restart_allowlist")
    @classmethod
    def _allowlist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all(value, _CONTAINER, "exact container names; there are no patterns")

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
        url = value.get_secret_value()
        if url.startswith("postgres") and not clear(url):
            raise ValueError(
                "cannot be read for sure: percent-encode the password's signs with"
                f" {ENCODE}, or set AEGIS_DATABASE_PASSWORD and write postgresql://USER@HOST/NAME"
            )
        return value

    @field_validator("aegis_audit_key")
    @classmethod
    def _audit_key(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"must have at least {SHORTEST_TOKEN} characters; try: openssl rand -hex 32")
        return value

    @field_validator("aegis_log_level", mode="before")
    @classmethod
    def _level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def verify_urls(self) -> dict[str, str]:
        """Return the verify URL of each target that the operator named."""
        return parse_urls(self.aegis_verify_urls)

    @property
    def database_url(self) -> str:
        """Return the address of the database, with its password where that is a setting of its own."""
        url = self.aegis_database_url.get_secret_value()
        password = self.aegis_database_password.get_secret_value()
        return with_password(url, password) if password else url

    @property
    def shared(self) -> bool:
        """Say whether several replicas may share the work: the database is a server's, not a file."""
        return self.aegis_database_url.get_secret_value().startswith("postgres")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every secret value, for the redactor."""
        written = {name: getattr(self, name) for name in (*_SECRET, *_ADDRESSES)}
        return _literals(
            {name: one.get_secret_value() if isinstance(one, SecretStr) else one for name, one in written.items()}
        )


_SECRET = tuple(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)


_ADDRESSES = ("aegis_database_url", "docker_host", "slack_api_url", "aegis_gemini_endpoint")
"""Settings whose addresses may hold a user and a password."""


def _literals(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return what of the settings must never be shown; the path of a database in a file is no secret."""
    found = [values.get(name, "") for name in _SECRET if name != "aegis_database_url"]
    found.append(quote(values.get("aegis_database_password", ""), safe=""))  # as it stands in the address
    for name in _ADDRESSES:
        address = values.get(name, "")
        if name != "aegis_database_url":
            found.extend(credentials(address))
        elif not address.startswith("sqlite"):
            found.extend((*credentials(address), address))
    return tuple(secret for secret in found if secret)


def _all(values: tuple[str, ...], shape: re.Pattern[str], wanted: str) -> tuple[str, ...]:
    if not all(shape.fullmatch(value) for value in values):
        raise ValueError(f"must be {wanted}, separated by commas")
    return values


def load(environment: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings from the environment, and from ``env_file`` what the environment does not hold.

    Raises ``SettingsError`` that names every bad setting at once; values are never shown.
    """
    found = _raw(environment, env_file)
    bad_password = _password_file(found)
    known = {row.name for row in TABLE}
    bad = bad_password + [
        _misspelt(name, known) for name in sorted(found) if name.upper().startswith("AEGIS_") and name not in known
    ]
    values = {name.lower(): found[name] for name in known if name in found and (found[name] or name in _MAY_BE_EMPTY)}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        bad += [_wrong(str(one["loc"][0]), one["type"], one["msg"], one.get("ctx", {})) for one in error.errors()]
    else:
        bad += _webhook(settings)
        bad += _database(settings)
    bad += _everybody(values)
    if bad:
        listed = "\n".join(f"  {line}" for line in bad)
        raise SettingsError(f"Aegis cannot start with these settings:\n{listed}", hint="See .env.example.")
    return settings


def secrets(environment: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE) -> tuple[str, ...]:
    """Return every secret that is set, for the redactor; also where other settings are bad.

    Raises ``SettingsError`` where ``env_file`` cannot be read: what is secret is unknown then.
    """
    found = _raw(environment, env_file)
    bad = _password_file(found)
    if bad:
        raise SettingsError(bad[0], hint="See .env.example.")
    return _literals({name.lower(): value for name, value in found.items()})


def for_slack(settings: Settings) -> Settings:
    """Return the settings if both tokens are there; raises ``SettingsError`` naming what is missing and where it is."""
    tokens = {"SLACK_BOT_TOKEN": settings.slack_bot_token, "SLACK_APP_TOKEN": settings.slack_app_token}
    missing = [f"{name}: not set. In the app's page: {TOKENS[name]}" for name, token in tokens.items() if not token]
    if missing:
        listed = "\n".join(f"  {line}" for line in missing)
        raise SettingsError(
            f"Aegis cannot start without its tokens:\n{listed}", hint="Put them into .env; see README, five steps."
        )
    return settings


def _raw(environment: Mapping[str, str] | None, env_file: Path | None) -> dict[str, str]:
    """Return names and values as they are written; the environment wins over the file."""
    found = read_env_file(env_file) if env_file is not None else {}
    found.update(os.environ if environment is None else environment)
    return {name: value.strip() for name, value in found.items()}


def _everybody(values: Mapping[str, str]) -> list[str]:
    """Return what ``*`` for the approvers lacks; read from the raw values, so that it is named beside other faults."""
    if _split(values.get("aegis_approvers", "")) != (EVERYBODY,) or _split(values.get("aegis_alert_channels", "")):
        return []
    return ["AEGIS_APPROVERS: * means every member of an alert channel, and AEGIS_ALERT_CHANNELS is not set"]


def _password_file(found: dict[str, str]) -> list[str]:
    """Put what AEGIS_DATABASE_PASSWORD_FILE holds into AEGIS_DATABASE_PASSWORD; return what is wrong with it."""
    name = found.get("AEGIS_DATABASE_PASSWORD_FILE", "")
    if not name:
        return []
    if found.get("AEGIS_DATABASE_PASSWORD"):
        return ["AEGIS_DATABASE_PASSWORD_FILE: AEGIS_DATABASE_PASSWORD is set too; only one of them can be"]
    try:
        password = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        return [f"AEGIS_DATABASE_PASSWORD_FILE: the file cannot be read: {why}"]
    if not password or "\n" in password or "\0" in password:
        return ["AEGIS_DATABASE_PASSWORD_FILE: the file must hold the password on one line, and nothing else"]
    found["AEGIS_DATABASE_PASSWORD"] = password
    return []


def _database(settings: Settings) -> list[str]:
    """Say what is wrong with the database's address and password together."""
    url = settings.aegis_database_url.get_secret_value()
    if not settings.aegis_database_password.get_secret_value():
        return []
    if not settings.shared:
        return ["AEGIS_DATABASE_PASSWORD: only PostgreSQL has one, and AEGIS_DATABASE_URL names none"]
    try:
        with_password(url, "x")
    except ValueError:
        return ["AEGIS_DATABASE_URL: beside AEGIS_DATABASE_PASSWORD it must be postgresql://USER@HOST/NAME"]
    return []


def _webhook(settings: Settings) -> list[str]:
    """Say what the webhook lacks, where it is switched on: by a token and a port."""
    token = settings.aegis_webhook_token.get_secret_value()
    if not token or not settings.aegis_http_port:
        return []
    bad = []
    if len(token) < SHORTEST_TOKEN:
        bad.append(f"AEGIS_WEBHOOK_TOKEN: must have at least {SHORTEST_TOKEN} characters; try: openssl rand -hex 32")
    if not settings.aegis_alert_channels:
        bad.append("AEGIS_ALERT_CHANNELS: not set, and what comes by webhook goes to the first one")
    return bad


def _misspelt(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name.upper(), known, 1)
    return f"{name}: there is no such setting{f'; is {near[0]} meant?' if near else ''}"


def _wrong(name: str, kind: str, message: str, limits: Mapping[str, object]) -> str:
    """Say what a setting must be; ``kind``, ``message`` and ``limits`` are pydantic's type, msg and ctx of an error."""
    limit = {name: str(value).removesuffix(".0") for name, value in limits.items()}
    wanted = {
        "int_parsing": "must be a whole number",
        "int_parsing_size": "must be a smaller number",
        "int_from_float": "must be a whole number",
        "float_parsing": "must be a number",
        "finite_number": "must be a number",
        "bool_parsing": "must be true or false",
        "greater_than": f"must be more than {limit.get('gt')}",
        "greater_than_equal": f"must be at least {limit.get('ge')}",
        "less_than_equal": f"must be at most {limit.get('le')}",
        "literal_error": f"must be {limit.get('expected')}",
    }.get(kind, message.removeprefix("Value error, "))
    return f"{name.upper()}: {wanted}"


def read_env_file(path: Path) -> dict[str, str]:
    """Return what the file holds; nothing where there is none. Raises ``SettingsError`` without showing any value."""
    try:
        # With -sig: an editor that writes a byte order mark must not hide the first name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except IsADirectoryError as error:
        raise SettingsError(
            f"{path} is a folder.",
            hint="Docker makes a folder where a mounted file is missing: remove it, and put the file there.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read.", hint="It must be a readable UTF-8 file.") from error
    wrong = [str(_line(binding)) for binding in parse_stream(StringIO(text)) if binding.error]
    if wrong:
        lines = f"line{'s' if len(wrong) > 1 else ''} {', '.join(wrong)}"
        raise SettingsError(f"{path} cannot be understood: {lines}.", hint="Each line is NAME=value; see .env.example.")
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}


def _line(binding: Binding) -> int:
    """Return the line on which a binding begins; the parser counts the empty lines before it to it."""
    written = binding.original.string
    return binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
