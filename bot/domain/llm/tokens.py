"""Estimates a text's tokens without a round trip to the model."""

from __future__ import annotations

import math
from collections import Counter


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of ``text`` on the high side: logs come to about 2 characters a token.

    A digit is a token, a letter 1/4.2, punctuation 0.8; other scripts and symbols one each, two beyond the first plane.
    """
    return math.ceil(_weight(text))


def cut_to_tokens(text: str, tokens: int) -> str:
    """Cut the middle out of a text of more than ``tokens``: a line's start says where, its end often why."""
    if _weight(text) <= tokens:
        return text
    head = _prefix(text, 0.65 * (tokens - 3))
    tail = _prefix(text[::-1], 0.35 * (tokens - 3))[::-1]
    return f"{head} … {tail}"


def _prefix(text: str, tokens: float) -> str:
    for at, char in enumerate(text):
        tokens -= _weigh(char)
        if tokens < 0:
            return text[:at]
    return text


def _weight(text: str) -> float:
    return sum(_weigh(char) * times for char, times in Counter(text).items())


def _weigh(char: str) -> float:
    if not char.isascii():
        return 1.0 if ord(char) < 0x10000 else 2.0
    if char.isalpha():
        return 1 / 4.2
    if char == " ":
        return 0.2
    return 1.0 if char.isdigit() or char == "\n" else 0.8
