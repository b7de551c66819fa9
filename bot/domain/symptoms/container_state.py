"""Derives symptoms from the engine's facts.

The facts are exit codes, memory, restarts, health, and neighbours that are down.
"""

from __future__ import annotations

import re

from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Evidence, Facts, Neighbour, Usage
from bot.domain.symptoms import engine_events
from bot.domain.symptoms.symptom import Symptom
from bot.domain.times import run_duration_s

# A run that ends within so many seconds failed to start; a docker restart policy starts it again at once.
QUICK_RESTART_S = 60.0
_MANY = 2
_FULL = 0.95
_STANDS = {
    "exited": "has stopped",
    "stopped": "has stopped",
    "down": "is down",
    "dead": "is dead",
    "restarting": "starts and fails again and again",
    "paused": "is paused",
    "created": "was never started",
    "removing": "is being removed",
}
_KILLED = 137
_MEANS = {
    0: " (no error)",
    134: " (it aborted itself)",
    137: " (killed)",
    139: " (memory fault)",
    143: " (asked to stop)",
}

BLAMES = frozenset({FailureClass.DEPENDENCY_DOWN, FailureClass.DNS, FailureClass.TIMEOUT, FailureClass.NETWORK})
"""Classes of trouble that may be a neighbour's doing."""

_UNRUNNABLE = re.compile(
    r"(?i)OCI runtime exec failed|executable file not found"
    r"|^(?:/bin/)?(?:sh|bash|ash): .{0,60}(?:not found|permission denied)"
)

# What the engine itself says when it cannot start a container (State.Error).
_REFUSALS = tuple(
    (re.compile(pattern, re.IGNORECASE), Symptom(trouble, headline, cause, 0.97, False, remedy, proven=True))
    for pattern, trouble, headline, cause, remedy in (
        (r"port is already allocated|address already in use|failed to bind|ports are not available",
         FailureClass.PORT_CONFLICT, "port already in use",
         "The engine cannot give the container its port: something else holds it.",
         "Find and stop what holds the port, or publish another one."),
        (r"no space left|disk quota", FailureClass.DISK_FULL, "disk full",
         "The engine's disk is full, so the container cannot start.", "Free or extend the engine's disk."),
        (r"exec format error", FailureClass.BAD_RELEASE, "image for another machine",
         "The image's program is made for another kind of processor.", "Use an image that is built for this machine."),
        (r"executable file not found|exec:? .{0,120}no such file|stat .{0,80}no such file", FailureClass.BAD_RELEASE,
         "program not found", "The program that the image starts is missing.",
         "Correct the command or the image, or roll back."),
        (r"mount|invalid volume|not a directory|is a directory|bind source path|no such file",
         FailureClass.CONFIG_ERROR,
         "a mount is wrong", "The engine cannot mount what the container asks for.",
         "Correct the volume or the path on the host."),
        (r"permission denied|operation not permitted", FailureClass.PERMISSION, "start not permitted",
         "The engine may not start the program: permission denied.",
         "Correct the file's mode or the container's rights."),
        (r"network .{0,80}(?:not found|does not exist)|endpoint with name|could not attach to network",
         FailureClass.CONFIG_ERROR,
         "network is missing", "The network that the container joins does not exist any more.",
         "Create the network or the container anew, e.g. with compose up."),
        (r"cannot allocate memory|out of memory", FailureClass.OOM, "no memory to start",
         "The host has no memory left to start the container.", "Free memory on the host."),
        (r".", FailureClass.CONFIG_ERROR, "engine cannot start it",
         "The engine cannot start the container as it is configured.",
         "Read the engine's message and correct the container's options."),
    )
)  # fmt: skip

