import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts.alert import Alert, Kind, find_targets, read_alert, similar_names
from bot.domain.target import KnownTarget
from tests.domain.messages import from_bot, named
from tests.support.fakes import names_of

CASES = sorted((Path(__file__).parents[2] / "corpus" / "alerts").glob("*.json"))
IN_LINES = [
    json.loads(line)
    for path in sorted((Path(__file__).parents[2] / "corpus" / "alerts_in_lines").glob("*.jsonl"))
    for line in path.read_text().splitlines()
]
LABELLED = [case for case in IN_LINES if case["expect"]["targets"]]
KEY_NAMES = """
type subtype text message attachments blocks fields title value color pretext fallback elements bot_id files style
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
KEYS = st.sampled_from(KEY_NAMES.split())
MESSAGE = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=60)
    | st.sampled_from(["bot_message", "section", "rich_text", "header", "email"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


BOTH = """
alertmanager grafana uptime-kuma healthchecks gatus netdata zabbix icinga nagios checkmk monit kapacitor sentry datadog
pagerduty opsgenie new-relic uptimerobot cloudwatch better-stack statuscake komodo loggifly beszel coolify robusta keep
email script
"""


def check(case: dict[str, Any]) -> None:
    expect = case["expect"]
    alert = read_alert(case["event"])
    assert alert.kind == expect["kind"]
    assert set(names_of(find_targets(alert, [KnownTarget(name) for name in case["inventory"]]))) == set(
        expect["targets"]
    )
    assert alert.severity == expect["severity"] or alert.kind is Kind.NOISE
    assert expect["title_contains"] in alert.title


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_sender_is_understood(path: Path) -> None:
    check(json.loads(path.read_text()))


@pytest.mark.parametrize("case", IN_LINES, ids=lambda case: case["id"])
def test_a_case_written_before_the_reader_saw_it_is_understood(case: dict[str, Any]) -> None:
    check(case)


@pytest.mark.parametrize("case", LABELLED, ids=lambda case: case["id"])
def test_where_the_labelled_containers_are_unknown_no_other_is_taken(case: dict[str, Any]) -> None:
    meant = set(case["expect"]["targets"])
    alike = [other for name in meant for other in (f"{name}-canary", f"{name}_2", f"x-{name}", name[:-1])]
    known = [KnownTarget(name) for name in (*case["inventory"], *alike) if name not in meant]
    assert names_of(find_targets(read_alert(case["event"]), known)) == ()


@pytest.mark.parametrize(
    "line", ["a=b, " * 900 + "!", "x: " * 1500, "[" * 4000, "*a*: `" * 700, "and a, " * 600 + "down", "> " * 2000]
)
def test_a_line_made_to_be_slow_is_read(line: str) -> None:
    assert named(from_bot(f"Containers {line}\n{line}", attachments=[{"title": line, "text": line}]), "zz-1") == ()


def test_the_cases_cover_every_sender_firing_and_resolved() -> None:
    seen: dict[str, set[str]] = {}
    for path in CASES:
        case = json.loads(path.read_text())
        seen.setdefault(case["sender"], set()).add(case["expect"]["kind"])
    both = BOTH.split()
    assert [sender for sender in both if not seen.get(sender, set()) >= {"firing", "resolved"}] == []


@pytest.mark.fault(25)
def test_nothing_a_person_writes_is_an_alert() -> None:
    alert = read_alert({"type": "message", "user": "U1", "text": "[FIRING:1] ContainerDown (prod-db critical)"})
    assert alert.kind is Kind.NOISE
    assert names_of(find_targets(alert, [KnownTarget("prod-db")])) == ()


def test_of_names_that_start_alike_only_the_exact_one_is_meant() -> None:
    for name in ("api", "api-v2", "api-gateway", "api-gateway-canary"):
        assert named(
            from_bot(f"container: {name}\nstatus: down"), "api", "api-v2", "api-gateway", "api-gateway-canary"
        ) == (name,)


def test_an_unknown_container_is_not_replaced_by_one_that_is_like_it() -> None:
    assert named(from_bot("container: api-v22\nstatus: down"), "api", "api-v2") == ()


def test_a_name_beside_a_container_that_is_elsewhere_is_none_of_ours() -> None:
    assert named(from_bot("container: gone-1\nname: api\nstatus: down"), "api", "api-v2") == ()
    assert named(from_bot("container: api-v2\nname: api\nstatus: down"), "api", "api-v2") == ("api-v2",)


def test_of_what_an_exporter_tells_the_container_is_not_the_exporter() -> None:
    told = "alertname: Down\ncontainer: cadvisor\njob: cadvisor\ninstance: cadvisor:8080\nname: api\nimage: shop/api:2"
    assert named(from_bot(told), "cadvisor", "api") == ("api",)


def test_an_unknown_labelled_container_excludes_job_and_title() -> None:
    event = from_bot(
        "",
        attachments=[
            {
                "color": "danger",
                "title": "[FIRING:1] Down redis-cache",
                "text": "• *alertname:* `Down`\n• *container:* `gone-1`",
            }
        ],
    )
    assert named(event, "redis-cache", "cadvisor") == ()


def test_compose_project_and_service_mean_that_container_alone() -> None:
    labels = "• *com.docker.compose.project:* `shop`\n• *com.docker.compose.service:* `web`\n• *alertname:* `X`"
    event = from_bot("", attachments=[{"color": "danger", "title": "[FIRING:1] X", "text": labels}])
    assert named(
        event, KnownTarget("front", project="shop", service="web"), KnownTarget("b", project="blog", service="web")
    ) == ("front",)
    assert named(event, "shop-web-1", "shop-web-admin-1", "blog-web-1") == ("shop-web-1",)


def test_a_service_that_two_projects_have_is_nobodys() -> None:
    event = from_bot("service: web\nstatus: down")
    assert (
        named(event, KnownTarget("a", project="shop", service="web"), KnownTarget("b", project="blog", service="web"))
        == ()
    )
    assert named(
        event, KnownTarget("a", project="shop", service="web"), KnownTarget("c", project="shop", service="db")
    ) == ("a",)


def test_a_swarm_task_is_found_by_its_own_name_or_its_services() -> None:
    task = "stack_web.1.x7f3kq9d0m2n8v5b1c4z6l0pa"
    event = from_bot(f"container_name: {task}\nstatus: down")
    assert named(event, "stack_web", "stack_web_admin") == ("stack_web",)
    other = "stack_web.2.aaaaabbbbbcccccdddddeeeee"
    known = [
        KnownTarget(task, swarm_service="stack_web", swarm_task=task),
        KnownTarget(other, swarm_service="stack_web", swarm_task=other),
    ]
    assert named(event, *known) == (task,)


def test_a_container_id_finds_a_container_whose_name_changed() -> None:
    event = from_bot("container_id: 5b0c9f1e77d2\nstatus: down")
    assert named(
        event, KnownTarget("web", container_id="5b0c9f1e77d2aa90"), KnownTarget("db", container_id="ffffffffffff")
    ) == ("web",)


def test_an_edit_that_changes_only_the_words_resolves() -> None:
    before = from_bot("", attachments=[{"color": "a30200", "title": "[FIRING:1] Down web-1 (critical)"}])
    after = copy.deepcopy(before)
    after["attachments"][0] |= {"color": "2eb886", "title": "[RESOLVED] Down web-1 (critical)"}
    edited = {"type": "message", "subtype": "message_changed", "message": after, "previous_message": before}
    assert read_alert(edited).kind is Kind.RESOLVED
    assert named(edited, "web-1") == ("web-1",)


def test_a_group_fires_while_one_alert_fires_and_means_only_that_one() -> None:
    text = "*Firing*\n• *alertname:* `X`\n• *name:* `a-1`\n\n*Resolved*\n• *alertname:* `X`\n• *name:* `b-1`\n"
    event = from_bot("", attachments=[{"color": "danger", "title": "[FIRING:1, RESOLVED:1] X", "text": text}])
    assert read_alert(event).kind is Kind.FIRING
    assert named(event, "a-1", "b-1") == ("a-1",)


def test_a_title_is_readable() -> None:
    event = from_bot("<!channel> :fire: *Container* <https://x.example|`web-1`> is down &amp; out")
    assert read_alert(event).title == "Container web-1 is down & out"


def test_entities_are_undone_once_only() -> None:
    assert read_alert(from_bot("&amp;lt;b&amp;gt; is down")).title == "&lt;b&gt; is down"


def test_a_forwarded_alert_is_no_alert() -> None:
    shared = {"is_share": True, "is_msg_unfurl": True, "title": "[FIRING:1] Down web-1", "color": "danger"}
    assert read_alert(from_bot("", attachments=[shared])).kind is Kind.NOISE


def test_near_names_are_offered_to_people() -> None:
    assert similar_names("buggy-ap-v2", ["web", "buggy-app", "buggy-app-v2"]) == ("buggy-app-v2", "buggy-app")
    assert similar_names("x", ["web"], limit=0) == ()


@pytest.mark.parametrize(
    "place",
    ["see {}", "https://{}/health is down", "http://x.example/{} failed", "image: registry.example/{}:1.2", "job: {}",
     "restart {} now", "{} backup failed", "{} exporter is down",
     "error: cannot reach {}", "```container: {}```", "from web-9 to {} failed"],
)  # fmt: skip
def test_a_name_outside_its_place_is_no_target(place: str) -> None:
    assert named(from_bot("High error rate, critical\n" + place.format("prod-db")), "prod-db") == ()


@given(JSON)
def test_any_json_is_read_without_an_error(body: Any) -> None:
    alert = read_alert(
        body if isinstance(body, dict) else {"message": body, "attachments": body, "blocks": body, "bot_id": body}
    )
    assert isinstance(alert, Alert)
    assert set(names_of(find_targets(alert, [KnownTarget("web"), KnownTarget("db-1")]))) <= {"web", "db-1"}


@given(MESSAGE)
@settings(max_examples=300)
@pytest.mark.slow
def test_any_shape_of_a_message_is_read_without_an_error(body: Any) -> None:
    event = body if isinstance(body, dict) else {"text": body}
    alert = read_alert({"bot_id": "B1", **event})
    assert set(names_of(find_targets(alert, [KnownTarget("web"), KnownTarget("db-1")]))) <= {"web", "db-1"}


@given(st.text(alphabet=st.sampled_from('ab-1:=`*{}[](),"<>|&\n \t•/.'), max_size=300))
def test_any_text_names_only_known_targets(text: str) -> None:
    assert set(named(from_bot(text), "a", "ab-1", "b.b")) <= {"a", "ab-1", "b.b"}


def test_a_huge_message_is_bounded() -> None:
    many = [
        {"title": "x" * 50_000, "text": "name: a\n" * 50_000, "fields": [{"title": "k", "value": "v" * 9000}] * 500}
    ] * 300
    alert = read_alert(from_bot("y" * 500_000, attachments=many))
    assert len(alert.title) <= 200
    assert len(alert.text) <= 20_000
    assert sum(len(key) + len(value) for key, value in alert.labels) < 1_000_000


def test_what_a_label_calls_a_team_or_a_folder_is_no_target_in_the_title() -> None:
    title = "[FIRING:1] QueueLag search-indexer (warning)"
    assert named(from_bot(title), "search-indexer") == ("search-indexer",)
    labelled = from_bot("", attachments=[{"title": title, "text": "*alertname:* QueueLag\n*team:* search-indexer"}])
    assert named(labelled, "search-indexer") == ()
