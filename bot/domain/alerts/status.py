"""Decides if a message is firing, resolved or noise.

It goes by fields, headings and colours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.alerts.labels import Member
from bot.domain.alerts.message import SectionKind, SlackMessage, without_markup, word_set
from bot.domain.alerts.senders import BRAND, BUSY_WITH_OTHER_THINGS

FIRING, RESOLVED, NOISE = "firing", "resolved", "noise"

_STATUS_KEYS = word_set(
    "status state alert_status alert_state current_state new_state monitor_status service_state "
    "host_state servicestate hoststate event_status "
    "incident_status current_status newstatevalue alarm_state transition alert_transition"
)
_FIRING_STATUS = re.compile(
    r"(?i)\W{0,40}(?:firing|alerting|alert|alarm|triggered?|re-?triggered|open(?:ed)?|active|problem|"
    r"critical|crit|warn(?:ing)?|major|minor|error|down|"
    r"failed|failing|unhealthy|offline|created|activated|unreachable|unknown|no data|"
    r"in[- ]progress|ongoing|exited|dead|new|started|unresolved)\b"
)
_RESOLVED_STATUS = re.compile(
    r"(?i)\W{0,40}(?:resolved|recovered|recovery|recover|ok|okay|closed|close|up|healthy|normal|"
    r"cleared?|green|online|fixed|inactive|back to normal|"
    r"succeeded|success|passed|ended|restored|deactivated|running)\b"
)
_NOISE_STATUS = re.compile(
    r"(?i)\W{0,40}(?:ack(?:nowledged?|ed)?|acknowledgement|snoozed|suppressed|muted|silenced|"
    r"maintenance|paused|pending|scheduled|downtime\w*|flapping\w*|"
    r"custom|insufficient[_ ]data|investigating|identified|monitoring|assigned|archived|ignored)\b"
)

# Words at the head of a message, strongest first: what a sender's template says, before any text of its own.
_GROUP = re.compile(r"\[?\bFIRING\b[:\s]*\d*")
_HEAD_RESOLVED = re.compile(
    r"(?i)^\W*(?:\w{1,20} )?(?:resolved|recovered|recovery|ok|closed|up|cleared?|healthy|normal|"
    r"back up|fixed|success|green)\b(?=\W|$)(?! to\b)"
    r"|\[(?:resolved|recovered|recovery|ok|closed|up|cleared?|normal|no longer \w{1,40}|fixed|"
    r"[^\w\]]{0,12}(?:up|ok))[^\]]{0,120}\]"
)
_HEAD_FIRING = re.compile(
    r"(?i)^\W*(?:\w{1,20} )?(?:firing|alerting|triggered|re-?triggered|alarm|critical|crit|"
    r"unhealthy|failure|failed)\b(?=\W|$)"
    r"|^\W*(?:alert|problem|error|warning|warn|down)\b(?=\W{0,3}[:!|\]–—-]|\W*$)"
    r"|^\W*(?-i:CRITICAL|CRIT|WARNING|WARN|ALERT|PROBLEM|ERROR)\s"
    r"|\[(?:firing|alerting|triggered|re-?triggered|problem|alarm|down|critical|warning|warn|error|"
    r"p[1-5]|no data|renotify|"
    r"[^\w\]]{0,12}down)[^\]]{0,120}\]"
)
_CHANGE = re.compile(
    r"\b(?:OK|UP|WARN\w{0,20}|CRIT\w{0,20}|DOWN|UNKNOWN|UNREACH\w{0,20}|ALARM) ?(?:->|→|=>) ?"
    r"(OK|UP|WARN\w{0,20}|CRIT\w{0,20}|DOWN|UNKNOWN|ALARM)\b"
)
_IS_OVER = re.compile(
    r"(?i)\b(?:issue|incident|alert|alarm|problem) (?:is|was|has been) (?:closed|resolved|recovered)\b"
)
_TAKEN = re.compile(
    r"(?i)\W*[\w.@-]{1,40}(?: [\w.@-]{1,40})? "
    r"(?:acknowledged|snoozed|assigned|took ownership of) (?:the )?(?:alert|incident)\b"
)
_PENDING = re.compile(r"\]\s{0,20}\[\W{0,20}(?:pending|maintenance|paused)\]", re.IGNORECASE)
_SAYS_RESOLVED = re.compile(
    r"(?i)\b(?:(?:has|have|was|were|been|is|are|now|got|status(?: changed)?(?: to)?|state(?: to)?|"
    r"alert|incident|alarm|monitor|event|problem) (?:been |now |automatically |back |again ){0,5}"
    r"(?:resolved|recovered|closed|cleared|fixed|restored|healthy|ok|up|back online|back to normal|"
    r"operational|online|normal|reachable|running again)"
    r"|recovered\b|(?:is )?back (?:up|online|to normal)|returned to normal|no longer (?:firing|"
    r"alerting|failing|triggered|down|unhealthy)"
    r"|(?:changed|went|going|moved|entered) (?:to |in(?:to)? |from \w{1,40} to )?(?:healthy|ok|up|"
    r"normal|resolved|operational)\b"
    r"|recovery notification|: (?:ok|up|recovered|resolved)\b|succeeded\b|"
    r"detect(?:ed)? no (?:stopped|unhealthy)|all (?:clear|good|containers (?:are )?healthy)"
    r"|(?:is|are) now running|\bis running with pid\b|\b(?:cpu|memory|disk|temperature|load|bandwidth|gpu|"
    r"swap)\b[^.\n]{0,40}\bbelow (?:the )?threshold"
    r"|(?:closed|resolved) by\b|up again|ended normally|is up\b|(?-i:\bU[Pp]\b))"
)
_TROUBLE = re.compile(
    r"(?i)\b(?:fail(?:ed|ing|ure|s)?|\w{0,60}errors?|down|critical|unhealthy|unreachable|unresponsive|"
    r"crash(?:ed|ing|loop\w*)?|panic|fatal|\w{0,60}exception|"
    r"killed|oom\w*|out of memory|exited|exit(?:ed)? (?:with )?code|stopped|died|dead|terminated|"
    r"exhausted|timed? ?out|timeouts?|high|exceed(?:ed|s)?|above|below|over \d|"
    r"not (?:running|responding|healthy|reachable|seen)|no (?:heartbeat|response|answer)|will expire|"
    r"missing|absent|degraded|outage|incident|"
    r"triggered|firing|alert|alarm|problem|"
    r"refused|denied|overload\w*|slow|full|restarting|restarted|restart loop|disappeared|expired|"
    r"saturat\w*|backlog|stuck|lag|5xx|50[0-9])\b"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_GREEN_MARK = re.compile(
    r":(?:white_check_mark|heavy_check_mark|large_green_circle|green_circle|large_green_square|"
    r"green_heart|tada|ok|ok_hand|thumbsup|white_large_square_green|check):|[✅✔🟢💚🎉🆗]"
)
_RED_MARK = re.compile(
    r":(?:red_circle|fire|rotating_light|x|warning|boom|bangbang|exclamation|"
    r"heavy_exclamation_mark|large_yellow_circle|large_orange_circle|siren|skull\w*|"
    r"no_entry\w*|octagonal_sign|interrobang|sos|bell|broken_heart|cross_mark|"
    r"small_red_triangle\w*|collision|ambulance):|[🔴🔥🚨❌⚠💥❗‼🟠🟡🆘💔🛑☠💀📛⛔]"
)

# A planned one, not how long the trouble took.
_DOWNTIME = r"\bdowntime(?!\W{0,3}(?:was |of |for |duration: )?\d)"
_NOISE_HEAD = re.compile(
    r"(?i)(?:\backnowledged?\b|\backed\b|\bACKNOWLEDGEMENT\b|" + _DOWNTIME + r"|\bFLAPPING|\bsnoozed\b|"
    r"\bassigned to\b|\breassigned\b|\bescalated to\b|\b(?:paused|resumed) by\b|\bmaintenance\b|\bmuted\b|\bsilenced?\b"
    r"|\btest (?:notification|message|alert|event|incident)\b|\bthis is (?:just )?a test\b|\[test\b|"
    r"^\W*test(?:ing)?\W*$|\bTesting\s*(?:\n|$)|\bTestAlert\b|\bif you see this message\b|"
    r"\bnotification test\b"
    r"|\bWatchdog\b|\bDeadMansSwitch\b|\bInfoInhibitor\b|\bheartbeat received\b"
    r"|\bdeploy(?:ed|ing|s|ment (?:of|to|succeeded|successful|started|finished|completed|failed|"
    r"in progress))\b|\bdeployment\b.{0,40}\b(?:success\w*|finished|complete\w*|started|failed)"
    r"|\broll(?:ed|ing) (?:out|back)\b|\breleas(?:ed|ing)\b|\brelease\b.{0,20}\bpublished\b|\bshipped\b"
    r"|\b(?:build|pipeline|workflow|job|ci|tests?)\b #?\S{0,40} ?(?:\S{1,60}+ ){0,3}(?:pass(?:ed|ing)|"
    r"succeeded|failed|success\w*|fixed|cancell?ed|was successful|started|completed|broken|"
    r"is back to normal)\b"
    r"|\bpipeline\b.{0,80}\b(?:failed|passed|succeeded|cancell?ed|fixed)\b|\b(?:issue|ticket|"
    r"discussion|task) (?:opened|closed|created|reopened)\b"
    r"|\bsuccessfully synced\b|\bsynced successfully\b|\(deploy\b|\bdeploy v?\d|"
    r"\brestarted by (?!docker|autoheal|systemd|monit|watchdog|kernel|policy|oom|the)"
    r"|\bbuild failed\b|\bpull request\b|\bmerged\b|\bpushed (?:\d+ )?(?:new )?commit|"
    r"\bnew commits?\b|\bcommitted\b|\bPR #\d+"
    r"|\bupdates? (?:is |are )?available\b|\bupdate available\b|\bwas updated automatically\b|"
    r"\bversion \S{1,60} (?:is )?available\b|\bnew (?:image|version|release|digest)\b|"
    r"\bupdated? \d+ containers?\b"
    r"|\bwatchtower\b|\bpending resource sync\b|\bscheduled run\b|\bbackup (?:success\w*|completed|"
    r"finished|succeeded)\b|\bcleanup (?:success\w*|completed)\b"
    r"|\b(?:daily|weekly|monthly) (?:\w{1,40} )?(?:report|summary|digest)\b|\breminder\b|\bstandup\b|"
    r"\bon-?call (?:now|shift|handoff|rotation)\b|\bis now on[- ]call\b|\bjoined the channel\b"
    r"|\bnote (?:was )?added\b|\bgot a (?:new )?note\b|\badded (?:a )?(?:note|comment)\b|\bcommented\b|"
    r"\bUpdated problem\b|"
    r"\bpriority (?:was )?changed\b|\bINSUFFICIENT[_ ]DATA\b)"
)
_ALWAYS_NOISE = re.compile(
    r"(?i)\backnowledged?\b|\backnowledgement\b|\bTestAlert\b|\bWatchdog\b|\bDeadMansSwitch\b|"
    r"\bInfoInhibitor\b|" + _DOWNTIME + r"|\bflapping|"
    r"\bUpdated problem\b|\bINSUFFICIENT[_ ]DATA\b|"
    r"^\W*(?:new version )?(?:successfully )?deploy(?!ment \S{1,80} is now )"
)
_STARTED = re.compile(
    r"(?i)(?:^\W*(?:successfully )?(?:started|created|starting|pulled|attached|connected|deployed)\b "
    r"(?:(?:\d+ )?containers? |network |service )?\S{1,200}"
    r"(?: (?:successfully|(?:on|by|in|to|from) \S{1,200}|v?\d[\w.-]*|\([^()\n]{0,60}\))){0,4}\W*$"
    r"|\b(?:container|network|volume)\b.{0,100}\b(?:started|created|pulled)\W{0,40}$"
    r"|\breceived the action: (?:start|create|attach|exec_\w+|pull|rename|resize|top|mount|unmount|"
    r"connect|health_status: starting)\b"
    r"|\bentered starting state|\bwas removed\b|"
    r"\bexit(?:ed)?(?: with)?(?: exit)?[ -]code:? [`*]{0,4}0[`*]{0,4}(?!\d)|\bexited \(0\))"
)
_EXITED_ZERO = re.compile(r"(?i)\bexit(?:ed)?(?: with)?(?: exit)?[ -]code:? [`*]{0,4}0[`*]{0,4}(?!\d)|\bexited \(0\)")
_EXIT_ZERO = re.compile(r"^\W*0\W*$")


def status_of(message: SlackMessage, found: Sequence[Member]) -> str:
    """Return ``firing``, ``resolved`` or ``noise``. A group in which one alert still fires is firing."""
    heads = heads_of(message)
    head = "\n".join(heads)
    # An emoji's name is no word that stands before the others.
    plain = without_markup(head)
    fields = _from_fields(found)
    first = next((line for part in message.at(SectionKind.BODY) for line in _first_lines(part.prose_free)), "")
    if (
        _ALWAYS_NOISE.search(head)
        or _ALWAYS_NOISE.search(plain)
        or _TAKEN.match(without_markup(first))
        or _PENDING.search(head)
        or fields == NOISE
        or BUSY_WITH_OTHER_THINGS.fullmatch(message.sender)
    ):
        return NOISE
    if heads and _GROUP.search(heads[0]) and not _HEAD_RESOLVED.match(without_markup(heads[0])):
        return FIRING
    if _NOISE_HEAD.search(head) and fields != FIRING:
        return NOISE
    colours = {shade for colour in message.colours if (shade := _shade(colour))}
    if any(member.resolved is False for member in found) and any(member.resolved for member in found):
        return FIRING
    if (
        _STARTED.search(plain)
        or (_STARTED.search(plain.partition("\n")[0]) and state_in(plain) != FIRING)
        or _EXITED_ZERO.search(first)
        or any(key == "exit_code" and _EXIT_ZERO.match(value) for member in found for key, value in member.pairs)
    ):
        return RESOLVED if fields == RESOLVED or _SAYS_RESOLVED.search(head) else NOISE
    listed = FIRING if any(member.get("listed") for member in found) else ""
    for verdict in (fields, _from_change(heads), _from_heads(heads), _from_colours(colours), _from_marks(head), listed):
        if verdict:
            return verdict
    whole = "\n".join(part.text for part in message.parts)
    state = state_in(head) or state_in(whole[:4000])
    if state:
        return state
    named = any(
        key in ("container", "container_name", "service", "monitor") for member in found for key, _ in member.pairs
    )
    return FIRING if named else NOISE


def is_over(member: Member) -> bool:
    """Return True if one alert of a group is resolved, by its section or by its own status."""
    return member.resolved is True or any(
        key in ("status", "state") and _word(value) == RESOLVED for key, value in member.pairs
    )


def heads_of(message: SlackMessage) -> list[str]:
    """Return the lines that a sender's template writes first: of the text, headers and titles, else of the body."""
    titles = (SectionKind.TEXT, SectionKind.PRETEXT, SectionKind.HEADER, SectionKind.TITLE)
    for places in (titles, (SectionKind.BODY, SectionKind.FALLBACK), (SectionKind.FIELD,)):
        lines = [line[:400] for part in message.at(*places) for line in _first_lines(part.prose_free)]
        if lines:
            return lines[:12]
    return []