# What an exit code proves by itself. 137 is SIGKILL from whomever: no proof that memory ran out.
_CODES = {
    126: Symptom(FailureClass.PERMISSION, "program may not be executed",
                 "The start command is there but cannot be executed (exit code 126).", 0.85, False,
                 "Make it executable, or correct the image.", proven=True),
    127: Symptom(FailureClass.BAD_RELEASE, "start command not found",
                 "The start command is not in the image (exit code 127).", 0.88, False,
                 "Correct the command or the image, or roll back.", proven=True),
    134: Symptom(FailureClass.CRASHLOOP, "the program aborted itself", "The program aborted itself (exit code 134).",
                 0.6, None, "Read the last lines of its log.", proven=True),
    _KILLED: Symptom(FailureClass.UNKNOWN, "killed with SIGKILL",
                     "The process was killed (exit code 137). The engine does not say that memory ran out.", 0.35,
                     None, "Look for who stopped it, and at the host's kernel log.", proven=True),
    139: Symptom(FailureClass.CRASHLOOP, "segmentation fault",
                 "The program crashed on a memory fault (exit code 139).", 0.75, None,
                 "Hand the crash to its authors; roll back if it began with a release.", proven=True),
    143: Symptom(FailureClass.NONE, "stopped on request", "The process was asked to stop and did (exit code 143).",
                 0.55, True, "Ask who stopped it, and why, before you start it.", proven=True),
    130: Symptom(FailureClass.NONE, "stopped on request", "The process was interrupted and ended (exit code 130).",
                 0.55, True, "Ask who stopped it, and why, before you start it.", proven=True),
    0: Symptom(FailureClass.NONE, "ended by itself", "The program ended without an error (exit code 0).",
               0.45, None, "Check whether it is meant to run on.", proven=True),
}  # fmt: skip


def state_symptoms(evidence: Evidence) -> list[Symptom]:
    """Return what the facts prove; an empty list where there are none."""
    found: list[Symptom] = []
    facts = evidence.facts
    if facts is not None:
        found += _state(facts) + _ended(facts, evidence.usage) + _health(facts)
        loop = futile_restart_symptom(facts)
        found += [loop] if loop else []
    if evidence.usage is not None:
        found += _limits(evidence.usage)
    known = any(symptom.trouble is FailureClass.OOM for symptom in found)
    if not known and engine_events.out_of_memory(evidence):
        found.append(_oom("The engine reported within the hour that a process ran out of memory.", 0.9))
    return found + engine_events.stopped_symptoms(evidence)


def futile_restart_symptom(facts: Facts) -> Symptom | None:
    """Return True if starts fail one after another within seconds, so that one more start ends alike."""
    seconds = run_duration_s(facts)
    quick = seconds is not None and seconds < QUICK_RESTART_S
    failing = facts.exit_code != 0 and not facts.running and facts.restart_count >= _MANY and quick
    if not facts.restarting and not failing:
        return None
    times = f"{facts.restart_count} times" if facts.restart_count > 1 else "again"
    after = ""
    if seconds is not None and quick:
        after = f", the last time after {f'{seconds:.0f} s' if seconds >= 1 else 'less than a second'}"
    code = f"exit code {facts.exit_code}{_MEANS.get(facts.exit_code, '')}"
    succeeded = facts.exit_code == 0
    return Symptom(
        FailureClass.CRASHLOOP,
        "ends and is started again and again" if succeeded else "starts and fails again and again",
        f"The engine started it {times}, and it ended with {code}{after}.",
        0.8,
        False,
        "Find out why it ends; if it is meant to, let its restart policy be on-failure."
        if succeeded
        else "Find out why its start fails.",
        proven=True,
        restart_futile=True,
    )


def neighbours_down(neighbours: tuple[Neighbour, ...]) -> tuple[Neighbour, ...]:
    """Return the neighbours that do not run or are unhealthy, those that the target's log names first."""
    bad = [one for one in neighbours if _word(one.status) in _STANDS or one.health == "unhealthy"]
    return tuple(sorted(bad, key=lambda one: not one.named_in_log))


def neighbour_at_fault(evidence: Evidence, trouble: FailureClass) -> Neighbour | None:
    """Return the neighbour that a trouble of this class is to be looked for at: it is down, and the log names it.

    Where the log names none of those that are down, the only one is meant, if there is only one.
    """
    if trouble not in BLAMES:
        return None
    bad = neighbours_down(evidence.neighbours)
    return bad[0] if bad and (bad[0].named_in_log or len(bad) == 1) else None


def describe_neighbour(neighbour: Neighbour) -> str:
    """Return the state of a neighbour in a few words: ``has stopped``, ``is unhealthy``."""
    return _STANDS.get(_word(neighbour.status), "is unhealthy")


