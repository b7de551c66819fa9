"""A limit that is met: memory, disk, descriptors, connections, requests."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain.concepts.names import first_path, first_setting
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass

_MET = re.compile(
    r"(?i)\b(?:exceed\w*|exhaust\w*|used up|ran out|run(?:ning)? out|out of|too (?:many|few|little|large|big|small"
    r"|low|much)|insufficient|not enough|no (?:more|free|remaining|available)|reached|limit\w*|full|depleted"
    r"|at capacity"
    r"|over (?:the )?(?:limit|quota|capacity)|overflow\w*|max(?:imum)?|at least \d|needed: ?\d|required: ?\d"
    r"|less than|below|starv\w+|saturat\w+|unable to (?:allocate|create|acquire)|cannot (?:allocate|create"
    r"|acquire)|failed to (?:allocate|reserve))\b"
)
_RATE = re.compile(
    r"(?i)\b(?:rate.?limit\w*|too many (?:requests|attempts|api calls|login|certificates)|throttl\w+|(?:api "
    r"|request |daily |monthly |hourly )?quota (?:\w+ ){0,3}(?:exceeded|reached|exhausted)|exceeded (?:your"
    r"|the) (?:\w+ ){0,2}quota"
    r"|requests per (?:second|minute|hour|day)|retry.?after|slow down|resource_exhausted)\b|\b(?:status|code|http"
    r"|error|returned|got|response)[ :=(]{1,3}429\b|\b429 too many"
)
_HARD = (
    r"\b(?:exceeded|exhausted|used up|ran out|out of|too (?:many|few|little|large|big)|insufficient|not enough"
    r"|no (?:more|free|remaining|available)|reached|depleted|full|needed|required|overflow|unable to|cannot"
    r"|failed to|limit)\b"
)


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource that can be used up: the words for it, and what that means."""

    name: str
    words: str
    trouble: FailureClass
    restart_helps: bool | None
    headline: str
    cause: str
    remedy: str


_RESOURCES = (
    _Resource(
        "shared-memory", r"shared memory|/dev/shm|shm(?:_size)?",
        FailureClass.RESOURCE_EXHAUSTION, None, "shared memory used up",
        "The container's shared memory is too small.", "Raise shm_size.",
    ),
    _Resource(
        "threads", r"native thread|pthread_create|new thread",
        FailureClass.RESOURCE_EXHAUSTION, True, "no threads left",
        "No more threads can be made.", "Find what starts so many threads, or raise the limit.",
    ),
    _Resource(
        "workers", r"max_children|maxrequestworkers|worker_connections",
        FailureClass.RESOURCE_EXHAUSTION, True, "all workers are busy",
        "All workers are busy.", "Find what keeps the workers busy, or raise their number.",
    ),
    _Resource(
        "memory", r"memory|heap|\bram\b|\boom\b|old generation|arena|malloc|buffer memory",
        FailureClass.OOM, True, "out of memory",
        "The program has used up its memory.", "Raise the memory limit, or find what grows.",
    ),
    _Resource(
        "disk", r"dis[kc]\b ?(?:space|usage|quota|watermark)?|free space|space (?:left|on)"
        r"|(?:enough|little|low|free) (?:space|room)|\broom left|inodes?|storage (?:space|quota|capacity)"
        r"|volume (?:space|is full)|file ?system (?:is )?full|tablespace",
        FailureClass.DISK_FULL, False, "too little disk space",
        "There is too little free space on the disk.", "Free space or extend the disk; a restart frees nothing.",
    ),
    _Resource(
        "file-descriptors", r"(?:open )?files?\b(?! (?:size|too large))|descriptors?|\bfds?\b|nofile|handles?",
        FailureClass.RESOURCE_EXHAUSTION, True, "too many open files",
        "The process has no file descriptors left.",
        "Raise the limit of open files, or find what does not close its files and sockets.",
    ),
    _Resource(
        "file-watchers", r"watch(?:es|ers)|inotify",
        FailureClass.RESOURCE_EXHAUSTION, False, "no file watchers left",
        "The host's limit of file watchers is reached.", "Raise fs.inotify.max_user_watches on the host.",
    ),
    _Resource(
        "memory-maps", r"max_map_count|memory areas|memory maps?|mmap",
        FailureClass.CONFIG_ERROR, False, "a limit of the host is too low",
        "The host's limit of memory maps is too low.", "Raise vm.max_map_count on the host.",
    ),
    _Resource(
        "processes", r"threads?|process(?:es)?\b|\bpids?\b|workers?\b|goroutines?|\bfork\b",
        FailureClass.RESOURCE_EXHAUSTION, True, "no threads left",
        "No more threads or processes can be made, or all workers are busy.",
        "Find what keeps the workers busy, or raise the limit.",
    ),
    _Resource(
        "connections", r"connections?\b|\bconns?\b|pool\b|clients\b|sessions?\b|sockets?\b|slots?\b|leases?\b",
        FailureClass.RESOURCE_EXHAUSTION, None, "no connection left",
        "No connection is left.", "Find what holds the connections, or raise the limit.",
    ),
    _Resource(
        "ports", r"(?:local|ephemeral) ports?|port range",
        FailureClass.RESOURCE_EXHAUSTION, True, "no local ports left",
        "No local ports are left.", "Reuse connections; find what opens so many.",
    ),
    _Resource(
        "queue", r"queue|buffer|backlog|channel|mailbox|ring",
        FailureClass.RESOURCE_EXHAUSTION, None, "queue is full",
        "Work comes in faster than it is done.", "Find the slow consumer, or add capacity.",
    ),
)  # fmt: skip
_PATTERNS = tuple(
    (resource, re.compile(rf"(?i){_HARD}.{{0,60}}\b(?:{resource.words})|\b(?:{resource.words}).{{0,60}}{_HARD}"))
    for resource in _RESOURCES
)
_HUGE = re.compile(r"(?<![\d.])(\d{10,20})(?![\d.])")
_FROM_LIMIT = re.compile(r"(?i)\b(?:limit|nofile|ulimit|max\w*|descriptors?|slots|open.files)\b")
_OF_REQUEST = re.compile(
    r"(?i)\b(?:body|request|upload|payload|packet|header|message|file|document|field|column|line) (?:size |entity "
    r"|is )?too (?:large|big|long)\b"
)
_ALL_BUSY = re.compile(
    r"(?i)\ball (?:\d+ )?(?:workers|threads|slots|processes|children|connections)(?: \(\d+\))? (?:are |in "
    r"|currently ){0,3}(?:busy|use|used|taken|occupied|blocked)|\bno (?:idle|free|available) (?:workers?"
    r"|threads?|slots?)"
)
_AMOUNT = re.compile(r"(?<![\d.,])\d[\d.,]{0,20} ?(?:[KMGT]i?B|bytes|%|GB|MB)\b")
_KILLED = re.compile(
    r"(?i)oom[-_ ]?kill|killed process \d|out of memory: kill|memory cgroup out of memory|(?:^|\s)killed\s*$"
    r"|signal: killed|exit(?:ed)? (?:with )?(?:code |status )?137\b|sigkill"
)


