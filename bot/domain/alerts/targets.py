"""Finds the known targets that an alert's labels name.

Only whole names count, in this order: container, service, monitor, host, title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bot.domain.alerts.label_syntax import Pairs
from bot.domain.alerts.message import word_set
from bot.domain.alerts.title_targets import (
    SWARM_TASK,
    TROUBLED,
    container_of,
    in_title,
    instance_host,
    is_group_head,
    is_telling,
    subject_of,
)
from bot.domain.target import KnownTarget

_CONTAINER = word_set(
    "container container_name containername docker_container docker_container_name docker_name "
    "container_label_name name "
    "docker_container_label_name containers unhealthy_containers container_host_name"
)
_IDS = word_set("container_id containerid id docker_id docker_container_id")
_TASKS = frozenset(
    {
        "container_label_com_docker_swarm_task_name",
        "com_docker_swarm_task_name",
        "swarm_task",
        "swarm_task_name",
        "task",
        "task_name",
    }
)
_SWARM = word_set(
    "container_label_com_docker_swarm_service_name com_docker_swarm_service_name swarm_service "
    "swarm_service_name docker_service docker_service_name"
)
_PROJECT = word_set(
    "container_label_com_docker_compose_project com_docker_compose_project compose_project "
    "docker_compose_project project stack compose_stack"
)
_COMPOSE = word_set(
    "container_label_com_docker_compose_service com_docker_compose_service compose_service docker_compose_service"
)
_SERVICE = word_set(
    "service service_name servicename server_name app app_name application application_name "
    "component deployment pod resource unit process resource_name program"
)
_MONITOR = word_set(
    "monitor monitor_name check check_name checkname endpoint endpoint_name friendly_name entity "
    "entities impacted_entities targets target site test_name website heartbeat alarm_name "
    "servicedesc service_desc service_description host_service"
)
_HOST = word_set("host hostname host_name monitored_host hostalias source_host")
_INSTANCE = frozenset({"instance"})
# Containers that a list in the message calls exited or unhealthy.
_LISTED = frozenset({"listed"})
_LABELLING = (
    _CONTAINER | _IDS | _TASKS | _SWARM | _PROJECT | _COMPOSE | _SERVICE | _MONITOR | _HOST | _INSTANCE | _LISTED
)
# Labels whose values may be called like a container and are another thing.
_OTHERS = word_set(
    "grafana_folder folder rule rulename rule_name rulegroup datasource datasource_uid team owner env environment "
    "cluster region zone namespace tenant group image job receiver depends_on dependency dashboard"
)

_DOCKER_ID = re.compile(r"(?:.*/|.*docker-)?([0-9a-f]{12,64})(?:\.scope)?\Z")
_AFTER_NAME = re.compile(
    r"(?i)\s{0,20}(?:\(.{0,200}\)|\[.{0,200}\]|\{.{0,200}\}|[ ][—–|·-]{1,2}[ ]\W{0,20}"
    r"(?:critical|warning|info|page|high|low|down|unhealthy|resolved))\s{0,20}\Z"
)
_WITH_WORD = re.compile(
    r"(?i)(?:docker|container|docker[ _-]container|service|swarm service|process|stack|app)(?: ?[:/] ?| +)(\S+)\Z"
)
_CHECKED = re.compile(
    r"(?i)(\S+?)(?: ?(?:/\w[\w/-]*|health|health ?check|https?|tcp|ping|status|uptime|container|:\d{2,5}))\Z"
)
_ON_HOST = re.compile(r"(?P<host>[A-Za-z0-9][\w.-]*)[/!](?P<service>[A-Za-z0-9][\w.-]*)")
# An address, an image, a file: https://shop.example/web-1, registry:5000/web-1, /srv/data/web-1.
_ADDRESS = re.compile(r"\w++://|(?=[^\s/]*+/)[^\s/.:]*+[.:]|/[^\s/]*+/")
_AND = re.compile(r",| and ")
# Lists as Python 2 wrote them.
_U_STRING = re.compile(r"u(?=['\"])")
_LIKE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def labelled_targets(members: Sequence[Pairs], title: str, inventory: Sequence[KnownTarget]) -> list[str]:
    """Return the targets that ``members`` (the alerts of a group) label, else the one that the title names."""
    named: list[str] = []
    identified = False
    for pairs in members:
        known_by_id, names = _of_member(pairs, inventory)
        identified = identified or known_by_id
        named.extend(name for name in names if name not in named)
    if identified:
        return named
    known = [target.name for target in inventory]
    container = container_of(title, known)
    if container and not any(container == value for pairs in members for _, value in pairs):
        # The container of which the title speaks is surer than a service or a machine in a label.
        return [container] if container in known else []
    # What a label says to be something else (a folder, a team, an image), the title does not make a target.
    others = {value for pairs in members for key, value in pairs if key in _OTHERS}
    entitled = in_title(title, [name for name in known if name not in others])
    if not named:
        # Where a monitor is told and is nobody's, the rest of its title is what it met.
        monitored = any(key in _MONITOR for pairs in members for key, _ in pairs)
        pairs_of_all = tuple(pair for pairs in members for pair in pairs)
        if monitored or entitled:
            return [] if monitored else entitled
        labelled = any(key in _LABELLING - _HOST - _LISTED for pairs in members for key, _ in pairs)
        return [] if labelled else _names(pairs_of_all, _LISTED, lambda value: _exact(value, inventory))
    subject = subject_of(title, known)
    # Where a service, a host or a monitor is one container and the title speaks of another, that is for people.
    other = subject or (entitled[0] if entitled and is_group_head(title) else "")
    return [] if other and other not in named else named


def naming_pairs(pairs: Pairs) -> Pairs:
    """Return those of an alert's pairs that say what it is about."""
    return tuple(sorted({pair for pair in pairs if pair[0] in _LABELLING}))


