"""Names and sentences of senders whose format has no labels.

A new sender is a line or two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.domain.alerts.message import SectionKind, SlackMessage, without_markup

# What a bot calls itself -> the sender's name; the first hit wins.
NAMES = (
    "alertmanager", "grafana", "uptime-kuma", "healthchecks", "gatus", "netdata", "zabbix", "icinga",
    "nagios", "checkmk", "monit", "kapacitor", "elastalert", "graylog", "wazuh", "sentry", "datadog",
    "pagerduty", "opsgenie", "new-relic", "uptimerobot", "cloudwatch", "better-stack", "statuscake",
    "autoheal", "komodo", "dozzle", "loggifly", "beszel", "coolify", "robusta", "keep", "prometheus", "email",
)  # fmt: skip
# Heads that only say who speaks; the title is what comes after them.
BRAND = re.compile(
    r"(?i)\W*(?:new |an? )?(?:uptime kuma(?: alert)?|gatus|wazuh alert|alertmanager|"
    r"prometheus(?: alert)?|grafana(?: alert\w*)?|coolify(?: notification)?|"
    r"netdata|zabbix|icinga2?|nagios|check_?mk|monit|sentry|datadog|pagerduty|opsgenie|new relic|"
    r"uptime ?robot|amazon cloudwatch|cloudwatch|better ?(?:stack|uptime)|"
    r"statuscake|autoheal|komodo|dozzle|loggifly|beszel|robusta|keep|alerts?|notification|"
    r"this content can't be displayed\.?|critical|warning|ok|info|details|additional info)\W*"
)

_NAME = r"/?(?P<{}>[A-Za-z0-9][\w.-]*)"
# "Container down: web-1" names no container called down.
_STATE = r"(?:down|up|unhealthy|exited|stopped|dead|restarting|killed|crashed|died|failed|alert)(?![\w.-])"
_C = rf"/?(?P<container>(?!{_STATE})[A-Za-z0-9][\w.-]*)"
_WORD = r"[A-Za-z0-9][\w.-]*"
_STATES = r"(?:(?:SOFT|HARD) )?(?:CRITICAL|WARNING|UNKNOWN|OK|DOWN|UP|UNREACHABLE)"

# Programs that speak of code, releases, tickets and meetings, never of a container in trouble.
BUSY_WITH_OTHER_THINGS = re.compile(
    r"(?i)(?:git(?:hub|lab|ea)(?: actions| ci)?|bitbucket|jenkins|circle ?ci|travis(?: ci)?|drone|buildkite|"
    r"argo ?cd|renovate|dependabot|watchtower|diun|jira(?: cloud)?|"
    r"linear|trello|asana|confluence|notion|google calendar|outlook calendar|zoom|polly|giphy|"
    r"geekbot|simple poll|standup ?bot)(?: bot| app)?"
)
# What these write as a title is an exception's text, or the machine that speaks; targets come from their labels alone.
UNTITLED = frozenset({"sentry", "netdata", "dozzle"})
# What such a line heads is a log: LoggiFly's keywords.
_KEYWORDS = re.compile(
    rf"^(?:\[[^\]]*\] - )?(?:'[^']+' (?:(?:was|were) )?found(?: \d+ times?(?: within \w+)?)? in {_C}(?: \(.*\))?$"
    rf"|The following keywords were found in {_NAME.format('named')}:)"
)
_LISTED = re.compile(
    r"^\[?(?P<container>u?['\"][^\]\n]{1,2000}['\"])\]?: (?:Exited|Up .*unhealthy|Dead|Restarting|Created)"
)  # monitor-docker-slack
# Each is looked for in the first lines of what a sender's template starts; a named group is the label that it gives.
SENTENCES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^Container {_C}(?: \([0-9a-f]{{6,64}}\))? found to be (?:unhealthy|restarting)",  # docker-autoheal
        rf"^(?:\[[^\]]*\] - )?Container ['\"]{_C}['\"] (?:started|stopped|exited|crashed|removed|"
        rf"entered|was)\b",  # LoggiFly
        rf"^(?:\[[^\]]*\] - )?OOM event for container ['\"]{_C}['\"]",
        rf"^(?:\w+ \| )?Container {_C} is (?:now )?(?:\w+)\b",  # Komodo
        rf"^Containers? (?P<container>{_WORD}(?:(?:, ?| and ){_WORD})+) (?:is|are|have|down|exited|died|unhealthy)\b",
        rf"^(?:Deployment|Service|Resource) {_C} is now \w+",
        rf"^Unhealthy container {_C} on \S+",  # Beszel
        rf"^[Cc]ontainers? (?:down|exited|unhealthy|stopped|dead|not running): "
        rf"(?P<container>{_WORD}(?:, ?{_WORD})*)(?: \(.*\))?$",
        r"^Unhealthy: (?P<container>[\w., -]+)$",
        rf"^Container \(?{_C}\)? (?:has been |was |has |just )*(?:terminated|killed|stopped|started|removed|exited|"
        rf"died|crashed|restarted|became|went|failed)\b",
        rf"^(?:Stopped|Killed|Died|Unhealthy|Started) container {_C}$",
        rf"^Docker: Container {_C} received the action: [\w: ]+$",  # Wazuh
        rf"^A resource \({_C}\) has been (?:stopped|restarted)",  # Coolify
        rf"^{_C} (?:health status changed to|is now) (?:un)?healthy\b",
        rf"^(?:Coolify: )?{_C} has been stopped\b",
        r"^\[(?P<monitor>[^\]]+)\]\[https?://\S+\] Certificate ",
        r"^\[(?P<monitor>[^\]]+)\] \[\W*(?:Down|Up|Pending|DOWN|UP)\]",  # Uptime Kuma
        r"^(?:The check )?[“\"](?P<check>[^”\"]+)[”\"] is (?:UP|DOWN|up|down)\b",  # healthchecks
        r"^An alert for (?P<endpoint>.+?) has been (?:triggered|resolved)\b",  # Gatus
        r"^Monitor is (?:DOWN|UP): (?P<monitor>[^(]+?)(?: \(|$)",  # UptimeRobot
        r"^Your (?:site|website|test|server) ['\"](?P<monitor>[^'\"]+)['\"] (?:went|is|has)\b",
        r"^\[StatusCake\] \S+ \((?P<monitor>[^)]+)\): (?:Down|Up)",
        r"\bdocker\w*\.container_(?P<container>[\w.-]{1,128}?)_(?:health_status|state|status|cpu|mem|io)\b",  # Netdata
        r"\bcgroup_(?P<container>[\w-]{1,128}+)\.[a-z]\w*",
        rf"^(?:(?:Problem|Trigger)(?: name)?: |Resolved(?: in [^:]+)?: )?(?:Docker: )?Container {_C}: ",  # Zabbix
        rf"(?:^| )(?P<host>[\w.-]+)/(?P<service>[\w. -]+?) is {_STATES}\b",  # Nagios
        rf"^\W*(?:PROBLEM|RECOVERY)\W+(?P<host>[\w.-]+)/(?P<service>[\w.-]+) {_STATES}\b",
        rf"^\W*(?:PROBLEM|RECOVERY|{_STATES})\W+(?P<host>[\w.-]+)!(?P<service>[\w.-]+)$",
        rf"^\W*(?:PROBLEM|RECOVERY)\W+(?P<service>[\w. -]+?) on (?P<host>[\w.-]+) is {_STATES}",  # Icinga
        r"^[\w .-]+ for (?P<process>[\w.-]+) at [\w.-]+$",  # Monit
        rf"^\[[\w.-]+\] {_NAME.format('process')} - ",
        rf"^{_NAME.format('process')} - (?:process|connection|failed|(?:total )?(?:mem|cpu|swap)\b|status)",
        rf"^[A-Z][a-z]+(?: [a-z]+){{0,4}} Service {_NAME.format('process')}$",
        r"\bcontainer_name=(?P<container>[\w.-]+)[, ].{0,200}?\bis (?:CRITICAL|WARNING|OK|INFO)\b",  # Kapacitor
        rf"(?:^| on | for )(?:container_name|docker_container)[:=]{_C}\b",  # Datadog
        r"^\[(?P<check>[\w.-]{1,80})\] (?:is|went) (?:back )?(?:now )?(?:down|up|unhealthy|healthy)\b",
        r"^(?:\[[^\]\n]{0,40}\] )?(?P<check>[^:|\[\]]{1,80}) (?:is|went) (?:back )?(?:down|up)\.?$",
    )
)


# Whose sentence stands in a field; others' fields of that name hold log lines.
_KUMA = re.compile(r"(?i)\W*uptime kuma alert\W*\Z")
_SAYING = (
    SectionKind.TEXT,
    SectionKind.TITLE,
    SectionKind.HEADER,
    SectionKind.PRETEXT,
    SectionKind.BODY,
    SectionKind.FALLBACK,
)
_FIRST_LINES = 3


def sender_of(message: SlackMessage) -> str:
    """Return the sender's name in lower case with hyphens, one of ``NAMES`` where its bot's name says so."""
    name = "-".join(message.sender.lower().split())
    flat = re.sub(r"[^a-z0-9]", "", name)
    return next((known for known in NAMES if known.replace("-", "") in flat), name[:60])


def sentences(message: SlackMessage) -> Iterator[tuple[str, str]]:
    """Yield the labels that the known sentences of senders give, from lines that are not quoted, and not from logs."""
    kuma = any(_KUMA.match(part.text) for part in message.at(SectionKind.HEADER, SectionKind.TEXT))
    for part in message.at(*_SAYING, SectionKind.FIELD):
        lines = [part.name] if part.place is SectionKind.FIELD else _lines(part.prose_free)
        if part.place is SectionKind.FIELD and part.name == "Message" and kuma:
            lines = _lines(part.prose_free)[:1]
        for number, line in enumerate(lines):
            yield from _sentence(line, (*SENTENCES, _LISTED) if number < _FIRST_LINES else (_LISTED,))


def starts_with_container(message: SlackMessage) -> bool:
    """Return True if the message's first line is a sender's sentence about one container."""
    first = next((line for part in message.at(*_SAYING) for line in _lines(part.prose_free)[:1]), "")
    return any(key == "container" for key, _ in _sentence(first, SENTENCES))


def _sentence(line: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    found = next((found for pattern in patterns if (found := pattern.search(line[:500]))), None)
    if found:
        yield from ((key, value.strip()) for key, value in found.groupdict().items() if value)


def _lines(text: str) -> Sequence[str]:
    lines = []
    for line in text.splitlines()[:60]:
        plain = without_markup(line).strip()
        if re.match(r"(?i)(?:logs?|output|backlog|last messages?|stack ?trace)\b.{0,40}:?$", plain):
            break
        lines.append(plain)
    return lines


def container_with_log(message: SlackMessage) -> str:
    """Return the container of a message that is its name and its log: Dozzle's, LoggiFly's; else ``""``."""
    heads = [
        line
        for part in message.at(SectionKind.TEXT, SectionKind.TITLE, SectionKind.HEADER)
        for line in _lines(part.prose_free)[:1]
    ]
    found = next((found for line in heads if (found := _KEYWORDS.match(line))), None)
    if found:
        return found["container"] or found["named"]
    text = next((part.text.strip() for part in message.at(SectionKind.TEXT)), "")
    body = next((part.text for part in message.at(SectionKind.BODY)), "")
    return text if re.fullmatch(r"[\w.-]{1,128}", text) and body.startswith(f"*{text}*\n") else ""
