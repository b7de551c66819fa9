import pytest

from bot.domain.alerts.alert import Kind, read_alert
from tests.domain.messages import from_bot, named

KNOWN = ("web-1", "cache", "prod-db")
DOCKER_PS = """\
CONTAINER ID   IMAGE        COMMAND                  CREATED      STATUS                     PORTS      NAMES
3f1a2b3c4d5e   nginx:1.25   "/docker-entrypoint.…"   2 days ago   Exited (1) 3 minutes ago              web-1
3f1a2b3c4d5f   redis:7      "docker-entrypoint.s…"   2 days ago   Up 2 days (healthy)        6379/tcp   cache
3f1a2b3c4d60   postgres     "docker-entrypoint.s…"   2 days ago   Exited (0) 3 minutes ago              prod-db"""
COMPOSE_PS = """\
NAME      IMAGE      COMMAND   SERVICE   CREATED      STATUS                    PORTS
web-1     nginx      "nginx"   web       2 days ago   Up 2 hours (unhealthy)    80/tcp
cache     redis:7    "redis"   cache     2 days ago   Up 2 days (healthy)       6379/tcp"""
LISTS = [
    DOCKER_PS,
    f"```{DOCKER_PS}```",
    COMPOSE_PS,
    "Names\tStatus\nweb-1\tRestarting (1) 5 seconds ago\ncache\tUp 2 days",
    "web-1: Exited (137) 2 minutes ago\ncache: Up 3 hours (healthy)",
    "```\nweb-1 | Exited (137) About a minute ago\ncache | Up 3 hours\n```",
    "docker03\n• `web-1` Up 3 minutes (unhealthy)\n• `cache` Up 3 hours (healthy)",
]


@pytest.mark.parametrize("text", LISTS)
def test_of_a_list_of_containers_the_one_that_is_not_well_is_meant(text: str) -> None:
    for event in (from_bot(text), from_bot("Containers on docker03", attachments=[{"color": "danger", "text": text}])):
        assert read_alert(event).kind is Kind.FIRING
        assert named(event, *KNOWN) == ("web-1",)
        assert named(event, "cache", "prod-db", "web-1x", "web") == ()


def test_a_list_of_containers_that_are_well_is_no_alarm() -> None:
    assert read_alert(from_bot("cache: Up 3 hours (healthy)\nweb-1: Up 3 minutes")).kind is not Kind.FIRING


def test_a_list_says_nothing_against_a_label_or_the_title() -> None:
    listed = [{"color": "danger", "text": f"```{DOCKER_PS}```"}]
    assert named(from_bot("Container prod-db is down", attachments=listed), *KNOWN) == ("prod-db",)
    assert named(from_bot("service: cache\nstatus: down", attachments=listed), *KNOWN) == ("cache",)
    assert named(from_bot("service: gone\nstatus: down", attachments=listed), *KNOWN) == ()


@pytest.mark.parametrize(
    "text",
    [
        DOCKER_PS.replace("3 minutes", "3 weeks"),
        "Last logs:\nweb-1: Exited (137) 2 minutes ago",
        "```starting\nweb-1: Exited (137) 2 minutes ago\nstopping```",
        "I saw that web-1: Exited (137) 2 minutes ago",
        "https://x.example/web-1 Exited (1) 2 minutes ago",
    ],
)
def test_what_exited_long_ago_or_in_a_log_is_not_meant(text: str) -> None:
    assert named(from_bot("Load is high", attachments=[{"color": "danger", "text": text}]), *KNOWN) == ()