def _of_member(pairs: Pairs, inventory: Sequence[KnownTarget]) -> tuple[bool, list[str]]:
    """Return True if one alert's labels name a container at all, known to us or not, and which targets it names."""
    tasks = _names(pairs, _TASKS, lambda value: _container(value, inventory))
    if tasks:
        return True, tasks
    containers = _containers(pairs, inventory)
    if containers:
        return True, containers
    ids = _names(pairs, _IDS, lambda value: _by_id(value, inventory))
    if ids:
        return True, ids
    services = _names(pairs, _SWARM, lambda value: _swarm(value, inventory))
    compose = services or ([] if _names_another(pairs) else _compose(pairs, inventory))
    if compose:
        return True, compose
    if any(key in _CONTAINER - {"name"} | _SWARM | _COMPOSE | _TASKS for key, value in pairs if value):
        return True, []
    if any(key == "name" and _LIKE_NAME.match(value) for key, value in pairs) and any(
        key in ("alertname", "job", "instance") for key, _ in pairs
    ):
        return True, []
    labels = dict(reversed(pairs))
    instance = partial(_instance, alertname=labels.get("alertname", ""), job=labels.get("job", ""))
    for keys, resolve in ((_SERVICE, _service), (_MONITOR, _monitor), (_HOST, _host), (_INSTANCE, instance)):
        names = _names(pairs, keys, partial(resolve, inventory=inventory))
        if names:
            return False, names
    return False, []


def _containers(pairs: Pairs, inventory: Sequence[KnownTarget]) -> list[str]:
    """Return the containers that are labelled so. ``name`` is often another thing's: beside a container it is no name.

    Where an exporter tells of containers (cAdvisor: with their image and id), the label ``container`` may be its own.
    """
    labelled = _names(pairs, _CONTAINER - {"name"}, lambda value: _container(value, inventory))
    named = _names(pairs, frozenset({"name"}), lambda value: _container(value, inventory))
    labels = dict(reversed(pairs))
    exporter = {labels.get("job", ""), labels.get("instance", "").partition(":")[0]}
    if named and labelled and exporter.issuperset(labelled) and {"image", "id"} & labels.keys():
        return named
    elsewhere = any(key in _CONTAINER - {"name"} and _LIKE_NAME.match(value) for key, value in pairs)
    return labelled if labelled or elsewhere else named


def _names_another(pairs: Pairs) -> bool:
    """Return True if a container's own name stands beside its Compose labels: then no other of the service is meant."""
    services = {value for key, value in pairs if key in _COMPOSE}
    named = {value for key, value in pairs if key in _CONTAINER and _LIKE_NAME.match(value)}
    return bool(services and named - services)