def read_limit(text: str) -> Reading | None:
    """Return which limit a statement says is met, or ``None``."""
    if _RATE.search(text) and not re.search(r"(?i)\bdis[ck] quota|\btoo many requests/\d", text):
        return _reading(
            "rate",
            FailureClass.RATE_LIMIT,
            "too many requests",
            "There are more requests than the other side allows, so it refuses some.",
            "Ask less often, with back-off, or raise the quota.",
            False,
            0.84,
        )
    if _KILLED.search(text):
        proven = re.search(r"(?i)oom|(?<!perhaps )(?<!possibly )out of memory", text)
        return _reading(
            "killed",
            FailureClass.OOM,
            "killed for its memory" if proven else "a process was killed",
            "The kernel killed a process because memory ran out."
            if proven
            else "A process was killed with SIGKILL; that is how it ends when memory runs out.",
            "Raise the memory limit, or find what grows.",
            True,
            0.88 if proven else 0.6,
        )
    if not (_MET.search(text) or _ALL_BUSY.search(text)) or _OF_REQUEST.search(text):
        return None
    for resource, pattern in _PATTERNS:
        if not (pattern.search(text) or (resource.name == "workers" and _ALL_BUSY.search(text))):
            continue
        huge = _HUGE.search(text)
        if resource.trouble is FailureClass.OOM and huge and _FROM_LIMIT.search(text):
            return _reading(
                "unbounded-limit",
                FailureClass.CONFIG_ERROR,
                "a limit is not set",
                f"The program asks for {huge[1]} because a limit of the container is not set.",
                "Set the limit, for example ulimits.nofile, for the container.",
                False,
                0.82,
                huge[1],
            )
        return _of_resource(resource, text)
    return None


def _of_resource(resource: _Resource, text: str) -> Reading:
    path, setting, amount = first_path(text), first_setting(text), _AMOUNT.search(text)
    name, cause = path or setting, resource.cause
    if path and resource.trouble is FailureClass.DISK_FULL:
        cause = f"There is too little free space in {path}."
    elif name and resource.trouble is FailureClass.RESOURCE_EXHAUSTION:
        cause = f"{cause[:-1]} ({name})."
    if amount and "(" not in cause:
        cause = f"{cause[:-1]}: {amount[0]}."
    return _reading(
        f"limit-{resource.name}",
        resource.trouble,
        resource.headline,
        cause,
        resource.remedy,
        resource.restart_helps,
        0.74,
        name,
    )


def _reading(
    concept: str,
    trouble: FailureClass,
    headline: str,
    cause: str,
    remedy: str,
    helps: bool | None,
    weight: float,
    *names: str,
) -> Reading:
    return Reading(
        concept=concept,
        trouble=trouble,
        headline=headline,
        cause=cause,
        remedy=remedy,
        restart_helps=helps,
        weight=weight,
        names=tuple(filter(None, names)),
    )
