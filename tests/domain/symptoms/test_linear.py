"""Every pattern of signatures and symptoms takes time in proportion to the text."""

import pytest

from tests.support import linear


@pytest.mark.slow
@pytest.mark.parametrize("module", linear.modules_with_patterns("bot.domain.signatures", "bot.domain.symptoms"))
def test_patterns_are_linear(module):
    assert not linear.slow_patterns(module)
