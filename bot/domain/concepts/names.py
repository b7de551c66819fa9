"""The things that a statement names: paths, addresses, settings, versions, quoted words."""

from __future__ import annotations

import re

MAX_NAME_CHARS = 80

_PATH = re.compile(
    r"(?<![\w:/.<@-])((?:/[\w.@+~-]{1,80}){1,12}/?|\.{1,2}(?:/[\w.@+~-]{1,80}){1,12}|[A-Za-z]:\\[\w.\\-]{1,200})"
)
_ADDRESS = re.compile(
    r"(?i)(?<![\w./-])(?![\w.-]{1,80}\.(?:go|py|rb|js|ts|java|rs|cc?|cpp|php|kt|scala|exs?|ya?ml|conf|json|toml|ini"
    r"|xml):)"
    r"(\[[0-9a-f:]{2,40}\]|[a-z0-9](?:[\w.-]{0,80}[a-z0-9])?):(\d{2,5})(?!\w|:\d|\.\d)"
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://(?:[^\s/@]{1,200}@)?([\w.-]{1,120}(?::\d{1,5})?)", re.IGNORECASE)
_PORT = re.compile(r":(\d{2,5})\b|\bport (\d{2,5})\b")
_IP = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.]*\d)")
_ENVIRONMENT = re.compile(r"(?<![\w./-])\$?\{?([A-Z][A-Z0-9]{1,40}(?:_[A-Z0-9]{1,40}){1,10})\}?(?![\w(/])")
_OPTION = re.compile(r"(?<![\w-])(--?[a-z][\w-]{1,60}(?:\.[\w-]{1,40}){0,6})(?![\w])")
_DOTTED = re.compile(r"(?<![\w./@:-])([a-z][\w-]{1,40}(?:\.[a-z][\w-]{1,40}){1,8})(?![\w/(@-]|\.\w|:\d)")
_SNAKE = re.compile(r"(?<![\w./$-])([a-z][a-z0-9]{1,40}(?:_[a-z0-9]{1,40}){1,8})(?![\w(./])")
_VERSION = re.compile(r"(?<![\w./:-])v?(\d{1,5}(?:\.\d{1,6}){1,3}(?:[-+][\w.]{1,20})?)(?![\w/:]|\.\d)")
_QUOTED = re.compile(r"(?<!\w)['\"`“«]([^'\"`“”«»\n]{1,120})['\"`”»](?!\w)")
_FILE = re.compile(
    r"(?i)(?<![\w/.@-])([\w-]{1,60}(?:\.[\w-]{1,40}){0,3}\.(?:ya?ml|json|toml|conf|cfg|ini|env|xml|properties|cnf"
    r"|pem|crt|key|jks|sql|db"
    r"|sqlite3?|lock|pid|sock|jar|so(?:\.\d+)?|dll|log|dat|idx|hcl|tf|lua|vcl))(?![\w/])"
)
_CONFIG_FILE = re.compile(
    r"(?i)\.(?:ya?ml|json|toml|conf|cfg|ini|env|xml|properties|cnf|hcl|config|rc|lua|vcl)(?::\d+)?$|(?:^|/)(?:\.env"
    r"|\w*file)(?::\d+)?$"
    r"|(?:^|/)(?:etc|config|conf(?:ig)?\.d)/"
)


def first_path(text: str) -> str:
    """Return the first path or file name in ``text``, or ``""``."""
    text = text.replace("unix://", " ")
    paths = [match[1] for match in _PATH.finditer(text) if not match[1].startswith("//") and len(match[1]) > 1]
    paths = [path for path in paths if re.search(r"[A-Za-z]", path)]
    return _short(paths[0] if paths else _first(_FILE, text)).rstrip(".")


def is_config_path(path: str) -> bool:
    """Return True if a path looks like a file of settings."""
    return bool(path) and bool(_CONFIG_FILE.search(path))


def first_address(text: str) -> str:
    """Return the first host with port, URL's host, or IP address in ``text``, or ``""``."""
    found = _ADDRESS.search(text)
    if found:
        return _short(found[0])
    return _short(_first(_URL, text) or _first(_IP, text))


def first_port(text: str) -> str:
    """Return the first port number in ``text``, or ``""``."""
    found = _PORT.search(text)
    return (found[1] or found[2]) if found else ""


def first_setting(text: str) -> str:
    """Return the first name of a setting in ``text``: of the environment, an option, a dotted or underlined key."""
    for pattern in (_ENVIRONMENT, _OPTION, _DOTTED, _SNAKE):
        if found := _first(pattern, text):
            return _short(found)
    return ""


def environment_names(text: str) -> tuple[str, ...]:
    """Return all names of environment variables in ``text``, without repeats."""
    return tuple(dict.fromkeys(match[1] for match in _ENVIRONMENT.finditer(text)))


def versions(text: str) -> tuple[str, ...]:
    """Return the different version numbers in ``text``, in their order."""
    return tuple(dict.fromkeys(match[1] for match in _VERSION.finditer(text)))


def quoted(text: str) -> tuple[str, ...]:
    """Return what stands in quotation marks."""
    return tuple(match[1] for match in _QUOTED.finditer(text))


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"
