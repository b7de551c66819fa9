"""Finds the one target that a title names.

Running text names none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.alerts.message import without_markup, word_set

# A task of Swarm is called service.slot.id, or service.node.id where the service is global.
SWARM_TASK = re.compile(r"(.+)\.(?:\d{1,5}|[a-z0-9]{25})\.[a-z0-9]{25}\Z")
# Exporters and probes: the scrape job of an alert, never its subject.
_JOBS = word_set(
    "cadvisor node node-exporter node_exporter prometheus blackbox blackbox-exporter "
    "blackbox_exporter docker alertmanager grafana pushgateway telegraf"
)
_LIST = re.compile(r"\(([^()\n]{1,2000})\)\s*\Z")
_GROUP_HEAD = re.compile(
    r"\[(?:FIRING|RESOLVED)(?::\d+)?(?:, ?RESOLVED:\d+)?\]\s*(\S+)([^(\n]{0,300})(?:\(([^()\n]{1,2000})\))?"
)
_HOST_PORT = re.compile(r"[\w.-]+:\d{2,5}\Z|\w+://\S+\Z")
# An alert's name as its rules write it: ContainerDown, container_down, not one word of a sentence.
_COMPOUND = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]|\w[_:]\w")
_SEVERITIES = word_set("critical warning info page error high low none emergency")
_CONTAINER_JOBS = word_set("cadvisor docker")
_PROBES = word_set("blackbox blackbox-exporter blackbox_exporter")
# Ports of the exporters that speak of their machine.
_MACHINES = word_set("9100 9182 19999 9256")
ABOUT_SCRAPING = re.compile(
    r"(?i)datasource|instance|target|job|exporter|scrape|prometheus|endpoint|probe|blackbox|host|node"
)
TROUBLED = re.compile(
    r"(?i)\s+(?:(?:is|was|has|went|got|became|are|container|service)\s+(?:now\s+|been\s+|"
    r"gone\s+)*)*(?:down|unhealthy|unreachable|offline|not (?:responding|running|healthy)|exited|"
    r"crash\w*|dead|critical|warning|unknown|"
    r"died|killed|oom\w*|stopped|restarting|failing|failed|up\b|healthy|recovered|resolved|ok\b|back)"
)


def in_title(title: str, names: Sequence[str]) -> list[str]:
    """Return the one target that a title names in its place: in a list, as subject, after ``container`` or ``on``."""
    known = {name for name in names if name}
    for line in title.splitlines()[:6]:
        group = _GROUP_HEAD.search(line)
        if group:
            return _in_group_head(group, known)
        found = _in_sentence(without_markup(line), known)
        if found:
            return found
    return []


def is_group_head(title: str) -> bool:
    """Return True if a title is in Alertmanager's form, whose values are labels."""
    return bool(_GROUP_HEAD.search(title))


def _in_group_head(group: re.Match[str], known: set[str]) -> list[str]:
    """Read ``[FIRING:1] alertname group-values (common values)``: values only, in the order of their labels' names."""
    alertname, behind, values = group[1], group[2], (group[3] or "").split()
    if alertname.startswith("Datasource"):  # nothing is known, then, of what is asked about
        return []
    grouped = behind.split()
    if _COMPOUND.search(alertname) or (len(grouped) == 1 and is_telling(grouped[0])):
        grouped = grouped[: grouped.index("for")] if "for" in grouped else grouped
        found = [value for value in grouped if value in known and not _is_job(value)]
        if not found and any(map(is_telling, grouped)):
            # Grouped by what may be a container that nobody knows: an ordinary word beside it is not that one.
            known = {name for name in known if is_telling(name)}
    else:
        # An alert's name in several words is a sentence, what else is grouped by stands at its end.
        found = _in_sentence(f"{alertname}{behind}".strip(), known)
    return (found if len(set(found)) == 1 else []) if found else _in_values(alertname, values, known)


