"""Parses the model's text into a Reply.

It is strict about fields that decide and lenient about the rest.
"""

from __future__ import annotations

import json
import math
import re
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, ValidationError

from bot.domain.diagnosis import PROPOSED_ACTIONS, Action, FailureClass
from bot.errors import ReplyRejected

LONGEST_REPLY_CHARS = 200_000
"""Characters of a reply that are looked at; the schema asks for about 2,000."""

MODEST = 0.5
"""The confidence of a reply that gives none that makes sense."""

_OBJECT = re.compile(r'\{(?=\s*["}])')
"""Where a JSON object begins; a brace before anything else is prose."""


def _whole(value: object) -> object:
    """Replace halves of surrogate pairs, which no database and no network takes."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _optional(value: object) -> object:
    return "" if value is None else _whole(value)


def _action(value: object) -> object:
    # Only ASCII: casefold would turn a long s into an s, and NFKC full-width letters into plain ones.
    word = value.strip(" \t\r\n").lower() if isinstance(value, str) and value.isascii() else ""
    return word if word in PROPOSED_ACTIONS else None


def _confidence(value: object) -> float:
    """Read 0 to 1, as a number, in quotes or in percent; anything else is modest."""
    percent = False
    if isinstance(value, str):
        match = re.fullmatch(r"\s{0,9}(\d{1,3}(?:\.\d{1,9})?)\s{0,9}(%?)\s{0,9}", value, re.ASCII)
        value, percent = (float(match[1]), bool(match[2])) if match else (None, False)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
        return MODEST
    if percent or 10 <= value <= 100:
        value /= 100
    return float(value) if 0 <= value <= 1 else MODEST


def _trouble(value: object) -> object:
    known = {trouble.value: trouble for trouble in FailureClass}
    return known.get(value.strip().lower(), FailureClass.UNKNOWN) if isinstance(value, str) else FailureClass.UNKNOWN


def _helps(value: object) -> bool | None:
    word = str(value).strip().lower() if isinstance(value, str | bool) else ""
    return {"yes": True, "true": True, "no": False, "false": False}.get(word)


def _lines(value: object) -> tuple[int, ...]:
    """Read line numbers, also ``"12"`` and ``"L12"``; 0 stands for one that is no number, since no line has it."""
    if not isinstance(value, list | tuple):
        return ()
    numbers = (_number(item) for item in value[:100])
    return tuple(dict.fromkeys(numbers))


def _number(item: object) -> int:
    if isinstance(item, str) and re.fullmatch(r"\s{0,9}[Ll]?\d{1,9}\s{0,9}", item, re.ASCII):
        return int(item.strip().lstrip("Ll"))
    return item if isinstance(item, int) and not isinstance(item, bool) and 0 < item < 10**9 else 0


class Reply(BaseModel):
    """What the model says, in our types, before it is held against the evidence.

    ``root_cause`` and ``action`` are all that must be there. ``trouble`` is the reply's ``class``. ``lines`` are line
    numbers as the prompt gives them, 0 for one that is none. ``named`` is the container that a reply names outside of
    the schema, or ``""``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    root_cause: Annotated[StrictStr, BeforeValidator(_whole), Field(pattern=r"\S")]
    action: Annotated[Action, BeforeValidator(_action)]
    justification: Annotated[StrictStr, BeforeValidator(_optional)] = ""
    headline: Annotated[StrictStr, BeforeValidator(_optional)] = ""
    confidence: Annotated[float, BeforeValidator(_confidence)] = MODEST
    trouble: Annotated[FailureClass, BeforeValidator(_trouble)] = FailureClass.UNKNOWN
    restart_helps: Annotated[bool | None, BeforeValidator(_helps)] = None
    lines: Annotated[tuple[int, ...], BeforeValidator(_lines)] = ()
    disproof: Annotated[StrictStr, BeforeValidator(_optional)] = ""
    named: Annotated[StrictStr, BeforeValidator(_optional)] = ""


_ELSEWHERE = ("target", "container", "container_name", "service")
"""Keys that are no part of the schema, by which a reply may name what it wants restarted."""


def parse_reply(text: str) -> Reply:
    """Return the one JSON object in ``text``, which may stand in a fence or between words, as a Reply.

    Raises ``ReplyRejected``, with the reason in our own words: no object or several, broken or cut JSON, a key twice,
    a root cause or an action that is missing, of the wrong type, or neither restart nor ignore.
    """
    fields = _object(text)
    fields["trouble"] = fields.get("class")
    fields["named"] = next((fields[key] for key in _ELSEWHERE if fields.get(key) is not None), "")
    try:
        return Reply.model_validate(fields)
    except ValidationError as invalid:
        names = ", ".join(sorted({str(error["loc"][0]) for error in invalid.errors(include_input=False)}))
        raise ReplyRejected(f"The model's reply cannot be used: {names} is missing or wrong.") from invalid


def _object(text: str) -> dict[str, Any]:
    """Find the one object; more than one is ambiguous, and an object in a list is not one."""
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise ReplyRejected("The model's reply is empty.")
    if len(text) > LONGEST_REPLY_CHARS:
        raise ReplyRejected("The model's reply is far too long.")
    start = _OBJECT.search(text)
    if start is None or text[0] in '["' or text[: start.start()].rstrip().endswith("["):
        raise ReplyRejected("The model's reply is not a JSON object.")
    found, end = _decode(text, start.start())
    if text[end:].lstrip().startswith(("}", "]", ":")):
        raise ReplyRejected("The model's reply is broken or cut JSON.")
    if _OBJECT.search(text, end):
        raise ReplyRejected("The model's reply holds more than one object.")
    return found


def _decode(text: str, start: int) -> tuple[dict[str, Any], int]:
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
    try:
        found, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as broken:
        raise ReplyRejected("The model's reply is broken or cut JSON.") from broken
    return dict(found), end


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