def _names(pairs: Pairs, keys: frozenset[str], resolve: Callable[[str], list[str]]) -> list[str]:
    names: list[str] = []
    for key, value in pairs:
        if key in keys:
            names.extend(name for name in resolve(value) if name not in names)
    return names


def _exact(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    return [target.name for target in inventory if target.name == value]


def _spellings(value: str) -> Iterator[str]:
    """Yield ``value`` without a leading slash, and without what a sender adds behind it in brackets."""
    plain = _U_STRING.sub("", value.strip()).strip("\"'`").removeprefix("/")
    yield plain
    shorter = _AFTER_NAME.sub("", plain)
    if shorter != plain:
        yield shorter


def _container(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    for name in _spellings(value):
        found = _exact(name, inventory) or [t.name for t in inventory if t.swarm_task and t.swarm_task == name]
        if found:
            return found
        task = SWARM_TASK.match(name)
        if task:
            return _swarm(task[1], inventory)
    subject, _, rest = value.partition(" ")
    # A label may go on as a sentence: web-1 is down.
    if rest.startswith("on ") or TROUBLED.match(f" {rest}"):
        return _exact(subject.strip("\"'`").removeprefix("/"), inventory)
    items = [_U_STRING.sub("", item.strip()).strip("\"'").removeprefix("/") for item in _AND.split(value)[:50]]
    return [name for item in items for name in _exact(item, inventory)] if len(items) > 1 else []


def _by_id(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    found = _DOCKER_ID.match(value)
    return [t.name for t in inventory if found and t.container_id and t.container_id.startswith(found[1])]


def _swarm(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    return [t.name for t in inventory if value in (t.swarm_service, t.name)]


def _compose(pairs: Pairs, inventory: Sequence[KnownTarget]) -> list[str]:
    """Return the containers of a labelled Compose project and service, by their labels or Compose's naming."""
    project = next((value for key, value in pairs if key in _PROJECT and value), "")
    service = next((value for key, value in pairs if key in _COMPOSE and value), "")
    if not service and project:
        service = next((value for key, value in pairs if key in ("service", "service_name") and value), "")
    if not project or not service:
        return []
    found = [t.name for t in inventory if (t.project, t.service) == (project, service)]
    named = re.compile(rf"{re.escape(project)}([-_]){re.escape(service)}\1\d{{1,4}}\Z")
    return found or [t.name for t in inventory if named.match(t.name)] or _exact(f"{project}_{service}", inventory)


def _service(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    items = [item.strip() for item in value.split(",")[:50]]
    if len(items) > 1:
        return [name for item in items for name in _exact(item, inventory)] if all(map(_LIKE_NAME.match, items)) else []
    on_host = _ON_HOST.fullmatch(value.strip())
    if on_host:
        return _on_host(on_host["host"], on_host["service"], inventory)
    for name in _spellings(value):
        found = _exact(name, inventory) or [t.name for t in inventory if t.swarm_service and t.swarm_service == name]
        composed = [t for t in inventory if t.service and t.service == name]
        if not found and len({t.project for t in composed}) == 1:
            found = [t.name for t in composed]
        if found:
            return found
        worded = _WITH_WORD.match(name)
        if worded and (found := _exact(worded[1].removeprefix("/"), inventory)):
            return found
    return []


def _on_host(host: str, service: str, inventory: Sequence[KnownTarget]) -> list[str]:
    """Return the target of ``docker01/web-1`` or ``web-1/http``; of two that are known, none."""
    found = [name for one in (service, host) if is_telling(one) for name in _exact(one, inventory)]
    return found if len(found) == 1 else []


def _monitor(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    found = _service(value, inventory)
    if found or _ADDRESS.match(value.strip()):
        return found
    for name in _spellings(value):
        last = name.rpartition("/")[2].strip() if "/" in name else name
        checked = _CHECKED.match(last)
        for candidate in (last, checked[1] if checked else ""):
            if candidate and (found := _exact(candidate, inventory)):
                return found
    return []


def _host(value: str, inventory: Sequence[KnownTarget]) -> list[str]:
    """Return the target that a host field names; it is one only where it is spelt so (``shop-api-1``), not ``mail``."""
    return [name for spelling in _spellings(value) if is_telling(spelling) for name in _exact(spelling, inventory)]


def _instance(value: str, inventory: Sequence[KnownTarget], alertname: str, job: str) -> list[str]:
    return _exact(instance_host(value, alertname, job), inventory)
