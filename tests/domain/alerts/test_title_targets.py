import pytest

from bot.domain.alerts.alert import find_targets
from bot.domain.alerts.webhook_bodies import read_webhook
from bot.domain.target import KnownTarget
from tests.domain.messages import from_bot, named
from tests.support.fakes import names_of

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
    assert names_of(find_targets(alert, [KnownTarget("web-1"), KnownTarget("shop-api")])) == ("web-1",)
    assert names_of(find_targets(alert, [KnownTarget("shop-api")])) == ()


@pytest.mark.parametrize(
    "title", ["Container CPU usage is high", "Container restart-loop", "Container down", "Container is unhealthy"]
)
def test_a_title_about_containers_at_large_leaves_the_service_its_say(title: str) -> None:
    fields = [{"title": "Service", "value": "shop-api"}]
    assert named(from_bot("", attachments=[{"title": title, "fields": fields}]), "shop-api") == ("shop-api",)


def test_a_title_that_calls_the_container_as_its_service_is_called_means_that_services_container() -> None:
    fields = [{"title": "Service", "value": "web-api"}]
    event = from_bot("", attachments=[{"title": "Container web-api high memory", "fields": fields}])
    assert named(event, KnownTarget("shop-web-api-1", project="shop", service="web-api")) == ("shop-web-api-1",)


@pytest.mark.parametrize(
    "text",
    [
        "Container down: `web-1` (prod)",
        "*Service:* `web-1` (prod)\nstatus: down",
        "• Container: `web-1` – prod, down",
        "web-1 is now UP",
        "Resolved incident: web-1",
        "Started incident: web-1",
        "PROBLEM docker01/web-1 CRITICAL - HTTP 500",
        "SERVICEDESC: docker01/web-1\nSERVICESTATE: CRITICAL",
        "Service: docker01/web-1\nState: CRITICAL",
        "Service: web-1/http\nState: CRITICAL",
        "#7: ContainerDown web-1",
        "[#7] ContainerDown web-1 (prod)",
        "[web-1] is down",
        "[Prod] web-1 is down",
        "WARNING web-1 restart count 7",
        ":warning: CRITICAL web-1 memory at 97 %",
    ],
)
def test_a_form_of_naming_the_target_is_read(text: str) -> None:
    assert named(from_bot(text), "web-1", "web", "prod-db") == ("web-1",)
    assert named(from_bot(text), "web", "web-10", "docker", "prod-db") == ()


def test_beside_an_unknown_name_that_alerts_are_grouped_by_an_ordinary_word_is_no_target() -> None:
    text = "[FIRING:1] ContainerDown edge-proxy (edge docker-7:8080 cadvisor warning)"
    assert named(from_bot(text), "edge") == ()
    assert named(from_bot(text), "edge", "edge-proxy") == ("edge-proxy",)
    assert named(from_bot("[FIRING:1] ContainerDown prod (docker-7:8080 cadvisor edge warning)"), "edge") == ("edge",)


@pytest.mark.parametrize(
    "text",
    [
        "CRITICAL cannot reach web-1",
        "WARNING see web-1 memory dashboard",
        "Service: prod-db/web-1\nState: CRITICAL",
        "Monitor: https://shop.example/web-1\nState: down",
        "Image: acme/web-1\nState: down",
        "*Endpoint:* https://shop.example/web-1\nState: down",
        "*Target:* ghcr.io/acme/web-1\nState: down",
        "*Check:* /srv/data/web-1\nState: down",
        "#7: Queue web-1",
        "Description: `web-1` (prod) is slow",
        "ContainerDown web-1 backup",
        "Container web-1 backup failed",
        "Container: web-1 is fine but prod-db is down",
    ],
)
def test_a_form_that_leaves_doubt_names_none(text: str) -> None:
    assert named(from_bot(text), "web-1", "prod-db") == ()
