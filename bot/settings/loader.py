"""Loads and checks the settings from the environment and .env."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bot.domain.eligibility import EVERYBODY
from bot.errors import SettingsError
from bot.settings.database_url import check_password, read_password_file
from bot.settings.env_file import ENV_FILE, read_env_file
from bot.settings.settings import Settings, check_length, secret_values, split_names
from bot.settings.table import TABLE, TOKENS

_MAY_BE_EMPTY = frozenset({"AEGIS_RESTART_ALLOWLIST"})
"""Settings whose empty value means "none". An empty value of any other setting means its default."""


def load(environment: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE) -> Settings:
    """Return the settings of the environment, and of ``env_file`` for names that the environment does not have.

    Raise ``SettingsError`` with all invalid settings at once, without their values.
    """
    raw = _read(environment, env_file)
    errors = read_password_file(raw)
    known = {row.name for row in TABLE}
    errors += [_unknown(name, known) for name in sorted(raw) if name.upper().startswith("AEGIS_") and name not in known]
    values = {name.lower(): raw[name] for name in known if name in raw and (raw[name] or name in _MAY_BE_EMPTY)}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        errors += [
            _invalid(str(detail["loc"][0]), detail["type"], detail["msg"], detail.get("ctx", {}))
            for detail in error.errors()
        ]
    else:
        errors += _check_webhook(settings)
        errors += check_password(
            settings.aegis_database_url.get_secret_value(), settings.aegis_database_password.get_secret_value()
        )
    errors += _check_everybody(values)
    if errors:
        raise SettingsError(f"Aegis cannot start with these settings:\n{_indented(errors)}", hint="See .env.example.")
    return settings


def secrets(environment: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE) -> tuple[str, ...]:
    """Return every secret that is set, even if other settings are invalid.

    Raise ``SettingsError`` if ``env_file`` or the password file cannot be read, since the secrets are unknown then.
    """
    raw = _read(environment, env_file)
    errors = read_password_file(raw)
    if errors:
        raise SettingsError(errors[0], hint="See .env.example.")
    return secret_values({name.lower(): value for name, value in raw.items()})


def for_slack(settings: Settings) -> Settings:
    """Return the settings if both tokens are set. Raise ``SettingsError`` with the place of each missing token."""
    tokens = {"SLACK_BOT_TOKEN": settings.slack_bot_token, "SLACK_APP_TOKEN": settings.slack_app_token}
    missing = [
        f"{name}: not set. Find it on the app's page in Slack: {TOKENS[name]}"
        for name, token in tokens.items()
        if not token
    ]
    if missing:
        raise SettingsError(
            f"Aegis cannot start without its Slack tokens:\n{_indented(missing)}",
            hint="Add them to .env; the README shows how.",
        )
    return settings


def _read(environment: Mapping[str, str] | None, env_file: Path | None) -> dict[str, str]:
    """Return names and raw values; the environment overrides the file."""
    raw = read_env_file(env_file) if env_file is not None else {}
    raw.update(os.environ if environment is None else environment)
    return {name: value.strip() for name, value in raw.items()}


def _check_everybody(values: Mapping[str, str]) -> list[str]:
    """Return an error if ``*`` approves without alert channels. It reads raw values, to report it with other errors."""
    approvers = split_names(values.get("aegis_approvers", ""))
    if approvers != (EVERYBODY,) or split_names(values.get("aegis_alert_channels", "")):
        return []
    return ["AEGIS_APPROVERS: * means every member of an alert channel, so set AEGIS_ALERT_CHANNELS too"]


def _check_webhook(settings: Settings) -> list[str]:
    """Return the errors of the webhook, which a token and a port turn on."""
    token = settings.aegis_webhook_token.get_secret_value()
    if not token or not settings.aegis_http_port:
        return []
    errors = []
    try:
        check_length(token)
    except ValueError as error:
        errors.append(f"AEGIS_WEBHOOK_TOKEN: {error}")
    if not settings.aegis_alert_channels:
        errors.append("AEGIS_ALERT_CHANNELS: not set, but webhook alerts go to its first channel")
    return errors


def _unknown(name: str, known: set[str]) -> str:
    similar = difflib.get_close_matches(name.upper(), known, 1)
    return f"{name}: unknown setting{f'; did you mean {similar[0]}?' if similar else ''}"


def _invalid(name: str, kind: str, message: str, limits: Mapping[str, object]) -> str:
    """Return the error of a setting from the type, msg and ctx of pydantic's error."""
    limit = {name: str(value).removesuffix(".0") for name, value in limits.items()}
    expected = {
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
    return f"{name.upper()}: {expected}"


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