def _word(status: str) -> str:
    return status.lower().partition(" ")[0]


def _oom(cause: str, confidence: float) -> Symptom:
    return Symptom(
        FailureClass.OOM,
        "out of memory",
        cause,
        confidence,
        True,
        "Raise the memory limit, or find what grows.",
        proven=True,
    )


def _state(facts: Facts) -> list[Symptom]:
    if facts.paused:
        cause = "Somebody paused the container: it is there, but does nothing."
        remedy = "Unpause it; nothing is broken."
        return [Symptom(FailureClass.NONE, "container is paused", cause, 0.95, False, remedy, proven=True)]
    if facts.status == "dead":
        cause = "The engine could not remove the container completely."
        remedy = "Remove it by hand and create it anew."
        return [Symptom(FailureClass.UNKNOWN, "container is dead", cause, 0.8, False, remedy, proven=True)]
    if facts.running:
        return []
    if facts.error:
        return [
            next(symptom for pattern, symptom in _REFUSALS if pattern.search(facts.error) or pattern.pattern == ".")
        ]
    if facts.status == "created":
        cause = "The container was created and never started."
        return [
            Symptom(FailureClass.NONE, "never started", cause, 0.8, True, "If nobody needs it, remove it.", proven=True)
        ]
    return []


def _ended(facts: Facts, usage: Usage | None) -> list[Symptom]:
    if facts.oom_killed:
        return [_oom("The kernel killed the container's process because it reached its memory limit.", 0.96)]
    if (facts.running and not facts.restarting) or facts.error or facts.status == "created":
        return []
    symptom = _CODES.get(facts.exit_code)
    if symptom is None or (facts.restarting and symptom.trouble is FailureClass.NONE):
        return []
    found = [symptom]
    if facts.exit_code == _KILLED and usage is not None and _share(usage.memory, usage.memory_limit) >= _FULL:
        cause = "The process was killed (exit code 137) while its memory was nearly used up."
        found.append(
            Symptom(FailureClass.OOM, "out of memory", cause, 0.6, True, "Raise the limit, or find what grows.")
        )
    return found


def _health(facts: Facts) -> list[Symptom]:
    if facts.health != "unhealthy" or not facts.running:
        return []
    if any(probe.exit_code != 0 and _UNRUNNABLE.search(probe.output) for probe in facts.probes[-1:]):
        cause = "The health check itself cannot run: what it starts is not in the image or may not be executed."
        remedy = "Correct the health check; the program may be well."
        return [Symptom(FailureClass.CONFIG_ERROR, "health check cannot run", cause, 0.9, False, remedy, proven=True)]
    if any(
        probe.exit_code != 0 and re.search(r"(?i)timed? ?out|exceeded timeout", probe.output) for probe in facts.probes
    ):
        cause = "The program runs, but its health check gets no answer in time."
        remedy = "Look for what keeps it busy."
        return [Symptom(FailureClass.TIMEOUT, "health check gets no answer", cause, 0.5, True, remedy)]
    cause = "The program runs, but its health check fails."
    return [
        Symptom(FailureClass.UNKNOWN, "health check fails", cause, 0.3, None, "Look at what the health check says.")
    ]


def _limits(usage: Usage) -> list[Symptom]:
    found = []
    memory = _share(usage.memory, usage.memory_limit)
    if memory >= _FULL:
        cause = f"Memory in use is {100 * memory:.0f} % of the limit."
        remedy = "Raise the memory limit, or find what grows."
        found.append(Symptom(FailureClass.OOM, "memory nearly used up", cause, 0.6, True, remedy, proven=True))
    if _share(usage.pids, usage.pids_limit) >= _FULL:
        cause = f"{usage.pids} of {usage.pids_limit} processes and threads are in use."
        remedy = "Find what starts so many, or raise the limit."
        trouble = FailureClass.RESOURCE_EXHAUSTION
        found.append(Symptom(trouble, "process limit reached", cause, 0.88, True, remedy, proven=True))
    return found


def _share(used: int | None, limit: int | None) -> float:
    return used / limit if used and limit else 0.0
