import pytest

from bot.domain.alert import targets
from bot.domain.target import Target
from bot.domain.webhook import read_webhook
from tests.domain.messages import from_bot, named

ABOUT_A_CONTAINER = [
    "Container web-1 is down",
    ":red_circle: *Container `web-1` high memory usage*",
    "Container web-1 OOMKilled",
    "Container 'web-1' not running",
    "[FIRING] Container web-1 is down",
    "[FIRING:1] Container web-1 is unhealthy",
    "CRITICAL: Container web-1 is down",
    "[prod] docker container /web-1 exited (137)",
    "Container: web-1 is down",
]


@pytest.mark.parametrize("title", ABOUT_A_CONTAINER)
def test_the_container_of_which_a_title_speaks_is_surer_than_a_label_of_a_service_or_a_machine(title: str) -> None:
    for key in ("Service", "Host", "Monitor"):
        fields = [{"title": key, "value": "shop-api"}]
        event = from_bot("", attachments=[{"color": "danger", "title": title, "fields": fields}])
        assert named(event, "web-1", "shop-api") == ("web-1",)
        assert named(event, "web-1x", "shop-api") == ()
    in_lines = from_bot(f"{title}\nservice: shop-api")
    assert named(in_lines, "web-1", "shop-api") == ("web-1",)
    assert named(in_lines, "shop-api") == ()


@pytest.mark.parametrize("body", [{"service": "shop-api"}, {"alerts": [{"labels": {"service": "shop-api"}}]}])
def test_a_webhooks_title_about_a_container_is_surer_than_its_service(body: dict[str, object]) -> None:
    alert = read_webhook("script", {"title": "Container web-1 is down", "status": "firing", **body})
    assert targets(alert, [Target("web-1"), Target("shop-api")]) == ("web-1",)
    assert targets(alert, [Target("shop-api")]) == ()


@pytest.mark.parametrize(
    "title", ["Container CPU usage is high", "Container restart-loop", "Container down", "Container is unhealthy"]
)
def test_a_title_about_containers_at_large_leaves_the_service_its_say(title: str) -> None:
    fields = [{"title": "Service", "value": "shop-api"}]
    assert named(from_bot("", attachments=[{"title": title, "fields": fields}]), "shop-api") == ("shop-api",)


def test_a_title_that_calls_the_container_as_its_service_is_called_means_that_services_container() -> None:
    fields = [{"title": "Service", "value": "web-api"}]
    event = from_bot("", attachments=[{"title": "Container web-api high memory", "fields": fields}])
    assert named(event, Target("shop-web-api-1", project="shop", service="web-api")) == ("shop-web-api-1",)
