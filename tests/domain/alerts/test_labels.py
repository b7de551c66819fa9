from typing import Any

import pytest

from bot.domain.alerts.alert import find_targets
from bot.domain.alerts.webhook_bodies import read_webhook
from bot.domain.target import KnownTarget
from tests.domain.messages import from_bot, named
from tests.support.fakes import names_of


def attached(text: str, title: str = "[FIRING:1] HighLatency", **more: Any) -> dict[str, Any]:
    return from_bot("", attachments=[{"color": "danger", "title": title, "text": text, **more}])


@pytest.mark.parametrize("label", ["__name__", "__name", "__meta_docker_container_name"])
def test_internal_labels_of_monitoring_name_no_container(label: str) -> None:
    for text in (
        f"Labels:\n - alertname = TargetDown\n - {label} = up\n - service = shop-api\nAnnotations:\n - summary = x",
        f"• *alertname:* `TargetDown`\n• *{label}:* `up`\n• *service:* `shop-api`",
        f'{{{label}="up", service="shop-api"}}',
        f"labels: map[{label}:up service:shop-api]",
    ):
        assert named(attached(text), "up", "shop-api") == ("shop-api",)
        assert named(attached(text.replace("shop-api", "gone-1")), "up") == ()
    alert = read_webhook("alertmanager", {"alerts": [{"status": "firing", "labels": {label: "up", "service": "web"}}]})
    assert names_of(find_targets(alert, [KnownTarget("up"), KnownTarget("web")])) == ("web",)


def test_what_stands_under_annotations_is_prose() -> None:
    annotated = "Annotations:\n - container = prod-db\n - name = prod-db\n   service: prod-db\nSource: http://x\n\n"
    of_one, of_other = (f"Labels:\n - alertname = X\n - name = {name}\n{annotated}" for name in ("web-1", "web-2"))
    text = f"**Firing**\n\n{of_one}{of_other}"
    assert named(attached(text), "web-1", "web-2", "prod-db") == ("web-1", "web-2")


@pytest.mark.parametrize(
    "text",
    [
        "Labels:\n - alertname = X\n - team = shop\nAnnotations:\n - container = prod-db\n - service = prod-db",
        "*Annotations*\n• *container:* `prod-db`",
        "*Common annotations:*\n\n> *Service:* prod-db",
        "Annotations: map[container:prod-db]",
        "CommonLabels: map[team:shop] CommonAnnotations:map[container:prod-db]",
    ],
)
def test_an_annotation_names_no_target_where_the_labels_name_none(text: str) -> None:
    assert named(attached(text), "prod-db") == ()


def test_labels_after_annotations_count_again() -> None:
    text = "*Annotations:*\n• *service:* `prod-db`\n*Details:*\n• *container:* `web-1`"
    assert named(attached(text), "prod-db", "web-1") == ("web-1",)
    again = "*Annotations:*\n• *service:* `prod-db`\n*Alert:* Down\n*Container:* `web-1`"
    assert named(attached(again), "prod-db", "web-1") == ("web-1",)


def test_annotations_may_fill_a_field_or_a_block_of_their_own() -> None:
    fields = [{"title": "Annotations", "value": "container: prod-db"}, {"title": "Container", "value": "web-1"}]
    assert named(attached("", fields=fields), "prod-db", "web-1") == ("web-1",)
    texts = ["*Labels*", "• container: web-1", "*Annotations*", "• container: prod-db"]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]
    assert named(from_bot("", blocks=blocks), "prod-db", "web-1") == ("web-1",)


def test_a_section_is_known_behind_an_emoji_too() -> None:
    text = ":fire: *Firing* (1)\n• *container:* web-1\n\n:white_check_mark: *Resolved* (1)\n• *container:* web-2\n"
    assert named(attached(text, "[FIRING:1, RESOLVED:1] Down"), "web-1", "web-2") == ("web-1",)
