"""The settings of Aegis, the only reader of the environment."""

from bot.settings.env_file import read_env_file
from bot.settings.loader import for_slack, load, secrets
from bot.settings.settings import Settings
from bot.settings.table import TABLE, TOKENS

__all__ = ["TABLE", "TOKENS", "Settings", "for_slack", "load", "read_env_file", "secrets"]