def _in_values(alertname: str, values: Sequence[str], known: set[str]) -> list[str]:
    stated = next((number for number, value in enumerate(values) if value in _SEVERITIES), len(values))
    # By their labels' names, so behind the severity stand teams, tiers and zones.
    values = values[:stated]
    about_containers = "container" in alertname.lower() or not _CONTAINER_JOBS.isdisjoint(values)
    tasks = [match[1] for value in values if (match := SWARM_TASK.match(value)) and match[1] in known]
    if tasks:
        return tasks[:1]
    addresses = [number for number, value in enumerate(values) if _HOST_PORT.match(value)]
    # Behind an instance comes its job, which may have a container's name, and behind that a name.
    behind = [values[number + 1] for number in addresses if number + 1 < len(values)]
    after_job = [values[number + 2] for number in addresses if number + 2 < len(values)]
    after_job = [value for value in after_job if not _is_job(value) and not _HOST_PORT.match(value)]
    probed = any("://" in values[number] for number in addresses) or not _PROBES.isdisjoint(values)
    if probed and not about_containers:
        return []
    likely = [value for value in dict.fromkeys(values) if value in known and not _is_job(value)]
    likely = [value for value in likely if about_containers or (is_telling(value) and value not in behind)]
    if after_job and not _CONTAINER_JOBS.isdisjoint(behind):
        return [value for value in likely if value in after_job][:1]
    certain = [value for value in likely if value in after_job or value not in behind]
    if len(certain) == 1 or len(likely) > 1:
        return certain if len(certain) == 1 else []
    # An exporter that is not answered may be what is down, and not what it exports.
    exporter = ABOUT_SCRAPING.search(alertname) and any("exporter" in value for value in behind)
    found = {host for number in addresses if (host := instance_host(values[number], alertname)) in known}
    if found and not exporter:
        return list(found) if len(found) == 1 else []
    return [] if ABOUT_SCRAPING.search(alertname) else likely


def instance_host(instance: str, alertname: str, job: str = "") -> str:
    """Return the host of ``host:port`` where it may be a container, ``""`` where it is a machine or an exporter."""
    host, _, port = instance.partition(":")
    if not (port.isdigit() or not port):
        return ""
    if _is_job(host):
        return host if ABOUT_SCRAPING.search(alertname) else ""
    return "" if port in _MACHINES or job in _JOBS else host


def _is_job(name: str) -> bool:
    return name in _JOBS or "exporter" in name


_SUBJECT = (
    r"(?:^|(?i:^\W{0,40}(?:(?:alert|alarm|incident)\s{1,20})?(?:(?:\w{1,40} )?\[?#\d{1,20}\]?:?\s{1,20})?)|"
    r"[!|\]>»–—·•]\s{1,20}|\s-\s|"
    r"(?i:^\W{0,40}(?:[\w-]{1,60} ){0,4}(?:alarm|alert|incident|issue|outage|down|up|problem|resolved|"
    r"recovered|critical|warning|firing|ok|unhealthy|"
    r"exited|crashed|died|killed|stopped|triggered|failed|restarting|containers?|services?)):\s{1,20})"
)
_BEFORE = re.compile(
    r"(?i)\b(?:containers?|service|app|application|for|on|in|resource|monitor|check|"
    r"process)[ :]{1,2}[\"'`“(/]{0,2}\Z"
)
# A thing that belongs to a container, or is named after it, is not the container.
_PART_OF = re.compile(
    r"(?i)[\"'`]?[ -](?:exporter|backup|replica|snapshot|dump|image|volume|network|certificate|"
    r"cert|job|stream|dashboard|"
    r"probe|sidecar|canary|metrics|build|deploy\w*|pipeline|repo\w*|branch|domain)\b"
)
_FIRST = re.compile(r"(?:(?:\w+ )?\[?#\d+\]?:?\s+)?([A-Za-z0-9][\w.-]*[A-Za-z0-9])(?![\w/@=:])")
_IN_TROUBLE = re.compile(
    r"(?i)\b(?:down|unhealthy|unreachable|no (?:heartbeat|response|answer)|not \w+|fail\w*|crash\w*|exited|killed|"
    r"timed? ?out|error\w*|refused|high|recovered|healthy|back|restart\w*|out of|5\d\d)\b"
)
_MACHINE = re.compile(r"(?i)\b(?:host|server|node|machine)(?: alert| problem)?:? [\"'`]{0,2}\Z")
# A sentence quoted behind a colon is what somebody else said.
_QUOTED = re.compile(r"(?<=: )\"([^\"\n]*)\"")
# CRITICAL shop-api-1: health check failed
_GRADED = re.compile(
    r"\W*(?:CRIT(?:ICAL)?|WARN(?:ING)?|ALERT|ALARM|PROBLEM|ERROR|FIRING|DOWN|OK|RESOLVED|RECOVERED)\s+\Z"
)
# CRITICAL shop-api-1 restart count 7
_MEASURED = re.compile(
    r"(?i)\s+(?:restart(?:s|ed|ing)?|memory|mem|cpu|disk|heap|health ?check|latency|error rate|response time|swap|load|"
    r"uptime|usage|connections?|not (?:running|responding|healthy))\b"
)
# #7: ContainerDown shop-api-1
_RULE = re.compile(
    r"\W{0,40}(?:(?:\w{1,40} )?\[?#\d{1,20}\]?:?\s{1,20})?(?:\w{1,40}[:!]\s{1,20})?(?P<rule>(?>\S+))\s{1,20}\Z"
)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]|[A-Za-z0-9]")


