"""Judges the probes after a restart one by one.

A target is recovered, not recovered, or not yet known.

Recovered means several good probes in a row, the same start time all along, no restart loop, and healthy where the
image has a health check. Without a verify URL the health check and a steady run are all there is, and the summary
says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.evidence import Facts
from bot.domain.times import run_duration_s


@dataclass(frozen=True, slots=True)
class Probe:
    """One answer of the verify URL: good or not, what it said in our words (``connection refused``), seconds."""

    good: bool
    answer: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Verification:
    """What was seen since the restart; ``recovered`` is ``None`` until it is decided, ``seconds`` count from there.

    ``probes`` are what each look said, oldest first. ``reason`` says why it did not recover, ``summary`` what was seen
    in a few words (``200 ×3, healthy``).
    """

    recovered: bool | None = None
    seconds: float = 0.0
    good_in_row: int = 0
    probes: tuple[str, ...] = ()
    started_at: str = ""
    url_known: bool = False
    reason: str = ""
    summary: str = ""


def observe(
    so_far: Verification,
    facts: Facts | None,
    probe: Probe | None,
    *,
    seconds: float,
    successes: int,
    timeout: float,
    steady: float = 0.0,
) -> Verification:
    """Weigh one more look at the container and one more probe.

    ``facts`` is ``None`` where the engine did not answer; ``probe`` is ``None`` where there is no verify URL.
    ``seconds`` since the restart, ``successes`` good looks in a row needed, ``timeout`` in seconds after which it has
    not recovered, ``steady`` seconds that it must run where neither a URL nor a health check tells.
    """
    answer = probe.answer if probe else (facts.health or facts.status) if facts else "no answer from the engine"
    seen = replace(
        so_far,
        seconds=seconds,
        url_known=probe is not None,
        probes=(*so_far.probes, answer)[-200:],
        started_at=so_far.started_at or (facts.started_at if facts else ""),
    )
    fallen = _fallen(seen, facts)
    if fallen:
        return replace(seen, recovered=False, reason=fallen, good_in_row=0, summary=_counted(seen.probes))
    good = facts is not None and facts.running and facts.health in (None, "healthy") and (probe is None or probe.good)
    seen = replace(seen, good_in_row=seen.good_in_row + 1 if good else 0)
    answers = probe is not None or (facts is not None and facts.health is not None)
    if seen.good_in_row >= successes and (answers or seconds >= steady):
        return replace(seen, recovered=True, summary=_good(seen, facts))
    if seconds >= timeout:
        return replace(seen, recovered=False, reason=_late(facts, probe, seconds), summary=_counted(seen.probes))
    return seen


def _fallen(seen: Verification, facts: Facts | None) -> str:
    """Return why waiting longer is useless, or ``""``."""
    if facts is None:
        return ""
    if facts.restarting or facts.restart_count > 0:
        times = f"{facts.restart_count} times" if facts.restart_count > 1 else "again"
        within = f"within {seen.seconds:.0f} s"
        code = facts.exit_code
        return f"it is crash-looping: the engine started it {times} {within}, and it exited with code {code}"
    if facts.started_at != seen.started_at:
        return "it was started again while its recovery was checked"
    if not facts.running:
        oom = " (out of memory, says the engine)" if facts.oom_killed else ""
        ran = run_duration_s(facts)
        after = f" after {ran:.1f} s" if ran is not None else ""
        return f"it exited with code {facts.exit_code}{after}{oom}"
    return ""


def _late(facts: Facts | None, probe: Probe | None, seconds: float) -> str:
    within = f"within {seconds:.0f} s"
    if facts is None:
        return f"the engine did not answer {within}"
    if probe is not None and not probe.good:
        return f"the health URL did not return success {within} (last: {probe.answer})"
    if facts.health not in (None, "healthy"):
        return f"its health check still says {facts.health} after {seconds:.0f} s"
    return f"too few successful checks in a row {within}"


def _good(seen: Verification, facts: Facts | None) -> str:
    words = [f"{seen.probes[-1]} ×{seen.good_in_row}"] if seen.url_known else []
    if facts is not None and facts.health:
        words.append(facts.health)
    if not seen.url_known:
        words.append("keeps running; there is no health URL to confirm it")
    return ", ".join(words)


def _counted(probes: tuple[str, ...]) -> str:
    """Fold runs of the same answer: ``connection refused ×4, 503 ×2``."""
    runs: list[tuple[str, int]] = []
    for answer in probes:
        if runs and runs[-1][0] == answer:
            runs[-1] = (answer, runs[-1][1] + 1)
        else:
            runs.append((answer, 1))
    return ", ".join(f"{answer} ×{times}" for answer, times in runs[-4:])
