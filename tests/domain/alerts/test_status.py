from typing import Any

import pytest

from bot.domain.alerts.alert import Kind, read_alert
from tests.domain.messages import from_bot


def both_ways(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return from_bot(text), from_bot("", attachments=[{"color": "danger", "title": text}])


@pytest.mark.parametrize("mark", [":package: ", ":warning: ", "🚀 ", ":fire: *", ":bell: "])
@pytest.mark.parametrize(
    "said", ["Started web-1", "Deployed web-1", "Started container web-1", "Starting web-1 (v2.3)"]
)
def test_behind_an_emoji_a_plain_start_or_deployment_is_noise(mark: str, said: str) -> None:
    text = f"{mark}{said}{'*' if mark.endswith('*') else ''}"
    assert [read_alert(event).kind for event in both_ways(text)] == [Kind.NOISE, Kind.NOISE]


@pytest.mark.parametrize(
    "text",
    [":x: Started web-1 failed", ":red_circle: Started incident: web-1", ":boom: Starting container web-1 failed"],
)
def test_a_start_that_tells_of_trouble_is_firing(text: str) -> None:
    assert [read_alert(event).kind for event in both_ways(text)] == [Kind.FIRING, Kind.FIRING]
