"""Makes the logs: a trouble among a program's ordinary lines, in its format, where the file of troubles says.

``cases("first")``, ``cases("second")`` and ``cases("third")`` were each written before the digest was measured on them.
Everything is drawn from a seed, so that a case is the same in every run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.domain.hard_logs import layouts, marks, programs, servers, structured

_FILES = Path(__file__).parents[2] / "corpus" / "logs"
_HOLE = re.compile(r"\{(n|s|ms|ip|u|h8|h16|h32|w|f|name|clf2?|isoz|epoch|idle|wait|cur|blob|giant|b36|ulid|prose)\}")
_STYLE = re.compile(r"^([DIWEFRA])\|")
_PROGRAMS = ("web", "jobs", "iot", "bank", "ml", "b36", "ulid", "prose")
Entry = tuple[str, list[str]]
"""A level, and a text in parts: every other one is a hole. ``R`` and ``A`` stand in no format."""


@dataclass(frozen=True)
class Case:
    """A log, how its lines are written, where its trouble stands, and the texts that its digest must hold."""

    name: str
    format: str
    layout: str
    log: bytes
    keep: tuple[str, ...]


@cache
def grounds() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load((_FILES / "grounds.yaml").read_text(encoding="utf-8"))
    return found


def cases(which: str, seed: str = "", *, longest: int = 1_000_000) -> Iterator[Case]:
    """Make all cases of a file of troubles; ``longest`` leaves out those that are quiet for more lines."""
    for told in yaml.safe_load((_FILES / f"hard_{which}.yaml").read_text(encoding="utf-8")):
        if told.get("quiet", 0) <= longest:
            log = Log(told, Random(f"{told['name']}{seed}"))
            yield Case(told["name"], told["format"], told["layout"], log.bytes(), tuple(told["keep"]))


class Log:
    """One log in the making."""

    def __init__(self, told: Mapping[str, Any], rng: Random) -> None:
        self.told = told
        self.rng = rng
        self.gauge: dict[str, int] = {}
        self.at = 1_741_075_200.0 + rng.random() * 7_200
        self._step = rng.uniform(0.05, 1.2)
        self._lines: list[str] = []
        self._format = _format(told["format"])
        self.program = told["ground"] in _PROGRAMS
        self.nouns = rng.sample(grounds()["nouns"], 60)
        rows = [_row(row) for row in grounds()[told["ground"]]]
        rows += layouts.tail(self, sum(row[0] for row in rows), grounds())
        self._rows = [(level, _parts(text)) for _, level, text in rows]
        self._weights = list(accumulate(row[0] for row in rows))
        self._once = rng.sample(grounds()["once"], len(grounds()["once"])) if self.program else []

    def bytes(self) -> bytes:
        cause, after = self.entries(self.told["cause"]), self.entries(self.told["after"])
        getattr(layouts, self.told["layout"])(self, cause, after)
        end = b"\r\n" if self.told.get("crlf") else b"\n"
        return end.join(line.encode() for line in "\n".join(self._lines).split("\n")) + end

    def entries(self, text: str) -> list[Entry]:
        """Read ``W|text`` lines; a line without a level goes on the one before."""
        found: list[tuple[str, str]] = []
        for line in text.split("\n") if text else ():
            style = _STYLE.match(line)
            if style:
                found.append((style[1], line[2:]))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
        return [(level, _parts(said)) for level, said in found]

    def put(self, level: str, parts: list[str]) -> None:
        self.at += self.rng.expovariate(1 / self._step)
        text = "".join(part if place % 2 == 0 else self._fill(part) for place, part in enumerate(parts))
        self._lines.append(text if level in "RA" else self._format(self.at, level, None, text, self.rng))

    def say(self, level: str, text: str) -> None:
        self.put(level, _parts(text))

    def quiet(self, count: int) -> None:
        for level, parts in self.rng.choices(self._rows, cum_weights=self._weights, k=count):
            self.put(level, parts)
            if self._once and self.rng.random() < 0.004:
                self.say(*_row(self._once.pop())[1:])

    def block(self, entries: list[Entry], *, mixed: bool = False) -> None:
        for place, (level, parts) in enumerate(entries):
            self.put(level, parts)
            formatted = level != "R" and place + 1 < len(entries) and entries[place + 1][0] != "R"
            if mixed and formatted and self.rng.random() < 0.3:
                self.quiet(1)

    def _fill(self, hole: str) -> str:
        rng = self.rng
        if hole in ("h8", "h16", "h32"):
            digits = int(hole[1:])
            return f"{rng.getrandbits(4 * digits):0{digits}x}"
        if hole == "u":
            x = f"{rng.getrandbits(128):032x}"
            return f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"
        if hole == "ip":
            return f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
        if hole in ("clf", "clf2"):
            return marks.day(self.at).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return str(self.gauge[hole]) if hole in self.gauge else _FILLED[hole](self)


def _syllables(log: Log) -> str:
    words = grounds()["syllables"]
    return " ".join("".join(log.rng.choices(words, k=log.rng.randrange(1, 4))) for _ in range(log.rng.randrange(4, 12)))


def _diff(log: Log, count: int) -> str:
    nouns = grounds()["nouns"]
    return "".join(f'"{log.rng.choice(nouns)}{log.rng.randrange(99)}":{log.rng.randrange(9999)},' for _ in range(count))


_FILLED: dict[str, Callable[[Log], str]] = {
    "n": lambda log: str(int(10 ** log.rng.uniform(0.5, 5))),
    "s": lambda log: str(log.rng.randrange(1, 10)),
    "ms": lambda log: str(log.rng.randrange(1, 900)),
    "w": lambda log: log.rng.choice(log.nouns),
    "f": lambda log: f"{log.rng.uniform(0, 99):.2f}",
    "name": lambda log: log.rng.choice(grounds()["names"]),
    "isoz": lambda log: marks.iso(log.at) + "Z",
    "epoch": lambda log: str(int(log.at)),
    "blob": lambda log: _diff(log, 900),
    "giant": lambda log: _diff(log, 20_000),
    "b36": lambda log: "".join(log.rng.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=20)),
    "ulid": lambda log: "01" + "".join(log.rng.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24)),
    "prose": _syllables,
}


def _row(text: str) -> tuple[float, str, str]:
    weight, level, said = text.split(" ", 2)
    return float(weight), level, said


def _format(name: str) -> Callable[[float, str, str | None, str, Random], str]:
    found: Callable[[float, str, str | None, str, Random], str] = next(
        vars(module)[name] for module in (structured, servers, programs) if name in vars(module)
    )
    return found


def _parts(text: str) -> list[str]:
    parts = _HOLE.split(text)
    if "{{" in text:
        parts[::2] = [part.replace("{{", "{").replace("}}", "}") for part in parts[::2]]
    return parts