def _first_lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines()[:20] if line.strip() and not BRAND.fullmatch(without_markup(line))]
    own = [line for line in lines if not line.lstrip().startswith(">")]
    return (own or lines)[:2]


def _from_fields(found: Sequence[Member]) -> str:
    verdicts = set()
    for member in found:
        for key, value in member.pairs:
            if key in _STATUS_KEYS and len(value) <= 60:
                verdict = _word(value)
                if verdict and not (key == "level" and verdict == RESOLVED and value.lower() != "ok"):
                    verdicts.add(verdict)
    return next((verdict for verdict in (FIRING, RESOLVED, NOISE) if verdict in verdicts), "")


def _from_change(heads: Sequence[str]) -> str:
    """Return what a change of state leads to, where a heading tells one: ``CRIT -> OK``."""
    changes = [found for head in heads for found in _CHANGE.findall(head)]
    return _word(changes[0]) if changes else ""


def _word(value: str) -> str:
    last = re.split(r"->|→|=>|\bto\b", value)[-1]
    for pattern, verdict in ((_NOISE_STATUS, NOISE), (_RESOLVED_STATUS, RESOLVED), (_FIRING_STATUS, FIRING)):
        if pattern.match(last):
            return verdict
    return ""


def _from_heads(heads: Sequence[str]) -> str:
    verdicts = []
    for head in heads[:4]:
        plain = without_markup(head)
        if _HEAD_RESOLVED.search(plain) or _IS_OVER.search(plain):
            verdicts.append(RESOLVED)
        elif _HEAD_FIRING.search(plain):
            verdicts.append(FIRING)
    return verdicts[0] if verdicts else ""


