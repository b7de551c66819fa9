"""Past incidents and new troubles whose right answers are known, for tests and measurement; drawn by a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.runbook_entry import Entry

CAUSES = Path(__file__).parents[1] / "corpus" / "retrieval" / "causes.txt"
_HOLE = re.compile(r"\{(n|id|ip)\}")


def _words(text: str) -> list[str]:
    return text.split()


_NOUNS = _words(
    "basket order invoice parcel label stock locale price margin banner review wishlist courier coupon refund ledger "
    "segment cohort tariff voucher catalogue variant shelf bundle quote route depot slot badge survey"
)
_DONE = _words(
    "loaded merged stored fetched compressed visited rotated indexed staged counted mapped sorted signed split"
)
_SERVICES = _words("shop media pricing orders search billing profile export geo mailer stock chat")
_CHORES = (
    "a crawler ignored robots.txt",
    "a customer imported their whole catalogue twice",
    "the nightly report ran at noon",
    "a partner restored an old feed",
    "the load test hit production",
    "an intern restarted the wrong stack",
    "marketing sent a campaign without warning",
    "a cable was unplugged in the office",
)


@dataclass(frozen=True, slots=True)
class Cause:
    """What broke, and what each of three programs logs of it; one that is not ``held`` is in no runbook."""

    name: str
    root_cause: str
    mended: str
    programs: tuple[tuple[str, ...], ...]
    held: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A new trouble: same, noisy, cross, none or withheld; its log, and the id of the right entry or ``""``."""

    kind: str
    target: str
    log: tuple[str, ...]
    right: str


def causes() -> list[Cause]:
    """Return all causes of the file."""
    found: list[Cause] = []
    for line in CAUSES.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            name, root_cause, mended = line[2:].split(" | ")
            found.append(Cause(name.removeprefix("- "), root_cause, mended, (), not name.startswith("- ")))
        elif not line.startswith("# A cause:"):
            last = found[-1]
            found[-1] = Cause(
                last.name, last.root_cause, last.mended, (*last.programs, tuple(line.split(" // "))), last.held
            )
    return found


def runbook(size: int, seed: int = 0, without: str = "") -> list[Entry]:
    """Return ``size`` entries: each held cause as its first program logs it, the rest everyday incidents."""
    rng = random.Random(f"runbook {seed}")
    held = [cause for cause in causes() if cause.held and cause.name != without]
    entries = [
        Entry(
            cause.root_cause, "restart", cause.mended, cause.name, _day(rng),
            f"{rng.choice(_SERVICES)}-{rng.randrange(9)}",
            evidence=tuple(_log(cause, 0, rng, noise=4)), outcome="resolved",
        )
        for cause in held
    ]  # fmt: skip
    entries += [_everyday(rng, number) for number in range(size - len(entries))]
    rng.shuffle(entries)
    return entries


def queries(seed: int = 0) -> Iterator[Query]:
    """Yield the new troubles of every kind."""
    rng = random.Random(f"queries {seed}")
    for cause in causes():
        target = f"{rng.choice(_SERVICES)}-{rng.randrange(10, 99)}"
        if not cause.held:
            for program in range(3):
                yield Query("none", target, tuple(_log(cause, program, rng, noise=8)), "")
            continue
        yield Query("same", target, tuple(_log(cause, 0, rng, noise=5)), cause.name)
        yield Query("noisy", target, tuple(_log(cause, 0, rng, noise=150)), cause.name)
        for program in (1, 2):
            yield Query("cross", target, tuple(_log(cause, program, rng, noise=8)), cause.name)
        yield Query("withheld", target, tuple(_log(cause, 0, rng, noise=8)), cause.name)


def _log(cause: Cause, program: int, rng: random.Random, noise: int) -> list[str]:
    """Return a log in the style of a program: everyday lines, and those of the cause somewhere among them."""
    style = _STYLES[(program + len(cause.name)) % len(_STYLES)] if cause.held else rng.choice(_STYLES)
    lines = [style(*_everyday_line(rng), rng) for _ in range(noise)]
    at = rng.randrange(len(lines) // 2, len(lines) + 1)
    told = [style("ERROR", _HOLE.sub(lambda hole: _drawn(hole[1], rng), line), rng) for line in cause.programs[program]]
    return [*lines[:at], *told, *lines[at:]]


def _everyday(rng: random.Random, number: int) -> Entry:
    style = rng.choice(_STYLES)
    lines = tuple(style(*_everyday_line(rng), rng) for _ in range(7))
    noun, other = rng.sample(_NOUNS, 2)
    return Entry(
        f"{rng.choice(_CHORES)}, {noun} {other}", rng.choice(("restart", "ignore")), f"talked to the {noun} people",
        f"everyday-{number}", _day(rng), f"{rng.choice(_SERVICES)}-{rng.randrange(9)}",
        evidence=lines, outcome=rng.choice(("resolved", "not_resolved", "ignored", "")),
    )  # fmt: skip


def _everyday_line(rng: random.Random) -> tuple[str, str]:
    one, two = rng.sample(_NOUNS, 2)
    return rng.choice((
        ("INFO", f"{rng.choice(_DONE)} {rng.randrange(99999)} {one} from {two} ({one}={rng.randrange(999)})"),
        ("INFO", f"GET /api/{one}/{rng.randrange(99999)} 200 {rng.randrange(900)}ms"),
        ("DEBUG", f"cache hit key={one}:{rng.randrange(99999)}:{two}"),
        ("WARN", f"slow {one} lookup took {rng.randrange(900, 9000)} ms"),
        ("WARN", f"{one} fallback used for {_drawn('id', rng)}"),
        ("ERROR", f"GET /api/{one} 500"),
        ("ERROR", f"could not persist {one} {rng.randrange(99999)}"),
        ("ERROR", f"request {_drawn('id', rng)} failed after {rng.randrange(9)} attempts"),
    ))  # fmt: skip


def _python(level: str, text: str, rng: random.Random) -> str:
    return f"2026-11-22 10:{_two(rng)}:{_two(rng)},{rng.randrange(999):03} {level} [shop.{rng.choice(_NOUNS)}] {text}"


def _java(level: str, text: str, rng: random.Random) -> str:
    at = f"2026-11-22 10:{_two(rng)}:{_two(rng)}.{rng.randrange(999):03}"
    thread, logger = f"nio-8080-exec-{rng.randrange(9)}", f"c.a.shop.{rng.choice(_NOUNS).title()}Service"
    return f"{at} {level:>5} 1 --- [{thread}] {logger} : {text}"


def _logfmt(level: str, text: str, rng: random.Random) -> str:
    said = text.replace('"', '\\"')
    return (
        f'time=2026-11-22T10:{_two(rng)}:{_two(rng)}Z level={level.lower()} component={rng.choice(_NOUNS)} msg="{said}"'
    )


_STYLES = (_python, _java, _logfmt)


def _drawn(hole: str, rng: random.Random) -> str:
    if hole == "n":
        return str(rng.randrange(10, 99))
    if hole == "ip":
        return f"10.{rng.randrange(255)}.{rng.randrange(255)}.{rng.randrange(1, 255)}"
    return f"{rng.getrandbits(48):012x}"


def _two(rng: random.Random) -> str:
    return f"{rng.randrange(60):02}"


def _day(rng: random.Random) -> str:
    return f"2026-{rng.randrange(5, 12):02}-{rng.randrange(1, 22):02}T10:00:00Z"