# [FIRING:1], CRITICAL:, Alert #7: and the like, and then "Container X".
_CONTAINER = re.compile(
    r"(?i)(?:\W{0,20}(?:\[[^\]\n]{0,60}\]|(?:critical|crit|warning|warn|alert|alarm|problem|error|firing|triggered|"
    r"resolved|recovered|recovery|incident|down|up|ok|#?\d{1,6})\b)){0,4}"
    r"\W{0,20}(?:docker )?container[ :]{1,2}(?P<quote>[\"'`“(/]{0,2})"
    r"(?P<name>[a-z0-9](?:[\w.-]{0,126}[a-z0-9])?)(?![\w/@=]|:\w)"
)
_PREDICATE = re.compile(r"\s+(?:is|was|has|went|became|exited|died|crashed|stopped|restarted|disappeared|not)\b")
# What is said of containers at large: Container CPU is high, Container restart-loop.
_NO_NAME = re.compile(
    r"(?i)(?:cpu|mem(?:ory)?|disk|network|io|fs|restart\w*|health\w*|status|state|count|usage|load|oom\w*|out|auto|"
    r"un\w+|non|not|high|low|down|up|exited|stopped|dead|killed|crash\w*|died|fail\w*|alert\w*|engine|runtime|host|image)"
    r"(?![a-z0-9])"
)


def container_of(title: str, names: Sequence[str]) -> str:
    """Return what a title calls the container that it begins with, known or not: ``Container X is down``; or ``""``."""
    found = _CONTAINER.match(without_markup(title))
    if not found or _PART_OF.match(found.string, found.end()):
        return ""
    name = found["name"]
    if name in names:
        return name
    likely = is_telling(name) or (name.islower() and _PREDICATE.match(found.string, found.end()))
    return name if found["quote"] or (likely and not _NO_NAME.match(name)) else ""


def subject_of(title: str, names: Sequence[str]) -> str:
    """Return the target that a title begins with, behind marks and numbers, or ``""``."""
    begins = _FIRST.match(title)
    return begins[1] if begins and begins[1] in names and is_telling(begins[1]) else ""


def _in_sentence(line: str, known: set[str]) -> list[str]:
    """Return the one name in the surest place; two names in places alike are none."""
    found: dict[str, int] = {}
    line = _QUOTED.sub(lambda quoted: "" if " " in quoted[1] else quoted[0], line[:400])
    for word in _WORD.finditer(line):
        name, before, after = word[0], line[: word.start()], line[word.end() :]
        if name in known and not _is_job(name) and _stands_alone(before, after):
            found[name] = max(found.get(name, 0), _points(name, before, after))
    best = max(found.values(), default=0)
    certain = [name for name, points in found.items() if points == best]
    return certain if best and len(certain) == 1 else []


def _stands_alone(before: str, after: str) -> bool:
    """Return True if a name is no piece of a path, an address or a longer name and owns nothing."""
    joined = re.search(r"[\w/@=.:-]\Z", before) and not re.search(r"(?:^|[\s(\"'`])/\Z", before)
    return not (joined or re.match(r"[/@=]|:\w|:/|\.\w", after) or _PART_OF.match(after))


def _points(name: str, before: str, after: str) -> int:
    """Return 2 for a title's subject, 1 behind such a word as ``on``, 0 elsewhere; an ordinary word needs more."""
    behind = after.lstrip("\"'`”)")
    if _MACHINE.search(before) and not is_telling(name):
        return 0
    if re.search(r"(?i)\bcontainers?[ :]{1,2}[\"'`“(/]{0,2}\Z", before):
        return 2
    if re.search(_SUBJECT + r"[\"'`“(/]{0,2}\Z", before) or not before.strip(" \"'`“(/"):
        names_it = not before.strip(" \"'`“(/") and behind.startswith(": ") and _IN_TROUBLE.search(behind)
        certain = is_telling(name) or TROUBLED.match(behind) or names_it or (before and not behind.strip(" .!"))
        return 2 if certain else 0
    if is_telling(name) and _GRADED.match(before) and (behind.startswith(": ") or _MEASURED.match(behind)):
        return 2
    rule = _RULE.match(before)
    if rule and _COMPOUND.search(rule["rule"]) and is_telling(name) and re.match(r"\s*(?:$|[(\[|–—])", behind):
        return 2
    if re.search(r"(?i)\bservice[ :]{1,2}[\"'`“(/]{0,2}\Z", before) and re.match(r"\s+[-–—|]\s", behind):
        return 2
    return 1 if is_telling(name) and _BEFORE.search(before) else 0


def is_telling(name: str) -> bool:
    """Return True if a name is no ordinary word: it has a hyphen, a dot, an underscore or a digit."""
    return any(not char.isalpha() for char in name)
