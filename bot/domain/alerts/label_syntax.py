"""Parses pairs such as ``{a="b"}``, ``map[a:b]`` and tag lists.

It also unifies the spelling of keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.alerts.message import without_markup

Pairs = tuple[tuple[str, str], ...]

KEY = r"[A-Za-z][\w./ -]{0,60}?"
_BRACES = re.compile(r"[{(]((?:[A-Za-z_][\w.]{0,80}=\"(?:[^\"\\\n]|\\.){0,300}\"[ ,]{0,3}){1,60})[})]")
_QUOTED_PAIR = re.compile(r"([A-Za-z_][\w.]{0,80})=\"((?:[^\"\\\n]|\\.){0,300})\"")
_MAP = re.compile(r"(?<!nnotations:)(?<!nnotations: )\bmap\[([^\[\]\n]{1,4000})\]")
_MAP_PAIR = re.compile(r"(?:^| )([A-Za-z_][\w./-]{0,80}):(\S*)")
_TAGS = re.compile(r"(?:^|(?<=[\s,{]))([a-z_][\w.-]{0,60}):([^\s,{}]{1,200})")
_DIMENSION = re.compile(r"\[([A-Za-z][\w.]{0,60}) = ([^\[\]\n]{1,200})\]")
_BRACKETED = re.compile(r"\(((?:[A-Za-z_ ]{2,40}: [^,:()\n]{1,80}(?:, |(?=\)))){1,12})\)")
_EQUALS = re.compile(r"(?:^|(?<=[\s,{]))([A-Za-z_][\w.]{0,60})=(\"[^\"\n]{0,200}\"|[^\s,\"{}]{1,200})")
_ASIDE = re.compile(r"\s{0,4}[*_]?`([^`\n]{1,200})`[*_]?[ \t]{1,4}[^`\n]{1,200}")
_NON_KEY = re.compile(r"[^a-z0-9]+")


def key_of(name: str) -> str:
    """Return the one spelling of a label's name: lower case, words joined by ``_``.

    Labels that a monitoring system keeps for itself (``__name__``) stay told from the senders' own (``name``).
    """
    plain = without_markup(name).lower()
    return ("__" if plain.startswith("__") else "") + _NON_KEY.sub("_", plain).strip("_")


def pairs_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of lists that may stand inside a line: ``{a="b"}``, ``map[a:b]``, ``(severity: critical)``."""
    for braces in _BRACES.finditer(text[:8000]):
        for name, value in _QUOTED_PAIR.findall(braces[1]):
            yield key_of(name), value_of(value)
    yield from map_pairs(text)
    yield from ((key_of(name), value_of(value)) for name, value in _DIMENSION.findall(text[:8000]))
    for listed in _BRACKETED.finditer(text[:8000]):
        for item in listed[1].split(", "):
            name, _, value = item.partition(": ")
            yield key_of(name), value_of(value)
    for scope in re.finditer(r"\{([a-z_][\w.-]{0,60}:[^{}\n]{1,500})\}", text[:8000]):
        yield from tag_pairs(scope[1])


def map_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of each ``map[a:b]``, as Go prints them."""
    for found in _MAP.finditer(text[:8000]):
        yield from ((key_of(name), value_of(value)) for name, value in _MAP_PAIR.findall(found[1]))


def tag_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a list: ``a: b, c: d``, ``a:b c:d``, ``a=b``."""
    plain = without_markup(text[:4000])
    for item in plain.split(","):
        name, sign, value = item.partition(": ")
        if sign and re.fullmatch(KEY, name.strip()):
            yield key_of(name), value_of(value)
    for name, value in (*_TAGS.findall(plain), *_EQUALS.findall(plain)):
        # Where containers have a tag of their own, a host is the machine.
        if name not in ("host", "hostname"):
            yield key_of(name), value_of(value)


def value_of(text: str) -> str:
    """Return a label's value without marks and quotes; of ``value`` and an aside, the value."""
    if aside := _ASIDE.fullmatch(text[:400]):
        text = aside[1]
    return without_markup(text)[:300].strip().strip("\"'`").strip()
