"""The arguments of a Web API call, and a method's error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.playground.slack.state.people import Json

_JSON_TEXT = frozenset({"blocks", "attachments", "metadata", "view", "files", "unfurls"})


class MethodError(Exception):
    """A method says no: Slack's error code and what else stands in the answer."""

    def __init__(self, code: str, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(code)
        self.code = code
        self.fields: Json = fields


def invalid_arguments(sentence: str) -> MethodError:
    """Return Slack's answer to arguments of the wrong form."""
    return MethodError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {sentence}"]})


class Arguments:
    """The arguments passed to a method. Values from a query or form are text; JSON brings its own types."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values: Json = dict(values)

    def has(self, name: str) -> bool:
        """Return True if the argument was passed, even if it is empty."""
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """Return an argument that must be there and not empty."""
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return True if a query says ``1`` or ``true``."""
        value = self.values.get(name)
        return default if value is None else value is True or str(value).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.text(name)
        if not value:
            return default
        if not value.isdecimal():
            raise MethodError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(value)

    def structure(self, name: str, refusal: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return a list or an object; text that is not JSON is refused with the code ``refusal``."""
        value = self.values.get(name)
        if isinstance(value, str):
            raise MethodError(refusal)
        return value


async def read_arguments(request: web.Request) -> Arguments:
    """Collect the arguments from the query and from a form, multipart or JSON body; the body wins."""
    values: Json = dict(request.query)
    if request.can_read_body:
        if request.content_type == "application/json":
            values |= await _json_body(request)
        elif request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            values |= await request.post()
    for name in _JSON_TEXT & values.keys():
        values[name] = _opened(values[name])
    return Arguments(values)


async def _json_body(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read())
    except ValueError as broken:
        raise MethodError("invalid_json") from broken
    if not isinstance(body, dict):
        raise MethodError("json_not_object")
    return body


def _opened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
