"""Every pattern that outside text can meet takes time in proportion to the text."""

import ast
import re

import pytest

from tests.support import linear

_ELSEWHERE = ("bot.domain.redaction", "bot.domain.signatures", "bot.domain.symptoms")
"""Packages whose patterns have test files of their own, so that they run side by side."""


@pytest.mark.slow
@pytest.mark.parametrize("module", linear.modules_with_patterns("bot", but=_ELSEWHERE))
def test_patterns_are_linear(module):
    assert not linear.slow_patterns(module)


# Made while a text is read, from names that are escaped: no longer than a name, and nothing repeats in them.
_OF_NAMES = {
    "bot.adapters.docker.listing",
    "bot.domain.llm.sections",
    "bot.domain.redaction.repeated",
    "bot.domain.alerts.targets",
    "bot.evals.grade",
}


# Made when the module is loaded: what was made is among the patterns above.
_AT_LOAD = {
    "bot.domain.redaction.service_tokens",
    "bot.domain.redaction.urls_and_headers",
    "bot.domain.redaction.vendor_tokens",
    "bot.domain.signatures.signature",
}


@pytest.mark.parametrize("module", linear.modules())
def test_every_pattern_is_known_before_the_text_is(module):
    unknown = [
        (f"{function}:{call.lineno}", ast.dump(call))
        for function, call in linear.calls(module)
        if linear.literal(module, call.args[0]) is None
    ]
    assert not unknown or module in _OF_NAMES | _AT_LOAD
    assert all("escape" in call for _, call in unknown) or module in _AT_LOAD


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "at_start"),
    [
        (r"mariadb[\w-]*[^\n]{0,120}?\s-p", False),
        (r"\w+!", False),
        (r"(?:open|\W*) closed", False),
        (r"a.{0,300}b.{0,300}c.{0,300}d", False),
        (r"(?:\s+|\S+)+x", True),
        (r"^\s*\w*\s+x", True),
    ],
)
def test_what_is_not_linear_is_found(pattern, at_start):
    assert linear.slow(re.compile(pattern), at_start, enough=1)


@pytest.mark.parametrize(
    "pattern", [r"(?<!\w)\w+!", r"(?<!\w)\w++!|b", r"error: .{0,60}failed", r"(?<![\w-])[\w-]{1,40}+:"]
)
def test_what_is_linear_passes(pattern):
    assert not linear.slow(re.compile(pattern), False)