def _from_colours(shades: set[str]) -> str:
    if "red" in shades:
        return FIRING
    return RESOLVED if "green" in shades else ""


def _shade(colour: str) -> str:
    """Return ``red`` (also orange and yellow), ``green``, or ``""`` for a colour that says nothing."""
    named = {"good": "green", "danger": "red", "warning": "red"}.get(colour.strip().lower())
    if named:
        return named
    code = colour.strip().lstrip("#")
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", code):
        return ""
    red, green, blue = (int(code[at : at + 2], 16) for at in (0, 2, 4))
    if green > red * 1.25 and green > blue * 1.05:
        return "green"
    return "red" if red > 120 and red > blue * 1.3 and red >= green else ""


def _from_marks(head: str) -> str:
    red, green = _RED_MARK.search(head), _GREEN_MARK.search(head)
    if red and green:
        return FIRING if red.start() < green.start() else RESOLVED
    return FIRING if red else RESOLVED if green else ""


def state_in(text: str) -> str:
    """Return what the words of ``text`` say by themselves: ``firing``, ``resolved`` or ``""``."""
    # A rule's name says it in one word: ContainerDown.
    plain = _CAMEL.sub(" ", without_markup(text))
    if _SAYS_RESOLVED.search(plain):
        return RESOLVED
    return FIRING if _TROUBLE.search(plain) else ""
