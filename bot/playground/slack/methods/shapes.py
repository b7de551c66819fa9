"""Small checks that describe a JSON value, with Slack's error sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault and its place (a JSON pointer)."""

    sentence: str
    pointer: str

    def __str__(self) -> str:
        """Return it as Slack writes it."""
        return f"{self.sentence} [json-pointer:{self.pointer}]"


Check = Callable[[object, str], Iterator[Problem]]


def string(most: int, least: int = 1) -> Check:
    """Expect a text of ``least`` to ``most`` characters."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem("must be a string", pointer)
        elif len(value) > most:
            yield Problem(f"must be less than {most + 1} characters", pointer)
        elif len(value) < least:
            yield Problem(f"must be more than {least - 1} characters", pointer)

    return check


def flag(value: object, pointer: str) -> Iterator[Problem]:
    """Expect true or false."""
    if not isinstance(value, bool):
        yield Problem("must be a boolean", pointer)


def whole(value: object, pointer: str) -> Iterator[Problem]:
    """Expect a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield Problem("must be an integer", pointer)


def anything(_value: object, _pointer: str) -> Iterator[Problem]:
    """Expect nothing in particular."""
    yield from ()


def choice(*allowed: str) -> Check:
    """Expect one of some words."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def items(most: int, each: Check, least: int = 1) -> Check:
    """Expect a list of ``least`` to ``most`` values, each of one form."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem("must be an array", pointer)
            return
        if len(value) > most:
            yield Problem(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield Problem(f"no fewer than {least} items allowed", pointer)
        for index, item in enumerate(value):
            yield from each(item, f"{pointer}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Expect an object with these fields and no others; ``type`` is always allowed."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must be an object", pointer)
            return
        for name in required:
            if value.get(name) is None:
                yield Problem(f"missing required field: {name}", pointer)
        for name, inner in value.items():
            if name in known:
                if inner is not None:
                    yield from known[name](inner, f"{pointer}/{name}")
            elif name != "type":
                yield Problem(f"invalid additional property: {name}", pointer)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Expect an object whose ``type`` is one of ``kinds`` and says which form it has."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must be an object", pointer)
            return
        kind = value.get("type")
        if kind is None:
            yield Problem("missing required field: type", pointer)
        elif kind not in kinds:
            yield Problem(f"unsupported type: {kind}", f"{pointer}/type")
        else:
            yield from kinds[kind](value, pointer)

    return check


def also(*checks: Check) -> Check:
    """Expect all of several things."""

    def check(value: object, pointer: str) -> Iterator[Problem]:
        for part in checks:
            yield from part(value, pointer)

    return check
