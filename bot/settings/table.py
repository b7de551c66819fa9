"""The table of settings that the documentation shows.

Tests compare it with docs/settings.md and ``.env.example``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: its name, its default and its meaning, as the documentation shows them."""

    name: str
    default: str
    meaning: str


TABLE = (
    SettingRow("SLACK_BOT_TOKEN", "–", "bot token, `xoxb-…`"),
    SettingRow("SLACK_APP_TOKEN", "–", "app-level token with the scope `connections:write`, `xapp-…`"),
    SettingRow("SLACK_API_URL", "Slack's", "base URL of the Web API, for a local workspace"),
    SettingRow("GEMINI_API_KEY", "none", "API key of Gemini; without it, diagnoses are rule-based"),
    SettingRow(
        "AEGIS_GEMINI_MODEL", "gemini-3.5-flash-lite", "name of the model; avoid `-latest` names, they can change"
    ),
    SettingRow("AEGIS_GEMINI_SDK", "google-generativeai", "or `google-genai` (extra `genai`)"),
    SettingRow("AEGIS_GEMINI_ENDPOINT", "Google's", "another URL of the API; may be `http://`"),
    SettingRow("AEGIS_GEMINI_TIMEOUT", "20", "seconds for one diagnosis by the model, retries included"),
    SettingRow("DOCKER_HOST", "as docker", "address of the Docker Engine"),
    SettingRow("DOCKER_TLS_VERIFY", "as docker", "any value: verify the engine's certificate"),
    SettingRow("DOCKER_CERT_PATH", "as docker", "folder of the client certificates"),
    SettingRow(
        "AEGIS_ALERT_CHANNELS",
        "every channel it is in",
        "ids of the channels that receive alerts; webhook alerts go to the first one",
    ),
    SettingRow(
        "AEGIS_APPROVERS",
        "nobody",
        "who can approve a restart: user ids (`U…`), user group ids (`S…`; a person who can edit a group can add "
        "approvers), or `*` for every member of an `AEGIS_ALERT_CHANNELS` channel",
    ),
    SettingRow("AEGIS_ESCALATION", "none", "user ids or user group ids to mention if a restart did not help"),
    SettingRow("AEGIS_RESTART_ALLOWLIST", "buggy-app-v2", "exact container names; Aegis restarts no other container"),
    SettingRow("AEGIS_RESTART_COOLDOWN", "300", "minimum seconds between two restarts of a container"),
    SettingRow("AEGIS_RESTART_LIMIT", "3", "maximum restarts of a container in one hour"),
    SettingRow("AEGIS_RESTART_TIMEOUT", "10", "seconds that a container has to shut down before Docker kills it"),
    SettingRow("AEGIS_APPROVAL_EXPIRY", "3600", "seconds after which a card can no longer be approved"),
    SettingRow(
        "AEGIS_VERIFY_URLS",
        "none",
        "health URL of each container, `name=url,name=url`; or the label `aegis.verify-url` on the container",
    ),
    SettingRow("AEGIS_VERIFY_DELAY", "5", "seconds between the restart and the first request to the health URL"),
    SettingRow("AEGIS_VERIFY_TIMEOUT", "60", "seconds until Aegis reports that the container did not recover"),
    SettingRow("AEGIS_VERIFY_SUCCESSES", "3", "successful requests in a row that prove a recovery"),
    SettingRow("AEGIS_DRY_RUN", "false", "do everything except the restart"),
    SettingRow("AEGIS_DATABASE_URL", "sqlite:///aegis.db", "`postgresql://…` for replicas (extra `postgres`)"),
    SettingRow(
        "AEGIS_DATABASE_PASSWORD",
        "none",
        "password of PostgreSQL, not encoded; leave it out of `AEGIS_DATABASE_URL` then",
    ),
    SettingRow(
        "AEGIS_DATABASE_PASSWORD_FILE", "none", "file that holds the password of PostgreSQL, such as a Docker secret"
    ),
    SettingRow(
        "AEGIS_AUDIT_KEY",
        "none",
        "key that seals the audit trail; at least 16 characters, never changed, same in replicas",
    ),
    SettingRow("AEGIS_RUNBOOK", "runbook.json", "file of the runbook; people can read and edit it"),
    SettingRow("AEGIS_BUNDLES", "bundles/", "folder of the crash bundles"),
    SettingRow("AEGIS_HTTP_HOST", "127.0.0.1", "address of /health, /metrics and /webhook"),
    SettingRow("AEGIS_HTTP_PORT", "0 (off)", "port of /health, /metrics and /webhook"),
    SettingRow("AEGIS_WEBHOOK_TOKEN", "none (off)", "token that webhook senders must send; at least 16 characters"),
    SettingRow("AEGIS_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR"),
    SettingRow("AEGIS_LOG_FORMAT", "text", "or `json`: one object on each line"),
)

TOKENS = {
    "SLACK_BOT_TOKEN": "OAuth & Permissions → Bot User OAuth Token (xoxb-…)",
    "SLACK_APP_TOKEN": "Basic Information → App-Level Tokens, scope connections:write (xapp-…)",
}
"""Where each token is on the app's page (api.slack.com/apps)."""
